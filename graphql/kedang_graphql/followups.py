"""The verbs of follow-ups: recording a contact, reminding everybody."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from typing import Any
from uuid import UUID

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from kedang_graphql.answering import write_in_company
from kedang_graphql.context import Context
from kedang_graphql.engine.arguments import custom_of, values_of
from kedang_graphql.engine.executor import Ref
from kedang_graphql.engine.types import UserError, generated_types
from kedang_graphql.inputs import Repeatable, given
from kedang_graphql.jobs import Job, job_told
from kedang_platform.database import TenantWrite
from kedang_tenants.catalogue import catalogue
from kedang_tenants.followups.recording import record_follow_up
from kedang_tenants.followups.reminders import send_reminders
from kedang_tenants.reading import Viewer

_RECORD = catalogue().record("follow_up_record")
_WAY: Any = generated_types().scalar(_RECORD, _RECORD.fields["way"])
FOLLOW_UP_RECORD = generated_types().of["follow_up_record"].node
CUSTOMER = generated_types().of["customer"].node


@strawberry.input
class RecordFollowUpInput(Repeatable):
    way: Enum = strawberry.field(graphql_type=_WAY)
    customer_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="May be left out where a plan is named."
    )
    plan_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The plan that this contact fulfils."
    )
    contact_id: strawberry.ID | None = strawberry.UNSET
    at: datetime | None = strawberry.field(default=strawberry.UNSET, description="Now, if nothing is said.")
    reached: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether somebody was reached; only then the next date moves."
    )
    duration_minutes: int | None = strawberry.UNSET
    content: str | None = strawberry.UNSET
    result: str | None = strawberry.UNSET
    next_step: str | None = strawberry.UNSET
    needs: str | None = strawberry.field(
        default=strawberry.UNSET, description="What the customer needs; raiseDemand makes a demand of it."
    )
    problems: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="What the customer complains of; reportProblems makes a service request of it.",
    )
    competitors: str | None = strawberry.field(
        default=strawberry.UNSET, description="What was heard of competitors."
    )
    market_news: str | None = strawberry.field(
        default=strawberry.UNSET, description="What was heard of the market."
    )
    note_taker_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Who has noted it; yourself, if nothing is said."
    )
    custom_fields: JSON | None = strawberry.UNSET


@strawberry.type
class RecordFollowUpPayload:
    record: Ref | None = strawberry.field(graphql_type=FOLLOW_UP_RECORD | None)
    customer: Ref | None = strawberry.field(
        graphql_type=CUSTOMER | None, description="With the day of the next follow-up as it is now."
    )
    user_errors: list[UserError]


async def answer_record_follow_up(
    info: Info[Context, None],
    input: RecordFollowUpInput,  # noqa: A002 - the API's word
) -> RecordFollowUpPayload:
    async def record(write: TenantWrite, viewer: Viewer) -> tuple[UUID, UUID]:
        said = given(input)
        values, custom = values_of(_RECORD, said), custom_of(viewer, _RECORD, said.get("customFields"))
        return await record_follow_up(write, viewer, values=values, custom=custom, clock=info.context.clock)

    done, errors = await write_in_company(info.context, record)
    if done is None:
        return RecordFollowUpPayload(record=None, customer=None, user_errors=errors)
    return RecordFollowUpPayload(
        record=Ref("follow_up_record", done[0]), customer=Ref("customer", done[1]), user_errors=[]
    )


@strawberry.input
class SendFollowUpRemindersInput(Repeatable):
    date: date


@strawberry.type
class SendFollowUpRemindersPayload:
    job: Job | None
    user_errors: list[UserError]


async def answer_send_follow_up_reminders(
    info: Info[Context, None],
    input: SendFollowUpRemindersInput,  # noqa: A002 - the API's word
) -> SendFollowUpRemindersPayload:
    async def send(write: TenantWrite, viewer: Viewer) -> Job:
        job_id = await send_reminders(write, viewer, day=input.date)
        return await job_told(info.context, write, job_id)

    job, errors = await write_in_company(info.context, send)
    return SendFollowUpRemindersPayload(job=job, user_errors=errors)


@strawberry.type
class FollowUpMutation:
    record_follow_up: RecordFollowUpPayload = strawberry.mutation(
        resolver=answer_record_follow_up,
        description="Record a contact; the open plan is done by it, and the next one is made.",
    )
    send_follow_up_reminders: SendFollowUpRemindersPayload = strawberry.mutation(
        resolver=answer_send_follow_up_reminders,
        description="Remind everybody of what is due on a day, now; nobody is reminded of a day twice.",
    )
