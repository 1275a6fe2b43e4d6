"""Composition, purchase behaviour and loyalty over Northwind, against the CSV files counted in plain Python."""

from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import median

import pytest

from kedang_tenants.reports.dashboard import Dashboard
from kedang_tenants.reports.gathering import Question, Reader
from kedang_tenants.reports.loyalty_and_loss import whole_years
from kedang_tenants.reports.schedule import Span
from tests.grading.northwind import bring_in, cents, rows

YEAR = Span(date(1997, 1, 1), date(1997, 12, 31))


def sold(first: date, last: date) -> list[tuple[str, str, date, int]]:
    """Every line of the days: customer, category, day, cents."""
    categories = {row["category_id"]: row["category_name"] for row in rows("categories")}
    of_product = {row["product_id"]: categories[row["category_id"]] for row in rows("products")}
    orders = {row["order_id"]: row for row in rows("orders")}
    found = []
    for line in rows("order_details"):
        order = orders[line["order_id"]]
        day = date.fromisoformat(order["order_date"][:10])
        if first <= day <= last:
            found.append((order["customer_id"], of_product[line["product_id"]], day, cents(line)))
    return found


def orders_of(first: date, last: date) -> dict[str, list[date]]:
    found = defaultdict(list)
    for row in rows("orders"):
        day = date.fromisoformat(row["order_date"][:10])
        if first <= day <= last:
            found[row["customer_id"]].append(day)
    return {customer: sorted(days) for customer, days in found.items()}


def rounded(value) -> float:
    return round(float(value), 6)


class Northwind:
    """The company of the files, its customers with regions, its products with categories."""

    def __init__(self, shop) -> None:
        self.shop = shop

    async def build(self) -> None:
        shop = self.shop
        await bring_in(shop)
        names = {row["category_id"]: row["category_name"] for row in rows("categories")}
        ids = {one: await shop.create("product_category", name=name) for one, name in names.items()}
        async with shop.databases.tenant_write(shop.company.ref) as write:
            for row in rows("products"):
                await write.fetch(
                    "UPDATE product SET category_id = $2 WHERE number = $1",
                    row["product_id"],
                    ids[row["category_id"]],
                )
            for row in rows("customers"):
                await write.fetch(
                    "UPDATE customer SET region = $2 WHERE number = $1", row["customer_id"], row["country"]
                )
        await shop.publish_default_scheme(period="CALENDAR_YEAR", year=1997)
        await shop.work()

    async def told(self, kind: str, **parameters) -> dict[str, list[list]]:
        """The sheets of a report of 1997 as the owner sees them, by their titles, the totals last."""
        dashboard = Dashboard(self.shop.databases, self.shop.clock)
        reader = Reader(self.shop.viewer, "en", "", "")
        question = Question(kind, YEAR, parameters=parameters)
        found = await dashboard.figures(question, reader, oldest=timedelta(0))
        return {
            sheet.title: [*found.rows_of(sheet), *([list(sheet.totals)] if sheet.totals else [])]
            for sheet in found.document.sheets
        }


@pytest.mark.requirement("R1", "P7", "G8", "P9")
async def test_sales_of_1997_told_apart_and_by_customer(shop):
    northwind = Northwind(shop)
    await northwind.build()
    now = sold(YEAR.first, YEAR.last)
    then = sold(YEAR.first - timedelta(days=365), YEAR.first - timedelta(days=1))
    await by_category(northwind, now, then)
    await by_region_and_concentration(northwind, now)
    await by_behaviour(northwind, now)
    await by_loyalty(northwind)


async def by_category(northwind, now, then) -> None:
    told = await northwind.told("COMPOSITION", groupBy="CATEGORY")
    sales, earlier, customers = Counter(), Counter(), defaultdict(set)
    for customer, category, _, amount in now:
        sales[category] += amount
        customers[category].add(customer)
    for _, category, _, amount in then:
        earlier[category] += amount
    *lines, totals = told["Composition"]
    assert [line[0] for line in lines] == [name for name, _ in sales.most_common()]
    reached, whole = 0, sum(sales.values())
    for name, count, amount, part, added, before, change, grown, part_before in lines:
        reached += sales[name]
        assert (count, amount, before, change) == (
            len(customers[name]),
            sales[name],
            earlier[name],
            sales[name] - earlier[name],
        )
        assert part == rounded(Decimal(amount) / whole)
        assert added == rounded(Decimal(reached) / whole)
        assert grown == rounded(Decimal(change) / before)
        assert part_before == rounded(Decimal(before) / sum(earlier.values()))
    assert totals[1:4] == [len({customer for customer, *_ in now}), 61_708_535, 1.0]
    assert totals[5] == sum(earlier.values())


