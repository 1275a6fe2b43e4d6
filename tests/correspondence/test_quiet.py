"""Quiet hours: never inside of them, and no later than need be, whatever the clocks do (T9)."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedang_tenants.correspondence.quiet import QuietHours
from kedang_tenants.correspondence.zones import zone_of

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
ZONES = [
    "Asia/Shanghai",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",  # half an hour
    "America/Santiago",  # changes at midnight
    "Asia/Kathmandu",
    "Africa/Casablanca",
]
CHANGES = [
    datetime(2026, 3, 29, 1, tzinfo=UTC),
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2026, 3, 8, 7, tzinfo=UTC),
    datetime(2026, 11, 1, 6, tzinfo=UTC),
    datetime(2026, 4, 4, 15, tzinfo=UTC),
    datetime(2026, 10, 3, 15, 30, tzinfo=UTC),
    datetime(2026, 4, 5, 3, tzinfo=UTC),
    datetime(2026, 9, 6, 4, tzinfo=UTC),
]
times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))
moments = st.one_of(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),
    st.builds(
        lambda change, minutes: change + timedelta(minutes=minutes),
        st.sampled_from(CHANGES),
        st.integers(-1500, 300),
    ),
)
NIGHT = QuietHours(time(21), time(8))


@pytest.mark.requirement("T9")
@settings(max_examples=80, deadline=None)
@given(begin=times, end=times, moment=moments, zone=st.sampled_from(ZONES))
def test_the_first_instant_outside_is_outside_and_nothing_before_it_is(begin, end, moment, zone):
    if begin == end:
        return
    quiet, zone = QuietHours(begin, end), ZoneInfo(zone)
    found = quiet.first_outside(moment, zone)
    assert found >= moment
    assert not quiet.cover(found, zone)
    step = moment
    while step < found:
        assert quiet.cover(step, zone), step
        step += timedelta(minutes=5)
    if found > moment:
        assert quiet.cover(found - timedelta(seconds=1), zone)


@pytest.mark.requirement("T9")
@pytest.mark.parametrize(
    ("quiet", "moment", "zone", "found"),
    [
        (NIGHT, "2026-05-04T13:00+00:00", SHANGHAI, "2026-05-05T00:00+00:00"),  # 21:00 is quiet already
        (NIGHT, "2026-05-04T12:59:59+00:00", SHANGHAI, "2026-05-04T12:59:59+00:00"),
        (NIGHT, "2026-05-05T00:00+00:00", SHANGHAI, "2026-05-05T00:00+00:00"),  # at 8:00 it is over
        (NIGHT, "2026-03-28T20:30+00:00", BERLIN, "2026-03-29T06:00+00:00"),  # an hour less of sleep
        (NIGHT, "2026-10-24T20:30+00:00", BERLIN, "2026-10-25T07:00+00:00"),
        # The end is a time that the clocks jump over.
        (QuietHours(time(22), time(2, 30)), "2026-03-29T00:30+00:00", BERLIN, "2026-03-29T01:00+00:00"),
        # The clocks go back from a quiet time to one that is not.
        (QuietHours(time(2, 30), time(5)), "2026-10-25T00:45+00:00", BERLIN, "2026-10-25T01:00+00:00"),
    ],
)
def test_mails_wait_for_the_morning_of_the_recipient(quiet, moment, zone, found):
    assert quiet.first_outside(datetime.fromisoformat(moment), zone) == datetime.fromisoformat(found)


@pytest.mark.requirement("T9")
@pytest.mark.parametrize(
    ("country", "region", "zone"),
    [
        ("CN", None, "Asia/Shanghai"),
        ("CN", "新疆", "Asia/Shanghai"),
        ("DE", "Bayern", "Europe/Berlin"),
        ("US", None, "America/New_York"),
        ("US", "CA", "America/Los_Angeles"),
        ("US", "us-ca", "America/Los_Angeles"),
        ("US", " California ", "America/Los_Angeles"),
        ("CA", "British Columbia", "America/Vancouver"),
        ("CA", "CA", "America/Toronto"),
        ("JP", "Kanagawa", "Asia/Tokyo"),
        ("XX", None, "Asia/Singapore"),
        (None, "CA", "Asia/Singapore"),
    ],
)
def test_the_zone_follows_from_country_and_region_or_is_the_company_s(country, region, zone):
    assert zone_of(country, region, otherwise="Asia/Singapore") == zone
