"""Reminders: what is due today or overdue, told to each member once a day, as a notice and by mail."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import Forbidden
from kedang_platform.i18n import msg, translate
from kedang_platform.ids import new_id
from kedang_platform.mail import Letter, Line, Outgoing
from kedang_platform.work import NewJob, enqueue
from kedang_platform.work.parts import Part
from kedang_tenants.catalogue.languages import in_our_languages, language_of
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.people.notices import FOLLOW_UPS_DUE
from kedang_tenants.people.working_days import load_calendar
from kedang_tenants.reading import Scope, Viewer

REMIND = "followups.remind"
MAIL_DIGESTS = "followups.mail_digests"
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
_COUNT_MEMBERS = f"SELECT count(DISTINCT p.owner_id) {_DUE_PLANS}"
_NEXT_MEMBERS = f"""
SELECT DISTINCT p.owner_id {_DUE_PLANS} AND ($2::uuid IS NULL OR p.owner_id > $2) ORDER BY p.owner_id LIMIT $3
"""
_DIGESTS = f"""
SELECT * FROM (
    SELECT p.owner_id, p.due_on, c.name, c.number, l.code AS level, m.state AS member_state,
           count(*) OVER (PARTITION BY p.owner_id) AS due,
           row_number() OVER (PARTITION BY p.owner_id ORDER BY p.due_on, c.name_sort, p.id) AS place
    {_DUE_PLANS.replace("WHERE", "LEFT JOIN grade_level l ON l.id = c.grade_level_id WHERE")}
      AND p.owner_id = ANY($2::uuid[])
      AND NOT EXISTS (SELECT 1 FROM notice n WHERE n.member_id = p.owner_id AND n.occasion = $3
                      AND n.archived_at IS NULL)
) digest
WHERE place <= $4 ORDER BY owner_id, place
"""


async def count_members(read: TenantRead, *, day: date) -> int:
    """How many members have follow-ups that are due on ``day`` or were before."""
    return int(await read.fetchval(_COUNT_MEMBERS, day))


async def remind_part(
    write: TenantWrite, viewer: Viewer, *, day: date, after: UUID | None, clock: Clock
) -> Part:
    """Remind the next ``CHUNK`` members behind the id ``after``: a notice each, and one job for their mails.

    Notices and job are written in this transaction; whoever has the day's notice is left out.
    """
    members = [row[0] for row in await write.fetch(_NEXT_MEMBERS, day, after, CHUNK)]
    rows = await write.fetch(_DIGESTS, day, members, _occasion(day), LISTED) if members else []
    by_member: dict[UUID, list[asyncpg.Record]] = {}
    for row in rows:
        by_member.setdefault(row["owner_id"], []).append(row)
    notices = {new_id(): _notice(member, day, listed) for member, listed in by_member.items()}
    changes = [Change("notice", "create", notice_id, values=v) for notice_id, v in notices.items()]
    await change_internally(write, viewer, changes, clock=clock)
    await _mail_later(
        write, [n for n, v in notices.items() if by_member[v["member_id"]][0]["member_state"] == "ACTIVE"]
    )
    last = members[-1] if len(members) == CHUNK else None
    return Part(last=last, seen=len(members), changed=len(notices))


def _occasion(day: date) -> str:
    return f"follow-ups:{day.isoformat()}"


def _notice(member: UUID, day: date, rows: Sequence[asyncpg.Record]) -> dict[str, Any]:
    items = [_item(row, day) for row in rows]
    details = {"day": day.isoformat(), "due": rows[0]["due"], "items": items}
    return {
        "member_id": member,
        "kind": FOLLOW_UPS_DUE,
        "occasion": _occasion(day),
        "title": in_our_languages(lambda language: _title(details, language)),
        "body": in_our_languages(lambda language: "\n".join(_lines(details, language))),
        "details": details,
    }


def _item(row: asyncpg.Record, day: date) -> dict[str, Any]:
    return {
        "customer": row["name"],
        "number": row["number"],
        "level": row["level"],
        "dueOn": row["due_on"].isoformat(),
        "daysOverdue": (day - row["due_on"]).days,
    }


def _title(details: dict[str, Any], language: str) -> str:
    return translate(_TITLE, language, {"day": details["day"], "count": details["due"]})


def _lines(details: dict[str, Any], language: str) -> list[str]:
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


async def _mail_later(write: TenantWrite, notices: Sequence[UUID]) -> None:
    if notices:
        await enqueue(write, NewJob(MAIL_DIGESTS, {"notices": [str(notice) for notice in notices]}))


async def digests(read: TenantRead, notice_ids: Iterable[UUID]) -> list[Outgoing]:
    """The mails that go with these notices, each in the language of its member, with a key of its own."""
    rows = await read.fetch(
        "SELECT n.id, n.details, m.name, m.email, m.language FROM notice n JOIN member m ON m.id = n.member_id"
        " WHERE n.id = ANY($1::uuid[]) AND m.state = 'ACTIVE' ORDER BY n.id",
        list(notice_ids),
    )
    return [_mail(read, row) for row in rows]


def _mail(read: TenantRead, row: asyncpg.Record) -> Outgoing:
    details = orjson.loads(row["details"])
    language = language_of(row["language"])
    letter = Letter(
        subject=_TITLE,
        paragraphs=(msg("Hello {name}, these customers are waiting for you:"),),
        params={"day": details["day"], "count": details["due"], "name": row["name"]},
        lines=tuple(Line(text) for text in _lines(details, language)),
        closing=(msg("Recording the follow-up sets the next date."),),
    )
    return Outgoing(letter, row["email"], language, key=f"notice:{read.company.schema}:{row['id']}")
