"""The work of grade rules: putting one in force on its day, making trials, ending what was given by hand."""

from __future__ import annotations

from datetime import time, timedelta
from uuid import UUID

from kedang_platform.database import TenantWrite
from kedang_platform.work import RunningJob, handler, recurring
from kedang_platform.work.parts import Part
from kedang_tenants.followups.plan_storing import rate_plans
from kedang_tenants.grading.ending import count_to_end, end_part, tell_of_endings
from kedang_tenants.grading.publishing import PUT_IN_FORCE, put_in_force
from kedang_tenants.grading.showing import SHOW, show_grades
from kedang_tenants.grading.trial_runs import make_trial
from kedang_tenants.grading.trying import TRY, count_to_tidy, tidy_part
from kedang_tenants.people.viewers import company_of, system_viewer
from kedang_tenants.reading import Viewer
from kedang_workers.walking import walk


@handler(PUT_IN_FORCE)
async def put_rule_in_force(job: RunningJob) -> None:
    """Put a scheduled version in force when its day has begun."""
    company = await company_of(job)
    async with job.finish() as write:
        viewer = await system_viewer(write, company=company)
        await put_in_force(write, viewer, rule_id=UUID(str(job.payload["rule"])), clock=job.clock)


@handler(TRY, timeout=timedelta(minutes=30), slow=True)
async def make_trial_of_rule(job: RunningJob) -> None:
    """Make a dry run or a back-test; what came of it stands in its record."""
    company = await company_of(job)
    async with job.finish() as write:
        viewer = await system_viewer(write, company=company)
        await make_trial(write, viewer, trial_id=UUID(str(job.payload["trial"])), clock=job.clock)


@handler(SHOW, timeout=timedelta(minutes=30), slow=True)
async def show_scheme(job: RunningJob) -> None:
    """Show everybody with the grades of a scheme that leads now, and rank their plans by the order of its levels."""
    company = await company_of(job)
    said = job.payload["scheme"]
    levels = job.payload.get("levels")
    async with job.finish() as write:
        viewer = await system_viewer(write, company=company)
        scheme = None if said is None else UUID(str(said))
        await show_grades(write, viewer, scheme_id=scheme, clock=job.clock)
        await rate_plans(write, [UUID(str(level)) for level in levels] if isinstance(levels, list) else [])


@recurring("grading.end_by_hand", at=time(0, 15))
@handler("grading.end_by_hand", timeout=timedelta(minutes=30), slow=True)
async def end_by_hand(job: RunningJob) -> None:
    """End what was given by hand when its last day has passed."""

    async def step(write: TenantWrite, viewer: Viewer, after: UUID | None) -> Part:
        return await end_part(write, viewer, after=after, clock=job.clock)

    await walk(job, step, count=count_to_end)


@recurring("grading.morning", at=time(6, 45))
@handler("grading.morning")
async def tell_in_the_morning(job: RunningJob) -> None:
    """Tell of grades by hand that end soon."""
    company = await company_of(job)
    async with job.finish() as write:
        viewer = await system_viewer(write, company=company)
        await tell_of_endings(write, viewer, clock=job.clock)


@recurring("grading.tidy_trials", at=time(1, 45))
@handler("grading.tidy_trials", timeout=timedelta(minutes=30), slow=True)
async def tidy_trials(job: RunningJob) -> None:
    """Put old trials away."""

    async def step(write: TenantWrite, _viewer: Viewer, after: UUID | None) -> Part:
        return await tidy_part(write, after=after, clock=job.clock)

    await walk(job, step, count=count_to_tidy)
