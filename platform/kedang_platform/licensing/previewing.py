"""What a change of seats would cost, worked out before anybody orders it (T4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from kedang_platform.errors import BadUserInput, KedangError
from kedang_platform.i18n import msg
from kedang_platform.licensing.invoices import Line, taxed_line
from kedang_platform.licensing.orders import MOST_SEATS, SeatsOutOfRange
from kedang_platform.licensing.periods import Interval
from kedang_platform.licensing.plans import SeatPrice
from kedang_platform.licensing.proration import prorated, share_left
from kedang_platform.licensing.subscriptions import Subscription


class NothingPaid(KedangError):
    """The company has its free seats only: there is no period to change."""

    def __init__(self) -> None:
        super().__init__(msg("There are no paid seats. Buy some first."))


class PaymentDue(KedangError):
    """Seats are added again when what is overdue has been paid."""

    def __init__(self) -> None:
        super().__init__(msg("An invoice is overdue. Seats can be added when it has been paid."))


class FewerSeatsPaid(BadUserInput):
    """More seats are to be removed than will be paid for then."""

    def __init__(self, *, seats: int) -> None:
        super().__init__(
            msg("At most {seats} paid seats can be removed at the end of the period."),
            path=("seats",),
            seats=seats,
        )


@dataclass(frozen=True, slots=True)
class SeatChange:
    """Seats to add at once, seats to remove at the period's end, and the interval from then on (None: as it is)."""

    add: int = 0
    remove: int = 0
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """Minor units, without tax, the tax, and together."""

    net: int = 0
    tax: int = 0

    @property
    def gross(self) -> int:
        return self.net + self.tax


@dataclass(frozen=True, slots=True)
class Quote:
    """Prices of a company: what it pays by until its period ends (None while it has none), and the list of today."""

    running: SeatPrice | None
    today: SeatPrice
    tax_rate: Decimal


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change costs now, and what the next period costs as things would stand then.

    ``share`` is the part of an interval that is charged now. With ``on_payment`` the seats count when that is
    paid, else at once. ``renews_on`` is None where no period runs: the first one begins with the payment.
    """

    currency: str
    capacity: int
    now: Cost
    share: Fraction
    on_payment: bool
    renews_on: date | None
    next_seats: int
    next_interval: Interval
    next: Cost


def preview(
    held: Subscription, change: SeatChange, *, quote: Quote, today: date, credit_left: int
) -> Preview:
    """The exact amounts of ``change``; ``credit_left`` is how many seats may still be added before they are paid.

    Raises ``SeatsOutOfRange``, ``FewerSeatsPaid``, ``NothingPaid``, ``PaymentDue``.
    """
    check_change(held, change)
    on_payment = held.state == "free" or change.add > credit_left
    interval = (
        change.interval or held.interval_at_renewal or (held.period.interval if held.period else "month")
    )
    seats = held.seats_next + change.add - change.remove
    if on_payment:
        share, unit = Fraction(1), quote.today.per(interval if held.state == "free" else held.paying.interval)
    else:
        period = held.paying
        share = share_left(start=period.start, end=period.end, today=today)
        unit = (quote.running or quote.today).per(period.interval)
    return Preview(
        currency=quote.today.currency if held.state == "free" else held.paying.currency,
        capacity=held.capacity + change.add,
        now=_cost(change.add, unit, share, quote.tax_rate),
        share=share,
        on_payment=on_payment and change.add > 0,
        renews_on=held.period.end if held.period else None,
        next_seats=seats,
        next_interval=interval,
        next=_cost(seats, quote.today.per(interval), Fraction(1), quote.tax_rate),
    )


def next_cost(held: Subscription, *, seats: int, quote: Quote) -> Cost:
    """What the next period costs a paying company for this many seats, by the list of today."""
    interval = held.interval_at_renewal or held.paying.interval
    return _cost(seats, quote.today.per(interval), Fraction(1), quote.tax_rate)


def check_change(held: Subscription, change: SeatChange) -> None:
    """Whether the change may be made now; raises as ``preview``."""
    if not 0 <= change.add <= MOST_SEATS or change.remove < 0:
        raise SeatsOutOfRange
    if change.remove:
        if held.state == "free":
            raise NothingPaid
        if change.remove > held.seats_next:
            raise FewerSeatsPaid(seats=held.seats_next)
    if change.add and held.state in ("past_due", "restricted"):
        raise PaymentDue


def _cost(seats: int, unit_price: int, share: Fraction, tax_rate: Decimal) -> Cost:
    amount = prorated(seats=seats, unit_price=unit_price, share=share)
    taxed = taxed_line(Line("", {}, seats, unit_price, None, share, amount), tax_rate)
    return Cost(taxed.amount, taxed.tax)
