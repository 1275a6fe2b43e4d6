"""Reminders: what is due, told to each member once a working day, the most urgent first, as a notice and by mail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import Forbidden, Refused, UserError
from kedang_platform.i18n import Language, msg, translate
from kedang_platform.mail import Letter, Line
from kedang_platform.work import NewJob, enqueue
from kedang_platform.work.parts import Part
from kedang_platform.work.recurrence import Daily
from kedang_tenants.catalogue.languages import in_our_languages
from kedang_tenants.followups.due_lines import item_of, line_of
from kedang_tenants.followups.ranking import everything_due, order_by
from kedang_tenants.followups.reminding import load_habits
from kedang_tenants.people.dues import DueSource, due_source, due_sources
from kedang_tenants.people.everybody import Everybody, Person, load_everybody
from kedang_tenants.people.notice_letters import Told, letter_of
from kedang_tenants.people.notices import DIGEST, DIGEST_AT, FOLLOW_UPS_DUE
from kedang_tenants.people.openness import keepers_of, open_to_member
from kedang_tenants.people.telling import Telling, tell
from kedang_tenants.people.working_days import load_calendar
from kedang_tenants.reading import Scope, Viewer

REMIND: Final = "followups.remind"
CHUNK = 100
"""Members that one step of reminding takes."""
_DAYS: Final = date(2000, 1, 1), date(2100, 12, 31)
LISTED = 50
"""Things that a digest names one by one, the first in rank; it counts the others."""

FOLLOW_UP_WEIGHT: Final = 10
FOLLOW_UP: Final = due_source(
    DueSource(
        name="follow_up.plan",
        record="follow_up_plan",
        reason=msg("follow-up"),
        rule=msg("Planned by hand"),
        select=f"""
SELECT p.owner_id, p.id, p.customer_id, p.due_on, NULL::jsonb,
       COALESCE(to_jsonb(NULLIF(p.purpose, '')), p.rule), {FOLLOW_UP_WEIGHT}
FROM follow_up_plan p WHERE p.state = 'PLANNED' AND p.archived_at IS NULL AND p.due_on <= $1
""",
    )
)

_TITLE = msg("Due on {day}: {count}")
_MORE = msg("And further things that are due: {count}")


async def send_reminders(write: TenantWrite, viewer: Viewer, *, day: date) -> UUID:
    """Have everybody reminded as of ``day`` now, working day or not; returns the job's id.

    Whoever has been reminded of that day already is not reminded again. Raises Forbidden, and Refused for a
    day that is not of this century.
    """
    if viewer.on("follow_up_plan").update is not Scope.ALL:
        raise Forbidden(msg("You may not do this."))
    if not _DAYS[0] <= day <= _DAYS[1]:
        text = msg("This must lie between {minimum} and {maximum}.")
        params = {"minimum": _DAYS[0].isoformat(), "maximum": _DAYS[1].isoformat()}
        raise Refused([UserError("OUT_OF_RANGE", text, ("input", "date"), params)])
    (job_id,) = await enqueue(write, NewJob(REMIND, {"date": day.isoformat(), "asked": True}))
    return job_id


async def is_working_day(read: TenantRead, viewer: Viewer, day: date) -> bool:
    """Whether the company works on ``day``: reminders by themselves go out on such days only."""
    return (await load_calendar(read, country=viewer.country)).is_working(day)


# When a member is told: at the company's time on their own clock, or before their mail of the day, if they want
# it there. $1 is the day, $2 the company's zone, $3 its time.
_BEFORE_MAIL: Final = f"COALESCE(s.digest_at, '{DIGEST_AT}')::interval - interval '30 minutes'"
_TIME: Final = (
    f"CASE p.channel WHEN '{DIGEST}' THEN LEAST($3::interval, {_BEFORE_MAIL}) ELSE $3::interval END"
)
_MOMENT: Final = f"(($1::date + {_TIME}) AT TIME ZONE COALESCE(s.time_zone, $2))"
_MEMBERS: Final = f"""
FROM member m LEFT JOIN notice_schedule s ON s.member_id = m.id AND s.archived_at IS NULL
LEFT JOIN notice_preference p ON p.member_id = m.id AND p.kind = '{FOLLOW_UPS_DUE}' AND p.archived_at IS NULL
WHERE m.state <> 'SUSPENDED' AND m.archived_at IS NULL
"""
_MOMENTS: Final = f"SELECT DISTINCT {_MOMENT} AS at {_MEMBERS} ORDER BY 1"
_NEXT_MEMBERS: Final = f"""
SELECT m.id {_MEMBERS} AND ($4::timestamptz IS NULL OR {_MOMENT} <= $4) AND ($5::uuid IS NULL OR m.id > $5)
ORDER BY m.id LIMIT $6
"""


async def moments_of(read: TenantRead, *, day: date, zone: str) -> list[datetime]:
    """The instants at which members are told of ``day``, the earliest first; none where there is nobody."""
    habits = await load_habits(read)
    rows = await read.fetch(_MOMENTS, day, zone, _hours(habits.digest_at))
    return [row["at"] for row in rows]


async def company_s_moment(read: TenantRead, *, day: date, zone: str) -> datetime:
    """The instant of the company's own time of ``day``, on the clock of its ``zone``."""
    habits = await load_habits(read)
    return Daily(time.fromisoformat(habits.digest_at)).on(day, ZoneInfo(zone))


def _hours(time_of_day: str) -> timedelta:
    hours, minutes = time_of_day.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))