async def by_region_and_concentration(northwind, now) -> None:
    told = await northwind.told("COMPOSITION", groupBy="REGION", compare=False, top=10)
    region = {row["customer_id"]: row["country"] for row in rows("customers")}
    sales, by_customer = Counter(), Counter()
    for customer, _, _, amount in now:
        sales[region[customer]] += amount
        by_customer[customer] += amount
    assert {line[0]: line[2] for line in told["Composition"][:-1] if line[2]} == dict(sales)
    largest = [amount for _, amount in by_customer.most_common()]
    whole, count = sum(largest), len(largest)
    fifth = -(-count // 5)
    lines = {line[0]: line[1:] for line in told["Concentration"]}
    assert lines["20% of them"] == [
        fifth,
        sum(largest[:fifth]),
        rounded(Decimal(sum(largest[:fifth])) / whole),
    ]
    assert lines["the first 10"] == [10, sum(largest[:10]), rounded(Decimal(sum(largest[:10])) / whole)]
    assert lines["Total"][:2] == [count, whole]
    # Every slice opens its customers.
    germans = {
        line[1]: line[4] for line in told["Customers of the slices"] if line[0] == "Germany" and line[4]
    }
    assert germans == {one: amount for one, amount in by_customer.items() if region[one] == "Germany"}
    one = await northwind.told("COMPOSITION", groupBy="REGION", region="Germany", compare=False)
    assert [line[0] for line in one["Composition"][:-1]] == ["Germany"]
    assert one["Composition"][-1][2] == sales["Germany"]


FREQUENCIES = {
    "no order": (0, 0),
    "one order": (1, 1),
    "two orders": (2, 2),
    "3 to 5 orders": (3, 5),
    "6 to 10 orders": (6, 10),
    "more than 10 orders": (11, 999),
}


async def by_behaviour(northwind, now) -> None:
    told = await northwind.told("PURCHASE_BEHAVIOUR")
    ever, year = orders_of(date.min, YEAR.last), orders_of(YEAR.first, YEAR.last)
    amounts = Counter()
    for customer, _, _, amount in now:
        amounts[customer] += amount
    known = [row["customer_id"] for row in rows("customers")]
    suppliers = len(rows("suppliers"))
    for name, (low, high) in FREQUENCIES.items():
        within = [one for one in known if low <= len(year.get(one, [])) <= high]
        line = next(line for line in told["How often"] if line[0] == name)
        assert line[1] == len(within) + (suppliers if name == "no order" else 0), name
        assert line[3:5] == [
            sum(len(year.get(one, [])) for one in within),
            sum(amounts[one] for one in within),
        ]
    listed = {line[0]: line for line in told["Customers"]}
    assert len(listed) == len(known) + suppliers
    for customer in known:
        days = sorted(set(ever.get(customer, [])))
        line = listed[customer]
        count = len(year.get(customer, []))
        assert line[4:6] == [count, amounts[customer]]
        assert line[6] == (round(amounts[customer] / count) if count else None)
        assert line[8] == (days[-1].isoformat() if days else None)
        assert line[9] == ((YEAR.last - days[-1]).days if days else None)
        gaps = [(b - a).days for a, b in pairwise(days)]
        assert line[10] == (median(gaps) if gaps else None)
        expected = days[-1] + timedelta(days=round(median(gaps))) if len(days) > 2 else None
        assert line[11] == (expected.isoformat() if expected else None)


@pytest.mark.parametrize(
    ("since", "day", "years"),
    [
        ("2020-03-02", "2024-03-01", 3),
        ("2020-03-02", "2024-03-02", 4),
        ("2016-01-01", "2025-12-31", 9),
        ("2016-02-29", "2026-02-28", 9),
        ("2016-02-29", "2026-03-01", 10),
        ("2026-03-01", "2026-02-28", -1),
    ],
)
def test_years_of_trade_are_years_of_the_calendar(since, day, years):
    assert whole_years(date.fromisoformat(since), date.fromisoformat(day)) == years


async def by_loyalty(northwind) -> None:
    told = await northwind.told("LOYALTY_AND_LOSS")
    now = orders_of(YEAR.first, YEAR.last)
    before = orders_of(YEAR.first - timedelta(days=365), YEAR.first - timedelta(days=1))
    ever = orders_of(date.min, YEAR.last)
    known = [row["customer_id"] for row in rows("customers")]
    became = Counter()
    for one in known:
        if one in now:
            became["Kept" if one in before else "Won back" if ever[one][0] < YEAR.first else "Won anew"] += 1
        else:
            became["Lost" if one in before else "Silent for longer" if one in ever else "Never bought"] += 1
    became["Never bought"] += len(rows("suppliers"))
    assert {line[0]: line[1] for line in told["Loyalty"][:-1] if line[1]} == dict(became)
    total = told["By grade"][-1]
    assert total[7] == rounded(Decimal(became["Kept"]) / (became["Kept"] + became["Lost"]))
    again = sum(len(set(days)) > 1 for days in now.values())
    assert total[8] == rounded(Decimal(again) / len(now))
