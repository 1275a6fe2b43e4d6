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
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.people.notice_choices import Choice, choices_of, own_member
from kedang_tenants.reading import Viewer

COUNTED: Final = 1_000
"""What counts of an inbox end at; it stands for as many or more."""
MARKED: Final = 5_000
"""Notices that are marked as read at once."""

_COUNTS = f"""
SELECT
    (SELECT count(*) FROM (SELECT 1 FROM notice WHERE member_id = $1 AND read_at IS NULL
                           AND archived_at IS NULL LIMIT {COUNTED}) AS unread) AS unread,
    (SELECT count(*) FROM (SELECT 1 FROM notice WHERE member_id = $1 AND read_at IS NULL
                           AND mail_state IN ('REJECTED', 'UNKNOWN', 'NOT_SENT')
                           AND archived_at IS NULL LIMIT {COUNTED}) AS undelivered) AS undelivered
"""
_UNREAD = """
SELECT id FROM notice
WHERE member_id = $1 AND read_at IS NULL AND archived_at IS NULL
  AND ($2::timestamptz IS NULL OR (created_at, id) <= ($2, $3::uuid))
ORDER BY id LIMIT $4 FOR UPDATE
"""


@dataclass(frozen=True, slots=True)
class Inbox:
    """A member's own: how many notices are unread, of these those whose mail did not arrive, their choices."""

    unread: int
    undelivered: int
    choices: list[Choice]


async def inbox_of(read: TenantRead, viewer: Viewer) -> Inbox:
    """The viewer's own inbox; counts end at ``COUNTED``. Raises ``Forbidden`` for who is no member."""
    counts = await read.fetchrow(_COUNTS, own_member(viewer))
    assert counts is not None
    return Inbox(counts["unread"], counts["undelivered"], await choices_of(read, viewer))


async def mark_notice_read(write: TenantWrite, viewer: Viewer, *, notice_id: UUID, clock: Clock) -> None:
    """Note that the member has read a notice of theirs; the first time counts. Raises NotFound for others' notices."""
    row = await write.fetchrow("SELECT member_id, read_at FROM notice WHERE id = $1 FOR UPDATE", notice_id)
    if row is None or row["member_id"] != viewer.member_id:
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
    unread = [row["id"] for row in await write.fetch(_UNREAD, member, end, up_to, MARKED)]
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
