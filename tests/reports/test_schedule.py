"""When schedules occur and which days periods mean: rules of the calendar, without a company."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from kedang_platform.work.recurrence import Pattern
from kedang_tenants.reports.schedule import Span, pattern_of, span_of, time_of_day

NEW_YORK, SHANGHAI = ZoneInfo("America/New_York"), ZoneInfo("Asia/Shanghai")
MORNING = time(8, 30)


def occurrences(schedule: Pattern, start: datetime, zone: ZoneInfo, count: int) -> list[datetime]:
    found = [schedule.after(start, zone)]
    while len(found) < count:
        found.append(schedule.after(found[-1], zone))
    return found


@pytest.mark.requirement("R2")
def test_a_month_that_is_too_short_has_its_report_on_its_last_day():
    schedule = pattern_of("MONTHLY", MORNING, day=31)
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
    spring = pattern_of("DAILY", time(2, 30))
    found = occurrences(spring, datetime(2026, 3, 7, 12, tzinfo=UTC), NEW_YORK, 2)
    assert [at.isoformat() for at in found] == ["2026-03-08T07:30:00+00:00", "2026-03-09T06:30:00+00:00"]
    autumn = pattern_of("WEEKLY", time(1, 30), weekday="SUNDAY")
    found = occurrences(autumn, datetime(2026, 10, 30, tzinfo=UTC), NEW_YORK, 2)
    assert [at.isoformat() for at in found] == ["2026-11-01T05:30:00+00:00", "2026-11-08T06:30:00+00:00"]


@pytest.mark.requirement("R2")
def test_a_year_has_its_report_on_its_day_and_a_common_one_on_the_28th():
    schedule = pattern_of("YEARLY", MORNING, day=29, month=2)
    found = occurrences(schedule, datetime(2026, 1, 1, tzinfo=UTC), SHANGHAI, 3)
    assert [at.astimezone(SHANGHAI).date().isoformat() for at in found] == [
        "2026-02-28",
        "2027-02-28",
        "2028-02-29",
    ]


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
