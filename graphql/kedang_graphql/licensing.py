"""Seats and what they cost, as the API has them."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from typing import Final, Self

import strawberry
from strawberry.types import Info

from kedang_graphql.answering import attempt, opaque_id
from kedang_graphql.context import Context
from kedang_graphql.engine.types import UserError
from kedang_graphql.scalars import MinorUnits
from kedang_platform import licensing
from kedang_platform.licensing import previewing
from kedang_tenants.people import licence as company_licence
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
    WITHDRAWN = strawberry.enum_value("withdrawn", description="Its invoice was credited: nothing is owed.")


@strawberry.type(description="Seats that the company bought, to be paid by bank transfer.")
class SeatOrder:
    id: strawberry.ID
    reference: str = strawberry.field(description="To be named in the bank transfer.")
    seats: int
    interval: SeatInterval
    unit_price: MinorUnits = strawberry.field(description="Of one seat and interval.")
    amount: MinorUnits = strawberry.field(description="To be transferred, tax included.")
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
            amount=MinorUnits(order.gross),
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


@strawberry.enum(description="How far the life of a subscription is.")
class SubscriptionState(Enum):
    FREE = strawberry.enum_value("free", description="The free seats only.")
    ACTIVE = strawberry.enum_value("active", description="Paid seats count; nothing is overdue.")
    PAST_DUE = strawberry.enum_value(
        "past_due", description="An invoice is overdue. All seats have their full use for 14 days."
    )
    RESTRICTED = strawberry.enum_value(
        "restricted",
        description="Not paid: the free seats have their full use, the others read and export. With the payment all"
        " are back at once; after 60 days the paid seats end.",
    )


@strawberry.type(description="An amount of money without tax, its tax, and both together.")
class Cost:
    net: MinorUnits = strawberry.field(description="Without tax.")
    tax: MinorUnits = strawberry.field(description="What is added for the tax office.")
    gross: MinorUnits = strawberry.field(description="To be paid.")

    @classmethod
    def of(cls, cost: previewing.Cost) -> Self:
        return cls(net=MinorUnits(cost.net), tax=MinorUnits(cost.tax), gross=MinorUnits(cost.gross))


@strawberry.type(description="The period that the company has paid for, or is to pay, and what follows it.")
class SubscriptionPeriod:
    interval: SeatInterval = strawberry.field(description="What this period is paid by.")
    currency: str = strawberry.field(description="ISO 4217")
    start: date = strawberry.field(description="The first day, in the company's time zone.")
    end: date = strawberry.field(description="The day on which the next period begins.")
    seats: int = strawberry.field(description="Paid for in this period, also while they do not count.")
    next_seats: int = strawberry.field(
        description="Paid seats from `end` on: fewer where a removal is scheduled."
    )
    next_interval: SeatInterval = strawberry.field(description="The interval from `end` on.")
    next_cost: Cost = strawberry.field(description="Of the next period, by the price list of today.")

    @classmethod
    def of(cls, licence: company_licence.Licence) -> Self | None:
        held, cost = licence.subscription, licence.next
        if held.period is None or cost is None:
            return None
        return cls(
            interval=SeatInterval(held.period.interval),
            currency=held.period.currency,
            start=held.period.start,
            end=held.period.end,
            seats=held.paid_seats,
            next_seats=held.seats_next,
            next_interval=SeatInterval(held.interval_at_renewal or held.period.interval),
            next_cost=Cost.of(cost),
        )


@strawberry.type(description="The seats of the company: the free ones, those paid for, those in use.")
class CompanySubscription:
    free: int = strawberry.field(description="Free for ever.")
    paid: int = strawberry.field(
        description="Paid seats that count now: none while the company is restricted."
    )
    state: SubscriptionState = strawberry.field(description="How far its life is.")
    period: SubscriptionPeriod | None = strawberry.field(description="None while the company is free.")
    due_at: datetime | None = strawberry.field(description="When the first of what is owed is to be paid.")
    past_due_since: datetime | None = strawberry.field(description="Since when something is overdue.")
    restricted_since: datetime | None = strawberry.field(description="Since when only the free seats count.")
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
    info.context.require_scope("read")
    return await company_subscription(info.context)


async def company_subscription(context: Context) -> CompanySubscription:
    """How the company's subscription stands. Raises ``Forbidden``."""
    licence = await company_licence.licence_of(
        context.identity, await context.viewer(), company=context.company
    )
    told = await company_seats.subscription_of(
        context.identity, await context.viewer(), company=context.company
    )
    seats, price = told.seats, told.price
    return CompanySubscription(
        free=seats.free,
        paid=seats.paid,
        state=SubscriptionState(licence.subscription.state),
        period=SubscriptionPeriod.of(licence),
        due_at=licence.due_at,
        past_due_since=licence.subscription.past_due_since,
        restricted_since=licence.subscription.restricted_since,
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
