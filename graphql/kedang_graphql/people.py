"""Asking people into the company and taking it away from them, as the API has it."""

from __future__ import annotations

from datetime import date
from enum import Enum
from typing import Any, Literal, Self
from uuid import UUID

import strawberry
from strawberry.types import Info

from kedang_graphql.answering import attempt
from kedang_graphql.context import Context
from kedang_graphql.engine.executor import Ref
from kedang_graphql.engine.ids import record_id
from kedang_graphql.engine.types import UserError, generated_types
from kedang_graphql.identity import MEMBER, SignedInPayload, signed_in_payload
from kedang_graphql.licensing import Cost
from kedang_tenants.catalogue import catalogue
from kedang_tenants.people import licence
from kedang_tenants.people.operations import (
    accept_invitation,
    change_member,
    deactivate_member,
    invite_member,
)
from kedang_tenants.people.seats import SEE

_RECORD = catalogue().record("member")
_ROLES: Any = generated_types().scalar(_RECORD, _RECORD.fields["roles"])
_SEAT: Any = generated_types().scalar(_RECORD, _RECORD.fields["seat"])
_SEATS: dict[str, Literal["full", "none"]] = {"FULL": "full", "VIEW_ONLY": "none"}


@strawberry.input
class InviteMemberInput:
    email: str
    name: str
    roles: list[Enum] = strawberry.field(
        graphql_type=_ROLES, description="May be empty where a role of the company is given."
    )
    own_roles: list[str] = strawberry.field(
        default_factory=list, description="Codes of roles that the company has made itself."
    )
    seat: Enum = strawberry.field(graphql_type=_SEAT, description="A full member holds a seat from now on.")


@strawberry.input
class AcceptInvitationInput:
    token: str = strawberry.field(description="From the link in the mail.")
    password: str = strawberry.field(
        description="A new one; for who has an account already, that account's password."
    )


@strawberry.input
class DeactivateMemberInput:
    id: strawberry.ID


@strawberry.input(description="What is not given, or null, stays as it is.")
class ChangeMemberInput:
    id: strawberry.ID
    roles: list[Enum] | None = strawberry.field(
        default=None, graphql_type=_ROLES | None, description="All roles that the member has from now on."
    )
    own_roles: list[str] | None = strawberry.field(
        default=None,
        description="All roles of the company's own that the member has from now on, beside `roles`.",
    )
    seat: Enum | None = strawberry.field(
        default=None,
        graphql_type=_SEAT | None,
        description="A full member holds a seat, a view-only one none.",
    )


@strawberry.type
class ChangedMemberPayload:
    member: Ref | None = strawberry.field(graphql_type=MEMBER | None)
    user_errors: list[UserError]


@strawberry.type
class InvitedPayload:
    member: Ref | None = strawberry.field(graphql_type=MEMBER | None)
    user_errors: list[UserError]


@strawberry.type(
    description="When money stops for a seat that became free; `removeSeatsAtPeriodEnd` makes it stop."
)
class FreedSeat:
    currency: str = strawberry.field(description="ISO 4217")
    paid_until: date = strawberry.field(description="The seat is paid until this day; others can take it.")
    next_invoice: Cost = strawberry.field(description="What is invoiced on that day as things stand.")
    next_invoice_without: Cost = strawberry.field(description="The same with one paid seat fewer.")
    removable: int = strawberry.field(
        description="Paid seats that nobody uses now, as many as `removeSeatsAtPeriodEnd` may take."
    )

    @classmethod
    def of(cls, freed: licence.FreedSeat) -> Self:
        return cls(
            currency=freed.currency,
            paid_until=freed.paid_until,
            next_invoice=Cost.of(freed.next_invoice),
            next_invoice_without=Cost.of(freed.next_without),
            removable=freed.removable,
        )


@strawberry.type
class DeactivatedPayload:
    member: Ref | None = strawberry.field(graphql_type=MEMBER | None)
    freed_seat: FreedSeat | None = strawberry.field(
        description="When money stops for the seat; None where the company pays for none, or who asks may not know."
    )
    user_errors: list[UserError]


async def answer_invite_member(
    info: Info[Context, None],
    input: InviteMemberInput,  # noqa: A002
) -> InvitedPayload:
    context = info.context
    context.require_scope("write")
    work = invite_member(
        context.identity,
        await context.viewer(),
        company=context.company,
        email=input.email,
        name=input.name,
        roles=[str(role.value) for role in input.roles],
        own_roles=input.own_roles,
        seat=_SEATS[str(input.seat.value)],
    )
    member_id, errors = await attempt(context, work)
    return InvitedPayload(member=Ref("member", member_id) if member_id else None, user_errors=errors)


async def answer_accept_invitation(
    info: Info[Context, None],
    input: AcceptInvitationInput,  # noqa: A002
) -> SignedInPayload:
    context = info.context
    work = accept_invitation(
        context.identity,
        token=input.token,
        password=input.password,
        address=context.request_address,
        user_agent=context.user_agent,
        device=context.device,
    )
    return signed_in_payload(context, *await attempt(context, work))


async def answer_deactivate_member(
    info: Info[Context, None],
    input: DeactivateMemberInput,  # noqa: A002
) -> DeactivatedPayload:
    context = info.context
    context.require_scope("write")
    deactivated, errors = await attempt(context, _deactivate(context, input.id))
    context.viewers.forget()
    return DeactivatedPayload(
        member=deactivated,
        freed_seat=await _freed_seat(context, deactivated.id) if deactivated else None,
        user_errors=errors,
    )


async def answer_change_member(
    info: Info[Context, None],
    input: ChangeMemberInput,  # noqa: A002
) -> ChangedMemberPayload:
    context = info.context
    context.require_scope("write")
    changed, errors = await attempt(context, _change(context, input))
    context.viewers.forget()
    return ChangedMemberPayload(member=changed, user_errors=errors)


@strawberry.type
class PeopleMutation:
    change_member: ChangedMemberPayload = strawberry.mutation(
        resolver=answer_change_member,
        description="Give a member other roles or another seat; a further full member needs a free seat.",
    )
    invite_member: InvitedPayload = strawberry.mutation(
        resolver=answer_invite_member, description="Ask a person in by mail; asking again sends a fresh link."
    )
    accept_invitation: SignedInPayload = strawberry.mutation(
        resolver=answer_accept_invitation, description="Use the link of an invitation and sign in."
    )
    deactivate_member: DeactivatedPayload = strawberry.mutation(
        resolver=answer_deactivate_member,
        description="Take the company away from a member; what they did stays.",
    )


async def _deactivate(context: Context, public: str) -> Ref:
    member_id = record_id(public, "member", path=("id",))
    viewer = await context.viewer()
    await deactivate_member(context.identity, viewer, company=context.company, member_id=member_id)
    return Ref("member", member_id)


async def _freed_seat(context: Context, member_id: UUID) -> FreedSeat | None:
    if not (await context.viewer()).roles & SEE:
        return None
    freed = await licence.freed_seat(context.identity, company=context.company, member_id=member_id)
    return FreedSeat.of(freed) if freed else None


async def _change(context: Context, given: ChangeMemberInput) -> Ref:
    member_id = record_id(given.id, "member", path=("id",))
    await change_member(
        context.identity,
        await context.viewer(),
        company=context.company,
        member_id=member_id,
        roles=None if given.roles is None else [str(role.value) for role in given.roles],
        own_roles=given.own_roles,
        seat=None if given.seat is None else _SEATS[str(given.seat.value)],
    )
    return Ref("member", member_id)
