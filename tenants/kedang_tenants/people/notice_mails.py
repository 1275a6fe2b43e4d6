"""The mails of notices: which notices make one, what it is, what became of it (T10).

A mail is named by its key, which stands in every notice that it tells. The notices are marked with it
in the transaction that asks for the mail; from then on everything may be done again and gives one mail.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Final
from uuid import UUID

import asyncpg
import orjson

from kedang_platform.clock import Clock
from kedang_platform.database import CompanyRef, TenantRead, TenantWrite
from kedang_platform.mail import Bounced, Outgoing, on_bounce
from kedang_platform.work import NewJob
from kedang_platform.work.parts import Part
from kedang_tenants.catalogue import catalogue
from kedang_tenants.catalogue.languages import language_of, text_in
from kedang_tenants.people.notice_letters import Told, letter_at_once, letter_of_the_day
from kedang_tenants.people.notice_schedules import times_of
from kedang_tenants.people.notices import DIGEST, NOT_SENT, REJECTED, SENT, UNKNOWN
from kedang_tenants.people.openness import closed_to
from kedang_tenants.people.telling import mail_later

FOLLOW: Final = "notices.follow_mails"
CHUNK = 100
"""Members whose letter of the day one step makes."""

_SETTLED: Final[Mapping[str, str]] = {
    "sent": SENT,
    "rejected": REJECTED,
    "unknown": UNKNOWN,
    "bounced": REJECTED,
    "suppressed": NOT_SENT,
}
_FIRST_LOOK, _LONGEST_WAIT = timedelta(seconds=30), timedelta(minutes=30)

_TOLD = """
SELECT n.mail_key, n.channel, n.kind, n.title, n.body, n.details, n.member_id, n.about, m.name, m.email, m.language
FROM notice n JOIN member m ON m.id = n.member_id AND m.state = 'ACTIVE' AND m.archived_at IS NULL
WHERE n.mail_key = ANY($1::text[]) ORDER BY n.mail_key, n.created_at, n.id
"""


async def mails_of(read: TenantRead, keys: Sequence[str], *, now: datetime) -> list[Outgoing]:
    """The mails of these keys, each in the language of its member; none to who is not active any more.

    What has been closed to a member since it was told is left out (A11).
    """
    rows = await _open_rows(read, keys, now)
    return [_mail(read.company, key, list(alike)) for key, alike in groupby(rows, key=itemgetter("mail_key"))]


async def held_back(
    read: TenantRead, keys: Sequence[str], *, zone: str, now: datetime
) -> dict[str, datetime]:
    """Those of the mails that may not leave ``now``, as it is quiet where their members are; each with the end of that.

    A mail that was asked for in time may come late, as where the company was suspended. ``zone`` is the company's.
    """
    rows = await read.fetch(
        "SELECT DISTINCT mail_key, member_id FROM notice WHERE mail_key = ANY($1::text[])", keys
    )
    times = await times_of(read, {row["member_id"] for row in rows}, zone=zone)
    ends = {row["mail_key"]: times[row["member_id"]].earliest(now) for row in rows}
    return {key: end for key, end in ends.items() if end is not None}


async def _open_rows(read: TenantRead, keys: Sequence[str], now: datetime) -> list[asyncpg.Record]:
    rows = await read.fetch(_TOLD, keys)
    abouts = {row["about"]: _about(row["about"]) for row in rows}
    asked = {(row["member_id"], *known) for row in rows if (known := abouts[row["about"]])}
    closed = await closed_to(read, asked, now=now)
    return [row for row in rows if (row["member_id"], *(abouts[row["about"]] or ())) not in closed]


def _about(public: str | None) -> tuple[str, UUID] | None:
    record = catalogue().by_prefix(public[:3]) if public else None
    return (record.name, UUID(hex=public[4:])) if record and public else None


def _mail(company: CompanyRef, key: str, rows: Sequence[asyncpg.Record]) -> Outgoing:
    notices = [_told(row) for row in rows]
    if rows[0]["channel"] == DIGEST:
        letter = letter_of_the_day(notices, day=key.rpartition(":")[2])
    else:
        letter = letter_at_once(notices[0])
    return Outgoing(letter, rows[0]["email"], notices[0].language, key=key, company=company, kind="notice")


def _told(row: asyncpg.Record) -> Told:
    language = language_of(row["language"])
    return Told(
        kind=row["kind"],
        title=text_in(orjson.loads(row["title"]), language),
        body=text_in(orjson.loads(row["body"]), language),
        details=orjson.loads(row["details"]) if row["details"] else {},
        name=row["name"],
        language=language,
    )


# A member gets one letter a day: what is told after it waits for the next day's.
_WAITING = """
FROM notice n JOIN member m ON m.id = n.member_id AND m.state = 'ACTIVE' AND m.archived_at IS NULL
LEFT JOIN notice_schedule s ON s.member_id = n.member_id AND s.archived_at IS NULL
WHERE n.channel = 'DIGEST' AND n.mailed_at IS NULL AND n.archived_at IS NULL
  AND s.digest_at IS NOT DISTINCT FROM $3 AND s.time_zone IS NOT DISTINCT FROM $4
  AND NOT EXISTS (SELECT 1 FROM notice d WHERE d.mail_key = $1 || n.member_id || ':' || $2)
