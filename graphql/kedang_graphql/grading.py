"""The verbs of grading: putting a scheme in force, having everybody graded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

import strawberry
from strawberry.types import Info

from kedang_graphql.answering import write_in_company
from kedang_graphql.context import Context
from kedang_graphql.engine.executor import Ref
from kedang_graphql.engine.ids import record_id
from kedang_graphql.engine.types import UserError, generated_types
from kedang_graphql.inputs import Repeatable
from kedang_graphql.jobs import Job, job_told
from kedang_platform.database import TenantWrite
from kedang_tenants.grading.schemes import grade_everybody, publish_scheme
from kedang_tenants.reading import Viewer

GRADE_SCHEME = generated_types().of["grade_scheme"].node


@strawberry.input
class PublishGradeSchemeInput(Repeatable):
    id: strawberry.ID


@strawberry.input
class GradeCustomersInput(Repeatable):
    scheme_id: strawberry.ID


@strawberry.type
class GradingPayload:
    record: Ref | None = strawberry.field(graphql_type=GRADE_SCHEME | None)
    job: Job | None = strawberry.field(description="The grading of all customers; ask for it by its id.")
    user_errors: list[UserError]


async def answer_publish_grade_scheme(
    info: Info[Context, None],
    input: PublishGradeSchemeInput,  # noqa: A002 - the API's word
) -> GradingPayload:
    clock = info.context.clock

    async def publish(write: TenantWrite, viewer: Viewer, scheme: UUID) -> UUID:
        return await publish_scheme(write, viewer, scheme_id=scheme, clock=clock)

    return await _answer(info.context, input.id, ("input", "id"), publish)


async def answer_grade_customers(
    info: Info[Context, None],
    input: GradeCustomersInput,  # noqa: A002 - the API's word
) -> GradingPayload:
    async def grade(write: TenantWrite, viewer: Viewer, scheme: UUID) -> UUID:
        return await grade_everybody(write, viewer, scheme_id=scheme)

    return await _answer(info.context, input.scheme_id, ("input", "schemeId"), grade)


async def _answer(
    context: Context,
    public: str,
    path: tuple[str, ...],
    verb: Callable[[TenantWrite, Viewer, UUID], Awaitable[UUID]],
) -> GradingPayload:
    async def act(write: TenantWrite, viewer: Viewer) -> tuple[UUID, Job]:
        scheme = record_id(public, "grade_scheme", path=path)
        job_id = await verb(write, viewer, scheme)
        return scheme, await job_told(context, write, job_id)

    done, errors = await write_in_company(context, act)
    if done is None:
        return GradingPayload(record=None, job=None, user_errors=errors)
    return GradingPayload(record=Ref("grade_scheme", done[0]), job=done[1], user_errors=[])


@strawberry.type
class GradingMutation:
    publish_grade_scheme: GradingPayload = strawberry.mutation(
        resolver=answer_publish_grade_scheme,
        description="Put a grade scheme in force as it is edited now, and grade all customers by it.",
    )
    grade_customers: GradingPayload = strawberry.mutation(
        resolver=answer_grade_customers,
        description="Grade all customers anew by the rule of a scheme that is in force.",
    )
