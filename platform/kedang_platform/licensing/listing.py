"""What an operator sees: every company with its seats and the orders that wait for a transfer."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from kedang_platform.database import ControlRead
from kedang_platform.licensing.orders import ORDERS, SeatOrder
from kedang_platform.licensing.seats import COUNTING, Seats

_COMPANIES = f"""
SELECT c.id, c.name, s.free_seats, {COUNTING} AS paid_seats,
       (SELECT count(*) FROM platform.membership m
        WHERE m.company_id = c.id AND m.seat = 'full' AND m.state IN ('invited', 'active')) AS taken
FROM platform.company c JOIN platform.subscription s ON s.company_id = c.id
ORDER BY c.name, c.id
"""
_PENDING = f"{ORDERS} WHERE o.state = 'pending' ORDER BY o.ordered_at, o.id"


@dataclass(frozen=True, slots=True)
class CompanySeats:
    """``pending`` are the company's orders without a confirmed transfer, the oldest first."""

    company_id: UUID
    name: str
    seats: Seats
    pending: tuple[SeatOrder, ...]


async def list_seats(read: ControlRead) -> list[CompanySeats]:
    """Every company of the installation, by name."""
    pending = [SeatOrder(**dict(row)) for row in await read.fetch(_PENDING)]
    return [
        CompanySeats(
            company_id=row["id"],
            name=row["name"],
            seats=Seats(free=row["free_seats"], paid=row["paid_seats"], taken=row["taken"]),
            pending=tuple(order for order in pending if order.company_id == row["id"]),
        )
        for row in await read.fetch(_COMPANIES)
    ]
