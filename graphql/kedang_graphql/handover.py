"""Handover as the API has it: looking at what there is, handing it over, signing for it (A12)."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Self
from uuid import UUID

import strawberry
from strawberry.types import Info

from kedang_graphql.answering import attempt, write_in_company
from kedang_graphql.context import Context
from kedang_graphql.engine.executor import Ref
from kedang_graphql.engine.ids import record_id
from kedang_graphql.engine.types import UserError, generated_types
from kedang_graphql.inputs import Repeatable
from kedang_platform.database import TenantWrite
from kedang_platform.errors import BadUserInput
from kedang_platform.i18n import msg
from kedang_tenants.handover import asking, leaving, signing
from kedang_tenants.reading import Viewer

HANDOVER = generated_types().of["handover"].node
_LONGEST_REASON, _MOST_DAYS = 500, 90


class OutOfRange(BadUserInput):
    """A number of days, or the length of a text, that cannot be taken."""


@strawberry.enum(description="For whom a handover is signed for.")
class HandoverSide(Enum):
    DEPARTMENT = "DEPARTMENT"
    KEEPER = "KEEPER"


@strawberry.type(description="How much of each a member has in hand.")
class InHand:
    customers: int
    plans: int = strawberry.field(description="Follow-up plans that are open.")
    requests: int = strawberry.field(description="Service requests that are open.")
    reports: int
    webhooks: int
    subordinates: int


@strawberry.enum(description="How data left the product.")
class TakenOutKind(Enum):
    EXPORT = "EXPORT"
    BULK_EXPORT = "BULK_EXPORT"
    REPORT = "REPORT"


@strawberry.type(description="Data that a member has taken out of the product.")
class TakenOut:
    kind: TakenOutKind
    what: str = strawberry.field(description="The kind of record, or the kind of report.")
    at: datetime
    records: int | None = strawberry.field(description="How many, where that is known.")

    @classmethod
    def of(cls, taken: leaving.TakenOut) -> Self:
        return cls(kind=TakenOutKind(taken.kind), what=taken.what, at=taken.at, records=taken.records)


@strawberry.type(description="What there is to hand over, and what its owner has taken out.")
class HandoverPreview:
    in_hand: InHand
    taken_out: list[TakenOut] = strawberry.field(
        description="Exports and reports of the last 90 days, the newest first, at most 500."
    )


@strawberry.input(description="Customers that a successor takes by name.")
class HandoverShareInput:
    member_id: strawberry.ID
    customer_ids: list[strawberry.ID]


@strawberry.input
class HandOverInput:
    member_id: strawberry.ID = strawberry.field(description="Who leaves; their access ends at once.")
    successor_id: strawberry.ID = strawberry.field(
        description="Takes everything that is not given to another by name: an active member with a full seat."
    )
    shares: list[HandoverShareInput] | None = strawberry.field(
        default=None, description="At most 5,000 customers together."
    )
    reason: str | None = None
    tell_customers: bool = strawberry.field(default=True, description="Whether customers are told by mail.")
    contact_days: int = strawberry.field(
        default=7, description="Within how many days (1 to 90) successors make their first contact."
    )


@strawberry.input
class SignHandoverInput(Repeatable):
    id: strawberry.ID
    side: HandoverSide


@strawberry.type
class HandoverPayload:
    record: Ref | None = strawberry.field(graphql_type=HANDOVER | None)
    user_errors: list[UserError]


async def answer_handover_preview(info: Info[Context, None], member_id: strawberry.ID) -> HandoverPreview:
    context = info.context
    context.require_scope("read")
    viewer = await context.viewer()
    wanted = record_id(member_id, "member", path=("memberId",))
    async with context.databases.tenant_read(viewer.company) as read:
        in_hand, taken = await leaving.look_at(read, viewer, member_id=wanted, clock=context.clock)
    return HandoverPreview(
        in_hand=InHand(
            customers=in_hand.customers,
            plans=in_hand.plans,
            requests=in_hand.requests,
            reports=in_hand.reports,
            webhooks=in_hand.webhooks,
            subordinates=in_hand.subordinates,
        ),
        taken_out=[TakenOut.of(each) for each in taken],
    )


async def answer_hand_over(info: Info[Context, None], input: HandOverInput) -> HandoverPayload:  # noqa: A002
    context = info.context
    context.require_scope("write")
    context.require_recent_authentication()
    handover, errors = await attempt(context, _hand_over(context, input))
    return HandoverPayload(record=Ref("handover", handover) if handover else None, user_errors=errors)


async def _hand_over(context: Context, given: HandOverInput) -> UUID:
    return await asking.hand_over(
        context.identity, await context.viewer(), company=context.company, wish=_wish(given)
    )


def _wish(given: HandOverInput) -> asking.HandoverWish:
    if not 1 <= given.contact_days <= _MOST_DAYS:
        raise OutOfRange(msg("This must be 1 to {most}."), path=("contactDays",), most=_MOST_DAYS)
    if given.reason is not None and len(given.reason) > _LONGEST_REASON:
        raise OutOfRange(msg("At most {most} characters."), path=("reason",), most=_LONGEST_REASON)
    return asking.HandoverWish(
        member_id=record_id(given.member_id, "member", path=("memberId",)),
        successor_id=record_id(given.successor_id, "member", path=("successorId",)),
        shares=[
            asking.Share(
                record_id(share.member_id, "member", path=("shares", place, "memberId")),
                [
                    record_id(customer, "customer", path=("shares", place, "customerIds", number))
                    for number, customer in enumerate(share.customer_ids)
                ],
            )
            for place, share in enumerate(given.shares or ())
        ],
        reason=given.reason,
        tell_customers=given.tell_customers,
        contact_days=given.contact_days,
    )


async def answer_sign_handover(info: Info[Context, None], input: SignHandoverInput) -> HandoverPayload:  # noqa: A002
    context = info.context

    async def sign(write: TenantWrite, viewer: Viewer) -> UUID:
        handover = record_id(input.id, "handover", path=("input", "id"))
        side: signing.Side = "DEPARTMENT" if input.side is HandoverSide.DEPARTMENT else "KEEPER"
        await signing.sign(write, viewer, handover_id=handover, side=side, clock=context.clock)
        return handover

    signed, errors = await write_in_company(context, sign)
    return HandoverPayload(record=Ref("handover", signed) if signed else None, user_errors=errors)


@strawberry.type
class HandoverQuery:
    handover_preview: HandoverPreview | None = strawberry.field(
        resolver=answer_handover_preview,
        description="What a member has in hand, and what they have taken out in the last 90 days.",
    )


@strawberry.type
class HandoverMutation:
    hand_over: HandoverPayload = strawberry.mutation(
        resolver=answer_hand_over,
        description="End a member's access at once and give everything that they had in hand to others.",
    )
    sign_handover: HandoverPayload = strawberry.mutation(
        resolver=answer_sign_handover,
        description="Sign for a handover, for the leaver's department or for the archive.",
    )
