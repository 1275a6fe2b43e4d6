"""Grades by hand, levels that are retired, the scheme that leads, and who moved between two days."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from kedang_graphql.answering import write_in_company
from kedang_graphql.context import Context
from kedang_graphql.engine.executor import Ref
from kedang_graphql.engine.ids import record_id
from kedang_graphql.engine.types import UserError, generated_types
from kedang_graphql.inputs import Repeatable
from kedang_platform.database import TenantWrite
from kedang_tenants.grading.by_hand import end_grade_by_hand, grade_by_hand
from kedang_tenants.grading.leading import lead
from kedang_tenants.grading.moving import movement
from kedang_tenants.grading.retiring import Retired, retire_level
from kedang_tenants.reading import Viewer

CUSTOMER = generated_types().of["customer"].node
CUSTOMER_GRADE = generated_types().of["customer_grade"].node
LEVEL = generated_types().of["grade_level"].node
SCHEME = generated_types().of["grade_scheme"].node


@strawberry.input
class GradeCustomerByHandInput(Repeatable):
    customer_id: strawberry.ID = strawberry.field(description="Who is graded.")
    level_id: strawberry.ID = strawberry.field(description="The level; it says in which scheme.")
    reason: str = strawberry.field(description="Why, for the history.")
    until: date | None = strawberry.field(
        default=None, description="The last day; may be left out only where grades are given by hand alone."
    )


@strawberry.input
class EndGradeByHandInput(Repeatable):
    customer_id: strawberry.ID = strawberry.field(description="Whose grade ends.")
    scheme_id: strawberry.ID = strawberry.field(description="In which scheme.")


@strawberry.input
class RetireGradeLevelInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="The level that goes; no rule in force may give it.")
    into_id: strawberry.ID = strawberry.field(
        description="The level of the same scheme that takes its customers."
    )
    version: int | None = strawberry.field(
        default=None, description="The version that was last seen; the last write wins without it."
    )


@strawberry.input
class LeadGradeSchemeInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="The scheme that is to lead.")


@strawberry.type
class GradeByHandPayload:
    record: Ref | None = strawberry.field(graphql_type=CUSTOMER_GRADE | None)
    user_errors: list[UserError]


@strawberry.type
class EndGradeByHandPayload:
    record: Ref | None = strawberry.field(graphql_type=CUSTOMER | None)
    user_errors: list[UserError]


@strawberry.type
class RetireGradeLevelPayload:
    record: Ref | None = strawberry.field(graphql_type=LEVEL | None)
    moved: int | None = strawberry.field(description="How many customers went into the other level.")
    price_steps_ended: int | None = strawberry.field(
        description="How many prices that held for the level alone ended: its customers have those of the other level."
    )
    user_errors: list[UserError]


@strawberry.type
class LeadGradeSchemePayload:
    record: Ref | None = strawberry.field(graphql_type=SCHEME | None)
    user_errors: list[UserError]


async def answer_grade_by_hand(
    info: Info[Context, None],
    input: GradeCustomerByHandInput,  # noqa: A002 - the API's word
) -> GradeByHandPayload:
    async def grade(write: TenantWrite, viewer: Viewer) -> UUID:
        return await grade_by_hand(
            write,
            viewer,
            customer_id=record_id(input.customer_id, "customer", path=("input", "customerId")),
            level_id=record_id(input.level_id, "grade_level", path=("input", "levelId")),
            reason=input.reason,
            until=input.until,
            clock=info.context.clock,
        )

    made, errors = await write_in_company(info.context, grade)
    return GradeByHandPayload(record=Ref("customer_grade", made) if made else None, user_errors=errors)


async def answer_end_grade_by_hand(
    info: Info[Context, None],
    input: EndGradeByHandInput,  # noqa: A002 - the API's word
) -> EndGradeByHandPayload:
    async def end(write: TenantWrite, viewer: Viewer) -> UUID:
        customer = record_id(input.customer_id, "customer", path=("input", "customerId"))
        scheme = record_id(input.scheme_id, "grade_scheme", path=("input", "schemeId"))
        await end_grade_by_hand(
            write, viewer, customer_id=customer, scheme_id=scheme, clock=info.context.clock
        )
        return customer

    customer, errors = await write_in_company(info.context, end)
    return EndGradeByHandPayload(record=Ref("customer", customer) if customer else None, user_errors=errors)


async def answer_retire(
    info: Info[Context, None],
    input: RetireGradeLevelInput,  # noqa: A002 - the API's word
) -> RetireGradeLevelPayload:
    async def retire(write: TenantWrite, viewer: Viewer) -> tuple[UUID, Retired]:
        level = record_id(input.id, "grade_level", path=("input", "id"))
        retired = await retire_level(
            write,
            viewer,
            level_id=level,
            into_id=record_id(input.into_id, "grade_level", path=("input", "intoId")),
            version=input.version,
            clock=info.context.clock,
        )
        return level, retired

    done, errors = await write_in_company(info.context, retire)
    if done is None:
        return RetireGradeLevelPayload(record=None, moved=None, price_steps_ended=None, user_errors=errors)
    level, retired = done
    return RetireGradeLevelPayload(
        record=Ref("grade_level", level),
        moved=retired.customers,
        price_steps_ended=retired.price_steps,
        user_errors=[],
    )


async def answer_lead(
    info: Info[Context, None],
    input: LeadGradeSchemeInput,  # noqa: A002 - the API's word
) -> LeadGradeSchemePayload:
    async def follow(write: TenantWrite, viewer: Viewer) -> UUID:
        scheme = record_id(input.id, "grade_scheme", path=("input", "id"))
        await lead(write, viewer, scheme_id=scheme, clock=info.context.clock)
        return scheme

    scheme, errors = await write_in_company(info.context, follow)
    return LeadGradeSchemePayload(record=Ref("grade_scheme", scheme) if scheme else None, user_errors=errors)


@strawberry.type(
    description="Customers who had one level on the first day and have another, or the same, after the last."
)
class GradeMove:
    before: Ref | None = strawberry.field(
        graphql_type=LEVEL | None, description="At the beginning of the first day; null: no grade."
    )
    after: Ref | None = strawberry.field(
        graphql_type=LEVEL | None, description="At the end of the last day; null: no grade."
    )
    customers: int = strawberry.field(description="How many, of those whom the viewer sees.")


async def answer_movement(
    info: Info[Context, None],
    scheme_id: Annotated[strawberry.ID, strawberry.argument(description="In which scheme.")],
    first: Annotated[date, strawberry.argument(description="The first day, in the company's zone.")],
    last: Annotated[date, strawberry.argument(description="The last day, in the company's zone.")],
) -> list[GradeMove]:
    context = info.context
    context.require_scope("read")
    viewer = await context.viewer()
    scheme = record_id(scheme_id, "grade_scheme", path=("schemeId",))
    async with context.databases.tenant_read(viewer.company) as read:
        ways = await movement(read, viewer, scheme_id=scheme, first=first, last=last)
    return [
        GradeMove(before=_level(way.before_id), after=_level(way.after_id), customers=way.customers)
        for way in ways
    ]


def _level(level_id: UUID | None) -> Ref | None:
    return Ref("grade_level", level_id) if level_id else None


@strawberry.type
class GradingByHandQuery:
    grade_movement: list[GradeMove] | None = strawberry.field(
        resolver=answer_movement,
        description="From which level to which customers went between two days, those who stayed among them.",
    )


@strawberry.type
class GradingByHandMutation:
    grade_customer_by_hand: GradeByHandPayload = strawberry.mutation(
        resolver=answer_grade_by_hand,
        description="Give a customer a grade by hand, above the rule where the scheme has one.",
    )
    end_grade_by_hand: EndGradeByHandPayload = strawberry.mutation(
        resolver=answer_end_grade_by_hand,
        description="End a grade that was given by hand: the rule grades the customer again, where there is one.",
    )
    retire_grade_level: RetireGradeLevelPayload = strawberry.mutation(
        resolver=answer_retire,
        description="Retire a level into another: its customers go there, its own prices end, it stays in the history.",
    )
    lead_grade_scheme: LeadGradeSchemePayload = strawberry.mutation(
        resolver=answer_lead,
        description="Have a scheme lead in place of the one that does: its grades are shown and pace the follow-ups.",
    )
