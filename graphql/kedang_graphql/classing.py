"""Classes beside grades: putting many customers into one, and in which fifth of the buyers customers stand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated
from uuid import UUID

import strawberry
from graphql import GraphQLSchema
from strawberry.scalars import JSON
from strawberry.types import Info

from kedang_graphql.answering import write_in_company
from kedang_graphql.context import Context
from kedang_graphql.engine.executor import Ref
from kedang_graphql.engine.ids import record_id, record_ids
from kedang_graphql.engine.types import UserError, generated_types
from kedang_graphql.inputs import Repeatable
from kedang_graphql.jobs import Job, job_told
from kedang_graphql.json_filters import filter_in_json
from kedang_graphql.scalars import MinorUnits
from kedang_platform.database import TenantWrite
from kedang_platform.errors import BadUserInput, NotFound
from kedang_platform.i18n import msg
from kedang_tenants.classing.classes import MOST_CLASSIFIED, classify
from kedang_tenants.classing.rfm import Scores, ask_for_scores, scores_of
from kedang_tenants.classing.segments import require_few
from kedang_tenants.reading import Viewer

_CLASS = "customer_class"
CUSTOMER_CLASS = generated_types().of[_CLASS].node


@strawberry.input(description="Customers, and the class that they are put into.")
class ClassifyCustomersInput(Repeatable):
    class_id: strawberry.ID = strawberry.field(description="Which class.")
    customer_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="These customers, at most 5,000; or else a filter."
    )
    where: JSON | None = strawberry.field(
        default=None, description="Those who fulfil a filter in the shape of the where of customers."
    )


@strawberry.type(description="The class, or why nothing was done.")
class ClassifyCustomersPayload:
    record: Ref | None = strawberry.field(graphql_type=CUSTOMER_CLASS | None, description="The class.")
    moved: int | None = strawberry.field(description="How many customers were not in it before.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was done.")


@strawberry.input(description="Score all customers by what they bought.")
class MeasureRfmInput(Repeatable):
    pass


@strawberry.type(description="The scoring, or why it was not begun.")
class MeasureRfmPayload:
    job: Job | None = strawberry.field(description="The scoring of all customers; ask for it by its id.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was done.")


@strawberry.type(
    description="Recency, frequency, money: the fifths of all buyers that a customer stands in, and its figures."
)
class CustomerRfm:
    recency: int | None = strawberry.field(
        description="5 for the fifth who bought last; null for who never bought, or where it is not for you."
    )
    frequency: int | None = strawberry.field(description="5 for the fifth who ordered most often.")
    monetary: int | None = strawberry.field(
        description="5 for the fifth who ordered for most; null where an order since then is in another currency."
    )
    since: date = strawberry.field(description="The first day whose orders and money count.")
    last_ordered_on: date | None = strawberry.field(description="The day of the last order of all.")
    orders: int | None = strawberry.field(description="How many orders since then.")
    money: int | None = strawberry.field(
        graphql_type=MinorUnits | None, description="What those in the company's currency come to."
    )
    foreign_orders: int | None = strawberry.field(
        description="How many orders since then are in other currencies, which are not added up."
    )
    currency: str = strawberry.field(description="The company's, by its ISO 4217 code.")


async def answer_classify(
    info: Info[Context, None],
    input: ClassifyCustomersInput,  # noqa: A002 - the API's word
) -> ClassifyCustomersPayload:
    context, core = info.context, info.schema._schema  # noqa: SLF001

    async def do(write: TenantWrite, viewer: Viewer) -> tuple[UUID, int]:
        wanted = record_id(input.class_id, _CLASS, path=("input", "classId"))
        customers = await _chosen(core, write, viewer, input)
        moved = await classify(write, viewer, class_id=wanted, customer_ids=customers, clock=context.clock)
        return wanted, moved

    done, errors = await write_in_company(context, do)
    if done is None:
        return ClassifyCustomersPayload(record=None, moved=None, user_errors=errors)
    return ClassifyCustomersPayload(record=Ref(_CLASS, done[0]), moved=done[1], user_errors=[])


async def _chosen(
    core: GraphQLSchema, write: TenantWrite, viewer: Viewer, asked: ClassifyCustomersInput
) -> Sequence[UUID]:
    if (asked.customer_ids is None) == (asked.where is None):
        raise BadUserInput(msg("Say which customers: one by one, or by a filter."), path=("input",))
    if asked.customer_ids is not None:
        return record_ids(asked.customer_ids, "customer", path=("input", "customerIds"))
    where = filter_in_json(core, viewer, "customer", asked.where)
    return await require_few(write, viewer, where, most=MOST_CLASSIFIED, path=("input", "where"))


async def answer_measure_rfm(
    info: Info[Context, None],
    input: MeasureRfmInput,  # noqa: A002, ARG001 - the API's word; its key is read by the executor
) -> MeasureRfmPayload:
    context = info.context

    async def ask(write: TenantWrite, viewer: Viewer) -> Job:
        return await job_told(context, write, await ask_for_scores(write, viewer))

    job, errors = await write_in_company(context, ask)
    return MeasureRfmPayload(job=job, user_errors=errors)


async def answer_customer_rfm(
    info: Info[Context, None],
    customer_id: Annotated[strawberry.ID, strawberry.argument(description="Which customer.")],
) -> CustomerRfm | None:
    context = info.context
    context.require_scope("read")
    viewer = await context.viewer()
    try:
        customer = record_id(customer_id, "customer")
        async with context.databases.tenant_read(viewer.company) as read:
            found = await scores_of(read, viewer, customer_id=customer, clock=context.clock)
    except NotFound:
        return None
    return _told(found, viewer)


def _told(found: Scores, viewer: Viewer) -> CustomerRfm:
    return CustomerRfm(
        recency=found.recency,
        frequency=found.frequency,
        monetary=found.monetary,
        since=found.since,
        last_ordered_on=found.last_on,
        orders=found.orders,
        money=found.money,
        foreign_orders=found.foreign_orders,
        currency=viewer.currency,
    )


@strawberry.type
class ClassingQuery:
    customer_rfm: CustomerRfm | None = strawberry.field(
        resolver=answer_customer_rfm,
        description="In which fifths of the buyers a customer stands, and its figures; null where there is no such customer.",
    )


@strawberry.type
class ClassingMutation:
    classify_customers: ClassifyCustomersPayload = strawberry.mutation(
        resolver=answer_classify,
        description="Put customers into a class, out of the one of its dimension that they are in; all or none.",
    )
    measure_rfm: MeasureRfmPayload = strawberry.mutation(
        resolver=answer_measure_rfm,
        description="Score all customers by recency, frequency and money now; it is done every night.",
    )
