"""Asking for a trial of a rule: a dry run as of a day, or a back-test over past months (G3)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import BadUserInput, Refused, UserError
from kedang_platform.i18n import msg
from kedang_platform.work import NewJob, enqueue
from kedang_platform.work.parts import Part
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.grading.contents import checked_rule
from kedang_tenants.grading.drafting import hold_rule
from kedang_tenants.grading.periods import ends_of_months
from kedang_tenants.grading.trials import BACK_TEST, DRY_RUN, FAILED, KEPT_DAYS, WAITING
from kedang_tenants.grading.versions import DRAFT, IN_FORCE, SCHEDULED, SUPERSEDED
from kedang_tenants.reading import Viewer

TRY: Final = "grading.try"
"""The kind of job that makes a trial; ``trial`` names it."""

MOST_WAITING: Final = 20
"""Trials of a company that wait at a time."""

MOST_MONTHS: Final = 24
_FARTHEST: Final = timedelta(days=366)
_GIVEN_UP: Final = timedelta(days=1)
"""A trial that is not made by then is not made any more: its job has failed."""

_FAIL: Final = f"""
UPDATE grade_trial SET state = '{FAILED}', finished_at = $1, updated_at = $1, version = version + 1
WHERE state = '{WAITING}' AND created_at < $2
"""

CHUNK: Final = 5_000
"""Rows of old trials that one step removes."""

_TIDY_ROWS: Final = """
DELETE FROM grade_trial_row WHERE id IN (
    SELECT r.id FROM grade_trial_row r JOIN grade_trial t ON t.id = r.trial_id WHERE t.created_at < $1 LIMIT $2
) RETURNING id
"""


class TooManyTrials(BadUserInput):
    """So many trials wait already that another one has to wait for them."""


async def try_grade_rule(
    write: TenantWrite, viewer: Viewer, *, rule_id: UUID, as_of: date | None = None, clock: Clock
) -> tuple[UUID, UUID]:
    """Ask who would move if a version were in force on a day, today if none is said; returns the trial and its job.

    Raises Forbidden, NotFound, TooManyTrials, and Refused with what is wrong with the content by now or with the day.
    """
    today = viewer.today(clock)
    day = as_of or today
    if not today <= day <= today + _FARTHEST:
        message = msg("A dry run is as of today, or of a day within a year.")
        raise Refused([UserError("OUT_OF_RANGE", message, ("input", "asOf"))])
    return await _ask(write, viewer, rule_id, {"kind": DRY_RUN, "as_of": day}, clock)


async def back_test_grade_rule(
    write: TenantWrite, viewer: Viewer, *, rule_id: UUID, months: int = 12, clock: Clock
) -> tuple[UUID, UUID]:
    """Ask what a version would have done at the ends of so many past months; returns the trial and its job.

    Raises Forbidden, NotFound, TooManyTrials, and Refused with what is wrong with the content by now or with the
    number of months.
    """
    if not 2 <= months <= MOST_MONTHS:
        message = msg("This must lie between {minimum} and {maximum}.")
        params = {"minimum": 2, "maximum": MOST_MONTHS}
        raise Refused([UserError("OUT_OF_RANGE", message, ("input", "months"), params)])
    ends = ends_of_months(viewer.today(clock), count=months)
    values = {"kind": BACK_TEST, "as_of": max(ends), "months": months}
    return await _ask(write, viewer, rule_id, values, clock)


async def count_to_tidy(read: TenantRead) -> int:
    """How many rows of trials there are, old or not."""
    return int(await read.fetchval("SELECT count(*) FROM grade_trial_row"))


async def tidy_part(write: TenantWrite, *, after: UUID | None, clock: Clock) -> Part:
    """Remove the next rows of trials that are older than ``KEPT_DAYS``, and after the last of them the trials.

    What was never made has failed.
    """
    if after is None:
        await write.fetch(_FAIL, clock.now(), clock.now() - _GIVEN_UP)
    before = clock.now() - timedelta(days=KEPT_DAYS)
    rows = await write.fetch(_TIDY_ROWS, before, CHUNK)
    if len(rows) == CHUNK:
        return Part(last=rows[-1]["id"], seen=CHUNK, changed=CHUNK)
    gone = await write.fetch("DELETE FROM grade_trial WHERE created_at < $1 RETURNING id", before)
    return Part(last=None, seen=len(rows), changed=len(rows) + len(gone))


async def _ask(
    write: TenantWrite, viewer: Viewer, rule_id: UUID, values: dict[str, object], clock: Clock
) -> tuple[UUID, UUID]:
    held = await hold_rule(write, viewer, rule_id, DRAFT, SCHEDULED, IN_FORCE, SUPERSEDED)
    await checked_rule(write, scheme_id=held["scheme_id"], content=held["content"], version=held["number"])
    await _ensure_room(write, clock)
    told = {
        **values,
        "scheme_id": held["scheme_id"],
        "rule_id": rule_id,
        "content": held["content"],
        "asked_by_id": viewer.member_id,
    }
    (trial,) = await change_internally(
        write, viewer, [Change("grade_trial", "create", values=told)], clock=clock
    )
    (job,) = await enqueue(write, NewJob(TRY, {"trial": str(trial.id)}))
    return trial.id, job


async def _ensure_room(read: TenantRead, clock: Clock) -> None:
    waiting = await read.fetchval(
        "SELECT count(*) FROM grade_trial WHERE state = $1 AND created_at >= $2",
        WAITING,
        clock.now() - _GIVEN_UP,
    )
    if waiting >= MOST_WAITING:
        raise TooManyTrials(
            msg("{count} trials wait already; ask again when they are made."),
            path=("input", "id"),
            count=waiting,
        )
