"""The verbs of demands: winning and losing one."""

from __future__ import annotations

from datetime import date

import strawberry
from strawberry.types import Info

from kedang_graphql.answering import write_in_company
from kedang_graphql.context import Context
from kedang_graphql.engine.executor import Ref
from kedang_graphql.engine.ids import record_id
from kedang_graphql.engine.types import UserError, generated_types
from kedang_graphql.inputs import Repeatable
from kedang_platform.database import TenantWrite
from kedang_tenants.reading import Viewer
from kedang_tenants.trade import demand_life

DEMAND = generated_types().of["demand"].node
_VERSION = "The version that was last seen; the last write wins without it."
_CLOSED_ON = "Today, if nothing is said."


@strawberry.type
class DemandStepPayload:
    record: Ref | None = strawberry.field(graphql_type=DEMAND | None)
    user_errors: list[UserError]


@strawberry.input
class WinDemandInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="The demand, an open one.")
    order_id: strawberry.ID | None = strawberry.field(
        default=None, description="The order of the same customer that came of it."
    )
    closed_on: date | None = strawberry.field(default=None, description=_CLOSED_ON)
    reason: str | None = strawberry.field(default=None, description="Why it was won.")
    version: int | None = strawberry.field(default=None, description=_VERSION)


async def answer_win(
    info: Info[Context, None],
    input: WinDemandInput,  # noqa: A002 - the API's word
) -> DemandStepPayload:
    async def act(write: TenantWrite, viewer: Viewer) -> Ref:
        demand = record_id(input.id, "demand", path=("input", "id"))
        order = record_id(input.order_id, "order", path=("input", "orderId")) if input.order_id else None
        await demand_life.win(
            write,
            viewer,
            demand_id=demand,
            order_id=order,
            closed_on=input.closed_on,
            reason=input.reason,
            version=input.version,
            clock=info.context.clock,
        )
        return Ref("demand", demand)

    record, errors = await write_in_company(info.context, act)
    return DemandStepPayload(record=record, user_errors=errors)


@strawberry.input
class LoseDemandInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="The demand, an open one.")
    reason: str = strawberry.field(description="Why it was lost.")
    competitors: list[str] | None = strawberry.field(
        default=None, description="To whom it was lost, or who else was asked; as it was, if nothing is said."
    )
    closed_on: date | None = strawberry.field(default=None, description=_CLOSED_ON)
    version: int | None = strawberry.field(default=None, description=_VERSION)


async def answer_lose(
    info: Info[Context, None],
    input: LoseDemandInput,  # noqa: A002 - the API's word
) -> DemandStepPayload:
    async def act(write: TenantWrite, viewer: Viewer) -> Ref:
        demand = record_id(input.id, "demand", path=("input", "id"))
        await demand_life.lose(
            write,
            viewer,
            demand_id=demand,
            reason=input.reason,
            competitors=input.competitors,
            closed_on=input.closed_on,
            version=input.version,
            clock=info.context.clock,
        )
        return Ref("demand", demand)

    record, errors = await write_in_company(info.context, act)
    return DemandStepPayload(record=record, user_errors=errors)


@strawberry.type
class DemandMutation:
    win_demand: DemandStepPayload = strawberry.mutation(
        resolver=answer_win, description="Note that a demand was won, and the order that came of it."
    )
    lose_demand: DemandStepPayload = strawberry.mutation(
        resolver=answer_lose, description="Note that a demand was lost, why, and to whom."
    )
