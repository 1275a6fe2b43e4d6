"""Who holds how many hot customers, how long, and what became of those before: so that managers see who hoards (A5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead
from kedang_tenants.catalogue import catalogue
from kedang_tenants.hot.rule import hot_rule
from kedang_tenants.reading import Scope, Viewer
from kedang_tenants.reading.masks import open_to
from kedang_tenants.reading.statement import Statement

LOOKED_BACK: Final = timedelta(days=90)
"""Over how long the marks that ended are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """What a member holds today, and what became of the hot customers that they had in the last ninety days.

    ``without_result`` are marks that expired, were lost, cleared or given up.
    """

    member_id: UUID
    hot: int
    cap: int | None
    oldest_since: date | None
    average_days: int | None
    with_result: int
    without_result: int

    @property
    def over_cap(self) -> bool:
        return self.cap is not None and self.hot > self.cap


async def holders(read: TenantRead, viewer: Viewer, *, clock: Clock) -> list[Holder]:
    """Those who hold or held hot customers, as far as the viewer reads hot marks, the most first.

    Archives that are closed to the viewer do not count (A11).
    """
    scope, today = viewer.on("hot_mark").read, viewer.today(clock)
    if scope is Scope.NONE:
        return []
    rule, statement = await hot_rule(read), Statement()
    day = f"{statement.bind(today)}::date"
    since = f"{statement.bind(today - LOOKED_BACK)}::date"
    where = open_to(statement, viewer, catalogue().record("customer"), "c") or "TRUE"
    if scope is not Scope.ALL:
        where += f" AND c.owner_id = ANY({statement.bind(list(viewer.members_within(scope)))}::uuid[])"
    rows = await read.fetch(
        f"""
SELECT c.owner_id AS member_id,
       count(DISTINCT c.id) FILTER (WHERE c.hot_since IS NOT NULL)::int AS hot,
       min(c.hot_since) AS oldest_since,
       (avg({day} - m.since) FILTER (WHERE m.ended_on IS NULL))::int AS average_days,
       count(m.id) FILTER (WHERE m.ending IN ('WON', 'CONTRACT_SIGNED'))::int AS with_result,
       count(m.id) FILTER (WHERE m.ending NOT IN ('WON', 'CONTRACT_SIGNED'))::int AS without_result
FROM hot_mark m JOIN customer c ON c.id = m.customer_id
WHERE c.owner_id IS NOT NULL AND c.archived_at IS NULL AND (m.ended_on IS NULL OR m.ended_on >= {since}) AND {where}
GROUP BY c.owner_id
ORDER BY hot DESC, min(c.hot_since), c.owner_id
""",
        *statement.values,
    )
    return [Holder(**row, cap=rule.most_per_member) for row in rows]
