"""The verbs of meetings: the agenda goes out, minutes are written, reviewed or returned, actions are done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date

import strawberry
from strawberry.types import Info

from kedang_graphql.answering import write_in_company
from kedang_graphql.context import Context
from kedang_graphql.engine.executor import Ref
from kedang_graphql.engine.ids import record_id
from kedang_graphql.engine.types import UserError, generated_types
from kedang_graphql.inputs import Repeatable
from kedang_platform.database import TenantWrite
from kedang_platform.errors import BadUserInput
from kedang_platform.i18n import msg
from kedang_tenants.followups import minutes, receiving
from kedang_tenants.reading import Viewer

_TYPES = generated_types()
MEETING = _TYPES.of["meeting"].node
ACTION = _TYPES.of["meeting_action"].node
RECEIPT = _TYPES.of["minutes_receipt"].node
_VERSION = "The version that was last seen; the last write wins without it."
MOST_ACTIONS = 100


@strawberry.type
class MeetingStepPayload:
    record: Ref | None = strawberry.field(graphql_type=MEETING | None)
    user_errors: list[UserError]


async def _answer(
    context: Context, public: str, version: int | None, verb: Callable[..., Awaitable[None]], **said: object
) -> MeetingStepPayload:
    async def act(write: TenantWrite, viewer: Viewer) -> Ref:
        meeting = record_id(public, "meeting", path=("input", "id"))
        await verb(write, viewer, meeting_id=meeting, version=version, clock=context.clock, **said)
        return Ref("meeting", meeting)

    record, errors = await write_in_company(context, act)
    return MeetingStepPayload(record=record, user_errors=errors)


@strawberry.input
class SendAgendaInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="The meeting, with an agenda or an aim.")
    version: int | None = strawberry.field(default=None, description=_VERSION)


async def answer_send_agenda(
    info: Info[Context, None],
    input: SendAgendaInput,  # noqa: A002 - the API's word
) -> MeetingStepPayload:
    return await _answer(info.context, input.id, input.version, minutes.send_agenda)


@strawberry.input
class MeetingActionInput:
    task: str = strawberry.field(description="What is to be done.")
    owner_id: strawberry.ID = strawberry.field(description="The member who does it.")
    due_on: date = strawberry.field(description="Until when.")


@strawberry.input
class WriteMinutesInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="The meeting, once it has begun.")
    minutes: str = strawberry.field(description="What was said.")
    decisions: str | None = strawberry.field(
        default=None,
        description="What was decided. What was noted before stays where nothing is said; an empty text takes it back.",
    )
    actions: list[MeetingActionInput] | None = strawberry.field(
        default=None, description="What is to be done, beside what the meeting has already; at most 100."
    )
    version: int | None = strawberry.field(default=None, description=_VERSION)


async def answer_write_minutes(
    info: Info[Context, None],
    input: WriteMinutesInput,  # noqa: A002 - the API's word
) -> MeetingStepPayload:
    async def write_them(write: TenantWrite, viewer: Viewer, **step: object) -> None:
        await minutes.write_minutes(
            write,
            viewer,
            minutes=input.minutes,
            decisions=input.decisions,
            actions=_actions(input.actions or ()),
            **step,  # type: ignore[arg-type]  # the meeting, the version and the clock
        )

    return await _answer(info.context, input.id, input.version, write_them)


def _actions(given: list[MeetingActionInput] | tuple[()]) -> list[minutes.NewAction]:
    if len(given) > MOST_ACTIONS:
        raise BadUserInput(
            msg("At most {limit} entries are allowed here."), path=("input", "actions"), limit=MOST_ACTIONS
        )
    return [
        minutes.NewAction(
            task=one.task,
            owner_id=record_id(one.owner_id, "member", path=("input", "actions", n, "ownerId")),
            due_on=one.due_on,
            path=("input", "actions", n),
        )
        for n, one in enumerate(given)
    ]


@strawberry.input
class ReviewMinutesInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="The meeting, with minutes that somebody else wrote.")
    remark: str | None = strawberry.field(default=None, description="What there is to say about them.")
    send_to_customer: bool = strawberry.field(
        default=True,
        description="Whether the people of the customer who attended get them by mail, to confirm them.",
    )
    version: int | None = strawberry.field(default=None, description=_VERSION)


async def answer_review_minutes(
    info: Info[Context, None],
    input: ReviewMinutesInput,  # noqa: A002 - the API's word
) -> MeetingStepPayload:
    said = {"remark": input.remark, "send": input.send_to_customer}
    return await _answer(info.context, input.id, input.version, minutes.review_minutes, **said)


@strawberry.input
class ReturnMinutesInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="The meeting, with minutes that somebody else wrote.")
    remark: str = strawberry.field(description="What is to be mended.")
    version: int | None = strawberry.field(default=None, description=_VERSION)


async def answer_return_minutes(
    info: Info[Context, None],
    input: ReturnMinutesInput,  # noqa: A002 - the API's word
) -> MeetingStepPayload:
    return await _answer(info.context, input.id, input.version, minutes.return_minutes, remark=input.remark)


@strawberry.input
class SendMinutesInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="The meeting, with reviewed minutes.")


async def answer_send_minutes(
    info: Info[Context, None],
    input: SendMinutesInput,  # noqa: A002 - the API's word
) -> MeetingStepPayload:
    async def send(write: TenantWrite, viewer: Viewer) -> Ref:
        meeting = record_id(input.id, "meeting", path=("input", "id"))
        await receiving.send_minutes(write, viewer, meeting_id=meeting)
        return Ref("meeting", meeting)

    record, errors = await write_in_company(info.context, send)
    return MeetingStepPayload(record=record, user_errors=errors)


@strawberry.input
class SettleMinutesObjectionInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="The receipt, with an objection.")
    settlement: str = strawberry.field(description="How it was settled without mending the minutes.")
    version: int | None = strawberry.field(default=None, description=_VERSION)


@strawberry.type
class SettleMinutesObjectionPayload:
    record: Ref | None = strawberry.field(graphql_type=RECEIPT | None)
    user_errors: list[UserError]


async def answer_settle_objection(
    info: Info[Context, None],
    input: SettleMinutesObjectionInput,  # noqa: A002 - the API's word
) -> SettleMinutesObjectionPayload:
    async def settle(write: TenantWrite, viewer: Viewer) -> Ref:
        receipt = record_id(input.id, "minutes_receipt", path=("input", "id"))
        await receiving.settle_objection(
            write,
            viewer,
            receipt_id=receipt,
            settlement=input.settlement,
            version=input.version,
            clock=info.context.clock,
        )
        return Ref("minutes_receipt", receipt)

    record, errors = await write_in_company(info.context, settle)
    return SettleMinutesObjectionPayload(record=record, user_errors=errors)


@strawberry.input
class FinishMeetingActionInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="The action.")
    done_on: date | None = strawberry.field(default=None, description="Today, if nothing is said.")
    result: str | None = strawberry.field(default=None, description="What came of it.")
    version: int | None = strawberry.field(default=None, description=_VERSION)


@strawberry.type
class FinishMeetingActionPayload:
    record: Ref | None = strawberry.field(graphql_type=ACTION | None)
    user_errors: list[UserError]


async def answer_finish_action(
    info: Info[Context, None],
    input: FinishMeetingActionInput,  # noqa: A002 - the API's word
) -> FinishMeetingActionPayload:
    async def finish(write: TenantWrite, viewer: Viewer) -> Ref:
        action = record_id(input.id, "meeting_action", path=("input", "id"))
        await minutes.finish_action(
            write,
            viewer,
            action_id=action,
            done_on=input.done_on,
            result=input.result,
            version=input.version,
            clock=info.context.clock,
        )
        return Ref("meeting_action", action)

    record, errors = await write_in_company(info.context, finish)
    return FinishMeetingActionPayload(record=record, user_errors=errors)


@strawberry.type
class MeetingMutation:
    send_agenda: MeetingStepPayload = strawberry.mutation(
        resolver=answer_send_agenda,
        description="Tell the members who are to attend when, where and what for.",
    )
    write_minutes: MeetingStepPayload = strawberry.mutation(
        resolver=answer_write_minutes,
        description="Write the minutes of a meeting, or mend them until they are reviewed; a superior is told.",
    )
    review_minutes: MeetingStepPayload = strawberry.mutation(
        resolver=answer_review_minutes,
        description="Accept minutes that somebody else wrote; everybody who attended gets them.",
    )
    send_minutes: MeetingStepPayload = strawberry.mutation(
        resolver=answer_send_minutes,
        description="Send reviewed minutes to people of the customer who attended and have none yet.",
    )
    settle_minutes_objection: SettleMinutesObjectionPayload = strawberry.mutation(
        resolver=answer_settle_objection,
        description="Say how a customer's objection was settled without mending the minutes.",
    )
    return_minutes: MeetingStepPayload = strawberry.mutation(
        resolver=answer_return_minutes,
        description="Give minutes back to whoever wrote them, with what is to be mended.",
    )
    finish_meeting_action: FinishMeetingActionPayload = strawberry.mutation(
        resolver=answer_finish_action, description="Note that an action of a meeting is done."
    )
