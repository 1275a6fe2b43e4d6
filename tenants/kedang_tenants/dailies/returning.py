"""Returning a daily report: whoever reads it says why, its writer mends it and submits it again (F5)."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.errors import Forbidden, KedangError, Refused, UserError
from kedang_platform.i18n import msg
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.changing.holding import Row, hold
from kedang_tenants.dailies.making import REPORT
from kedang_tenants.dailies.models import RETURNED, SUBMITTED
from kedang_tenants.dailies.settling import may_decide
from kedang_tenants.dailies.telling import returned_letter
from kedang_tenants.people.telling import tell
from kedang_tenants.reading import Viewer

# Submitting the report that gathered it waits for this, and this for it.
_GATHERED_IN: Final = "SELECT state FROM daily_report WHERE id = $1 FOR NO KEY UPDATE"


class ReportNotSubmitted(KedangError):
    """Only what was submitted can be returned."""


class ReportGathered(KedangError):
    """A report that was gathered in another one, which was submitted itself, is returned no more."""


async def return_report(
    write: TenantWrite, viewer: Viewer, *, report_id: UUID, why: str, version: int | None = None, clock: Clock
) -> None:
    """Return a report that was submitted to its writer, who is told why, edits it and submits it again.

    For whoever it was submitted to, the manager whom it names, who manages its writer's department, and general
    managers; nobody returns their own. What is urgent in it waits for its manager meanwhile; what was decided stays.
    Raises NotFound, Forbidden, Archived, ReportNotSubmitted, ReportGathered, and Refused without a reason or for a
    stale version.
    """
    row = await hold(write, viewer, REPORT, report_id)
    if not _may_return(viewer, row):
        raise Forbidden(msg("You may not do this."))
    if row["state"] != SUBMITTED:
        raise ReportNotSubmitted(msg("This report is not submitted."), path=("input", "id"))
    if not why.strip():
        raise Refused([UserError("REQUIRED", msg("This must be filled in."), ("input", "why"))])
    if row["gathered_in_id"] and await write.fetchval(_GATHERED_IN, row["gathered_in_id"]) == SUBMITTED:
        text = msg("This report was gathered in another one, which is submitted: return that one first.")
        raise ReportGathered(text, path=("input", "id"))
    values = {
        "state": RETURNED,
        "returned_by_id": viewer.member_id,
        "returned_at": clock.now(),
        "returned_why": why,
        "gathered_in_id": None,
    }
    step = Change(REPORT, "update", row["id"], version, values)
    await change_internally(write, viewer, [step], clock=clock)
    by = viewer.member_id
    assert by is not None, "who may return is a member"
    await tell(write, viewer, [await returned_letter(write, row, by=by, why=why, clock=clock)], clock=clock)


def _may_return(viewer: Viewer, row: Row) -> bool:
    if viewer.member_id is None or viewer.member_id == row["member_id"]:
        return False
    return viewer.member_id == row["recipient_id"] or may_decide(viewer, row)
