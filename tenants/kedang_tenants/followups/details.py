"""What holds of the details of plans and records in every write (F2, F3), and plans that come again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final, cast

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.i18n import msg
from kedang_tenants.catalogue.languages import translated
from kedang_tenants.changing import Change, Draft, afterwards, change_internally, prepares
from kedang_tenants.classing.forms import forms_by_class
from kedang_tenants.customers.belonging import same_customer
from kedang_tenants.followups.models import CYCLE, DONE, PLANNED
from kedang_tenants.people.working_days import load_calendar
from kedang_tenants.reading import Viewer

_KEPT: Final = (
    "customer_id",
    "owner_id",
    "way",
    "purpose",
    "at_time",
    "duration_minutes",
    "contact_id",
    "content",
    "preparation",
    "repeat_days",
    "custom",
)
"""What the next plan of a row takes over from the one that is done."""
_AGAIN: Final = msg("{days} days after {day}, when it was last done.")
# The customer is there still, and nothing of the row is planned already (it was done, reopened, and done again).
_GOING_ON: Final = """
SELECT p.id FROM follow_up_plan p JOIN customer c ON c.id = p.customer_id AND c.archived_at IS NULL
WHERE p.id = ANY($1::uuid[]) AND p.archived_at IS NULL AND NOT EXISTS (
    SELECT FROM follow_up_plan n
    WHERE n.customer_id = p.customer_id AND n.owner_id = p.owner_id AND n.repeat_days = p.repeat_days
      AND n.way IS NOT DISTINCT FROM p.way AND n.purpose IS NOT DISTINCT FROM p.purpose
      AND n.state = 'PLANNED' AND n.archived_at IS NULL)
"""


forms_by_class("follow_up_record")


@prepares("follow_up_plan")
async def guard_details(write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], _clock: Clock) -> None:
    """Who is to be met belongs to the customer; a plan by the cycle comes again by the cycle alone."""
    await same_customer(write, drafts, "contact_id", "contact")
    for draft in drafts:
        if draft.values.get("repeat_days") is not None and draft.now("origin") == CYCLE:
            draft.refuse(
                "repeat_days",
                "PLANNED_BY_CYCLE",
                msg("This plan follows the cycle: it comes again by itself."),
            )


@prepares("follow_up_record")
async def name_note_taker(
    _write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], _clock: Clock
) -> None:
    """Whoever enters a record has noted it, unless somebody else is named."""
    for draft in drafts:
        if draft.action == "create" and draft.now("note_taker_id") is None:
            draft.values["note_taker_id"] = viewer.member_id


@afterwards("follow_up_plan")
async def plan_again(write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], clock: Clock) -> None:
    """A plan that comes again is planned anew once it is done: so many days later, on a working day."""
    done = {draft.id: draft for draft in drafts if _is_done_now(draft)}
    if not done:
        return
    going_on = {row["id"] for row in await write.fetch(_GOING_ON, list(done))}
    calendar = await load_calendar(write, country=viewer.country)
    new = []
    for plan_id, draft in done.items():
        if plan_id not in going_on:
            continue
        day, days = cast("date", draft.now("done_on")), cast("int", draft.now("repeat_days"))
        values: dict[str, Any] = {name: draft.now(name) for name in _KEPT}
        values |= {
            "due_on": calendar.next_working(day + timedelta(days=days)),
            "state": PLANNED,
            "rule": translated(_AGAIN, {"days": days, "day": day.isoformat()}),
        }
        new.append(Change("follow_up_plan", "create", values=values))
    await change_internally(write, viewer, new, clock=clock)


def _is_done_now(draft: Draft) -> bool:
    if draft.values.get("state") != DONE or draft.now("repeat_days") is None:
        return False
    return draft.old is None or draft.old.get("state") != DONE
