from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedang_platform.work.recurrence import EPOCH, Daily, Interval

SHANGHAI = ZoneInfo("Asia/Shanghai")
NEW_YORK = ZoneInfo("America/New_York")

# Zones whose clocks do something unusual: halves of hours, midnight changes, a day that never was.
ZONES = [
    "Asia/Shanghai",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Asia/Beirut",
    "Africa/Cairo",
    "Pacific/Apia",
    "Europe/Dublin",
    "UTC",
]
PLAIN_TIMES = st.times().map(lambda clock_time: clock_time.replace(fold=0))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "now", "latest"),
    [
        pytest.param(SHANGHAI, "2026-03-02T00:00", "2026-03-02T00:00", id="at the very instant"),
        pytest.param(SHANGHAI, "2026-03-01T23:59", "2026-03-01T00:00", id="a minute before: yesterday's"),
        pytest.param(SHANGHAI, "2026-03-02T15:59", "2026-03-02T00:00", id="late in the evening: today's"),
        pytest.param(NEW_YORK, "2026-01-15T13:00", "2026-01-15T13:00", id="winter time"),
        pytest.param(NEW_YORK, "2026-07-15T12:00", "2026-07-15T12:00", id="summer time"),
    ],
)
def test_eight_in_the_morning_is_eight_where_the_company_is(zone, now, latest):
    assert Daily(time(8)).latest(at(now), zone) == at(latest)


def test_a_time_that_the_clock_jumps_over_comes_as_much_later_as_it_jumped():
    # On 8 March 2026 New York goes from 02:00 EST to 03:00 EDT.
    assert Daily(time(2, 30)).on(date(2026, 3, 8), NEW_YORK) == at("2026-03-08T07:30")  # 03:30 EDT


def test_a_time_that_comes_twice_counts_at_its_first_coming():
    # On 1 November 2026 New York has 01:30 twice: 05:30 and 06:30 UTC.
    daily = Daily(time(1, 30))
    assert daily.latest(at("2026-11-01T05:30"), NEW_YORK) == at("2026-11-01T05:30")
    assert daily.latest(at("2026-11-01T06:30"), NEW_YORK) == at("2026-11-01T05:30")


def test_a_day_that_never_was_adds_no_occurrence():
    # Samoa went from 29 to 31 December 2011; 08:00 of the 30th and of the 31st are one instant.
    apia = ZoneInfo("Pacific/Apia")
    daily = Daily(time(8))
    seen = {daily.latest(at("2011-12-29T00:00") + timedelta(hours=hour), apia) for hour in range(72)}
    between = sorted(instant for instant in seen if at("2011-12-29T00:00") <= instant)
    assert between == [
        at("2011-12-29T18:00"),  # 08:00 on the 29th, ten hours behind
        at("2011-12-30T18:00"),  # 08:00 on the 31st, fourteen hours ahead
        at("2011-12-31T18:00"),
    ]


@given(
    zone=st.sampled_from(ZONES),
    clock_time=PLAIN_TIMES,
    day=st.dates(date(2000, 1, 1), date(2030, 12, 31)),
)
def test_every_day_has_its_occurrence_once_and_in_order(zone, clock_time, day):
    place, daily = ZoneInfo(zone), Daily(clock_time)
    instants = [daily.on(day + timedelta(days=number), place) for number in range(4)]
    assert instants == sorted(instants)
    for instant in instants:
        # It is the latest from its instant on, and was not a moment before.
        assert daily.latest(instant, place) == instant
        assert daily.latest(instant - timedelta(microseconds=1), place) < instant


@given(
    zone=st.sampled_from(ZONES),
    clock_time=PLAIN_TIMES,
    now=st.datetimes(datetime(2000, 1, 1), datetime(2030, 12, 31)),  # noqa: DTZ001 - made aware below
)
def test_the_latest_is_never_ahead_and_never_two_days_old(zone, clock_time, now):
    now = now.replace(tzinfo=UTC)
    latest = Daily(clock_time).latest(now, ZoneInfo(zone))
    assert now - timedelta(days=2) < latest <= now


@given(
    seconds=st.integers(1, 7 * 86_400),
    now=st.datetimes(datetime(2000, 1, 4), datetime(2030, 12, 31)),  # noqa: DTZ001 - made aware below
)
def test_an_interval_lies_on_a_grid_that_all_processes_share(seconds, now):
    period, now = timedelta(seconds=seconds), now.replace(tzinfo=UTC)
    latest = Interval(period).latest(now, SHANGHAI)
    assert (latest - EPOCH) % period == timedelta(0)
    assert timedelta(0) <= now - latest < period


def test_an_hourly_interval_is_the_full_hour():
    assert Interval(timedelta(hours=1)).latest(at("2026-03-02T01:59:59"), SHANGHAI) == at("2026-03-02T01:00")


def test_a_time_with_a_zone_of_its_own_and_a_period_of_no_length_are_refused():
    with pytest.raises(ValueError, match="not a plain wall-clock time"):
        Daily(time(8, tzinfo=UTC))
    with pytest.raises(ValueError, match="too short"):
        Interval(timedelta(0))
