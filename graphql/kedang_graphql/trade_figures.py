"""Figures of trade: profit contribution beside that of the time before, buying cycles, what is bought along."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from kedang_graphql.context import Context
from kedang_graphql.engine.executor import Ref
from kedang_graphql.engine.ids import public_id, record_id, record_ids
from kedang_graphql.engine.types import PageInfo, generated_types
from kedang_graphql.scalars import DecimalString, MinorUnits
from kedang_platform.errors import BadUserInput, NotFound
from kedang_platform.money import UnknownCurrency, minor_digits
from kedang_tenants.trade import cycles, profits

CUSTOMER = generated_types().of["customer"].node
PRODUCT = generated_types().of["product"].node
_RECORDS = {profits.CUSTOMER: "customer", profits.ORDER: "order", profits.PRODUCT: "product"}


@strawberry.enum(description="What profit is told by.")
class ProfitGrouping(Enum):
    CUSTOMER = strawberry.enum_value(profits.CUSTOMER, description="A row for each customer.")
    ORDER = strawberry.enum_value(profits.ORDER, description="For each order.")
    PRODUCT = strawberry.enum_value(profits.PRODUCT, description="For each product, by order lines.")
    MONTH = strawberry.enum_value(profits.MONTH, description="For each month in which something was sold.")
    YEAR = strawberry.enum_value(profits.YEAR, description="For each year in which something was sold.")


@strawberry.enum(description="What comes first; where no profit is known, it comes last.")
class ProfitOrder(Enum):
    MOST_PROFIT = strawberry.enum_value(profits.MOST_PROFIT, description="The most profitable first.")
    LEAST_PROFIT = strawberry.enum_value(profits.LEAST_PROFIT, description="What lost most first.")
    MOST_SALES = strawberry.enum_value(profits.MOST_SALES, description="What was sold most of first.")


@strawberry.type(description="What was sold and what it left over its cost.")
class ProfitSum:
    sales: MinorUnits = strawberry.field(description="Without freight, in minor units")
    profit: MinorUnits | None = strawberry.field(
        description="The profit contribution in minor units; null: unknown, since the cost of something sold is"
    )
    rate: Decimal | None = strawberry.field(
        graphql_type=DecimalString | None, description="The profit as a fraction of the sales"
    )
    orders: int = strawberry.field(description="How many orders it is of")
    unknown_orders: int = strawberry.field(description="Of how many of these orders the profit is unknown")


@strawberry.type(description="A customer, an order, a product, a month or a year with its profit.")
class ProfitContribution:
    record_id: strawberry.ID | None = strawberry.field(description="Of the customer, order or product")
    begins_on: date | None = strawberry.field(description="The first day of the month or year")
    name: str | None = strawberry.field(
        description="Of the customer or product as far as you may see it, the number of the order"
    )
    sum: ProfitSum = strawberry.field(description="In the period")
    before: ProfitSum | None = strawberry.field(
        description=(
            "In the whole month or year before; else in as many days right before the period, if it has a first one"
        )
    )
    difference: MinorUnits | None = strawberry.field(
        description="By how much the profit is above that of before; null: unknown"
    )


@strawberry.type
class ProfitContributionConnection:
    currency: str = strawberry.field(description="ISO 4217; orders in others do not count")
    total: ProfitSum = strawberry.field(description="Of all pages, the profitable ones too")
    nodes: list[ProfitContribution]
    page_info: PageInfo


async def answer_profit_contribution(
    info: Info[Context, None],
    by: ProfitGrouping,
    from_: Annotated[
        date | None, strawberry.argument(name="from", description="Since the first trade, if nothing is said")
    ] = None,
    to: Annotated[
        date | None,
        strawberry.argument(description="The first day that no longer counts; tomorrow, if nothing is said"),
    ] = None,
    customer_ids: list[strawberry.ID] | None = None,
    product_ids: Annotated[
        list[strawberry.ID] | None, strawberry.argument(description="Then lines count, not whole orders")
    ] = None,
    currency: Annotated[
        str | None, strawberry.argument(description="The company's, if nothing is said")
    ] = None,
    unprofitable: Annotated[bool, strawberry.argument(description="Only what lost money")] = False,
    order_by: Annotated[
        ProfitOrder, strawberry.argument(description="Months and years come the latest first in any case")
    ] = ProfitOrder.MOST_PROFIT,
    first: int = 50,
    after: str | None = None,
) -> ProfitContributionConnection | None:
    context = info.context
    context.require_scope("read")
    viewer = await context.viewer()
    try:
        customers, products = _ids(customer_ids, "customer"), _ids(product_ids, "product")
    except NotFound:
        return None
    question = profits.ProfitQuestion(
        by=by.name,
        first=from_,
        end=to,
        customer_ids=customers,
        product_ids=products,
        currency=_currency(currency),
        unprofitable=unprofitable,
        order=order_by.name,
        limit=first,
        after=after,
    )
    async with context.databases.tenant_read(viewer.company) as read:
        found = await profits.profit_contributions(read, viewer, question, clock=context.clock)
    if found is None:
        return None
    record = _RECORDS.get(question.by)
    return ProfitContributionConnection(
        currency=found.currency,
        total=_sum(found.total),
        nodes=[_contribution(row, record) for row in found.rows],
        page_info=_page(
            [row.cursor for row in found.rows], has_next=found.has_next, continued=after is not None
        ),
    )


def _ids(given: Sequence[str] | None, record: str) -> tuple[UUID, ...] | None:
    return None if given is None else tuple(record_ids(given, record, path=()))


def _currency(code: str | None) -> str | None:
    if code is None:
        return None
    try:
        minor_digits(code)
    except UnknownCurrency as error:
        raise BadUserInput(error.message, path=("currency",), **error.params) from None
    return code


def _sum(one: profits.Sum) -> ProfitSum:
    return ProfitSum(
        sales=MinorUnits(one.sales),
        profit=None if one.profit is None else MinorUnits(one.profit),
        rate=one.rate,
        orders=one.orders,
        unknown_orders=one.unknown_orders,
    )


def _contribution(row: profits.Contribution, record: str | None) -> ProfitContribution:
    named = None if record is None or row.record_id is None else public_id(record, row.record_id)
    return ProfitContribution(
        record_id=None if named is None else strawberry.ID(named),
        begins_on=row.begins_on,
        name=row.name,
        sum=_sum(row.sum),
        before=None if row.before is None else _sum(row.before),
        difference=None if row.difference is None else MinorUnits(row.difference),
    )


def _page(cursors: Sequence[str], *, has_next: bool, continued: bool) -> PageInfo:
    return PageInfo(
        has_next_page=has_next,
        has_previous_page=continued,
        start_cursor=cursors[0] if cursors else None,
        end_cursor=cursors[-1] if cursors else None,
    )


@strawberry.type(description="At which interval a customer buys, and when the next purchase is expected.")
class BuyingCycle:
    customer: Ref = strawberry.field(graphql_type=CUSTOMER, description="Whose purchases they are")
    product: Ref | None = strawberry.field(
        graphql_type=PRODUCT | None, description="Where products are told apart"
    )
    purchases: int = strawberry.field(description="Days of purchase since ever")
    last_on: date = strawberry.field(description="The last of these days")
    median: Decimal | None = strawberry.field(
        graphql_type=DecimalString | None, description="Days between two of them, in the middle"
    )
    lower: Decimal | None = strawberry.field(
        graphql_type=DecimalString | None, description="The lower quartile of these days"
    )
    upper: Decimal | None = strawberry.field(
        graphql_type=DecimalString | None, description="The upper quartile of these days"
    )
    expected_on: date | None = strawberry.field(description="From three days of purchase on")
    expected_from: date | None = strawberry.field(description="Where the band begins: by the lower quartile")
    expected_until: date | None = strawberry.field(description="Where the band ends: by the upper quartile")
    late_days: int | None = strawberry.field(description="Days since the band has ended; 0 before")


@strawberry.type
class BuyingCycleConnection:
    nodes: list[BuyingCycle]
    page_info: PageInfo


async def answer_buying_cycles(
    info: Info[Context, None],
    customer_id: strawberry.ID | None = None,
    by_product: Annotated[bool, strawberry.argument(description="Tell each product apart")] = False,
    silent: Annotated[
        bool, strawberry.argument(description="Only those whose band has ended before today")
    ] = False,
    first: int = 50,
    after: str | None = None,
) -> BuyingCycleConnection | None:
    context = info.context
    context.require_scope("read")
    viewer = await context.viewer()
    try:
        customer = None if customer_id is None else record_id(customer_id, "customer")
    except NotFound:
        return None
    question = cycles.CycleQuestion(customer, by_product, silent, first, after)
    async with context.databases.tenant_read(viewer.company) as read:
        found = await cycles.buying_cycles(read, viewer, question, clock=context.clock)
    if found is None:
        return None
    return BuyingCycleConnection(
        nodes=[_cycle(row) for row in found.rows],
        page_info=_page(
            [row.cursor for row in found.rows], has_next=found.has_next, continued=after is not None
        ),
    )


def _cycle(row: cycles.Cycle) -> BuyingCycle:
    return BuyingCycle(
        customer=Ref("customer", row.customer_id),
        product=None if row.product_id is None else Ref("product", row.product_id),
        purchases=row.purchases,
        last_on=row.last_on,
        median=row.median,
        lower=row.lower,
        upper=row.upper,
        expected_on=row.expected_on,
        expected_from=row.expected_from,
        expected_until=row.expected_until,
        late_days=row.late_days,
    )


@strawberry.type(description="A product that is bought by those who buy another one.")
class ProductCompanion:
    product: Ref = strawberry.field(graphql_type=PRODUCT, description="What is bought along")
    customers: int = strawberry.field(description="How many customers buy both, at least two")
    support: Decimal = strawberry.field(
        graphql_type=DecimalString, description="They, as a fraction of all who buy anything"
    )
    confidence: Decimal = strawberry.field(
        graphql_type=DecimalString, description="They, as a fraction of those who buy the other one"
    )
    lift: Decimal = strawberry.field(
        graphql_type=DecimalString, description="How many times as often as by chance"
    )


async def answer_cross_selling(
    info: Info[Context, None],
    product_id: strawberry.ID,
    days: Annotated[int, strawberry.argument(description="So many days back, from 1 to 3660")] = 365,
) -> list[ProductCompanion] | None:
    context = info.context
    context.require_scope("read")
    viewer = await context.viewer()
    try:
        product = record_id(product_id, "product")
    except NotFound:
        return None
    async with context.databases.tenant_read(viewer.company) as read:
        found = await cycles.cross_selling(read, viewer, product_id=product, days=days, clock=context.clock)
    return None if found is None else [_companion(one) for one in found]


def _companion(one: cycles.Companion) -> ProductCompanion:
    return ProductCompanion(
        product=Ref("product", one.product_id),
        customers=one.customers,
        support=one.support,
        confidence=one.confidence,
        lift=one.lift,
    )


@strawberry.type
class TradeQuery:
    profit_contribution: ProfitContributionConnection | None = strawberry.field(
        resolver=answer_profit_contribution,
        description=(
            "What was sold and what it left over its cost, by customer, order, product, month or year, beside the time"
            " before. Counted are the orders whose profit you may read; null where a customer or product is not found."
        ),
    )
    buying_cycles: BuyingCycleConnection | None = strawberry.field(
        resolver=answer_buying_cycles,
        description=(
            "At which interval customers buy, what is expected first first; null where the customer is not found."
        ),
    )
    cross_selling: list[ProductCompanion] | None = strawberry.field(
        resolver=answer_cross_selling,
        description="What goes along with a product, by lift, at most 50; null where the product is not found.",
    )
