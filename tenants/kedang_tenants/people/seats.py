"""Seats of a company: what there are, buying further ones, telling the owners that they are paid (T3, T4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import ControlTransaction, Databases, TenantWrite
from kedang_platform.errors import Forbidden
from kedang_platform.i18n import msg
from kedang_platform.identity import IdentityServices, throttle
from kedang_platform.licensing import (
    Billing,
    Interval,
    SeatOrder,
    SeatPrice,
    Seats,
    order_seats,
    orders_of,
    pending_seats,
    price_for,
    seats_of,
)
from kedang_platform.licensing.counting import adopt
from kedang_platform.licensing.invoices import find_invoice
from kedang_platform.licensing.lifecycle import settled
from kedang_platform.licensing.payments import Confirmation, Received, receive
from kedang_platform.licensing.plans import plan_in_force
from kedang_platform.licensing.subscriptions import find_subscription, hold_subscription
from kedang_platform.money import to_amount
from kedang_platform.registry import Company, find_company
from kedang_platform.settings import Settings
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.people.notices import SEATS_CONFIRMED
from kedang_tenants.people.telling import Telling, tell
from kedang_tenants.reading import Viewer

TELL_JOB: Final = "people.tell_seats"

# The policy's row "company, seats, subscription": for every reach of it a member's roles alone count,
# since whoever lacks a seat must be able to buy one.
BUY: Final = frozenset({"OWNER", "ADMIN"})
SEE: Final = BUY | {"GENERAL_MANAGER", "FINANCE"}

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
    require_role(viewer, BUY)
    assert viewer.member_id is not None
    now = services.clock.now()
    async with services.databases.control() as control:
        await throttle.spend(control, (throttle.ORDER_COMPANY, str(company.id)), now=now)
        return await order_further_seats(
            control,
            services.settings,
            company=company,
            seats=seats,
            interval=interval,
            ordered_by=viewer.member_id,
            now=now,
        )


async def order_further_seats(
    control: ControlTransaction,
    settings: Settings,
    *,
    company: Company,
    seats: int,
    interval: Interval,
    ordered_by: UUID,
    now: datetime,
) -> SeatOrder:
    """The order at the price list of today; it counts at once where the company's credit pays it."""
    held = await adopt(control, await hold_subscription(control, company_id=company.id), now=now)
    plan = await plan_in_force(control, prices=settings.seat_prices, now=now)
    billing = Billing.of(settings)
    order = await order_seats(
        control,
        company_id=company.id,
        seats=seats,
        interval=interval,
        # Money of another currency could not pay for seats of the period that runs.
        price=plan.price(currency=held.period.currency if held.period else company.currency),
        ordered_by=ordered_by,
        billing=billing,
        now=now,
    )
    if order.state == "paid" and order.invoice_id is not None:
        invoice = await find_invoice(control, invoice_id=order.invoice_id)
        await settled(control, invoice=invoice, billing=billing, now=now)
    return order


async def subscription_of(services: IdentityServices, viewer: Viewer, *, company: Company) -> Subscription:
    """What the company has and has ordered. Raises ``Forbidden``."""
    require_role(viewer, SEE)
    async with services.databases.control_read() as read:
        period = (await find_subscription(read, company_id=company.id)).period
        return Subscription(
            seats=await seats_of(read, company_id=company.id),
            pending=await pending_seats(read, company_id=company.id),
            orders=await orders_of(read, company_id=company.id),
            price=price_for(
                services.settings.seat_prices, currency=period.currency if period else company.currency
            ),
        )


async def confirm_seats(
    databases: Databases,
    *,
    received: Received,
    operator: str,
    settings: Settings,
    clock: Clock,
) -> Confirmation:
    """The operator's confirmation that a transfer has arrived; what it pays counts at once, the owners are told.

    Above the limit of the settings it counts when a second operator confirms it. Raises as ``payments.receive``.
    """
    async with databases.control() as control:
        done = await receive(
            control, received=received, operator=operator, billing=Billing.of(settings), now=clock.now()
        )
        order = done.order
        if done.payment.state == "confirmed" and order is not None and order.state == "paid":
            company = await find_company(control, company_id=order.company_id)
            job = NewJob(TELL_JOB, {"order": str(order.id)}, key=f"seats:{order.id}", company=company.ref)
            await enqueue(control, job)
    return done


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
        "amount": str(to_amount(minor=order.gross, currency=order.currency)),
        "currency": order.currency,
    }
    return Telling(SEATS_CONFIRMED, owner, f"seats:{order.id}", _TITLE, _BODY, params)


def require_role(viewer: Viewer, roles: frozenset[str]) -> None:
    """Raise ``Forbidden`` for who has none of the roles, whatever their seat."""
    if not viewer.roles & roles:
        raise Forbidden(msg("You may not do this."))
