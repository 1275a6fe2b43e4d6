"""Seats and what they cost, as the API has them."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Final, Self

import strawberry
from strawberry.types import Info

from kedang_graphql.answering import attempt, opaque_id
from kedang_graphql.context import Context
from kedang_graphql.engine.types import UserError
from kedang_graphql.scalars import MinorUnits
from kedang_platform import licensing
from kedang_tenants.people import seats as company_seats

ORDER: Final = "sor"


@strawberry.enum(description="For how long a seat is paid at a time.")
class SeatInterval(Enum):
    MONTHLY = "month"
    YEARLY = "year"


@strawberry.enum
class SeatOrderState(Enum):
    PENDING = strawberry.enum_value("pending", description="The bank transfer has not been confirmed yet.")
    PAID = strawberry.enum_value("paid", description="Confirmed: the seats count.")


@strawberry.type(description="Seats that the company bought, to be paid by bank transfer.")
class SeatOrder:
    id: strawberry.ID
    reference: str = strawberry.field(description="To be named in the bank transfer.")
    seats: int
    interval: SeatInterval
    unit_price: MinorUnits = strawberry.field(description="Of one seat and interval.")
    amount: MinorUnits = strawberry.field(description="To be transferred.")
    currency: str = strawberry.field(description="ISO 4217")
    state: SeatOrderState
    pay_to: str | None = strawberry.field(description="The account to transfer to.")
    ordered_at: datetime
    confirmed_at: datetime | None

    @classmethod
    def of(cls, order: licensing.SeatOrder, context: Context) -> Self:
        return cls(
            id=strawberry.ID(opaque_id(ORDER, order.id)),
            reference=order.reference,
            seats=order.seats,
            interval=SeatInterval(order.interval),
            unit_price=MinorUnits(order.unit_price),
            amount=MinorUnits(order.amount),
            currency=order.currency,
            state=SeatOrderState(order.state),
            pay_to=context.settings.bank_account,
            ordered_at=order.ordered_at,
            confirmed_at=order.confirmed_at,
        )


@strawberry.type(description="What a further seat costs.")
class SeatPrice:
    currency: str = strawberry.field(description="ISO 4217")
    month: MinorUnits
    year: MinorUnits


@strawberry.type(description="The seats of the company: the free ones, those paid for, those in use.")
class CompanySubscription:
    free: int = strawberry.field(description="Free for ever.")
    paid: int
    pending: int = strawberry.field(description="Ordered and not confirmed yet; they cannot be used.")
    taken: int = strawberry.field(description="By active full members and by invitations to be one.")
    capacity: int = strawberry.field(description="How many full members there may be: free and paid seats.")
    price: SeatPrice
    orders: list[SeatOrder] = strawberry.field(description="The newest first, at most 100.")


@strawberry.input
class BuySeatsInput:
    seats: int = strawberry.field(description="From 1 to 1000, in addition to those that there are.")
    interval: SeatInterval


@strawberry.type
class BuySeatsPayload:
    order: SeatOrder | None
    user_errors: list[UserError]


async def answer_subscription(info: Info[Context, None]) -> CompanySubscription:
    context = info.context
    context.require_scope("read")
    told = await company_seats.subscription_of(
        context.identity, await context.viewer(), company=context.company
    )
    seats, price = told.seats, told.price
    return CompanySubscription(
        free=seats.free,
        paid=seats.paid,
        pending=told.pending,
        taken=seats.taken,
        capacity=seats.total,
        price=SeatPrice(currency=price.currency, month=MinorUnits(price.month), year=MinorUnits(price.year)),
        orders=[SeatOrder.of(order, context) for order in told.orders],
    )


async def answer_buy_seats(
    info: Info[Context, None],
    input: BuySeatsInput,  # noqa: A002 - the API's word
) -> BuySeatsPayload:
    context = info.context
    context.require_scope("write")
    work = company_seats.buy_seats(
        context.identity,
        await context.viewer(),
        company=context.company,
        seats=input.seats,
        interval=input.interval.value,
    )
    order, errors = await attempt(context, work)
    return BuySeatsPayload(order=SeatOrder.of(order, context) if order else None, user_errors=errors)


@strawberry.type
class LicensingQuery:
    subscription: CompanySubscription = strawberry.field(
        resolver=answer_subscription, description="The seats of the company and its orders of seats."
    )


@strawberry.type
class LicensingMutation:
    buy_seats: BuySeatsPayload = strawberry.mutation(
        resolver=answer_buy_seats,
        description="Order further seats; they count when the bank transfer has been confirmed.",
    )
