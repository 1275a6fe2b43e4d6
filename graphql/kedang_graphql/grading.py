"""The verbs of grading: putting a scheme in force, having everybody graded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import Enum
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
from kedang_platform.i18n import translate
from kedang_tenants.grading.level_sets import LEVEL_SETS, start_scheme
from kedang_tenants.grading.publishing import publish_scheme
from kedang_tenants.grading.schemes import grade_everybody
from kedang_tenants.reading import Viewer

GRADE_SCHEME = generated_types().of["grade_scheme"].node


@strawberry.input
class PublishGradeSchemeInput(Repeatable):
    id: strawberry.ID


@strawberry.input
class GradeCustomersInput(Repeatable):
    scheme_id: strawberry.ID


@strawberry.enum(description="Names a set of levels that a grade scheme can start from.")
class GradeLevelSetCode(Enum):
    A_TO_E = "A_TO_E"
    A_TO_D = "A_TO_D"
    KEY_SECONDARY_MINOR = "KEY_SECONDARY_MINOR"
    IMPORTANT_SPECIAL_ORDINARY = "IMPORTANT_SPECIAL_ORDINARY"
    VIP_ORDINARY_POTENTIAL = "VIP_ORDINARY_POTENTIAL"


@strawberry.type(description="A level as a set proposes it.")
class ProposedGradeLevel:
    code: str
    name: str
    colour: str
    cycle_days: int = strawberry.field(description="Days from one contact to the next.")


@strawberry.type(description="Levels that a grade scheme can start from, the highest first.")
class GradeLevelSet:
    code: GradeLevelSetCode
    name: str
    levels: list[ProposedGradeLevel]


@strawberry.input
class StartGradeSchemeInput(Repeatable):
    name: str
    level_set: GradeLevelSetCode


@strawberry.type
class StartedGradeSchemePayload:
    record: Ref | None = strawberry.field(graphql_type=GRADE_SCHEME | None)
    user_errors: list[UserError]


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


async def answer_start_grade_scheme(
    info: Info[Context, None],
    input: StartGradeSchemeInput,  # noqa: A002 - the API's word
) -> StartedGradeSchemePayload:
    clock = info.context.clock
    wanted = next(level_set for level_set in LEVEL_SETS if level_set.code == input.level_set.value)

    async def start(write: TenantWrite, viewer: Viewer) -> UUID:
        return await start_scheme(write, viewer, name=input.name, level_set=wanted, clock=clock)

    scheme, errors = await write_in_company(info.context, start)
    return StartedGradeSchemePayload(
        record=Ref("grade_scheme", scheme) if scheme else None, user_errors=errors
    )


async def answer_grade_level_sets(info: Info[Context, None]) -> list[GradeLevelSet]:
    context = info.context
    context.require_scope("read")

    def say(msgid: str) -> str:
        return translate(msgid, context.language)

    return [
        GradeLevelSet(
            code=GradeLevelSetCode(level_set.code),
            name=say(level_set.name),
            levels=[
                ProposedGradeLevel(
                    code=level.code, name=say(level.name), colour=level.colour, cycle_days=level.cycle_days
                )
                for level in level_set.levels
            ],
        )
        for level_set in LEVEL_SETS
    ]


@strawberry.type
class GradingQuery:
    grade_level_sets: list[GradeLevelSet] = strawberry.field(
        resolver=answer_grade_level_sets, description="Sets of levels that a grade scheme can start from."
    )


@strawberry.type
class GradingMutation:
    start_grade_scheme: StartedGradeSchemePayload = strawberry.mutation(
        resolver=answer_start_grade_scheme,
        description="Make a draft of a grade scheme with the levels of a set; their sums are the company's to give.",
    )
    publish_grade_scheme: GradingPayload = strawberry.mutation(
        resolver=answer_publish_grade_scheme,
        description="Put a grade scheme in force as it is edited now, and grade all customers by it.",
    )
    grade_customers: GradingPayload = strawberry.mutation(
        resolver=answer_grade_customers,
        description="Grade all customers anew by the rule of a scheme that is in force.",
    )
