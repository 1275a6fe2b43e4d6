"""Work that verbs have asked for: how far it is."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Final, Self
from uuid import UUID

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from kedang_graphql.answering import id_inside, opaque_id
from kedang_graphql.context import Context
from kedang_graphql.engine.types import UserError
from kedang_platform.database import TenantRead
from kedang_platform.errors import NotFound
from kedang_platform.i18n import msg, translate
from kedang_platform.work import JobStatus, job_status
from kedang_tenants.followups.reminders import REMIND
from kedang_tenants.grading.schemes import REGRADE
from kedang_tenants.reports.operations import RUN as MAKE_REPORT
from kedang_tenants.surveys.by_hand import INVITE
from kedang_tenants.surveys.sending import SEND

JOB: Final = "job"
# Only what a verb hands out an id of; the product's inner jobs are nobody's business.
_SHOWN: Final = frozenset({REGRADE, REMIND, INVITE, SEND, MAKE_REPORT})


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
        )


def _error(status: JobStatus, language: str) -> UserError | None:
    if status.error_code is None:
        return None
    message = translate(status.error_message or "", language, status.error_params)
    return UserError(path=[], message=message, code=status.error_code)


async def job_told(context: Context, read: TenantRead, job_id: UUID) -> Job:
    """The job as the API has it; raises NotFound for one that no verb hands out."""
    status = await job_status(read, job_id)
    if status.kind not in _SHOWN:
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


@strawberry.type
class JobQuery:
    job: Job | None = strawberry.field(
        resolver=answer_job, description="How far the work is that a mutation asked for."
    )
