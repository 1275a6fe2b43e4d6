"""What a recorded contact leads to: a demand out of its needs, a service request out of its problems."""

from __future__ import annotations

from datetime import date
from enum import Enum
from typing import Any

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from kedang_graphql.answering import write_in_company
from kedang_graphql.context import Context
from kedang_graphql.engine.arguments import custom_of, values_of
from kedang_graphql.engine.executor import Ref
from kedang_graphql.engine.ids import record_id
from kedang_graphql.engine.types import UserError, generated_types
from kedang_graphql.inputs import Repeatable, given
from kedang_graphql.scalars import MinorUnits
from kedang_platform.database import TenantWrite
from kedang_tenants.catalogue import catalogue
from kedang_tenants.followups.needs import raise_demand
from kedang_tenants.reading import Viewer
from kedang_tenants.service.problems import report_problems

_TYPES = generated_types()
_DEMAND, _REQUEST = catalogue().record("demand"), catalogue().record("service_request")
_KIND: Any = _TYPES.scalar(_REQUEST, _REQUEST.fields["kind"])
_PRIORITY: Any = _TYPES.scalar(_REQUEST, _REQUEST.fields["priority"])
DEMAND = _TYPES.of["demand"].node
SERVICE_REQUEST = _TYPES.of["service_request"].node
FOLLOW_UP_RECORD = _TYPES.of["follow_up_record"].node
_TITLE = "The first line of what stands in the record, if nothing is said."


@strawberry.input
class RaiseDemandInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="The follow-up record, with needs.")
    title: str | None = strawberry.field(default=strawberry.UNSET, description=_TITLE)
    product_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="What the customer needs of us."
    )
    owner_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The customer's owner, if nothing is said."
    )
    stage: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="How far it has come, one of demandStages; the first, if nothing is said.",
    )
    amount: MinorUnits | None = strawberry.field(
        default=strawberry.UNSET, description="What it may bring, in minor units of the currency."
    )
    currency: str | None = strawberry.field(
        default=strawberry.UNSET, description="ISO 4217; the company's, if nothing is said."
    )
    probability: int | None = strawberry.field(default=strawberry.UNSET, description="In percent.")
    expected_on: date | None = strawberry.field(
        default=strawberry.UNSET, description="When the customer is expected to decide."
    )
    custom_fields: JSON | None = strawberry.UNSET


@strawberry.type
class RaiseDemandPayload:
    record: Ref | None = strawberry.field(graphql_type=DEMAND | None)
    follow_up_record: Ref | None = strawberry.field(
        graphql_type=FOLLOW_UP_RECORD | None, description="With the demand that its needs have become."
    )
    user_errors: list[UserError]


async def answer_raise_demand(
    info: Info[Context, None],
    input: RaiseDemandInput,  # noqa: A002 - the API's word
) -> RaiseDemandPayload:
    async def convert(write: TenantWrite, viewer: Viewer) -> tuple[Ref, Ref]:
        source = record_id(input.id, "follow_up_record", path=("input", "id"))
        said = {name: value for name, value in given(input).items() if name != "id"}
        values, custom = values_of(_DEMAND, said), custom_of(viewer, _DEMAND, said.get("customFields"))
        made = await raise_demand(
            write, viewer, record_id=source, values=values, custom=custom, clock=info.context.clock
        )
        return Ref("demand", made), Ref("follow_up_record", source)

    done, errors = await write_in_company(info.context, convert)
    record, source = done if done is not None else (None, None)
    return RaiseDemandPayload(record=record, follow_up_record=source, user_errors=errors)


@strawberry.input
class ReportProblemsInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="The follow-up record, with problems.")
    kind: Enum = strawberry.field(graphql_type=_KIND, description="What sort of request it is.")
    title: str | None = strawberry.field(default=strawberry.UNSET, description=_TITLE)
    priority: Enum | None = strawberry.field(
        graphql_type=_PRIORITY | None, default=strawberry.UNSET, description="How urgent it is."
    )
    custom_fields: JSON | None = strawberry.UNSET


@strawberry.type
class ReportProblemsPayload:
    record: Ref | None = strawberry.field(graphql_type=SERVICE_REQUEST | None)
    follow_up_record: Ref | None = strawberry.field(
        graphql_type=FOLLOW_UP_RECORD | None, description="With the request that its problems have become."
    )
    user_errors: list[UserError]


async def answer_report_problems(
    info: Info[Context, None],
    input: ReportProblemsInput,  # noqa: A002 - the API's word
) -> ReportProblemsPayload:
    async def convert(write: TenantWrite, viewer: Viewer) -> tuple[Ref, Ref]:
        source = record_id(input.id, "follow_up_record", path=("input", "id"))
        said = {name: value for name, value in given(input).items() if name != "id"}
        values, custom = values_of(_REQUEST, said), custom_of(viewer, _REQUEST, said.get("customFields"))
        made = await report_problems(
            write, viewer, record_id=source, values=values, custom=custom, clock=info.context.clock
        )
        return Ref("service_request", made), Ref("follow_up_record", source)

    done, errors = await write_in_company(info.context, convert)
    record, source = done if done is not None else (None, None)
    return ReportProblemsPayload(record=record, follow_up_record=source, user_errors=errors)


@strawberry.type
class ConversionMutation:
    raise_demand: RaiseDemandPayload = strawberry.mutation(
        resolver=answer_raise_demand,
        description="Make a demand of the needs that were noted in a contact, once.",
    )
    report_problems: ReportProblemsPayload = strawberry.mutation(
        resolver=answer_report_problems,
        description="Open a service request for the problems that were noted in a contact, once.",
    )
