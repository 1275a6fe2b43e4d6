"""The sheet that an invited person fills in: what is asked, what has been answered, and how long it stays open."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import orjson

from kedang_platform.database import TenantRead
from kedang_platform.i18n import Language
from kedang_platform.secret_links import token_hash
from kedang_tenants.catalogue.languages import language_of, text_in
from kedang_tenants.surveys.models import BOUNCED, GROUP, OPENED, PAGE, PENDING, SENT, SUBMITTED
from kedang_tenants.surveys.subjects import names_of

Standing = Literal["OPEN", "EDITABLE", "USED", "EXPIRED"]
Texts = Mapping[str, str]

COLUMNS = ("level", "number", "choice", "day", "text", "comment")
"""Where an answer to a question is kept: one of the first five by the question's kind, and the comment."""
NOBODY = UUID(int=0)
"""The invitation of a sheet that nobody has begun to fill in."""
NOTHING: Mapping[str, object] = MappingProxyType(dict.fromkeys(COLUMNS))
_TAKES_ANSWERS = frozenset({PENDING, SENT, BOUNCED, OPENED})

_INVITATION = """
SELECT i.id, i.questionnaire_id, i.version_id, i.customer_id, i.contact_id, i.subject, i.language, i.state,
       i.opened_at, i.expires_at, q.name, q.edit_hours, q.unhappy_at_most, q.unhappy_detractors,
       v.introduction, v.thanks, a.id AS answer_id, a.state AS answer_state, a.source, a.submitted_at
FROM survey_invitation i
JOIN questionnaire q ON q.id = i.questionnaire_id
JOIN questionnaire_version v ON v.id = i.version_id
LEFT JOIN survey_answer a ON a.invitation_id = i.id AND a.archived_at IS NULL
WHERE i.archived_at IS NULL AND i.state <> 'SKIPPED'
"""
_ITEMS = """
SELECT s.id, s.parent_id, s.kind, s.label, s.help, s.required, s.commentable, s.options,
       g.level, g.number, g.choice, g.day, g.text, g.comment
FROM survey_item s LEFT JOIN survey_item_answer g ON g.item_id = s.id AND g.answer_id = $2
WHERE s.version_id = $1 AND s.archived_at IS NULL ORDER BY s.position, s.id
"""


@dataclass(frozen=True, slots=True)
class Offer:
    """One option of a choice."""

    code: str
    label: Texts


@dataclass(frozen=True, slots=True)
class Item:
    """One question, or a heading (kind GROUP) over its ``parts``; ``depth`` is 0 at the top."""

    id: UUID
    depth: int
    kind: str
    label: Texts
    help: Texts | None
    required: bool
    commentable: bool
    offers: tuple[Offer, ...] = ()

    @property
    def asks(self) -> bool:
        """Whether something can be answered here; a heading may be commentable and nothing else."""
        return self.kind != GROUP or self.commentable


@dataclass(frozen=True, slots=True)
class Rule:
    """When an answer counts as unhappy: from this level down, and with 0 to 6 of 10 where detractors are meant, too."""

    at_most: str
    detractors: bool


@dataclass(frozen=True, slots=True)
class Sheet:
    """An invitation with its questions in order, each after the one it belongs to.

    ``given`` holds what was answered by question; ``standing`` says what can be done at this moment:
    OPEN takes answers, EDITABLE was handed in and may be changed until ``editable_until``.
    """

    invitation_id: UUID
    questionnaire_id: UUID
    version_id: UUID
    customer_id: UUID | None
    contact_id: UUID | None
    language: Language
    name: Texts
    introduction: Texts | None
    thanks: Texts | None
    about: str | None
    state: str
    opened_at: datetime | None
    expires_at: datetime
    standing: Standing
    answer_id: UUID | None
    submitted_at: datetime | None
    editable_until: datetime | None
    rule: Rule
    items: tuple[Item, ...]
    given: Mapping[UUID, Mapping[str, object]] = field(default_factory=dict)

    def text(self, texts: Texts | None, language: Language) -> str:
        return text_in(texts or {}, language)


async def find_sheet(read: TenantRead, *, token: bytes, now: datetime) -> Sheet | None:
    """The sheet that a link's token opens; None when it opens nothing here."""
    row = await read.fetchrow(f"{_INVITATION} AND i.token_hash = $1", token_hash(token))
    return None if row is None else await _sheet(read, row, now)


