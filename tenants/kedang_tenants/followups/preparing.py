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
"""People of a customer that are named, the one to be met among them."""
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
    met = sorted({plan["contact_id"] for plan in plans} - {None})
    people = await _people(write, viewer, customers, met)
    notes = await _notes(write, viewer, customers)
    changes = [
        Change("follow_up_plan", "update", plan["id"], values={"preparation": said})
        for plan in plans
        if (said := _said(plan, people[plan["customer_id"]], notes[plan["customer_id"]], language))
    ]
    await change_internally(write, viewer, changes, clock=clock)
    return len(changes)


async def _people(
    read: TenantRead, viewer: Viewer, customers: Sequence[UUID], met: Sequence[UUID]
) -> Mapping[UUID, list[asyncpg.Record]]:
    """The people of customers as far as the viewer may read of them: the main contact first, whoever is met among them."""
    statement = Statement()
    asked, first = statement.bind(list(customers)), statement.bind(list(met))
    rows = await read.fetch(
        f"SELECT k.* FROM unnest({asked}::uuid[]) AS asked (id) CROSS JOIN LATERAL ("
        " SELECT k.id, k.customer_id, k.name, k.title, k.decision_power, k.primary, k.name_sort FROM contact k"
        f" WHERE {_of_asked(statement, viewer, 'contact', 'k')}"
        f" ORDER BY k.id = ANY({first}::uuid[]) DESC, k.primary DESC, k.name_sort, k.id LIMIT {MOST_PEOPLE}) k"
        " ORDER BY k.customer_id, k.primary DESC, k.name_sort, k.id",
        *statement.values,
    )
    found: dict[UUID, list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        found[row["customer_id"]].append(row)
    return found


async def _notes(
    read: TenantRead, viewer: Viewer, customers: Sequence[UUID]
) -> Mapping[UUID, asyncpg.Record]:
    """What was noted last of each customer's needs and problems, as far as the viewer may read it."""
    statement = Statement()
    asked = statement.bind(list(customers))
    within = _of_asked(statement, viewer, "follow_up_record", "r")
    newest = (
        f"(SELECT r.{name} FROM follow_up_record r WHERE {within} AND r.{name} <> ''"
        f" ORDER BY r.at DESC, r.id DESC LIMIT 1) AS {name}"
        for name in _NOTED
    )
    rows = await read.fetch(
        f"SELECT asked.id, {', '.join(newest)} FROM unnest({asked}::uuid[]) AS asked (id)", *statement.values
    )
    return {row["id"]: row for row in rows}


def _of_asked(statement: Statement, viewer: Viewer, record: str, alias: str) -> str:
    """The condition that a row is the asked customer's, in use, and for the viewer to read."""
    mine = owned(statement, viewer, catalogue().record(record), alias, viewer.on(record).read) or "TRUE"
    return f"{alias}.customer_id = asked.id AND {alias}.archived_at IS NULL AND {mine}"


def _said(
    plan: asyncpg.Record, people: Sequence[asyncpg.Record], noted: asyncpg.Record, language: Language
) -> str:
    first = sorted(people, key=lambda one: one["id"] != plan["contact_id"])
    lines = [_person(person, language) for person in first]
    lines += [
        translate(msgid, language, {"text": noted[name]}) for name, msgid in _NOTED.items() if noted[name]
    ]
    return "\n".join(lines)[:LONGEST]


def _person(person: asyncpg.Record, language: Language) -> str:
    power = _powers().get(person["decision_power"] or "")
    parts = [person["name"], person["title"], translate(power, language) if power else None]
    return " · ".join(part for part in parts if part)


def _powers() -> dict[str, str]:
    kind = catalogue().record("contact").fields["decision_power"].kind
    assert isinstance(kind, ChoiceKind)
    return {option.code: option.label for option in kind.options}
