"""Seats of a company: what there are, buying further ones, telling the owners that they are paid (T3, T4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import Databases, TenantRead, TenantWrite
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
from kedang_platform.mail import Letter, Outgoing
from kedang_platform.money import to_amount
from kedang_platform.registry import Company, find_company
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.catalogue.languages import language_of, translated
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.people.notices import SEATS_CONFIRMED
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
SELECT id, name, email, language FROM member
WHERE 'OWNER' = ANY(roles) AND state = 'ACTIVE' AND archived_at IS NULL ORDER BY id
"""
_TOLD = "SELECT member_id FROM notice WHERE occasion = $1 AND archived_at IS NULL"


async def tell_owners(
    write: TenantWrite, viewer: Viewer, *, order: SeatOrder, clock: Clock
) -> list[Outgoing]:
    """Put a notice into the inbox of each owner, once, and return the mails that go with them.

    Each mail has a key of its own, so that none leaves twice when this is done again.
    """
    owners = await write.fetch(_OWNERS)
    told: set[UUID] = {row["member_id"] for row in await write.fetch(_TOLD, _occasion(order))}
    changes = [
        Change("notice", "create", values=_notice(order, owner["id"]))
        for owner in owners
        if owner["id"] not in told
    ]
    await change_internally(write, viewer, changes, clock=clock)
    return [_mail(write, order, owner) for owner in owners]


def _occasion(order: SeatOrder) -> str:
    return f"seats:{order.id}"


def _told(order: SeatOrder) -> dict[str, Any]:
    amount = str(to_amount(minor=order.amount, currency=order.currency))
    return {
        "seats": order.seats,
        "reference": order.reference,
        "amount": amount,
        "currency": order.currency,
    }


def _notice(order: SeatOrder, member_id: UUID) -> dict[str, Any]:
    params = _told(order)
    return {
        "member_id": member_id,
        "kind": SEATS_CONFIRMED,
        "occasion": _occasion(order),
        "title": translated(_TITLE, params),
        "body": translated(_BODY, params),
        "details": params,
    }


def _mail(read: TenantRead, order: SeatOrder, owner: asyncpg.Record) -> Outgoing:
    letter = Letter(
        subject=_TITLE,
        paragraphs=(msg("Hello {name},"), _BODY),
        params={"name": owner["name"], **_told(order)},
    )
    key = f"seats:{read.company.schema}:{order.id}:{owner['id']}"
    return Outgoing(letter, owner["email"], language_of(owner["language"]), key=key)


def _require(viewer: Viewer, roles: frozenset[str]) -> None:
    if not viewer.roles & roles:
        raise Forbidden(msg("You may not do this."))
