"""When customers become hot and cease to be by themselves: demands open and close, contracts are signed (A5)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.i18n import Language, msg, translate
from kedang_tenants.changing import Event, subscribe
from kedang_tenants.hot.caps import HotCapReached, cap_reached, hold_places
from kedang_tenants.hot.marking import begin_mark, end_marks, last_day
from kedang_tenants.hot.models import BY_DEMAND, CLEARED, CONTRACT_SIGNED, LONGEST_REASON, LOST, WON
from kedang_tenants.hot.rule import HotRule, hot_rule
from kedang_tenants.people.notices import HOT_CUSTOMER
from kedang_tenants.people.telling import Telling, tell
from kedang_tenants.reading import Viewer

_REASON: Final = msg("Demand: {title}")
_NOT_MARKED: Final = msg("{customer} was not made a hot customer")
_FULL: Final = msg(
    "The demand “{title}” would have made {customer} a hot customer, but there are {count} already and {cap} are"
    " allowed. Clear another one, or mark it by hand."
)

# One demand a customer, the oldest of those that opened.
_OPENED: Final = """
SELECT DISTINCT ON (c.id) c.id, c.name, c.owner_id, c.hot_since, d.id AS demand_id, d.title
FROM demand d JOIN customer c ON c.id = d.customer_id
WHERE d.id = ANY($1::uuid[]) AND d.state = 'OPEN' AND d.archived_at IS NULL
  AND c.archived_at IS NULL AND c.owner_id IS NOT NULL AND c.hot_since IS NULL
ORDER BY c.id, d.created_at, d.id
"""
_LOCK: Final = "SELECT id FROM customer WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE"
# Of customers whose last open demand is one of these: how the demand ended that ended last.
_CLOSED: Final = """
SELECT DISTINCT ON (d.customer_id) d.customer_id, d.state
FROM demand d
WHERE d.id = ANY($1::uuid[]) AND d.state IN ('WON', 'LOST')
  AND NOT EXISTS (SELECT 1 FROM demand o WHERE o.customer_id = d.customer_id AND o.state = 'OPEN'
                  AND o.archived_at IS NULL)
ORDER BY d.customer_id, d.closed_on DESC NULLS LAST, d.id DESC
"""
_WITHDRAWN: Final = """
SELECT DISTINCT d.customer_id FROM demand d
JOIN hot_mark m ON m.customer_id = d.customer_id AND m.ended_on IS NULL AND m.origin = 'BY_DEMAND'
WHERE d.id = ANY($1::uuid[])
  AND NOT EXISTS (SELECT 1 FROM demand o WHERE o.customer_id = d.customer_id AND o.state = 'OPEN'
                  AND o.archived_at IS NULL)
"""
_SIGNED: Final = """
SELECT DISTINCT customer_id FROM contract
WHERE id = ANY($1::uuid[]) AND state = 'IN_FORCE' AND archived_at IS NULL
"""


@subscribe("demand.created", "demand.restored", at_customers=True)
async def mark_by_demands(write: TenantWrite, viewer: Viewer, events: Sequence[Event], clock: Clock) -> None:
    """A demand that opens makes its customer a hot one, where the company's rule says so and there is a place."""
    rule = await hot_rule(write)
    if not rule.by_demand:
        return
    ids = [event.record_id for event in events]
    found = await write.fetch(_OPENED, ids)
    await write.fetch(_LOCK, [row["id"] for row in found])
    await hold_places(write)
    for row in await write.fetch(_OPENED, ids) if found else []:
        await _mark(write, viewer, rule, row, clock)


async def _mark(write: TenantWrite, viewer: Viewer, rule: HotRule, row: asyncpg.Record, clock: Clock) -> None:
    reached = await cap_reached(write, rule, owner_id=row["owner_id"])
    if reached is not None:
        await tell(write, viewer, [_full(row, reached)], clock=clock)
        return
    language: Language = "zh-CN" if viewer.language == "zh-CN" else "en"
    reason = translate(_REASON, language, {"title": row["title"]})
    await begin_mark(
        write,
        viewer,
        dict(row),
        reason=reason[:LONGEST_REASON],
        until=last_day(rule, until=None, today=viewer.today(clock)),
        origin=BY_DEMAND,
        marked_by=None,
        clock=clock,
    )


def _full(row: asyncpg.Record, reached: HotCapReached) -> Telling:
    return Telling(
        kind=HOT_CUSTOMER,
        member_id=row["owner_id"],
        occasion=f"hot-full:{row['demand_id'].hex}",
        title=_NOT_MARKED,
        body=_FULL,
        params={"customer": row["name"], "title": row["title"], **reached.params},
        about=("customer", row["id"]),
    )


@subscribe("demand.updated", at_customers=True)
async def cool_by_demands(write: TenantWrite, viewer: Viewer, events: Sequence[Event], clock: Clock) -> None:
    """The last open demand that is won or lost takes the mark away."""
    rows = await write.fetch(_CLOSED, _moved(events))
    for ending in (WON, LOST):
        customers = [row["customer_id"] for row in rows if row["state"] == ending]
        await end_marks(write, viewer, customers, ending=ending, clock=clock)


@subscribe("demand.archived", at_customers=True)
async def cool_by_withdrawal(
    write: TenantWrite, viewer: Viewer, events: Sequence[Event], clock: Clock
) -> None:
    """A mark that a demand brought goes with the last one that is put away."""
    rows = await write.fetch(_WITHDRAWN, [event.record_id for event in events])
    await end_marks(write, viewer, [row["customer_id"] for row in rows], ending=CLEARED, clock=clock)


@subscribe("contract.created", "contract.updated", at_customers=True)
async def cool_by_contracts(
    write: TenantWrite, viewer: Viewer, events: Sequence[Event], clock: Clock
) -> None:
    """A signed contract takes the mark away."""
    rows = await write.fetch(_SIGNED, _moved(events))
    await end_marks(write, viewer, [row["customer_id"] for row in rows], ending=CONTRACT_SIGNED, clock=clock)


def _moved(events: Iterable[Event]) -> list[UUID]:
    """The records that came to another state."""
    return [event.record_id for event in events if "state" in event.changes]