async def find_sheet_of(read: TenantRead, *, occasion: str, now: datetime) -> Sheet | None:
    """The sheet of what invited; None where nothing did."""
    row = await read.fetchrow(f"{_INVITATION} AND i.occasion = $1", occasion)
    return None if row is None else await _sheet(read, row, now)


async def held_sheet(read: TenantRead, *, invitation_id: UUID, now: datetime) -> Sheet | None:
    """The sheet of an invitation, which is held until the transaction ends: of two who answer, one waits."""
    held = await read.fetchval("SELECT id FROM survey_invitation WHERE id = $1 FOR UPDATE", invitation_id)
    if held is None:
        return None
    row = await read.fetchrow(f"{_INVITATION} AND i.id = $1", invitation_id)
    return None if row is None else await _sheet(read, row, now)


async def blank_items(read: TenantRead, version_id: UUID) -> tuple[Item, ...]:
    """What a version asks, in order."""
    return tuple(_ordered(await read.fetch(_ITEMS, version_id, None)))


async def _sheet(read: TenantRead, row: asyncpg.Record, now: datetime) -> Sheet:
    rows = await read.fetch(_ITEMS, row["version_id"], row["answer_id"])
    until = _editable_until(row)
    return Sheet(
        invitation_id=row["id"],
        questionnaire_id=row["questionnaire_id"],
        version_id=row["version_id"],
        customer_id=row["customer_id"],
        contact_id=row["contact_id"],
        language=language_of(row["language"]),
        name=orjson.loads(row["name"]),
        introduction=_texts(row["introduction"]),
        thanks=_texts(row["thanks"]),
        about=(await names_of(read, [row["subject"]])).get(row["subject"]) if row["subject"] else None,
        state=row["state"],
        opened_at=row["opened_at"],
        expires_at=row["expires_at"],
        standing=_standing(row, until, now),
        answer_id=row["answer_id"],
        submitted_at=row["submitted_at"],
        editable_until=until,
        rule=Rule(row["unhappy_at_most"], row["unhappy_detractors"]),
        items=tuple(_ordered(rows)),
        given={row["id"]: given for row in rows if _says(given := _given(row))},
    )


def last_day(expires_at: datetime, zone: ZoneInfo) -> date:
    """The last day on which something can be answered; midnight ends a day and begins none."""
    return (expires_at - timedelta.resolution).astimezone(zone).date()


def _standing(row: asyncpg.Record, until: datetime | None, now: datetime) -> Standing:
    if row["answer_state"] == SUBMITTED:
        return "EDITABLE" if until is not None and now < until else "USED"
    return "OPEN" if row["state"] in _TAKES_ANSWERS and now < row["expires_at"] else "EXPIRED"


def _editable_until(row: asyncpg.Record) -> datetime | None:
    """What the customer handed in may be changed for some hours, never after the invitation expired."""
    if row["submitted_at"] is None or row["source"] != PAGE or not row["edit_hours"]:
        return None
    until: datetime = min(row["submitted_at"] + timedelta(hours=row["edit_hours"]), row["expires_at"])
    return until


def _given(row: asyncpg.Record) -> Mapping[str, object]:
    return {name: row[name] for name in COLUMNS}


def _says(given: Mapping[str, object]) -> bool:
    return any(value is not None for value in given.values())


def _texts(stored: str | None) -> Texts | None:
    return None if stored is None else orjson.loads(stored)


def _ordered(rows: Sequence[asyncpg.Record]) -> Iterator[Item]:
    """Every question right after the one it belongs to, those side by side in their order."""
    below: dict[UUID | None, list[asyncpg.Record]] = defaultdict(list)
    known = {row["id"] for row in rows}
    for row in rows:
        below[row["parent_id"] if row["parent_id"] in known else None].append(row)

    def walk(parent: UUID | None, depth: int) -> Iterator[Item]:
        for row in below[parent]:
            yield _item(row, depth)
            yield from walk(row["id"], depth + 1)

    yield from walk(None, 0)


def _item(row: asyncpg.Record, depth: int) -> Item:
    return Item(
        id=row["id"],
        depth=depth,
        kind=row["kind"],
        label=orjson.loads(row["label"]),
        help=_texts(row["help"]),
        required=row["required"] and row["kind"] != GROUP,
        commentable=row["commentable"],
        offers=tuple(Offer(one["code"], one["label"]) for one in orjson.loads(row["options"] or "[]") or ()),
    )
