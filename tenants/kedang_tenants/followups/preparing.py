"""What is known before a visit (F2): who is there, what they decide, what they need and what they complain of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.i18n import Language, choose_language, msg, translate
from kedang_tenants.catalogue import ChoiceKind, catalogue
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.reading import Viewer
from kedang_tenants.reading.masks import owned
from kedang_tenants.reading.statement import Statement

MOST_PEOPLE: Final = 10
"""People of a customer that are named beside the one to be met."""
MOST_NOTES: Final = 1_000
LONGEST: Final = 10_000
_NOTED: Final = {"needs": msg("Needs: {text}"), "problems": msg("Problems: {text}")}
_UNPREPARED: Final = """
SELECT id, customer_id, contact_id FROM follow_up_plan
WHERE visit_form_id = $1 AND archived_at IS NULL AND state = 'PLANNED' AND COALESCE(preparation, '') = '' ORDER BY id
"""


async def prepare_visits(write: TenantWrite, viewer: Viewer, *, form_id: UUID, clock: Clock) -> int:
    """Write what the archives know into the visits of a form that nothing was prepared for; how many that are.

    In the language of the viewer, who edits it. What somebody has written stays.
    """
    plans = await write.fetch(_UNPREPARED, form_id)
    customers = sorted({plan["customer_id"] for plan in plans})
    language = choose_language(viewer.language)
    people = await _people(write, viewer, customers)
    notes = await _notes(write, viewer, customers)
    changes = [
        Change("follow_up_plan", "update", plan["id"], values={"preparation": said})
        for plan in plans
        if (said := _said(plan, people[plan["customer_id"]], notes[plan["customer_id"]], language))
    ]
    await change_internally(write, viewer, changes, clock=clock)
    return len(changes)


async def _people(
    read: TenantRead, viewer: Viewer, customers: Sequence[UUID]
) -> Mapping[UUID, list[asyncpg.Record]]:
    """The people of customers as far as the viewer may read of them: the main contact first."""
    statement = Statement()
    where = _within(statement, viewer, "contact", "k", customers)
    rows = await read.fetch(
        "SELECT k.id, k.customer_id, k.name, k.title, k.decision_power FROM contact k"
        f" WHERE {where} ORDER BY k.customer_id, k.primary DESC, k.name_sort, k.id",
        *statement.values,
    )
    return _by_customer(rows)


async def _notes(
    read: TenantRead, viewer: Viewer, customers: Sequence[UUID]
) -> Mapping[UUID, list[asyncpg.Record]]:
    """What was noted of needs and problems, as far as the viewer may read it: the newest first."""
    statement = Statement()
    where = _within(statement, viewer, "follow_up_record", "r", customers)
    rows = await read.fetch(
        "SELECT r.customer_id, NULLIF(r.needs, '') AS needs, NULLIF(r.problems, '') AS problems"
        f" FROM follow_up_record r WHERE {where} AND (r.needs <> '' OR r.problems <> '')"
        f" ORDER BY r.customer_id, r.at DESC, r.id DESC LIMIT {MOST_NOTES}",
        *statement.values,
    )
    return _by_customer(rows)


def _within(statement: Statement, viewer: Viewer, record: str, alias: str, customers: Sequence[UUID]) -> str:
    mine = owned(statement, viewer, catalogue().record(record), alias, viewer.on(record).read) or "TRUE"
    among = statement.bind(list(customers))
    return f"{alias}.customer_id = ANY({among}::uuid[]) AND {alias}.archived_at IS NULL AND {mine}"


def _by_customer(rows: Sequence[asyncpg.Record]) -> Mapping[UUID, list[asyncpg.Record]]:
    found: dict[UUID, list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        found[row["customer_id"]].append(row)
    return found


def _said(
    plan: asyncpg.Record,
    people: Sequence[asyncpg.Record],
    notes: Sequence[asyncpg.Record],
    language: Language,
) -> str:
    first = sorted(people, key=lambda one: one["id"] != plan["contact_id"])[:MOST_PEOPLE]
    lines = [_person(person, language) for person in first]
    for name, msgid in _NOTED.items():
        newest = next((note[name] for note in notes if note[name]), None)
        if newest:
            lines.append(translate(msgid, language, {"text": newest}))
    return "\n".join(lines)[:LONGEST]


def _person(person: asyncpg.Record, language: Language) -> str:
    power = _powers().get(person["decision_power"] or "")
    parts = [person["name"], person["title"], translate(power, language) if power else None]
    return " · ".join(part for part in parts if part)


def _powers() -> dict[str, str]:
    kind = catalogue().record("contact").fields["decision_power"].kind
    assert isinstance(kind, ChoiceKind)
    return {option.code: option.label for option in kind.options}
