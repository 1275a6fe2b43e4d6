"""Seats: the first two are free for ever; an active or invited full member holds one (T3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert

from kedang_platform.database import ControlRead, ControlTransaction
from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg
from kedang_platform.licensing.tables import subscription

COUNTING = "CASE WHEN state = 'restricted' THEN 0 ELSE paid_seats END"
"""Paid seats that count now, in SQL on ``platform.subscription``."""

HELD = "seat = 'full' AND state IN ('invited', 'active')"
"""Whether a membership holds a seat, in SQL on ``platform.membership``."""

_SEATS = f"SELECT free_seats, {COUNTING} AS paid_seats FROM platform.subscription WHERE company_id = $1"
_LOCK = f"{_SEATS} FOR UPDATE"
_TAKEN = f"SELECT count(*) FROM platform.membership WHERE company_id = $1 AND {HELD}"


class SeatRequired(KedangError):
    """All seats are taken; view-only members need none."""

    def __init__(self, *, seats: int) -> None:
        super().__init__(
            msg("All {seats} seats are taken. Buy a further seat, free one, or choose view-only."),
            path=("seat",),
            seats=seats,
        )


@dataclass(frozen=True, slots=True)
class Seats:
    """How many full members a company may have, and how many it has, pending invitations included.

    ``paid`` are those that count: none while the company is restricted, whatever it ordered.
    """

    free: int
    paid: int
    taken: int

    @property
    def total(self) -> int:
        return self.free + self.paid


async def subscribe(control: ControlTransaction, *, company_id: UUID, free_seats: int, now: datetime) -> None:
    """Give a new company its free seats: two at least, and never fewer than it began with (T3)."""
    await control.execute(
        insert(subscription).values(
            company_id=company_id, free_seats=free_seats, paid_seats=0, created_at=now
        )
    )


async def hold_seats(control: ControlTransaction, *, company_id: UUID) -> int:
    """Lock the company's seats until the transaction ends and return how many there are.

    Everything that changes who holds what begins with this: of several at once it makes a queue (design 7).
    """
    row = await control.fetchrow(_LOCK, company_id)
    if row is None:
        raise LookupError(f"no subscription of company {company_id}")
    seats: int = row["free_seats"] + row["paid_seats"]
    return seats


async def require_seat(control: ControlTransaction, *, company_id: UUID) -> None:
    """See, under the lock, that a seat is left, else ``SeatRequired``; the caller takes it in this transaction."""
    await require_one_of(
        control, company_id=company_id, seats=await hold_seats(control, company_id=company_id)
    )


async def require_one_of(control: ControlTransaction, *, company_id: UUID, seats: int) -> None:
    """As ``require_seat``, for who has held the seats already and knows how many there are."""
    if await control.fetchval(_TAKEN, company_id) >= seats:
        raise SeatRequired(seats=seats)


async def seats_of(read: ControlRead, *, company_id: UUID) -> Seats:
    """The company's seats as they stand."""
    row = await read.fetchrow(_SEATS, company_id)
    if row is None:
        raise LookupError(f"no subscription of company {company_id}")
    return Seats(
        free=row["free_seats"], paid=row["paid_seats"], taken=await read.fetchval(_TAKEN, company_id)
    )
