"""Buying seats by bank transfer: ordered by the company, confirmed once by the operator (T3, T4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import insert, select, update

from kedang_platform.database import ControlRead, ControlTransaction
from kedang_platform.errors import BadUserInput, KedangError, NotFound
from kedang_platform.i18n import msg
from kedang_platform.ids import new_id
from kedang_platform.licensing.references import new_reference, read_reference
from kedang_platform.licensing.seats import hold_seats
from kedang_platform.licensing.tables import seat_order, subscription

Interval = Literal["month", "year"]
OrderState = Literal["pending", "paid"]
Prices = Mapping[str, tuple[int, int]]

MOST_SEATS: Final = 1000
"""Seats that one order may be of."""


class SeatsOutOfRange(BadUserInput):
    def __init__(self) -> None:
        super().__init__(
            msg("An order is of at least one seat and at most {most}."), path=("seats",), most=MOST_SEATS
        )


class UnknownReference(NotFound):
    """No order has this reference."""

    def __init__(self, reference: str) -> None:
        super().__init__(msg("No order has the reference {reference}."), reference=reference)


class MisreadReference(BadUserInput):
    """The check character does not fit: the reference was misread or mistyped."""

    def __init__(self, reference: str) -> None:
        super().__init__(
            msg("{reference} is not a reference of ours: a character was misread or mistyped."),
            reference=reference,
        )


class AlreadyConfirmed(KedangError):
    """The transfer was confirmed before; the seats stand and nothing was added."""

    def __init__(self, order: SeatOrder) -> None:
        super().__init__(
            msg("The transfer {reference} was confirmed already on {day} by {operator}."),
            reference=order.reference,
            day=order.confirmed_at.date().isoformat() if order.confirmed_at else "",
            operator=order.confirmed_by,
        )


@dataclass(frozen=True, slots=True)
class SeatOrder:
    """Seats that a company bought. ``unit_price`` (a seat and interval) and ``amount`` are minor units of ``currency``."""

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


@dataclass(frozen=True, slots=True)
class SeatPrice:
    """What a further seat costs a company now, in minor units."""

    currency: str
    month: int
    year: int

    def per(self, interval: Interval) -> int:
        return self.month if interval == "month" else self.year


def price_for(prices: Prices, *, currency: str) -> SeatPrice:
    """The price in the company's currency, or in the first of the list where it has none in that."""
    known = currency if currency in prices else next(iter(prices))
    month, year = prices[known]
    return SeatPrice(known, month, year)


async def order_seats(
    control: ControlTransaction,
    *,
    company_id: UUID,
    seats: int,
    interval: Interval,
    price: SeatPrice,
    ordered_by: UUID,
    now: datetime,
) -> SeatOrder:
    """Write the order, which adds no seat before its transfer is confirmed. Raises ``SeatsOutOfRange``."""
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
    values = {column.name: getattr(order, column.name) for column in seat_order.columns}
    await control.execute(insert(seat_order).values(values))
    return order


async def confirm_transfer(
    control: ControlTransaction, *, reference: str, operator: str, now: datetime
) -> SeatOrder:
    """Note that the order was paid and give the company its seats, under the lock of its subscription.

    Of several that confirm one order at once the first does. Raises ``MisreadReference``,
    ``UnknownReference`` and ``AlreadyConfirmed``; nothing is written then.
    """
    exact = read_reference(reference)
    if exact is None:
        raise MisreadReference(reference)
    statement = select(seat_order).where(seat_order.c.reference == exact)
    found = (await control.execute(statement)).mappings().one_or_none()
    if found is None:
        raise UnknownReference(exact)
    await hold_seats(control, company_id=found["company_id"])
    order = _order((await control.execute(statement.with_for_update())).mappings().one())
    if order.state == "paid":
        raise AlreadyConfirmed(order)
    paid = {"state": "paid", "confirmed_by": operator, "confirmed_at": now}
    changed = update(seat_order).where(seat_order.c.id == order.id).values(paid).returning(seat_order)
    await control.execute(
        update(subscription)
        .where(subscription.c.company_id == order.company_id)
        .values(paid_seats=subscription.c.paid_seats + order.seats)
    )
    return _order((await control.execute(changed)).mappings().one())


async def orders_of(read: ControlRead, *, company_id: UUID) -> list[SeatOrder]:
    """The company's newest 100 orders, the newest first."""
    rows = await read.fetch(
        "SELECT * FROM platform.seat_order WHERE company_id = $1 ORDER BY ordered_at DESC, id DESC LIMIT 100",
        company_id,
    )
    return [_order(row) for row in rows]


async def find_order(read: ControlRead, *, order_id: UUID) -> SeatOrder:
    """Raises LookupError when there is none."""
    row = await read.fetchrow("SELECT * FROM platform.seat_order WHERE id = $1", order_id)
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
