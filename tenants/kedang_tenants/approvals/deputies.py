"""Who stands in for whom, from day to day (T11)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.errors import BadUserInput, Forbidden, NotFound
from kedang_platform.i18n import msg
from kedang_platform.ids import new_id
from kedang_tenants.approvals.following import follow_people
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.reading import Viewer

LONGEST: Final = timedelta(days=366)
_ACTIVE = "SELECT state = 'ACTIVE' FROM member WHERE id = $1 AND archived_at IS NULL"
_DEPUTY = "SELECT member_id, deputy_id FROM approval_deputy WHERE id = $1 AND archived_at IS NULL FOR UPDATE"


class WrongPeriod(BadUserInput):
    """A deputy stands in from one day to the same or a later one, not in the past and not for ever."""


class WrongDeputy(BadUserInput):
    """Somebody else who is active can be a deputy."""


async def set_deputy(
    write: TenantWrite,
    viewer: Viewer,
    *,
    member_id: UUID | None = None,
    deputy_id: UUID,
    from_day: date,
    until_day: date,
    reason: str | None = None,
    clock: Clock,
) -> UUID:
    """Let ``deputy_id`` decide in a member's place from ``from_day`` to ``until_day``, both included.

    The member is the viewer; only an owner names a deputy for others. Returns the id of what was noted.
    Raises Forbidden, NotFound, WrongPeriod, WrongDeputy.
    """
    member = member_id or viewer.member_id
    if viewer.member_id is None or (member != viewer.member_id and "OWNER" not in viewer.roles):
        raise Forbidden(msg("Only an owner names a deputy for others."), path=("input", "memberId"))
    if viewer.on("approval_deputy").create == 0:
        raise Forbidden(msg("You may not do this."))
    if await write.fetchval(_ACTIVE, member) is None:
        raise NotFound(msg("There is no such record."), path=("input", "memberId"))
    active = await write.fetchval(_ACTIVE, deputy_id)
    if active is None:
        raise NotFound(msg("There is no such record."), path=("input", "deputyId"))
    if not active or deputy_id == member:
        raise WrongDeputy(msg("A deputy is another member who is active."), path=("input", "deputyId"))
    if not from_day <= until_day <= from_day + LONGEST or until_day < viewer.today(clock):
        message = msg("A deputy stands in for at most {days} days, the last of which is not past.")
        raise WrongPeriod(message, path=("input", "untilDay"), days=LONGEST.days)
    values = {
        "member_id": member,
        "deputy_id": deputy_id,
        "from_day": from_day,
        "until_day": until_day,
        "reason": reason,
        "set_by_id": viewer.member_id,
    }
    new = Change("approval_deputy", "create", new_id(), values=values)
    await change_internally(write, viewer, [new], clock=clock)
    await follow_people(write, viewer, clock=clock)
    assert new.id is not None
    return new.id


async def end_deputy(write: TenantWrite, viewer: Viewer, *, deputy_id: UUID, clock: Clock) -> UUID:
    """End a deputy's time at once; for the member, the deputy, or an owner. Raises NotFound."""
    row = await write.fetchrow(_DEPUTY, deputy_id)
    if row is None or (viewer.member_id not in set(row.values()) and "OWNER" not in viewer.roles):
        raise NotFound(msg("There is no such record."), path=("input", "id"))
    await change_internally(write, viewer, [Change("approval_deputy", "archive", deputy_id)], clock=clock)
    await follow_people(write, viewer, clock=clock)
    return deputy_id
