"""The analysis of a questionnaire: who answered, how satisfied they are, what they wrote (V6).

Invitations count by the day they were sent, answers by the day they were handed in, both in the
company's zone: the response rate is that of the invitations of the period, however late these were
answered. What was asked on a visit, or by a link that everybody gets, was never sent and counts among
the answers only; without a customer it belongs to no grade, region or owner.

Everybody gets the figures of those customers of whom they may read answers, and may not learn of a
customer's grade, region or owner through a group what they could not read there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import Enum
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import orjson

from kedang_platform.database import TenantRead
from kedang_platform.errors import BadUserInput, Forbidden, NotFound
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import catalogue
from kedang_tenants.catalogue.languages import translated
from kedang_tenants.reading import Scope, Viewer
from kedang_tenants.reading.masks import column, owned, visible
from kedang_tenants.reading.statement import Statement
from kedang_tenants.surveys.figures import Counted, Figures, Given, Item, Sent, Texts, tally_key
from kedang_tenants.surveys.models import BOUNCED, DRAFT, GROUP, NPS, SUBMITTED

COMMENTS = 100
# A mail that was refused was never noted as sent: it counts by the day on which it was to go.
_SENT_AT = f"coalesce(i.sent_at, CASE WHEN i.state = '{BOUNCED}' THEN i.due_at END)"
_HANDED_IN_AT = "a.submitted_at"


class GroupBy(Enum):
    """What figures are told apart by; grade, region and owner are the customer's of now."""

    NONE = "NONE"
    GRADE = "GRADE"
    REGION = "REGION"
    MONTH = "MONTH"
    VERSION = "VERSION"
    OWNER = "OWNER"


@dataclass(frozen=True, slots=True)
class AnalysisRequest:
    """``end`` is the first day that no longer counts. ``people`` limits it to customers of these owners."""

    questionnaire_id: UUID
    first: date
    end: date
    version_id: UUID | None = None
    group_by: GroupBy = GroupBy.NONE
    people: tuple[UUID, ...] | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """``key`` is a level's, member's or version's id, a region or a month (2026-03); None where there is none."""

    key: UUID | str | None
    label: Texts
    figures: Figures


@dataclass(frozen=True, slots=True)
class Comment:
    """What a customer wrote beside an item or as the answer to it; ``customer_id`` is None for whoever reads no names."""

    at: datetime
    answer_id: UUID
    customer_id: UUID | None
    item: Item
    level: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Analysis:
    """``total`` is of everything asked for, ``groups`` the same told apart; ``comments`` the latest 100."""

    questionnaire: Texts
    total: Figures
    groups: tuple[Group, ...]
    comments: tuple[Comment, ...]


async def analyse(read: TenantRead, viewer: Viewer, request: AnalysisRequest) -> Analysis:
    """Analyse a questionnaire, or one version of it, as the viewer may see it.

    Raises Forbidden for whoever reads no answers, NotFound for a questionnaire or version that the
    viewer does not see, BadUserInput for a period that has no day.
    """
    asking = _Asking(viewer, request)
    if request.first >= request.end:
        raise BadUserInput(msg("The period ends before it begins."), path=("to",))
    name, items = await _questions(read, viewer, request)
    counted: dict[str | None, Counted] = {}
    await _count_invitations(read, asking, counted)
    await _count_answers(read, asking, counted)
    await _count_items(read, asking, items, counted)
    listed = list({tally_key(item): item for item in items.values()}.values())
    total = Counted()
    for part in counted.values():
        total += part
    return Analysis(
        name,
        total.told(listed),
        await _groups(read, request, counted, listed),
        await _comments(read, asking, items),
    )


