"""Looking at the public pool: a list by names, and a customer in detail, as many a day as the rule allows (A13).

Whoever keeps customers sees the list, whose reach ends at their own otherwise; what a restricted archive holds is left
out. The details are those of the customer itself, and names of its contacts without their numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import BadUserInput
from kedang_platform.i18n import msg
from kedang_tenants.pool.claiming import ensure_may_claim, hold_member, hold_pooled
from kedang_tenants.pool.models import VIEWED
from kedang_tenants.pool.moving import Move, note_moves
from kedang_tenants.pool.rule import pool_rule
from kedang_tenants.reading import Viewer
from kedang_tenants.reading.ordering import SortKey, read_cursor, write_cursor

MOST: Final = 250
"""Customers of a page."""
_CONTACTS: Final = 20
_SIGNATURE: Final = "pool"
_KEYS: Final = [
    SortKey(name, cast, descending=False, nulls_last=True, nullable=False, name=name)
    for name, cast in (("pool_since", "timestamptz"), ("id", "uuid"))
]

_LIST: Final = """
SELECT c.id, c.number, c.name, c.directory, c.state, c.city, c.region, c.country, c.industry, c.grade_level_id,
       c.pool_since, lost.moved_on AS lost_on
FROM customer c
LEFT JOIN grade_level l ON l.id = c.grade_level_id
LEFT JOIN LATERAL (
    SELECT max(m.moved_on) AS moved_on FROM pool_move m
    WHERE m.customer_id = c.id AND m.member_id = $1 AND m.kind IN ('RECYCLED', 'RELEASED')
) lost ON true
WHERE c.pool_since IS NOT NULL AND c.owner_id IS NULL AND c.archived_at IS NULL
  AND (NOT c.restricted OR NOT $2 OR c.id = ANY($3::uuid[]))
  AND ($4::timestamptz IS NULL OR (c.pool_since, c.id) > ($4, $5::uuid))
  AND ($6::text IS NULL OR position(lower($6) in lower(c.name)) > 0)
  AND ($7::text IS NULL OR lower(c.city) = lower($7))
  AND ($8::text IS NULL OR l.code = $8)
ORDER BY c.pool_since, c.id LIMIT $9
"""
_VIEWED_TODAY: Final = """
SELECT count(*) AS views, bool_or(customer_id = $3) AS known FROM pool_move
WHERE member_id = $1 AND moved_on = $2 AND kind = 'VIEWED'
"""
_DETAILS: Final = """
SELECT id, address, postal_code, phone, fax, email, website, business_scope, employees, source, last_contact_at
FROM customer WHERE id = $1
"""
_PEOPLE: Final = f"""
SELECT name, title FROM contact WHERE customer_id = $1 AND archived_at IS NULL
ORDER BY "primary" DESC, name_sort, id LIMIT {_CONTACTS}
"""


class ViewsUsedUp(BadUserInput):
    """The person has looked at as many customers of the pool today as the rule allows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """A customer of the pool by name. ``claimable_on`` is the day from which a previous owner may claim it again."""

    id: UUID
    number: str | None
    name: str
    directory: str
    state: str
    city: str | None
    region: str | None
    country: str | None
    industry: str | None
    grade_level_id: UUID | None
    pool_since: datetime
    claimable_on: date | None

    @property
    def cursor(self) -> str:
        """Its place in the list."""
        return write_cursor(_SIGNATURE, [self.pool_since, self.id])


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What a page of the pool is to hold: customers whose name contains a text, of a city, of a grade by the code of its level."""

    name: str | None = None
    city: str | None = None
    grade: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some customers of the pool, those longest in it first, and whether there are more."""

    customers: Sequence[Pooled]
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What is told of a customer to whoever considers claiming it; ``left`` is how many more may be looked at today."""

    id: UUID
    address: str | None
    postal_code: str | None
    phone: str | None
    fax: str | None
    email: str | None
    website: str | None
    business_scope: str | None
    employees: int | None
    source: str | None
    last_contact_at: datetime | None
    contacts: Sequence[tuple[str, str | None]]
    left: int | None


async def list_pool(
    read: TenantRead,
    viewer: Viewer,
    *,
    sought: Sought,
    first: int,
    after: str | None,
    clock: Clock,
) -> Page:
    """The next ``first`` customers of the pool behind the cursor ``after``.

    Raises Forbidden for whoever keeps no customers, BadCursor.
    """
    member = ensure_may_claim(viewer)
    rule = await pool_rule(read)
    rows = await read.fetch(
        _LIST,
        member,
        viewer.closed,
        list(viewer.opened),
        *(read_cursor(after, _SIGNATURE, _KEYS) if after is not None else (None, None)),
        sought.name,
        sought.city,
        sought.grade,
        min(first, MOST) + 1,
    )
    today = viewer.today(clock)
    found = [_pooled(row, rule.pause_days, today) for row in rows[: min(first, MOST)]]
    return Page(found, more=len(rows) > len(found))


def _pooled(row: asyncpg.Record, pause: int | None, today: date) -> Pooled:
    values = dict(row)
    lost = values.pop("lost_on")
    free = lost + timedelta(days=pause or 0) if lost else None
    return Pooled(**values, claimable_on=free if free is not None and free > today else None)


async def look_at(write: TenantWrite, viewer: Viewer, *, customer_id: UUID, clock: Clock) -> Details:
    """What there is to know before claiming; it is noted, and counts once a day and customer.

    Raises Forbidden, NotFound for what is not in the pool, ViewsUsedUp.
    """
    member = ensure_may_claim(viewer)
    await hold_member(write, member)
    await hold_pooled(write, viewer, customer_id)
    rule, today = await pool_rule(write), viewer.today(clock)
    seen = await write.fetchrow(_VIEWED_TODAY, member, today, customer_id)
    assert seen is not None, "a count is a row"
    views = seen["views"] + (0 if seen["known"] else 1)
    if rule.views_per_day is not None and views > rule.views_per_day:
        message = msg(
            "You have looked at {count} customers of the public pool today; {limit} a day are allowed."
        )
        raise ViewsUsedUp(
            message, path=("input", "customerId"), count=seen["views"], limit=rule.views_per_day
        )
    if not seen["known"]:
        await note_moves(write, viewer, [Move(customer_id, member)], kind=VIEWED, clock=clock)
    return await _details(
        write, customer_id, None if rule.views_per_day is None else rule.views_per_day - views
    )


async def _details(read: TenantRead, customer_id: UUID, left: int | None) -> Details:
    row = await read.fetchrow(_DETAILS, customer_id)
    assert row is not None, "the customer is locked"
    people = await read.fetch(_PEOPLE, customer_id)
    values: dict[str, Any] = dict(row)
    return Details(**values, contacts=[(one["name"], one["title"]) for one in people], left=left)
