"""Periods, exact shares, and what a change costs before it is made (T4): cases worked out by hand."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedang_platform.licensing.orders import SeatsOutOfRange
from kedang_platform.licensing.periods import day_in, end_of_period
from kedang_platform.licensing.plans import SeatPrice
from kedang_platform.licensing.previewing import (
    Cost,
    FewerSeatsPaid,
    NothingPaid,
    PaymentDue,
    Quote,
    SeatChange,
    preview,
)
from kedang_platform.licensing.proration import prorated, share_left
from kedang_platform.licensing.subscriptions import Period, Subscription

pytestmark = pytest.mark.requirement("T4")


def day(text):
    return date.fromisoformat(text)


@pytest.mark.parametrize(
    ("start", "anchor", "interval", "end"),
    [
        ("2026-03-15", "2026-03-15", "month", "2026-04-15"),
        ("2026-12-15", "2026-12-15", "month", "2027-01-15"),
        ("2026-01-31", "2026-01-31", "month", "2026-02-28"),
        ("2026-02-28", "2026-01-31", "month", "2026-03-31"),
        ("2026-03-31", "2026-01-31", "month", "2026-04-30"),
        ("2028-01-31", "2028-01-31", "month", "2028-02-29"),
        ("2028-01-30", "2028-01-30", "month", "2028-02-29"),
        ("2028-02-29", "2028-02-29", "year", "2029-02-28"),
        ("2031-02-28", "2028-02-29", "year", "2032-02-29"),
        ("2026-03-31", "2026-03-31", "year", "2027-03-31"),
        ("2026-02-28", "2026-01-31", "year", "2027-02-28"),
    ],
)
def test_periods_end_on_the_day_of_the_anchor_where_the_month_has_it(start, anchor, interval, end):
    assert end_of_period(start=day(start), anchor=day(anchor), interval=interval) == day(end)


@given(
    st.dates(min_value=date(2000, 1, 1), max_value=date(2100, 12, 31)),
    st.lists(st.sampled_from(["month", "year"]), max_size=30),
)
def test_periods_follow_one_another_without_a_gap_and_never_wander_from_their_day(anchor, intervals):
    start, months = anchor, 0
    for interval in intervals:
        end = end_of_period(start=start, anchor=anchor, interval=interval)
        months += 1 if interval == "month" else 12
        assert end > start
        assert (end.year * 12 + end.month) - (anchor.year * 12 + anchor.month) == months
        assert end.day == anchor.day or (end.day < anchor.day and (end.replace(day=end.day)).day >= 28)
        start = end


@pytest.mark.parametrize(
    ("start", "end", "today", "share"),
    [
        ("2026-03-01", "2026-04-01", "2026-03-01", Fraction(1)),
        ("2026-03-01", "2026-04-01", "2026-03-02", Fraction(30, 31)),
        ("2026-03-01", "2026-04-01", "2026-03-31", Fraction(1, 31)),
        ("2026-03-01", "2026-04-01", "2026-04-01", Fraction(0)),
        ("2026-03-01", "2026-04-01", "2026-05-01", Fraction(0)),
        ("2026-03-01", "2026-04-01", "2026-02-01", Fraction(1)),
        ("2026-01-31", "2026-02-28", "2026-02-14", Fraction(1, 2)),
        ("2028-02-29", "2029-02-28", "2028-12-31", Fraction(59, 365)),
        ("2027-06-01", "2028-06-01", "2028-02-29", Fraction(93, 366)),
    ],
)
def test_the_share_that_is_left_counts_today_in_full(start, end, today, share):
    assert share_left(start=day(start), end=day(end), today=day(today)) == share


@pytest.mark.parametrize(
    ("seats", "unit_price", "share", "amount"),
    [
        (1, 900, Fraction(30, 31), 871),  # 870.97
        (3, 900, Fraction(1, 31), 87),  # 87.097: one rounding for the line, not 3 x 29
        (1, 9000, Fraction(59, 365), 1455),  # 1454.79
        (7, 49000, Fraction(93, 366), 87156),  # 87155.74
        (1, 1, Fraction(1, 2), 1),  # a half goes up
        (1, 3, Fraction(1, 2), 2),
        (1, 1, Fraction(1, 3), 0),
        (5, 900, Fraction(0), 0),
        (1000, 1_000_000_000, Fraction(364, 365), 997_260_273_973),
    ],
)
def test_a_line_is_exact_and_rounded_half_up_once(seats, unit_price, share, amount):
    assert prorated(seats=seats, unit_price=unit_price, share=share) == amount


def test_a_day_is_the_companys():
    instant = datetime(2026, 3, 1, 2, tzinfo=UTC)
    assert day_in("America/New_York", instant) == day("2026-02-28")
    assert day_in("Asia/Shanghai", instant) == day("2026-03-01")


NOBODY = UUID(int=0)
FREE = Subscription(NOBODY, "UTC", 2, 0, "free", None, None, None, None, None)
ACTIVE = replace(
    FREE,
    paid_seats=5,
    state="active",
    period=Period("month", "USD", UUID(int=1), day("2026-03-01"), day("2026-03-01"), day("2026-04-01")),
)
QUOTE = Quote(SeatPrice("USD", 900, 9000), SeatPrice("USD", 1000, 10000), Decimal(13))


def look(held, credit_left=20, **change):
    return preview(held, SeatChange(**change), quote=QUOTE, today=day("2026-03-16"), credit_left=credit_left)


def test_a_running_company_pays_the_rest_of_its_period_by_its_own_price_and_then_by_the_list_of_today():
    told = look(ACTIVE, add=3)
    assert (told.share, told.on_payment, told.capacity) == (Fraction(16, 31), False, 10)
    assert told.now == Cost(1394, 181)  # 3 x 900 x 16/31 = 1393.55, 13 % of 1394 = 181.22
    assert told.now.gross == 1575
    assert (told.renews_on, told.next_seats, told.next_interval) == (day("2026-04-01"), 8, "month")
    assert told.next == Cost(8000, 1040)


def test_a_free_company_pays_a_whole_interval_and_counts_on_payment():
    told = look(FREE, add=2, interval="year")
    assert (told.on_payment, told.share, told.renews_on) == (True, Fraction(1), None)
    assert (told.now, told.next, told.next_seats) == (Cost(20000, 2600), Cost(20000, 2600), 2)


def test_above_the_credit_seats_wait_for_their_payment():
    told = look(ACTIVE, add=3, credit_left=2)
    assert (told.on_payment, told.now) == (True, Cost(3000, 390))


def test_what_is_removed_costs_nothing_from_the_next_period_on():
    told = look(replace(ACTIVE, seats_at_renewal=4), remove=3, interval="year")
    assert (told.now, told.next_seats, told.next_interval) == (Cost(), 1, "year")
    assert told.next == Cost(10000, 1300)
    assert told.capacity == 7
    assert told.on_payment is False


@pytest.mark.parametrize(
    ("held", "change", "error"),
    [
        (ACTIVE, {"add": -1}, SeatsOutOfRange),
        (ACTIVE, {"add": 1001}, SeatsOutOfRange),
        (ACTIVE, {"remove": -1}, SeatsOutOfRange),
        (ACTIVE, {"remove": 6}, FewerSeatsPaid),
        (replace(ACTIVE, seats_at_renewal=2), {"remove": 3}, FewerSeatsPaid),
        (FREE, {"remove": 1}, NothingPaid),
        (replace(ACTIVE, state="past_due"), {"add": 1}, PaymentDue),
        (replace(ACTIVE, state="restricted"), {"add": 1}, PaymentDue),
    ],
)
def test_what_cannot_be_ordered_has_no_price(held, change, error):
    with pytest.raises(error):
        look(held, **change)


def test_a_restricted_company_has_its_free_seats_alone_and_keeps_what_it_ordered():
    held = replace(ACTIVE, state="restricted")
    assert (held.capacity, held.counting, held.paid_seats, held.seats_next) == (2, 0, 5, 5)