"""
_COUNT_MEMBERS = f"SELECT count(DISTINCT n.member_id) {_WAITING}"
_NEXT_MEMBERS = f"""
SELECT DISTINCT n.member_id {_WAITING} AND ($5::uuid IS NULL OR n.member_id > $5) ORDER BY n.member_id LIMIT $6
"""
_MARK = """
UPDATE notice n SET mailed_at = $4, mail_state = 'QUEUED', mail_key = $1 || n.member_id || ':' || $2
WHERE n.member_id = ANY($3::uuid[]) AND n.channel = 'DIGEST' AND n.mailed_at IS NULL AND n.archived_at IS NULL
RETURNING n.mail_key
"""
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('notice digests'), hashtext($1))"


@dataclass(frozen=True, slots=True)
class Round:
    """Whose letters of ``day``: of those who have chosen ``at`` in ``zone``, or of those who have chosen nothing.

    ``zone`` is None for the company's own.
    """

    day: date
    at: str | None = None
    zone: str | None = None


async def count_waiting(read: TenantRead, *, turn: Round) -> int:
    """How many members of the round have notices that wait for its letter."""
    return int(await read.fetchval(_COUNT_MEMBERS, *_known(read, turn)))


async def digest_part(write: TenantWrite, *, turn: Round, after: UUID | None, clock: Clock) -> Part:
    """Have the letters of the round sent to the next ``CHUNK`` members behind the id ``after``.

    Each tells all that its member is waiting for; a notice stands in one letter, and a member gets
    one letter a day.
    """
    await write.fetch(_ONE_AT_A_TIME, write.company.schema)
    begin, end, *chosen = _known(write, turn)
    members = [row[0] for row in await write.fetch(_NEXT_MEMBERS, begin, end, *chosen, after, CHUNK)]
    marked = await write.fetch(_MARK, begin, end, members, clock.now()) if members else []
    keys = sorted({row["mail_key"] for row in marked})
    await mail_later(write, keys)
    return Part(last=members[-1] if len(members) == CHUNK else None, seen=len(members), changed=len(keys))


def _known(read: TenantRead, turn: Round) -> tuple[str, str, str | None, str | None]:
    return f"digest:{read.company.schema}:", turn.day.isoformat(), turn.at, turn.zone


def look_later(company: CompanyRef, keys: Sequence[str], *, looked: int, now: datetime) -> NewJob:
    """The job that looks what became of the mails; each time it waits twice as long, half an hour at most."""
    wait: timedelta = _FIRST_LOOK * 2 ** min(looked, 10)
    due_at = now + min(wait, _LONGEST_WAIT)
    return NewJob(FOLLOW, {"keys": list(keys), "looked": looked}, due_at=due_at, company=company)


async def on_their_way(read: TenantRead, keys: Sequence[str]) -> list[str]:
    """Those of the keys that name mails of this company of which the end is not known."""
    rows = await read.fetch(
        "SELECT DISTINCT mail_key FROM notice WHERE mail_key = ANY($1::text[]) AND mail_state = 'QUEUED'",
        keys,
    )
    return sorted(row[0] for row in rows)


async def note_ends(write: TenantWrite, keys: Sequence[str], states: Mapping[str, str]) -> list[str]:
    """Note in the notices what became of their mails; returns the keys of those that are still on their way.

    ``states`` are those of the way out, by key; a mail that it does not know was not sent.
    """
    ends = {key: _SETTLED.get(states[key]) if key in states else NOT_SENT for key in keys}
    known = {key: end for key, end in ends.items() if end is not None}
    await write.fetch(
        "UPDATE notice SET mail_state = known.state FROM unnest($1::text[], $2::text[]) AS known (key, state)"
        " WHERE notice.mail_key = known.key",
        list(known),
        list(known.values()),
    )
    return [key for key in keys if key not in known]


@on_bounce("notice:")
@on_bounce("digest:")
async def note_bounce(write: TenantWrite, bounced: Bounced, _clock: Clock) -> None:
    """Note that a mail came back for good after it had been taken: its notices count as undelivered again."""
    if bounced.hard:
        await write.fetch(
            "UPDATE notice SET mail_state = 'REJECTED' WHERE mail_key = $1 AND mail_state = 'SENT'",
            bounced.key,
        )
