"""What holds of visit forms and their visits in every write (F2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast
from uuid import UUID

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.i18n import msg
from kedang_tenants.changing import Change, Draft, afterwards, change_internally, prepares
from kedang_tenants.followups.models import MANUAL, PLANNED
from kedang_tenants.followups.visits import APPROVED, EDITABLE, SUBMITTED
from kedang_tenants.reading import Viewer

_WRITTEN_BEFORE: Final = frozenset({"visit_on", "leaves_at", "returns_at", "purpose", "means"})
"""What an approval is given to."""
_STANDING: Final = frozenset({SUBMITTED, APPROVED})
"""The states in which others count on a form."""
_SETTLED: Final = msg(
    "What was submitted stays as it is: withdraw it, wait until it is returned, or call the form off."
)
_FORMS: Final = "SELECT id, member_id, state, archived_at FROM visit_form WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE"
_OF_THE_DAY: Final = """
SELECT id FROM follow_up_plan
WHERE visit_form_id = $1 AND due_on = $2 AND state = $3 AND origin = $4 AND archived_at IS NULL ORDER BY id
"""
# Each counts behind whoever counted before: an update that waits would write what it read before the other's.
_IN_TURN: Final = "SELECT id FROM visit_form WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE"
# What was planned is what was approved; what is done of it is noted whenever it is.
_COUNT: Final = """
UPDATE visit_form f SET
    planned_visits = CASE WHEN f.state = ANY($2::text[]) THEN found.planned ELSE f.planned_visits END,
    done_visits = found.done
FROM (
    SELECT asked.id, count(p.id)::integer AS planned,
           (count(p.id) FILTER (WHERE p.state = 'DONE' AND p.done_on = v.visit_on))::integer AS done
    FROM unnest($1::uuid[]) AS asked(id) JOIN visit_form v ON v.id = asked.id
    LEFT JOIN follow_up_plan p ON p.visit_form_id = asked.id AND p.archived_at IS NULL AND p.state <> 'CANCELLED'
    GROUP BY asked.id
) found
WHERE f.id = found.id
"""


@prepares("visit_form")
async def guard_forms(_write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], _clock: Clock) -> None:
    """A form is whoever's fills it in, one comes back after one has left, and what was submitted stays."""
    for draft in drafts:
        if draft.action == "create" and draft.now("member_id") is None:
            draft.values["member_id"] = viewer.member_id
        leaves, returns = (cast("str | None", draft.now(name)) for name in ("leaves_at", "returns_at"))
        if leaves and returns and returns < leaves:
            draft.refuse("returns_at", "ENDS_BEFORE_IT_STARTS", msg("This cannot be before the start."))
        if draft.old is None:
            continue
        state = draft.old["state"]
        if draft.action == "archive" and state in _STANDING:
            draft.refuse(None, "VISIT_FORM_SETTLED", msg("Call this form off first."))
        changed = {name for name in _WRITTEN_BEFORE & draft.values.keys() if _differs(draft, name)}
        if changed and state not in EDITABLE:
            draft.refuse(min(changed), "VISIT_FORM_SETTLED", _SETTLED)


@afterwards("visit_form")
async def move_visits(write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], clock: Clock) -> None:
    """A day out that is put off takes along the visits that were planned by hand for its day."""
    moved = [draft for draft in drafts if draft.old is not None and _differs_now(draft, "visit_on")]
    for draft in moved:
        old = cast("Mapping[str, object]", draft.old)
        rows = await write.fetch(_OF_THE_DAY, draft.id, old["visit_on"], PLANNED, MANUAL)
        changes = [
            Change("follow_up_plan", "update", row["id"], values={"due_on": draft.now("visit_on")})
            for row in rows
        ]
        await change_internally(write, viewer, changes, clock=clock)


def _differs_now(draft: Draft, name: str) -> bool:
    return name in draft.values and _differs(draft, name)


def _differs(draft: Draft, name: str) -> bool:
    return draft.old is None or draft.values[name] != draft.old.get(name)


@prepares("follow_up_plan")
async def guard_visits(write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], _clock: Clock) -> None:
    """A visit joins a form of the same person while that can be changed, and leaves none that others count on."""
    moving = [
        draft for draft in drafts if "visit_form_id" in draft.values and _differs(draft, "visit_form_id")
    ]
    named = {cast("UUID", draft.values["visit_form_id"]) for draft in moving}
    named |= {cast("UUID", draft.old["visit_form_id"]) for draft in moving if draft.old is not None}
    if not named - {None}:
        return
    rows = await write.fetch(_FORMS, sorted(named - {None}))
    forms = {row["id"]: row for row in rows}
    for draft in moving:
        _guard_visit(draft, forms, viewer)


def _guard_visit(draft: Draft, forms: Mapping[UUID, asyncpg.Record], viewer: Viewer) -> None:
    old = forms.get(cast("UUID", draft.old["visit_form_id"])) if draft.old is not None else None
    if old is not None and old["state"] in _STANDING:
        draft.refuse("visit_form_id", "VISIT_FORM_SETTLED", _SETTLED)
        return
    chosen = cast("UUID | None", draft.values["visit_form_id"])
    if chosen is None:
        draft.values["visit_position"] = None
        return
    form = forms.get(chosen)
    if form is None or form["archived_at"] is not None or form["state"] not in EDITABLE:
        draft.refuse("visit_form_id", "VISIT_FORM_SETTLED", _SETTLED)
        return
    if draft.action == "create" and "owner_id" not in draft.change.values:
        draft.values["owner_id"] = form["member_id"]
    if draft.now("owner_id") != form["member_id"] and viewer.member_id is not None:
        message = msg("A form has visits of the person only who goes out.")
        draft.refuse("visit_form_id", "OF_ANOTHER_MEMBER", message)
    if draft.now("state") not in {None, PLANNED}:
        draft.refuse(
            "visit_form_id", "NOT_PLANNED", msg("Only what is planned still can be done on a day out.")
        )
    if draft.now("way") is None:
        draft.values["way"] = "VISIT"


_COUNTED_BY: Final = frozenset({"visit_form_id", "state", "done_on", "archived_at"})


@afterwards("follow_up_plan")
async def count_visits(write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], _clock: Clock) -> None:
    """Keep what a form says of plan and deed right."""
    forms: set[object] = set()
    for draft in drafts:
        if _COUNTED_BY & draft.values.keys():
            forms |= {draft.now("visit_form_id"), (draft.old or {}).get("visit_form_id")}
    forms.discard(None)
    if forms:
        ids = sorted(cast("set[UUID]", forms))
        await write.fetch(_IN_TURN, ids)
        await write.fetch(_COUNT, ids, sorted(EDITABLE))
