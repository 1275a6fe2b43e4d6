"""A customer's timeline over everything that happened with it."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from kedang_graphql.context import Context
from kedang_graphql.engine.building import enumeration
from kedang_graphql.engine.executor import Ref
from kedang_graphql.engine.ids import public_id, record_id
from kedang_graphql.engine.types import Node, PageInfo, generated_types
from kedang_platform.errors import NotFound
from kedang_tenants.portrait.sources import KINDS
from kedang_tenants.portrait.timeline import Entry, Timeline, TimelineRequest, read_timeline

MEMBER = generated_types().of["member"].node
_KIND: Any = enumeration(
    "TimelineKind",
    [kind.code for kind in KINDS],
    description=", ".join(f"{kind.code}: {kind.label}" for kind in KINDS),
)


@strawberry.type(description="One thing that happened with a customer.")
class TimelineEntry:
    kind: Enum = strawberry.field(graphql_type=_KIND)
    at: datetime | None = strawberry.field(description="Null where only the day is known")
    day: date = strawberry.field(description="In the zone of the company")
    title: str = strawberry.field(description="What happened, in the language of the asker")
    summary: str | None = strawberry.field(description="At most 500 characters of what was said or done")
    member: Ref | None = strawberry.field(graphql_type=MEMBER | None, description="Who did it")
    record_id: strawberry.ID
    record: Ref | None = strawberry.field(
        graphql_type=Node | None, description="The record itself: an order, a follow-up record, a file"
    )


@strawberry.type
class TimelineConnection:
    nodes: list[TimelineEntry]
    page_info: PageInfo


async def answer_customer_timeline(
    info: Info[Context, None],
    customer_id: strawberry.ID,
    first: int = 50,
    after: str | None = None,
    kinds: Annotated[list[Enum] | None, strawberry.argument(graphql_type=list[_KIND] | None)] = None,
    member_id: strawberry.ID | None = None,
    from_: Annotated[date | None, strawberry.argument(name="from", description="The first day")] = None,
    to: Annotated[date | None, strawberry.argument(description="The first day that no longer counts")] = None,
) -> TimelineConnection | None:
    context = info.context
    context.require_scope("read")
    viewer = await context.viewer()
    try:
        customer = record_id(customer_id, "customer")
    except NotFound:
        return None
    request = TimelineRequest(
        customer_id=customer,
        limit=first,
        after=after,
        kinds=None if kinds is None else frozenset(kind.value for kind in kinds),
        member_id=None if member_id is None else record_id(member_id, "member", path=("memberId",)),
        first_day=from_,
        until=to,
    )
    async with context.databases.tenant_read(viewer.company) as read:
        timeline = await read_timeline(read, viewer, request, language=context.language)
    return None if timeline is None else _connection(timeline, continued=after is not None)


def _connection(timeline: Timeline, *, continued: bool) -> TimelineConnection:
    entries = timeline.entries
    return TimelineConnection(
        nodes=[_told(entry) for entry in entries],
        page_info=PageInfo(
            has_next_page=timeline.has_next,
            has_previous_page=continued,
            start_cursor=entries[0].cursor if entries else None,
            end_cursor=entries[-1].cursor if entries else None,
        ),
    )


def _told(entry: Entry) -> TimelineEntry:
    return TimelineEntry(
        kind=_KIND(entry.kind),
        at=entry.at,
        day=entry.day,
        title=entry.title,
        summary=entry.summary,
        member=Ref("member", entry.member_id) if entry.member_id else None,
        record_id=strawberry.ID(public_id(entry.record, entry.record_id)),
        record=Ref(entry.record, entry.record_id),
    )


@strawberry.type
class PortraitQuery:
    customer_timeline: TimelineConnection | None = strawberry.field(
        resolver=answer_customer_timeline,
        description=(
            "Everything that happened with a customer, the latest first, as far as you may read it;"
            " of some kinds, by one member, in some days, where that is said."
        ),
    )
