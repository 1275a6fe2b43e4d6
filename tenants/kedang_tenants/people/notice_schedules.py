"""When each member wants the mails of notices: quiet hours, and the time of the mail of the day (T10)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import BadUserInput
from kedang_platform.i18n import msg
from kedang_platform.quiet_hours import QuietHours
from kedang_platform.time_zones import TimeZoneUnknown, time_zones
from kedang_platform.work import NewJob, enqueue
from kedang_platform.work.recurrence import Daily
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.people.notice_choices import own_member
from kedang_tenants.people.notices import DIGEST_AT
from kedang_tenants.reading import Viewer

OWN_DIGESTS: Final = "notices.own_digests"
"""The kind of job that asks for the mails of a day to those members who have chosen a time of their own."""
DIGESTS: Final = "notices.digest"
"""The kind of job that sends the mail of the day; with ``at`` and ``zone`` to those who have chosen that time there."""
_DAY: Final = timedelta(days=1)
_MIDNIGHT: Final = "24:00"
_USUAL: Final = time.fromisoformat(DIGEST_AT)

_LIVING = """
SELECT id, member_id, quiet_from, quiet_until, digest_at, time_zone FROM notice_schedule WHERE archived_at IS NULL
"""
_OF = f"{_LIVING} AND member_id = ANY($1::uuid[])"
# So that two clicks do not clash on the unique index.
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('notice schedules'), hashtext($1))"


class QuietHoursIncomplete(BadUserInput):
    """Quiet hours have a beginning and an end, or neither."""


class QuietHoursEndless(BadUserInput):
    """Quiet hours that end when they begin would never end."""


class DigestInQuietHours(BadUserInput):
    """The mail of the day cannot leave while it is quiet."""


@dataclass(frozen=True, slots=True)
class NoticeTimes:
    """A member's times; ``chosen`` is false for the defaults: never quiet, and the mail of the day at 08:30."""

    zone: ZoneInfo
    quiet: QuietHours | None = None
    digest_at: time = _USUAL
    chosen: bool = False

    def earliest(self, now: datetime) -> datetime | None:
        """When a mail may leave: None for at once, else the end of the quiet hours."""
        at = self.quiet.earliest(now, self.zone) if self.quiet else now
        return at if at > now else None


async def times_of(read: TenantRead, members: Iterable[UUID], *, zone: str) -> Mapping[UUID, NoticeTimes]:
    """The times of each of the members; ``zone`` is the company's."""
    asked = list(members)
    own = {row["member_id"]: _times(row, zone) for row in await read.fetch(_OF, asked)}
    return {member: own.get(member) or NoticeTimes(ZoneInfo(zone)) for member in asked}


async def set_times(
    write: TenantWrite,
    viewer: Viewer,
    *,
    quiet: tuple[str | None, str | None],
    digest_at: str | None,
    time_zone: str | None,
    clock: Clock,
) -> UUID:
    """Note the viewer's own times, which hold from now on; returns their id.

    Times are ``HH:MM`` on the clocks of ``time_zone``, or of the company where it is None; ``digest_at``
    None is the usual time. Raises ``Forbidden`` for who is no member, ``QuietHoursIncomplete``,
    ``QuietHoursEndless``, ``DigestInQuietHours`` and ``TimeZoneUnknown``, and Refused for what is no time.
    """
    member = own_member(viewer)
    if time_zone is not None and time_zone not in time_zones():
        raise TimeZoneUnknown(path=("input", "timeZone"))
    await write.fetch(_ONE_AT_A_TIME, str(member))
    earlier = await write.fetchrow(_OF, [member])
    values = {
        "quiet_from": quiet[0],
        "quiet_until": quiet[1],
        "digest_at": digest_at or DIGEST_AT,
        "time_zone": time_zone,
    }
    if earlier is None:
        change = Change("notice_schedule", "create", values={"member_id": member, **values})
    else:
        change = Change("notice_schedule", "update", earlier["id"], values=values)
    (done,) = await change_internally(write, viewer, [change], clock=clock)
    row = await write.fetchrow(_OF, [member])
    assert row is not None
    _check(row)
    # A time that is still to come before the next round of asking holds today already.
    soon = _jobs(row, clock.now(), _next_round(clock.now(), viewer.time_zone), viewer.time_zone)
    await enqueue(write, *soon.values())
    return done.id


def _check(row: asyncpg.Record) -> None:
    begin, end = row["quiet_from"], row["quiet_until"]
    if (begin is None) != (end is None):
        missing = "quietFrom" if begin is None else "quietUntil"
        message = msg("Quiet hours need a beginning and an end.")
        raise QuietHoursIncomplete(message, path=("input", missing))
    if begin is None:
        return
    if _clock_time(begin) == _clock_time(end):
        message = msg("Quiet hours end at another time than they begin.")
        raise QuietHoursEndless(message, path=("input", "quietUntil"))
    if QuietHours(_clock_time(begin), _clock_time(end)).holds_at(_clock_time(row["digest_at"])):
        message = msg("The mail of the day cannot leave in your quiet hours.")
        raise DigestInQuietHours(message, path=("input", "digestAt"))


async def ask_for_own_digests(write: TenantWrite, *, start: datetime, zone: str) -> int:
    """Ask for the mails of the day at times that members have chosen, from ``start`` until the company's next midnight.

    Returns how many jobs were asked for; asked again they are the same ones.
    """
    rows, end = await write.fetch(_LIVING), _next_round(start, zone)
    jobs = {key: job for row in rows for key, job in _jobs(row, start, end, zone).items()}
    await enqueue(write, *(jobs[key] for key in sorted(jobs)))
    return len(jobs)


def _next_round(after: datetime, zone: str) -> datetime:
    """When it is asked for next: the midnight after, which may be 25 hours away."""
    return Daily(time()).after(after, ZoneInfo(zone))


def _jobs(row: asyncpg.Record, begin: datetime, end: datetime, zone: str) -> dict[str, NewJob]:
    """The jobs of a member's mails of the day from ``begin`` until before ``end``, by their keys."""
    times = _times(row, zone)
    chosen = {"at": row["digest_at"], "zone": row["time_zone"]}
    jobs = {}
    for at, day in _occurrences(times, begin, end):
        # Whoever names the company's zone and whoever names none are two rounds at one instant.
        named = f"={times.zone.key}" if chosen["zone"] else times.zone.key
        key = f"{DIGESTS}:{named}:{chosen['at']}:{day.isoformat()}"
        jobs[key] = NewJob(DIGESTS, {"date": day.isoformat(), **chosen}, key=key, due_at=at)
    return jobs


def _occurrences(times: NoticeTimes, begin: datetime, end: datetime) -> list[tuple[datetime, date]]:
    """When the mail of the day is due from ``begin`` until before ``end``, each with its day."""
    first = begin.astimezone(times.zone).date()
    days = (first + n * _DAY for n in range(-1, (end - begin).days + 2))
    found = ((Daily(times.digest_at).on(day, times.zone), day) for day in days)
    return [(at, day) for at, day in found if begin <= at < end]


def _times(row: Mapping[str, Any] | asyncpg.Record, zone: str) -> NoticeTimes:
    begin, end = row["quiet_from"], row["quiet_until"]
    quiet = QuietHours(_clock_time(begin), _clock_time(end)) if begin and end and begin != end else None
    return NoticeTimes(ZoneInfo(row["time_zone"] or zone), quiet, _clock_time(row["digest_at"]), chosen=True)


def _clock_time(text: str) -> time:
    """``HH:MM``; 24:00, the end of the day, is the midnight at which the next one begins."""
    return time() if text == _MIDNIGHT else time.fromisoformat(text)
