"""Telling owners that the grades of their customers changed: one notice a person, however many moved (G7)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from uuid import UUID

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.i18n import Language, msg, translate
from kedang_tenants.catalogue.languages import in_our_languages
from kedang_tenants.changing import Event, subscribe
from kedang_tenants.people.notices import GRADE_CHANGED
from kedang_tenants.people.telling import Telling, tell
from kedang_tenants.reading import Viewer

NAMED: Final = 20
"""Customers that one notice names; the others are counted."""

_OWNED: Final = """
SELECT c.id, c.name, c.owner_id, old.code AS old, new.code AS new, new.position < old.position AS risen
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS moved (customer_id, old_id, new_id)
JOIN customer c ON c.id = moved.customer_id AND c.archived_at IS NULL AND c.owner_id IS NOT NULL
JOIN grade_level old ON old.id = moved.old_id
LEFT JOIN grade_level new ON new.id = moved.new_id
WHERE c.owner_id IS DISTINCT FROM $4
ORDER BY c.name_sort, c.id
"""


@subscribe("customer.graded")
async def tell_owners(write: TenantWrite, viewer: Viewer, events: Sequence[Event], clock: Clock) -> None:
    """Tell each owner whose customers had a grade and have another now, or none.

    A first grade is no change of one: nobody is told of it. Who graded a customer of their own knows.
    """
    moved = [(event.record_id, *_levels(event)) for event in events if _levels(event)[0] is not None]
    if not moved:
        return
    columns = [list(column) for column in zip(*moved, strict=True)]
    rows = await write.fetch(_OWNED, *columns, events[0].actor_id)
    by_owner: dict[UUID, list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        by_owner[row["owner_id"]].append(row)
    told = [_telling(owner, rows, events[0].sequence) for owner, rows in by_owner.items()]
    await tell(write, viewer, told, clock=clock)


def _levels(event: Event) -> tuple[UUID | None, UUID | None]:
    old, new = event.changes["grade_level_id"]
    return (UUID(hex=str(old)) if old else None, UUID(hex=str(new)) if new else None)


def _telling(owner: UUID, rows: Sequence[asyncpg.Record], sequence: int) -> Telling:
    occasion = f"graded:{sequence}"
    if len(rows) == 1:
        return _of_one(owner, rows[0], occasion)
    risen = sum(row["risen"] is True for row in rows)
    return Telling(
        kind=GRADE_CHANGED,
        member_id=owner,
        occasion=occasion,
        title=msg("The grades of {count} of your customers changed"),
        body=msg("{risen} of {count} rose. {names}"),
        params={
            "count": len(rows),
            "risen": risen,
            "names": in_our_languages(lambda lang: _names(rows, lang)),
        },
    )


def _of_one(owner: UUID, row: asyncpg.Record, occasion: str) -> Telling:
    gone = row["new"] is None
    title = msg("{customer} has no grade any more") if gone else msg("{customer}: grade {old} became {new}")
    body = (
        msg("{customer} had the grade {old} and has none any more.")
        if gone
        else msg("{customer} had the grade {old} and has {new} now. The customer's record says why.")
    )
    params: Mapping[str, object] = {"customer": row["name"], "old": row["old"], "new": row["new"] or ""}
    return Telling(
        kind=GRADE_CHANGED,
        member_id=owner,
        occasion=occasion,
        title=title,
        body=body,
        params=params,
        about=("customer", row["id"]),
    )


def _names(rows: Sequence[asyncpg.Record], language: Language) -> str:
    return "\n".join(_lines(rows, language))


def _lines(rows: Sequence[asyncpg.Record], language: Language) -> Iterator[str]:
    for row in rows[:NAMED]:
        yield f"{row['name']}: {row['old']} → {row['new'] or '–'}"
    if len(rows) > NAMED:
        yield translate(msg("and {count} more"), language, {"count": len(rows) - NAMED})
