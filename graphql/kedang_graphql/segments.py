"""Segments: counting before keeping a filter, keeping it, freezing it, and who belongs to it."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any
from uuid import UUID

import strawberry
from graphql import GraphQLSchema
from strawberry.scalars import JSON
from strawberry.types import Info

from kedang_graphql.answering import write_in_company
from kedang_graphql.context import Context
from kedang_graphql.engine.arguments import page_of
from kedang_graphql.engine.executor import Ref
from kedang_graphql.engine.ids import record_id
from kedang_graphql.engine.types import PageInfo, UserError, generated_types
from kedang_graphql.inputs import Repeatable
from kedang_graphql.json_filters import filter_in_json
from kedang_platform.database import TenantWrite
from kedang_platform.errors import NotFound
from kedang_tenants.classing.models import FROZEN, LIVE
from kedang_tenants.classing.segments import (
    Asked,
    change_conditions,
    count_customers,
    create_segment,
    filter_of_segment,
    freeze_segment,
    page_of_segment,
)
from kedang_tenants.reading import Viewer

_SEGMENT = "segment"
SEGMENT = generated_types().of[_SEGMENT].node
CUSTOMER = generated_types().of["customer"].node


@strawberry.enum(description="Whether a segment asks anew each time.")
class NewSegmentKind(Enum):
    LIVE = strawberry.enum_value(LIVE, description="Whoever fulfils the filter whenever it is asked.")
    FROZEN = strawberry.enum_value(FROZEN, description="Whoever fulfils the filter now.")


@strawberry.input(description="A filter over customers, to be kept under a name.")
class CreateSegmentInput(Repeatable):
    name: str = strawberry.field(description="What people call it.")
    where: JSON = strawberry.field(description="A filter in the shape of the where of customers.")
    kind: NewSegmentKind = strawberry.field(
        default=NewSegmentKind.LIVE, description="Live where nothing is said."
    )
    note: str | None = strawberry.field(default=None, description="What it is for.")


@strawberry.input(description="What a live segment asks for from now on.")
class ChangeSegmentFilterInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="Which segment.")
    where: JSON = strawberry.field(description="A filter in the shape of the where of customers.")
    version: int | None = strawberry.field(default=None, description="The version that was last seen.")


@strawberry.input(description="Which segment is to consist of whoever fulfils its filter now.")
class FreezeSegmentInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="Which segment; a frozen one is frozen anew.")
    version: int | None = strawberry.field(default=None, description="The version that was last seen.")


@strawberry.type(description="The segment, or why nothing was done.")
class SegmentVerbPayload:
    record: Ref | None = strawberry.field(graphql_type=SEGMENT | None, description="The segment.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was done.")


@strawberry.type(description="How many customers, as far as you see them, at this moment.")
class SegmentCount:
    count: int = strawberry.field(description="The whole number, however large.")


@strawberry.type(description="Customers of a segment, by name.")
class SegmentCustomers:
    nodes: list[Ref] = strawberry.field(
        graphql_type=list[CUSTOMER],  # type: ignore[valid-type]
        description="Those of this page.",
    )
    page_info: PageInfo = strawberry.field(description="Where the page lies in the list.")


def _asked(core: GraphQLSchema, viewer: Viewer, where: Any) -> Asked:
    found = filter_in_json(core, viewer, "customer", where)
    return Asked({} if where is None else where, found)


async def answer_create_segment(
    info: Info[Context, None],
    input: CreateSegmentInput,  # noqa: A002 - the API's word
) -> SegmentVerbPayload:
    context, core = info.context, info.schema._schema  # noqa: SLF001

    async def create(write: TenantWrite, viewer: Viewer) -> Ref:
        made = await create_segment(
            write,
            viewer,
            name=input.name,
            note=input.note,
            kind=str(input.kind.value),
            asked=_asked(core, viewer, input.where),
            clock=context.clock,
        )
        return Ref(_SEGMENT, made)

    record, errors = await write_in_company(context, create)
    return SegmentVerbPayload(record=record, user_errors=errors)


async def answer_change_filter(
    info: Info[Context, None],
    input: ChangeSegmentFilterInput,  # noqa: A002 - the API's word
) -> SegmentVerbPayload:
    context, core = info.context, info.schema._schema  # noqa: SLF001

    async def do(write: TenantWrite, viewer: Viewer) -> Ref:
        segment = record_id(input.id, _SEGMENT, path=("input", "id"))
        asked = _asked(core, viewer, input.where)
        await change_conditions(
            write, viewer, segment_id=segment, asked=asked, version=input.version, clock=context.clock
        )
        return Ref(_SEGMENT, segment)

    record, errors = await write_in_company(context, do)
    return SegmentVerbPayload(record=record, user_errors=errors)


async def answer_freeze_segment(
    info: Info[Context, None],
    input: FreezeSegmentInput,  # noqa: A002 - the API's word
) -> SegmentVerbPayload:
    context = info.context

    async def freeze(write: TenantWrite, viewer: Viewer) -> Ref:
        segment = record_id(input.id, _SEGMENT, path=("input", "id"))
        await freeze_segment(write, viewer, segment_id=segment, version=input.version, clock=context.clock)
        return Ref(_SEGMENT, segment)

    record, errors = await write_in_company(context, freeze)
    return SegmentVerbPayload(record=record, user_errors=errors)


async def answer_preview(
    info: Info[Context, None],
    where: Annotated[JSON, strawberry.argument(description="In the shape of the where of customers.")],
) -> SegmentCount:
    context = info.context
    context.require_scope("read")
    viewer = await context.viewer()
    asked = _asked(info.schema._schema, viewer, where)  # noqa: SLF001
    async with context.databases.tenant_read(viewer.company) as read:
        return SegmentCount(count=await count_customers(read, viewer, asked.where))


async def answer_count(
    info: Info[Context, None],
    id: Annotated[strawberry.ID, strawberry.argument(description="Which segment.")],  # noqa: A002 - the API's word
) -> SegmentCount | None:
    context = info.context
    context.require_scope("read")
    viewer = await context.viewer()
    segment = _known(id)
    if segment is None:
        return None
    async with context.databases.tenant_read(viewer.company) as read:
        try:
            where = await filter_of_segment(read, viewer, segment)
        except NotFound:
            return None
        return SegmentCount(count=await count_customers(read, viewer, where))


async def answer_customers(
    info: Info[Context, None],
    id: Annotated[strawberry.ID, strawberry.argument(description="Which segment.")],  # noqa: A002 - the API's word
    first: Annotated[int, strawberry.argument(description="How many, at most 250.")] = 50,
    after: Annotated[str | None, strawberry.argument(description="Begin behind this cursor.")] = None,
) -> SegmentCustomers | None:
    context = info.context
    context.require_scope("read")
    viewer = await context.viewer()
    wanted = page_of({"first": first, "after": after}, largest=context.settings.largest_page)
    segment = _known(id)
    if segment is None:
        return None
    async with context.databases.tenant_read(viewer.company) as read:
        try:
            where = await filter_of_segment(read, viewer, segment)
        except NotFound:
            return None
        page = await page_of_segment(read, viewer, where, first=wanted.limit, after=wanted.after)
    return SegmentCustomers(
        nodes=[Ref("customer", customer) for customer in page.customer_ids],
        page_info=PageInfo(
            has_next_page=page.has_next,
            has_previous_page=after is not None,
            start_cursor=page.start,
            end_cursor=page.end,
        ),
    )


def _known(text: strawberry.ID) -> UUID | None:
    try:
        return record_id(text, _SEGMENT)
    except NotFound:
        return None


@strawberry.type
class SegmentQuery:
    segment_preview: SegmentCount = strawberry.field(
        resolver=answer_preview,
        description="How many customers that you see fulfil a filter, before it is kept as a segment.",
    )
    segment_count: SegmentCount | None = strawberry.field(
        resolver=answer_count,
        description="How many customers that you see belong to a segment now; null where there is no such segment.",
    )
    segment_customers: SegmentCustomers | None = strawberry.field(
        resolver=answer_customers,
        description="The customers of a segment that you see, by name; null where there is no such segment.",
    )


@strawberry.type
class SegmentMutation:
    create_segment: SegmentVerbPayload = strawberry.mutation(
        resolver=answer_create_segment, description="Keep a filter over customers as a segment of yours."
    )
    change_segment_filter: SegmentVerbPayload = strawberry.mutation(
        resolver=answer_change_filter, description="Have a live segment ask for something else."
    )
    freeze_segment: SegmentVerbPayload = strawberry.mutation(
        resolver=answer_freeze_segment,
        description="Have a segment consist of the customers that fulfil its filter now and that you see.",
    )
