"""Buying seats: ordered by the company, invoiced at once, counted when the money is there (T3, T4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import insert

from kedang_platform.database import ControlRead, ControlTransaction
from kedang_platform.errors import BadUserInput
from kedang_platform.i18n import msg
from kedang_platform.ids import new_id
from kedang_platform.licensing.billing import NO_TAX, Billing
from kedang_platform.licensing.invoices import Invoice, Line, issue
from kedang_platform.licensing.payment_errors import AlreadyConfirmed
from kedang_platform.licensing.periods import Interval
from kedang_platform.licensing.plans import SeatPrice
from kedang_platform.licensing.references import new_reference
from kedang_platform.licensing.tables import seat_order

OrderState = Literal["pending", "paid", "withdrawn"]

PURCHASE: Final = "purchase"
BY_CREDIT: Final = "credit"
"""Who confirmed an order that was paid by what the company had to its credit."""

_TEXTS: Final[Mapping[Interval, str]] = {
    "month": msg("Further seats for one month from the receipt of payment on"),
    "year": msg("Further seats for one year from the receipt of payment on"),
}
ORDERS: Final = """
SELECT o.*, coalesce(i.gross, o.amount) AS gross
FROM platform.seat_order o LEFT JOIN platform.invoice i ON i.id = o.invoice_id
"""
"""Orders as ``SeatOrder`` has them, in SQL to be continued."""

MOST_SEATS: Final = 1000
"""Seats that one order may be of."""


class SeatsOutOfRange(BadUserInput):
    def __init__(self) -> None:
        super().__init__(
            msg("An order is of at least one seat and at most {most}."), path=("seats",), most=MOST_SEATS
        )


@dataclass(frozen=True, slots=True)
class SeatOrder:
    """Seats that a company bought. ``unit_price`` (a seat and interval) and ``amount`` are minor units of ``currency``.

    ``gross`` is what is transferred: the amount with the tax of its invoice.
    """

    id: UUID
    company_id: UUID
    reference: str
    seats: int
    interval: Interval
    currency: str
    unit_price: int
    amount: int
    state: OrderState
    ordered_by: UUID
    ordered_at: datetime
    confirmed_by: str | None = None
    confirmed_at: datetime | None = None
    invoice_id: UUID | None = None
    gross: int = 0


@dataclass(frozen=True, slots=True)
class _Confirmed:
    operator: str
    at: datetime


async def order_seats(
    control: ControlTransaction,
    *,
    company_id: UUID,
    seats: int,
    interval: Interval,
    price: SeatPrice,
    ordered_by: UUID,
    billing: Billing,
    now: datetime,
) -> SeatOrder:
    """Write the order with its invoice, under whose reference it is paid. It adds no seat before that.

    Where the company's credit pays it at once, it is ``paid`` and the caller does what ``settled`` does. Call it under
    the lock of the company's seats. Raises ``SeatsOutOfRange``.
    """
    if not 1 <= seats <= MOST_SEATS:
        raise SeatsOutOfRange
    order = SeatOrder(
        id=new_id(),
        company_id=company_id,
        reference=new_reference(),
        seats=seats,
        interval=interval,
        currency=price.currency,
        unit_price=price.per(interval),
        amount=seats * price.per(interval),
        state="pending",
        ordered_by=ordered_by,
        ordered_at=now,
    )
    invoice = await _issue(control, order, billing=billing, now=now)
    order = replace(order, invoice_id=invoice.id, gross=invoice.gross)
    if invoice.paid_at is not None:
        order = replace(order, state="paid", confirmed_by=BY_CREDIT, confirmed_at=now)
    values = {column.name: getattr(order, column.name) for column in seat_order.columns}
    await control.execute(insert(seat_order).values(values))
    return order


async def _issue(
    control: ControlTransaction,
    order: SeatOrder,
    *,
    billing: Billing,
    now: datetime,
    of_old: bool = False,
) -> Invoice:
    """The invoice of an order. Its period is not known yet: it begins when the money is there."""
    line = Line(
        text=_TEXTS[order.interval],
        params={},
        quantity=order.seats,
        unit_price=order.unit_price,
        period=None,
        share=Fraction(1),
        amount=order.amount,
    )
    return await issue(
        control,
        billing=billing,
        company_id=order.company_id,
        kind="invoice",
        currency=order.currency,
        lines=[line],
        due_at=now + billing.payable_in,
        purpose=PURCHASE,
        reference=order.reference,
        from_credit=not of_old,
        tax_rate=NO_TAX if of_old else None,
        now=now,
    )


async def invoice_order(
    control: ControlTransaction, *, reference: str, billing: Billing, now: datetime
) -> Invoice:
    """Issue the invoice of an order that was made before orders had one, at the price that it was made at.

    That was all that its company was told to transfer, so no tax is added to it.
    """
    found = await control.fetchrow(f"{ORDERS} WHERE o.reference = $1 FOR UPDATE OF o", reference)
    if found is None:
        raise LookupError(f"no order {reference}")
    order = _order(found)
    if order.state == "paid":
        # The release that it was paid under kept no books: who confirmed it stands in the order.
        raise AlreadyConfirmed(reference, _Confirmed(order.confirmed_by or "", order.confirmed_at or now))
    # The payment that asks for it pays it, before any credit.
    invoice = await _issue(control, order, billing=billing, now=now, of_old=True)
    await control.fetch("UPDATE platform.seat_order SET invoice_id = $2 WHERE id = $1", order.id, invoice.id)
    return invoice


async def note_paid(control: ControlTransaction, *, invoice_id: UUID, operator: str, now: datetime) -> None:
    """Note at the order of a paid invoice, where it has one, who confirmed the last of the money."""
    await control.fetch(
        "UPDATE platform.seat_order SET state = 'paid', confirmed_by = $2, confirmed_at = $3"
        " WHERE invoice_id = $1 AND state = 'pending'",
        invoice_id,
        operator,
        now,
    )


async def owe_again(control: ControlTransaction, *, invoice_id: UUID) -> None:
    """The order of an invoice that is not paid any more waits for its transfer again."""
    await control.fetch(
        "UPDATE platform.seat_order SET state = 'pending', confirmed_by = NULL, confirmed_at = NULL"
        " WHERE invoice_id = $1 AND state = 'paid'",
        invoice_id,
    )


async def withdraw_order(control: ControlTransaction, *, order_id: UUID) -> None:
    """An order whose payment was undone after its invoice had been credited: nothing is owed of it."""
    await control.fetch(
        "UPDATE platform.seat_order SET state = 'withdrawn', confirmed_by = NULL, confirmed_at = NULL"
        " WHERE id = $1",
        order_id,
    )


async def order_of_invoice(read: ControlRead, *, invoice_id: UUID) -> SeatOrder | None:
    """The order of seats that an invoice is of, where it is of one."""
    row = await read.fetchrow(f"{ORDERS} WHERE o.invoice_id = $1", invoice_id)
    return None if row is None else _order(row)


async def orders_of(read: ControlRead, *, company_id: UUID) -> list[SeatOrder]:
    """The company's newest 100 orders, the newest first."""
    rows = await read.fetch(
        f"{ORDERS} WHERE o.company_id = $1 ORDER BY o.ordered_at DESC, o.id DESC LIMIT 100",
        company_id,
    )
    return [_order(row) for row in rows]


async def find_order(read: ControlRead, *, order_id: UUID) -> SeatOrder:
    """Raises LookupError when there is none."""
    row = await read.fetchrow(f"{ORDERS} WHERE o.id = $1", order_id)
    if row is None:
        raise LookupError(f"no order {order_id}")
    return _order(row)


async def pending_seats(read: ControlRead, *, company_id: UUID) -> int:
    """Seats that the company ordered and whose transfer is not confirmed yet."""
    pending: int = await read.fetchval(
        "SELECT coalesce(sum(seats), 0)::bigint FROM platform.seat_order WHERE company_id = $1 AND state = 'pending'",
        company_id,
    )
    return pending


def _order(row: Any) -> SeatOrder:
    return SeatOrder(**dict(row))
