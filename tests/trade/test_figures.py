"""Profit, cycles and companions of a random crowd against the same worked out in Python, order line by order line.

The days of purchase crowd around ends of months, of years, and a leap day; there are lines that were put away, orders
that were cancelled or archived, orders in another currency, products sold below their cost, at no price, and without
a known cost.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from random import Random
from statistics import quantiles
from uuid import UUID

import pytest

from kedang_tenants.trade.cycles import CycleQuestion, buying_cycles, cross_selling
from kedang_tenants.trade.profits import (
    CUSTOMER,
    GROUPINGS,
    LEAST_PROFIT,
    MONTH,
    MOST_PROFIT,
    MOST_SALES,
    ORDER,
    PRODUCT,
    ProfitQuestion,
    Sum,
    profit_contributions,
)
from tests.support.factories import Factory

pytestmark = pytest.mark.requirement("P6", "P9")
TODAY = date(2026, 3, 2)
TOMORROW = TODAY + timedelta(days=1)
DAYS = [
    *(date(2024, 2, day) for day in (1, 28, 29)),
    *(date(2024, month, day) for month, day in ((3, 1), (3, 31), (12, 1), (12, 31))),
    *(
        date(2025, month, day)
        for month, day in ((1, 1), (1, 31), (2, 28), (3, 1), (3, 31), (11, 30), (12, 31))
    ),
    *(date(2026, month, day) for month, day in ((1, 1), (1, 31), (2, 1), (2, 28), (3, 1), (3, 2), (3, 3))),
]
PERIODS = [
    (None, None),
    (None, date(2026, 2, 28)),
    (date(2024, 2, 29), date(2025, 3, 1)),
    (date(2025, 1, 31), date(2025, 3, 31)),
    (date(2026, 1, 31), date(2026, 3, 1)),
    (date(2025, 12, 31), None),
]


@dataclass(frozen=True)
class Sold:
    """A line that counts, with what its order says."""

    customer: UUID
    order: UUID
    product: UUID
    on: date
    currency: str
    sales: int
    profit: int | None


def cents(number):
    return int((number * 100).quantize(Decimal(1), ROUND_HALF_UP))


async def crowd(shop, seed=11):
    """Some customers with their orders; what of them counts."""
    pick, factory = Random(seed), Factory(shop.databases, shop.company, shop.clock)
    costs = [None, *map(Decimal, ("5", "7.005", "0", "30"))]
    products = await factory.many(
        "product", [{"number": str(n), "cost": cost, "currency": "USD"} for n, cost in enumerate(costs)]
    )
    customers = await factory.many("customer", [{"name": f"C{n}"} for n in range(9)])
    orders = [
        {
            "number": str(n),
            "customer_id": pick.choice(customers),
            "ordered_on": pick.choice(DAYS),
            "currency": pick.choice(["USD"] * 6 + ["EUR"]),
            "state": pick.choice(["OPEN", "DELIVERED", "DELIVERED", "CANCELLED"]),
        }
        for n in range(110)
    ]
    made = await factory.many("order", orders)
    lines = [
        {
            "order_id": made[number],
            "product_id": pick.choices(products, (1, 6, 6, 3, 2))[0],
            "quantity": Decimal(pick.randrange(1, 90)) / 10,
            "unit_price": pick.choice((Decimal(0), Decimal(pick.randrange(1, 30_000)) / 1000)),
            "discount": pick.choice((Decimal(0), Decimal("0.15"))),
        }
        for number in range(len(orders))
        for _ in range(pick.randrange(4))
    ]
    ids = await factory.many("order_line", lines)
    gone_lines, gone_orders = set(ids[::9]), set(made[::13])
    await factory.archive("order_line", *gone_lines)
    await factory.archive("order", *gone_orders)
    heads, cost_of = dict(zip(made, orders, strict=True)), dict(zip(products, costs, strict=True))
    counted = {
        order: head
        for order, head in heads.items()
        if order not in gone_orders and head["state"] != "CANCELLED"
    }
    sold = []
    for line_id, line in zip(ids, lines, strict=True):
        head = counted.get(line["order_id"])
        if head is None or line_id in gone_lines:
            continue
        sales = cents(line["quantity"] * line["unit_price"] * (1 - line["discount"]))
        cost = cost_of[line["product_id"]] if head["currency"] == "USD" else None
        profit = None if cost is None else sales - cents(line["quantity"] * cost)
        sold.append(
            Sold(
                head["customer_id"], line["order_id"], line["product_id"], head["ordered_on"], head["currency"],
                sales, profit,
            )
        )  # fmt: skip
    # An order without a line was placed as well: on it nothing was earned.
    empty = {
        order: Sold(head["customer_id"], order, None, head["ordered_on"], head["currency"], 0, 0)
        for order, head in counted.items()
        if order not in {one.order for one in sold}
    }
    return products, customers, sold, list(empty.values())


def added(lines):
    unknown = {one.order for one in lines if one.profit is None}
    return Sum(
        sum(one.sales for one in lines),
        None if unknown else sum(one.profit for one in lines),
        len({one.order for one in lines}),
        len(unknown),
    )


def before_that(by, begins_on):
    if by == MONTH:
        return (begins_on - timedelta(days=1)).replace(day=1)
    return begins_on.replace(year=begins_on.year - 1)


def key_of(by, one):
    return {
        CUSTOMER: one.customer,
        ORDER: one.order,
        PRODUCT: one.product,
        MONTH: one.on.replace(day=1),
    }.get(by, one.on.replace(month=1, day=1))


def grouped(by, lines):
    found = defaultdict(list)
    for one in lines:
        found[key_of(by, one)].append(one)
    return found


def reckoned(by, lines, first, end):
    """Key → the sum of the period, and that of the time before."""
    until = end or TOMORROW
    now = grouped(by, [one for one in lines if (first or date.min) <= one.on < until])
    if by in GROUPINGS[3:]:
        past = grouped(by, [one for one in lines if one.on < until])
        return {key: (added(rows), added(past[before_that(by, key)])) for key, rows in now.items()}
    if first is None:
        return {key: (added(rows), None) for key, rows in now.items()}
    past = grouped(by, [one for one in lines if first - (until - first) <= one.on < first])
    return {key: (added(rows), added(past[key])) for key, rows in now.items()}


def difference(now, before):
    if before is None or None in {now.profit, before.profit}:
        return None
    return now.profit - before.profit


def place(row, order):
    """Where a row stands: what has no known profit comes last."""
    if order == MOST_SALES:
        return -row.sum.sales, row.record_id
    profit = row.sum.profit
    if profit is None:
        return True, 0, row.record_id
    return False, profit if order == LEAST_PROFIT else -profit, row.record_id


@pytest.mark.parametrize("by", GROUPINGS)
async def test_profit_side_by_side_agrees_with_a_count_of_every_line(shop, by):
    products, customers, sold, empty = await crowd(shop)
    asked = []
    for first, end in PERIODS:
        for whom in (None, tuple(customers[:4])):
            for what in (None, tuple(products[:3])):
                asked.append((first, end, whom, what))  # noqa: PERF401 - three loops are read more easily so
    seen = set()
    for currency in ("USD", "EUR"):
        for first, end, whom, what in asked:
            lines = [
                one
                for one in (sold if by == PRODUCT or what else [*sold, *empty])
                if one.currency == currency
                and (whom is None or one.customer in whom)
                and (what is None or one.product in what)
            ]
            wanted = reckoned(by, lines, first, end)
            for order in (MOST_PROFIT, LEAST_PROFIT, MOST_SALES):
                said = {"first": first, "end": end, "customer_ids": whom, "product_ids": what}
                question = ProfitQuestion(by, **said, currency=currency, order=order, limit=250)
                async with shop.databases.tenant_read(shop.company.ref) as read:
                    found = await profit_contributions(read, shop.viewer, question, clock=shop.clock)
                told = {row.record_id or row.begins_on: (row.sum, row.before) for row in found.rows}
                assert told == wanted
                assert [row.difference for row in found.rows] == [
                    difference(row.sum, row.before) for row in found.rows
                ]
                until = end or TOMORROW
                assert found.total == added([one for one in lines if (first or date.min) <= one.on < until])
                keys = [
                    place(row, order) if row.record_id else -row.begins_on.toordinal() for row in found.rows
                ]
                assert keys == sorted(keys)
            question = ProfitQuestion(by, **said, currency=currency, unprofitable=True, limit=250)
            async with shop.databases.tenant_read(shop.company.ref) as read:
                found = await profit_contributions(read, shop.viewer, question, clock=shop.clock)
            losing = {key for key, (now, _) in wanted.items() if now.profit is not None and now.profit < 0}
            assert {row.record_id or row.begins_on for row in found.rows} == losing
            seen |= {now.profit is None for now, _ in wanted.values()} | {"loss" for _ in losing}
    assert seen == {True, False, "loss"}


def tenth(number):
    return Decimal(number).quantize(Decimal("0.1"), ROUND_HALF_UP)


def cycle_of(days):
    """Purchases, last day, median, quartiles, and the three expected days."""
    days = sorted(set(days))
    apart = [(later - earlier).days for earlier, later in pairwise(days)]
    if len(apart) > 1:
        lower, median, upper = (tenth(one) for one in quantiles(apart, n=4, method="inclusive"))
    else:
        lower = median = upper = tenth(apart[0]) if apart else None
    told = [len(days), days[-1], median, lower, upper]
    for after in (median, lower, upper):
        whole = None if len(days) < 3 else int(after.quantize(Decimal(1), ROUND_HALF_UP))
        told.append(None if whole is None else days[-1] + timedelta(days=whole))
    return tuple(told)


async def test_cycles_of_customers_and_of_each_product_agree_with_a_count_of_every_line(shop):
    _, _, sold, empty = await crowd(shop, seed=12)
    silent_ones = 0
    shop.clock.move(timedelta(days=150))
    today = TODAY + timedelta(days=150)
    for by_product in (False, True):
        days = defaultdict(list)
        for one in [*sold, *empty]:
            if not by_product or one.product is not None:
                days[one.customer, one.product if by_product else None].append(one.on)
        wanted = {key: cycle_of(on) for key, on in days.items()}
        for silent in (False, True):
            question = CycleQuestion(by_product=by_product, silent=silent, limit=250)
            async with shop.databases.tenant_read(shop.company.ref) as read:
                found = await buying_cycles(read, shop.viewer, question, clock=shop.clock)
            told = {
                (one.customer_id, one.product_id): (
                    one.purchases, one.last_on, one.median, one.lower, one.upper,
                    one.expected_on, one.expected_from, one.expected_until,
                )
                for one in found.rows
            }  # fmt: skip
            late = {
                key: None if cycle[7] is None else max(0, (today - cycle[7]).days)
                for key, cycle in wanted.items()
            }
            assert {(one.customer_id, one.product_id): one.late_days for one in found.rows} == {
                key: late[key] for key in told
            }
            assert told == {key: one for key, one in wanted.items() if not silent or late[key]}
            silent_ones += silent and len(told)
    assert silent_ones > 1


async def test_companions_agree_with_a_count_of_every_buyer(shop):
    products, _, sold, _ = await crowd(shop, seed=13)
    told = 0
    for days in (365, 1, 30, 3_660):
        bought = defaultdict(set)
        for one in sold:
            if TODAY - timedelta(days=days) < one.on <= TODAY:
                bought[one.product].add(one.customer)
        everybody = set().union(*bought.values())
        for product in products:
            wanted = []
            for other, buyers in bought.items():
                both = buyers & bought.get(product, set())
                if other == product or len(both) < 2:
                    continue
                shares = (
                    Decimal(len(both)) / len(everybody),
                    Decimal(len(both)) / len(bought[product]),
                    Decimal(len(both) * len(everybody)) / (len(bought[product]) * len(buyers)),
                )
                wanted.append((other, len(both), *(round(share, 6) for share in shares)))
            async with shop.databases.tenant_read(shop.company.ref) as read:
                found = await cross_selling(
                    read, shop.viewer, product_id=product, days=days, clock=shop.clock
                )
            assert [(c.product_id, c.customers, c.support, c.confidence, c.lift) for c in found] == sorted(
                wanted, key=lambda one: (-one[4], -one[1], one[0])
            )
            told += len(wanted)
    assert told > 20
