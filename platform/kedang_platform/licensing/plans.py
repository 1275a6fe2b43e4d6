"""Versions of the price list: a new list makes a new one, and who pays by an older keeps it until renewal (T4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy import insert

from kedang_platform.database import ControlRead, ControlTransaction
from kedang_platform.ids import new_id
from kedang_platform.licensing.periods import Interval
from kedang_platform.licensing.tables import plan_version

SEATS: Final = "seats"
"""The one plan that there is: further seats by month or year."""

Prices = Mapping[str, tuple[int, int]]

_COLUMNS = "id, number, in_force_from, prices"
_NEWEST = f"SELECT {_COLUMNS} FROM platform.plan_version WHERE plan = $1 ORDER BY number DESC LIMIT 1"
_BY_ID = f"SELECT {_COLUMNS} FROM platform.plan_version WHERE id = $1"
_AT = f"""
SELECT {_COLUMNS} FROM platform.plan_version WHERE plan = $1 ORDER BY in_force_from <= $2 DESC,
CASE WHEN in_force_from <= $2 THEN -number ELSE number END LIMIT 1
"""
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('plan versions'))"


@dataclass(frozen=True, slots=True)
class SeatPrice:
    """What a further seat costs a company, in minor units."""

    currency: str
    month: int
    year: int

    def per(self, interval: Interval) -> int:
        return self.month if interval == "month" else self.year


@dataclass(frozen=True, slots=True)
class PlanVersion:
    """A price list that was in force from ``in_force_from`` until the next one's."""

    id: UUID
    number: int
    in_force_from: datetime
    prices: Prices

    def price(self, *, currency: str) -> SeatPrice:
        """The price in this currency, or in the first of the list where it has none."""
        return price_for(self.prices, currency=currency)


def price_for(prices: Prices, *, currency: str) -> SeatPrice:
    """The price in the company's currency, or in the first of the list where it has none in that."""
    known = currency if currency in prices else next(iter(prices))
    month, year = prices[known]
    return SeatPrice(known, month, year)


async def plan_in_force(control: ControlTransaction, *, prices: Prices, now: datetime) -> PlanVersion:
    """The version that says ``prices``, the operator's list of today: the newest, or a new one where they differ."""
    newest = await newest_plan(control)
    if newest is not None and _same(newest.prices, prices):
        return newest
    await control.fetchval(_ONE_AT_A_TIME)
    newest = await newest_plan(control)
    if newest is not None and _same(newest.prices, prices):
        return newest
    made = PlanVersion(new_id(), newest.number + 1 if newest else 1, now, dict(prices))
    listed = [[currency, *price] for currency, price in prices.items()]
    await control.execute(
        insert(plan_version).values(
            id=made.id, plan=SEATS, number=made.number, in_force_from=now, prices=listed
        )
    )
    return made


async def newest_plan(read: ControlRead) -> PlanVersion | None:
    """None before the first one has been met."""
    row = await read.fetchrow(_NEWEST, SEATS)
    return _version(row) if row is not None else None


async def find_plan(read: ControlRead, *, plan_id: UUID) -> PlanVersion:
    """Raises LookupError when there is none."""
    row = await read.fetchrow(_BY_ID, plan_id)
    if row is None:
        raise LookupError(f"no version {plan_id} of the plan")
    return _version(row)


async def plan_at(read: ControlRead, *, instant: datetime) -> PlanVersion | None:
    """The version in force at ``instant``, the first one for what lay before it; None where there is none."""
    row = await read.fetchrow(_AT, SEATS, instant)
    return _version(row) if row is not None else None


def _same(one: Prices, other: Prices) -> bool:
    """Also in the order of the currencies, since the first is what others pay in."""
    return [(key, *price) for key, price in one.items()] == [(key, *price) for key, price in other.items()]


def _version(row: asyncpg.Record) -> PlanVersion:
    # A list of lists: jsonb objects do not keep the order of their keys.
    prices = {currency: (month, year) for currency, month, year in orjson.loads(row["prices"])}
    return PlanVersion(row["id"], row["number"], row["in_force_from"], prices)
