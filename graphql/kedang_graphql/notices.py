"""One's own inbox: what is unread, reading it, and how one wants to be told (T10)."""

from __future__ import annotations

from enum import Enum
from typing import Any, Self
from uuid import UUID

import strawberry
from strawberry.types import Info

from kedang_graphql.answering import write_in_company
from kedang_graphql.context import Context
from kedang_graphql.engine.executor import Ref
from kedang_graphql.engine.ids import record_id
from kedang_graphql.engine.types import UserError, generated_types
from kedang_graphql.inputs import Repeatable
from kedang_platform.database import TenantWrite
from kedang_tenants.catalogue import catalogue
from kedang_tenants.people.inbox import Inbox as InboxAsItIs
from kedang_tenants.people.inbox import inbox_of, mark_all_read, mark_notice_read
from kedang_tenants.people.notice_choices import Choice, choose
from kedang_tenants.people.notice_schedules import NoticeTimes as TimesAsTheyAre
from kedang_tenants.people.notice_schedules import set_times
from kedang_tenants.reading import Viewer

_RECORD = catalogue().record("notice_preference")
_KIND: Any = generated_types().scalar(_RECORD, _RECORD.fields["kind"])
_CHANNEL: Any = generated_types().scalar(_RECORD, _RECORD.fields["channel"])
NOTICE = generated_types().of["notice"].node
PREFERENCE = generated_types().of["notice_preference"].node
SCHEDULE = generated_types().of["notice_schedule"].node


@strawberry.type(description="How one is told of a kind of notice.")
class NoticeChoice:
    kind: Enum = strawberry.field(graphql_type=_KIND)
    channel: Enum = strawberry.field(graphql_type=_CHANNEL)
    webhook: bool = strawberry.field(
        description="Whether one's webhooks that ask for `NOTICE_CREATED` are told of this kind."
    )
    chosen: bool = strawberry.field(description="Whether one chose it; else it is the default of the kind.")

    @classmethod
    def of(cls, choice: Choice) -> Self:
        kind, channel = _KIND[choice.kind], _CHANNEL[choice.channel]
        return cls(kind=kind, channel=channel, webhook=choice.webhook, chosen=choice.chosen)


@strawberry.type(description="When one wants the mails of notices, on the clocks of `timeZone`.")
class NoticeTimes:
    quiet_from: str | None = strawberry.field(
        description="`HH:MM`; from then on no mail leaves. Null where it is never quiet."
    )
    quiet_until: str | None = strawberry.field(
        description="`HH:MM`; the mails of the quiet hours leave then."
    )
    digest_at: str = strawberry.field(description="`HH:MM`; when the mail of the day leaves.")
    time_zone: str = strawberry.field(description="One's own, or that of the company.")
    chosen: bool = strawberry.field(description="Whether one chose them; else they are the usual ones.")

    @classmethod
    def of(cls, times: TimesAsTheyAre) -> Self:
        quiet = times.quiet
        return cls(
            quiet_from=f"{quiet.begin:%H:%M}" if quiet else None,
            quiet_until=f"{quiet.end:%H:%M}" if quiet else None,
            digest_at=f"{times.digest_at:%H:%M}",
            time_zone=times.zone.key,
            chosen=times.chosen,
        )


@strawberry.type(description="One's own notices, counted; the notices themselves are in `notices`.")
class Inbox:
    unread: int = strawberry.field(description="Notices not read yet; 1,000 stands for as many or more.")
    undelivered: int = strawberry.field(
        description="Unread notices whose mail was rejected, not sent or perhaps not sent; at most 1,000."
    )
    choices: list[NoticeChoice] = strawberry.field(description="For every kind, the channel that holds.")
    times: NoticeTimes = strawberry.field(description="When the mails of one's notices leave.")

    @classmethod
    def of(cls, inbox: InboxAsItIs) -> Self:
        choices = [NoticeChoice.of(choice) for choice in inbox.choices]
        return cls(
            unread=inbox.unread,
            undelivered=inbox.undelivered,
            choices=choices,
            times=NoticeTimes.of(inbox.times),
        )


async def answer_inbox(info: Info[Context, None]) -> Inbox:
    context = info.context
    context.require_scope("read")
    viewer = await context.viewer()
    async with context.databases.tenant_read(viewer.company) as read:
        return Inbox.of(await inbox_of(read, viewer))


@strawberry.type
class NoticeQuery:
    inbox: Inbox = strawberry.field(resolver=answer_inbox, description="What waits in one's own inbox.")


@strawberry.input
class MarkNoticeReadInput(Repeatable):
    id: strawberry.ID


@strawberry.type
class MarkNoticeReadPayload:
    record: Ref | None = strawberry.field(graphql_type=NOTICE | None)
    user_errors: list[UserError]


