"""What a company has paid for, and what is free for ever."""

from kedang_platform.licensing.billing import Billing
from kedang_platform.licensing.listing import CompanySeats, list_seats
from kedang_platform.licensing.orders import (
    SeatOrder,
    find_order,
    order_seats,
    orders_of,
    pending_seats,
)
from kedang_platform.licensing.payment_errors import AlreadyConfirmed
from kedang_platform.licensing.periods import Interval
from kedang_platform.licensing.plans import SeatPrice, price_for
from kedang_platform.licensing.seats import SeatRequired, Seats, hold_seats, require_seat, seats_of, subscribe

__all__ = [
    "AlreadyConfirmed",
    "Billing",
    "CompanySeats",
    "Interval",
    "SeatOrder",
    "SeatPrice",
    "SeatRequired",
    "Seats",
    "find_order",
    "hold_seats",
    "list_seats",
    "order_seats",
    "orders_of",
    "pending_seats",
    "price_for",
    "require_seat",
    "seats_of",
    "subscribe",
]
