"""The verbs of grade rules: drafting, publishing, trying a version of one out; what it may measure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Final
from uuid import UUID

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from kedang_graphql.answering import write_in_company
from kedang_graphql.context import Context
from kedang_graphql.engine.executor import Ref
from kedang_graphql.engine.ids import record_id
from kedang_graphql.engine.types import UserError, generated_types
from kedang_graphql.inputs import Repeatable, given
from kedang_graphql.jobs import Job, job_told
from kedang_platform.database import TenantWrite
from kedang_platform.errors import Forbidden
from kedang_platform.i18n import msg
from kedang_tenants.grading.company_measures import measures_of
from kedang_tenants.grading.drafting import change_grade_rule, discard_grade_rule, draft_grade_rule
from kedang_tenants.grading.measures import Label, texts
from kedang_tenants.grading.publishing import publish_grade_rule
from kedang_tenants.grading.trying import back_test_grade_rule, try_grade_rule
from kedang_tenants.reading import Scope, Viewer

_RULE: Final = "grade_rule"
_TRIAL: Final = "grade_trial"
RULE = generated_types().of[_RULE].node
TRIAL = generated_types().of[_TRIAL].node
_VERSION = "The record's version last seen: of several editors one wins, the others are told."


@strawberry.input
class DraftGradeRuleInput(Repeatable):
    scheme_id: strawberry.ID = strawberry.field(description="Of which scheme; it has one draft at a time.")
    content: JSON | None = strawberry.field(
        default=None,
        description="What is measured and which level it gives; null: as the version in force says.",
    )
    reason: str | None = strawberry.field(default=None, description="What changes, and why.")


@strawberry.input
class ChangeGradeRuleInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="The draft.")
    version: int = strawberry.field(description=_VERSION)
    content: JSON | None = strawberry.field(
        default=strawberry.UNSET, description="The whole content as it is from now on."
    )
    reason: str | None = strawberry.field(
        default=strawberry.UNSET, description="What changes, and why; null empties it."
    )


@strawberry.input
class DiscardGradeRuleInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="A draft, or a version that is scheduled.")
    version: int | None = strawberry.field(
        default=None, description="The version that was last seen; the last write wins without it."
    )


@strawberry.input
class PublishGradeRuleInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="A draft, or a version that is scheduled.")
    version: int | None = strawberry.field(
        default=None, description="The version that was last seen; the last write wins without it."
    )
    in_force_from: date | None = strawberry.field(
        default=None, description="The first day, in the company's zone; null: at once."
    )


@strawberry.input
class TryGradeRuleInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="The version, whatever its state.")
    as_of: date | None = strawberry.field(default=None, description="Today or within a year; null: today.")


@strawberry.input
class BackTestGradeRuleInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="The version, whatever its state.")
    months: int = strawberry.field(default=12, description="At the ends of so many past months; 2 to 24.")


@strawberry.type
class GradeRuleVerbPayload:
    record: Ref | None = strawberry.field(graphql_type=RULE | None)
    user_errors: list[UserError]


@strawberry.type
class PublishedGradeRulePayload:
    record: Ref | None = strawberry.field(graphql_type=RULE | None)
    job: Job | None = strawberry.field(
        description="The grading of all customers; null for a version that waits for its day."
    )
    user_errors: list[UserError]


@strawberry.type
class GradeTrialVerbPayload:
    record: Ref | None = strawberry.field(graphql_type=TRIAL | None)
    job: Job | None = strawberry.field(description="The making of the trial; ask for it by its id.")
    user_errors: list[UserError]


async def answer_draft(
    info: Info[Context, None],
    input: DraftGradeRuleInput,  # noqa: A002 - the API's word
) -> GradeRuleVerbPayload:
    async def draft(write: TenantWrite, viewer: Viewer) -> UUID:
        scheme = record_id(input.scheme_id, "grade_scheme", path=("input", "schemeId"))
        return await draft_grade_rule(
            write,
            viewer,
            scheme_id=scheme,
            content=input.content,
            reason=input.reason,
            clock=info.context.clock,
        )

    return await _answer(info.context, draft)


_CHANGEABLE = {"content": "content", "reason": "reason"}


async def answer_change(
    info: Info[Context, None],
    input: ChangeGradeRuleInput,  # noqa: A002 - the API's word
) -> GradeRuleVerbPayload:
    values = {_CHANGEABLE[name]: value for name, value in given(input).items() if name in _CHANGEABLE}

    async def change(write: TenantWrite, viewer: Viewer) -> UUID:
        return await change_grade_rule(
            write,
            viewer,
            rule_id=record_id(input.id, _RULE, path=("input", "id")),
            version=input.version,
            values=values,
            clock=info.context.clock,
        )

    return await _answer(info.context, change)


async def answer_discard(
    info: Info[Context, None],
    input: DiscardGradeRuleInput,  # noqa: A002 - the API's word
) -> GradeRuleVerbPayload:
    async def discard(write: TenantWrite, viewer: Viewer) -> UUID:
        rule = record_id(input.id, _RULE, path=("input", "id"))
        return await discard_grade_rule(
            write, viewer, rule_id=rule, version=input.version, clock=info.context.clock
        )

    return await _answer(info.context, discard)


async def _answer(
    context: Context, verb: Callable[[TenantWrite, Viewer], Awaitable[UUID]]
) -> GradeRuleVerbPayload:
    rule, errors = await write_in_company(context, verb)
    return GradeRuleVerbPayload(record=Ref(_RULE, rule) if rule else None, user_errors=errors)


async def answer_publish(
    info: Info[Context, None],
    input: PublishGradeRuleInput,  # noqa: A002 - the API's word
) -> PublishedGradeRulePayload:
    context = info.context

    async def publish(write: TenantWrite, viewer: Viewer) -> tuple[UUID, Job | None]:
        rule = record_id(input.id, _RULE, path=("input", "id"))
        job = await publish_grade_rule(
            write,
            viewer,
            rule_id=rule,
            version=input.version,
            in_force_from=input.in_force_from,
            clock=context.clock,
        )
        return rule, await job_told(context, write, job) if job else None

    done, errors = await write_in_company(context, publish)
    if done is None:
        return PublishedGradeRulePayload(record=None, job=None, user_errors=errors)
    return PublishedGradeRulePayload(record=Ref(_RULE, done[0]), job=done[1], user_errors=[])


async def answer_try(
    info: Info[Context, None],
    input: TryGradeRuleInput,  # noqa: A002 - the API's word
) -> GradeTrialVerbPayload:
    async def ask(write: TenantWrite, viewer: Viewer, rule: UUID) -> tuple[UUID, UUID]:
        return await try_grade_rule(write, viewer, rule_id=rule, as_of=input.as_of, clock=info.context.clock)

    return await _trial(info.context, input.id, ask)


async def answer_back_test(
    info: Info[Context, None],
    input: BackTestGradeRuleInput,  # noqa: A002 - the API's word
) -> GradeTrialVerbPayload:
    async def ask(write: TenantWrite, viewer: Viewer, rule: UUID) -> tuple[UUID, UUID]:
        return await back_test_grade_rule(
            write, viewer, rule_id=rule, months=input.months, clock=info.context.clock
        )

    return await _trial(info.context, input.id, ask)


async def _trial(
    context: Context,
    public: str,
    verb: Callable[[TenantWrite, Viewer, UUID], Awaitable[tuple[UUID, UUID]]],
) -> GradeTrialVerbPayload:
    async def act(write: TenantWrite, viewer: Viewer) -> tuple[UUID, Job]:
        trial, job = await verb(write, viewer, record_id(public, _RULE, path=("input", "id")))
        return trial, await job_told(context, write, job)

    done, errors = await write_in_company(context, act)
    if done is None:
        return GradeTrialVerbPayload(record=None, job=None, user_errors=errors)
    return GradeTrialVerbPayload(record=Ref(_TRIAL, done[0]), job=done[1], user_errors=[])


@strawberry.type(description="One of the values that a measure can have.")
class GradeMeasureChoice:
    code: str = strawberry.field(description="Names it in the content of a rule.")
    label: str = strawberry.field(description="What people call it, in the language of the request.")


@strawberry.type(description="Something that customers can be graded by.")
class GradeMeasure:
    code: str = strawberry.field(description="Names it in the content of a rule.")
    label: str = strawberry.field(description="What people call it, in the language of the request.")
    unit: str = strawberry.field(
        description="MONEY in the company's currency, NUMBER, PERCENT, DAYS, or CHOICE of its choices."
    )
    periodic: bool = strawberry.field(description="Whether a rule says over which period it is measured.")
    better: str = strawberry.field(
        description="HIGHER, LOWER, or NEITHER where it knows no better and worse."
    )
    choices: list[GradeMeasureChoice] = strawberry.field(description="From the best to the worst.")


async def answer_measures(info: Info[Context, None]) -> list[GradeMeasure]:
    context = info.context
    context.require_scope("read")
    viewer = await context.viewer()
    if viewer.on("grade_scheme").read is Scope.NONE:
        raise Forbidden(msg("You may not read this."))

    def say(label: Label) -> str:
        return texts(label)["zh" if context.language.startswith("zh") else "en"]

    async with context.databases.tenant_read(viewer.company) as read:
        measures = await measures_of(read)
    return [
        GradeMeasure(
            code=measure.code,
            label=say(measure.label),
            unit=measure.unit,
            periodic=measure.periodic,
            better=measure.better,
            choices=[GradeMeasureChoice(code=one.code, label=say(one.label)) for one in measure.choices],
        )
        for measure in measures.values()
    ]


@strawberry.type
class GradingRuleQuery:
    grade_measures: list[GradeMeasure] = strawberry.field(
        resolver=answer_measures,
        description="What customers can be graded by: the product's measures, numbers and choices of the archive, the company's own fields.",
    )


@strawberry.type
class GradingRuleMutation:
    draft_grade_rule: GradeRuleVerbPayload = strawberry.mutation(
        resolver=answer_draft, description="Begin the next version of a scheme's rule."
    )
    change_grade_rule: GradeRuleVerbPayload = strawberry.mutation(
        resolver=answer_change, description="Change a draft of a scheme's rule."
    )
    discard_grade_rule: GradeRuleVerbPayload = strawberry.mutation(
        resolver=answer_discard, description="Throw away a version of a rule that is not in force yet."
    )
    publish_grade_rule: PublishedGradeRulePayload = strawberry.mutation(
        resolver=answer_publish,
        description="Put a version of a rule in force, at once or from a day on, and grade all customers by it.",
    )
    try_grade_rule: GradeTrialVerbPayload = strawberry.mutation(
        resolver=answer_try,
        description="A dry run: who would move from which level to which, with the figures; nobody's grade is touched.",
    )
    back_test_grade_rule: GradeTrialVerbPayload = strawberry.mutation(
        resolver=answer_back_test,
        description="What a version of a rule would have done at the ends of past months.",
    )
