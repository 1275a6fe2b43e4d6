"""What another rule would do: who would return to the public pool until a day, before it is in force (A13)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead
from kedang_platform.errors import Forbidden
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import catalogue
from kedang_tenants.pool.returning import returns
from kedang_tenants.pool.rule import KIND, rule_of
from kedang_tenants.reading import Scope, Viewer
from kedang_tenants.reading.masks import visible
from kedang_tenants.reading.ordering import SortKey, read_cursor, write_cursor
from kedang_tenants.reading.statement import Statement
from kedang_tenants.rules.drafting import check_content

MOST: Final = 250
"""Customers of a page."""
_SIGNATURE: Final = "pool preview"
_KEYS: Final = [
    SortKey(name, cast, descending=False, nulls_last=True, nullable=False, name=name)
    for name, cast in (("return_on", "date"), ("id", "uuid"))
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Returning:
    """A customer that would return, who has it, on which day by which cause; ``now_on`` is the day that stands now."""

    id: UUID
    owner_id: UUID
    return_on: date
    why: str
    now_on: date | None

    @property
    def cursor(self) -> str:
        """Its place in the list."""
        return write_cursor(_SIGNATURE, [self.return_on, self.id])


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """How many would return until the day, by cause and by owner, how many do by what is in force, and a page of them."""

    returning: int
    returning_now: int
    protected: int
    by_cause: Mapping[str, int]
    by_owner: Mapping[UUID, int]
    customers: Sequence[Returning]
    more: bool


async def preview(
    read: TenantRead,
    viewer: Viewer,
    *,
    content: object,
    until: date,
    first: int,
    after: str | None = None,
    clock: Clock,
) -> Preview:
    """Who of the customers that the viewer sees would return until ``until``, the first of them by day.

    Raises Forbidden for whoever drafts no rules, Refused for a content that cannot be one, BadCursor.
    """
    if viewer.on("rule_version").create is Scope.NONE:
        raise Forbidden(msg("You may not do this."))
    said = await check_content(read, viewer, KIND, content, path=("content",))
    statement = Statement()
    found = returns(statement, rule_of(said), today=viewer.today(clock), zone=viewer.time_zone)
    seen = visible(statement, viewer, catalogue().record("customer"), "c") or "TRUE"
    last = f"{statement.bind(until)}::date"
    behind = _behind(statement, after) if after is not None else "TRUE"
    size = min(first, MOST)
    limit = statement.bind(size + 1)
    page = f"""
SELECT id, owner_id, return_on, why, stored_on FROM due
WHERE return_on <= {last} AND {behind}
ORDER BY return_on, id LIMIT {limit}::int
"""
    row = await read.fetchrow(
        f"""
WITH due AS MATERIALIZED (
    SELECT r.* FROM ({found}) r JOIN customer c ON c.id = r.id WHERE {seen}
)
SELECT (SELECT count(*) FROM due WHERE return_on <= {last})::int AS returning,
       (SELECT count(*) FROM due WHERE stored_on <= {last})::int AS returning_now,
       (SELECT count(*) FROM due WHERE protected)::int AS protected,
       ARRAY(SELECT (why, count(*)::int) FROM due WHERE return_on <= {last} GROUP BY why ORDER BY why) AS by_cause,
       ARRAY(SELECT (owner_id, count(*)::int) FROM due WHERE return_on <= {last} GROUP BY owner_id
             ORDER BY count(*) DESC, owner_id) AS by_owner,
       ARRAY(SELECT (p.id, p.owner_id, p.return_on, p.why, p.stored_on) FROM ({page}) p
             ORDER BY p.return_on, p.id) AS customers
""",
        *statement.values,
    )
    assert row is not None, "counts are a row"
    listed = [
        Returning(id=one[0], owner_id=one[1], return_on=one[2], why=one[3], now_on=one[4])
        for one in row["customers"]
    ]
    return Preview(
        returning=row["returning"],
        returning_now=row["returning_now"],
        protected=row["protected"],
        by_cause=dict(tuple(one) for one in row["by_cause"]),
        by_owner=dict(tuple(one) for one in row["by_owner"]),
        customers=listed[:size],
        more=len(listed) > size,
    )


def _behind(statement: Statement, cursor: str) -> str:
    day, customer = read_cursor(cursor, _SIGNATURE, _KEYS)
    return f"(return_on, id) > ({statement.bind(day)}::date, {statement.bind(customer)}::uuid)"
