from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from kedang_platform.work.lanes import Lane, Taken, in_turn, share


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


def test_jobs_take_turns_among_the_lanes_and_go_by_urgency_within_one():
    start = datetime(2026, 3, 2, tzinfo=UTC)

    def taken(number: int, tenant: str, priority: int = 0) -> Taken:
        return Taken(UUID(int=number), 1, tenant, priority, start)

    jobs = [taken(1, "big"), taken(2, "big"), taken(3, "big", -5), taken(4, "small")]
    order = in_turn(jobs, [lane("small"), lane("big")])
    assert [job.id.int for job in order] == [4, 3, 1, 2]
