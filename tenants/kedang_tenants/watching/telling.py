"""Telling owners and their managers who is on the watch list anew, or for another reason: one notice a person (A18)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from hashlib import sha256
from typing import Final
from uuid import UUID

import asyncpg
import orjson

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.i18n import Language, msg, translate
from kedang_tenants.catalogue.languages import in_our_languages, text_in
from kedang_tenants.people.everybody import Everybody, Person, load_everybody
from kedang_tenants.people.notices import WATCH_LIST
from kedang_tenants.people.openness import closed_to
from kedang_tenants.people.telling import Telling, tell
from kedang_tenants.reading import Scope, Viewer
from kedang_tenants.watching.models import SIDES
from kedang_tenants.watching.reasons import whole

LISTED: Final = 50
"""Customers that a notice names; it counts the others."""
_RECORD: Final = "watch_entry"
_UNTOLD: Final = """
SELECT w.id, w.customer_id, w.side, w.reasons, w.why, w.why_withheld, w.points, c.name, c.owner_id
FROM watch_entry w JOIN customer c ON c.id = w.customer_id AND c.archived_at IS NULL
WHERE w.told_on IS NULL AND w.ended_on IS NULL AND w.archived_at IS NULL AND ($1::uuid[] IS NULL OR w.id = ANY($1))
ORDER BY w.side DESC, w.points DESC, c.name_sort, w.id
"""
_TOLD: Final = "UPDATE watch_entry SET told_on = $2 WHERE id = ANY($1::uuid[])"
_LABELS: Final = {option.code: option.label for option in SIDES}
_ONE: Final = msg("Watch list: {customer}")
_SEVERAL: Final = msg("Watch list: {count} customers")
_MORE: Final = msg("And further customers: {count}")


async def tell_untold(
    write: TenantWrite, viewer: Viewer, *, entries: Sequence[UUID] | None = None, clock: Clock
) -> int:
    """Tell of the entries that nobody was told of yet, or of these among them; how many people are told."""
    rows = await write.fetch(_UNTOLD, list(entries) if entries is not None else None)
    if not rows:
        return 0
    day = viewer.today(clock)
    everybody = await load_everybody(write, day=day)
    readers: dict[UUID, list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        for reader in _readers(everybody, row["owner_id"]):
            readers[reader].append(row)
    asked = {(reader, _RECORD, row["id"]) for reader, own in readers.items() for row in own}
    closed = await closed_to(write, asked, now=clock.now())
    tellings = []
    for reader, own in readers.items():
        visible = [row for row in own if (reader, _RECORD, row["id"]) not in closed]
        if visible:
            tellings.append(_telling(everybody.people[reader], visible, day))
    told = await tell(write, viewer, tellings, clock=clock)
    await write.fetch(_TOLD, [row["id"] for row in rows], day)
    return told


def _readers(everybody: Everybody, owner: UUID | None) -> Iterable[UUID]:
    """The owner and the nearest above, as far as they may read of it; of nobody's customers those who lead the company."""
    if owner is None:
        return [person.id for person in next(everybody.general_managers(), []) if person.present]
    keeper = everybody.people.get(owner)
    found = [owner] if keeper is not None and _may_read(keeper, owner) else []
    for group in everybody.superiors(owner):
        able = [person.id for person in group if person.present and _may_read(person, owner)]
        if able:
            return [*found, *able]
    return found


def _may_read(person: Person, owner: UUID) -> bool:
    scope = person.reads(_RECORD)
    return scope is not Scope.NONE and person.covers(scope, owner)


def _telling(reader: Person, rows: Sequence[asyncpg.Record], day: date) -> Telling:
    alone = len(rows) == 1
    said = "".join(f"{row['id']}{row['why']}{row['why_withheld'] or ''}" for row in rows)
    content = sha256(said.encode()).hexdigest()[:32]
    return Telling(
        kind=WATCH_LIST,
        member_id=reader.id,
        occasion=f"watch:{day.isoformat()}:{content}",
        title=_ONE if alone else _SEVERAL,
        body="{lines}",
        params={
            "customer": rows[0]["name"],
            "count": len(rows),
            "lines": in_our_languages(lambda language: "\n".join(_lines(reader, rows, language))),
        },
        details={"day": day.isoformat(), "customers": len(rows)},
        about=(_RECORD, rows[0]["id"]) if alone else None,
    )


def _lines(reader: Person, rows: Sequence[asyncpg.Record], language: Language) -> list[str]:
    lines = []
    for row in rows[:LISTED]:
        params = {
            "side": translate(_LABELS[row["side"]], language),
            "customer": row["name"],
            "why": _why(reader, row, language),
        }
        lines.append(translate(msg("{side}: {customer} – {why}"), language, params))
    if len(rows) > LISTED:
        lines.append(translate(_MORE, language, {"count": len(rows) - LISTED}))
    return lines


def _why(reader: Person, row: asyncpg.Record, language: Language) -> str:
    """Why a customer is on the list, as far as it is for this reader."""
    openly = text_in(orjson.loads(row["why"]), language)
    access = reader.access[_RECORD]
    scope = min(access.read, access.sensitive.get("credit", Scope.NONE))
    if row["why_withheld"] is None or not reader.covers(scope, row["owner_id"]):
        return openly
    withheld = text_in(orjson.loads(row["why_withheld"]), language)
    return whole(withheld, openly, only_withheld=not orjson.loads(row["reasons"]))
