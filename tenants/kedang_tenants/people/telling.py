"""Telling members something: the one way by which a notice comes into being (T10).

Whatever tells calls ``tell`` in the transaction of what happened. The choice of each member decides
the channel; mails at once leave by a job that this transaction asks for, the others with the digest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.i18n import Language, translate
from kedang_platform.ids import new_id
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.catalogue import catalogue
from kedang_tenants.catalogue.languages import in_our_languages, text_in
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.people.notice_choices import DEFAULT_CHANNELS, channels_of
from kedang_tenants.people.notice_schedules import times_of
from kedang_tenants.people.notices import EMAIL, INBOX, QUEUED
from kedang_tenants.people.openness import closed_to
from kedang_tenants.reading import Viewer

MAIL: Final = "notices.mail"
"""The kind of job that gives mails of notices to the way out; ``keys`` names them, one or more notices each."""
MAILS_A_JOB = 100

_TITLE_LENGTH = 300
_BODY_LENGTH = 20_000


@dataclass(frozen=True, slots=True)
class Telling:
    """Something to be told to one member.

    ``occasion`` (at most 100 characters) names the event: a member is told once of an occasion.
    ``title`` and ``body`` are msgids filled from ``params``, whose values are plain, or texts in our
    languages as records keep them; they name the record, as a mail has no link to it. ``about`` is
    the record's type and id. ``details`` is what programs get, JSON; the parameters where it is None.
    """

    kind: str
    member_id: UUID
    occasion: str
    title: str
    body: str
    params: Mapping[str, object]
    about: tuple[str, UUID] | None = None
    details: Mapping[str, Any] | None = None


async def tell(write: TenantWrite, viewer: Viewer, tellings: Sequence[Telling], *, clock: Clock) -> int:
    """Put the notices into the inboxes and see to their mails, all in this transaction; how many are new.

    Nobody is told twice of an occasion, however often and by whomever this is called. Members that
    are suspended or archived are not told; those that are only invited get no mails. Of what lies in an
    archive that is closed to them nobody is told (A11).
    """
    tellings = await _openly(write, tellings, clock)
    if not tellings:
        return 0
    fresh = await _not_told_yet(write, tellings)
    states = await _states(write, fresh)
    told = [each for each in fresh if each.member_id in states]
    chosen = await channels_of(
        write, members={each.member_id for each in told}, kinds={each.kind for each in told}
    )
    notices: dict[UUID, dict[str, Any]] = {}
    for each in told:
        channel = chosen.get((each.member_id, each.kind), DEFAULT_CHANNELS[each.kind])
        active = states[each.member_id] == "ACTIVE"
        notices[new_id()] = _values(each, channel if active else INBOX)
    keys = _give_keys(write, notices, clock.now())
    changes = [Change("notice", "create", notice, values=values) for notice, values in notices.items()]
    await change_internally(write, viewer, changes, clock=clock)
    await _mail_when_loud(write, keys, zone=viewer.time_zone, now=clock.now())
    return len(notices)


async def _mail_when_loud(write: TenantWrite, keys: Mapping[str, UUID], *, zone: str, now: datetime) -> None:
    """Have the mails of these keys leave at once, or when the quiet hours of their members end."""
    times = await times_of(write, set(keys.values()), zone=zone) if keys else {}
    leaving: dict[datetime | None, list[str]] = {}
    for key, member in keys.items():
        leaving.setdefault(times[member].earliest(now), []).append(key)
    for due_at, alike in leaving.items():
        await mail_later(write, alike, due_at=due_at)


async def mail_later(write: TenantWrite, keys: Sequence[str], *, due_at: datetime | None = None) -> None:
    """Ask for the mails of these keys to be given to the way out at ``due_at``, or when this transaction has committed."""
    parts = [keys[start : start + MAILS_A_JOB] for start in range(0, len(keys), MAILS_A_JOB)]
    await enqueue(write, *(NewJob(MAIL, {"keys": part}, due_at=due_at) for part in parts))


# Two that tell of the same wait for each other; the second finds it told. In one order, so that none blocks.
_ONE_AT_A_TIME = """
SELECT pg_advisory_xact_lock(hashtext('notices'), occasion)
FROM (SELECT DISTINCT hashtext($1 || occasion) AS occasion FROM unnest($2::text[]) AS occasion ORDER BY 1) AS sorted
"""
_TOLD = """
SELECT n.member_id, n.occasion FROM notice n
JOIN unnest($1::uuid[], $2::text[]) AS asked (member_id, occasion)
  ON n.member_id = asked.member_id AND n.occasion = asked.occasion
WHERE n.archived_at IS NULL
"""
_STATES = """
SELECT id, state FROM member WHERE id = ANY($1::uuid[]) AND state <> 'SUSPENDED' AND archived_at IS NULL
"""


async def _openly(write: TenantWrite, tellings: Sequence[Telling], clock: Clock) -> list[Telling]:
    asked = {(each.member_id, *each.about) for each in tellings if each.about is not None}
    closed = await closed_to(write, asked, now=clock.now())
    return [each for each in tellings if each.about is None or (each.member_id, *each.about) not in closed]


async def _not_told_yet(write: TenantWrite, tellings: Sequence[Telling]) -> list[Telling]:
    by_event = {(each.member_id, each.occasion): each for each in tellings}
    members, occasions = [key[0] for key in by_event], [key[1] for key in by_event]
    await write.fetch(_ONE_AT_A_TIME, write.company.schema, occasions)
    told = {(row["member_id"], row["occasion"]) for row in await write.fetch(_TOLD, members, occasions)}
    return [each for event, each in by_event.items() if event not in told]


async def _states(write: TenantWrite, tellings: Sequence[Telling]) -> dict[UUID, str]:
    members = sorted({each.member_id for each in tellings})
    return {row["id"]: row["state"] for row in await write.fetch(_STATES, members)}


def _give_keys(write: TenantWrite, notices: Mapping[UUID, dict[str, Any]], now: datetime) -> dict[str, UUID]:
    """Mark those that have a mail of their own with the key of that mail; returns the members by these keys."""
    keys = {}
    for notice, values in notices.items():
        if values["channel"] == EMAIL:
            key = f"notice:{write.company.schema}:{notice}"
            values |= {"mail_key": key, "mailed_at": now, "mail_state": QUEUED}
            keys[key] = values["member_id"]
    return keys


def _values(telling: Telling, channel: str) -> dict[str, Any]:
    details = telling.params if telling.details is None else telling.details
    return {
        "member_id": telling.member_id,
        "kind": telling.kind,
        "occasion": telling.occasion,
        "title": in_our_languages(lambda language: _title(telling, language)),
        "body": in_our_languages(lambda language: _filled(telling.body, telling, language)[:_BODY_LENGTH]),
        "details": {name: _plain(value) for name, value in details.items()},
        "about": _public_id(*telling.about) if telling.about else None,
        "channel": channel,
    }


def _title(telling: Telling, language: Language) -> str:
    """On one line, however the names in it were typed."""
    return " ".join(_filled(telling.title, telling, language).split())[:_TITLE_LENGTH]


def _filled(msgid: str, telling: Telling, language: Language) -> str:
    params = {
        name: text_in(value, language) if isinstance(value, Mapping) else value
        for name, value in telling.params.items()
    }
    return translate(msgid, language, params)


def _plain(value: object) -> object:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, str):
        return value.replace("\0", "")  # the one character that PostgreSQL keeps in no JSON
    return str(value) if isinstance(value, UUID | Decimal) else value


def _public_id(record: str, record_id: UUID) -> str:
    return f"{catalogue().record(record).prefix}_{record_id.hex}"
