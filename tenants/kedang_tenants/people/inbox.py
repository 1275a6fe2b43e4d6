"""What members do with their notices."""

from __future__ import annotations

from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.errors import NotFound
from kedang_platform.i18n import msg
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.reading import Viewer


async def mark_notice_read(write: TenantWrite, viewer: Viewer, *, notice_id: UUID, clock: Clock) -> None:
    """Note that the member has read a notice of theirs; the first time counts. Raises NotFound for others' notices."""
    row = await write.fetchrow("SELECT member_id, read_at FROM notice WHERE id = $1 FOR UPDATE", notice_id)
    if row is None or row["member_id"] != viewer.member_id:
        raise NotFound(msg("There is no such record."), path=("input", "id"))
    if row["read_at"] is None:
        change = Change("notice", "update", notice_id, values={"read_at": clock.now()})
        await change_internally(write, viewer, [change], clock=clock)
