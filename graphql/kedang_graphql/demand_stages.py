"""The stages that demands of a customer go through, by the company's sales processes."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry.types import Info

from kedang_graphql.context import Context
from kedang_graphql.engine.ids import record_id
from kedang_platform.errors import NotFound
from kedang_tenants.catalogue.languages import text_in
from kedang_tenants.classing.processes import stages_of


@strawberry.type(description="A stage of a sales process.")
class DemandStage:
    code: str = strawberry.field(description="What `Demand.stage` says.")
    label: str = strawberry.field(description="For people, in the language of the request.")


async def answer_demand_stages(
    info: Info[Context, None],
    customer_id: Annotated[strawberry.ID, strawberry.argument(description="Whose demands go through them.")],
) -> list[DemandStage] | None:
    context = info.context
    context.require_scope("read")
    viewer = await context.viewer()
    try:
        customer = record_id(customer_id, "customer")
    except NotFound:
        return None
    async with context.databases.tenant_read(viewer.company) as read:
        found = await stages_of(read, viewer, customer_id=customer)
    if found is None:
        return None
    return [DemandStage(code=one.code, label=text_in(one.name, context.language)) for one in found]


@strawberry.type
class DemandStageQuery:
    demand_stages: list[DemandStage] | None = strawberry.field(
        resolver=answer_demand_stages,
        description=(
            "The stages that demands of a customer go through, the first one first, by the customer's class and rules of"
            " the kind `sales.process`; null where the customer is not found."
        ),
    )