LENT: Final = """
(EXISTS (SELECT 1 FROM customer_collaborator k WHERE k.customer_id = {customer} AND k.member_id = {member}
         AND k.until > $2 AND k.archived_at IS NULL)
 OR EXISTS (SELECT 1 FROM archive_grant k WHERE k.customer_id = {customer} AND k.member_id = {member}
            AND k.state = 'GRANTED' AND k.until > $2 AND k.archived_at IS NULL))
"""
"""Whether a customer is shared with a member or opened to them at $2."""


def _digests() -> str:
    """$4 are the keepers of restricted archives, $5 the members, $6 the occasion, $7 how many to list.

    $8 and $9 are pairs of members and the kinds of record of which they may read none.
    """
    return f"""
SELECT listed.*, {LENT.format(customer="listed.customer_id", member="listed.member_id")} AS lent FROM (
    SELECT d.*, c.name, c.number, c.owner_id, l.code AS level,
           count(*) OVER (PARTITION BY d.member_id) AS due,
           row_number() OVER (PARTITION BY d.member_id ORDER BY {order_by(due="d", customer="c")}) AS place
    FROM {everything_due()} d
    LEFT JOIN customer c ON c.id = d.customer_id
    LEFT JOIN grade_level l ON l.id = c.grade_level_id
    WHERE d.member_id = ANY($5::uuid[])
      AND (d.customer_id IS NULL
           OR c.archived_at IS NULL AND {open_to_member("c", "d.member_id", keepers="$4", now="$2")})
      AND NOT EXISTS (SELECT 1 FROM notice n WHERE n.member_id = d.member_id AND n.occasion = $6
                      AND n.archived_at IS NULL)
      AND NOT EXISTS (SELECT 1 FROM unnest($8::uuid[], $9::text[]) AS shut (member_id, record)
                      WHERE shut.member_id = d.member_id AND shut.record = d.record)
) listed
WHERE listed.place <= $7 ORDER BY listed.member_id, listed.place
"""


def _counted() -> str:
    return f"""
SELECT count(DISTINCT d.member_id) FROM {everything_due()} d
JOIN member m ON m.id = d.member_id AND m.state <> 'SUSPENDED' AND m.archived_at IS NULL
LEFT JOIN customer c ON c.id = d.customer_id WHERE c.archived_at IS NULL
"""


async def count_members(read: TenantRead, *, day: date, zone: str, clock: Clock) -> int:
    """How many members have something that is due on ``day``."""
    return int(await read.fetchval(_counted(), day, clock.now(), zone))


async def remind_part(
    write: TenantWrite,
    viewer: Viewer,
    *,
    day: date,
    after: UUID | None,
    until: datetime | None = None,
    clock: Clock,
) -> Part:
    """Remind the next ``CHUNK`` members behind the id ``after``, each by one notice; only who is told by ``until``.

    Whoever has been told of the day already is left out, and so are archives that are closed to them (A11)
    and kinds of records that they may not read. The part has seen those who had something to be told.
    """
    habits = await load_habits(write)
    found = await write.fetch(
        _NEXT_MEMBERS, day, viewer.time_zone, _hours(habits.digest_at), until, after, CHUNK
    )
    members = [row["id"] for row in found]
    everybody = await load_everybody(write, day=day)
    shut = _shut(everybody, members)
    rows = await write.fetch(
        _digests(),
        day,
        clock.now(),
        viewer.time_zone,
        await keepers_of(write),
        members,
        _occasion(day),
        LISTED,
        [member for member, _ in shut],
        [record for _, record in shut],
    )
    tellings = [
        _telling(everybody.people[member], day, list(own))
        for member, own in groupby(rows, itemgetter("member_id"))
    ]
    told = await tell(write, viewer, tellings, clock=clock)
    last = members[-1] if len(members) == CHUNK else None
    return Part(last=last, seen=len(tellings), changed=told)


def _shut(everybody: Everybody, members: Sequence[UUID]) -> list[tuple[UUID, str]]:
    records = sorted({source.record for source in due_sources()})
    return [
        (member, record)
        for member in members
        for record in records
        if everybody.people[member].sees(record) is Scope.NONE
    ]


def _occasion(day: date) -> str:
    return f"follow-ups:{day.isoformat()}"


def _telling(reader: Person, day: date, rows: Sequence[asyncpg.Record]) -> Telling:
    items = [item_of(row, day, reader) for row in rows]
    details = {"day": day.isoformat(), "due": rows[0]["due"], "items": items}
    lines = in_our_languages(lambda language: "\n".join(lines_of(details, language)))
    return Telling(
        kind=FOLLOW_UPS_DUE,
        member_id=reader.id,
        occasion=_occasion(day),
        title=_TITLE,
        body="{lines}",
        params={"day": details["day"], "count": details["due"], "lines": lines},
        details=details,
    )


def lines_of(details: Mapping[str, Any], language: Language) -> list[str]:
    """What a notice of due things says: a line for each that it lists, and how many there are beyond."""
    items = details["items"]
    lines = [line_of(item, language) for item in items]
    if details["due"] > len(items):
        lines.append(translate(_MORE, language, {"count": details["due"] - len(items)}))
    return lines


@letter_of(FOLLOW_UPS_DUE)
def reminder(told: Told) -> Letter:
    """The letter that lists what is due."""
    items = told.details["items"]
    follow_ups = any(item.get("source") == FOLLOW_UP.name for item in items)
    # What an earlier release told and is mailed by this one says of no item what it is.
    known = all("reason" in item for item in items)
    lines = lines_of(told.details, told.language) if known else told.body.splitlines()
    return Letter(
        subject=_TITLE,
        paragraphs=(msg("Hello {name}, this waits for you, the most urgent first:"),),
        params={"day": told.details["day"], "count": told.details["due"], "name": told.name},
        lines=tuple(Line(text) for text in lines),
        closing=(msg("Recording the follow-up sets the next date."),) if follow_ups else (),
    )
