"""Collaborators (协作人) of a customer: shared with a member for reading or writing, until an instant (A11)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import BadUserInput, Forbidden, NotFound
from kedang_platform.i18n import msg
from kedang_platform.ids import new_id
from kedang_tenants.catalogue import catalogue
from kedang_tenants.changing import Change, change_internally, visible_record
from kedang_tenants.people.rights import announce_rights
from kedang_tenants.reading import Viewer
from kedang_tenants.reading.masks import owned, without_shares
from kedang_tenants.reading.statement import Statement

RECORD: Final = "customer_collaborator"
LONGEST: Final = timedelta(days=3 * 366)
_FOUND = f"SELECT id FROM {RECORD} WHERE customer_id = $1 AND member_id = $2 AND archived_at IS NULL"
_CUSTOMER = f"SELECT customer_id FROM {RECORD} WHERE id = $1 AND archived_at IS NULL"
_OWNER = "SELECT owner_id FROM customer WHERE id = $1"
_MEMBER = "SELECT state FROM member WHERE id = $1 AND archived_at IS NULL"


class EndOutOfRange(BadUserInput):
    """What ends by itself ends in the future, and not too far away."""


class AlreadyOwner(BadUserInput):
    """The customer is the member's own already."""


async def add_collaborator(
    write: TenantWrite,
    viewer: Viewer,
    *,
    customer_id: UUID,
    member_id: UUID,
    role: str,
    until: datetime,
    clock: Clock,
) -> UUID:
    """Share a customer with a member (``READ`` or ``WRITE``) until an instant; asking again changes role and end.

    For whoever may change the customer without having it shared with them: nobody passes on what they were lent.
    Raises NotFound for what the viewer does not see, Forbidden, AlreadyOwner, EndOutOfRange for an end that is
    over or more than three years away; nothing is written then.
    """
    await _ensure_may_share(write, viewer, customer_id, path=("input", "customerId"))
    await _ensure_member(write, viewer, member_id)
    ensure_end(until, clock=clock, longest=LONGEST)
    if await write.fetchval(_OWNER, customer_id) == member_id:
        raise AlreadyOwner(msg("The customer is this member's own already."), path=("input", "memberId"))
    found = await write.fetchval(_FOUND, customer_id, member_id)
    if found is None:
        values = {"customer_id": customer_id, "member_id": member_id, "role": role, "until": until}
        change = Change(RECORD, "create", new_id(), values=values)
    else:
        change = Change(RECORD, "update", found, values={"role": role, "until": until})
    await change_internally(write, viewer, [change], clock=clock)
    await announce_rights(write)
    assert change.id is not None
    return change.id


async def remove_collaborator(
    write: TenantWrite, viewer: Viewer, *, collaborator_id: UUID, clock: Clock
) -> UUID:
    """End a collaboration now. For whoever may share the customer, and for the collaborator. Raises NotFound, Forbidden."""
    record = catalogue().record(RECORD)
    customer_id = await write.fetchval(_CUSTOMER, collaborator_id)
    if customer_id is None or not await visible_record(write, viewer, record, collaborator_id):
        raise NotFound(msg("There is no such record."), path=("input", "id"))
    own = await write.fetchval(f"SELECT member_id FROM {RECORD} WHERE id = $1", collaborator_id)
    if own != viewer.member_id:
        await _ensure_may_share(write, viewer, customer_id, path=("input", "id"))
    await change_internally(write, viewer, [Change(RECORD, "archive", collaborator_id)], clock=clock)
    await announce_rights(write)
    return collaborator_id


def ensure_end(until: datetime, *, clock: Clock, longest: timedelta) -> None:
    """Raise EndOutOfRange for an instant that is over, or further away than it may be."""
    now = clock.now()
    if not now < until <= now + longest:
        message = msg("The end has to lie within the next {days} days.")
        raise EndOutOfRange(message, path=("input", "until"), days=longest.days)


async def _ensure_may_share(
    read: TenantRead, viewer: Viewer, customer_id: UUID, *, path: tuple[str, ...]
) -> None:
    statement = Statement()
    record = catalogue().record("customer")
    lone = without_shares(viewer)
    seen = owned(statement, viewer, record, "t", max(viewer.on("customer").names, viewer.on("customer").read))
    may = owned(statement, lone, record, "t", viewer.on(RECORD).update, writing=True)
    sql = (
        f"SELECT {may or 'TRUE'} AS may FROM customer t WHERE t.id = {statement.bind(customer_id)}::uuid"
        f" AND t.archived_at IS NULL AND {seen or 'TRUE'}"
    )
    found = await read.fetchrow(sql, *statement.values)
    if found is None:
        raise NotFound(msg("There is no such record."), path=path)
    if not found["may"]:
        raise Forbidden(msg("You may not do this for others."), path=path)


async def _ensure_member(write: TenantWrite, viewer: Viewer, member_id: UUID) -> None:
    """The member has to be one who can look: active, or invited."""
    state = await write.fetchval(_MEMBER, member_id)
    seen = state is not None and await visible_record(write, viewer, catalogue().record("member"), member_id)
    if not seen or state == "SUSPENDED":
        raise NotFound(msg("There is no such record."), path=("input", "memberId"))