class _Asking:
    """The conditions and groups of a request, as the viewer may have them."""

    def __init__(self, viewer: Viewer, request: AnalysisRequest) -> None:
        self.viewer = viewer
        self.request = request
        self.zone = ZoneInfo(viewer.time_zone)
        records = ("survey_invitation", "survey_answer", "survey_item_answer")
        self._scopes = {name: viewer.on(name).read for name in records}
        if Scope.NONE in self._scopes.values():
            raise Forbidden(msg("You may not do this."))

    def of_answers(self, s: Statement, *, items: bool = False) -> str:
        """The conditions on answers ``a`` of customers ``c``; with ``items``, those whose items may be read, too."""
        scope = self._scopes["survey_answer"]
        if items:
            scope = min(scope, self._scopes["survey_item_answer"])
        handed_in = f"a.state = {s.bind(SUBMITTED)}"
        return f"{handed_in} AND {self._within(s, 'survey_answer', 'a', _HANDED_IN_AT, scope)}"

    def of_invitations(self, s: Statement) -> str:
        """The conditions on invitations ``i`` of customers ``c``."""
        return self._within(s, "survey_invitation", "i", _SENT_AT, self._scopes["survey_invitation"])

    def group(self, s: Statement, alias: str, at: str) -> str:
        """What a row with the instant ``at`` is grouped by, as text; NULL where there is none, or it is not for the viewer."""
        match self.request.group_by:
            case GroupBy.NONE:
                return "NULL::text"
            case GroupBy.VERSION:
                return f"{alias}.version_id::text"
            case GroupBy.MONTH:
                return f"to_char({at} AT TIME ZONE {s.bind(self.viewer.time_zone)}, 'YYYY-MM')"
            case GroupBy.GRADE:
                return self._of_customer(s, "grade_level_id")
            case GroupBy.REGION:
                return self._of_customer(s, "region")
            case GroupBy.OWNER:
                return self._of_customer(s, "owner_id")

    def _of_customer(self, s: Statement, name: str) -> str:
        record = catalogue().record("customer")
        value = column(s, self.viewer, record, "c", record.fields[name])
        seen = visible(s, self.viewer, record, "c") or "TRUE"
        return f"CASE WHEN {seen} THEN {value} END::text"

    def _within(self, s: Statement, record: str, alias: str, at: str, scope: Scope) -> str:
        request = self.request
        conditions = [
            f"{alias}.questionnaire_id = {s.bind(request.questionnaire_id)}",
            f"{alias}.archived_at IS NULL",
            f"{at} >= {s.bind(self._instant(request.first))}",
            f"{at} < {s.bind(self._instant(request.end))}",
            owned(s, self.viewer, catalogue().record(record), alias, scope) or "TRUE",
        ]
        if request.version_id is not None:
            conditions.append(f"{alias}.version_id = {s.bind(request.version_id)}")
        if request.people is not None:
            conditions.append(f"c.owner_id = ANY({s.bind(request.people)}::uuid[])")
        return " AND ".join(conditions)

    def _instant(self, day: date) -> datetime:
        return datetime.combine(day, time.min, self.zone)


_ITEMS = """
SELECT i.id, i.key, i.kind, i.label, i.options, heading.label AS heading
FROM survey_item i JOIN questionnaire_version v ON v.id = i.version_id
LEFT JOIN survey_item heading ON heading.id = i.parent_id
WHERE v.questionnaire_id = $1 AND ($2::uuid IS NULL OR v.id = $2) AND ($2::uuid IS NOT NULL OR v.state <> $3)
  AND i.kind <> $4 AND i.archived_at IS NULL
ORDER BY v.number DESC, i.position, i.id
"""
_VERSION = (
    "SELECT TRUE FROM questionnaire_version WHERE id = $1 AND questionnaire_id = $2 AND archived_at IS NULL"
)


async def _questions(
    read: TenantRead, viewer: Viewer, request: AnalysisRequest
) -> tuple[Texts, Mapping[UUID, Item]]:
    """What the questionnaire is called, and its items by id, those of the latest version first."""
    s = Statement()
    seen = visible(s, viewer, catalogue().record("questionnaire"), "q") or "TRUE"
    wanted = f"q.id = {s.bind(request.questionnaire_id)} AND q.archived_at IS NULL AND {seen}"
    name = await read.fetchval(f"SELECT q.name FROM questionnaire q WHERE {wanted}", *s.values)
    if name is None:
        raise NotFound(msg("There is no such record."), path=("questionnaireId",))
    version_id = request.version_id
    if version_id and not await read.fetchval(_VERSION, version_id, request.questionnaire_id):
        raise NotFound(msg("There is no such record."), path=("versionId",))
    rows = await read.fetch(_ITEMS, request.questionnaire_id, version_id, DRAFT, GROUP)
    latest: dict[str, Item] = {}
    items: dict[UUID, Item] = {}
    for row in rows:
        item = _item(row)
        items[item.id] = latest.setdefault(tally_key(item), item)
    return orjson.loads(name), items


def _item(row: asyncpg.Record) -> Item:
    options = orjson.loads(row["options"]) if row["options"] else []
    return Item(
        id=row["id"],
        key=row["key"],
        kind=row["kind"],
        label=orjson.loads(row["label"]),
        heading=orjson.loads(row["heading"]) if row["heading"] else None,
        options=tuple((option["code"], option["label"]) for option in options),
    )


async def _count_invitations(read: TenantRead, asking: _Asking, counted: dict[str | None, Counted]) -> None:
    s = Statement()
    rows = await read.fetch(
        f"""
SELECT {asking.group(s, "i", _SENT_AT)} AS grp, count(*) AS sent,
       count(*) FILTER (WHERE i.state = {s.bind(BOUNCED)}) AS bounced,
       count(*) FILTER (WHERE i.state <> {s.bind(BOUNCED)} AND i.answered_at IS NOT NULL) AS answered
FROM survey_invitation i LEFT JOIN customer c ON c.id = i.customer_id
WHERE {asking.of_invitations(s)} GROUP BY grp
""",
        *s.values,
    )
    for row in rows:
        part = counted.setdefault(row["grp"], Counted())
        part.sent += Sent(row["sent"], row["bounced"], row["answered"])


