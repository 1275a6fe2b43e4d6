"""The clocks against a plain model that counts minutes, through any sequence of steps."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kedang_platform.working_calendar import WorkingCalendar, WorkingHours
from kedang_tenants.service import clocks
from kedang_tenants.service.requests import WrongState
from tests.service.test_requests import ALLOWED, STEPS

MINUTE = timedelta(minutes=1)
HOURS = WorkingHours(calendar=WorkingCalendar(country="ZZ"), zone=ZoneInfo("America/New_York"))
FRIDAY = datetime(2026, 3, 6, 18, 0, tzinfo=UTC)  # before the night in which the clocks are put forward


def is_business(at: datetime) -> bool:
    local = at.astimezone(HOURS.zone)
    return local.weekday() < 5 and 9 <= local.hour < 18


class Clocks(RuleBasedStateMachine):
    """One request: as the product keeps it (``row``), and how many business minutes its clocks really ran."""

    def __init__(self) -> None:
        super().__init__()
        self.now = FRIDAY
        self.row: dict[str, Any] = {}
        self.used = {"first_answer": 0, "solution": 0}

    @initialize(answer=st.integers(1, 600), solution=st.integers(1, 2000))
    def open(self, answer: int, solution: int) -> None:
        self.row = {
            "state": "NEW",
            "opened_at": self.now,
            "archived_at": None,
            "first_answer_minutes": answer,
            "solution_minutes": solution,
            "paused_seconds": 0,
            "reopened_count": 0,
            **dict.fromkeys(("first_answered_at", "solved_at", "closed_at", "waiting_since")),
            **dict.fromkeys(("first_answer_on_time", "solution_on_time")),
            "first_answer_told": 0,
            "solution_told": 0,
        }
        self.row |= clocks.planned(HOURS, self.row)

    def runs(self, clock: str) -> bool:
        """As S1 has it: until the first answer; until the solution, unless we wait for the customer."""
        if clock == "first_answer":
            return self.row["first_answered_at"] is None and self.row["state"] in {"NEW", "IN_PROGRESS"}
        return self.row["state"] in {"NEW", "IN_PROGRESS"}

    @rule(minutes=st.integers(1, 3000))
    def time_passes(self, minutes: int) -> None:
        running = [clock for clock in self.used if self.runs(clock)]
        for _ in range(minutes):
            if is_business(self.now):
                for clock in running:
                    self.used[clock] += 1
            self.now += MINUTE

    @precondition(lambda self: self.row["state"] in clocks.OPEN_STATES)
    @rule()
    def answer(self) -> None:
        self.row |= {**clocks.started(self.row), **clocks.answered(self.row, self.now)}

    @precondition(lambda self: self.row["state"] in {"NEW", "IN_PROGRESS"})
    @rule()
    def wait(self) -> None:
        self.row |= {**clocks.waiting(self.now), **clocks.answered(self.row, self.now)}

    @precondition(lambda self: self.row["state"] == "WAITING")
    @rule()
    def resume(self) -> None:
        self.row |= clocks.resumed(HOURS, self.row, self.now)

    @precondition(lambda self: self.row["state"] in clocks.OPEN_STATES)
    @rule()
    def solve(self) -> None:
        waited = self.row["state"] == "WAITING"
        self.row |= clocks.solved(HOURS, self.row, self.now)
        left = self.row["solution_minutes"] - self.used["solution"]
        if left:  # at the very end of it what is on time hangs on when the day ended
            assert self.row["solution_on_time"] is (left > 0), waited

    @precondition(lambda self: self.row["state"] == "SOLVED")
    @rule()
    def reopen(self) -> None:
        self.row |= clocks.reopened(HOURS, self.row, self.now)

    @invariant()
    def what_is_left_is_what_the_clocks_have_not_used(self) -> None:
        if not self.row:
            return
        stopped = self.row["waiting_since"] or self.row["solved_at"]
        self._check("solution", stopped or self.now)
        self._check("first_answer", self.row["first_answered_at"] or self.now)

    def _check(self, clock: str, seen: datetime) -> None:
        left = self.row[f"{clock}_minutes"] - self.used[clock]
        due = self.row[f"{clock}_due_at"]
        if left >= 0:
            assert HOURS.between(seen, due) == left * MINUTE
        else:
            assert HOURS.between(due, seen) == -left * MINUTE

    @invariant()
    def the_first_answer_is_judged_by_its_own_clock(self) -> None:
        judged = self.row.get("first_answer_on_time")
        left = self.row.get("first_answer_minutes", 0) - self.used["first_answer"]
        if judged is not None and left:
            assert judged is (left > 0)


Clocks.TestCase.settings = settings(deadline=None, max_examples=40, stateful_step_count=15)
TestClocks = pytest.mark.requirement("S1")(Clocks.TestCase)


@pytest.mark.requirement("S1")
@settings(
    deadline=None,
    max_examples=8,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(st.tuples(st.sampled_from(sorted(STEPS.keys() - {"assign"})), st.integers(0, 2000)), max_size=8)
)
async def test_stored_requests_go_through_the_same_steps(desk, steps):
    """Every step that is allowed leads on, every other is refused and changes nothing."""
    request = await desk.open()
    for step, minutes in steps:
        desk.later(minutes=minutes)
        before = await desk.row(request)
        if step in ALLOWED[before["state"]]:
            await desk.do(step, request, **STEPS[step])
            await check_stored(desk, request, before)
            continue
        with pytest.raises(WrongState):
            await desk.do(step, request, **STEPS[step])
        assert await desk.row(request) == before


async def check_stored(desk, request, before):
    row = await desk.row(request)
    assert (row["waiting_since"] is not None) == (row["state"] == "WAITING")
    assert (row["solved_at"] is not None) == (row["state"] in {"SOLVED", "CLOSED"})
    assert (row["closed_at"] is not None) == (row["state"] in {"CLOSED", "CANCELLED"})
    assert (row["solution_on_time"] is not None) == (row["solved_at"] is not None)
    allowed = timedelta(minutes=row["solution_minutes"], seconds=row["paused_seconds"])
    assert row["solution_due_at"] == HOURS_OF_SHOP.after(row["opened_at"], allowed)
    assert row["paused_seconds"] >= before["paused_seconds"]
    assert row["first_answered_at"] in {before["first_answered_at"], desk.shop.clock.now()} - {None} or (
        row["first_answered_at"] is None and before["first_answered_at"] is None
    )


HOURS_OF_SHOP = WorkingHours(calendar=WorkingCalendar(country="US"), zone=ZoneInfo("America/New_York"))
