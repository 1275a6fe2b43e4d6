"""The verbs of trade: placing an order with its lines at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

import strawberry
from strawberry.types import Info

from kedang_graphql.answering import write_in_company
from kedang_graphql.context import Context
from kedang_graphql.engine.arguments import custom_of, values_of
from kedang_graphql.engine.executor import Ref
from kedang_graphql.engine.types import UserError, generated_types
from kedang_graphql.inputs import Repeatable, given
from kedang_graphql.scalars import DecimalString
from kedang_platform.database import TenantWrite
from kedang_platform.errors import BadUserInput
from kedang_tenants.catalogue import catalogue
from kedang_tenants.reading import Viewer
from kedang_tenants.trade.orders import NewLine, place_order

ORDER = generated_types().of["order"].node
_CREATE_ORDER: Any = generated_types().of["order"].create


@strawberry.input
class PlaceOrderLineInput:
    product_id: strawberry.ID
    quantity: DecimalString
    unit_price: DecimalString
    discount: DecimalString | None = strawberry.field(
        default=strawberry.UNSET, description="A fraction: 0.15 is fifteen percent off."
    )


@strawberry.input
class PlaceOrderInput(Repeatable):
    order: object = strawberry.field(graphql_type=_CREATE_ORDER)
    lines: list[PlaceOrderLineInput]


@strawberry.type
class PlaceOrderPayload:
    record: Ref | None = strawberry.field(graphql_type=ORDER | None)
    user_errors: list[UserError]


async def answer_place_order(
    info: Info[Context, None],
    input: PlaceOrderInput,  # noqa: A002 - the API's word
) -> PlaceOrderPayload:
    async def place(write: TenantWrite, viewer: Viewer) -> UUID:
        head = catalogue().record("order")
        order = given(input.order)
        return await place_order(
            write,
            viewer,
            order=values_of(head, order),
            custom=custom_of(viewer, head, order.get("customFields")),
            lines=[
                *_lines(viewer, order.get("lines") or (), ("input", "order", "lines")),
                *_lines(viewer, input.lines, ("input", "lines")),
            ],
            clock=info.context.clock,
        )

    order_id, errors = await write_in_company(info.context, place)
    return PlaceOrderPayload(record=Ref("order", order_id) if order_id else None, user_errors=errors)


def _lines(viewer: Viewer, lines: Iterable[object], path: tuple[str, ...]) -> Iterator[NewLine]:
    record = catalogue().record("order_line")
    for number, each in enumerate(lines):
        line = given(each)
        place: tuple[str | int, ...] = (*path, number)
        try:
            own = custom_of(viewer, record, line.get("customFields"))
        except BadUserInput as error:
            raise BadUserInput(error.message, path=(*place, "customFields")) from None
        yield NewLine(values_of(record, line), own, place)


@strawberry.type
class TradeMutation:
    place_order: PlaceOrderPayload = strawberry.mutation(
        resolver=answer_place_order,
        description="Create an order with its lines, all or nothing; createOrder takes lines as well.",
    )
