"""The subscription of a company as it stands: its state, its period, what is to change with the next one (T4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

import asyncpg
from sqlalchemy import update

from kedang_platform.database import ControlRead, ControlTransaction
from kedang_platform.licensing.periods import Interval
from kedang_platform.licensing.tables import subscription

State = Literal["free", "active", "past_due", "restricted"]

_COLUMNS = (
    "s.company_id, c.time_zone, s.free_seats, s.paid_seats, s.state, s.interval, s.currency, s.plan_version_id,"
    " s.anchor, s.period_start, s.period_end, s.seats_at_renewal, s.interval_at_renewal, s.past_due_since,"
    " s.restricted_since"
)
_FIND = f"""
SELECT {_COLUMNS} FROM platform.subscription s JOIN platform.company c ON c.id = s.company_id
WHERE s.company_id = $1
"""
_HOLD = f"{_FIND} FOR UPDATE OF s"


@dataclass(frozen=True, slots=True)
class Period:
    """What a company pays by: days of its own zone, half open, and in which currency and by which prices.

    ``plan_version_id`` is None for one that was paid under a release without versions.
    """

    interval: Interval
    currency: str
    plan_version_id: UUID | None
    anchor: date
    start: date
    end: date


@dataclass(frozen=True, slots=True)
class Subscription:
    """``period`` is None exactly while the company is ``free``; ``paid_seats`` is what it pays for, used or not."""

    company_id: UUID
    time_zone: str
    free_seats: int
    paid_seats: int
    state: State
    period: Period | None
    seats_at_renewal: int | None
    interval_at_renewal: Interval | None
    past_due_since: datetime | None
    restricted_since: datetime | None

    @property
    def capacity(self) -> int:
        """Full members that there may be: restricted companies have the free seats alone."""
        return self.free_seats + self.counting

    @property
    def counting(self) -> int:
        """Paid seats that count now."""
        return 0 if self.state == "restricted" else self.paid_seats

    @property
    def seats_next(self) -> int:
        """Paid seats of the next period."""
        return self.paid_seats if self.seats_at_renewal is None else self.seats_at_renewal

    @property
    def paying(self) -> Period:
        """The period, for who knows that there is one."""
        assert self.period is not None
        return self.period


async def find_subscription(read: ControlRead, *, company_id: UUID) -> Subscription:
    """Raises LookupError when the company has none."""
    return _subscription(await read.fetchrow(_FIND, company_id), company_id)


async def hold_subscription(control: ControlTransaction, *, company_id: UUID) -> Subscription:
    """As ``find_subscription``, locked until the transaction ends: see ``seats.hold_seats``."""
    return _subscription(await control.fetchrow(_HOLD, company_id), company_id)


async def change_subscription(control: ControlTransaction, held: Subscription, **values: Any) -> Subscription:
    """Write the columns and return the subscription as it stands then; it is held before that."""
    statement = update(subscription).where(subscription.c.company_id == held.company_id).values(values)
    await control.execute(statement)
    return await find_subscription(control, company_id=held.company_id)


def _subscription(row: asyncpg.Record | None, company_id: UUID) -> Subscription:
    if row is None:
        raise LookupError(f"no subscription of company {company_id}")
    return Subscription(
        company_id=row["company_id"],
        time_zone=row["time_zone"],
        free_seats=row["free_seats"],
        paid_seats=row["paid_seats"],
        state=row["state"],
        period=_period(row),
        seats_at_renewal=row["seats_at_renewal"],
        interval_at_renewal=row["interval_at_renewal"],
        past_due_since=row["past_due_since"],
        restricted_since=row["restricted_since"],
    )


def _period(row: asyncpg.Record) -> Period | None:
    if row["state"] == "free":
        return None
    return Period(
        interval=row["interval"],
        currency=row["currency"],
        plan_version_id=row["plan_version_id"],
        anchor=row["anchor"],
        start=row["period_start"],
        end=row["period_end"],
    )
