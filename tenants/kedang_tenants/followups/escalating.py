"""Telling superiors what has stayed undone for so many working days: each step of each thing once (F1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, TypeAlias
from uuid import UUID

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.i18n import msg
from kedang_platform.mail import Letter, Line
from kedang_platform.working_calendar import WorkingCalendar
from kedang_tenants.catalogue.languages import in_our_languages
from kedang_tenants.followups.due_lines import item_of
from kedang_tenants.followups.ranking import everything_due, order_by
from kedang_tenants.followups.reminders import LENT, LISTED, lines_of
from kedang_tenants.followups.reminding import Habits, load_habits
from kedang_tenants.people.dues import due_sources
from kedang_tenants.people.everybody import Everybody, Person, load_everybody
from kedang_tenants.people.notice_letters import Told, letter_of
from kedang_tenants.people.notices import OVERDUE_ESCALATED
from kedang_tenants.people.openness import keepers_of, open_to_member
from kedang_tenants.people.telling import Telling, tell
from kedang_tenants.people.working_days import load_calendar
from kedang_tenants.reading import Viewer

ESCALATE: Final = "followups.escalate"
SUPERIORS, GENERAL_MANAGERS = 1, 2
"""The steps."""
MOST = 50_000
"""Steps that are told on a day, the longest overdue first, so that the statement stays short; the others follow."""

_TITLE = msg("Overdue with your people on {day}: {count}")
_Way: TypeAlias = tuple[UUID, str, int, UUID]
"""Of whose things of which kind of record at which step who hears."""

_TOLD_TODAY: Final = """
SELECT EXISTS (SELECT 1 FROM notice WHERE occasion = $1 AND member_id = ANY($2::uuid[]) AND archived_at IS NULL)
"""
_ONE_AT_A_TIME: Final = "SELECT pg_advisory_xact_lock(hashtext('escalations'), hashtext($1))"
_OVERDUE_MEMBERS: Final = "SELECT DISTINCT d.member_id FROM {due} d WHERE d.due_on <= $4"


def _found() -> str:
    """$4 are the keepers of restricted archives, $5 to $8 the ways, $9 and $10 the last due day of each step,
    $11 how many to list, $12 how many to take. What is found is noted as told by the same statement.
    """
    return f"""
