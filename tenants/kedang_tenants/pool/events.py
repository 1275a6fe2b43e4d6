"""What moves the day on which customers return to the pool, told by events (A13)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.changing import Event, subscribe
from kedang_tenants.pool.renewing import RENEW, store
from kedang_tenants.pool.rule import KIND, pool_rule
from kedang_tenants.reading import Viewer

_OWN: Final = frozenset({"owner_id", "assigned_on", "hot_since", "grade_level_id"})
_MOVED_BY: Final = {
    "order": frozenset({"state", "ordered_on"}),
    "contract": frozenset({"state", "ends_on", "signed_on"}),
    "demand": frozenset({"state"}),
    "follow_up_record": frozenset({"at", "reached"}),
}
_TABLES: Final = {
    "order": "sales_order",
    "contract": "contract",
    "demand": "demand",
    "follow_up_record": "follow_up_record",
}
_CUSTOMERS: Final = {
    record: f"SELECT DISTINCT customer_id FROM {table} WHERE id = ANY($1::uuid[])"
    for record, table in _TABLES.items()
}
_RULES: Final = "SELECT EXISTS (SELECT 1 FROM rule_version WHERE id = ANY($1::uuid[]) AND kind = $2)"


@subscribe(
    "customer.created",
    "customer.updated",
    "customer.archived",
    "customer.restored",
    "customer.graded",
    at_customers=True,
)
async def renew_customers(write: TenantWrite, viewer: Viewer, events: Sequence[Event], clock: Clock) -> None:
    """Another owner, another grade, hot or not any more."""
    ids = {
        event.record_id
        for event in events
        if event.name != "customer.updated" or not _OWN.isdisjoint(event.changes)
    }
    await _renew(write, viewer, ids, clock)


@subscribe(
    *(f"{record}.{what}" for record in _TABLES for what in ("created", "updated", "archived", "restored")),
    at_customers=True,
)
async def renew_by_records(write: TenantWrite, viewer: Viewer, events: Sequence[Event], clock: Clock) -> None:
    """A contact, a deal, a demand, a contract."""
    record, _, what = events[0].name.partition(".")
    moved = [e.record_id for e in events if what != "updated" or not _MOVED_BY[record].isdisjoint(e.changes)]
    rows = await write.fetch(_CUSTOMERS[record], moved) if moved else []
    await _renew(write, viewer, {row["customer_id"] for row in rows}, clock)


async def _renew(write: TenantWrite, viewer: Viewer, customer_ids: set[UUID], clock: Clock) -> None:
    rule = await pool_rule(write) if customer_ids else None
    if rule is not None and rule.returns:
        await store(write, viewer, rule, sorted(customer_ids), clock=clock)


@subscribe("rule_version.created", "rule_version.updated")
async def renew_by_rule(write: TenantWrite, _viewer: Viewer, events: Sequence[Event], _clock: Clock) -> None:
    """Another rule in force, or none any more, moves the days of everybody."""
    ids = [event.record_id for event in events if "state" in event.changes]
    if ids and await write.fetchval(_RULES, ids, KIND):
        await enqueue(write, NewJob(RENEW))


@subscribe("grade_level.updated")
async def renew_by_level(write: TenantWrite, _viewer: Viewer, events: Sequence[Event], _clock: Clock) -> None:
    """What a level says of the pool moves the days of its customers."""
    if any(not {"pool_protected", "pool_after_days"}.isdisjoint(event.changes) for event in events):
        await enqueue(write, NewJob(RENEW))
