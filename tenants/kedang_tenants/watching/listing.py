"""Putting customers on the watch list and taking them off: every night for all, at once for the customers of an event (A18).

What the list says follows from the figures alone, so that looking again at the same figures changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.ids import new_id
from kedang_platform.work.parts import Part
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.reading import Viewer
from kedang_tenants.watching.checks import call_off
from kedang_tenants.watching.measuring import measure, reasons_of, top_sales
from kedang_tenants.watching.models import BEST, RISK
from kedang_tenants.watching.reasons import Reason, graver, restated, told
from kedang_tenants.watching.rule import Thresholds, load_thresholds

RECORD: Final = "watch_entry"
CHUNK: Final = 5_000
"""Customers that one step of the night takes."""
_STALE: Final = timedelta(days=7)
"""Figures of an entry are renewed after so long, though its reasons are the same."""
_NEXT: Final = """
SELECT id FROM customer WHERE archived_at IS NULL AND ($1::uuid IS NULL OR id > $1) ORDER BY id LIMIT $2
"""
_TURN: Final = "SELECT pg_advisory_xact_lock(hashtext('watch list'), hashtext($1))"
_OF_ARCHIVED: Final = """
SELECT w.id, w.customer_id FROM watch_entry w JOIN customer c ON c.id = w.customer_id AND c.archived_at IS NOT NULL
WHERE w.ended_on IS NULL AND w.archived_at IS NULL ORDER BY w.id
"""


@dataclass(frozen=True, slots=True)
class _Look:
    """What looking at customers on a day goes by."""

    thresholds: Thresholds
    day: date
    currency: str


async def watch_part(write: TenantWrite, viewer: Viewer, *, after: UUID | None, clock: Clock) -> Part:
    """Look at the next ``CHUNK`` customers behind the id ``after``, at both ends of the list."""
    await take_turns(write)
    ids = [row["id"] for row in await write.fetch(_NEXT, after, CHUNK)]
    changed = await watch(write, viewer, ids, sides=(RISK, BEST), clock=clock)
    if after is None:
        changed += await _end_archived(write, viewer, clock)
    return Part(last=ids[-1] if len(ids) == CHUNK else None, seen=len(ids), changed=changed)


async def take_turns(write: TenantWrite) -> None:
    """Wait for who else writes the company's watch list, so that nobody is put on it or told of twice."""
    await write.fetch(_TURN, write.company.schema)


async def count_customers(read: TenantRead) -> int:
    """How many customers there are to be looked at."""
    return int(await read.fetchval("SELECT count(*) FROM customer WHERE archived_at IS NULL"))


async def watch(
    write: TenantWrite, viewer: Viewer, customers: Sequence[UUID], *, sides: Sequence[str], clock: Clock
) -> int:
    """Make the entries of these customers right for today; how many have changed."""
    if not customers:
        return 0
    thresholds, day = await load_thresholds(write), viewer.today(clock)
    top = None
    if BEST in sides:
        top = await top_sales(write, thresholds, day=day, currency=viewer.currency)
    rows = await measure(
        write,
        customers,
        thresholds,
        day=day,
        currency=viewer.currency,
        top=top,
        zone=viewer.time_zone,
    )
    look = _Look(thresholds, day, viewer.currency)
    changes = [change for row in rows for side in sides if (change := _step(row, side, look)) is not None]
    changes.sort(key=lambda one: (one.action, "ended_on" in one.values))
    await change_internally(write, viewer, changes, clock=clock)
    ended = [change.id for change in changes if change.id is not None and "ended_on" in change.values]
    await call_off(write, viewer, ended, clock=clock)
    return len(changes)


def _step(row: asyncpg.Record, side: str, look: _Look) -> Change | None:
    """What has to happen to a customer's place at one end of the list; None where it is right."""
    found = reasons_of(dict(row), look.thresholds, side)
    entry = row[side.lower()]
    if entry is None:
        return _put_on(row["id"], side, found, look) if found else None
    if not found:
        return Change(RECORD, "update", entry, values={"ended_on": look.day})
    standing = orjson.loads(row[f"{side.lower()}_reasons"])
    same = found.keys() == standing.keys() and not restated(found, standing)
    if same and look.day - row[f"{side.lower()}_seen"] < _STALE:
        return None
    values = _told(found, look)
    anew = {"told_on": None} if graver(found, standing) else {}
    return Change(RECORD, "update", entry, values={**values, **anew})


def _put_on(customer: UUID, side: str, found: Mapping[str, Reason], look: _Look) -> Change:
    values = {"customer_id": customer, "side": side, "since_on": look.day, **_told(found, look)}
    return Change(RECORD, "create", new_id(), values=values)


def _told(found: Mapping[str, Reason], look: _Look) -> dict[str, Any]:
    return {**told(found, look.thresholds, currency=look.currency), "seen_on": look.day}


async def _end_archived(write: TenantWrite, viewer: Viewer, clock: Clock) -> int:
    """Customers that were put away are watched no more."""
    rows = await write.fetch(_OF_ARCHIVED)
    day = viewer.today(clock)
    changes = [Change(RECORD, "update", row["id"], values={"ended_on": day}) for row in rows]
    await change_internally(write, viewer, changes, clock=clock)
    await call_off(write, viewer, [row["id"] for row in rows], clock=clock)
    return len(changes)
