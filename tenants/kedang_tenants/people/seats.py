"""Seats of a company: what there are, buying further ones, telling the owners that they are paid (T3, T4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import Databases, TenantWrite
from kedang_platform.errors import Forbidden
from kedang_platform.i18n import msg
from kedang_platform.identity import IdentityServices, throttle
from kedang_platform.licensing import (
    Interval,
    SeatOrder,
    SeatPrice,
    Seats,
    confirm_transfer,
    order_seats,
    orders_of,
    pending_seats,
    price_for,
    seats_of,
)
from kedang_platform.money import to_amount
from kedang_platform.registry import Company, find_company
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.people.notices import SEATS_CONFIRMED
from kedang_tenants.people.telling import Telling, tell
from kedang_tenants.reading import Viewer

TELL_JOB: Final = "people.tell_seats"

# The policy's row "company, seats, subscription": for every reach of it a member's roles alone count,
# since whoever lacks a seat must be able to buy one.
_BUY = frozenset({"OWNER", "ADMIN"})
_SEE = _BUY | {"GENERAL_MANAGER", "FINANCE"}

_TITLE = msg("Paid seats: {seats}")
_BODY = msg(
    "The transfer {reference} of {amount} {currency} has arrived. Further seats from now on: {seats}."
)


@dataclass(frozen=True, slots=True)
class Subscription:
    """The seats of a company, what it ordered (the newest first) and what a further seat costs it."""

    seats: Seats
    pending: int
    orders: list[SeatOrder]
    price: SeatPrice


async def buy_seats(
    services: IdentityServices, viewer: Viewer, *, company: Company, seats: int, interval: Interval
) -> SeatOrder:
    """Order further seats, to be paid by bank transfer under the order's reference.

    They count from the operator's confirmation on. Raises ``Forbidden``, ``SeatsOutOfRange``,
    ``TooManyAttempts`` (20 orders a company and day); nothing is written then.
    """
    _require(viewer, _BUY)
    assert viewer.member_id is not None
    now = services.clock.now()
    async with services.databases.control() as control:
        await throttle.spend(control, (throttle.ORDER_COMPANY, str(company.id)), now=now)
        return await order_seats(
            control,
            company_id=company.id,
            seats=seats,
            interval=interval,
            price=price_for(services.settings.seat_prices, currency=company.currency),
            ordered_by=viewer.member_id,
            now=now,
        )


async def subscription_of(services: IdentityServices, viewer: Viewer, *, company: Company) -> Subscription:
    """What the company has and has ordered. Raises ``Forbidden``."""
    _require(viewer, _SEE)
    async with services.databases.control_read() as read:
        return Subscription(
            seats=await seats_of(read, company_id=company.id),
            pending=await pending_seats(read, company_id=company.id),
            orders=await orders_of(read, company_id=company.id),
            price=price_for(services.settings.seat_prices, currency=company.currency),
        )


async def confirm_seats(databases: Databases, *, reference: str, operator: str, clock: Clock) -> SeatOrder:
    """The operator's confirmation that a transfer has arrived; the seats count at once, the owners are told.

    Raises as ``confirm_transfer``: ``MisreadReference``, ``UnknownReference``, ``AlreadyConfirmed``.
    """
    async with databases.control() as control:
        order = await confirm_transfer(control, reference=reference, operator=operator, now=clock.now())
        company = await find_company(control, company_id=order.company_id)
        job = NewJob(TELL_JOB, {"order": str(order.id)}, key=f"seats:{order.id}", company=company.ref)
        await enqueue(control, job)
    return order


_OWNERS = """
SELECT id FROM member
WHERE 'OWNER' = ANY(roles) AND state = 'ACTIVE' AND archived_at IS NULL ORDER BY id
"""


async def tell_owners(write: TenantWrite, viewer: Viewer, *, order: SeatOrder, clock: Clock) -> int:
    """Tell each owner that the seats are paid, once; returns how many were told now."""
    owners = await write.fetch(_OWNERS)
    return await tell(write, viewer, [_telling(order, row["id"]) for row in owners], clock=clock)


def _telling(order: SeatOrder, owner: UUID) -> Telling:
    params = {
        "seats": order.seats,
        "reference": order.reference,
        "amount": str(to_amount(minor=order.amount, currency=order.currency)),
        "currency": order.currency,
    }
    return Telling(SEATS_CONFIRMED, owner, f"seats:{order.id}", _TITLE, _BODY, params)


def _require(viewer: Viewer, roles: frozenset[str]) -> None:
    if not viewer.roles & roles:
        raise Forbidden(msg("You may not do this."))