WITH way AS (
    SELECT * FROM unnest($5::uuid[], $6::text[], $7::int[], $8::uuid[]) AS way (member_id, record, step, superior_id)
), candidate AS (
    SELECT d.*, way.step, way.superior_id, c.name, c.number, c.owner_id, c.name_sort, c.grade_rank, c.grade_level_id,
           c.hot_since
    FROM {everything_due(escalating=True)} d
    JOIN way ON way.member_id = d.member_id AND way.record = d.record
    LEFT JOIN customer c ON c.id = d.customer_id
    WHERE d.due_on <= CASE way.step WHEN {SUPERIORS} THEN $9::date ELSE $10::date END
      AND (d.customer_id IS NULL
           OR c.archived_at IS NULL AND {open_to_member("c", "way.superior_id", keepers="$4", now="$2")})
      AND NOT EXISTS (SELECT 1 FROM due_escalation e WHERE e.source = d.source AND e.record_id = d.record_id
                      AND e.due_on = d.due_on AND e.step = way.step)
    ORDER BY d.due_on, d.source, d.record_id, way.step FETCH FIRST ($12::int) ROWS WITH TIES
), told AS (
    INSERT INTO due_escalation (source, record_id, due_on, step, told_on)
    SELECT DISTINCT source, record_id, due_on, step, $1::date FROM candidate
), once AS (
    SELECT DISTINCT ON (d.superior_id, d.source, d.record_id, d.member_id) d.*
    FROM candidate d
    ORDER BY d.superior_id, d.source, d.record_id, d.member_id, d.step DESC
)
SELECT listed.*, {LENT.format(customer="listed.customer_id", member="listed.superior_id")} AS lent FROM (
    SELECT d.*, l.code AS level, count(*) OVER (PARTITION BY d.superior_id) AS due,
           row_number() OVER (PARTITION BY d.superior_id ORDER BY {order_by(due="d", customer="d")}, d.member_id) AS place
    FROM once d LEFT JOIN grade_level l ON l.id = d.grade_level_id
) listed
WHERE listed.place <= $11 ORDER BY listed.superior_id, listed.place
"""


async def escalate(write: TenantWrite, viewer: Viewer, *, day: date, clock: Clock) -> int:
    """Tell superiors what has been overdue for as many working days as the company says; how many were told.

    Each hears of a day in one notice; a day on which they have been told is over. A thing is told once a step as long as it is due on the same day; the
    step is noted in this transaction, ``MOST`` of them at most. Archives that are closed to a superior are left out for them (A11).
    """
    calendar = await load_calendar(write, country=viewer.country)
    cuts = last_due_days(calendar, await load_habits(write), day)
    if not cuts:
        return 0
    await write.fetch(_ONE_AT_A_TIME, write.company.schema)
    instant, zone = clock.now(), viewer.time_zone
    late = _OVERDUE_MEMBERS.format(due=everything_due(escalating=True))
    members = [row[0] for row in await write.fetch(late, day, instant, zone, max(cuts.values()))]
    everybody = await load_everybody(write, day=day)
    ways = list(_ways(everybody, members, cuts))
    if await write.fetchval(_TOLD_TODAY, _occasion(day), sorted({way[3] for way in ways})):
        return 0
    rows = await write.fetch(
        _found(),
        day,
        instant,
        zone,
        await keepers_of(write),
        *([way[place] for way in ways] for place in range(4)),
        cuts.get(SUPERIORS),
        cuts.get(GENERAL_MANAGERS),
        LISTED,
        MOST,
    )
    tellings = [
        _telling(everybody, everybody.people[superior], day, list(own))
        for superior, own in groupby(rows, itemgetter("superior_id"))
    ]
    return await tell(write, viewer, tellings, clock=clock)


def last_due_days(calendar: WorkingCalendar, habits: Habits, day: date) -> dict[int, date]:
    """By step the latest day on which what is told on ``day`` was due; steps that are never taken are not in it."""
    after = {SUPERIORS: habits.escalate_after, GENERAL_MANAGERS: habits.escalate_further_after}
    return {
        step: calendar.working_days_back(day, number) for step, number in after.items() if number is not None
    }


def _ways(everybody: Everybody, members: Sequence[UUID], steps: Iterable[int]) -> Iterable[_Way]:
    records = sorted({source.record for source in due_sources() if source.escalates})
    for member in members:
        for step in steps:
            for record in records:
                for superior in hearing(everybody, member, step=step, record=record):
                    yield member, record, step, superior


def hearing(everybody: Everybody, member: UUID, *, step: int, record: str) -> list[UUID]:
    """Who hears at a step of what a member has left undone: the nearest above who is there and may read it.

    The second step begins with the general managers, wherever the member stands. Nobody hears of oneself.
    """
    levels = everybody.superiors(member) if step == SUPERIORS else everybody.general_managers()
    for level in levels:
        found = [
            person.id
            for person in level
            if person.present and person.id != member and person.covers(person.reads(record), member)
        ]
        if found:
            return found
    return []


def _occasion(day: date) -> str:
    return f"escalated:{day.isoformat()}"


def _telling(everybody: Everybody, superior: Person, day: date, rows: Sequence[asyncpg.Record]) -> Telling:
    items: list[dict[str, Any]] = []
    for row in rows:
        person = everybody.people.get(row["member_id"])
        items.append(
            {**item_of(row, day, superior), "member": person.name if person else "", "step": row["step"]}
        )
    details = {"day": day.isoformat(), "due": rows[0]["due"], "items": items}
    lines = in_our_languages(lambda language: "\n".join(lines_of(details, language)))
    return Telling(
        kind=OVERDUE_ESCALATED,
        member_id=superior.id,
        occasion=_occasion(day),
        title=_TITLE,
        body="{lines}",
        params={"day": details["day"], "count": details["due"], "lines": lines},
        details=details,
    )


@letter_of(OVERDUE_ESCALATED)
def escalation(told: Told) -> Letter:
    """The letter that lists what one's people have left undone."""
    return Letter(
        subject=_TITLE,
        paragraphs=(
            msg("Hello {name}, this has been overdue for some working days, the most urgent first:"),
        ),
        params={"day": told.details["day"], "count": told.details["due"], "name": told.name},
        lines=tuple(Line(text) for text in lines_of(told.details, told.language)),
        closing=(msg("You hear of each of these once; what is done by now needs nothing."),),
    )
