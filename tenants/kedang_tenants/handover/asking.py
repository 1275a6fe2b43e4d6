"""Asking for a handover: who takes what is checked, the leaver's access ends, the job is asked for (A12)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import Forbidden, NotFound
from kedang_platform.i18n import msg
from kedang_platform.identity import IdentityServices
from kedang_platform.ids import new_id
from kedang_platform.registry import Company
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.handover.errors import (
    HandoverUnderWay,
    NotInTheirHands,
    SuccessorUnfit,
    TooManyByName,
)
from kedang_tenants.handover.models import RUNNING
from kedang_tenants.handover.moving import MOVE
from kedang_tenants.people.operations import deactivate_member
from kedang_tenants.people.working_days import load_calendar
from kedang_tenants.reading import Scope, Viewer

MOST_BY_NAME: Final = 5_000
"""Customers that one handover gives away by name; the others go to the successor."""

_SUCCESSORS = """
SELECT id, id <> $2 AND state = 'ACTIVE' AND seat = 'FULL' AS fit FROM member
WHERE id = ANY($1::uuid[]) AND archived_at IS NULL
"""
_NAMED = """
SELECT id, owner_id IS NOT DISTINCT FROM $2 AND archived_at IS NULL AS theirs FROM customer WHERE id = ANY($1::uuid[])
"""
# Who still receives from somebody else leaves when all of it has arrived: it would come after they are gone.
_RUNNING = f"""
SELECT id FROM handover WHERE state = '{RUNNING}' AND archived_at IS NULL AND (
    member_id = $1 OR successor_id = $1
    OR EXISTS (SELECT FROM jsonb_each_text(shares) AS share WHERE share.value = $1::text))
"""
_HOLD = "SELECT id FROM member WHERE id = $1 AND archived_at IS NULL FOR NO KEY UPDATE"


@dataclass(frozen=True, slots=True)
class Share:
    """Customers that a successor takes by name."""

    member_id: UUID
    customer_ids: Sequence[UUID]


@dataclass(frozen=True, slots=True)
class HandoverWish:
    """``contact_days``: within how many days the successors make their first contact, 1 to 90."""

    member_id: UUID
    successor_id: UUID
    shares: Sequence[Share] = ()
    reason: str | None = None
    tell_customers: bool = True
    contact_days: int = 7


async def hand_over(
    services: IdentityServices, viewer: Viewer, *, company: Company, wish: HandoverWish
) -> UUID:
    """End the leaver's access at once and ask for the job that moves everything; returns the handover's id.

    The leaver may be suspended already. Raises ``Forbidden``, ``NotFound``, ``SuccessorUnfit``,
    ``NotInTheirHands``, ``TooManyByName``, ``HandoverUnderWay`` and ``LastOwner``; nothing is changed then.
    """
    ensure_may_hand_over(viewer)
    async with services.databases.tenant_read(company.ref) as read:
        given = await _checked(read, wish)
    await deactivate_member(services, viewer, company=company, member_id=wish.member_id)
    async with services.databases.tenant_write(company.ref) as write:
        return await _ask(write, viewer, wish, given, services.clock)


def ensure_may_hand_over(viewer: Viewer) -> None:
    """Whoever manages people. Raises ``Forbidden``."""
    if viewer.on("member").update is not Scope.ALL or viewer.on("handover").create is not Scope.ALL:
        raise Forbidden(msg("You may not do this."))


async def _checked(read: TenantRead, wish: HandoverWish) -> dict[UUID, UUID]:
    """Who takes which customer by name."""
    if (
        await read.fetchval("SELECT id FROM member WHERE id = $1 AND archived_at IS NULL", wish.member_id)
        is None
    ):
        raise NotFound(msg("There is no such member."), path=("memberId",))
    await _ensure_fit(read, wish)
    if await read.fetchval(_RUNNING, wish.member_id) is not None:
        raise HandoverUnderWay
    return await _by_name(read, wish)


async def _ensure_fit(read: TenantRead, wish: HandoverWish) -> None:
    wanted = [wish.successor_id, *(share.member_id for share in wish.shares)]
    fit = {row["id"]: row["fit"] for row in await read.fetch(_SUCCESSORS, wanted, wish.member_id)}
    _ensure_one(fit, wish.successor_id, path=("successorId",))
    for place, share in enumerate(wish.shares):
        _ensure_one(fit, share.member_id, path=("shares", place, "memberId"))


def _ensure_one(fit: Mapping[UUID, bool], member: UUID, *, path: tuple[str | int, ...]) -> None:
    if member not in fit:
        raise NotFound(msg("There is no such member."), path=path)
    if not fit[member]:
        raise SuccessorUnfit(path=path)


async def _by_name(read: TenantRead, wish: HandoverWish) -> dict[UUID, UUID]:
    named = [customer for share in wish.shares for customer in share.customer_ids]
    if len(named) > MOST_BY_NAME:
        raise TooManyByName(most=MOST_BY_NAME)
    theirs = {row["id"]: row["theirs"] for row in await read.fetch(_NAMED, named, wish.member_id)}
    given: dict[UUID, UUID] = {}
    for place, share in enumerate(wish.shares):
        for number, customer in enumerate(share.customer_ids):
            path = ("shares", place, "customerIds", number)
            if customer not in theirs:
                raise NotFound(msg("There is no such record."), path=path)
            if not theirs[customer] or customer in given:
                raise NotInTheirHands(path=path)
            given[customer] = share.member_id
    return given


async def _ask(
    write: TenantWrite, viewer: Viewer, wish: HandoverWish, given: Mapping[UUID, UUID], clock: Clock
) -> UUID:
    """Of two that ask at once, the second finds the first under the leaver's lock."""
    await write.fetch(_HOLD, wish.member_id)
    if await write.fetchval(_RUNNING, wish.member_id) is not None:
        raise HandoverUnderWay
    handover_id = new_id()
    values = {
        "member_id": wish.member_id,
        "successor_id": wish.successor_id,
        "asked_by_id": viewer.member_id,
        "reason": wish.reason,
        "tell_customers": wish.tell_customers,
        "contact_by": await _contact_by(write, viewer, wish.contact_days, clock),
        "shares": {str(customer): str(member) for customer, member in given.items()},
    }
    await change_internally(
        write, viewer, [Change("handover", "create", handover_id, values=values)], clock=clock
    )
    await enqueue(write, NewJob(MOVE, {"handover": str(handover_id)}, key=f"{MOVE}:{handover_id}"))
    return handover_id


async def _contact_by(read: TenantRead, viewer: Viewer, days: int, clock: Clock) -> date:
    calendar = await load_calendar(read, country=viewer.country)
    return calendar.next_working(viewer.today(clock) + timedelta(days=days))
