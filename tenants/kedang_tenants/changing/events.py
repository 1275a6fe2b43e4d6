"""The audit trail read as events: what features want to know of each other, upward in the layers.

One job per transaction reads the transaction's audit rows and hands them to every subscriber, in the
order in which they were written. Subscribers run in one transaction of their own; they may be called
again after a crash and must then change nothing twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_tenants.changing.locking import hold_customers
from kedang_tenants.reading import Viewer


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to one record: ``name`` is ``customer.created``, ``changes`` field → [old, new]."""

    sequence: int
    at: datetime
    name: str
    record_id: UUID
    actor_id: UUID | None
    changes: Mapping[str, Sequence[object]]


Subscriber = Callable[[TenantWrite, Viewer, Sequence[Event], Clock], Awaitable[None]]

_subscribers: dict[str, list[Subscriber]] = defaultdict(list)
_at_customers: set[str] = set()


def subscribe(*names: str, at_customers: bool = False) -> Callable[[Subscriber], Subscriber]:
    """Register a function for events; it gets all events of one name in one transaction at once.

    ``at_customers``: it changes the customers of the records. Those of all events are locked before anybody is told,
    as one subscriber may take what comes after customers in the order of locks (``changing.locking``), and the next
    one further customers.
    """

    def register(function: Subscriber) -> Subscriber:
        for name in names:
            _subscribers[name].append(function)
        if at_customers:
            _at_customers.update(names)
        return function

    return register


async def events_of(read: TenantRead, transaction: UUID) -> list[Event]:
    """What a transaction did, in its order."""
    rows = await read.fetch(
        'SELECT sequence, at, action, record_id, actor_id, changes FROM "audit"'
        " WHERE transaction = $1 ORDER BY sequence",
        transaction,
    )
    return [
        Event(r["sequence"], r["at"], r["action"], r["record_id"], r["actor_id"], orjson.loads(r["changes"]))
        for r in rows
    ]


async def _hold_customers(write: TenantWrite, events: Sequence[Event]) -> None:
    if len(events) > 1:  # of a single one every subscriber holds the same customer
        records: dict[str, set[UUID]] = defaultdict(set)
        for event in events:
            records[event.name.partition(".")[0]].add(event.record_id)
        await hold_customers(write, records)


async def fan_out(write: TenantWrite, viewer: Viewer, transaction: UUID, *, clock: Clock) -> list[Event]:
    """Hand the events of a transaction, which it returns, to their subscribers; ``viewer`` is the product itself."""
    events = await events_of(write, transaction)
    by_name: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_name[event.name].append(event)
    await _hold_customers(write, [event for event in events if event.name in _at_customers])
    for name, alike in by_name.items():
        for subscriber in _subscribers.get(name, ()):
            await subscriber(write, viewer, alike, clock)
    return events
