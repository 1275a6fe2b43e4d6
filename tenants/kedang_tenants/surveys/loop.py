"""The closed loop (V7): an unhappy answer becomes a service request of whoever has the customer, once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, cast
from uuid import UUID

import asyncpg
import orjson

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.i18n import Language, choose_language, msg, translate
from kedang_tenants.catalogue.languages import text_in
from kedang_tenants.changing import Change, Event, change_internally, subscribe
from kedang_tenants.people.notices import UNHAPPY_ANSWER
from kedang_tenants.people.telling import Telling, tell
from kedang_tenants.people.working_days import load_hours
from kedang_tenants.reading import Viewer
from kedang_tenants.service.requests import open_request
from kedang_tenants.surveys.models import LEVELS, NPS, POINTS

_TITLE_LENGTH: Final = 200
_DESCRIPTION_LENGTH: Final = 20_000
_LABELS: Final = {option.code: option.label for option in LEVELS}

# Held until the request is noted at the answer: of two that come back to it, the second finds it done.
_UNHAPPY = """
SELECT a.id, a.customer_id, a.contact_id, a.nps, q.name AS questionnaire, q.unhappy_at_most, q.unhappy_within_days,
       c.name AS customer, c.owner_id
FROM survey_answer a JOIN questionnaire q ON q.id = a.questionnaire_id JOIN customer c ON c.id = a.customer_id
WHERE a.id = ANY($1::uuid[]) AND a.unhappy AND a.state = 'SUBMITTED' AND a.request_id IS NULL
  AND a.archived_at IS NULL AND q.unhappy_opens_request AND q.trigger <> 'MYSTERY_VISIT'
ORDER BY a.id FOR UPDATE OF a
"""
_SAID = """
SELECT i.kind, i.label, p.label AS heading, g.level, g.number, g.text, g.comment
FROM survey_item_answer g JOIN survey_item i ON i.id = g.item_id LEFT JOIN survey_item p ON p.id = i.parent_id
WHERE g.answer_id = $1 AND g.archived_at IS NULL ORDER BY i.position, i.id
"""


@subscribe("survey_answer.submitted")
async def follow_unhappy_answers(
    write: TenantWrite, viewer: Viewer, events: Sequence[Event], clock: Clock
) -> None:
    """Open a request for each unhappy answer that has none, and tell whoever is responsible for it.

    Not for what a visitor of our own found on a mystery visit, nor where nobody knows whose answer it is.
    """
    for answer in await write.fetch(_UNHAPPY, sorted({event.record_id for event in events})):
        await _follow(write, viewer, answer, clock)


async def _follow(write: TenantWrite, viewer: Viewer, answer: asyncpg.Record, clock: Clock) -> None:
    said = await write.fetch(_SAID, answer["id"])
    language = choose_language(viewer.language)
    values = {
        "customer_id": answer["customer_id"],
        "contact_id": answer["contact_id"],
        "kind": "COMPLAINT",
        "channel": "SURVEY",
        "title": _title(answer, language),
        "description": "\n".join(_lines(answer, said, language))[:_DESCRIPTION_LENGTH],
        "owner_id": answer["owner_id"],
        "solution_minutes_at_most": await _minutes_of(write, viewer, days=answer["unhappy_within_days"]),
    }
    request_id = await open_request(write, viewer, values=values, clock=clock, internally=True)
    noted = Change("survey_answer", "update", answer["id"], values={"request_id": request_id})
    await change_internally(write, viewer, [noted], clock=clock)
    await _tell(write, viewer, answer, request_id, clock)


async def _minutes_of(read: TenantRead, viewer: Viewer, *, days: int) -> int:
    """The business time of so many working days: within it the request is to be solved, whatever the standards."""
    hours = await load_hours(read, country=viewer.country, time_zone=viewer.time_zone)
    return days * (hours.closes - hours.opens)


async def _request(read: TenantRead, request_id: UUID) -> asyncpg.Record:
    row = await read.fetchrow("SELECT number, owner_id FROM service_request WHERE id = $1", request_id)
    return cast("asyncpg.Record", row)


async def _tell(
    write: TenantWrite, viewer: Viewer, answer: asyncpg.Record, request_id: UUID, clock: Clock
) -> None:
    request = await _request(write, request_id)
    if request["owner_id"] is None:
        return
    telling = Telling(
        kind=UNHAPPY_ANSWER,
        member_id=request["owner_id"],
        occasion=f"unhappy:{answer['id'].hex}",
        title=msg("{customer} is not satisfied"),
        body=msg("{customer} gave an unhappy answer; service request {number} is yours to solve in time."),
        params={"customer": answer["customer"], "number": request["number"]},
        about=("survey_answer", answer["id"]),
    )
    await tell(write, viewer, [telling], clock=clock)


def _title(answer: asyncpg.Record, language: Language) -> str:
    name = text_in(orjson.loads(answer["questionnaire"]), language)
    return translate(msg("Unhappy answer: {questionnaire}"), language, {"questionnaire": name})[
        :_TITLE_LENGTH
    ]


def _lines(answer: asyncpg.Record, said: Sequence[asyncpg.Record], language: Language) -> Iterator[str]:
    """What made the answer unhappy first, then whatever else was said in words."""
    worst = [row for row in said if _is_unhappy(row, answer["unhappy_at_most"])]
    others = [row for row in said if row not in worst and (row["comment"] or row["text"])]
    yield from (_line(row, language) for row in worst)
    if answer["nps"] is not None:
        would = msg("Would recommend us: {number} of 10")
        yield translate(would, language, {"number": answer["nps"]})
    yield from (_line(row, language) for row in others)


def _is_unhappy(row: asyncpg.Record, at_most: str) -> bool:
    return row["level"] is not None and POINTS[row["level"]] <= POINTS[at_most]


def _line(row: asyncpg.Record, language: Language) -> str:
    question = text_in(orjson.loads(row["label"]), language)
    if row["heading"]:
        question = f"{text_in(orjson.loads(row['heading']), language)} / {question}"
    answered = [translate(_LABELS[row["level"]], language)] if row["level"] else []
    answered += [row["text"]] if row["text"] else []
    answered += [f"“{row['comment']}”"] if row["comment"] else []
    number = (
        format(row["number"].normalize(), "f") if row["number"] is not None and row["kind"] != NPS else None
    )
    answered += [number] if number else []
    said = ""
    for more in answered:
        said = translate(msg("{said} - {more}"), language, {"said": said, "more": more}) if said else more
    return translate(msg("{question}: {answer}"), language, {"question": question, "answer": said})
