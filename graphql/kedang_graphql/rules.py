"""The verbs of rules: drafting, submitting, repealing; what two versions say otherwise."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Annotated
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
from kedang_platform.database import TenantWrite
from kedang_platform.errors import NotFound
from kedang_platform.i18n import translate
from kedang_tenants import rules
from kedang_tenants.approvals.rule_versions import discard_rule, repeal_rule, submit_rule, withdraw_rule
from kedang_tenants.reading import Viewer
from kedang_tenants.rules.comparing import compare

_VERSION = "rule_version"
_REQUEST = "approval_request"
VERSION = generated_types().of[_VERSION].node
REQUEST = generated_types().of[_REQUEST].node
_FROM = "The first day, in the company's zone; null: as soon as it is approved."


@strawberry.type(description="A kind of rule that the company can have versions of.")
class RuleKind:
    code: str = strawberry.field(description="Names it in draftRule.")
    label: str = strawberry.field(description="For people, in the language of the request.")
    in_force: Ref | None = strawberry.field(
        graphql_type=VERSION | None, description="Null where the product's default holds."
    )


@strawberry.type(description="One place at which two versions of a rule differ.")
class RuleDifference:
    path: list[str] = strawberry.field(description="Leads to the place; places in lists count from 0.")
    kind: str = strawberry.field(description="ADDED, REMOVED or CHANGED.")
    before: JSON | None = strawberry.field(description="What the first version says there.")
    after: JSON | None = strawberry.field(description="What the second version says there.")


@strawberry.input
class DraftRuleInput(Repeatable):
    kind: str = strawberry.field(description="One of ruleKinds.")
    content: JSON = strawberry.field(description="What the rule says, in the form of its kind.")
    reason: str | None = strawberry.field(default=None, description="What changes, and why.")
    in_force_from: date | None = strawberry.field(default=None, description=_FROM)


@strawberry.input
class ChangeRuleDraftInput(Repeatable):
    id: strawberry.ID
    version: int = strawberry.field(
        description="The record's version last seen: of several editors one wins, the others are told."
    )
    content: JSON | None = strawberry.field(
        default=strawberry.UNSET, description="The whole content as it is from now on."
    )
    reason: str | None = strawberry.field(
        default=strawberry.UNSET, description="What changes, and why; null empties it."
    )
    in_force_from: date | None = strawberry.field(default=strawberry.UNSET, description=_FROM)


@strawberry.input
class RuleVersionInput(Repeatable):
    id: strawberry.ID


@strawberry.input
class RepealRuleInput(Repeatable):
    id: strawberry.ID
    reason: str | None = strawberry.field(default=None, description="Told to whoever decides, and kept.")


@strawberry.type
class RuleVersionVerbPayload:
    record: Ref | None = strawberry.field(graphql_type=VERSION | None)
    user_errors: list[UserError]


@strawberry.type
class RuleApprovalPayload:
    record: Ref | None = strawberry.field(graphql_type=VERSION | None)
    request: Ref | None = strawberry.field(
        graphql_type=REQUEST | None, description="The request for approval that this began or ended."
    )
    user_errors: list[UserError]


async def answer_draft_rule(
    info: Info[Context, None],
    input: DraftRuleInput,  # noqa: A002 - the API's word
) -> RuleVersionVerbPayload:
    async def draft(write: TenantWrite, viewer: Viewer) -> Ref:
        made = await rules.draft_rule(
            write,
            viewer,
            kind=input.kind,
            content=input.content,
            reason=input.reason,
            in_force_from=input.in_force_from,
            clock=info.context.clock,
        )
        return Ref(_VERSION, made)

    record, errors = await write_in_company(info.context, draft)
    return RuleVersionVerbPayload(record=record, user_errors=errors)


_CHANGEABLE = {"content": "content", "reason": "reason", "inForceFrom": "in_force_from"}


async def answer_change_rule_draft(
    info: Info[Context, None],
    input: ChangeRuleDraftInput,  # noqa: A002 - the API's word
) -> RuleVersionVerbPayload:
    async def change(write: TenantWrite, viewer: Viewer) -> Ref:
        values = {_CHANGEABLE[name]: value for name, value in given(input).items() if name in _CHANGEABLE}
        changed = await rules.change_rule_draft(
            write,
            viewer,
            version_id=record_id(input.id, _VERSION, path=("input", "id")),
            version=input.version,
            values=values,
            clock=info.context.clock,
        )
        return Ref(_VERSION, changed)

    record, errors = await write_in_company(info.context, change)
    return RuleVersionVerbPayload(record=record, user_errors=errors)


async def answer_discard_rule_draft(
    info: Info[Context, None],
    input: RuleVersionInput,  # noqa: A002 - the API's word
) -> RuleVersionVerbPayload:
    async def discard(write: TenantWrite, viewer: Viewer) -> Ref:
        version = record_id(input.id, _VERSION, path=("input", "id"))
        return Ref(_VERSION, await discard_rule(write, viewer, version_id=version, clock=info.context.clock))

    record, errors = await write_in_company(info.context, discard)
    return RuleVersionVerbPayload(record=record, user_errors=errors)


async def answer_submit_rule(
    info: Info[Context, None],
    input: RuleVersionInput,  # noqa: A002 - the API's word
) -> RuleApprovalPayload:
    info.context.require_recent_authentication()

    async def submit(write: TenantWrite, viewer: Viewer, version: UUID) -> UUID:
        return await submit_rule(write, viewer, version_id=version, clock=info.context.clock)

    return await _approval(info.context, input.id, submit)


async def answer_withdraw_rule(
    info: Info[Context, None],
    input: RuleVersionInput,  # noqa: A002 - the API's word
) -> RuleApprovalPayload:
    async def withdraw(write: TenantWrite, viewer: Viewer, version: UUID) -> UUID:
        return await withdraw_rule(write, viewer, version_id=version, clock=info.context.clock)

    return await _approval(info.context, input.id, withdraw)


async def answer_repeal_rule(
    info: Info[Context, None],
    input: RepealRuleInput,  # noqa: A002 - the API's word
) -> RuleApprovalPayload:
    info.context.require_recent_authentication()

    async def repeal(write: TenantWrite, viewer: Viewer, version: UUID) -> UUID:
        return await repeal_rule(
            write, viewer, version_id=version, reason=input.reason, clock=info.context.clock
        )

    return await _approval(info.context, input.id, repeal)


async def _approval(
    context: Context, public: str, verb: Callable[[TenantWrite, Viewer, UUID], Awaitable[UUID]]
) -> RuleApprovalPayload:
    async def act(write: TenantWrite, viewer: Viewer) -> tuple[UUID, UUID]:
        version = record_id(public, _VERSION, path=("input", "id"))
        return version, await verb(write, viewer, version)

    done, errors = await write_in_company(context, act)
    if done is None:
        return RuleApprovalPayload(record=None, request=None, user_errors=errors)
    context.writing.afterwards(context.viewers.forget)  # access rules may be in force, or no more
    return RuleApprovalPayload(record=Ref(_VERSION, done[0]), request=Ref(_REQUEST, done[1]), user_errors=[])


async def answer_rule_kinds(info: Info[Context, None]) -> list[RuleKind]:
    context = info.context
    context.require_scope("read")
    viewer = await context.viewer()
    async with context.databases.tenant_read(viewer.company) as read:
        standing = {kind.code: await rules.in_force(read, kind.code) for kind in rules.rule_kinds()}
    return [
        RuleKind(
            code=kind.code,
            label=translate(kind.label, context.language),
            in_force=Ref(_VERSION, found.id) if (found := standing[kind.code]) else None,
        )
        for kind in rules.rule_kinds()
    ]


async def answer_rule_differences(
    info: Info[Context, None],
    from_: Annotated[
        strawberry.ID, strawberry.argument(name="from", description="The version to compare with.")
    ],
    to: Annotated[strawberry.ID, strawberry.argument(description="The version that is compared.")],
) -> list[RuleDifference] | None:
    context = info.context
    context.require_scope("read")
    viewer = await context.viewer()
    try:
        before, after = record_id(from_, _VERSION), record_id(to, _VERSION)
        async with context.databases.tenant_read(viewer.company) as read:
            found = await compare(read, viewer, before=before, after=after)
    except NotFound:
        return None
    return [
        RuleDifference(
            path=[str(step) for step in one.path], kind=one.kind, before=one.before, after=one.after
        )
        for one in found
    ]


@strawberry.type
class RuleQuery:
    rule_kinds: list[RuleKind] = strawberry.field(
        resolver=answer_rule_kinds,
        description="The rules that a company can set, and what is in force of each.",
    )
    rule_differences: list[RuleDifference] | None = strawberry.field(
        resolver=answer_rule_differences,
        description=(
            "What one version of a rule says otherwise than another, place by place;"
            " null where you see no such version."
        ),
    )


@strawberry.type
class RuleMutation:
    draft_rule: RuleVersionVerbPayload = strawberry.mutation(
        resolver=answer_draft_rule,
        description="Begin the next version of a rule; of each rule one version is open at a time.",
    )
    change_rule_draft: RuleVersionVerbPayload = strawberry.mutation(
        resolver=answer_change_rule_draft, description="Change what a draft says; what is not given stays."
    )
    discard_rule_draft: RuleVersionVerbPayload = strawberry.mutation(
        resolver=answer_discard_rule_draft, description="Throw a draft away; its number is not used again."
    )
    submit_rule: RuleApprovalPayload = strawberry.mutation(
        resolver=answer_submit_rule,
        description=(
            "Submit a draft for approval, or submit again what was returned. Who has drafted, edited or submitted"
            " it does not decide; where nobody else could, it is approved at once and says so."
        ),
    )
    withdraw_rule: RuleApprovalPayload = strawberry.mutation(
        resolver=answer_withdraw_rule, description="Take a submitted version back; it is a draft again."
    )
    repeal_rule: RuleApprovalPayload = strawberry.mutation(
        resolver=answer_repeal_rule,
        description="Ask for a version in force, or one approved for a later day, to be repealed.",
    )
