"""What a company's operations took, for its owner and administrators."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

import strawberry
from strawberry.types import Info

from kedang_graphql.answering import id_inside, opaque_id
from kedang_graphql.api_keys import KEY
from kedang_graphql.context import Context
from kedang_graphql.engine.building import enumeration
from kedang_graphql.engine.types import PageInfo
from kedang_tenants.measuring.findings import Finding
from kedang_tenants.measuring.tallies import SESSIONS
from kedang_tenants.measuring.totals import (
    ORDERS,
    OperationTotals,
    Slowest,
    StatementTotals,
    TotalsPage,
    TotalsRequest,
    read_statements,
    read_totals,
)

OPERATION = "operation"
_FIELD: Any = enumeration(
    "OperationOrderField", list(ORDERS), description="What operations are put in order by."
)


@strawberry.enum(description="Which hours are counted: whole ones, and the one that has begun.")
class OperationPeriod(Enum):
    LAST_24_HOURS = "LAST_24_HOURS"
    LAST_7_DAYS = "LAST_7_DAYS"
    LAST_30_DAYS = "LAST_30_DAYS"


_HOURS = {
    OperationPeriod.LAST_24_HOURS: 24,
    OperationPeriod.LAST_7_DAYS: 7 * 24,
    OperationPeriod.LAST_30_DAYS: 30 * 24,
}


@strawberry.enum(description="What kind of operation it is.")
class OperationKind(Enum):
    QUERY = "QUERY"
    MUTATION = "MUTATION"
    SUBSCRIPTION = "SUBSCRIPTION"
    UNREAD = strawberry.enum_value(
        "UNREAD", description="Requests that were refused before it was known what they ask."
    )
    OTHERS = strawberry.enum_value(
        "OTHERS", description="Operations beyond the thousand that are told apart, together."
    )


@strawberry.enum
class OperationDirection(Enum):
    ASC = "ASC"
    DESC = "DESC"


@strawberry.input
class OperationOrder:
    field: Enum = strawberry.field(graphql_type=_FIELD)
    direction: OperationDirection = OperationDirection.DESC


@strawberry.input
class OperationWhere:
    kind: list[OperationKind] | None = strawberry.field(default=None, description="One of these kinds.")
    name: str | None = strawberry.field(
        default=None, description="Its name has this in it, in upper or lower case."
    )
    api_key_id: strawberry.ID | None = strawberry.field(
        default=None, description="Asked with this API key: only that is counted."
    )
    only_sessions: bool = strawberry.field(
        default=False, description="Asked by people who are signed in: only that is counted."
    )
    failed: bool | None = strawberry.field(default=None, description="Whether any answer had errors.")
    explained: bool | None = strawberry.field(
        default=None, description="Whether it was slow, and it is known why."
    )


@strawberry.type(description="How often an error occurred, by its code.")
class OperationErrorCount:
    code: str
    count: int


@strawberry.type(description="A statement of an operation. Its parameters are kept nowhere.")
class OperationStatement:
    text: str = strawberry.field(description="SQL; “?” stands where a value stood.")
    count: int
    total_ms: float
    slowest_ms: float
    rows: int = strawberry.field(description="Rows that it brought or changed.")

    @classmethod
    def of(cls, statement: StatementTotals) -> OperationStatement:
        return cls(
            text=statement.text,
            count=statement.count,
            total_ms=statement.ms,
            slowest_ms=statement.slowest_ms,
            rows=statement.rows,
        )


@strawberry.type(description="Why something was slow.")
class SlownessReason:
    code: str
    message: str = strawberry.field(description="In the language of the asker.")

    @classmethod
    def of(cls, finding: Finding, language: str) -> SlownessReason:
        return cls(code=finding.code, message=finding.told(language))


@strawberry.type(description="An answer whose SQL took long, and why: looked into once an hour at most.")
class SlowAnswer:
    at: datetime
    duration_ms: float
    sql_ms: float
    sql_statements: int
    statement: str = strawberry.field(description="The slowest of its statements.")
    statement_ms: float
    rows: int
    plan: list[str] = strawberry.field(
        description="How PostgreSQL would run that statement, a line a step; costs and rows are estimates."
    )
    reasons: list[SlownessReason] = strawberry.field(description="In plain words, the weightiest first.")

    @classmethod
    def of(cls, slowest: Slowest, language: str) -> SlowAnswer:
        return cls(
            at=slowest.at,
            duration_ms=slowest.ms,
            sql_ms=slowest.sql_ms,
            sql_statements=slowest.sql_count,
            statement=slowest.statement,
            statement_ms=slowest.statement_ms,
            rows=slowest.rows,
            plan=list(slowest.plan),
            reasons=[SlownessReason.of(finding, language) for finding in slowest.findings],
        )


@dataclass
class Page:
    """A page under way: the statements of all its operations are read at once, when one of them is asked for."""

    context: Context
    ids: Sequence[UUID]
    hours: int
    reading: asyncio.Task[Mapping[UUID, list[StatementTotals]]] | None = None

    async def statements(self, operation: UUID) -> list[StatementTotals]:
        if self.reading is None:
            self.reading = asyncio.ensure_future(self._read())
        return (await self.reading)[operation]

    async def _read(self) -> Mapping[UUID, list[StatementTotals]]:
        viewer = await self.context.viewer()
        async with self.context.databases.tenant_read(viewer.company) as read:
            now = self.context.clock.now()
            return await read_statements(read, viewer, ids=self.ids, hours=self.hours, now=now)


async def answer_statements(root: MeasuredOperation) -> list[OperationStatement]:
    return [OperationStatement.of(statement) for statement in await root.page.statements(root.totals.id)]


@strawberry.type(
    description="An operation without the values in it, and what it took in the period. Times are milliseconds."
)
class MeasuredOperation:
    id: strawberry.ID
    kind: OperationKind
    name: str | None
    document: str = strawberry.field(
        description="What was asked, without values, aliases and comments; cut off after 10,000 characters."
    )
    count: int
    failed: int = strawberry.field(description="Answers with `errors`.")
    refused: int = strawberry.field(description="Answers with `userErrors`.")
    error_share: float = strawberry.field(description="The failed ones among all, between 0 and 1.")
    errors: list[OperationErrorCount] = strawberry.field(
        description="All codes that occurred, those of `userErrors` among them."
    )
    cost_charged: int = strawberry.field(description="Points charged before, and for reading the requests.")
    cost_refunded: int
    cost: int = strawberry.field(description="Points charged and not refunded.")
    total_ms: float
    p50: float = strawberry.field(description="Half of the answers took no longer.")
    p95: float
    p99: float
    sql_statements: int
    sql_ms: float = strawberry.field(description="Time waited for the database.")
    sql_rows: int
    first_at: datetime = strawberry.field(description="When it was first met, also before the period.")
    last_at: datetime
    slowest: SlowAnswer | None = strawberry.field(description="The slow answer looked into last.")
    totals: strawberry.Private[OperationTotals]
    page: strawberry.Private[Page]
    statements: list[OperationStatement] = strawberry.field(
        resolver=answer_statements,
        description="Its statements, those that took longest first; by whole days.",
    )

    @classmethod
    def of(cls, one: OperationTotals, page: Page) -> MeasuredOperation:
        return cls(
            id=strawberry.ID(opaque_id(OPERATION, one.id)),
            kind=OperationKind(one.kind),
            name=one.name,
            document=one.document,
            count=one.count,
            failed=one.failed,
            refused=one.refused,
            error_share=one.error_share,
            errors=[OperationErrorCount(code=code, count=count) for code, count in one.errors.items()],
            cost_charged=one.charged,
            cost_refunded=one.refunded,
            cost=one.cost,
            total_ms=one.ms,
            p50=one.within(0.5),
            p95=one.within(0.95),
            p99=one.within(0.99),
            sql_statements=one.sql_count,
            sql_ms=one.sql_ms,
            sql_rows=one.sql_rows,
            first_at=one.first_at,
            last_at=one.last_at,
            slowest=SlowAnswer.of(one.slowest, page.context.language) if one.slowest else None,
            totals=one,
            page=page,
        )


@strawberry.type
class MeasuredOperationConnection:
    nodes: list[MeasuredOperation]
    page_info: PageInfo
    total_count: int


async def answer_operations(
    info: Info[Context, None],
    first: int = 50,
    after: str | None = None,
    period: OperationPeriod = OperationPeriod.LAST_24_HOURS,
    where: OperationWhere | None = None,
    order_by: OperationOrder | None = None,
) -> MeasuredOperationConnection:
    context = info.context
    context.require_scope("read")
    viewer = await context.viewer()
    request = _request(first, after, period, where or OperationWhere(), order_by)
    async with context.databases.tenant_read(viewer.company) as read:
        found = await read_totals(read, viewer, request, now=context.clock.now())
    page = Page(context, [one.id for one in found.operations], request.hours)
    return MeasuredOperationConnection(
        nodes=[MeasuredOperation.of(one, page) for one in found.operations],
        page_info=_page_info(found, continued=after is not None),
        total_count=found.total,
    )


def _request(
    first: int,
    after: str | None,
    period: OperationPeriod,
    where: OperationWhere,
    order_by: OperationOrder | None,
) -> TotalsRequest:
    credential = SESSIONS if where.only_sessions else None
    if where.api_key_id is not None:
        credential = id_inside(KEY, where.api_key_id, path=("where", "apiKeyId"))
    return TotalsRequest(
        hours=_HOURS[period],
        limit=first,
        after=after,
        order_by=order_by.field.value if order_by else "SQL_TIME",
        descending=order_by is None or order_by.direction is OperationDirection.DESC,
        kinds=None if where.kind is None else frozenset(kind.value for kind in where.kind),
        name=where.name,
        credential=credential,
        failed=where.failed,
        explained=where.explained,
    )


def _page_info(found: TotalsPage, *, continued: bool) -> PageInfo:
    return PageInfo(
        has_next_page=found.has_next,
        has_previous_page=continued,
        start_cursor=found.cursors[0] if found.cursors else None,
        end_cursor=found.cursors[-1] if found.cursors else None,
    )


@strawberry.type
class OperationQuery:
    operations: MeasuredOperationConnection = strawberry.field(
        resolver=answer_operations,
        description=(
            "What the company's operations took, those first whose SQL took longest; for owners and administrators."
            " A request is counted within half a minute."
        ),
    )
