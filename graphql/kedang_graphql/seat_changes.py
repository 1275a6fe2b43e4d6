"""Changing the subscription: its price before, seats more and fewer, the interval, who keeps a seat (T3, T4)."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import date, datetime
from enum import Enum
from typing import Annotated, Final, Self
from uuid import UUID

import strawberry
from strawberry.types import Info

from kedang_graphql.answering import attempt, id_inside, opaque_id
from kedang_graphql.context import Context
from kedang_graphql.engine.ids import record_id
from kedang_graphql.engine.types import UserError
from kedang_graphql.licensing import (
    CompanySubscription,
    Cost,
    SeatInterval,
    SeatOrder,
    company_subscription,
)
from kedang_platform.licensing import previewing
from kedang_platform.licensing.history import SeatNote
from kedang_platform.licensing.previewing import SeatChange
from kedang_tenants.people import licence

NOTE: Final = "snt"
_MOST_NOTES: Final = 250


@strawberry.type(description="What a change of seats would cost. Nothing is ordered by asking.")
class SeatChangePreview:
    currency: str = strawberry.field(description="ISO 4217")
    capacity: int = strawberry.field(description="Full members that there may be then.")
    now: Cost = strawberry.field(description="To be paid for what is added.")
    share: str = strawberry.field(
        description='The part of an interval that is charged for what is added, such as "17/30".'
    )
    on_payment: bool = strawberry.field(description="Whether what is added counts only when it is paid.")
    renews_on: date | None = strawberry.field(
        description="When the next period begins; None where the first one begins with the payment."
    )
    next_seats: int = strawberry.field(description="Paid seats of the next period.")
    next_interval: SeatInterval = strawberry.field(description="What the next period is paid by.")
    next_cost: Cost = strawberry.field(description="Of the next period, by the price list of today.")

    @classmethod
    def of(cls, told: previewing.Preview) -> Self:
        return cls(
            currency=told.currency,
            capacity=told.capacity,
            now=Cost.of(told.now),
            share=f"{told.share.numerator}/{told.share.denominator}",
            on_payment=told.on_payment,
            renews_on=told.renews_on,
            next_seats=told.next_seats,
            next_interval=SeatInterval(told.next_interval),
            next_cost=Cost.of(told.next),
        )


@strawberry.enum(description="What became of a seat, or of the subscription.")
class SeatEventKind(Enum):
    RESERVED = strawberry.enum_value("reserved", description="An invitation holds the seat.")
    ASSIGNED = strawberry.enum_value("assigned", description="A member has the seat.")
    RELEASED = strawberry.enum_value("released", description="The seat is free, or there is none any more.")
    GIVEN_BACK = strawberry.enum_value("given_back", description="Who had lost the seat has it again.")
    BOUGHT = strawberry.enum_value("bought", description="Seats were paid, and a first period began.")
    ADDED = strawberry.enum_value("added", description="Seats were added to a running period.")
    REDUCED = strawberry.enum_value("reduced", description="There are fewer paid seats.")
    RENEWED = strawberry.enum_value("renewed", description="The next period began.")
    REMOVAL_SCHEDULED = strawberry.enum_value(
        "removal_scheduled", description="Seats go at the end of the period."
    )
    REMOVAL_TAKEN_BACK = strawberry.enum_value("removal_taken_back", description="They stay after all.")
    INTERVAL_SCHEDULED = strawberry.enum_value(
        "interval_scheduled", description="The next period is of another length, or of the same again."
    )
    KEEPERS_CHOSEN = strawberry.enum_value("keepers_chosen", description="It was said who keeps a seat.")
    PAST_DUE = strawberry.enum_value("past_due", description="An invoice is overdue.")
    RESTRICTED = strawberry.enum_value("restricted", description="Only the free seats count.")
    RESTORED = strawberry.enum_value("restored", description="All paid seats count again.")
    ENDED = strawberry.enum_value("ended", description="There are no paid seats any more.")


@strawberry.enum(description="Why it happened.")
class SeatReason(Enum):
    INVITATION = strawberry.enum_value("invitation", description="Somebody was asked in.")
    ACCEPTANCE = strawberry.enum_value("acceptance", description="An invitation was accepted.")
    WITHDRAWAL = strawberry.enum_value("withdrawal", description="An invitation was taken back.")
    EXPIRY = strawberry.enum_value("expiry", description="An invitation was not accepted in seven days.")
    DEACTIVATION = strawberry.enum_value("deactivation", description="The member was deactivated.")
    PROMOTION = strawberry.enum_value("promotion", description="The member was given a seat.")
    DEMOTION = strawberry.enum_value("demotion", description="The member was made view-only.")
    OPENING = strawberry.enum_value("opening", description="The company was opened.")
    PAYMENT = strawberry.enum_value("payment", description="Money has arrived.")
    REVERSAL = strawberry.enum_value("reversal", description="A payment was taken back.")
    ORDER = strawberry.enum_value("order", description="Somebody of the company wished it.")
    RENEWAL = strawberry.enum_value("renewal", description="A period ended.")
    CHOICE = strawberry.enum_value("choice", description="It was chosen who keeps a seat.")
    NONPAYMENT = strawberry.enum_value("nonpayment", description="An invoice was not paid.")


@strawberry.type(description="One entry of the history of seats, which is only ever added to.")
class SeatEvent:
    id: strawberry.ID
    at: datetime
    event: SeatEventKind = strawberry.field(description="What happened.")
    reason: SeatReason = strawberry.field(description="Why it happened.")
    member_id: strawberry.ID | None = strawberry.field(description="Whose seat it was.")
    seats: int | None = strawberry.field(description="How many seats it was about.")
    by_member_id: strawberry.ID | None = strawberry.field(
        description="The member who did it; nobody where the product did it by itself."
    )

    @classmethod
    def of(cls, note: SeatNote) -> Self:
        return cls(
            id=strawberry.ID(opaque_id(NOTE, note.id)),
            at=note.at,
            event=SeatEventKind(note.event),
            reason=SeatReason(note.reason),
            member_id=_member(note.member_id),
            seats=note.seats,
            by_member_id=_member(note.by.member_id),
        )


@strawberry.input
class AddSeatsInput:
    seats: int = strawberry.field(description="From 1 to 1000, in addition to those that there are.")
    interval: SeatInterval | None = strawberry.field(
        default=None, description="For a company without paid seats; by the month where it is not said."
    )


@strawberry.input
class RemoveSeatsAtPeriodEndInput:
    seats: int = strawberry.field(description="Fewer than are paid for, in addition to those removed before.")


@strawberry.input
class ChangeIntervalInput:
    interval: SeatInterval = strawberry.field(description="What the next period is paid by.")


@strawberry.input
class ChooseSeatsInput:
    member_ids: list[strawberry.ID] = strawberry.field(
        description="Who keeps a seat where there are too few, in this order. Who is not named comes after: owners,"
        " then the earliest members."
    )


@strawberry.type
class SubscriptionPayload:
    subscription: CompanySubscription | None = strawberry.field(description="As it stands now.")
    user_errors: list[UserError]


@strawberry.type(
    description="Seats that count at once are invoiced; those that wait for payment are an order."
)
class AddSeatsPayload:
    subscription: CompanySubscription | None = strawberry.field(description="As it stands now.")
    order: SeatOrder | None = strawberry.field(description="What is to be paid before the seats count.")
    invoice_number: str | None = strawberry.field(description="Of the invoice of seats that count already.")
    user_errors: list[UserError]


async def answer_preview(
    info: Info[Context, None],
    add: Annotated[int, strawberry.argument(description="Seats to add now.")] = 0,
    remove: Annotated[int, strawberry.argument(description="Seats to remove at the end of the period.")] = 0,
    interval: Annotated[
        SeatInterval | None,
        strawberry.argument(
            description="To pay by from the next period on, or from the first one of a free company."
        ),
    ] = None,
) -> SeatChangePreview:
    context = info.context
    context.require_scope("read")
    told = await licence.preview_change(
        context.identity,
        await context.viewer(),
        company=context.company,
        change=SeatChange(add, remove, interval.value if interval else None),
    )
    return SeatChangePreview.of(told)


async def answer_history(
    info: Info[Context, None],
    first: Annotated[int, strawberry.argument(description="At most 250.")] = 50,
    after: Annotated[
        str | None, strawberry.argument(description="The `id` of the last entry that is known.")
    ] = None,
) -> list[SeatEvent]:
    context = info.context
    context.require_scope("read")
    notes = await licence.seat_history(
        context.identity,
        await context.viewer(),
        company=context.company,
        first=min(max(first, 0), _MOST_NOTES),
        before=id_inside(NOTE, after, path=("after",)) if after else None,
    )
    return [SeatEvent.of(note) for note in notes]


async def answer_add_seats(
    info: Info[Context, None],
    input: AddSeatsInput,  # noqa: A002
) -> AddSeatsPayload:
    context = info.context
    context.require_scope("write")
    work = licence.add_seats(
        context.identity,
        await context.viewer(),
        company=context.company,
        seats=input.seats,
        interval=input.interval.value if input.interval else None,
    )
    added, errors = await attempt(context, work)
    if added is None:
        return AddSeatsPayload(subscription=None, order=None, invoice_number=None, user_errors=errors)
    return AddSeatsPayload(
        subscription=await company_subscription(context),
        order=SeatOrder.of(added.order, context) if added.order else None,
        invoice_number=added.invoice.number if added.invoice else None,
        user_errors=[],
    )


async def answer_remove_seats(
    info: Info[Context, None],
    input: RemoveSeatsAtPeriodEndInput,  # noqa: A002
) -> SubscriptionPayload:
    context = info.context
    context.require_scope("write")
    viewer = await context.viewer()
    work = licence.remove_seats(context.identity, viewer, company=context.company, seats=input.seats)
    return await _payload(context, work)


async def answer_keep_seats(info: Info[Context, None]) -> SubscriptionPayload:
    context = info.context
    context.require_scope("write")
    viewer = await context.viewer()
    return await _payload(context, licence.keep_seats(context.identity, viewer, company=context.company))


async def answer_change_interval(
    info: Info[Context, None],
    input: ChangeIntervalInput,  # noqa: A002
) -> SubscriptionPayload:
    context = info.context
    context.require_scope("write")
    viewer = await context.viewer()
    work = licence.change_interval(
        context.identity, viewer, company=context.company, interval=input.interval.value
    )
    return await _payload(context, work)


async def answer_choose_seats(
    info: Info[Context, None],
    input: ChooseSeatsInput,  # noqa: A002
) -> SubscriptionPayload:
    context = info.context
    context.require_recent_authentication()
    context.require_scope("write")
    viewer = await context.viewer()

    async def choose() -> None:
        chosen = [record_id(each, "member", path=("memberIds",)) for each in input.member_ids]
        await licence.choose_seats(context.identity, viewer, company=context.company, member_ids=chosen)

    payload = await _payload(context, choose())
    context.viewers.forget()
    return payload


@strawberry.type
class SeatChangeQuery:
    seat_change_preview: SeatChangePreview = strawberry.field(
        resolver=answer_preview,
        description="What a change of seats would cost, exactly, before it is ordered.",
    )
    seat_history: list[SeatEvent] = strawberry.field(
        resolver=answer_history,
        description="Who got or lost a seat, when and why, the newest first.",
    )


@strawberry.type
class SeatChangeMutation:
    add_seats: AddSeatsPayload = strawberry.mutation(
        resolver=answer_add_seats,
        description="Add seats: at once, for the rest of the period, or by an order that counts when it is paid.",
    )
    remove_seats_at_period_end: SubscriptionPayload = strawberry.mutation(
        resolver=answer_remove_seats,
        description="Pay for fewer seats from the next period on; until then they stay.",
    )
    keep_seats: SubscriptionPayload = strawberry.mutation(
        resolver=answer_keep_seats,
        description="Take back every removal that waits for the end of the period.",
    )
    change_interval: SubscriptionPayload = strawberry.mutation(
        resolver=answer_change_interval,
        description="Pay by the month or by the year from the next period on.",
    )
    choose_seats: SubscriptionPayload = strawberry.mutation(
        resolver=answer_choose_seats,
        description="Say who keeps a seat where there are too few. Needs a session with a recent sign-in.",
    )


def _member(member_id: UUID | None) -> strawberry.ID | None:
    return strawberry.ID(opaque_id("mem", member_id)) if member_id else None


async def _payload(context: Context, work: Awaitable[None]) -> SubscriptionPayload:
    _, errors = await attempt(context, work)
    if errors:
        return SubscriptionPayload(subscription=None, user_errors=errors)
    return SubscriptionPayload(subscription=await company_subscription(context), user_errors=[])
