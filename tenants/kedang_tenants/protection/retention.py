"""Doing what the retention rules say, in small steps that can be killed and begun again (T9).

Each line of the rule in force is walked in the order of ids. Customers on legal hold are counted and
passed over. Every run leaves a record: what, how many, and under which version of the rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import NotFound, UserError
from kedang_platform.i18n import msg
from kedang_platform.ids import new_id
from kedang_platform.registry import Company
from kedang_platform.work import NewJob, Progress, RunningJob, enqueue
from kedang_tenants.catalogue import catalogue
from kedang_tenants.changing import Change, audit, change_internally
from kedang_tenants.imports.models import DONE, FAILED, RUNNING
from kedang_tenants.people.viewers import company_of, system_viewer
from kedang_tenants.protection.places import customer_of_file
from kedang_tenants.protection.retention_rules import (
    ANONYMISE,
    DELETE,
    KIND,
    RetentionRule,
    Target,
    rules_in,
)
from kedang_tenants.protection.retiring import retire_files, retire_rows
from kedang_tenants.protection.subjects import ensure_keeper
from kedang_tenants.reading import Viewer
from kedang_tenants.rules import in_force, rule_version

RUN: Final = "protection.retention"
CHUNK: Final = 200
SAMPLES: Final = 10
_RUN: Final = "SELECT id, rule_version_id, trial, state FROM retention_run WHERE id = $1"


@dataclass(frozen=True, slots=True)
class _Line:
    """How far one line of the rule is: behind which id, and what came of it."""

    after: str | None = None
    done: int = 0
    held: int = 0
    samples: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Walked:
    """The checkpoint: the run, the line that is being walked, and the lines with what came of them."""

    run: str
    now: str
    line: int = 0
    lines: list[dict[str, Any]] = field(default_factory=list)

    def of_line(self) -> _Line:
        return _Line(**self.lines[self.line]) if self.line < len(self.lines) else _Line()


async def try_retention(write: TenantWrite, viewer: Viewer, *, version_id: UUID | None, clock: Clock) -> UUID:
    """Have counted what a version of the rule would do now, the one in force if none is named; the run's id.

    Nothing else is done. Raises Forbidden, NotFound where there is no such version.
    """
    ensure_keeper(viewer)
    rule = await rule_version(write, version_id) if version_id else await in_force(write, KIND)
    if rule is None or rule.kind != KIND:
        raise NotFound(msg("There is no such record."), path=("input", "ruleVersionId"))
    run_id = new_id()
    values = {"rule_version_id": rule.id, "trial": True, "started_by_id": viewer.member_id}
    await change_internally(
        write, viewer, [Change("retention_run", "create", run_id, values=values)], clock=clock
    )
    (job_id,) = await enqueue(write, NewJob(RUN, {"run": str(run_id)}, key=f"{RUN}:{run_id}"))
    await write.fetch("UPDATE retention_run SET job_id = $2 WHERE id = $1", run_id, job_id)
    return run_id


async def run_retention(job: RunningJob) -> None:
    """Walk the rules of the run that the payload names, or, of the nightly job, of the version in force."""
    company = await company_of(job)
    walked = await _begin(job, company)
    if walked is None:
        async with job.finish():
            return
    async with job.databases.tenant_read(company.ref) as read:
        row = await read.fetchrow(_RUN, UUID(walked.run))
        rule = await rule_version(read, row["rule_version_id"]) if row is not None else None
    if row is None or rule is None:
        async with job.finish():
            return
    rules = rules_in(rule.content)
    while walked.line < len(rules):
        walked = await _walk_next(job, company, rules, walked, trial=row["trial"])
    async with job.finish(result={"run": walked.run}) as write:
        values = {**_totals(rules, walked), "state": DONE, "finished_at": job.clock.now()}
        viewer = await system_viewer(write, company=company, via="retention")
        change = Change("retention_run", "update", UUID(walked.run), values=values)
        await change_internally(write, viewer, [change], clock=job.clock)


async def conclude_broken(job: RunningJob, _error: UserError) -> None:
    """Say in the run's record that it did not come to its end; what it did stands in the job's steps."""
    if not isinstance(job.checkpoint, dict):
        return
    company = await company_of(job)
    async with job.step() as write:
        viewer = await system_viewer(write, company=company, via="retention")
        values = {"state": FAILED, "finished_at": job.clock.now()}
        change = Change("retention_run", "update", UUID(str(job.checkpoint["run"])), values=values)
        await change_internally(write, viewer, [change], clock=job.clock)


async def _begin(job: RunningJob, company: Company) -> _Walked | None:
    if isinstance(job.checkpoint, dict):
        return _Walked(**cast("dict[str, Any]", job.checkpoint))
    now = job.clock.now()
    async with job.step() as write:
        viewer = await system_viewer(write, company=company, via="retention")
        if "run" in job.payload:
            run_id = UUID(str(job.payload["run"]))
            if await write.fetchrow(_RUN, run_id) is None:
                return None
            change = Change("retention_run", "update", run_id, values={"state": RUNNING})
        else:
            rule = await in_force(write, KIND)
            if rule is None:
                return None
            run_id = new_id()
            values = {"rule_version_id": rule.id, "state": RUNNING}
            change = Change("retention_run", "create", run_id, values=values)
        await change_internally(write, viewer, [change], clock=job.clock)
        walked = _Walked(str(run_id), now.isoformat())
        await job.store(write, checkpoint=asdict(walked))
    return walked


async def _walk_next(
    job: RunningJob, company: Company, rules: Sequence[RetentionRule], walked: _Walked, *, trial: bool
) -> _Walked:
    """The next chunk of the line that is being walked."""
    rule, line = rules[walked.line], walked.of_line()
    before = start_of(rule, now=datetime.fromisoformat(walked.now), zone=ZoneInfo(company.time_zone))
    if not trial:  # bytes go first: a crash in between repeats it and harms nothing
        async with job.databases.tenant_read(company.ref) as read:
            rows = await old_rows(read, rule.target, before=before, after=line.after)
        await retire_files(job.services.files, job.databases, company.ref, rule, _free(rows))
    async with job.step() as write:
        rows = await old_rows(write, rule.target, before=before, after=line.after, lock=not trial)
        free = _free(rows)
        viewer = await system_viewer(write, company=company, via="retention")
        if not trial and free:
            await retire_rows(write, viewer, rule, free, clock=job.clock)
            event = "anonymised" if rule.action == ANONYMISE else "deleted"
            await audit(write, viewer, [(rule.record, event, each, {}) for each in free], clock=job.clock)
        prefix = catalogue().record(rule.record).prefix
        line = _Line(
            after=str(rows[-1]["id"]) if rows else line.after,
            done=line.done + len(free),
            held=line.held + len(rows) - len(free),
            samples=[*line.samples, *(f"{prefix}_{each.hex}" for each in free)][: SAMPLES if trial else 0],
        )
        lines = [*walked.lines[: walked.line], asdict(line)]
        ended = len(rows) < CHUNK
        walked = replace(walked, lines=lines, line=walked.line + 1 if ended else walked.line)
        await job.store(write, progress=Progress(walked.line, len(rules)), checkpoint=asdict(walked))
    return walked


def _free(rows: Sequence[asyncpg.Record]) -> list[UUID]:
    return [row["id"] for row in rows if not row["held"]]


async def old_rows(
    read: TenantRead, target: Target, *, before: datetime, after: str | None, lock: bool = False
) -> list[asyncpg.Record]:
    """The next rows that were over before that instant, each with whether a legal hold keeps it."""
    customer = customer_of_file("t") if target.table == "file" else target.customer
    held = f"EXISTS (SELECT 1 FROM customer h WHERE h.id = {customer} AND h.held_at IS NOT NULL)"
    sql = (
        f'SELECT t.id, {held} AS held FROM "{target.table}" t WHERE {target.over} AND {target.since} < $1'
        f" AND ($2::uuid IS NULL OR t.id > $2) ORDER BY t.id LIMIT {CHUNK}{' FOR UPDATE OF t' if lock else ''}"
    )
    return await read.fetch(sql, before, UUID(after) if after else None)


def start_of(rule: RetentionRule, *, now: datetime, zone: ZoneInfo) -> datetime:
    """Before this instant something is old enough: the same day so many months ago, at midnight in the zone.

    Of a month that is shorter it is the last day.
    """
    today = now.astimezone(zone).date()
    months = today.year * 12 + today.month - 1 - rule.months
    year, month = divmod(months, 12)
    for day in range(today.day, 27, -1):
        try:
            return datetime(year, month + 1, day, tzinfo=zone)
        except ValueError:
            continue
    return datetime(year, month + 1, min(today.day, 28), tzinfo=zone)


def _totals(rules: Sequence[RetentionRule], walked: _Walked) -> dict[str, object]:
    lines = [_Line(**line) for line in walked.lines]
    done = {
        action: sum(line.done for rule, line in zip(rules, lines, strict=True) if rule.action == action)
        for action in (ANONYMISE, DELETE)
    }
    told = [
        {
            "record": rule.record,
            "action": rule.action,
            "months": rule.months,
            "done": line.done,
            "held": line.held,
            "samples": line.samples,
        }
        for rule, line in zip(rules, lines, strict=True)
    ]
    return {
        "anonymised": done[ANONYMISE],
        "deleted": done[DELETE],
        "held": sum(line.held for line in lines),
        "report": {"rules": told},
    }
