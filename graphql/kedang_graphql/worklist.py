"""Worklists: everything that is due for somebody, in one ranked queue (F12)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

import strawberry

from kedang_graphql.context import Context
from kedang_graphql.engine.building import Argument, blank, finish, output_field
from kedang_graphql.engine.ids import public_id, split_id
from kedang_graphql.engine.objects import ObjectNode, object_root
from kedang_graphql.engine.references import Ref
from kedang_graphql.engine.requests import Binding
from kedang_graphql.engine.roots import MakeRoot
from kedang_graphql.engine.types import Node, PageInfo, generated_types
from kedang_platform.database import TenantRead
from kedang_tenants.followups import worklist
from kedang_tenants.followups.worklist import Line, count_worklist, may_look_at, read_worklist
from kedang_tenants.people.dues import due_sources

CUSTOMER = generated_types().of["customer"].node


@strawberry.type(description="Something that waits for a member.")
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
        description="Whether it is among the first ones, as many as the member does a day."
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


@strawberry.type(description="A page of what waits for a member, the most urgent first.")
class Worklist:
    day: date = strawberry.field(description="The day by which it is ranked, in the zone of the company.")
    capacity: int | None = strawberry.field(
        description="How many contacts the member does a day; null: no limit."
    )
    nodes: list[WorklistLine] = strawberry.field(description="The lines of this page.")
    page_info: PageInfo = strawberry.field(description="Where the page stands in the whole.")
    total_count: int | None = strawberry.field(
        graphql_type=int, description="How much waits for the member today; counted when it is asked for."
    )

    @classmethod
    def of(cls, page: worklist.Worklist, *, continued: bool, total: int | None) -> Worklist:
        """The page as the API has it; ``total`` where it is asked for."""
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
            total_count=total,
        )


async def answer_worklist(
    tx: TenantRead, binding: Binding, arguments: Mapping[str, Any], node: ObjectNode
) -> Worklist:
    """A page of the asker's own queue."""
    return await _page(tx, binding, arguments, node, of=None)


async def answer_member_worklist(
    tx: TenantRead, binding: Binding, arguments: Mapping[str, Any], node: ObjectNode
) -> Worklist | None:
    """A page of a colleague's queue as the asker may read it; None where they may not look at it."""
    found = split_id(arguments["memberId"])
    if found is None or found[0] != "member" or not await may_look_at(tx, binding.viewer, found[1]):
        return None
    return await _page(tx, binding, arguments, node, of=found[1])


async def _page(
    tx: TenantRead, binding: Binding, arguments: Mapping[str, Any], node: ObjectNode, *, of: UUID | None
) -> Worklist:
    viewer, context, after = binding.viewer, _context(binding), arguments["after"]
    page = await read_worklist(
        tx,
        viewer,
        of=of,
        limit=arguments["first"],
        after=after,
        language=context.language,
        clock=context.clock,
    )
    total = None
    if node.shows("total_count"):
        total = await count_worklist(tx, viewer, of=of, clock=context.clock)
    return Worklist.of(page, continued=after is not None, total=total)


def _context(binding: Binding) -> Context:
    assert binding.context is not None
    return binding.context


def recorded() -> frozenset[str]:
    """The kinds of records that wait for somebody."""
    return frozenset(source.record for source in due_sources())


_PAGING = (Argument("first", int, default=50), Argument("after", str | None, default=None))
WorklistQuery = finish(
    blank("WorklistQuery"),
    {
        "worklist": output_field(
            "worklist",
            Worklist,
            arguments=_PAGING,
            description=(
                "Everything that is due for you, in one queue: what concerns hot customers first, then by lateness,"
                " weight and grade. `first` is at most 100."
            ),
        ),
        "memberWorklist": output_field(
            "memberWorklist",
            Worklist | None,
            arguments=(
                Argument("memberId", strawberry.ID, "Somebody whose follow-up plans you may read."),
                *_PAGING,
            ),
            description=(
                "What waits for a colleague, without the lines of what you may not read; null where there is no such"
                " member, or where you may not see their plans."
            ),
        ),
    },
)
WORKLIST_ROOTS: Mapping[str, MakeRoot] = {
    "worklist": object_root(answer_worklist, kinds=recorded),
    "memberWorklist": object_root(answer_member_worklist, kinds=recorded),
}