async def _count_answers(read: TenantRead, asking: _Asking, counted: dict[str | None, Counted]) -> None:
    s = Statement()
    rows = await read.fetch(
        f"""
SELECT {asking.group(s, "a", _HANDED_IN_AT)} AS grp, count(*) AS answers, count(a.satisfaction) AS rated,
       coalesce(sum(a.satisfaction), 0) AS points, count(*) FILTER (WHERE a.unhappy) AS unhappy,
       count(*) FILTER (WHERE a.nps >= 9) AS promoters, count(*) FILTER (WHERE a.nps IN (7, 8)) AS passives,
       count(*) FILTER (WHERE a.nps < 7) AS detractors
FROM survey_answer a LEFT JOIN customer c ON c.id = a.customer_id
WHERE {asking.of_answers(s)} GROUP BY grp
""",
        *s.values,
    )
    for row in rows:
        part = counted.setdefault(row["grp"], Counted())
        part.given += Given(**{name: value for name, value in row.items() if name != "grp"})


async def _count_items(
    read: TenantRead, asking: _Asking, items: Mapping[UUID, Item], counted: dict[str | None, Counted]
) -> None:
    s = Statement()
    rows = await read.fetch(
        f"""
SELECT {asking.group(s, "a", _HANDED_IN_AT)} AS grp, ia.item_id,
       coalesce(ia.level, ia.choice, CASE WHEN q.kind = {s.bind(NPS)} THEN ia.number::int::text END) AS code,
       count(*) AS n, sum(ia.number) AS total, min(ia.number) AS least, max(ia.number) AS most
FROM survey_answer a LEFT JOIN customer c ON c.id = a.customer_id
JOIN survey_item_answer ia ON ia.answer_id = a.id AND ia.item_id = ANY({s.bind(list(items))}::uuid[])
JOIN survey_item q ON q.id = ia.item_id
WHERE {asking.of_answers(s, items=True)} AND coalesce(ia.level, ia.choice, ia.text, ia.number::text, ia.day::text) <> ''
GROUP BY grp, ia.item_id, code
""",
        *s.values,
    )
    for row in rows:
        tally = counted.setdefault(row["grp"], Counted()).tally(tally_key(items[row["item_id"]]))
        tally.count(row["code"], row["n"])
        if row["total"] is not None:
            tally.measure(row["total"], row["least"], row["most"])


async def _comments(read: TenantRead, asking: _Asking, items: Mapping[UUID, Item]) -> tuple[Comment, ...]:
    s = Statement()
    answer = catalogue().record("survey_answer")
    customer = column(s, asking.viewer, answer, "a", answer.fields["customer_id"])
    rows = await read.fetch(
        f"""
SELECT a.submitted_at, a.id, {customer} AS customer_id, ia.item_id, ia.level,
       concat_ws(E'\\n', nullif(ia.text, ''), nullif(ia.comment, '')) AS said
FROM survey_answer a LEFT JOIN customer c ON c.id = a.customer_id
JOIN survey_item_answer ia ON ia.answer_id = a.id AND ia.item_id = ANY({s.bind(list(items))}::uuid[])
JOIN survey_item q ON q.id = ia.item_id
WHERE {asking.of_answers(s, items=True)} AND (ia.text <> '' OR ia.comment <> '')
ORDER BY a.submitted_at DESC, a.id, q.position LIMIT {s.bind(COMMENTS)}
""",
        *s.values,
    )
    return tuple(
        Comment(
            row["submitted_at"],
            row["id"],
            row["customer_id"],
            items[row["item_id"]],
            row["level"],
            row["said"],
        )
        for row in rows
    )


_LABELS = {
    GroupBy.GRADE: "SELECT id::text, name AS label, code AS prefix, position FROM grade_level WHERE id::text = ANY($1)",
    GroupBy.OWNER: "SELECT id::text, name AS label, 0 AS position FROM member WHERE id::text = ANY($1)",
    GroupBy.VERSION: (
        "SELECT id::text, number::text AS label, number AS position FROM questionnaire_version WHERE id::text = ANY($1)"
    ),
}
_NOBODY = {
    GroupBy.GRADE: msg("No grade"),
    GroupBy.REGION: msg("No region"),
    GroupBy.OWNER: msg("Nobody"),
}


async def _groups(
    read: TenantRead, request: AnalysisRequest, counted: Mapping[str | None, Counted], items: Sequence[Item]
) -> tuple[Group, ...]:
    """The groups in their order: levels and versions by theirs, the rest by name; those without one last."""
    by = request.group_by
    if by is GroupBy.NONE:
        return ()
    keys = [key for key in counted if key is not None]
    rows = await read.fetch(_LABELS[by], keys) if by in _LABELS else []
    known = {row["id"]: row for row in rows}

    def order(key: str | None) -> tuple[bool, int, str, str]:
        row = known.get(key or "")
        return key is None, row["position"] if row else 0, (row["label"] if row else key) or "", key or ""

    return tuple(
        Group(
            UUID(key) if key in known else key,
            _label(by, key, known.get(key or "")),
            counted[key].told(items),
        )
        for key in sorted(counted, key=order)
    )


def _label(by: GroupBy, key: str | None, row: asyncpg.Record | None) -> Texts:
    if key is None:
        return translated(_NOBODY[by])
    if row is None:
        return {"en": key, "zh": key}
    if by is GroupBy.GRADE:
        return {language: f"{row['prefix']} {text}" for language, text in orjson.loads(row["label"]).items()}
    return {"en": row["label"], "zh": row["label"]}
