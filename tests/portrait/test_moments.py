"""Days and instants in one order: what a cursor asks of a source is exactly what stands behind it."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedang_tenants.portrait.moments import Calendar, Position, read_position, write_position
from kedang_tenants.reading import BadCursor

# In some of these a day begins at one in the morning, or its midnight comes twice.
ZONES = st.sampled_from(
    [
        "Asia/Shanghai", "UTC", "America/Havana", "Atlantic/Azores", "America/Sao_Paulo", "Africa/Cairo",
        "Asia/Beirut", "Pacific/Apia", "Pacific/Kiritimati", "Australia/Lord_Howe",
    ]
)  # fmt: skip
DAYS = st.dates(date(2010, 1, 1), date(2030, 12, 31))
SOURCES = st.sampled_from(["a", "b", "c"])
IDS = st.integers(1, 3).map(lambda n: UUID(int=n))


@st.composite
def moments(draw, calendar):
    """An instant near the beginning of a day, often exactly there."""
    begin = calendar.begin(draw(DAYS))
    seconds = draw(st.sampled_from([0, 0, 0, 1, -1, 3600, -3600, 1800, 43_200]))
    return begin + timedelta(seconds=seconds)


@given(ZONES, DAYS)
def test_days_begin_in_their_order_and_hold_their_own_beginning(zone, day):
    calendar = Calendar(ZoneInfo(zone))
    before, begin, after = [calendar.begin(day + timedelta(days=n)) for n in (-1, 0, 1)]
    assert before <= begin <= after
    if (zone, day) != ("Pacific/Apia", date(2011, 12, 30)):  # a day that Samoa never had
        assert calendar.day_of(begin) == day
        assert before < begin < after


@given(st.data(), ZONES, SOURCES, SOURCES, IDS, IDS)
def test_a_row_stands_behind_a_cursor_exactly_when_the_database_is_asked_for_it(
    data, zone, source, other, row_id, other_id
):
    calendar = Calendar(ZoneInfo(zone))
    cursor = Position(data.draw(moments(calendar)), other, other_id)
    instant, day = data.draw(moments(calendar)), data.draw(DAYS)
    near = calendar.day_of(cursor.moment) + timedelta(days=data.draw(st.integers(-1, 1)))
    for when in (instant, cursor.moment):
        behind = Position(when, source, row_id) < cursor
        assert ((when, row_id) < calendar.behind(cursor, source, days=False)) is behind
    for when in (day, near):
        if (zone, when) == ("Pacific/Apia", date(2011, 12, 30)):
            continue
        behind = Position(calendar.begin(when), source, row_id) < cursor
        assert ((when, row_id) < calendar.behind(cursor, source, days=True)) is behind, (when, cursor)


@given(st.integers(-61_000_000_000, 250_000_000_000), st.integers(0, 999_999), SOURCES, IDS)
def test_a_cursor_is_read_as_it_was_written(seconds, microseconds, source, row_id):
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds, microseconds=microseconds)
    position = Position(moment, source, row_id)
    assert read_position(write_position(position)) == position


@given(st.text())
def test_any_other_text_is_no_cursor(text):
    with pytest.raises(BadCursor):
        read_position(text)
