"""Contacts on days: never a day off, no more than a person can do unless that is impossible, the oldest first."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedang_platform.working_calendar import WorkingCalendar
from kedang_tenants.followups.capacity import Days, Wish, place
from kedang_tenants.followups.cycles import BY_GRADE, Cycle, rhythm_of

MONDAY = date(2026, 3, 2)
CALENDARS = st.builds(
    WorkingCalendar,
    country=st.sampled_from(["CN", "XX"]),
    weekend=st.sampled_from([frozenset({5, 6}), frozenset({4, 5}), frozenset()]),
    extra_holidays=st.frozensets(st.integers(0, 20).map(lambda n: MONDAY + timedelta(days=n)), max_size=4),
)
WANTED = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5)), max_size=14)


def wishes_of(days, wanted):
    """Each of a working day, with what they have waited."""
    return [
        Wish(f"wish {n:02}", days.on_or_after(MONDAY + timedelta(days=day)), MONDAY - timedelta(days=waits))
        for n, (day, waits) in enumerate(wanted)
    ]


def window(days, wish, later):
    found = [wish.wanted]
    while len(found) <= later:
        found.append(days.on_or_after(found[-1] + timedelta(days=1)))
    return found


def most_kept(days, wishes, taken, per_day, later):
    """How many wishes can have a day with room at all: a largest matching, found the textbook's way."""
    places = {}

    def find(wish, seen):
        for day in window(days, wish, later):
            for number in range(max(0, per_day - taken[day])):
                if (day, number) in seen:
                    continue
                seen.add((day, number))
                if (day, number) not in places or find(places[day, number], seen):
                    places[day, number] = wish
                    return True
        return False

    return sum(find(wish, set()) for wish in wishes)


@pytest.mark.requirement("F1")
@settings(deadline=None, max_examples=60)
@given(
    calendar=CALENDARS,
    wanted=WANTED,
    busy=st.lists(st.integers(0, 12), max_size=8),
    per_day=st.integers(1, 3),
    later=st.integers(0, 4),
    shuffled=st.randoms(use_true_random=False),
)
def test_capacity_is_kept_whenever_that_is_possible_and_else_the_oldest_come_first(
    calendar, wanted, busy, per_day, later, shuffled
):
    days = Days(calendar)
    wishes = wishes_of(days, wanted)
    taken = Counter(days.on_or_after(MONDAY + timedelta(days=n)) for n in busy)
    placed = place(days, wishes, taken=taken, per_day=per_day, later=later)
    again = list(wishes)
    shuffled.shuffle(again)
    assert place(Days(calendar), again, taken=taken, per_day=per_day, later=later) == placed
    assert set(placed) == {wish.key for wish in wishes}
    for wish in wishes:
        assert calendar.is_working(placed[wish.key].on)
        assert placed[wish.key].on in window(days, wish, later)
    kept = [wish for wish in wishes if not placed[wish.key].over]
    full = taken + Counter(placed[wish.key].on for wish in kept)
    assert all(full[placed[wish.key].on] <= per_day for wish in kept)
    assert len(kept) == most_kept(days, wishes, taken, per_day, later)
    for wish in wishes:
        if placed[wish.key].over:  # whoever has a day that it could have had is older
            could = set(window(days, wish, later))
            assert all(other.age < wish.age for other in kept if placed[other.key].on in could)


def test_without_a_limit_everything_is_where_it_is_wanted():
    days = Days(WorkingCalendar(country="US"))
    wishes = wishes_of(days, [(0, 0), (0, 1), (5, 0)])
    placed = place(days, wishes, taken={}, per_day=None, later=3)
    assert [placed[wish.key].on for wish in wishes] == [MONDAY, MONDAY, MONDAY + timedelta(days=7)]


def test_what_has_no_room_goes_where_least_is_planned():
    days = Days(WorkingCalendar(country="US"))
    tuesday = MONDAY + timedelta(days=1)
    (wish,) = wishes_of(days, [(0, 0)])
    placed = place(days, [wish], taken={MONDAY: 5, tuesday: 3}, per_day=2, later=1)
    assert (placed[wish.key].on, placed[wish.key].over) == (tuesday, True)


@pytest.mark.requirement("F1", "T6")
@pytest.mark.parametrize(
    ("zone", "contact", "anchor"),
    [
        ("UTC", datetime(2026, 3, 2, 23, 59, tzinfo=UTC), date(2026, 3, 2)),
        ("Asia/Shanghai", datetime(2026, 3, 1, 16, 0, tzinfo=UTC), date(2026, 3, 2)),
        ("Asia/Shanghai", datetime(2026, 3, 1, 15, 59, tzinfo=UTC), date(2026, 3, 1)),
        ("America/New_York", datetime(2026, 3, 3, 4, 59, tzinfo=UTC), date(2026, 3, 2)),
        # The clocks are put forward on 8 March: midnight is an hour earlier in UTC from then on.
        ("America/New_York", datetime(2026, 3, 9, 3, 59, tzinfo=UTC), date(2026, 3, 8)),
        ("America/New_York", datetime(2026, 3, 9, 4, 0, tzinfo=UTC), date(2026, 3, 9)),
        # In half an hour, three quarters, and fourteen hours east of Greenwich.
        ("Asia/Kolkata", datetime(2026, 3, 1, 18, 30, tzinfo=UTC), date(2026, 3, 2)),
        ("Asia/Kathmandu", datetime(2026, 3, 1, 18, 14, tzinfo=UTC), date(2026, 3, 1)),
        ("Pacific/Kiritimati", datetime(2026, 3, 1, 10, 0, tzinfo=UTC), date(2026, 3, 2)),
        ("Pacific/Pago_Pago", datetime(2026, 3, 2, 10, 59, tzinfo=UTC), date(2026, 3, 1)),
        # Samoa had no 30 December 2011.
        ("Pacific/Apia", datetime(2011, 12, 30, 10, 0, tzinfo=UTC), date(2011, 12, 31)),
        ("Asia/Shanghai", datetime(2024, 2, 28, 16, 0, tzinfo=UTC), date(2024, 2, 29)),
    ],
)
def test_a_contact_counts_from_its_day_in_the_companys_zone(zone, contact, anchor):
    row = {"last_contact_at": contact, "created_at": contact, "assigned_on": None, "claimed_on": None}
    cycle = Cycle(30, BY_GRADE, "A")
    assert rhythm_of(row, cycle, ZoneInfo(zone)).due == anchor + timedelta(days=30)
    never = rhythm_of(row | {"last_contact_at": None}, cycle, ZoneInfo(zone))
    assert (never.last_contact, never.anchor) == (None, anchor)
