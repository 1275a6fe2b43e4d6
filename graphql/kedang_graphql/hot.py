"""The verbs of hot customers, and who holds how many."""

from __future__ import annotations

from datetime import date
from typing import Self
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
from kedang_tenants.hot import asking, holding, rule
from kedang_tenants.reading import Viewer

CUSTOMER = generated_types().of["customer"].node
MEMBER = generated_types().of["member"].node
REQUEST = generated_types().of["approval_request"].node


@strawberry.input
class MarkHotInput(Repeatable):
    customer_id: strawberry.ID = strawberry.field(description="Which customer.")
    reason: str = strawberry.field(description="Why it deserves attention now, at most 500 characters.")
    until: date | None = strawberry.field(
        default=None, description="The last day of the mark; as long as the rule allows, if none is said."
    )


@strawberry.input
class ClearHotInput(Repeatable):
    customer_id: strawberry.ID = strawberry.field(description="Which customer.")
    reason: str | None = strawberry.field(default=None, description="Why, for the audit trail.")


@strawberry.type
class HotPayload:
    record: Ref | None = strawberry.field(graphql_type=CUSTOMER | None)
    approval: Ref | None = strawberry.field(
        graphql_type=REQUEST | None,
        description="The request that a superior decides, where a cap is reached; nothing is marked until then.",
    )
    user_errors: list[UserError]


async def answer_mark(
    info: Info[Context, None],
    input: MarkHotInput,  # noqa: A002 - the API's word
) -> HotPayload:
    async def mark(write: TenantWrite, viewer: Viewer) -> tuple[UUID, UUID | None]:
        customer = record_id(input.customer_id, "customer", path=("input", "customerId"))
        asked = await asking.mark_hot(
            write,
            viewer,
            customer_id=customer,
            reason=input.reason,
            until=input.until,
            clock=info.context.clock,
        )
        return customer, asked

    done, errors = await write_in_company(info.context, mark)
    customer, asked = done or (None, None)
    return HotPayload(
        record=Ref("customer", customer) if customer else None,
        approval=Ref("approval_request", asked) if asked else None,
        user_errors=errors,
    )


async def answer_clear(
    info: Info[Context, None],
    input: ClearHotInput,  # noqa: A002 - the API's word
) -> HotPayload:
    async def clear(write: TenantWrite, viewer: Viewer) -> Ref:
        customer = record_id(input.customer_id, "customer", path=("input", "customerId"))
        await asking.clear_hot(
            write, viewer, customer_id=customer, reason=input.reason, clock=info.context.clock
        )
        return Ref("customer", customer)

    record, errors = await write_in_company(info.context, clear)
    return HotPayload(record=record, approval=None, user_errors=errors)


@strawberry.type(
    description="What somebody holds of hot customers, and what became of those they held before."
)
class HotHolder:
    member: Ref | None = strawberry.field(graphql_type=MEMBER | None, description="Whose customers they are.")
    hot: int = strawberry.field(description="Hot customers today.")
    cap: int | None = strawberry.field(description="How many the rule allows; null: without a cap.")
    over_cap: bool = strawberry.field(description="Whether there are more than that.")
    oldest_since: date | None = strawberry.field(description="Since when the oldest mark stands.")
    average_days: int | None = strawberry.field(description="For how long the marks stand, on average.")
    with_result: int = strawberry.field(
        description="Marks of the last 90 days that ended with a won demand or a signed contract."
    )
    without_result: int = strawberry.field(
        description="Marks of the last 90 days that expired, were lost, cleared or given up."
    )

    @classmethod
    def of(cls, holder: holding.Holder) -> Self:
        return cls(
            member=Ref("member", holder.member_id),
            hot=holder.hot,
            cap=holder.cap,
            over_cap=holder.over_cap,
            oldest_since=holder.oldest_since,
            average_days=holder.average_days,
            with_result=holder.with_result,
            without_result=holder.without_result,
        )


async def answer_holders(info: Info[Context, None]) -> list[HotHolder]:
    context = info.context
    context.require_scope("read")
    viewer = await context.viewer()
    async with context.databases.tenant_read(viewer.company) as read:
        found = await holding.holders(read, viewer, clock=context.clock)
    return [HotHolder.of(one) for one in found]


@strawberry.type(description="How the company treats hot customers: its rule, or the product's own.")
class HotRule:
    cycle_days: int = strawberry.field(description="How often a hot customer is contacted, in days.")
    expires_after_days: int | None = strawberry.field(
        description="How long a mark stands at most; null: without an end."
    )
    by_demand: bool = strawberry.field(description="Whether an opened demand marks its customer.")
    most_per_member: int | None = strawberry.field(description="The cap of a representative.")
    most_in_company: int | None = strawberry.field(description="The cap of the company.")
    asks_over_the_cap: bool = strawberry.field(
        description="Whether a superior decides on marks over a cap; else they are refused."
    )
    colour: str = strawberry.field(description="The colour block of a hot customer, as #rrggbb.")

    @classmethod
    def of(cls, known: rule.HotRule) -> Self:
        return cls(
            cycle_days=known.cycle_days,
            expires_after_days=known.expires_after_days,
            by_demand=known.by_demand,
            most_per_member=known.most_per_member,
            most_in_company=known.most_in_company,
            asks_over_the_cap=known.over_the_cap == rule.ASK,
            colour=known.colour,
        )


async def answer_rule(info: Info[Context, None]) -> HotRule:
    context = info.context
    context.require_scope("read")
    viewer = await context.viewer()
    async with context.databases.tenant_read(viewer.company) as read:
        return HotRule.of(await rule.hot_rule(read))


@strawberry.type
class HotQuery:
    hot_holders: list[HotHolder] = strawberry.field(
        resolver=answer_holders,
        description="Who holds how many hot customers, as far as one reads them, the most first.",
    )
    hot_rule: HotRule = strawberry.field(
        resolver=answer_rule, description="What holds for hot customers; everybody may know."
    )


@strawberry.type
class HotMutation:
    mark_hot: HotPayload = strawberry.mutation(
        resolver=answer_mark,
        description="Make a customer a hot one, or renew its mark; over a cap it is refused or a superior asked.",
    )
    clear_hot: HotPayload = strawberry.mutation(
        resolver=answer_clear, description="End a customer's time as a hot one."
    )
