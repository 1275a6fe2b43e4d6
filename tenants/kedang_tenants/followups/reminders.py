"""Reminders: what is due today or overdue, told to each member once a day, as a notice and by mail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import Forbidden
from kedang_platform.i18n import msg, translate
from kedang_platform.mail import Letter, Line
from kedang_platform.work import NewJob, enqueue
from kedang_platform.work.parts import Part
from kedang_tenants.catalogue.languages import in_our_languages
from kedang_tenants.people.notice_letters import Told, letter_of
from kedang_tenants.people.notices import FOLLOW_UPS_DUE
from kedang_tenants.people.openness import keepers_of, open_to_member
from kedang_tenants.people.telling import Telling, tell
from kedang_tenants.people.working_days import load_calendar
from kedang_tenants.reading import Scope, Viewer

REMIND = "followups.remind"
CHUNK = 100
"""Members that one step of reminding takes."""
LISTED = 50
"""Follow-ups that a digest names one by one, the most overdue first; it counts the others."""

_TITLE = msg("Follow-ups due on {day}: {count}")
_DUE = msg("{customer}: due on {due}")
_OVERDUE = msg("{customer}: due on {due}, days overdue: {days}")
_MORE = msg("And further follow-ups: {count}")


async def send_reminders(write: TenantWrite, viewer: Viewer, *, day: date) -> UUID:
    """Have everybody reminded as of ``day`` now, working day or not; returns the job's id. Raises Forbidden.

    Whoever has been reminded of that day already is not reminded again.
    """
    if viewer.on("follow_up_plan").update is not Scope.ALL:
        raise Forbidden(msg("You may not do this."))
    (job_id,) = await enqueue(write, NewJob(REMIND, {"date": day.isoformat(), "asked": True}))
    return job_id


async def is_working_day(read: TenantRead, viewer: Viewer, day: date) -> bool:
    """Whether the company works on ``day``: reminders by themselves go out on such days only."""
    return (await load_calendar(read, country=viewer.country)).is_working(day)


_DUE_PLANS = """
FROM follow_up_plan p
JOIN customer c ON c.id = p.customer_id AND c.archived_at IS NULL
JOIN member m ON m.id = p.owner_id AND m.state <> 'SUSPENDED' AND m.archived_at IS NULL
WHERE p.state = 'PLANNED' AND p.archived_at IS NULL AND p.due_on <= $1
"""
# $2 are the keepers of restricted archives, $3 is the instant.
_OPEN_PLANS = f"{_DUE_PLANS} AND {open_to_member('c', 'p.owner_id', keepers='$2', now='$3')}"
_COUNT_MEMBERS = f"SELECT count(DISTINCT p.owner_id) {_DUE_PLANS}"
_NEXT_MEMBERS = f"""
SELECT DISTINCT p.owner_id {_OPEN_PLANS} AND ($4::uuid IS NULL OR p.owner_id > $4) ORDER BY p.owner_id LIMIT $5
"""
_DIGESTS = f"""
SELECT * FROM (
    SELECT p.owner_id, p.due_on, c.name, c.number, l.code AS level,
           count(*) OVER (PARTITION BY p.owner_id) AS due,
           row_number() OVER (PARTITION BY p.owner_id ORDER BY p.due_on, c.name_sort, p.id) AS place
    {_OPEN_PLANS.replace("WHERE", "LEFT JOIN grade_level l ON l.id = c.grade_level_id WHERE", 1)}
      AND p.owner_id = ANY($4::uuid[])
      AND NOT EXISTS (SELECT 1 FROM notice n WHERE n.member_id = p.owner_id AND n.occasion = $5
                      AND n.archived_at IS NULL)
) digest
WHERE place <= $6 ORDER BY owner_id, place
"""


async def count_members(read: TenantRead, *, day: date) -> int:
    """How many members have follow-ups that are due on ``day`` or were before."""
    return int(await read.fetchval(_COUNT_MEMBERS, day))


async def remind_part(
    write: TenantWrite, viewer: Viewer, *, day: date, after: UUID | None, clock: Clock
) -> Part:
    """Remind the next ``CHUNK`` members behind the id ``after``, each by one notice.

    Whoever has been told of the day already is left out, and so are archives that are closed to them (A11).
    """
    known = (day, await keepers_of(write), clock.now())
    members = [row[0] for row in await write.fetch(_NEXT_MEMBERS, *known, after, CHUNK)]
    rows = await write.fetch(_DIGESTS, *known, members, _occasion(day), LISTED) if members else []
    tellings = [_telling(member, day, list(own)) for member, own in groupby(rows, itemgetter("owner_id"))]
    told = await tell(write, viewer, tellings, clock=clock)
    last = members[-1] if len(members) == CHUNK else None
    return Part(last=last, seen=len(members), changed=told)


def _occasion(day: date) -> str:
    return f"follow-ups:{day.isoformat()}"


def _telling(member: UUID, day: date, rows: Sequence[asyncpg.Record]) -> Telling:
    items = [_item(row, day) for row in rows]
    details = {"day": day.isoformat(), "due": rows[0]["due"], "items": items}
    lines = in_our_languages(lambda language: "\n".join(_lines(details, language)))
    return Telling(
        kind=FOLLOW_UPS_DUE,
        member_id=member,
        occasion=_occasion(day),
        title=_TITLE,
        body="{lines}",
        params={"day": details["day"], "count": details["due"], "lines": lines},
        details=details,
    )


def _item(row: asyncpg.Record, day: date) -> dict[str, Any]:
    return {
        "customer": row["name"],
        "number": row["number"],
        "level": row["level"],
        "dueOn": row["due_on"].isoformat(),
        "daysOverdue": (day - row["due_on"]).days,
    }


def _lines(details: Mapping[str, Any], language: str) -> list[str]:
    items = details["items"]
    lines = [_line(item, language) for item in items]
    if details["due"] > len(items):
        lines.append(translate(_MORE, language, {"count": details["due"] - len(items)}))
    return lines


def _line(item: dict[str, Any], language: str) -> str:
    late = item["daysOverdue"] > 0
    level = f" ({item['level']})" if item["level"] else ""
    params = {"customer": item["customer"] + level, "due": item["dueOn"], "days": item["daysOverdue"]}
    return translate(_OVERDUE if late else _DUE, language, params)


@letter_of(FOLLOW_UPS_DUE)
def reminder(told: Told) -> Letter:
    """The letter that lists what is due."""
    return Letter(
        subject=_TITLE,
        paragraphs=(msg("Hello {name}, these customers are waiting for you:"),),
        params={"day": told.details["day"], "count": told.details["due"], "name": told.name},
        lines=tuple(Line(text) for text in _lines(told.details, told.language)),
        closing=(msg("Recording the follow-up sets the next date."),),
    )
