"""When schedules occur and which days periods mean: rules of the calendar, without a company."""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedang_tenants.reports.schedule import Schedule, Span, span_of, time_of_day

NEW_YORK, SHANGHAI = ZoneInfo("America/New_York"), ZoneInfo("Asia/Shanghai")
MORNING = time(8, 30)


def occurrences(schedule: Schedule, start: datetime, zone: ZoneInfo, count: int) -> list[datetime]:
    found = [schedule.after(start, zone)]
    while len(found) < count:
        found.append(schedule.after(found[-1], zone))
    return found


@pytest.mark.requirement("R2")
def test_a_month_that_is_too_short_has_its_report_on_its_last_day():
    schedule = Schedule("MONTHLY", MORNING, day_of_month=31)
    found = occurrences(schedule, datetime(2027, 12, 31, 23, tzinfo=UTC), SHANGHAI, 5)
    assert [at.astimezone(SHANGHAI).isoformat() for at in found] == [
        "2028-01-31T08:30:00+08:00",
        "2028-02-29T08:30:00+08:00",
        "2028-03-31T08:30:00+08:00",
        "2028-04-30T08:30:00+08:00",
        "2028-05-31T08:30:00+08:00",
    ]


@pytest.mark.requirement("R2")
def test_an_occurrence_that_the_clock_jumps_over_comes_as_much_later_and_none_comes_twice():
    spring = Schedule("DAILY", time(2, 30))
    found = occurrences(spring, datetime(2026, 3, 7, 12, tzinfo=UTC), NEW_YORK, 2)
    assert [at.isoformat() for at in found] == ["2026-03-08T07:30:00+00:00", "2026-03-09T06:30:00+00:00"]
    autumn = Schedule("WEEKLY", time(1, 30), weekday="SUNDAY")
    found = occurrences(autumn, datetime(2026, 10, 30, tzinfo=UTC), NEW_YORK, 2)
    assert [at.isoformat() for at in found] == ["2026-11-01T05:30:00+00:00", "2026-11-08T06:30:00+00:00"]


@given(
    schedule=st.builds(
        Schedule,
        st.sampled_from(["DAILY", "WEEKLY", "MONTHLY"]),
        st.times().map(lambda at: at.replace(second=0, microsecond=0, fold=0)),
        st.sampled_from(["MONDAY", "THURSDAY", "SUNDAY"]),
        st.integers(1, 31),
    ),
    now=st.datetimes(
        datetime.fromisoformat("2024-01-01"), datetime.fromisoformat("2030-01-01"), timezones=st.just(UTC)
    ),
    zone=st.sampled_from([NEW_YORK, SHANGHAI, ZoneInfo("Pacific/Apia"), ZoneInfo("Australia/Lord_Howe")]),
)
def test_the_next_occurrence_is_later_on_a_right_day_and_none_lies_between(schedule, now, zone):
    at = schedule.after(now, zone)
    assert at > now
    day = at.astimezone(zone).date()
    if at.astimezone(zone).time() != schedule.at:  # the clock jumped over it
        assert at.astimezone(zone).utcoffset() != (at - timedelta(hours=3)).astimezone(zone).utcoffset()
    before = now.astimezone(zone).date() + timedelta(days=1)
    assert not any(schedule.falls_on(before + timedelta(days=n)) for n in range((day - before).days))
    if schedule.every == "MONTHLY":
        assert day.day == min(schedule.day_of_month, monthrange(day.year, day.month)[1])
    if schedule.every == "WEEKLY":
        assert day.strftime("%A").upper() == schedule.weekday


@pytest.mark.parametrize(
    ("period", "today", "first", "last"),
    [
        ("YESTERDAY", "2026-03-01", "2026-02-28", "2026-02-28"),
        ("LAST_WEEK", "2026-03-02", "2026-02-23", "2026-03-01"),
        ("LAST_WEEK", "2026-03-01", "2026-02-16", "2026-02-22"),
        ("LAST_MONTH", "2026-03-31", "2026-02-01", "2026-02-28"),
        ("LAST_QUARTER", "2026-01-01", "2025-10-01", "2025-12-31"),
        ("LAST_QUARTER", "2026-06-30", "2026-01-01", "2026-03-31"),
        ("LAST_YEAR", "2026-06-30", "2025-01-01", "2025-12-31"),
        ("THIS_MONTH", "2026-06-01", "2026-06-01", "2026-06-01"),
        ("THIS_YEAR", "2026-06-30", "2026-01-01", "2026-06-30"),
        ("LAST_12_MONTHS", "2026-03-02", "2025-03-03", "2026-03-02"),
        ("LAST_12_MONTHS", "2028-02-29", "2027-03-01", "2028-02-29"),
    ],
)
def test_a_period_means_days(period, today, first, last):
    assert span_of(period, date.fromisoformat(today)) == Span(
        date.fromisoformat(first), date.fromisoformat(last)
    )


def test_the_days_of_a_span_begin_and_end_in_the_zone_of_the_company():
    start, end = Span(date(2026, 3, 8), date(2026, 3, 8)).instants(NEW_YORK)
    assert (end.astimezone(UTC) - start.astimezone(UTC)) == timedelta(hours=23)


@pytest.mark.parametrize("text", ["24:00", "8:30", "08:60", "0830", "", "08:30:00", "٠٨:30"])
def test_what_is_no_time_of_day_is_none(text):
    assert time_of_day(text) is None
    assert time_of_day("23:59") == time(23, 59)
