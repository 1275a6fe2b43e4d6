"""The rules of daily reports that hold in every write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.i18n import msg
from kedang_tenants.changing import Draft, prepares
from kedang_tenants.dailies.models import REPORTED, SETTLED, SUBMITTED
from kedang_tenants.reading import Viewer

_DECIDED = frozenset({SETTLED, REPORTED})
_REPORTS = "SELECT id, member_id, state, day FROM daily_report WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE"


@prepares("daily_report")
async def guard_reports(_write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], _clock: Clock) -> None:
    """A draft is its writer's, and so is what was returned; what was submitted stays as it is."""
    for draft in drafts:
        if draft.old is not None and not _of_the_product(draft, viewer):
            _guard(draft, viewer, draft.old)


@prepares("daily_report_card")
async def guard_cards(write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], _clock: Clock) -> None:
    """The cards of a draft are its writer's, and of its day."""
    asked = [draft for draft in drafts if not _of_the_product(draft, viewer)]
    if not asked:
        return
    ids = sorted({cast("UUID", draft.now("report_id")) for draft in asked})
    reports = {row["id"]: dict(row) for row in await write.fetch(_REPORTS, ids)}
    for draft in asked:
        report = reports.get(cast("UUID", draft.now("report_id")))
        if report is None:
            continue  # what does not exist is refused by the reference
        _guard(draft, viewer, report)
        if draft.old is not None and draft.old["settlement"] in _DECIDED:
            draft.refuse(None, "CARD_DECIDED", msg("The manager has decided on this already."))
        at = cast("datetime", draft.now("at"))
        if "at" in draft.values and at.astimezone(ZoneInfo(viewer.time_zone)).date() != report["day"]:
            draft.refuse("at", "OTHER_DAY", msg("This is not of the day of the report."))
        draft.values["edited"] = True  # taking a card out is editing it, too


def _guard(draft: Draft, viewer: Viewer, report: Mapping[str, Any]) -> None:
    if report["state"] == SUBMITTED:
        draft.refuse(None, "REPORT_SUBMITTED", msg("This report was submitted already."))
    elif report["member_id"] != viewer.member_id:
        draft.refuse(None, "REPORT_OF_SOMEBODY_ELSE", msg("Only whoever writes a report edits it."))


def _of_the_product(draft: Draft, viewer: Viewer) -> bool:
    """Whether the product itself makes this change: people cannot say read-only fields."""
    fields = draft.record.fields
    return viewer.member_id is None or any(
        fields[name].spec.read_only for name in draft.change.values if name in fields
    )
