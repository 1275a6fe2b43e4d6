"""The line upward: a member has one superior, a department belongs to one other, and no line closes (T2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.i18n import msg
from kedang_tenants.changing import Draft, prepares
from kedang_tenants.reading import Viewer

# Two lines that are each open may close together, so whoever bends one waits for who did it before.
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('lines'), hashtext($1))"


@prepares("member")
async def guard_superiors(
    write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], _clock: Clock
) -> None:
    """Nobody is their own superior, nor the superior of somebody above them."""
    await _refuse_circles(write, drafts, "superior_id", msg("This person stands above the superior already."))


@prepares("department")
async def guard_departments(
    write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], _clock: Clock
) -> None:
    """A department lies neither in itself nor in one of its own parts."""
    await _refuse_circles(
        write, drafts, "parent_id", msg("The other department belongs to this one already.")
    )


async def _refuse_circles(write: TenantWrite, drafts: Sequence[Draft], field: str, message: str) -> None:
    bent = [draft for draft in drafts if draft.values.get(field) is not None]
    if not bent:
        return
    table = bent[0].record.table.name
    await write.fetchval(_ONE_AT_A_TIME, f"{write.company.schema}.{table}")
    rows = await write.fetch(f"SELECT id, {field} AS above FROM {table} WHERE {field} IS NOT NULL")
    above: dict[UUID, object] = {row["id"]: row["above"] for row in rows}
    above |= {draft.id: draft.values[field] for draft in drafts if field in draft.values}
    for draft in bent:
        if _meets_itself(draft.id, above):
            draft.refuse(field, "CIRCULAR", message)


def _meets_itself(start: UUID, above: Mapping[UUID, object]) -> bool:
    seen: set[object] = set()
    place: object = above.get(start)
    while place is not None and place not in seen:
        if place == start:
            return True
        seen.add(place)
        place = above.get(place) if isinstance(place, UUID) else None
    return False
