"""Quiet hours end by the clocks of the reader, whatever these do (T10, V3)."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedang_platform.quiet_hours import QuietHours

NIGHT = QuietHours(time(21, 30), time(7))
SHANGHAI, NEW_YORK, LORD_HOWE, APIA = (
    ZoneInfo(name) for name in ("Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia")
)


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.requirement("T10", "V3")
@pytest.mark.parametrize(
    ("hours", "at", "zone", "expected"),
    [
        (NIGHT, utc(2026, 3, 2, 13, 29), SHANGHAI, utc(2026, 3, 2, 13, 29)),  # 21:29
        (NIGHT, utc(2026, 3, 2, 13, 30), SHANGHAI, utc(2026, 3, 2, 23)),  # 21:30 -> 07:00 of the next day
        (NIGHT, utc(2026, 3, 2, 22, 59, 59), SHANGHAI, utc(2026, 3, 2, 23)),  # 06:59:59 -> 07:00
        (NIGHT, utc(2026, 3, 2, 23), SHANGHAI, utc(2026, 3, 2, 23)),
        (QuietHours(time(12), time(14)), utc(2026, 3, 2, 5), SHANGHAI, utc(2026, 3, 2, 6)),  # 13:00 -> 14:00
        (QuietHours(time(12), time(14)), utc(2026, 3, 2, 15), SHANGHAI, utc(2026, 3, 2, 15)),
        # The clocks jump from 02:00 to 03:00 over the end at 02:30.
        (QuietHours(time(22), time(2, 30)), utc(2026, 3, 8, 6), NEW_YORK, utc(2026, 3, 8, 7)),
        # They go back from 02:00, which is quiet, to 01:00, which is not.
        (QuietHours(time(1, 30), time(5)), utc(2026, 11, 1, 5, 45), NEW_YORK, utc(2026, 11, 1, 6)),
        # Put back from 02:00 to 01:00: 01:30 is shown at 05:30 and at 06:30; from 01:15 of the second hour the second.
        (QuietHours(time(22), time(1, 30)), utc(2026, 11, 1, 5), NEW_YORK, utc(2026, 11, 1, 5, 30)),
        (QuietHours(time(22), time(1, 30)), utc(2026, 11, 1, 6, 15), NEW_YORK, utc(2026, 11, 1, 6, 30)),
    ],
)
def test_a_mail_waits_until_the_quiet_hours_end(hours, at, zone, expected):
    assert hours.earliest(at, zone) == expected


def test_hours_that_leave_no_time_are_none():
    with pytest.raises(ValueError, match="leave no time"):
        QuietHours(time(7), time(7))


TIMES = st.times().map(lambda t: t.replace(second=0, microsecond=0))


@given(
    begin=TIMES,
    end=TIMES,
    at=st.datetimes(min_value=datetime(2011, 1, 1), max_value=datetime(2035, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - Hypothesis wants them plain
    zone=st.sampled_from([SHANGHAI, NEW_YORK, LORD_HOWE, APIA]),
)
def test_what_leaves_leaves_when_it_is_loud_and_within_a_day(begin, end, at, zone):
    if begin == end:
        return
    hours = QuietHours(begin, end)
    leaves = hours.earliest(at, zone)
    assert at <= leaves <= at + timedelta(hours=25)
    assert not hours.holds_at(leaves.astimezone(zone).time())
    before = at
    while before < leaves:  # and not a moment later than need be
        assert hours.holds_at(before.astimezone(zone).time())
        before += timedelta(minutes=10)
