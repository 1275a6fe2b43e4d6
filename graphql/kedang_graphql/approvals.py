"""The verbs of approvals: deciding, taking back, asking again; flows and deputies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from enum import Enum
from typing import Any, Literal, cast, get_args
from uuid import UUID

import strawberry
from strawberry.types import Info

from kedang_graphql.answering import write_in_company
from kedang_graphql.context import Context
from kedang_graphql.engine.executor import Ref
from kedang_graphql.engine.ids import record_id
from kedang_graphql.engine.types import UserError, generated_types
from kedang_graphql.inputs import Repeatable
from kedang_graphql.scalars import MinorUnits
from kedang_platform.database import TenantWrite
from kedang_platform.i18n import translate
from kedang_tenants.approvals import flows
from kedang_tenants.approvals.asking import resubmit, withdraw
from kedang_tenants.approvals.deciding import Decision, decide
from kedang_tenants.approvals.deputies import end_deputy, set_deputy
from kedang_tenants.approvals.kinds import ApprovalKind as Kind
from kedang_tenants.approvals.kinds import approval_kind, approval_kinds
from kedang_tenants.approvals.setting import flow_of, set_flow
from kedang_tenants.catalogue import catalogue
from kedang_tenants.reading import Viewer

_REQUEST, _DEPUTY, _FLOW = "approval_request", "approval_deputy", "approval_flow"
REQUEST = generated_types().of[_REQUEST].node
DEPUTY = generated_types().of[_DEPUTY].node
FLOW = generated_types().of[_FLOW].node
_MEMBER = catalogue().record("member")
_ROLES: Any = generated_types().scalar(_MEMBER, _MEMBER.fields["roles"])
_ROLE: Any = get_args(_ROLES)[0]
_FROM_AMOUNT = (
    "In minor units of the company's currency; the step is left out for less, and where there is no amount."
)
_REMIND = "Working days after which those whose turn it is are reminded every day; null: never."
_ESCALATE = "Working days after which the superiors of those whose turn it is may decide, too; null: never."


@strawberry.enum(description="Who decides a step.")
class ApprovalStepBy(Enum):
    ROLE = strawberry.enum_value("ROLE", description="Any one of those who have one of the roles.")
    SUPERIOR = strawberry.enum_value(
        "SUPERIOR", description="The asker's superior, or the next one up the line who may."
    )


@strawberry.enum(description="What is decided.")
class ApprovalDecision(Enum):
    APPROVE = strawberry.enum_value("APPROVE", description="On to the next step, or done.")
    REFUSE = strawberry.enum_value("REFUSE", description="The request ends; needs a remark.")
    RETURN = strawberry.enum_value(
        "RETURN", description="Whoever asked mends it and submits it again; needs a remark."
    )


@strawberry.type(description="A step of a flow.")
class ApprovalStep:
    by: ApprovalStepBy = strawberry.field(description="Who decides it.")
    roles: list[Enum] = strawberry.field(graphql_type=_ROLES, description="Of a step by role.")
    from_amount: MinorUnits | None = strawberry.field(description=_FROM_AMOUNT)
    remind_after: int | None = strawberry.field(description=_REMIND)
    escalate_after: int | None = strawberry.field(description=_ESCALATE)


@strawberry.type(description="Up to which amount a role decides.")
class ApprovalLimit:
    role: Enum = strawberry.field(graphql_type=_ROLE, description="Whose limit it is.")
    up_to: MinorUnits | None = strawberry.field(description="Null: without end.")


@strawberry.type(description="A kind of request, and how it is decided in the company now.")
class ApprovalKind:
    code: str = strawberry.field(description="Names it in setApprovalFlow.")
    label: str = strawberry.field(description="For people, in the language of the request.")
    takes_amount: bool = strawberry.field(
        description="Whether its requests have amounts, and its flow limits."
    )
    steps: list[ApprovalStep] = strawberry.field(description="One after the other.")
    limits: list[ApprovalLimit] = strawberry.field(
        description="Empty: no limits; else roles that are not named decide on no amount."
    )
    flow_version: int = strawberry.field(description="0 is the product's own flow.")


@strawberry.input
class ApprovalStepInput:
    by: ApprovalStepBy = strawberry.field(description="Who decides it.")
    roles: list[Enum] = strawberry.field(
        graphql_type=_ROLES, default_factory=list, description="Of a step by role."
    )
    from_amount: MinorUnits | None = strawberry.field(default=None, description=_FROM_AMOUNT)
    remind_after: int | None = strawberry.field(default=1, description=_REMIND)
    escalate_after: int | None = strawberry.field(default=3, description=_ESCALATE)


@strawberry.input
class ApprovalLimitInput:
    role: Enum = strawberry.field(graphql_type=_ROLE, description="Whose limit it is.")
    up_to: MinorUnits | None = strawberry.field(default=None, description="Null: without end.")


@strawberry.input
class SetApprovalFlowInput(Repeatable):
    kind: str = strawberry.field(description="One of approvalKinds.")
    version: int | None = strawberry.field(
        default=None, description="The version of the flow last seen; another one refuses the change."
    )
    steps: list[ApprovalStepInput] = strawberry.field(description="One after the other.")
    limits: list[ApprovalLimitInput] = strawberry.field(
        default_factory=list,
        description="Where there are any, roles that are not named decide on no amount; owners always may.",
    )


@strawberry.input
class DecideApprovalInput(Repeatable):
    id: strawberry.ID
    stage: int = strawberry.field(
        description="The stage last seen: somebody else may have decided meanwhile."
    )
    decision: ApprovalDecision = strawberry.field(description="What you decide.")
    remark: str | None = strawberry.field(
        default=None, description="Told to the asker and kept; a refusal and a return need one."
    )


@strawberry.input
class ApprovalRequestInput(Repeatable):
    id: strawberry.ID
    remark: str | None = strawberry.field(default=None, description="Kept in the history.")


@strawberry.input
class SetDeputyInput(Repeatable):
    member_id: strawberry.ID | None = strawberry.field(
        default=None, description="Who is away; yourself, if nothing is said. Only an owner names others."
    )
    deputy_id: strawberry.ID = strawberry.field(description="Who decides meanwhile.")
    from_day: date = strawberry.field(description="The first day, in the company's zone.")
    until_day: date = strawberry.field(description="The last day, at most 366 days after the first.")
    reason: str | None = strawberry.field(default=None, description="Why; for whoever reads it later.")


@strawberry.input
class EndDeputyInput(Repeatable):
    id: strawberry.ID


@strawberry.type
class ApprovalRequestVerbPayload:
    record: Ref | None = strawberry.field(graphql_type=REQUEST | None)
    user_errors: list[UserError]


@strawberry.type
class ApprovalDeputyVerbPayload:
    record: Ref | None = strawberry.field(graphql_type=DEPUTY | None)
    user_errors: list[UserError]


@strawberry.type
class ApprovalFlowVerbPayload:
    record: Ref | None = strawberry.field(graphql_type=FLOW | None)
    user_errors: list[UserError]


async def answer_decide_approval(
    info: Info[Context, None],
    input: DecideApprovalInput,  # noqa: A002 - the API's word
) -> ApprovalRequestVerbPayload:
    context = info.context

    async def act(write: TenantWrite, viewer: Viewer, request: UUID) -> UUID:
        await decide(
            write,
            viewer,
            request_id=request,
            stage=input.stage,
            decision=cast("Decision", input.decision.value),
            remark=input.remark,
            clock=context.clock,
        )
        kind = await write.fetchval("SELECT kind FROM approval_request WHERE id = $1", request)
        if approval_kind(kind).sensitive:  # only now: whoever may not decide learns nothing of the request
            context.require_recent_authentication()
        return request

    return await _on_request(context, input.id, act)


async def answer_withdraw_approval(
    info: Info[Context, None],
    input: ApprovalRequestInput,  # noqa: A002 - the API's word
) -> ApprovalRequestVerbPayload:
    async def act(write: TenantWrite, viewer: Viewer, request: UUID) -> UUID:
        return await withdraw(
            write, viewer, request_id=request, remark=input.remark, clock=info.context.clock
        )

    return await _on_request(info.context, input.id, act)


async def answer_resubmit_approval(
    info: Info[Context, None],
    input: ApprovalRequestInput,  # noqa: A002 - the API's word
) -> ApprovalRequestVerbPayload:
    async def act(write: TenantWrite, viewer: Viewer, request: UUID) -> UUID:
        return await resubmit(
            write, viewer, request_id=request, remark=input.remark, clock=info.context.clock
        )

    return await _on_request(info.context, input.id, act)


async def _on_request(
    context: Context, public: str, verb: Callable[[TenantWrite, Viewer, UUID], Awaitable[UUID]]
) -> ApprovalRequestVerbPayload:
    async def act(write: TenantWrite, viewer: Viewer) -> Ref:
        request = record_id(public, _REQUEST, path=("input", "id"))
        return Ref(_REQUEST, await verb(write, viewer, request))

    record, errors = await write_in_company(context, act)
    context.writing.afterwards(context.viewers.forget)  # what was decided may be rules of access, or a grant
    return ApprovalRequestVerbPayload(record=record, user_errors=errors)


async def answer_set_approval_flow(
    info: Info[Context, None],
    input: SetApprovalFlowInput,  # noqa: A002 - the API's word
) -> ApprovalFlowVerbPayload:
    info.context.require_recent_authentication()

    async def act(write: TenantWrite, viewer: Viewer) -> Ref:
        flow = flows.Flow(
            steps=tuple(_step(step) for step in input.steps),
            limits={limit.role.value: limit.up_to for limit in input.limits},
        )
        set_ = await set_flow(
            write, viewer, kind=input.kind, flow=flow, version=input.version, clock=info.context.clock
        )
        return Ref(_FLOW, set_)

    record, errors = await write_in_company(info.context, act)
    return ApprovalFlowVerbPayload(record=record, user_errors=errors)


def _step(given: ApprovalStepInput) -> flows.Step:
    return flows.Step(
        by=cast("Literal['ROLE', 'SUPERIOR']", given.by.value),
        roles=tuple(role.value for role in given.roles),
        from_amount=given.from_amount,
        remind_after=given.remind_after,
        escalate_after=given.escalate_after,
    )


async def answer_set_deputy(
    info: Info[Context, None],
    input: SetDeputyInput,  # noqa: A002 - the API's word
) -> ApprovalDeputyVerbPayload:
    info.context.require_recent_authentication()

    async def act(write: TenantWrite, viewer: Viewer) -> Ref:
        member = input.member_id
        made = await set_deputy(
            write,
            viewer,
            member_id=None if member is None else record_id(member, "member", path=("input", "memberId")),
            deputy_id=record_id(input.deputy_id, "member", path=("input", "deputyId")),
            from_day=input.from_day,
            until_day=input.until_day,
            reason=input.reason,
            clock=info.context.clock,
        )
        return Ref(_DEPUTY, made)

    record, errors = await write_in_company(info.context, act)
    return ApprovalDeputyVerbPayload(record=record, user_errors=errors)


async def answer_end_deputy(
    info: Info[Context, None],
    input: EndDeputyInput,  # noqa: A002 - the API's word
) -> ApprovalDeputyVerbPayload:
    async def act(write: TenantWrite, viewer: Viewer) -> Ref:
        deputy = record_id(input.id, _DEPUTY, path=("input", "id"))
        return Ref(_DEPUTY, await end_deputy(write, viewer, deputy_id=deputy, clock=info.context.clock))

    record, errors = await write_in_company(info.context, act)
    return ApprovalDeputyVerbPayload(record=record, user_errors=errors)


async def answer_approval_kinds(info: Info[Context, None]) -> list[ApprovalKind]:
    context = info.context
    context.require_scope("read")
    viewer = await context.viewer()
    async with context.databases.tenant_read(viewer.company) as read:
        found = [(kind, await flow_of(read, kind)) for kind in approval_kinds()]
    return [_kind(kind, flow, context.language) for kind, flow in found]


def _kind(kind: Kind, flow: flows.Flow, language: Any) -> ApprovalKind:
    steps = [
        ApprovalStep(
            by=ApprovalStepBy(step.by),
            roles=[_ROLE(role) for role in step.roles],
            from_amount=cast("MinorUnits | None", step.from_amount),
            remind_after=step.remind_after,
            escalate_after=step.escalate_after,
        )
        for step in flow.steps
    ]
    limits = [
        ApprovalLimit(role=_ROLE(role), up_to=cast("MinorUnits | None", most))
        for role, most in flow.limits.items()
    ]
    return ApprovalKind(
        code=kind.code,
        label=translate(kind.label, language),
        takes_amount=kind.takes_amount,
        steps=steps,
        limits=limits,
        flow_version=flow.version,
    )


@strawberry.type
class ApprovalQuery:
    approval_kinds: list[ApprovalKind] = strawberry.field(
        resolver=answer_approval_kinds,
        description="What has to be approved, and how it is decided in the company now.",
    )


@strawberry.type
class ApprovalMutation:
    decide_approval: ApprovalRequestVerbPayload = strawberry.mutation(
        resolver=answer_decide_approval,
        description="Decide the open step of a request, in your own right or as a deputy; never your own.",
    )
    withdraw_approval: ApprovalRequestVerbPayload = strawberry.mutation(
        resolver=answer_withdraw_approval, description="Take back what you have asked for and is not decided."
    )
    resubmit_approval: ApprovalRequestVerbPayload = strawberry.mutation(
        resolver=answer_resubmit_approval,
        description="Ask again for what was returned to you; it begins with the first step.",
    )
    set_approval_flow: ApprovalFlowVerbPayload = strawberry.mutation(
        resolver=answer_set_approval_flow,
        description="Set how requests of a kind are decided from now on; open ones keep their flow.",
    )
    set_deputy: ApprovalDeputyVerbPayload = strawberry.mutation(
        resolver=answer_set_deputy,
        description="Let somebody decide in a member's place for some days; their decisions say for whom.",
    )
    end_deputy: ApprovalDeputyVerbPayload = strawberry.mutation(
        resolver=answer_end_deputy, description="End a deputy's time at once."
    )
