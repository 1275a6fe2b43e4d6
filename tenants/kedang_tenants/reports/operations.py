"""Asking for a report, calling one off, and asking again for one that was not made."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import orjson

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import Forbidden, NotFound, Refused
from kedang_platform.i18n import msg
from kedang_platform.ids import new_id
from kedang_platform.work import NewJob, enqueue, job_status, request_cancel
from kedang_platform.work.priorities import BULK
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.reading import Lookup, Scope, Viewer, read_lookup
from kedang_tenants.reading.statement import Statement
from kedang_tenants.reports import asking
from kedang_tenants.reports.errors import AlreadyEnded, NotRepeatable
from kedang_tenants.reports.gathering import Question
from kedang_tenants.reports.guards import faults_of, in_api, settled_in, unseen_in
from kedang_tenants.reports.kind import PERIOD
from kedang_tenants.reports.kinds import KINDS, ensure_is_for
from kedang_tenants.reports.models import CANCELLED, FAILED, RUNNING, WAITING
from kedang_tenants.reports.schedule import Span, span_of

RUN: Final = "reports.run"
QUESTION: Final = (
    "kind",
    "period",
    "starts_on",
    "ends_on",
    "scheme_id",
    "questionnaire_id",
    "only_department_id",
    "only_member_id",
    "parameters",
    "formats",
    "language",
)
"""The columns that a definition hands on to its runs."""

_DEFAULTS: Final[Mapping[str, object]] = {"formats": ["XLSX"], "parameters": {}}
DEFINITION: Final = f"""
SELECT id, {", ".join(QUESTION)}, name, schedule, at, weekday, day_of_month, month, owner_id FROM report_definition
WHERE id = $1 AND archived_at IS NULL
"""


async def ask_for_report(
    write: TenantWrite, viewer: Viewer, *, values: Mapping[str, Any], clock: Clock
) -> UUID:
    """Have a report made of a question, whose columns ``values`` names; returns the id of its run.

    Raises Forbidden where the viewer may not make reports or read what this one is about, and Refused
    with everything that is wrong with the question.
    """
    question = await _checked(write, viewer, values, under=("input",))
    return await start(write, viewer, question, member_id=viewer.member_id, clock=clock)


async def ask_for_definition(
    write: TenantWrite, viewer: Viewer, *, definition_id: UUID, clock: Clock
) -> UUID:
    """Have the report of a definition made now, for the viewer and with the viewer's rights.

    Raises NotFound for one that the viewer does not see, and as ``ask_for_report``.
    """
    seen = await read_lookup(write, viewer, Lookup("report_definition", (definition_id,)))
    row = await write.fetchrow(DEFINITION, definition_id) if seen.page.rows else None
    if row is None:
        raise NotFound(msg("There is no such record."), path=("input", "id"))
    _ensure_may_ask(viewer, row["kind"])
    return await start(
        write, viewer, dict(row), member_id=viewer.member_id, definition_id=definition_id, clock=clock
    )


async def question_of(
    read: TenantRead, viewer: Viewer, *, values: Mapping[str, Any], clock: Clock, under: tuple[str, ...]
) -> Question:
    """What ``values`` ask, for figures that are shown at once; raises as ``ask_for_report``.

    Paths of what is wrong begin with ``under``.
    """
    asked = await _checked(read, viewer, values, under=under)
    span = _span(asked, viewer.today(clock))
    return Question.of({**asked, "starts_on": span.first, "ends_on": span.last})


async def _checked(
    read: TenantRead, viewer: Viewer, values: Mapping[str, Any], *, under: tuple[str, ...]
) -> dict[str, Any]:
    """The columns of a question that is right and that the viewer may ask; raises Forbidden and Refused."""
    usual = {"period": KINDS[values["kind"]].usual_period}
    question: dict[str, Any] = {**dict.fromkeys(QUESTION), **_DEFAULTS, **usual, **values}
    faults = faults_of(question.get)
    if not faults:
        _ensure_may_ask(viewer, question["kind"])
        faults = await unseen_in(read, viewer, question.get)
    if faults:
        raise Refused([in_api(fault, under=under) for fault in faults])
    return {**question, "parameters": settled_in(question.get)}


def _span(question: Mapping[str, Any], today: date) -> Span:
    """The days of a question; what is about now is of today."""
    if PERIOD not in KINDS[question["kind"]].columns:
        return Span(today, today)
    return span_of(question["period"], today, first=question.get("starts_on"), last=question.get("ends_on"))


def _ensure_may_ask(viewer: Viewer, kind: str) -> None:
    if viewer.on("report_run").create is Scope.NONE:
        raise Forbidden(msg("You may not do this."))
    ensure_is_for(viewer, kind)


async def start(
    write: TenantWrite,
    viewer: Viewer,
    question: Mapping[str, Any],
    *,
    member_id: UUID | None,
    definition_id: UUID | None = None,
    scheduled_for: datetime | None = None,
    clock: Clock,
) -> UUID:
    """The run and its job; its days are settled now, whenever it will be made."""
    today = viewer.today(clock) if scheduled_for is None else _day_of(scheduled_for, viewer)
    span = _span(question, today)
    run_id = new_id()
    stored = question["parameters"]
    values = {name: question[name] for name in QUESTION} | {
        "parameters": orjson.loads(stored) if isinstance(stored, str) else stored,
        "starts_on": span.first,
        "ends_on": span.last,
        "definition_id": definition_id,
        "asked_by_id": member_id,
        "scheduled_for": scheduled_for,
    }
    given = {name: value for name, value in values.items() if value is not None}
    await change_internally(
        write, viewer, [Change("report_run", "create", run_id, values=given, path=("input",))], clock=clock
    )
    job = NewJob(RUN, {"run": str(run_id)}, key=f"{RUN}:{run_id}", priority=BULK)
    (job_id,) = await enqueue(write, job)
    await write.fetch("UPDATE report_run SET job_id = $2 WHERE id = $1", run_id, job_id)
    return run_id


def _day_of(instant: datetime, viewer: Viewer) -> date:
    return instant.astimezone(ZoneInfo(viewer.time_zone)).date()


async def job_of(read: TenantRead, *, run_id: UUID) -> UUID:
    """The job that makes a run's report."""
    job_id: UUID = await read.fetchval("SELECT job_id FROM report_run WHERE id = $1", run_id)
    return job_id


