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


def test_beyond_what_is_announced_the_holidays_are_estimated():
    assert not CHINA.is_working(date(2027, 10, 1))


def test_a_country_without_known_holidays_has_its_weekends():
    nowhere = WorkingCalendar(country="ZZ")
    assert nowhere.is_working(date(2026, 1, 1))
    assert not nowhere.is_working(date(2026, 1, 3))


def test_a_due_date_over_the_spring_festival():
    assert CHINA.next_working(date(2026, 2, 14)) == date(2026, 2, 14)
    assert CHINA.next_working(date(2026, 2, 15)) == date(2026, 2, 24)


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
    assert not any(calendar.is_working(between) for between in span(day, found) - {found})
    assert calendar.next_working(found) == found
