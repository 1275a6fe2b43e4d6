"""What members do with their notices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import NotFound
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import catalogue
from kedang_tenants.changing import Change, change_internally, visible_record
from kedang_tenants.people.notice_choices import Choice, choices_of, own_member
from kedang_tenants.people.notice_schedules import NoticeTimes, times_of
from kedang_tenants.reading import Viewer
from kedang_tenants.reading.masks import open_to
from kedang_tenants.reading.statement import Statement

COUNTED: Final = 1_000
"""What counts of an inbox end at; it stands for as many or more."""
MARKED: Final = 5_000
"""Notices that are marked as read at once."""

_COUNTS = f"""
SELECT
    (SELECT count(*) FROM (SELECT 1 FROM notice n WHERE n.member_id = $1 AND n.read_at IS NULL
                           AND n.archived_at IS NULL{{openly}} LIMIT {COUNTED}) AS unread) AS unread,
    (SELECT count(*) FROM (SELECT 1 FROM notice n WHERE n.member_id = $1 AND n.read_at IS NULL
                           AND n.mail_state IN ('REJECTED', 'UNKNOWN', 'NOT_SENT')
                           AND n.archived_at IS NULL{{openly}} LIMIT {COUNTED}) AS undelivered) AS undelivered
"""
_UNREAD = """
SELECT n.id FROM notice n
WHERE n.member_id = $1 AND n.read_at IS NULL AND n.archived_at IS NULL
  AND ($2::timestamptz IS NULL OR (n.created_at, n.id) <= ($2, $3::uuid)){openly}
ORDER BY n.id LIMIT $4 FOR UPDATE
"""


@dataclass(frozen=True, slots=True)
class Inbox:
    """A member's own: how many notices are unread, of these those whose mail did not arrive, their choices and times."""

    unread: int
    undelivered: int
    choices: list[Choice]
    times: NoticeTimes


async def inbox_of(read: TenantRead, viewer: Viewer) -> Inbox:
    """The viewer's own inbox; counts end at ``COUNTED``. Raises ``Forbidden`` for who is no member."""
    member = own_member(viewer)
    statement, openly = _openly(viewer, member)
    counts = await read.fetchrow(_COUNTS.format(openly=openly), *statement.values)
    assert counts is not None
    times = await times_of(read, [member], zone=viewer.time_zone)
    return Inbox(counts["unread"], counts["undelivered"], await choices_of(read, viewer), times[member])


async def mark_notice_read(write: TenantWrite, viewer: Viewer, *, notice_id: UUID, clock: Clock) -> None:
    """Note that the member has read a notice of theirs; the first time counts. Raises NotFound for others' notices."""
    row = await write.fetchrow("SELECT member_id, read_at FROM notice WHERE id = $1 FOR UPDATE", notice_id)
    seen = await visible_record(write, viewer, catalogue().record("notice"), notice_id)
    if row is None or row["member_id"] != viewer.member_id or not seen:
        raise NotFound(msg("There is no such record."), path=("input", "id"))
    if row["read_at"] is None:
        change = Change("notice", "update", notice_id, values={"read_at": clock.now()})
        await change_internally(write, viewer, [change], clock=clock)


async def mark_all_read(write: TenantWrite, viewer: Viewer, *, up_to: UUID | None, clock: Clock) -> int:
    """Note that the member has read all their notices, or the one ``up_to`` and those before it.

    Returns how many had not been read, of which it marks ``MARKED`` at once. Raises NotFound where
    ``up_to`` is no notice of theirs.
    """
    member = own_member(viewer)
    end = await _told_at(write, member, up_to) if up_to else None
    statement, openly = _openly(viewer, member, end, up_to, MARKED)
    rows = await write.fetch(_UNREAD.format(openly=openly), *statement.values)
    unread = [row["id"] for row in rows]
    changes = [Change("notice", "update", notice, values={"read_at": clock.now()}) for notice in unread]
    await change_internally(write, viewer, changes, clock=clock)
    return len(unread)


async def _told_at(read: TenantRead, member: UUID, notice_id: UUID) -> datetime:
    at: datetime | None = await read.fetchval(
        "SELECT created_at FROM notice WHERE id = $1 AND member_id = $2", notice_id, member
    )
    if at is None:
        raise NotFound(msg("There is no such record."), path=("input", "upTo"))
    return at


def _openly(viewer: Viewer, *values: object) -> tuple[Statement, str]:
    """A statement that begins with these values, and the condition on a notice ``n`` that it tells of nothing closed."""
    statement = Statement()
    statement.values += values
    openly = open_to(statement, viewer, catalogue().record("notice"), "n")
    return statement, f" AND {openly}" if openly else ""
