"""When customers are graded by themselves: their orders change, or they become or cease to be buyers."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_tenants.changing import Event, subscribe
from kedang_tenants.grading.grades import grade_customers
from kedang_tenants.grading.models import TRAILING_12_MONTHS
from kedang_tenants.grading.schemes import enqueue_regrades, schemes_in_force
from kedang_tenants.reading import Viewer

_OF_ORDERS = "SELECT DISTINCT customer_id FROM sales_order WHERE id = ANY($1::uuid[])"
_OF_LINES = (
    "SELECT DISTINCT o.customer_id FROM order_line l JOIN sales_order o ON o.id = l.order_id"
    " WHERE l.id = ANY($1::uuid[])"
)
_COUNTS = {
    "order.updated": frozenset({"state", "ordered_on"}),
    "order_line.updated": frozenset({"amount"}),
    "customer.updated": frozenset({"roles", "directory"}),
}


@subscribe("order.created", "order.updated", "order.archived", "order.restored")
async def grade_by_orders(write: TenantWrite, viewer: Viewer, events: Sequence[Event], clock: Clock) -> None:
    await _grade_found(write, viewer, _OF_ORDERS, _that_count(events), clock)


@subscribe("order_line.created", "order_line.updated", "order_line.archived", "order_line.restored")
async def grade_by_order_lines(
    write: TenantWrite, viewer: Viewer, events: Sequence[Event], clock: Clock
) -> None:
    await _grade_found(write, viewer, _OF_LINES, _that_count(events), clock)


@subscribe("customer.created", "customer.updated", "customer.restored")
async def grade_by_customers(
    write: TenantWrite, viewer: Viewer, events: Sequence[Event], clock: Clock
) -> None:
    ids = _that_count(events)
    if ids and await schemes_in_force(write):
        await grade_customers(write, viewer, ids, clock=clock)


@subscribe("grade_scheme.updated")
async def grade_by_leading_scheme(
    write: TenantWrite, _viewer: Viewer, events: Sequence[Event], _clock: Clock
) -> None:
    """A scheme that comes to lead shows its grades at every customer."""
    ids = {event.record_id for event in events if "leads" in event.changes}
    if ids:
        schemes = [scheme for scheme in await schemes_in_force(write) if scheme.leads and scheme.id in ids]
        await enqueue_regrades(write, schemes)


async def grade_by_passing_time(write: TenantWrite) -> None:
    """Ask for the customers to be graded anew where the period moves with the days."""
    schemes = await schemes_in_force(write)
    await enqueue_regrades(write, [s for s in schemes if s.rule.period == TRAILING_12_MONTHS])


def _that_count(events: Sequence[Event]) -> list[UUID]:
    """The records of the events that may move a grade; an update of other fields does not."""
    return [
        event.record_id
        for event in events
        if event.name not in _COUNTS or _COUNTS[event.name] & event.changes.keys()
    ]


async def _grade_found(
    write: TenantWrite, viewer: Viewer, customers_of: str, ids: list[UUID], clock: Clock
) -> None:
    if not ids or not await schemes_in_force(write):
        return
    rows = await write.fetch(customers_of, ids)
    await grade_customers(write, viewer, [row["customer_id"] for row in rows], clock=clock)
