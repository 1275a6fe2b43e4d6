"""Routes of customers: which ones in which order, and the order that saves way."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry.types import Info

from kedang_graphql.answering import write_in_company
from kedang_graphql.context import Context
from kedang_graphql.engine.executor import Ref
from kedang_graphql.engine.ids import record_id, record_ids
from kedang_graphql.engine.types import UserError, generated_types
from kedang_graphql.inputs import Repeatable
from kedang_platform.database import TenantWrite
from kedang_platform.errors import NotFound
from kedang_tenants.classing.routes import move_stop, order_route, propose, set_stops
from kedang_tenants.reading import Viewer

_ROUTE = "route"
ROUTE = generated_types().of[_ROUTE].node
CUSTOMER = generated_types().of["customer"].node


@strawberry.input(description="The customers that a route passes, in their order.")
class SetRouteStopsInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="Which route.")
    customer_ids: list[strawberry.ID] = strawberry.field(
        description="All of them, each once, at most 200; those that are not among them are taken off."
    )
    version: int | None = strawberry.field(default=None, description="The version that was last seen.")


@strawberry.input(description="Where a stop is to stand.")
class MoveRouteStopInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="Which stop.")
    position: int = strawberry.field(description="From 1; beyond the last one it becomes the last.")


@strawberry.input(description="Which route is to be put into the proposed order.")
class OrderRouteInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="Which route.")
    version: int | None = strawberry.field(default=None, description="The version that was last seen.")


@strawberry.type(description="The route, or why nothing was done.")
class RouteVerbPayload:
    record: Ref | None = strawberry.field(graphql_type=ROUTE | None, description="The route.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was done.")


@strawberry.type(description="A stop of a proposed order.")
class ProposedRouteStop:
    customer: Ref | None = strawberry.field(
        graphql_type=CUSTOMER | None, description="Who is there; null where the customer is not for you."
    )
    km: float | None = strawberry.field(
        description="The way from the place before, as the crow flies; null where it is not known."
    )


@strawberry.type(description="The order of a route's stops that saves way.")
class ProposedRoute:
    stops: list[ProposedRouteStop] = strawberry.field(description="In the proposed order.")
    km: float = strawberry.field(description="How long the way would be, as the crow flies.")
    km_now: float = strawberry.field(description="How long it is now.")
    without_place: int = strawberry.field(
        description="How many stops have no place on the map: they are ordered by postal code and address."
    )


async def answer_proposed_route(
    info: Info[Context, None],
    id: Annotated[strawberry.ID, strawberry.argument(description="Which route.")],  # noqa: A002 - the API's word
) -> ProposedRoute | None:
    context = info.context
    context.require_scope("read")
    viewer = await context.viewer()
    try:
        route = record_id(id, _ROUTE)
        async with context.databases.tenant_read(viewer.company) as read:
            found = await propose(read, viewer, route_id=route)
    except NotFound:
        return None
    return ProposedRoute(
        stops=[
            ProposedRouteStop(
                customer=Ref("customer", stop.customer_id), km=None if stop.km is None else round(stop.km, 3)
            )
            for stop in found.stops
        ],
        km=round(found.km, 3),
        km_now=round(found.km_now, 3),
        without_place=found.without_place,
    )


async def answer_set_stops(
    info: Info[Context, None],
    input: SetRouteStopsInput,  # noqa: A002 - the API's word
) -> RouteVerbPayload:
    context = info.context

    async def do(write: TenantWrite, viewer: Viewer) -> Ref:
        route = record_id(input.id, _ROUTE, path=("input", "id"))
        customers = record_ids(input.customer_ids, "customer", path=("input", "customerIds"))
        await set_stops(
            write,
            viewer,
            route_id=route,
            customer_ids=customers,
            version=input.version,
            clock=context.clock,
        )
        return Ref(_ROUTE, route)

    record, errors = await write_in_company(context, do)
    return RouteVerbPayload(record=record, user_errors=errors)


async def answer_move_stop(
    info: Info[Context, None],
    input: MoveRouteStopInput,  # noqa: A002 - the API's word
) -> RouteVerbPayload:
    context = info.context

    async def do(write: TenantWrite, viewer: Viewer) -> Ref:
        stop = record_id(input.id, "route_stop", path=("input", "id"))
        route = await move_stop(write, viewer, stop_id=stop, position=input.position, clock=context.clock)
        return Ref(_ROUTE, route)

    record, errors = await write_in_company(context, do)
    return RouteVerbPayload(record=record, user_errors=errors)


async def answer_order_route(
    info: Info[Context, None],
    input: OrderRouteInput,  # noqa: A002 - the API's word
) -> RouteVerbPayload:
    context = info.context

    async def do(write: TenantWrite, viewer: Viewer) -> Ref:
        route = record_id(input.id, _ROUTE, path=("input", "id"))
        await order_route(write, viewer, route_id=route, version=input.version, clock=context.clock)
        return Ref(_ROUTE, route)

    record, errors = await write_in_company(context, do)
    return RouteVerbPayload(record=record, user_errors=errors)


@strawberry.type
class CustomerRouteQuery:
    proposed_route: ProposedRoute | None = strawberry.field(
        resolver=answer_proposed_route,
        description="In which order a route's customers are nearest to each other; null where there is no such route.",
    )


@strawberry.type
class CustomerRouteMutation:
    set_route_stops: RouteVerbPayload = strawberry.mutation(
        resolver=answer_set_stops, description="Say which customers a route passes, in which order."
    )
    move_route_stop: RouteVerbPayload = strawberry.mutation(
        resolver=answer_move_stop, description="Move one stop of a route by hand."
    )
    order_route: RouteVerbPayload = strawberry.mutation(
        resolver=answer_order_route, description="Put a route's stops into the order that is proposed."
    )
