"""Business time: what is due never falls outside working hours, and what passes is counted exactly."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedang_platform.working_calendar import NoWorkingDay, WorkingCalendar, WorkingHours

NEW_YORK, SHANGHAI = ZoneInfo("America/New_York"), ZoneInfo("Asia/Shanghai")
CHINA = WorkingHours(calendar=WorkingCalendar(country="CN"), zone=SHANGHAI)
NIGHT = WorkingHours(
    calendar=WorkingCalendar(country="ZZ", weekend=frozenset()), zone=NEW_YORK, opens=0, closes=8 * 60
)

zones = st.sampled_from(
    ["Asia/Shanghai", "America/New_York", "Europe/Berlin", "Asia/Kathmandu", "Pacific/Apia"]
)
instants = st.integers(0, 2 * 365 * 86400).map(
    lambda seconds: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
days = st.dates(date(2025, 1, 1), date(2027, 1, 1))
amounts = st.integers(0, 40 * 60)


@st.composite
def hours(draw: st.DrawFn) -> WorkingHours:
    opens = draw(st.integers(0, 23 * 60))
    return WorkingHours(
        calendar=WorkingCalendar(
            country=draw(st.sampled_from(["CN", "US", "AE", "ZZ"])),
            weekend=draw(
                st.sampled_from([frozenset({5, 6}), frozenset({4, 5}), frozenset({6}), frozenset()])
            ),
            extra_holidays=draw(st.frozensets(days, max_size=10)),
            extra_working_days=draw(st.frozensets(days, max_size=10)),
        ),
        zone=ZoneInfo(draw(zones)),
        opens=opens,
        closes=draw(st.integers(opens + 60, 24 * 60)),
    )


def on_duty(hours: WorkingHours, at: datetime) -> bool:
    """Whether the company works at an instant: within its hours or at their very end, on the clocks of its zone."""
    local = at.astimezone(hours.zone)
    minutes = local.hour * 60 + local.minute + (local.second + local.microsecond / 1e6) / 60
    if hours.calendar.is_working(local.date()) and hours.opens <= minutes <= hours.closes:
        return True
    midnight = minutes == 0 and hours.closes == 24 * 60  # the end of the day before
    return midnight and hours.calendar.is_working(local.date() - timedelta(days=1))


@pytest.mark.requirement("S1", "T6")
def test_a_request_on_the_eve_of_the_spring_festival():
    # 14 February 2026 is a Saturday that is worked (调休); the 15th to the 23rd are free.
    opened = datetime(2026, 2, 14, 16, 30, tzinfo=SHANGHAI)
    assert CHINA.due_after(opened, 90) == datetime(2026, 2, 14, 18, 0, tzinfo=SHANGHAI)
    assert CHINA.due_after(opened, 91) == datetime(2026, 2, 24, 9, 1, tzinfo=SHANGHAI)
    assert CHINA.business_minutes_between(opened, datetime(2026, 2, 24, 9, 1, tzinfo=SHANGHAI)) == 91
    assert CHINA.business_minutes_between(opened, datetime(2026, 2, 23, 23, 0, tzinfo=SHANGHAI)) == 90


@pytest.mark.requirement("S1")
def test_outside_the_hours_nothing_passes():
    night = datetime(2026, 3, 2, 22, 0, tzinfo=SHANGHAI)
    assert CHINA.due_after(night, 0) == datetime(2026, 3, 3, 9, 0, tzinfo=SHANGHAI)
    assert CHINA.due_after(night, 30) == datetime(2026, 3, 3, 9, 30, tzinfo=SHANGHAI)
    assert CHINA.business_minutes_between(night, datetime(2026, 3, 3, 8, 59, tzinfo=SHANGHAI)) == 0
    assert CHINA.business_minutes_between(night, datetime(2026, 3, 1, tzinfo=SHANGHAI)) == 0


def test_a_day_may_end_at_midnight():
    late = WorkingHours(calendar=WorkingCalendar(country="ZZ"), zone=SHANGHAI, opens=20 * 60, closes=24 * 60)
    monday = datetime(2026, 3, 2, 22, 0, tzinfo=SHANGHAI)
    assert late.due_after(monday, 120) == datetime(2026, 3, 3, 0, 0, tzinfo=SHANGHAI)
    assert late.due_after(monday, 121) == datetime(2026, 3, 3, 20, 1, tzinfo=SHANGHAI)
    assert late.business_minutes_between(monday, datetime(2026, 3, 3, 20, 1, tzinfo=SHANGHAI)) == 121


def test_a_night_shift_is_an_hour_shorter_or_longer_when_the_clocks_change():
    # New York: 8 March 2026 has no 02:30, 1 November has two.
    spring, autumn = datetime(2026, 3, 8, tzinfo=NEW_YORK), datetime(2026, 11, 1, tzinfo=NEW_YORK)
    assert NIGHT.business_minutes_between(spring, spring + timedelta(days=1)) == 7 * 60
    assert NIGHT.business_minutes_between(autumn, autumn + timedelta(days=1)) == 9 * 60
    assert NIGHT.due_after(spring, 3 * 60) == datetime(2026, 3, 8, 4, 0, tzinfo=NEW_YORK)
    assert NIGHT.due_after(autumn, 3 * 60) == datetime(2026, 11, 1, 2, 0, tzinfo=NEW_YORK)


def test_a_calendar_without_working_days_says_so():
    never = WorkingHours(calendar=WorkingCalendar(country="ZZ", weekend=frozenset(range(7))), zone=SHANGHAI)
    with pytest.raises(NoWorkingDay):
        never.due_after(datetime(2026, 3, 2, tzinfo=UTC), 1)


@pytest.mark.requirement("S1", "T6")
@settings(deadline=None, max_examples=50)
@given(hours(), instants, amounts)
def test_what_passes_until_it_is_due_is_what_was_allowed(hours, start, minutes):
    due = hours.due_after(start, minutes)
    assert due >= start
    assert hours.business_minutes_between(start, due) == minutes
    assert hours.between(start, due) == timedelta(minutes=minutes)
    if minutes:  # and not a microsecond sooner
        assert hours.between(start, due - timedelta(microseconds=1)) < timedelta(minutes=minutes)


@pytest.mark.requirement("S1", "T6")
@settings(deadline=None, max_examples=50)
@given(hours(), instants, amounts)
def test_nothing_is_due_outside_the_hours(hours, start, minutes):
    assert on_duty(hours, hours.due_after(start, minutes))


@settings(deadline=None, max_examples=50)
@given(hours(), instants, instants, amounts, amounts)
def test_later_and_longer_is_never_due_sooner(hours, one, other, less, more):
    early, late = sorted((one, other))
    short, long = sorted((less, more))
    assert hours.due_after(early, short) <= hours.due_after(late, short)
    assert hours.due_after(early, short) <= hours.due_after(early, long)


@settings(deadline=None, max_examples=50)
@given(hours(), instants, amounts, amounts)
def test_a_pause_moves_what_is_due_as_if_more_had_been_allowed(hours, start, minutes, waited):
    assert hours.due_after(hours.due_after(start, minutes), waited) == hours.due_after(
        start, minutes + waited
    )


@settings(deadline=None, max_examples=50)
@given(hours(), instants, instants, instants)
def test_time_that_passes_adds_up(hours, one, two, three):
    early, middle, late = sorted((one, two, three))
    assert hours.between(early, late) == hours.between(early, middle) + hours.between(middle, late)
    assert timedelta() <= hours.between(early, late) <= late - early
