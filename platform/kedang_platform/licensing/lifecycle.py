"""The life of a subscription: free, active, past due, restricted, free again (T4).

Every step is taken under the lock of the subscription, in one transaction with what it means for seats,
invoices, history and notices. A step counts from the moment at which it is taken, not from the one at which it
might have been: after a standstill nobody is restricted who was not past due for fourteen days.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final
from uuid import UUID

from kedang_platform.database import ControlTransaction
from kedang_platform.licensing.billing import Billing
from kedang_platform.licensing.charging import (
    ADDITION,
    RENEWAL,
    cancel_dues,
    charge,
    is_overdue,
)
from kedang_platform.licensing.counting import adopt, count_order
from kedang_platform.licensing.credit_notes import CANCELLATION, credit
from kedang_platform.licensing.history import Reason, note
from kedang_platform.licensing.invoices import Invoice, find_invoice
from kedang_platform.licensing.keeping import give_back, release_surplus
from kedang_platform.licensing.orders import PURCHASE, SeatOrder, order_of_invoice, withdraw_order
from kedang_platform.licensing.periods import Interval, day_in, end_of_period
from kedang_platform.licensing.plans import Prices, plan_in_force
from kedang_platform.licensing.subscriptions import Subscription, change_subscription, hold_subscription
from kedang_platform.licensing.telling import tell_owners_later

PAST_DUE: Final = timedelta(days=14)
"""How long a company that is past due has the full use of its seats."""
WARNED: Final = timedelta(days=3)
"""How long before it is restricted the owners are told once more."""
RESTRICTED: Final = timedelta(days=60)
"""How long a restricted company is waited for."""
ANNOUNCED: Final[Mapping[Interval, timedelta]] = {"month": timedelta(days=7), "year": timedelta(days=30)}
"""How long before a period ends the owners are told what the next one costs."""

_NO_PERIOD: Final = {
    "interval": None,
    "currency": None,
    "plan_version_id": None,
    "anchor": None,
    "period_start": None,
    "period_end": None,
    "seats_at_renewal": None,
    "interval_at_renewal": None,
    "past_due_since": None,
    "restricted_since": None,
}


@dataclass(frozen=True, slots=True)
class Terms:
    """What a step needs of the settings: who sells, and the price list of today."""

    billing: Billing
    prices: Prices


async def advance(
    control: ControlTransaction, *, company_id: UUID, owners: Collection[UUID], terms: Terms, now: datetime
) -> Subscription:
    """Take the steps that are due; repeating it changes nothing. ``owners`` keep their seats first.

    Periods that have ended are renewed and invoiced; of past due, restricted and free at most one step is taken.
    """
    held = await adopt(control, await hold_subscription(control, company_id=company_id), now=now)
    while held.state in ("active", "past_due") and day_in(held.time_zone, now) >= held.paying.end:
        held = await _renew(control, held, owners=owners, terms=terms, now=now)
    if held.state == "free":
        return held
    await _announce(control, held, now=now)
    return await _follow_dues(control, held, owners=owners, billing=terms.billing, now=now)


async def settled(control: ControlTransaction, *, invoice: Invoice, billing: Billing, now: datetime) -> None:
    """What it means that nothing is owed of ``invoice`` any more, in the transaction that settled it.

    A first purchase becomes active with its period; one of a company that runs already counts at once and is
    invoiced by the rest of that period instead. Where nothing is overdue any more, all seats are given back.
    """
    held = await adopt(control, await hold_subscription(control, company_id=invoice.company_id), now=now)
    if invoice.purpose == PURCHASE:
        order = await order_of_invoice(control, invoice_id=invoice.id)
        assert order is not None
        held = await count_order(control, held, invoice=invoice, order=order, billing=billing, now=now)
    if held.state in ("past_due", "restricted"):
        await _restore_if_paid(control, held, now=now)


async def reopened(
    control: ControlTransaction,
    *,
    invoice: Invoice,
    arrived_for: UUID,
    owners: Collection[UUID],
    billing: Billing,
    now: datetime,
) -> None:
    """Take back what ``settled`` did, since a payment that had arrived for an invoice was reversed.

    The seats of a purchase go; where they were invoiced by the rest of a period, that is credited. Renewals and
    other additions are due again; the next ``advance`` sees it. Seats that were renewed since stand on the invoice
    of that: they stay. Call it before the order is owed again.
    """
    held = await adopt(control, await hold_subscription(control, company_id=invoice.company_id), now=now)
    order = await _order_undone(control, invoice, arrived_for=arrived_for)
    if order is None or held.state == "free":
        return
    if order.confirmed_at is not None and day_in(held.time_zone, order.confirmed_at) < held.paying.start:
        return
    if invoice.purpose == ADDITION:
        await credit(
            control,
            billing=billing,
            invoice=invoice,
            amount=None,
            remark=None,
            purpose=CANCELLATION,
            now=now,
        )
        await withdraw_order(control, order_id=order.id)
    seats = held.paid_seats - order.seats
    await note(
        control,
        company_id=held.company_id,
        event="reduced",
        reason="reversal",
        seats=min(order.seats, held.paid_seats),
        now=now,
    )
    if seats <= 0:
        await _end(control, held, owners=owners, reason="reversal", waiting=True, now=now)
        return
    scheduled = held.seats_at_renewal
    held = await change_subscription(
        control,
        held,
        paid_seats=seats,
        seats_at_renewal=max(scheduled - order.seats, 0) if scheduled is not None else None,
    )
    await release_surplus(
        control,
        company_id=held.company_id,
        capacity=held.capacity,
        owners=owners,
        reason="reversal",
        waiting=True,
        now=now,
    )


async def _order_undone(
    control: ControlTransaction, invoice: Invoice, *, arrived_for: UUID
) -> SeatOrder | None:
    """The order that ``invoice`` charges: by itself, or as the addition that its payment was turned into."""
    if invoice.purpose == PURCHASE:
        return await order_of_invoice(control, invoice_id=invoice.id)
    order = await order_of_invoice(control, invoice_id=arrived_for)
    if invoice.purpose != ADDITION or order is None or order.state != "paid":
        return None
    bought = await find_invoice(control, invoice_id=arrived_for)
    turned = bought.credited_at == invoice.issued_at and invoice.lines[0].quantity == order.seats
    return order if turned else None


async def _renew(
    control: ControlTransaction,
    held: Subscription,
    *,
    owners: Collection[UUID],
    terms: Terms,
    now: datetime,
) -> Subscription:
    """The next period: its seats, its interval, the price list of today, its invoice."""
    seats, period = held.seats_next, held.paying
    fewer = held.paid_seats - seats
    if fewer:
        await note(
            control, company_id=held.company_id, event="reduced", reason="renewal", seats=fewer, now=now
        )
    if seats == 0:
        return await _end(control, held, owners=owners, reason="renewal", waiting=False, now=now)
    interval = held.interval_at_renewal or period.interval
    plan = await plan_in_force(control, prices=terms.prices, now=now)
    price = plan.price(currency=period.currency)
    end = end_of_period(start=period.end, anchor=period.anchor, interval=interval)
    held = await change_subscription(
        control,
        held,
        paid_seats=seats,
        interval=interval,
        currency=price.currency,
        plan_version_id=plan.id,
        period_start=period.end,
        period_end=end,
        seats_at_renewal=None,
        interval_at_renewal=None,
    )
    await note(control, company_id=held.company_id, event="renewed", reason="renewal", seats=seats, now=now)
    if fewer:
        await release_surplus(
            control,
            company_id=held.company_id,
            capacity=held.capacity,
            owners=owners,
            reason="renewal",
            waiting=False,
            now=now,
        )
    await charge(
        control,
        held,
        billing=terms.billing,
        purpose=RENEWAL,
        seats=seats,
        unit_price=price.per(interval),
        days=(period.end, end),
        share=Fraction(1),
        now=now,
    )
    return held


async def _announce(control: ControlTransaction, held: Subscription, *, now: datetime) -> None:
    """Tell what comes, some time before it comes; the occasion makes it told once."""
    period = held.paying
    if held.state == "active":
        days_left = (period.end - day_in(held.time_zone, now)).days
        if days_left <= ANNOUNCED[period.interval].days:
            await tell_owners_later(control, held, event="ending", day=period.end)
    if held.state == "past_due" and held.past_due_since is not None:
        ends = held.past_due_since + PAST_DUE
        if now >= ends - WARNED:
            await tell_owners_later(control, held, event="warned", day=day_in(held.time_zone, ends))


async def _follow_dues(
    control: ControlTransaction,
    held: Subscription,
    *,
    owners: Collection[UUID],
    billing: Billing,
    now: datetime,
) -> Subscription:
    if held.state != "active" and await _restore_if_paid(control, held, now=now):
        return await hold_subscription(control, company_id=held.company_id)
    if held.state == "active" and await is_overdue(control, company_id=held.company_id, now=now):
        return await _fall_due(control, held, now=now)
    if held.state == "past_due" and _since(held.past_due_since, now) >= PAST_DUE:
        return await _restrict(control, held, owners=owners, now=now)
    if held.state == "restricted" and _since(held.restricted_since, now) >= RESTRICTED:
        await cancel_dues(control, held, billing=billing, now=now)
        return await _end(control, held, owners=owners, reason="nonpayment", waiting=True, now=now)
    return held


async def _fall_due(control: ControlTransaction, held: Subscription, *, now: datetime) -> Subscription:
    held = await change_subscription(control, held, state="past_due", past_due_since=now)
    await note(control, company_id=held.company_id, event="past_due", reason="nonpayment", now=now)
    await tell_owners_later(control, held, event="past_due", day=day_in(held.time_zone, now + PAST_DUE))
    return held


async def _restrict(
    control: ControlTransaction, held: Subscription, *, owners: Collection[UUID], now: datetime
) -> Subscription:
    held = await change_subscription(control, held, state="restricted", restricted_since=now)
    await note(control, company_id=held.company_id, event="restricted", reason="nonpayment", now=now)
    await release_surplus(
        control,
        company_id=held.company_id,
        capacity=held.capacity,
        owners=owners,
        reason="nonpayment",
        waiting=True,
        now=now,
    )
    await tell_owners_later(control, held, event="restricted", day=day_in(held.time_zone, now + RESTRICTED))
    return held


async def _restore_if_paid(control: ControlTransaction, held: Subscription, *, now: datetime) -> bool:
    """Full use again where nothing is overdue; a period that ended meanwhile gives way to one that begins today."""
    if await is_overdue(control, company_id=held.company_id, now=now):
        return False
    today = day_in(held.time_zone, now)
    period = held.paying
    # The time without use is not invoiced: the next `advance` renews from today on.
    missed = (
        {"anchor": today, "period_end": today} if held.state == "restricted" and today > period.end else {}
    )
    held = await change_subscription(
        control, held, state="active", past_due_since=None, restricted_since=None, **missed
    )
    await note(control, company_id=held.company_id, event="restored", reason="payment", now=now)
    await give_back(control, company_id=held.company_id, capacity=held.capacity, reason="payment", now=now)
    await tell_owners_later(control, held, event="restored", day=today)
    return True


async def _end(
    control: ControlTransaction,
    held: Subscription,
    *,
    owners: Collection[UUID],
    reason: Reason,
    waiting: bool,
    now: datetime,
) -> Subscription:
    """Back to the free seats."""
    before = held
    held = await change_subscription(control, held, state="free", paid_seats=0, **_NO_PERIOD)
    await note(
        control, company_id=held.company_id, event="ended", reason=reason, seats=before.paid_seats, now=now
    )
    await release_surplus(
        control,
        company_id=held.company_id,
        capacity=held.capacity,
        owners=owners,
        reason=reason,
        waiting=waiting,
        now=now,
    )
    await tell_owners_later(control, held, event="ended", day=day_in(held.time_zone, now))
    return held


def _since(instant: datetime | None, now: datetime) -> timedelta:
    return now - instant if instant is not None else timedelta(0)
