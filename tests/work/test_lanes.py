from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedang_platform.work.channels import Channel
from kedang_platform.work.turns import Candidate, Flight, Lane, deal, share


def lane(tenant: str, in_flight: int = 0) -> Lane:
    return Lane(tenant, in_flight)


def test_room_is_shared_evenly_and_the_first_lanes_get_what_is_left_over():
    assert share([lane("a"), lane("b"), lane("c")], room=8, per_lane=16) == {"a": 3, "b": 3, "c": 2}


def test_a_lane_that_has_much_out_gets_only_up_to_its_limit_and_the_others_get_the_rest():
    assert share([lane("a", 15), lane("b"), lane("c", 16)], room=10, per_lane=16) == {"a": 1, "b": 9}


def test_more_lanes_than_room_serves_those_that_wait_longest():
    assert share([lane("a"), lane("b"), lane("c")], room=2, per_lane=16) == {"a": 1, "b": 1}


def test_without_room_nobody_is_served():
    assert share([lane("a")], room=0, per_lane=16) == {}
    assert share([lane("a")], room=-3, per_lane=16) == {}
    assert share([lane("a", 16)], room=5, per_lane=16) == {}


@given(
    in_flight=st.lists(st.integers(0, 20), max_size=12),
    room=st.integers(-5, 100),
    per_lane=st.integers(1, 16),
)
def test_shares_never_exceed_a_limit_and_never_leave_room_unused(in_flight, room, per_lane):
    lanes = [lane(f"t{number:02}", out) for number, out in enumerate(in_flight)]
    rooms = share(lanes, room=room, per_lane=per_lane)
    free = {each.tenant: max(0, per_lane - each.in_flight) for each in lanes}
    assert all(0 < rooms[tenant] <= free[tenant] for tenant in rooms)
    assert sum(rooms.values()) == min(max(room, 0), sum(free.values()))


START = datetime(2026, 3, 2, tzinfo=UTC)
CALLS = Channel("calls", company=2, overall=3)


def candidate(
    number: int, tenant: str, *, kind: str = "greet", priority: int = 0, late: int = 0
) -> Candidate:
    return Candidate(UUID(int=number), tenant, kind, priority, START - timedelta(seconds=late))


def dealt(jobs, lanes, *, room: int = 64, per_lane: int = 16, in_flight=()) -> list[int]:
    """The numbers of the jobs that are handed out, where calls go by a channel of their own."""
    flight = Flight({"call": CALLS})
    for tenant, kind in in_flight:
        flight.add(tenant, kind)
    rooms = share(lanes, room=room, per_lane=per_lane)
    return [job.id.int for job in deal(jobs, lanes, rooms=rooms, flight=flight)]


def test_jobs_take_turns_among_the_lanes_and_go_by_urgency_within_one():
    jobs = [candidate(1, "big"), candidate(2, "big"), candidate(3, "big", priority=-5), candidate(4, "small")]
    assert dealt(jobs, [lane("small"), lane("big")]) == [4, 3, 1, 2]


@pytest.mark.requirement("T10")
def test_a_full_channel_holds_up_nothing_else_of_its_company():
    jobs = [candidate(number, "a", kind="call", late=60) for number in range(1, 5)] + [candidate(5, "a")]
    assert dealt(jobs, [lane("a")]) == [1, 2, 5]
    assert dealt(jobs, [lane("a", 2)], in_flight=[("a", "call"), ("a", "call")]) == [5]


@pytest.mark.requirement("T10")
def test_a_channel_is_shared_among_the_companies_and_never_beyond_what_it_takes():
    jobs = [candidate(number, tenant, kind="call") for number, tenant in enumerate("aaabbb", 1)]
    assert dealt(jobs, [lane("a"), lane("b")]) == [1, 4, 2]
    assert dealt(jobs, [lane("a"), lane("b")], in_flight=[("c", "call"), ("c", "call")]) == [1]


@pytest.mark.requirement("T10")
def test_what_does_not_press_has_every_fifth_turn_once_it_waited_a_minute_longer():
    pressing = [candidate(number, "a", priority=-10) for number in range(1, 9)]
    bulk = [candidate(20, "a", priority=10, late=61), candidate(21, "a", priority=10, late=61)]
    assert dealt(pressing + bulk, [lane("a")]) == [1, 2, 3, 4, 20, 5, 6, 7, 8, 21]
    assert dealt(pressing + bulk, [lane("a")], room=1) == [1]
    assert dealt(pressing + bulk, [Lane("a", 0, turns=14)], room=1) == [20]
    patient = [candidate(20, "a", priority=10, late=60)]
    assert dealt(pressing + patient, [Lane("a", 0, turns=14)], room=1) == [1]


@st.composite
def situations(draw):
    """Lanes with jobs of two kinds, of which one goes by the channel, and what is in flight already."""
    tenants = [f"t{number}" for number in range(draw(st.integers(1, 6)))]
    flying = [
        (tenant, kind)
        for tenant in tenants
        for kind in draw(st.lists(st.sampled_from(["greet", "call"]), max_size=3))
    ]
    jobs, number = [], 0
    for tenant in tenants:
        for kind, priority in draw(
            st.lists(st.tuples(st.sampled_from(["greet", "call"]), st.sampled_from([-10, 0, 10])), max_size=8)
        ):
            number += 1
            jobs.append(
                candidate(number, tenant, kind=kind, priority=priority, late=draw(st.integers(0, 200)))
            )
    lanes = [
        lane(tenant, sum(flown == tenant for flown, _ in flying)) for tenant in draw(st.permutations(tenants))
    ]
    return jobs, lanes, flying


@pytest.mark.requirement("T10")
@given(situations(), st.integers(0, 30), st.integers(1, 6))
def test_whatever_waits_the_caps_hold_turns_are_fair_and_no_room_is_left_that_could_be_used(
    situation, room, per_lane
):
    jobs, lanes, flying = situation
    rooms = share(lanes, room=room, per_lane=per_lane)
    by_number = {job.id.int: job for job in jobs}
    numbers = dealt(jobs, lanes, room=room, per_lane=per_lane, in_flight=flying)
    taken = [by_number[number] for number in numbers]
    assert len(set(numbers)) == len(numbers) <= room

    calls = [tenant for tenant, kind in flying if kind == "call"]
    all_calls = Counter(calls) + Counter(job.tenant for job in taken if job.kind == "call")
    for tenant, count in all_calls.items():
        assert count <= max(CALLS.company, calls.count(tenant))
    assert all_calls.total() <= max(CALLS.overall, len(calls))

    got = Counter(job.tenant for job in taken)
    for each in lanes:
        assert got[each.tenant] <= rooms.get(each.tenant, 0)
        if got[each.tenant] == rooms.get(each.tenant, 0):
            continue
        # It has room left, so what it still has is of a channel that is full.
        for job in jobs:
            if job.tenant == each.tenant and job.id.int not in numbers:
                assert job.kind == "call"
                assert all_calls[each.tenant] >= CALLS.company or all_calls.total() >= CALLS.overall
    # Nobody has a second turn before everybody who could has had a first one.
    firsts = [taken.index(next(job for job in taken if job.tenant == tenant)) for tenant in got]
    assert sorted(firsts) == list(range(len(got)))
