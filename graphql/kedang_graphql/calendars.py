"""The verbs of a member's calendar: its secret address is made, and ended."""

from __future__ import annotations

import strawberry
from strawberry.types import Info

from kedang_graphql.answering import write_in_company
from kedang_graphql.context import Context
from kedang_graphql.engine.executor import Ref
from kedang_graphql.engine.ids import record_id
from kedang_graphql.engine.types import UserError, generated_types
from kedang_graphql.inputs import Repeatable
from kedang_platform.database import TenantWrite
from kedang_platform.registry import find_company
from kedang_tenants.followups.calendar_feeds import end_calendar_address, make_calendar_address
from kedang_tenants.reading import Viewer

MEMBER = generated_types().of["member"].node


@strawberry.type
class MakeCalendarAddressPayload:
    url: str | None = strawberry.field(
        description="Subscribe to it in a calendar program. It is told this once; whoever has it reads along."
    )
    user_errors: list[UserError]


async def answer_make(info: Info[Context, None]) -> MakeCalendarAddressPayload:
    # No key of idempotency: an answer that is kept would keep the address.
    context = info.context

    async def make(write: TenantWrite, viewer: Viewer) -> str:
        async with context.databases.control_read() as read:
            company = await find_company(read, company_id=viewer.company.id)
        return await make_calendar_address(write, viewer, company=company, clock=context.clock)

    path, errors = await write_in_company(context, make)
    base = context.settings.base_url.rstrip("/")
    return MakeCalendarAddressPayload(url=base + path if path else None, user_errors=errors)


@strawberry.input
class EndCalendarAddressInput(Repeatable):
    member_id: strawberry.ID | None = strawberry.field(
        default=None, description="Whose address; yourself, if nothing is said."
    )


@strawberry.type
class EndCalendarAddressPayload:
    record: Ref | None = strawberry.field(
        graphql_type=MEMBER | None, description="The member, who has none now."
    )
    user_errors: list[UserError]


async def answer_end(
    info: Info[Context, None],
    input: EndCalendarAddressInput,  # noqa: A002 - the API's word
) -> EndCalendarAddressPayload:
    async def end(write: TenantWrite, viewer: Viewer) -> Ref:
        said = input.member_id
        member = record_id(said, "member", path=("input", "memberId")) if said is not None else None
        ended = await end_calendar_address(write, viewer, member_id=member, clock=info.context.clock)
        return Ref("member", ended)

    record, errors = await write_in_company(info.context, end)
    return EndCalendarAddressPayload(record=record, user_errors=errors)


@strawberry.type
class CalendarMutation:
    make_calendar_address: MakeCalendarAddressPayload = strawberry.mutation(
        resolver=answer_make,
        description="Make a secret address of your own calendar (iCalendar); a former one works no more.",
    )
    end_calendar_address: EndCalendarAddressPayload = strawberry.mutation(
        resolver=answer_end, description="End the address of a calendar at once."
    )
