"""One's own worklist: everything that is due, in one ranked queue (F12)."""

from __future__ import annotations

from datetime import date

import strawberry
from strawberry.types import Info

from kedang_graphql.context import Context
from kedang_graphql.engine.executor import Ref
from kedang_graphql.engine.ids import public_id
from kedang_graphql.engine.types import Node, PageInfo, generated_types
from kedang_tenants.followups import worklist
from kedang_tenants.followups.worklist import Line, count_worklist, read_worklist

CUSTOMER = generated_types().of["customer"].node


@strawberry.type(description="Something that waits for you.")
class WorklistLine:
    place: int = strawberry.field(description="In the whole queue, from 1.")
    source: str = strawberry.field(
        description="What sort of thing it is: `follow_up.plan`, `service.solution`, `contract.ends`."
    )
    record_id: strawberry.ID = strawberry.field(description="The record that waits.")
    record: Ref | None = strawberry.field(graphql_type=Node | None, description="The record that waits.")
    customer: Ref | None = strawberry.field(
        graphql_type=CUSTOMER | None, description="Whose archive it belongs to; null where to none."
    )
    what: str = strawberry.field(description="What is to be done, in your language.")
    rule: str = strawberry.field(description="Which rule put it there, in your language.")
    due_on: date = strawberry.field(description="In the zone of the company.")
    days_overdue: int = strawberry.field(description="Calendar days; below 0 where it is not due yet.")
    hot: bool = strawberry.field(
        description="Whether the customer is a hot one; these stand before all others."
    )
    weight: int = strawberry.field(description="How much the rule counts: 10 for a follow-up, 30 for an SLA.")
    points: int = strawberry.field(
        description="What it is ranked by: (days overdue + 1) × weight × 1 to 5 for the customer's grade."
    )
    within_capacity: bool = strawberry.field(
        description="Whether it is among the first ones, as many as you do a day."
    )

    @classmethod
    def of(cls, line: Line) -> WorklistLine:
        """The line, its records to be read when they are selected."""
        return cls(
            place=line.place,
            source=line.source,
            record_id=strawberry.ID(public_id(line.record, line.record_id)),
            record=Ref(line.record, line.record_id),
            customer=Ref("customer", line.customer_id) if line.customer_id else None,
            what=line.what,
            rule=line.rule,
            due_on=line.due_on,
            days_overdue=line.days_overdue,
            hot=line.hot,
            weight=line.weight,
            points=line.points,
            within_capacity=line.within,
        )


async def answer_total_count(info: Info[Context, None]) -> int:
    """Counted only when it is asked for."""
    context = info.context
    viewer = await context.viewer()
    async with context.databases.tenant_read(viewer.company) as read:
        return await count_worklist(read, viewer, clock=context.clock)


@strawberry.type(description="A page of what waits for you, the most urgent first.")
class Worklist:
    day: date = strawberry.field(description="The day by which it is ranked, in the zone of the company.")
    capacity: int | None = strawberry.field(description="How many contacts you do a day; null: no limit.")
    nodes: list[WorklistLine] = strawberry.field(description="The lines of this page.")
    page_info: PageInfo = strawberry.field(description="Where the page stands in the whole.")
    total_count: int = strawberry.field(
        resolver=answer_total_count, description="How much waits for you today; counted when it is asked for."
    )

    @classmethod
    def of(cls, page: worklist.Worklist, *, continued: bool) -> Worklist:
        """The page as the API has it."""
        lines = page.lines
        return cls(
            day=page.day,
            capacity=page.capacity,
            nodes=[WorklistLine.of(line) for line in lines],
            page_info=PageInfo(
                has_next_page=page.has_next,
                has_previous_page=continued,
                start_cursor=lines[0].cursor if lines else None,
                end_cursor=lines[-1].cursor if lines else None,
            ),
        )


async def answer_worklist(info: Info[Context, None], first: int = 50, after: str | None = None) -> Worklist:
    context = info.context
    context.require_scope("read")
    viewer = await context.viewer()
    async with context.databases.tenant_read(viewer.company) as read:
        page = await read_worklist(
            read, viewer, limit=first, after=after, language=context.language, clock=context.clock
        )
    return Worklist.of(page, continued=after is not None)


@strawberry.type
class WorklistQuery:
    worklist: Worklist = strawberry.field(
        resolver=answer_worklist,
        description=(
            "Everything that is due for you, in one queue: what concerns hot customers first, then by lateness,"
            " weight and grade. `first` is at most 100."
        ),
    )
