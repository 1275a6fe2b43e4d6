"""What every kind of report needs to ask its question: whose eyes, which days, which customers.

Figures follow the right to read; a list of records follows the right to take records of that kind
away. So a representative, who may not export customers, gets the figures of their own customers and
no list of them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import orjson

from kedang_platform.database import TenantRead
from kedang_platform.errors import Forbidden, NotFound
from kedang_platform.i18n import Language, msg, translate
from kedang_tenants.catalogue import catalogue
from kedang_tenants.catalogue.languages import text_in
from kedang_tenants.reading import Scope, Viewer
from kedang_tenants.reading.masks import owned, visible
from kedang_tenants.reading.statement import Statement
from kedang_tenants.reports.document import Words
from kedang_tenants.reports.parameters import GRADE, REGION, Given, Parameter, facts_in
from kedang_tenants.reports.schedule import Span

_FETCH: Final = 2_000
GREY: Final = "#9aa5b1"
"""Of what has no grade."""

_DEPARTMENT = """
WITH RECURSIVE below AS (
    SELECT id FROM department WHERE id = $1
    UNION SELECT d.id FROM department d JOIN below ON d.parent_id = below.id
)
SELECT m.id FROM member m JOIN below ON m.department_id = below.id
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question by one person, in a transaction in which nothing changes any more.

    ``now`` is when the figures are taken, ``people`` the owners that it is limited to (None: no limit). A
    ``timeless`` question is about how things stand now, whatever its ``span``.
    """

    read: TenantRead
    viewer: Viewer
    company: str
    made_for: str
    language: Language
    span: Span
    now: datetime
    scheme_id: UUID | None = None
    questionnaire_id: UUID | None = None
    people: tuple[UUID, ...] | None = None
    limited_to: tuple[str, ...] = ()
    timeless: bool = False
    told: Given = field(default_factory=Given)
    parameters: tuple[Parameter, ...] = ()

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.viewer.time_zone)

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    def text(self, msgid: str, **params: object) -> str:
        """A message in the reader's language."""
        return translate(msgid, self.language, params)

    def local_day(self, instant: datetime | None) -> str | None:
        """The day of an instant in the company's zone, as a cell."""
        return instant.astimezone(self.zone).date().isoformat() if instant else None


def reader(viewer: Viewer, *records: str) -> Viewer:
    """The viewer, seeing only rows of which they may read everything; raises Forbidden where there are none.

    Who may see names only would otherwise count what they may not look into.
    """
    access = dict(viewer.access)
    for record in records:
        known = viewer.on(record)
        if known.read is Scope.NONE:
            raise Forbidden(msg("You may not read what this report is about."))
        access[record] = replace(known, names=min(known.names, known.read))
    return replace(viewer, access=access, known_masks={})


def seen(statement: Statement, viewer: Viewer, record: str, alias: str) -> str:
    """The condition that the viewer sees a row."""
    return visible(statement, viewer, catalogue().record(record), alias) or "TRUE"


def within(statement: Statement, viewer: Viewer, record: str, alias: str, scope: Scope) -> str:
    """The condition that a row lies within a scope."""
    return owned(statement, viewer, catalogue().record(record), alias, scope) or "TRUE"


def of_people(statement: Statement, asked: Asked, column: str) -> str:
    """The condition that a row belongs to the people that the question is limited to."""
    return "TRUE" if asked.people is None else f"{column} = ANY({statement.bind(asked.people)}::uuid[])"


def of_customers(statement: Statement, asked: Asked, viewer: Viewer, alias: str = "c") -> str:
    """The condition that a customer is a living one, which the viewer sees and the question is about."""
    conditions = [
        f"{alias}.archived_at IS NULL",
        seen(statement, viewer, "customer", alias),
        of_people(statement, asked, f"{alias}.owner_id"),
    ]
    for parameter, column in ((REGION, "region"), (GRADE, "grade_level_id")):
        if (value := asked.told[parameter]) is not None:
            conditions.append(f"{alias}.{column} = {statement.bind(value)}")
    return " AND ".join(conditions)


async def people_of(
    read: TenantRead, *, department_id: UUID | None, member_id: UUID | None
) -> tuple[tuple[UUID, ...] | None, tuple[str, ...]]:
    """The people that department and person limit a report to, and what both are called; raises NotFound."""
    people: set[UUID] | None = None
    names = []
    if department_id is not None:
        names.append(await _called(read, "department", department_id, "onlyDepartmentId"))
        people = {row["id"] for row in await read.fetch(_DEPARTMENT, department_id)}
    if member_id is not None:
        names.append(await _called(read, "member", member_id, "onlyMemberId"))
        people = {member_id} if people is None else people & {member_id}
    return None if people is None else tuple(sorted(people)), tuple(names)


