"""The rules of report definitions that hold in every write; an active schedule has its next occurrence waiting."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import UserError
from kedang_platform.i18n import msg
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.catalogue import catalogue
from kedang_tenants.changing import Draft, afterwards, prepares
from kedang_tenants.reading import Viewer
from kedang_tenants.reports.kinds import KINDS
from kedang_tenants.reports.models import (
    BETWEEN,
    MONTHLY,
    NEVER,
    SURVEY_ANALYSIS,
    WEEKLY,
    YEARLY,
)
from kedang_tenants.reports.parameters import Parameter, ensure_seen, faults_in, settled
from kedang_tenants.reports.schedule import pattern_of, time_of_day

OCCUR: Final = "reports.occur"
_DECEMBER: Final = 12
LONGEST_DAYS: Final = 3660
"""Days of the longest period: ten years."""
_WHEN: Final = ("schedule", "at", "weekday", "day_of_month", "month", "active", "owner_id")


@prepares("report_definition")
async def guard_definitions(
    write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], clock: Clock
) -> None:
    """A definition asks something that can be answered, at times that come."""
    for draft in drafts:
        if draft.action == "create" and draft.now("owner_id") is None:
            draft.values["owner_id"] = viewer.member_id
        faults = faults_of(draft.now)
        if not faults and draft.action != "archive" and "parameters" in draft.values:
            faults = await unseen_in(write, viewer, draft.now)
        for error in faults:
            draft.errors.append(in_api(error, under=draft.change.path))
        if not faults and "parameters" in draft.values:
            draft.values["parameters"] = settled_in(draft.now)
        _check_schedule(draft)
        if not draft.refused and _times_move(draft):
            draft.values["next_at"] = _next(draft, viewer, clock)


def faults_of(value_of: Callable[[str], object]) -> list[UserError]:
    """What is wrong with a question, whose columns ``value_of`` gives; the paths are names of columns."""
    return [
        *_period_faults(value_of),
        *_subject_faults(value_of),
        *faults_in(_parameters(value_of), value_of("parameters")),
    ]


async def unseen_in(read: TenantRead, viewer: Viewer, value_of: Callable[[str], object]) -> list[UserError]:
    """What of a question that is right otherwise names something that is not there for the viewer."""
    return await ensure_seen(read, viewer, _parameters(value_of), value_of("parameters"))


def settled_in(value_of: Callable[[str], object]) -> dict[str, Any]:
    """The parameters of a question that is right, as they are kept."""
    return settled(_parameters(value_of), value_of("parameters"))


def in_api(fault: UserError, *, under: tuple[str | int, ...]) -> UserError:
    """A fault whose path begins with a column, as the API calls that."""
    column, *inner = fault.path
    api_name = catalogue().record("report_run").fields[str(column)].api_name
    return UserError(fault.code, fault.message, (*under, api_name, *inner), fault.params)


def _parameters(value_of: Callable[[str], object]) -> Sequence[Parameter]:
    kind = KINDS.get(str(value_of("kind")))
    return kind.parameters if kind else ()


def _period_faults(value_of: Callable[[str], object]) -> list[UserError]:
    first, last = cast("date | None", value_of("starts_on")), cast("date | None", value_of("ends_on"))
    if value_of("period") != BETWEEN:
        named = [name for name in ("starts_on", "ends_on") if value_of(name) is not None]
        text = msg("Days are said only for a period between two days.")
        return [UserError("DAYS_WITHOUT_PERIOD", text, (name,)) for name in named]
    if first is None or last is None:
        missing = "starts_on" if first is None else "ends_on"
        return [UserError("REQUIRED", msg("A period between two days needs both of them."), (missing,))]
    if not 0 <= (last - first).days < LONGEST_DAYS:
        text = msg("The last day must not lie before the first, and at most ten years after it.")
        return [UserError("INVALID_PERIOD", text, ("ends_on",))]
    return []


def _subject_faults(value_of: Callable[[str], object]) -> list[UserError]:
    kind = value_of("kind")
    found = []
    if not value_of("formats"):
        found.append(UserError("REQUIRED", msg("Choose at least one format."), ("formats",)))
    if kind == SURVEY_ANALYSIS and value_of("questionnaire_id") is None:
        text = msg("A survey analysis needs a questionnaire.")
        found.append(UserError("REQUIRED", text, ("questionnaire_id",)))
    return found


def _check_schedule(draft: Draft) -> None:
    every, at = draft.now("schedule"), draft.now("at")
    if at is not None and time_of_day(str(at)) is None:
        draft.refuse("at", "INVALID_TIME", msg("This is not a time of day, such as 08:30."))
    elif at is None and every != NEVER:
        draft.refuse("at", "REQUIRED", msg("A schedule needs a time of day."))
    if every == WEEKLY and draft.now("weekday") is None:
        draft.refuse("weekday", "REQUIRED", msg("A weekly schedule needs a day of the week."))
    day, month = draft.now("day_of_month"), draft.now("month")
    if every in {MONTHLY, YEARLY} and day is None:
        draft.refuse("day_of_month", "REQUIRED", msg("A monthly schedule needs a day of the month."))
    if every == YEARLY and month is None:
        draft.refuse("month", "REQUIRED", msg("A yearly schedule needs a month."))
    elif every == YEARLY and isinstance(day, int) and isinstance(month, int) and day > _longest(month):
        draft.refuse("day_of_month", "NO_SUCH_DAY", msg("This month has no such day."))


def _longest(month: int) -> int:
    """How many days the month has in a leap year."""
    return monthrange(2000, month)[1] if 1 <= month <= _DECEMBER else 0


def _times_move(draft: Draft) -> bool:
    """Whether the next occurrence may be another one than before."""
    return draft.action != "update" or any(name in draft.values for name in _WHEN)


def _next(draft: Draft, viewer: Viewer, clock: Clock) -> datetime | None:
    if draft.action == "archive" or not draft.now("active"):
        return None
    row = {name: draft.now(name) for name in _WHEN}
    return next_occurrence(row, now=clock.now(), zone=ZoneInfo(viewer.time_zone))


def next_occurrence(row: Mapping[str, Any], *, now: datetime, zone: ZoneInfo) -> datetime | None:
    """When a definition's row is next due after ``now``, active or not; None where it has no schedule."""
    if row["schedule"] == NEVER:
        return None
    at = time_of_day(row["at"])
    assert at is not None  # every write has checked it
    pattern = pattern_of(
        row["schedule"], at, weekday=row["weekday"], day=row["day_of_month"], month=row["month"]
    )
    return pattern.after(now, zone)


@afterwards("report_definition")
async def wait_for_next(write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], _clock: Clock) -> None:
    """The next occurrence is a job that waits; one that a change made void finds nothing to do."""
    waiting = [(draft.id, draft.values.get("next_at")) for draft in drafts]
    jobs = [occurrence_job(of, cast("datetime", at)) for of, at in waiting if at is not None]
    await enqueue(write, *jobs)


def occurrence_job(definition_id: UUID, at: datetime, *, again: str = "") -> NewJob:
    """The job of one occurrence: one a definition and instant, whoever asks for it."""
    payload = {"definition": str(definition_id), "at": at.isoformat()}
    return NewJob(OCCUR, payload, key=f"{OCCUR}:{definition_id}@{at.isoformat()}{again}", due_at=at)
