from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedang_platform.work.recurrence import EPOCH, Daily, Interval, Lunar, Monthly, Weekly, Yearly

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
    "Africa/Casablanca",
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


EIGHT = time(8)
PATTERNS = st.one_of(
    PLAIN_TIMES.map(Daily),
    st.builds(Weekly, st.lists(st.integers(1, 7), min_size=1, max_size=7).map(tuple), PLAIN_TIMES),
    st.builds(Monthly, st.integers(1, 31), PLAIN_TIMES),
    st.dates(date(2000, 1, 1), date(2000, 12, 31)).flatmap(
        lambda day: PLAIN_TIMES.map(lambda clock_time: Yearly(day.month, day.day, clock_time))
    ),
    st.builds(Lunar, st.integers(1, 12), st.integers(1, 30), PLAIN_TIMES),
)


def days_of(pattern, begin: str, count: int, zone: ZoneInfo = SHANGHAI) -> list[str]:
    """The days of the next ``count`` occurrences after ``begin``."""
    found, now = [], at(begin)
    for _ in range(count):
        now = pattern.after(now, zone)
        found.append(now.astimezone(zone).date().isoformat())
    return found


def test_a_week_has_the_days_that_are_named():
    # 23 November 2026 is a Monday.
    assert days_of(Weekly((5, 1), EIGHT), "2026-11-22T00:00", 4) == [
        "2026-11-23",
        "2026-11-27",
        "2026-11-30",
        "2026-12-04",
    ]


def test_the_31st_is_the_last_day_of_a_shorter_month():
    assert days_of(Monthly(31, EIGHT), "2027-12-31T12:00", 4) == [
        "2028-01-31",
        "2028-02-29",
        "2028-03-31",
        "2028-04-30",
    ]


def test_29_february_is_the_28th_in_common_years():
    assert days_of(Yearly(2, 29, EIGHT), "2026-01-01T00:00", 3) == ["2026-02-28", "2027-02-28", "2028-02-29"]


@pytest.mark.parametrize(
    ("month", "day", "days"),
    [
        # New Year's days and mid-autumn festivals as almanacs give them.
        pytest.param(
            1, 1, ["2023-01-22", "2024-02-10", "2025-01-29", "2026-02-17", "2027-02-06"], id="new year"
        ),
        pytest.param(
            8, 15, ["2023-09-29", "2024-09-17", "2025-10-06", "2026-09-25", "2027-09-15"], id="mid-autumn"
        ),
        # The twelfth month of 2025 has 29 days: its last day is New Year's Eve all the same.
        pytest.param(
            12, 30, ["2023-01-21", "2024-02-09", "2025-01-28", "2026-02-16", "2027-02-05"], id="the eve"
        ),
        # 2023 had a second second month (from 22 March), 2025 a second sixth one (from 25 July).
        pytest.param(
            2, 2, ["2023-02-21", "2024-03-11", "2025-03-01", "2026-03-20", "2027-03-09"], id="leap second"
        ),
        pytest.param(
            6, 1, ["2023-07-18", "2024-07-06", "2025-06-25", "2026-07-14", "2027-07-04"], id="leap sixth"
        ),
    ],
)
def test_days_of_the_lunar_calendar(month, day, days):
    assert days_of(Lunar(month, day, EIGHT), "2023-01-01T00:00", 5) == days


def test_the_days_of_a_pattern_that_no_calendar_has_are_refused():
    with pytest.raises(ValueError, match="not days of the week"):
        Weekly((), EIGHT)
    with pytest.raises(ValueError, match="not days of the week"):
        Weekly((0,), EIGHT)
    with pytest.raises(ValueError, match="not a day of a month"):
        Monthly(32, EIGHT)
    with pytest.raises(ValueError, match="day is out of range"):
        Yearly(2, 30, EIGHT)
    with pytest.raises(ValueError, match="not a day of the lunar calendar"):
        Lunar(13, 1, EIGHT)
    with pytest.raises(ValueError, match="not a plain wall-clock time"):
        Monthly(1, time(8, tzinfo=UTC))


@given(
    pattern=PATTERNS,
    zone=st.sampled_from(ZONES),
    now=st.datetimes(datetime(2005, 1, 1), datetime(2035, 1, 1)),  # noqa: DTZ001 - made aware below
)
def test_walking_forwards_and_looking_back_meet_the_same_occurrences(pattern, zone, now):
    """None lies between the latest and the next, and each of the next ones is the latest from its instant on."""
    place, now = ZoneInfo(zone), now.replace(tzinfo=UTC)
    latest, following = pattern.latest(now, place), pattern.after(now, place)
    assert latest <= now < following
    assert pattern.after(latest, place) == following
    for _ in range(4):
        assert pattern.latest(following, place) == following
        before, following = following, pattern.after(following, place)
        assert before < following
        assert pattern.latest(following - timedelta(microseconds=1), place) == before


@given(
    day=st.integers(1, 31),
    clock_time=PLAIN_TIMES,
    zone=st.sampled_from(ZONES),
    year=st.integers(2000, 2035),
)
def test_every_month_has_its_day_once_whatever_the_clocks_do(day, clock_time, zone, year):
    place, pattern = ZoneInfo(zone), Monthly(day, clock_time)
    expected = {
        datetime.combine(
            date(year, month, min(day, monthrange(year, month)[1])), clock_time, place
        ).astimezone(UTC)
        for month in range(1, 13)
    }
    begin = min(expected) - timedelta(seconds=1)
    walked = []
    while len(walked) < len(expected):
        walked.append(begin := pattern.after(begin, place))
    assert set(walked) == expected


@given(month=st.integers(1, 12), day=st.integers(1, 30), year=st.integers(1951, 2080))
def test_a_lunar_day_comes_once_a_lunar_year(month, day, year):
    pattern = Lunar(month, day, EIGHT)
    begin = pattern.after(datetime(year, 1, 1, tzinfo=UTC), SHANGHAI)
    following = pattern.after(begin, SHANGHAI)
    # A lunar year has twelve or thirteen months of 29 or 30 days; day 30 may be a 29th.
    assert timedelta(days=352) < following - begin < timedelta(days=386)
