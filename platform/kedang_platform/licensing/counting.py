"""Seats that come to count: the first ones with their period, further ones for the rest of it (T4)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from kedang_platform.database import ControlTransaction
from kedang_platform.licensing.billing import Billing
from kedang_platform.licensing.charging import ADDITION, charge
from kedang_platform.licensing.credit_notes import credit
from kedang_platform.licensing.history import By, note
from kedang_platform.licensing.invoices import Invoice
from kedang_platform.licensing.keeping import give_back
from kedang_platform.licensing.orders import SeatOrder
from kedang_platform.licensing.periods import Interval, day_in, end_of_period
from kedang_platform.licensing.plans import find_plan, newest_plan, plan_at
from kedang_platform.licensing.proration import share_left
from kedang_platform.licensing.subscriptions import Subscription, change_subscription, hold_subscription

_LAST_PAID: Final = """
SELECT interval, currency, confirmed_at FROM platform.seat_order WHERE company_id = $1 AND state = 'paid'
ORDER BY confirmed_at DESC, id DESC LIMIT 1
"""


async def count_order(
    control: ControlTransaction,
    held: Subscription,
    *,
    invoice: Invoice,
    order: SeatOrder,
    billing: Billing,
    now: datetime,
) -> Subscription:
    """Count the seats of an order whose money is there; returns the subscription as it stands then."""
    by = By(member_id=order.ordered_by)
    if held.state != "free":
        await credit(control, billing=billing, invoice=invoice, amount=None, remark=None, now=now)
        await add_at_once(control, held, seats=order.seats, billing=billing, by=by, now=now)
        return await hold_subscription(control, company_id=held.company_id)
    held = await _begin(
        control,
        held,
        seats=order.seats,
        interval=order.interval,
        currency=order.currency,
        bought_at=now,
        ordered_at=order.ordered_at,
    )
    await note(
        control,
        company_id=held.company_id,
        event="bought",
        reason="payment",
        seats=order.seats,
        by=by,
        now=now,
    )
    await give_back(control, company_id=held.company_id, capacity=held.capacity, reason="payment", now=now)
    return held


async def add_at_once(
    control: ControlTransaction, held: Subscription, *, seats: int, billing: Billing, by: By, now: datetime
) -> Invoice:
    """Add paid seats to a running subscription, invoiced by what is left of its period.

    What was scheduled for the period's end stays: so many seats fewer than there are then.
    """
    today = day_in(held.time_zone, now)
    period = held.paying
    unit_price = await unit_price_of(control, held, now=now)
    scheduled = held.seats_at_renewal
    held = await change_subscription(
        control,
        held,
        paid_seats=held.paid_seats + seats,
        seats_at_renewal=scheduled + seats if scheduled is not None else None,
    )
    await note(
        control, company_id=held.company_id, event="added", reason="order", seats=seats, by=by, now=now
    )
    invoice = await charge(
        control,
        held,
        billing=billing,
        purpose=ADDITION,
        seats=seats,
        unit_price=unit_price,
        days=(min(max(today, period.start), period.end - timedelta(days=1)), period.end),
        share=share_left(start=period.start, end=period.end, today=today),
        now=now,
    )
    await give_back(control, company_id=held.company_id, capacity=held.capacity, reason="order", now=now)
    return invoice


async def unit_price_of(control: ControlTransaction, held: Subscription, *, now: datetime) -> int:
    """What a seat and interval costs the company until its period ends, in minor units."""
    period = held.paying
    if period.plan_version_id is not None:
        plan = await find_plan(control, plan_id=period.plan_version_id)
    else:
        known = await newest_plan(control)
        if known is None:
            raise LookupError(f"no price list at {now}")
        plan = known
    return plan.price(currency=period.currency).per(period.interval)


async def adopt(control: ControlTransaction, held: Subscription, *, now: datetime) -> Subscription:
    """Give a period to a company that paid under a release that knew none: that of its last order."""
    if held.state != "free" or held.paid_seats == 0:
        return held
    order = await control.fetchrow(_LAST_PAID, held.company_id)
    bought_at = order["confirmed_at"] if order else now
    plan = await plan_at(control, instant=bought_at)
    currency = order["currency"] if order else next(iter(plan.prices)) if plan else "CNY"
    return await _begin(
        control,
        held,
        seats=held.paid_seats,
        interval=order["interval"] if order else "month",
        currency=currency,
        bought_at=bought_at,
        ordered_at=bought_at,
    )


async def _begin(
    control: ControlTransaction,
    held: Subscription,
    *,
    seats: int,
    interval: Interval,
    currency: str,
    bought_at: datetime,
    ordered_at: datetime,
) -> Subscription:
    start = day_in(held.time_zone, bought_at)
    plan = await plan_at(control, instant=ordered_at)
    return await change_subscription(
        control,
        held,
        state="active",
        paid_seats=seats,
        interval=interval,
        currency=currency,
        plan_version_id=plan.id if plan else None,
        anchor=start,
        period_start=start,
        period_end=end_of_period(start=start, anchor=start, interval=interval),
    )