_UNDER_WAY: Final = frozenset({WAITING, RUNNING})
_HELD_STATE: Final = "SELECT state FROM report_run WHERE id = $1 FOR UPDATE"


async def cancel_report(write: TenantWrite, viewer: Viewer, *, run_id: UUID, clock: Clock) -> None:
    """Call a report off: at once where nobody works on it, else within seconds; no file is left of it.

    Raises NotFound, also for a run that is out of the viewer's reach, and AlreadyEnded.
    """
    row = await _within_reach(write, viewer, run_id)
    # The job before the run, as its worker holds them: else each would wait for the other.
    if row["state"] in _UNDER_WAY:
        await request_cancel(write, row["job_id"])
    if await write.fetchval(_HELD_STATE, run_id) not in _UNDER_WAY:
        raise AlreadyEnded(msg("This has already come to its end."))
    if (await job_status(write, row["job_id"])).state == "cancelled":
        values = {"state": CANCELLED, "finished_at": clock.now()}
        await change_internally(
            write, viewer, [Change("report_run", "update", run_id, values=values)], clock=clock
        )


async def _within_reach(write: TenantWrite, viewer: Viewer, run_id: UUID) -> asyncpg.Record:
    """State and job of a run that the viewer may change; raises NotFound."""
    statement = Statement()
    may = asking.within(statement, viewer, "report_run", "r", viewer.on("report_run").update)
    sql = f"SELECT state, job_id FROM report_run r WHERE id = {statement.bind(run_id)} AND {may}"
    row = await write.fetchrow(sql, *statement.values)
    if row is None:
        raise NotFound(msg("There is no such record."), path=("input", "id"))
    return row


async def retry_report(write: TenantWrite, viewer: Viewer, *, run_id: UUID, clock: Clock) -> None:
    """Have a report made after all that failed or was called off: the same days, for the same member.

    It is made with the rights that this member has then; one that comes by itself is mailed when it is
    made, as it would have been. Raises NotFound, also for a run that is out of the viewer's reach, and
    NotRepeatable for one that is made or under way.
    """
    await _within_reach(write, viewer, run_id)
    row = await write.fetchrow("SELECT state, tries FROM report_run WHERE id = $1 FOR UPDATE", run_id)
    if row is None or row["state"] not in {FAILED, CANCELLED}:
        raise NotRepeatable(
            msg("Only what failed or was called off can be made again."), path=("input", "id")
        )
    values = {
        "state": WAITING,
        "tries": row["tries"] + 1,
        "rows_done": 0,
        "rows_total": None,
        "error_code": None,
        "error": None,
        "started_at": None,
        "finished_at": None,
    }
    await change_internally(
        write, viewer, [Change("report_run", "update", run_id, values=values)], clock=clock
    )
    key = f"{RUN}:{run_id}:{values['tries']}"
    (job_id,) = await enqueue(write, NewJob(RUN, {"run": str(run_id)}, key=key, priority=BULK))
    await write.fetch("UPDATE report_run SET job_id = $2 WHERE id = $1", run_id, job_id)
