"""When plans are made and moved by themselves: grade, class, hot mark, owner, behaviour, cycle, rule or calendar change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.work import JSON, NewJob, enqueue
from kedang_tenants.changing import Event, subscribe
from kedang_tenants.followups.planning import REPLAN, plan_next
from kedang_tenants.followups.planning_rules import KIND, planning_rule
from kedang_tenants.hot import rule as hot
from kedang_tenants.reading import Viewer

_ASKS_ANEW: Final = frozenset({"owner_id", "hot_since"})
_OF_ORDERS: Final = "SELECT DISTINCT customer_id FROM sales_order WHERE id = ANY($1::uuid[])"
_OF_QUOTATIONS: Final = "SELECT DISTINCT customer_id FROM quotation WHERE id = ANY($1::uuid[])"
_OF_CLASSES: Final = "SELECT DISTINCT customer_id FROM classified_customer WHERE id = ANY($1::uuid[])"
_KINDS: Final = "SELECT DISTINCT kind FROM rule_version WHERE id = ANY($1::uuid[])"


@subscribe("customer.graded", "customer.archived", "customer.restored", at_customers=True)
async def plan_by_grade(write: TenantWrite, viewer: Viewer, events: Sequence[Event], clock: Clock) -> None:
    await plan_next(write, viewer, [event.record_id for event in events], clock=clock)


@subscribe("customer.updated", at_customers=True)
async def plan_by_customer(write: TenantWrite, viewer: Viewer, events: Sequence[Event], clock: Clock) -> None:
    """Another owner, or a hot mark that came or went."""
    changed = [event.record_id for event in events if _ASKS_ANEW & event.changes.keys()]
    await plan_next(write, viewer, changed, clock=clock)


@subscribe(
    "classified_customer.created",
    "classified_customer.updated",
    "classified_customer.archived",
    at_customers=True,
)
async def plan_by_class(write: TenantWrite, viewer: Viewer, events: Sequence[Event], clock: Clock) -> None:
    """A customer comes into a class that asks for contacts, into another one, or leaves it."""
    await plan_next(write, viewer, await _customers(write, _OF_CLASSES, events), clock=clock)


@subscribe("order.created", "order.updated", "order.archived", "order.restored", at_customers=True)
async def plan_by_orders(write: TenantWrite, viewer: Viewer, events: Sequence[Event], clock: Clock) -> None:
    """Purchases ask for contacts where the company's rule follows any behaviour."""
    if (await planning_rule(write, viewer)).behaviour:
        await plan_next(write, viewer, await _customers(write, _OF_ORDERS, events), clock=clock)


@subscribe(
    "quotation.created", "quotation.updated", "quotation.archived", "quotation.restored", at_customers=True
)
async def plan_by_quotations(
    write: TenantWrite, viewer: Viewer, events: Sequence[Event], clock: Clock
) -> None:
    """Quotations that are sent, answered or withdrawn."""
    if (await planning_rule(write, viewer)).behaviour:
        await plan_next(write, viewer, await _customers(write, _OF_QUOTATIONS, events), clock=clock)


@subscribe("grade_level.updated")
async def plan_by_cycle(write: TenantWrite, _viewer: Viewer, events: Sequence[Event], _clock: Clock) -> None:
    """A new cycle moves the open plans of the level's customers."""
    await _replan(write, ({"level": str(one)} for one in _changed(events, {"cycle_days", "code"})))


@subscribe("customer_class.updated", "customer_class.archived", "customer_class.restored")
async def plan_by_class_cycle(
    write: TenantWrite, _viewer: Viewer, events: Sequence[Event], _clock: Clock
) -> None:
    """A new cycle moves the open plans of the class's customers."""
    changed = _changed(events, {"cycle_days", "name"})
    gone = [event.record_id for event in events if event.name != "customer_class.updated"]
    await _replan(write, ({"class": str(one)} for one in (*changed, *gone)))


@subscribe("member.updated")
async def plan_by_capacity(
    write: TenantWrite, _viewer: Viewer, events: Sequence[Event], _clock: Clock
) -> None:
    """Whoever takes on more or less a day has their contacts placed afresh."""
    await _replan(write, ({"member": str(one)} for one in _changed(events, {"contacts_per_day"})))


@subscribe("rule_version.updated")
async def plan_by_rule(write: TenantWrite, _viewer: Viewer, events: Sequence[Event], _clock: Clock) -> None:
    """A rule of follow-ups or of hot customers comes into force, or ends."""
    moved = _changed(events, {"state"})
    kinds = {row["kind"] for row in await write.fetch(_KINDS, moved)} if moved else set()
    if KIND in kinds:
        await _replan(write, [{}])
    elif hot.KIND in kinds:
        await _replan(write, [{"hot": True}])


@subscribe("working_week.updated")
async def plan_by_week(write: TenantWrite, _viewer: Viewer, events: Sequence[Event], _clock: Clock) -> None:
    """Other days of rest move what is not yet done."""
    if _changed(events, {"weekend"}):
        await _replan(write, [{}])


@subscribe(
    "calendar_day.created",
    "calendar_day.updated",
    "calendar_day.archived",
    "calendar_day.restored",
)
async def plan_by_calendar(
    write: TenantWrite, _viewer: Viewer, _events: Sequence[Event], _clock: Clock
) -> None:
    """A new calendar moves what is not yet done."""
    await _replan(write, [{}])


async def _customers(write: TenantWrite, of: str, events: Sequence[Event]) -> list[UUID]:
    rows = await write.fetch(of, [event.record_id for event in events])
    return [row["customer_id"] for row in rows]


def _changed(events: Iterable[Event], fields: set[str]) -> list[UUID]:
    """The records of which one of these fields changed."""
    return [event.record_id for event in events if fields & event.changes.keys()]


async def _replan(write: TenantWrite, whose: Iterable[dict[str, JSON]]) -> None:
    await enqueue(write, *(NewJob(REPLAN, payload) for payload in whose))
