from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedang_platform.working_calendar import NoWorkingDay, WorkingCalendar

CHINA = WorkingCalendar(country="CN")
days = st.dates(date(2020, 1, 1), date(2030, 12, 31))
calendars = st.builds(
    WorkingCalendar,
    country=st.sampled_from(["CN", "US", "DE", "AE", "ZZ"]),
    weekend=st.sampled_from([frozenset({5, 6}), frozenset({4, 5}), frozenset({6}), frozenset()]),
    extra_holidays=st.frozensets(days, max_size=20),
    extra_working_days=st.frozensets(days, max_size=20),
)


def span(first: date, last: date) -> set[date]:
    return {first + timedelta(days=n) for n in range((last - first).days + 1)}


@pytest.mark.requirement("T6")
def test_china_in_2026_works_as_the_state_council_announced():
    # 国办发明电〔2025〕: the days off, weekends in them included, and the six weekend days worked instead.
    free = (
        span(date(2026, 1, 1), date(2026, 1, 3))
        | span(date(2026, 2, 15), date(2026, 2, 23))
        | span(date(2026, 4, 4), date(2026, 4, 6))
        | span(date(2026, 5, 1), date(2026, 5, 5))
        | span(date(2026, 6, 19), date(2026, 6, 21))
        | span(date(2026, 9, 25), date(2026, 9, 27))
        | span(date(2026, 10, 1), date(2026, 10, 7))
    )
    worked = {
        date(2026, 1, 4), date(2026, 2, 14), date(2026, 2, 28), date(2026, 5, 9), date(2026, 9, 20), date(2026, 10, 10),
    }  # fmt: skip
    for day in span(date(2026, 1, 1), date(2026, 12, 31)):
        expected = day in worked or (day.weekday() < 5 and day not in free)
        assert CHINA.is_working(day) is expected, day
    assert CHINA.count_working_days(date(2026, 1, 1), date(2027, 1, 1)) == 248


def test_it_says_how_far_the_plan_of_china_is_known():
    assert CHINA.known_until == date(2026, 12, 31)
    assert CHINA.is_known(date(2026, 12, 31))
    assert not CHINA.is_known(date(2027, 1, 1))
    assert not CHINA.is_working(date(2027, 10, 1))
    assert WorkingCalendar(country="DE").is_known(date(2050, 1, 1))


def test_a_country_without_known_holidays_has_its_weekends():
    nowhere = WorkingCalendar(country="ZZ")
    assert nowhere.known_until is None
    assert not nowhere.is_known(date(2026, 1, 1))
    assert nowhere.is_working(date(2026, 1, 1))
    assert not nowhere.is_working(date(2026, 1, 3))


def test_a_due_date_over_the_spring_festival():
    assert CHINA.next_working(date(2026, 2, 14)) == date(2026, 2, 14)
    assert CHINA.next_working(date(2026, 2, 15)) == date(2026, 2, 24)
    assert CHINA.add_working_days(date(2026, 2, 13), 2) == date(2026, 2, 24)
    assert CHINA.add_working_days(date(2026, 2, 24), -2) == date(2026, 2, 13)
    assert CHINA.add_working_days(date(2026, 2, 17), 0) == date(2026, 2, 24)


@pytest.mark.requirement("T6")
def test_the_company_has_the_last_word():
    own = WorkingCalendar(
        country="CN",
        extra_holidays=frozenset({date(2026, 3, 2), date(2026, 3, 3)}),
        extra_working_days=frozenset({date(2026, 3, 3), date(2026, 10, 1)}),
    )
    assert not own.is_working(date(2026, 3, 2))
    assert own.is_working(date(2026, 3, 3))
    assert own.is_working(date(2026, 10, 1))


@pytest.mark.requirement("T6")
def test_a_weekend_can_be_another_one():
    emirates = WorkingCalendar(country="ZZ", weekend=frozenset({4, 5}))
    assert emirates.next_working(date(2026, 3, 6)) == date(2026, 3, 8)


def test_a_calendar_without_working_days_says_so():
    never = WorkingCalendar(country="ZZ", weekend=frozenset(range(7)))
    with pytest.raises(NoWorkingDay) as refused:
        never.next_working(date(2026, 3, 2))
    assert refused.value.code == "NO_WORKING_DAY"


@given(calendars, days)
def test_the_next_working_day_is_the_first_one(calendar, day):
    found = calendar.next_working(day)
    assert found >= day
    assert calendar.is_working(found)
    assert calendar.count_working_days(day, found) == 0
    assert calendar.next_working(found) == found


@given(calendars, days, st.integers(1, 40))
def test_adding_counts_exactly_that_many_and_goes_back(calendar, day, number):
    forward = calendar.add_working_days(day, number)
    assert calendar.is_working(forward)
    assert calendar.count_working_days(day + timedelta(days=1), forward + timedelta(days=1)) == number
    backward = calendar.add_working_days(forward, -number)
    assert backward <= day
    assert calendar.count_working_days(backward, forward) == number


@given(calendars, days, days, days)
def test_counts_of_neighbouring_periods_add_up(calendar, one, two, three):
    first, second, third = sorted((one, two, three))
    whole = calendar.count_working_days(first, third)
    assert whole == calendar.count_working_days(first, second) + calendar.count_working_days(second, third)
    assert calendar.count_working_days(third, first) == 0
