"""The two clocks of a request in business time (S1).

The first-answer clock runs from the opening until the first word to the customer and never stands
still: whoever waits for the customer has asked them something, which is an answer. The solution
clock stands still while we wait for the customer and between a solution and its being reopened;
what is due then moves by the business time that passed. Nothing else stops a clock.

A clock that has ended stays as it is, whatever is planned anew. How much is left of a running one is
the business time until what is stored as due; of one that stands still, as of when it stopped.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from kedang_platform.working_calendar import WorkingHours
from kedang_tenants.service.models import IN_PROGRESS, OPEN_STATES, SOLVED, WAITING

Row = Mapping[str, Any]
Values = dict[str, object]

ESCALATION: Final = timedelta(hours=1)
"""Business time after which, when a clock has run out, the superior is told as well as the owner."""
CLOCKS: Final = ("first_answer", "solution")
TOLD_ALL: Final = 2


def planned(hours: WorkingHours, row: Row) -> Values:
    """When the clocks of a request that are still open are due, by the minutes that it is allowed."""
    values: Values = {}
    if row["state"] in OPEN_STATES and row["first_answered_at"] is None:
        values["first_answer_due_at"] = _due(hours, row, row["first_answer_minutes"], 0)
    if row["state"] in OPEN_STATES:
        values["solution_due_at"] = _due(hours, row, row["solution_minutes"], row["paused_seconds"])
    return values


def _due(hours: WorkingHours, row: Row, minutes: int | None, paused: int) -> datetime | None:
    if minutes is None:
        return None
    return hours.after(row["opened_at"], timedelta(minutes=minutes, seconds=paused))


def answered(row: Row, now: datetime) -> Values:
    """The first word to the customer ends the first-answer clock; later ones change nothing."""
    if row["first_answered_at"] is not None:
        return {}
    due = row["first_answer_due_at"]
    return {"first_answered_at": now, "first_answer_on_time": None if due is None else now <= due}


def started(row: Row) -> Values:
    """Somebody has begun with it; a request that waits for its customer goes on waiting."""
    return {} if row["state"] == WAITING else {"state": IN_PROGRESS}


def waiting(now: datetime) -> Values:
    """From now on we wait for the customer."""
    return {"state": WAITING, "waiting_since": now}


def resumed(hours: WorkingHours, row: Row, now: datetime) -> Values:
    """The customer has come back: the solution is due later by the business time waited."""
    return {
        "state": IN_PROGRESS,
        "waiting_since": None,
        **_moved(hours, row, row["waiting_since"], now),
    }


def solved(hours: WorkingHours, row: Row, now: datetime) -> Values:
    """The solution ends both clocks; told to the customer, it is the first answer where there was none."""
    values = answered(row, now)
    if row["state"] == WAITING:
        values |= resumed(hours, row, now)
    due: Any = values.get("solution_due_at", row["solution_due_at"])
    on_time = None if due is None else now <= due
    return {**values, "state": SOLVED, "solved_at": now, "solution_on_time": on_time}


def reopened(hours: WorkingHours, row: Row, now: datetime) -> Values:
    """The solution clock goes on with what was left of it when the request was solved."""
    return {
        "state": IN_PROGRESS,
        "solved_at": None,
        "solution_on_time": None,
        "closed_at": None,
        "reopened_count": row["reopened_count"] + 1,
        **_moved(hours, row, row["solved_at"], now),
    }


def _moved(hours: WorkingHours, row: Row, stopped: datetime, now: datetime) -> Values:
    paused = row["paused_seconds"] + hours.between(stopped, now) // timedelta(seconds=1)
    due = _due(hours, row, row["solution_minutes"], paused)
    return {"paused_seconds": paused, "solution_due_at": due}


def runs(row: Row, clock: str) -> bool:
    """Whether one of ``CLOCKS`` is running now, towards a due time."""
    if row["archived_at"] is not None or row[f"{clock}_due_at"] is None or row["state"] not in OPEN_STATES:
        return False
    if clock == "first_answer":
        return row["first_answered_at"] is None
    return bool(row["state"] != WAITING)


def next_telling(hours: WorkingHours, row: Row) -> datetime | None:
    """When somebody has to be told that a clock of this request has run out: the owner, then the superior."""
    moments = []
    for clock in CLOCKS:
        told = row[f"{clock}_told"]
        if runs(row, clock) and told < TOLD_ALL:
            due: datetime = row[f"{clock}_due_at"]
            moments.append(hours.after(due, ESCALATION) if told else due)
    return min(moments, default=None)
