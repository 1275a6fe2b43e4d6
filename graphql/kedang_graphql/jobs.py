"""Work in the background: how far it is, and for administrators what is open, what failed, and beginning it anew."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import Annotated, Final, Self
from uuid import UUID

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from kedang_graphql.answering import attempt, id_inside, opaque_id
from kedang_graphql.context import Context
from kedang_graphql.engine.types import PageInfo, UserError
from kedang_platform.database import TenantRead
from kedang_platform.errors import BadUserInput, NotFound
from kedang_platform.i18n import msg, translate
from kedang_platform.work import JobStatus, job_status
from kedang_platform.work.keeping import MOST_REPLAYED, call_off, own_jobs, replay, statuses_of
from kedang_tenants.classing.rfm import MEASURE
from kedang_tenants.followups.reminders import REMIND
from kedang_tenants.grading.schemes import REGRADE
from kedang_tenants.grading.trying import TRY
from kedang_tenants.people.job_keeping import require_keeper
from kedang_tenants.reading import BadCursor, Viewer
from kedang_tenants.reports.operations import RUN as MAKE_REPORT
from kedang_tenants.surveys.by_hand import INVITE
from kedang_tenants.surveys.sending import SEND

JOB: Final = "job"
# Only what a verb hands out an id of; the product's inner jobs are nobody's business.
SHOWN: Final = frozenset({TRY, MEASURE, REGRADE, REMIND, INVITE, SEND, MAKE_REPORT})


@strawberry.enum
class JobState(Enum):
    WAITING = "waiting"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@strawberry.type(description="Work that is done in the background.")
class Job:
    id: strawberry.ID
    kind: str
    state: JobState
    done: int = strawberry.field(description="How many records have been gone through")
    total: int | None = strawberry.field(description="Of how many, when that is known")
    result: JSON | None = strawberry.field(description="What came of it, when it is done")
    error: UserError | None = strawberry.field(description="Why it failed")
    created_at: datetime
    finished_at: datetime | None
    due_at: datetime = strawberry.field(description="When it was, or is, to be begun; after a failure, again")
    tries: int = strawberry.field(description="How often it was begun")
    cancel_requested: bool = strawberry.field(description="Whether it was called off")

    @classmethod
    def of(cls, status: JobStatus, language: str) -> Self:
        return cls(
            id=strawberry.ID(opaque_id(JOB, status.id)),
            kind=status.kind,
            state=JobState(status.state),
            done=status.progress.done,
            total=status.progress.total,
            result=None if status.result is None else JSON(status.result),
            error=_error(status, language),
            created_at=status.created_at,
            finished_at=status.finished_at,
            due_at=status.due_at,
            tries=status.tries,
            cancel_requested=status.cancel_requested,
        )


def _error(status: JobStatus, language: str) -> UserError | None:
    if status.error_code is None:
        return None
    message = translate(status.error_message or "", language, status.error_params)
    return UserError(path=[], message=message, code=status.error_code)


async def job_told(context: Context, read: TenantRead, job_id: UUID) -> Job:
    """The job as the API has it; raises NotFound for one that no verb hands out."""
    status = await job_status(read, job_id)
    if status.kind not in SHOWN:
        raise NotFound(msg("There is no such job."))
    return Job.of(status, context.language)


async def answer_job(
    info: Info[Context, None],
    id: strawberry.ID,  # noqa: A002 - the API's word
) -> Job | None:
    context = info.context
    context.require_scope("read")
    viewer = await context.viewer()
    try:
        job_id = id_inside(JOB, id)
        async with context.databases.tenant_read(viewer.company) as read:
            return await job_told(context, read, job_id)
    except NotFound:
        return None


@strawberry.enum(description="Which of the company's jobs.")
class JobList(Enum):
    OPEN = strawberry.enum_value("open", description="What waits, is about to be begun, or runs.")
    FAILED = strawberry.enum_value(
        "failed", description="What failed for good: it can be begun anew for a month."
    )


@strawberry.type(description="A job with its place in the list.")
class JobEdge:
    cursor: str
    node: Job


@strawberry.type(description="A page of the company's jobs.")
class JobConnection:
    nodes: list[Job]
    edges: list[JobEdge]
    page_info: PageInfo


@strawberry.input
class ReplayJobsInput:
    ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="These jobs; null: all that failed for good, 1,000 at the most"
    )
    kind: str | None = strawberry.field(default=None, description="Only of this kind")


@strawberry.type
class ReplayJobsPayload:
    jobs: list[Job] = strawberry.field(description="The jobs that begin anew")
    user_errors: list[UserError]


@strawberry.input
class CancelJobInput:
    id: strawberry.ID = strawberry.field(description="The job")


@strawberry.type
class CancelJobPayload:
    job: Job | None = strawberry.field(
        description="The job, about to end: at its next step, or within seconds where it waits; as it was where it had ended already"
    )
    user_errors: list[UserError]


async def answer_jobs(
    info: Info[Context, None],
    first: int = 50,
    after: str | None = None,
    which: Annotated[JobList, strawberry.argument(description="Which of them.")] = JobList.OPEN,
) -> JobConnection:
    context = info.context
    context.require_scope("read")
    most = context.settings.largest_page
    if not 1 <= first <= most:
        raise BadUserInput(msg("A page holds 1 to {most} entries."), path=("first",), most=most)
    viewer = await context.viewer()
    require_keeper(viewer)
    before = _behind(after) if after is not None else None
    async with context.databases.tenant_read(viewer.company) as read:
        found = await own_jobs(read, failed=which is JobList.FAILED, first=first + 1, before=before)
    nodes = [Job.of(status, context.language) for status in found[:first]]
    return JobConnection(
        nodes=nodes,
        edges=[JobEdge(cursor=str(node.id), node=node) for node in nodes],
        page_info=PageInfo(
            has_next_page=len(found) > first,
            has_previous_page=after is not None,
            start_cursor=str(nodes[0].id) if nodes else None,
            end_cursor=str(nodes[-1].id) if nodes else None,
        ),
    )


def _behind(cursor: str) -> UUID:
    try:
        return id_inside(JOB, strawberry.ID(cursor))
    except NotFound as error:
        raise BadCursor(msg("This cursor does not belong to this list.")) from error


async def answer_replay_jobs(
    info: Info[Context, None],
    input: ReplayJobsInput,  # noqa: A002 - the API's word
) -> ReplayJobsPayload:
    context = info.context
    context.require_scope("write")
    jobs, errors = await attempt(context, _replayed(context, input))
    return ReplayJobsPayload(jobs=jobs or [], user_errors=errors)


async def _replayed(context: Context, asked: ReplayJobsInput) -> list[Job]:
    viewer = await context.viewer()
    require_keeper(viewer)
    ids = None if asked.ids is None else [id_inside(JOB, each, path=("ids",)) for each in asked.ids]
    await _require_own(context, viewer, ids or ())
    async with context.databases.control() as control:
        begun = await replay(
            control,
            ids=ids,
            tenant=viewer.company.schema,
            kind=asked.kind,
            member_id=viewer.member_id,
            now=context.clock.now(),
        )
    async with context.databases.tenant_read(viewer.company) as read:
        return [Job.of(await job_status(read, one), context.language) for one in begun]


async def _require_own(context: Context, viewer: Viewer, ids: Sequence[UUID]) -> None:
    """Raises NotFound where one of the jobs is unknown, another company's, or long ended."""
    if len(ids) > MOST_REPLAYED:
        raise BadUserInput(
            msg("At most {most} jobs are begun anew at once."), path=("ids",), most=MOST_REPLAYED
        )
    async with context.databases.tenant_read(viewer.company) as read:
        if set(ids) - set(await statuses_of(read, ids)):
            raise NotFound(msg("There is no such job."), path=("ids",))