async def _called(read: TenantRead, table: str, of: UUID, said_as: str) -> str:
    name: str | None = await read.fetchval(f"SELECT name FROM {table} WHERE id = $1", of)
    if name is None:
        raise NotFound(msg("There is no such record."), path=("input", said_as))
    return name


async def in_pieces(
    read: TenantRead, name: str, statement: Statement, sql: str
) -> AsyncIterator[Sequence[asyncpg.Record]]:
    """The rows of a statement, a few thousand at a time, as they stood when it began.

    ``name`` is that of the cursor: one a kind of statement, since what is fetched from it is prepared.
    """
    await read.fetch(f"DECLARE {name} NO SCROLL CURSOR FOR {sql}", *statement.values)
    while rows := await read.fetch(f"FETCH FORWARD {_FETCH} FROM {name}"):
        yield rows


# Schemes


@dataclass(frozen=True, slots=True)
class Level:
    """A level of a scheme, ``position`` 1 being the best; ``id`` None stands for having no grade."""

    id: UUID | None
    code: str
    colour: str
    position: int


@dataclass(frozen=True, slots=True)
class Scheme:
    """A scheme with its levels in order, the last being that of customers without a grade."""

    id: UUID
    name: str
    leads: bool
    rule_version: int
    levels: tuple[Level, ...]

    def level(self, level_id: UUID | None) -> Level:
        return next((level for level in self.levels if level.id == level_id), self.levels[-1])

    @property
    def colours(self) -> dict[str, str]:
        return {level.code: level.colour for level in self.levels}


_SCHEME = """
SELECT id, name, leads, coalesce(rule_version, 0) AS rule_version FROM grade_scheme
WHERE archived_at IS NULL AND CASE WHEN $1::uuid IS NULL THEN leads ELSE id = $1 END
"""
_LEVELS = "SELECT id, code, colour, position FROM grade_level WHERE scheme_id = $1 ORDER BY position, code"


async def scheme_of(asked: Asked) -> Scheme:
    """The scheme that is asked for, or the leading one; raises NotFound where there is none."""
    row = await asked.read.fetchrow(_SCHEME, asked.scheme_id)
    if row is None:
        raise NotFound(msg("There is no such grade scheme."), path=("input", "schemeId"))
    levels = [
        Level(one["id"], one["code"], one["colour"] or GREY, one["position"])
        for one in await asked.read.fetch(_LEVELS, row["id"])
    ]
    last = max((level.position for level in levels), default=0) + 1
    return Scheme(
        row["id"], row["name"], row["leads"], row["rule_version"], (*levels, _no_grade(asked, last))
    )


def _no_grade(asked: Asked, position: int) -> Level:
    return Level(None, asked.text(msg("No grade")), GREY, position)


async def leading_scheme(asked: Asked) -> Scheme:
    """The scheme whose grades stand on customers; one without levels where none leads."""
    try:
        return await scheme_of(replace(asked, scheme_id=None))
    except NotFound:
        return Scheme(UUID(int=0), "", True, 0, (_no_grade(asked, 1),))


# What every report says of itself


def words(asked: Asked) -> Words:
    return Words(
        summary=asked.text(msg("Summary")),
        total=asked.text(msg("Total")),
        page=translate(msg("Page {page} of {pages}"), asked.language),
        more=translate(msg("Rows that stand only in the XLSX and CSV files: {count}"), asked.language),
    )


def facts_of(asked: Asked, *more: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    """The period, what it is limited to, whose report it is and as of when."""
    span = asked.span
    limits = [(asked.text(msg("Limited to")), ", ".join(asked.limited_to))] if asked.limited_to else []
    days = asked.text(msg("{first} to {last}"), first=span.first.isoformat(), last=span.last.isoformat())
    return (
        *([] if asked.timeless else [(asked.text(msg("Period")), days)]),
        *more,
        *facts_in(asked.parameters, asked.told, asked.language),
        *limits,
        (asked.text(msg("Made for")), asked.made_for),
        (asked.text(msg("Figures as of")), asked.now.astimezone(asked.zone).strftime("%Y-%m-%d %H:%M")),
    )


def scheme_fact(asked: Asked, scheme: Scheme) -> tuple[str, str]:
    version = asked.text(msg("version {version} of its rule"), version=scheme.rule_version)
    return asked.text(msg("Grade scheme")), f"{scheme.name} ({version})"


def localised(stored: str | dict[str, Any] | None, language: Language) -> str:
    """A text of the company's own in the reader's language."""
    texts = orjson.loads(stored) if isinstance(stored, str) else stored
    return text_in(texts or {}, language)
