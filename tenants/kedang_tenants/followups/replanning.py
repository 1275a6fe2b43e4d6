"""Placing the contacts of many customers afresh, person by person: a cycle, the calendar, a rule or a person's capacity
has changed (F1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.work.parts import Part
from kedang_tenants.followups.planning import plan_next
from kedang_tenants.reading import Viewer

CHUNK = 2_000
"""Customers that one step takes, or all of a person who has more: persons are not divided, as days are theirs."""

_CONDITIONS: Final[Mapping[str, str]] = {
    "level": "c.grade_level_id = $1",
    "class": (
        "EXISTS (SELECT 1 FROM classified_customer k WHERE k.customer_id = c.id AND k.class_id = $1"
        " AND k.archived_at IS NULL)"
    ),
    "member": "c.owner_id = $1",
    "hot": "$1::uuid IS NULL AND c.hot_since IS NOT NULL",
    "all": "$1::uuid IS NULL",
}
_LIVING: Final = "c.owner_id IS NOT NULL AND c.archived_at IS NULL"


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose contacts are placed afresh: of a ``level``, a ``class``, a ``member``, of ``hot`` customers, or of ``all``."""

    by: str
    id: UUID | None = None

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> Whose:
        """As the payload of the job says; a payload with nothing in it means all."""
        for by in ("level", "class", "member"):
            if payload.get(by):
                return cls(by, UUID(str(payload[by])))
        return cls("hot" if payload.get("hot") else "all")

    @property
    def condition(self) -> str:
        """On the customer ``c``; $1 is the id."""
        return f"{_LIVING} AND {_CONDITIONS[self.by]}"


async def count_planned(read: TenantRead, whose: Whose) -> int:
    """How many customers a placing will look at."""
    return int(await read.fetchval(f"SELECT count(*) FROM customer c WHERE {whose.condition}", whose.id))


async def replan_part(
    write: TenantWrite, viewer: Viewer, *, whose: Whose, after: UUID | None, clock: Clock
) -> Part:
    """Place afresh for the next persons behind the member ``after``; repeating changes nothing."""
    rows = await write.fetch(
        "SELECT c.owner_id, array_agg(c.id) AS customers FROM customer c"
        f" WHERE {whose.condition} AND ($2::uuid IS NULL OR c.owner_id > $2)"
        " GROUP BY c.owner_id ORDER BY c.owner_id",
        whose.id,
        after,
    )
    ids: list[UUID] = []
    last: UUID | None = None
    for number, row in enumerate(rows, 1):
        ids += row["customers"]
        if len(ids) >= CHUNK:
            last = row["owner_id"] if number < len(rows) else None
            break
    changed = await plan_next(write, viewer, ids, clock=clock, afresh=True)
    return Part(last=last, seen=len(ids), changed=changed)