async def answer_cancel_job(
    info: Info[Context, None],
    input: CancelJobInput,  # noqa: A002 - the API's word
) -> CancelJobPayload:
    context = info.context
    context.require_scope("write")
    job, errors = await attempt(context, _called_off(context, input))
    return CancelJobPayload(job=job, user_errors=errors)


async def _called_off(context: Context, asked: CancelJobInput) -> Job:
    viewer = await context.viewer()
    require_keeper(viewer)
    job_id = id_inside(JOB, asked.id)
    # The product's inner jobs cannot be called off: what has happened would be told to nobody.
    async with context.databases.tenant_read(viewer.company) as read:
        await job_told(context, read, job_id)
    async with context.databases.control() as control:
        await call_off(control, job_id)
    async with context.databases.tenant_read(viewer.company) as read:
        return await job_told(context, read, job_id)


@strawberry.type
class JobQuery:
    job: Job | None = strawberry.field(
        resolver=answer_job, description="How far the work is that a mutation asked for."
    )
    jobs: JobConnection = strawberry.field(
        resolver=answer_jobs,
        description="The company's work in the background, the youngest first; for owner and administrators.",
    )


@strawberry.type
class JobMutation:
    replay_jobs: ReplayJobsPayload = strawberry.field(
        resolver=answer_replay_jobs,
        description=(
            "Begin jobs anew that failed for good: with all their tries, behind what they have done already."
            " For owner and administrators. Jobs that have not failed are passed over."
        ),
    )
    cancel_job: CancelJobPayload = strawberry.field(
        resolver=answer_cancel_job,
        description="Call off work that a mutation asked for. For owner and administrators.",
    )
