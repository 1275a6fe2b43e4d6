"""The rules of follow-ups that hold in every write."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import cast

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.i18n import msg
from kedang_tenants.changing import Draft, prepares
from kedang_tenants.changing.locking import after_customers
from kedang_tenants.customers.belonging import same_customer
from kedang_tenants.followups.models import BEHAVIOURS, CYCLE
from kedang_tenants.people.calendar import WEEKDAYS
from kedang_tenants.reading import Viewer

_FAST_CLOCK = timedelta(minutes=5)
_PRODUCTS_OWN = frozenset({"due_on", "owner_id", "state"})
"""What people may not set in a plan by the cycle."""
_WRITTEN_BY_PRODUCT = frozenset({"rule", "done_on"})
"""Read-only fields that come with every change which the product makes itself."""

after_customers("follow_up_plan", "follow_up_record")
after_customers("visit_form", of="SELECT customer_id FROM follow_up_plan WHERE visit_form_id = ANY({ids})")


@prepares("customer")
async def note_assignment(_write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], clock: Clock) -> None:
    """Since when the present owner has the customer."""
    for draft in drafts:
        before = draft.old.get("owner_id") if draft.old else None
        if draft.now("owner_id") != before:
            draft.values["assigned_on"] = viewer.today(clock) if draft.now("owner_id") else None


@prepares("follow_up_plan")
async def guard_plans(_write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], clock: Clock) -> None:
    """A plan by the cycle moves and ends by what happens, not by hand; a new one is for whoever plans it."""
    for draft in drafts:
        if draft.action == "create" and draft.now("owner_id") is None:
            draft.values["owner_id"] = viewer.member_id
        if draft.old is None or draft.now("origin") != CYCLE or _WRITTEN_BY_PRODUCT & draft.values.keys():
            continue
        if draft.action in {"archive", "restore"} or any(_moves(draft, name) for name in _PRODUCTS_OWN):
            draft.refuse(
                None, "PLANNED_BY_CYCLE", msg("This plan follows the cycle: record the follow-up instead.")
            )
    if viewer.member_id is not None:
        _guard_behaviour(drafts)
    await _close_by_hand(viewer, drafts, clock)


def _guard_behaviour(drafts: Sequence[Draft]) -> None:
    """What follows from behaviour may be done or called off by hand, for good; its day and its person follow."""
    for draft in drafts:
        if draft.old is None or draft.now("origin") not in BEHAVIOURS:
            continue
        if draft.action in {"archive", "restore"} or any(
            _moves(draft, name) for name in ("due_on", "owner_id")
        ):
            draft.refuse(
                None,
                "PLANNED_BY_BEHAVIOUR",
                msg("This plan follows what the customer does: record the follow-up, or cancel it."),
            )


def _moves(draft: Draft, name: str) -> bool:
    return name in draft.values and draft.old is not None and draft.values[name] != draft.old.get(name)


async def _close_by_hand(viewer: Viewer, drafts: Sequence[Draft], clock: Clock) -> None:
    for draft in drafts:
        if "state" in draft.values and "done_on" not in draft.values:
            is_open = draft.values["state"] == "PLANNED"
            draft.values["done_on"] = None if is_open else viewer.today(clock)


@prepares("follow_up_record")
async def guard_records(write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], clock: Clock) -> None:
    """A record is of the past, and its contact and plan are its customer's, who is held already."""
    latest = clock.now() + _FAST_CLOCK
    for draft in drafts:
        if draft.action == "create" and draft.now("member_id") is None:
            draft.values["member_id"] = viewer.member_id
        at = cast("datetime", draft.now("at"))
        if "at" in draft.values and at > latest:
            draft.refuse("at", "IN_THE_FUTURE", msg("This lies in the future; plan it instead."))
    await same_customer(write, drafts, "contact_id", "contact")
    await same_customer(write, drafts, "plan_id", "follow_up_plan")


@prepares("working_week")
async def guard_week(_write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], _clock: Clock) -> None:
    """Somebody has to work some day."""
    for draft in drafts:
        if len(cast("list[str]", draft.now("weekend"))) == len(WEEKDAYS):
            draft.refuse(
                "weekend", "NO_WORKING_DAY", msg("At least one day of the week must be a working day.")
            )
