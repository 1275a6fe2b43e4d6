"""Asking for a report, by hand or by a schedule, and calling one off."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import Forbidden, NotFound, Refused, UserError
from kedang_platform.i18n import msg
from kedang_platform.ids import new_id
from kedang_platform.work import NewJob, enqueue, job_status, request_cancel
from kedang_tenants.catalogue import catalogue
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.imports.record_keeping import BEHIND_PEOPLE
from kedang_tenants.reading import Lookup, Scope, Viewer, read_lookup
from kedang_tenants.reading.statement import Statement
from kedang_tenants.reports import asking
from kedang_tenants.reports.errors import AlreadyEnded
from kedang_tenants.reports.guards import faults_of, next_occurrence, occurrence_job
from kedang_tenants.reports.kinds import reads_of
from kedang_tenants.reports.models import CANCELLED, RUNNING, WAITING
from kedang_tenants.reports.schedule import span_of

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
    "formats",
    "language",
)
"""The columns that a definition hands on to its runs."""

_DEFAULTS: Final[Mapping[str, object]] = {"period": "LAST_12_MONTHS", "formats": ["XLSX"]}
_DEFINITION: Final = f"""
SELECT id, {", ".join(QUESTION)}, schedule, at, weekday, day_of_month, owner_id FROM report_definition
WHERE id = $1 AND archived_at IS NULL
"""


async def ask_for_report(
    write: TenantWrite, viewer: Viewer, *, values: Mapping[str, Any], clock: Clock
) -> UUID:
    """Have a report made of a question, whose columns ``values`` names; returns the id of its run.

    Raises Forbidden where the viewer may not make reports or read what this one is about, and Refused
    with everything that is wrong with the question.
    """
    question: dict[str, Any] = {**dict.fromkeys(QUESTION), **_DEFAULTS, **values}
    faults = faults_of(question.get)
    if faults:
        raise Refused([_in_input(fault) for fault in faults])
    _ensure_may_ask(viewer, question["kind"])
    return await _start(write, viewer, question, member_id=viewer.member_id, clock=clock)


async def ask_for_definition(
    write: TenantWrite, viewer: Viewer, *, definition_id: UUID, clock: Clock
) -> UUID:
    """Have the report of a definition made now, for the viewer and with the viewer's rights.

    Raises NotFound for one that the viewer does not see, and as ``ask_for_report``.
    """
    seen = await read_lookup(write, viewer, Lookup("report_definition", (definition_id,)))
    row = await write.fetchrow(_DEFINITION, definition_id) if seen.page.rows else None
    if row is None:
        raise NotFound(msg("There is no such record."), path=("input", "id"))
    _ensure_may_ask(viewer, row["kind"])
    return await _start(
        write, viewer, dict(row), member_id=viewer.member_id, definition_id=definition_id, clock=clock
    )


def _ensure_may_ask(viewer: Viewer, kind: str) -> None:
    if viewer.on("report_run").create is Scope.NONE:
        raise Forbidden(msg("You may not do this."))
    asking.reader(viewer, *reads_of(kind))


def _in_input(fault: UserError) -> UserError:
    fields = catalogue().record("report_run").fields
    path = ("input", *(fields[str(step)].api_name for step in fault.path))
    return UserError(fault.code, fault.message, path, fault.params)


async def _start(
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
    span = span_of(question["period"], today, first=question.get("starts_on"), last=question.get("ends_on"))
    run_id = new_id()
    values = {name: question[name] for name in QUESTION} | {
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
    job = NewJob(RUN, {"run": str(run_id)}, key=f"{RUN}:{run_id}", priority=BEHIND_PEOPLE)
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
    statement = Statement()
    may = asking.within(statement, viewer, "report_run", "r", viewer.on("report_run").update)
    sql = f"SELECT state, job_id FROM report_run r WHERE id = {statement.bind(run_id)} AND {may}"
    row = await write.fetchrow(sql, *statement.values)
    if row is None:
        raise NotFound(msg("There is no such record."), path=("input", "id"))
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


# By schedule

_DUE: Final = _DEFINITION + " AND active AND next_at = $2 FOR UPDATE"
_RECIPIENTS: Final = """
SELECT r.member_id, m.state = 'ACTIVE' AND m.archived_at IS NULL AS active
FROM report_recipient r JOIN member m ON m.id = r.member_id
WHERE r.definition_id = $1 AND r.archived_at IS NULL ORDER BY r.member_id
"""


async def make_occurrence(
    write: TenantWrite, viewer: Viewer, *, definition_id: UUID, at: datetime, clock: Clock
) -> int:
    """Start the reports of one occurrence, one for each recipient; how many were started.

    Nothing happens for an occurrence that has been made or that the definition no longer has. The next
    one is the first after now: what was missed in between is not made up for.
    """
    row = await write.fetchrow(_DUE, definition_id, at)
    if row is None:
        return 0
    members = await _readers(write, row)
    for member in members:
        await _start(
            write,
            viewer,
            dict(row),
            member_id=member,
            definition_id=definition_id,
            scheduled_for=at,
            clock=clock,
        )
    following = next_occurrence(dict(row), now=max(at, clock.now()), zone=ZoneInfo(viewer.time_zone))
    # Not an edit: the version stays, so that nobody's open form conflicts with it.
    await write.fetch("UPDATE report_definition SET next_at = $2 WHERE id = $1", definition_id, following)
    if following is not None:
        await enqueue(write, occurrence_job(definition_id, following))
    return len(members)


async def _readers(read: TenantRead, row: asyncpg.Record) -> list[UUID]:
    """Its active recipients; its owner where it never had any."""
    recipients = await read.fetch(_RECIPIENTS, row["id"])
    if recipients:
        return [one["member_id"] for one in recipients if one["active"]]
    return [row["owner_id"]] if row["owner_id"] else []


_LATE: Final = """
SELECT id, next_at FROM report_definition
WHERE archived_at IS NULL AND active AND next_at < $1 ORDER BY id
"""


async def wake_late(write: TenantWrite, *, before: datetime, day: date) -> int:
    """Ask once more, once a day, for occurrences whose job has come to nothing; how many there are."""
    rows = await write.fetch(_LATE, before)
    jobs = [occurrence_job(row["id"], row["next_at"], again=f":{day.isoformat()}") for row in rows]
    await enqueue(write, *jobs)
    return len(jobs)
