"""Who is calling: a telephone number brings up its customers, and what one wants to know of them at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any, TypeVar
from uuid import UUID

import strawberry
from strawberry.types import Info

from kedang_graphql.context import Context
from kedang_graphql.engine.executor import Ref
from kedang_graphql.engine.types import generated_types
from kedang_graphql.scalars import DecimalString
from kedang_platform.database import TenantRead
from kedang_tenants.portrait.briefs import LastPrice, OpenMatters, last_prices, open_matters
from kedang_tenants.portrait.calls import Found, Match, look_up_call
from kedang_tenants.portrait.calls import MatchedBy as By
from kedang_tenants.reading import Viewer

T = TypeVar("T")
CUSTOMER = generated_types().of["customer"].node
CONTACT = generated_types().of["contact"].node
PRODUCT = generated_types().of["product"].node


@strawberry.enum(description="How a number that is kept answers to the one that was asked for.")
class MatchedBy(Enum):
    E164 = strawberry.enum_value(By.E164.value, description="It is the same valid number.")
    RAW = strawberry.enum_value(
        By.RAW.value,
        description="It has the same digits, perhaps without area and country, but is not valid.",
    )
    ENDING = strawberry.enum_value(By.ENDING.value, description="It ends with these digits.")


@dataclass
class Briefs:
    """What is asked about all customers of a look-up: each question is put once, for all of them."""

    context: Context
    viewer: Viewer
    customer_ids: Sequence[UUID]
    asked: dict[object, asyncio.Task[Any]] = field(default_factory=dict)

    async def prices(self, limit: int) -> Mapping[UUID, tuple[LastPrice, ...]]:
        async def ask(read: TenantRead) -> Mapping[UUID, tuple[LastPrice, ...]]:
            return await last_prices(read, self.viewer, customer_ids=self.customer_ids, limit=limit)

        return await self._once(limit, ask)

    async def open(self) -> Mapping[UUID, OpenMatters]:
        async def ask(read: TenantRead) -> Mapping[UUID, OpenMatters]:
            return await open_matters(read, self.viewer, customer_ids=self.customer_ids)

        return await self._once("open", ask)

    async def _once(self, key: object, ask: Callable[[TenantRead], Awaitable[T]]) -> T:
        async def answer() -> T:
            async with self.context.databases.tenant_read(self.viewer.company) as read:
                return await ask(read)

        if key not in self.asked:
            self.asked[key] = asyncio.ensure_future(answer())
        told: T = await self.asked[key]
        return told


@strawberry.type(description="What a customer last paid for a product.")
class CallPrice:
    product: Ref | None = strawberry.field(graphql_type=PRODUCT | None)
    unit_price: Decimal | None = strawberry.field(graphql_type=DecimalString | None)
    currency: str | None
    quantity: Decimal | None = strawberry.field(graphql_type=DecimalString | None)
    discount: Decimal | None = strawberry.field(
        graphql_type=DecimalString | None, description="A fraction: 0.15 is fifteen percent off."
    )
    ordered_on: date | None
    order_number: str | None


async def answer_last_prices(root: CallMatch, first: int = 5) -> list[CallPrice] | None:
    prices = (await root.briefs.prices(first)).get(root.found.customer_id)
    return None if prices is None else [_price(price) for price in prices]


async def answer_open_orders(root: CallMatch) -> int | None:
    return (await _open(root)).orders


async def answer_open_deliveries(root: CallMatch) -> int | None:
    return (await _open(root)).deliveries


async def answer_open_requests(root: CallMatch) -> int | None:
    return (await _open(root)).requests


async def _open(match: CallMatch) -> OpenMatters:
    return (await match.briefs.open())[match.found.customer_id]


@strawberry.type(description="A customer whose number, or whose contact's number, was asked for.")
class CallMatch:
    customer: Ref = strawberry.field(graphql_type=CUSTOMER)
    contact: Ref | None = strawberry.field(
        graphql_type=CONTACT | None, description="Whose number it is; null where it is the customer's own."
    )
    matched_by: MatchedBy
    phone: str = strawberry.field(description="The number as it was written down")
    found: strawberry.Private[Match]
    briefs: strawberry.Private[Briefs]
    last_prices: list[CallPrice] | None = strawberry.field(
        resolver=answer_last_prices,
        description="What the customer last paid, by product, the latest first; null where orders are not for you.",
    )
    open_orders: int | None = strawberry.field(
        resolver=answer_open_orders,
        description="How many orders are open; null where orders are not for you.",
    )
    open_deliveries: int | None = strawberry.field(
        resolver=answer_open_deliveries, description="How many deliveries are planned or under way."
    )
    open_requests: int | None = strawberry.field(
        resolver=answer_open_requests,
        description="How many service requests are neither solved, closed nor cancelled.",
    )


@strawberry.type(description="Whose number it may be, the likeliest first.")
class CallLookup:
    matches: list[CallMatch]
    more: bool = strawberry.field(description="Whether there are more matches than were asked for")
    e164: str | None = strawberry.field(
        description="The number in its international form, where what was asked for is a valid one"
    )
    contacts_searched: bool = strawberry.field(
        description="False for whoever may not see the numbers of contacts: only customers were looked through"
    )


async def answer_call_lookup(info: Info[Context, None], number: str, first: int = 10) -> CallLookup:
    context = info.context
    context.require_scope("read")
    viewer = await context.viewer()
    async with context.databases.tenant_read(viewer.company) as read:
        found = await look_up_call(read, viewer, number=number, limit=first)
    return _told(found, context, viewer)


def _told(found: Found, context: Context, viewer: Viewer) -> CallLookup:
    customers = dict.fromkeys(match.customer_id for match in found.matches)
    briefs = Briefs(context, viewer, list(customers))
    return CallLookup(
        matches=[
            CallMatch(
                customer=Ref("customer", match.customer_id),
                contact=Ref("contact", match.contact_id) if match.contact_id else None,
                matched_by=MatchedBy(match.matched_by.value),
                phone=match.phone,
                found=match,
                briefs=briefs,
            )
            for match in found.matches
        ],
        more=found.more,
        e164=found.e164,
        contacts_searched=found.contacts_searched,
    )


def _price(price: LastPrice) -> CallPrice:
    return CallPrice(
        product=Ref("product", price.product_id) if price.product_id else None,
        unit_price=price.unit_price,
        currency=price.currency,
        quantity=price.quantity,
        discount=price.discount,
        ordered_on=price.ordered_on,
        order_number=price.order_number,
    )


@strawberry.type
class CallQuery:
    call_lookup: CallLookup = strawberry.field(
        resolver=answer_call_lookup,
        description=(
            "Whose telephone number it is: in any way of writing it, as a telephone system tells it,"
            " or at least its last four digits."
        ),
    )