async def answer_mark_notice_read(
    info: Info[Context, None],
    input: MarkNoticeReadInput,  # noqa: A002 - the API's word
) -> MarkNoticeReadPayload:
    async def mark(write: TenantWrite, viewer: Viewer) -> Ref:
        notice = record_id(input.id, "notice", path=("input", "id"))
        await mark_notice_read(write, viewer, notice_id=notice, clock=info.context.clock)
        return Ref("notice", notice)

    record, errors = await write_in_company(info.context, mark)
    return MarkNoticeReadPayload(record=record, user_errors=errors)


@strawberry.input
class MarkAllNoticesReadInput(Repeatable):
    up_to: strawberry.ID | None = strawberry.field(
        default=None, description="Only this notice and those that came before it; all, if nothing is said."
    )


@strawberry.type
class MarkAllNoticesReadPayload:
    marked: int | None = strawberry.field(description="How many had not been read; at most 5,000 at once.")
    inbox: Inbox | None
    user_errors: list[UserError]


async def answer_mark_all_notices_read(
    info: Info[Context, None],
    input: MarkAllNoticesReadInput,  # noqa: A002 - the API's word
) -> MarkAllNoticesReadPayload:
    async def mark(write: TenantWrite, viewer: Viewer) -> tuple[int, Inbox]:
        up_to: UUID | None = None
        if input.up_to is not None:
            up_to = record_id(input.up_to, "notice", path=("input", "upTo"))
        marked = await mark_all_read(write, viewer, up_to=up_to, clock=info.context.clock)
        return marked, Inbox.of(await inbox_of(write, viewer))

    done, errors = await write_in_company(info.context, mark)
    marked, inbox = done or (None, None)
    return MarkAllNoticesReadPayload(marked=marked, inbox=inbox, user_errors=errors)


@strawberry.input
class SetNoticePreferenceInput(Repeatable):
    kind: Enum = strawberry.field(graphql_type=_KIND)
    channel: Enum | None = strawberry.field(
        graphql_type=_CHANNEL | None, default=None, description="As it is, if nothing is said."
    )
    webhook: bool | None = strawberry.field(
        default=None, description="Whether one's own webhooks are told as well; as it is, if nothing is said."
    )


@strawberry.type
class SetNoticePreferencePayload:
    record: Ref | None = strawberry.field(graphql_type=PREFERENCE | None)
    user_errors: list[UserError]


async def answer_set_notice_preference(
    info: Info[Context, None],
    input: SetNoticePreferenceInput,  # noqa: A002 - the API's word
) -> SetNoticePreferencePayload:
    async def note(write: TenantWrite, viewer: Viewer) -> Ref:
        choice = await choose(
            write,
            viewer,
            kind=input.kind.value,
            channel=input.channel.value if input.channel else None,
            webhook=input.webhook,
            clock=info.context.clock,
        )
        return Ref("notice_preference", choice)

    record, errors = await write_in_company(info.context, note)
    return SetNoticePreferencePayload(record=record, user_errors=errors)


@strawberry.input
class SetNoticeTimesInput(Repeatable):
    quiet_from: str | None = strawberry.field(
        default=None, description="`HH:MM`; null, together with `quietUntil`, where it is never quiet."
    )
    quiet_until: str | None = strawberry.field(
        default=None, description="`HH:MM`; earlier than `quietFrom` it is on the next day."
    )
    digest_at: str | None = strawberry.field(
        default=None, description="`HH:MM`, outside the quiet hours; 08:30, if nothing is said."
    )
    time_zone: str | None = strawberry.field(
        default=None, description="Such as `Asia/Shanghai`; that of the company, if nothing is said."
    )


@strawberry.type
class SetNoticeTimesPayload:
    record: Ref | None = strawberry.field(graphql_type=SCHEDULE | None)
    user_errors: list[UserError]


async def answer_set_notice_times(
    info: Info[Context, None],
    input: SetNoticeTimesInput,  # noqa: A002 - the API's word
) -> SetNoticeTimesPayload:
    async def note(write: TenantWrite, viewer: Viewer) -> Ref:
        schedule = await set_times(
            write,
            viewer,
            quiet=(input.quiet_from, input.quiet_until),
            digest_at=input.digest_at,
            time_zone=input.time_zone,
            clock=info.context.clock,
        )
        return Ref("notice_schedule", schedule)

    record, errors = await write_in_company(info.context, note)
    return SetNoticeTimesPayload(record=record, user_errors=errors)


@strawberry.type
class NoticeMutation:
    mark_notice_read: MarkNoticeReadPayload = strawberry.mutation(
        resolver=answer_mark_notice_read, description="Note that one has read a notice of one's own."
    )
    mark_all_notices_read: MarkAllNoticesReadPayload = strawberry.mutation(
        resolver=answer_mark_all_notices_read,
        description="Note that one has read all notices of one's own, or those up to one of them.",
    )
    set_notice_preference: SetNoticePreferencePayload = strawberry.mutation(
        resolver=answer_set_notice_preference,
        description="Choose how one wants to be told of a kind of notice from now on.",
    )
    set_notice_times: SetNoticeTimesPayload = strawberry.mutation(
        resolver=answer_set_notice_times,
        description="Choose one's quiet hours, and when the mail of the day leaves; all of it is set anew.",
    )
