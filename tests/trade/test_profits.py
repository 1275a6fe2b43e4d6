"""Costs, margins and what orders leave over: unknown is not zero, and who may not read costs says none."""

from datetime import date
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedang_platform.errors import BadUserInput, Forbidden, Refused
from kedang_platform.ids import new_id
from kedang_tenants.changing import Change
from kedang_tenants.reading import BadCursor
from kedang_tenants.rules import establish
from kedang_tenants.trade import tiers
from kedang_tenants.trade.profits import (
    CUSTOMER,
    LEAST_PROFIT,
    MONTH,
    MOST_SALES,
    ORDER,
    PRODUCT,
    YEAR,
    ProfitQuestion,
    Sum,
    profit_contributions,
)
from kedang_tenants.trade.rules import margin_of
from kedang_tenants.trade.tiers import ProfitTiers

pytestmark = pytest.mark.requirement("P1", "P6")
DAY = date(2026, 1, 15)


async def product(shop, number, **values):
    return await shop.create("product", number=number, name=f"Product {number}", **values)


async def sell(shop, customer, product_id, quantity, price, on=DAY, **values):
    """An order of one line; its id."""
    order, line = new_id(), {"product_id": product_id, "quantity": quantity, "unit_price": price, **values}
    head = {"number": order.hex[-12:], "customer_id": customer, "ordered_on": on}
    await shop.change(
        Change("order", "create", order, values=head),
        Change("order_line", "create", values=line | {"order_id": order}),
    )
    return order


async def line_of(shop, order):
    (row,) = await shop.fetch(
        "SELECT id, amount, unit_cost, profit FROM order_line WHERE order_id = $1 AND archived_at IS NULL",
        order,
    )
    return row


async def profit(shop, order):
    return await shop.value("SELECT profit FROM sales_order WHERE id = $1", order)


async def ask(shop, viewer=None, **said):
    async with shop.databases.tenant_read(shop.company.ref) as read:
        return await profit_contributions(
            read, viewer or shop.viewer, ProfitQuestion(**said), clock=shop.clock
        )


@pytest.mark.parametrize(
    ("price", "cost", "margin", "tier"),
    [
        ("10", "6", "0.4", "HIGH"),
        ("10", "6.000001", "0.4", "HIGH"),  # to six digits
        ("10", "6.0001", "0.39999", "MEDIUM"),
        ("10", "8", "0.2", "MEDIUM"),
        ("10", "8.01", "0.199", "LOW"),
        ("10", "10", "0", "LOW"),
        ("10", "10.01", "-0.001", "LOSS"),
        ("10", "0", "1", "HIGH"),
        ("0.000001", "1000000000", "-999999", "LOSS"),
        ("0", "1", None, None),
        (None, "1", None, None),
        ("10", None, None, None),
    ],
)
def test_the_tier_of_a_product_follows_from_its_margin(price, cost, margin, tier):
    found = margin_of(*(None if text is None else Decimal(text) for text in (price, cost)))
    assert (found, ProfitTiers().of(found)) == (None if margin is None else Decimal(margin), tier)


async def test_margin_and_tier_stand_on_the_product_and_move_with_it(shop):
    chai = await product(shop, "1", list_price="18", cost="9", floor_price="12")
    row = "SELECT margin, profit_tier, currency FROM product WHERE id = $1"
    assert await shop.fetch(row, chai) == [
        {"margin": Decimal("0.5"), "profit_tier": "HIGH", "currency": "USD"}
    ]
    await shop.update("product", chai, cost=None)
    assert await shop.fetch(row, chai) == [{"margin": None, "profit_tier": None, "currency": "USD"}]
    with pytest.raises(Refused) as refused:
        await shop.update("product", chai, profit_tier="HIGH")
    assert [error.code for error in refused.value.errors] == ["FORBIDDEN"]


async def put_in_force(shop, content):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await establish(write, await shop.product(), kind=tiers.KIND, content=content, clock=shop.clock)
    await shop.work()


@pytest.mark.requirement("T8")
async def test_a_company_says_itself_from_which_margin_on_a_tier_begins(shop):
    for number, cost in enumerate(("3", "5", "7.5", "9.5", "11", None)):
        await product(shop, str(number), list_price="10", cost=cost)
    tiers_now = "SELECT profit_tier, version FROM product ORDER BY number"

    async def told():
        return [tuple(row.values()) for row in await shop.fetch(tiers_now)]

    default = ["HIGH", "HIGH", "MEDIUM", "LOW", "LOSS", None]
    assert await told() == [(tier, 1) for tier in default]
    await put_in_force(shop, {"high": "0.7", "medium": "0.25", "low": "-0.1"})
    assert await told() == [(tier, 1) for tier in ("HIGH", "MEDIUM", "MEDIUM", "LOW", "LOW", None)]
    await product(shop, "6", list_price="10", cost="4")
    assert (await told())[-1] == ("MEDIUM", 1)
    await put_in_force(shop, {"high": 0.4, "medium": 0.2, "low": 0.1})
    assert [tier for tier, _ in await told()] == ["HIGH", "HIGH", "MEDIUM", "LOSS", "LOSS", None, "HIGH"]


@pytest.mark.requirement("T8")
@pytest.mark.parametrize(
    ("content", "code", "path"),
    [
        ({}, "INVALID_CONTENT", ()),
        ({"high": "0.4", "medium": "0.2"}, "INVALID_CONTENT", ()),
        ({"high": "0.4", "medium": "0.2", "low": "0", "loss": "-1"}, "INVALID_CONTENT", ("loss",)),
        ({"high": "much", "medium": "0.2", "low": "0"}, "INVALID_NUMBER", ("high",)),
        ({"high": True, "medium": "0.2", "low": "0"}, "INVALID_NUMBER", ("high",)),
        ({"high": "1.01", "medium": "0.2", "low": "0"}, "OUT_OF_RANGE", ("high",)),
        ({"high": "0.2", "medium": "0.2", "low": "0"}, "TIERS_NOT_IN_ORDER", ("high",)),
        ({"high": "0.4", "medium": "-0.2", "low": "0"}, "TIERS_NOT_IN_ORDER", ("medium",)),
        ({"high": "0.4", "medium": "0.2", "low": "0.0000001"}, "TOO_PRECISE", ("low",)),
    ],
)
async def test_tiers_that_cannot_be_are_refused(shop, content, code, path):
    errors = await tiers.check(None, shop.viewer, content)
    assert [(error.code, error.path) for error in errors] == [(code, path)]


async def test_the_cost_of_the_day_stays_with_the_line(shop):
    customer = await shop.create("customer", name="Ernst Handel")
    chai = await product(shop, "1", cost="7.5")
    order = await sell(shop, customer, chai, 3, "18", discount="0.1")
    line = await line_of(shop, order)
    assert (line["amount"], line["unit_cost"], line["profit"]) == (4860, Decimal("7.5"), 4860 - 2250)
    await shop.update("product", chai, cost="9")
    await shop.update("order_line", line["id"], quantity=4)
    line = await line_of(shop, order)
    assert (line["amount"], line["unit_cost"], line["profit"]) == (6480, Decimal("7.5"), 6480 - 3000)
    assert await profit(shop, order) == 3480
    await shop.update("order_line", line["id"], product_id=chai, quantity=4)  # as a file says it again
    assert (await line_of(shop, order))["unit_cost"] == Decimal("7.5")
    chang = await product(shop, "2", cost="10")
    await shop.update("order_line", line["id"], product_id=chang)
    assert (await line_of(shop, order))["unit_cost"] == 10
    assert await profit(shop, order) == 6480 - 4000


async def test_an_unknown_cost_is_not_zero_and_makes_its_order_unknown(shop):
    customer = await shop.create("customer", name="Ernst Handel")
    known, unknown = await product(shop, "1", cost="5"), await product(shop, "2")
    free = await product(shop, "3", cost="0")
    order = await sell(shop, customer, known, 1, "8")
    assert await profit(shop, order) == 300
    given = {"order_id": order, "quantity": 1, "unit_price": "8"}
    (gift,) = await shop.change(Change("order_line", "create", values=given | {"product_id": free}))
    assert await profit(shop, order) == 300 + 800  # a cost of zero is one
    (line,) = await shop.change(Change("order_line", "create", values=given | {"product_id": unknown}))
    assert await profit(shop, order) is None
    await shop.archive("order_line", line)
    assert await profit(shop, order) == 1100
    await shop.update("order_line", gift, unit_cost=None)
    assert await profit(shop, order) is None
    await shop.update("order_line", gift, unit_cost="9")
    assert await profit(shop, order) == 300 - 100


async def test_a_cost_in_another_currency_than_the_order_s_is_unknown(shop):
    customer = await shop.create("customer", name="Ernst Handel")
    chai = await product(shop, "1", cost="5", currency="EUR")
    assert (await line_of(shop, await sell(shop, customer, chai, 1, "8")))["unit_cost"] is None


@pytest.mark.requirement("A11")
async def test_who_may_not_read_costs_says_none(shop):
    davolio = await shop.hire("Nancy Davolio", "REPRESENTATIVE")
    customer = await shop.create("customer", name="Ernst Handel", owner_id=davolio)
    chai = await product(shop, "1", cost="5")
    order = await sell(shop, customer, chai, 1, "8")
    seller = await shop.as_member(davolio)
    line = {"order_id": order, "product_id": chai, "quantity": 1, "unit_price": "8"}
    for values in (line | {"unit_cost": "0"}, line | {"profit": 1}):
        with pytest.raises(Refused) as refused:
            await shop.create("order_line", viewer=seller, **values)
        assert [error.code for error in refused.value.errors] == ["FORBIDDEN"]
    assert await profit(shop, order) == 300
    await shop.create("order_line", viewer=seller, **line)  # the product's cost is taken all the same
    assert await profit(shop, order) == 600
    with pytest.raises(Forbidden):
        await ask(shop, seller, by=CUSTOMER)


async def test_profit_is_told_by_everything_it_is_asked_by(shop):
    ernst = await shop.create("customer", name="Ernst Handel")
    save = await shop.create("customer", name="Save-a-lot Markets")
    chai, loss, dark = [
        await product(shop, str(n), **values) for n, values in enumerate(({"cost": "5"}, {"cost": "9"}, {}))
    ]
    await sell(shop, ernst, chai, 10, "8", date(2025, 12, 31))  # 80.00, 30.00 left
    await sell(shop, ernst, chai, 5, "8", date(2026, 1, 31))  # 40.00, 15.00 left
    await sell(shop, ernst, loss, 10, "8", date(2026, 2, 1))  # 80.00, 10.00 lost
    sold = await sell(shop, save, dark, 1, "8", date(2026, 2, 2))  # unknown
    await sell(shop, save, loss, 1, "8", date(2026, 2, 3))  # 1.00 lost
    await sell(shop, save, chai, 100, "8", date(2026, 3, 3))  # tomorrow: not yet
    cancelled = await sell(shop, save, chai, 100, "8", date(2026, 2, 3))
    await shop.update("order", cancelled, state="CANCELLED")

    found = await ask(shop, by=CUSTOMER)
    assert [(row.record_id, row.name, row.sum, row.difference) for row in found.rows] == [
        (ernst, "Ernst Handel", Sum(20000, 3500, 3, 0), None),
        (save, "Save-a-lot Markets", Sum(1600, None, 2, 1), None),
    ]
    assert (found.currency, found.total, found.has_next) == ("USD", Sum(21600, None, 5, 1), False)
    assert (found.rows[0].sum.rate, found.rows[1].sum.rate) == (Decimal("0.175"), None)

    found = await ask(shop, by=CUSTOMER, first=date(2026, 1, 1), end=date(2026, 3, 1), customer_ids=(ernst,))
    (row,) = found.rows  # the 59 days before: the order of the last day of the year
    assert (row.sum, row.before, row.difference) == (Sum(12000, 500, 2, 0), Sum(8000, 3000, 1, 0), -2500)

    found = await ask(shop, by=PRODUCT, order=LEAST_PROFIT)
    assert [(row.record_id, row.sum) for row in found.rows] == [
        (loss, Sum(8800, -1100, 2, 0)),
        (chai, Sum(12000, 4500, 2, 0)),
        (dark, Sum(800, None, 1, 1)),
    ]
    assert [row.record_id for row in (await ask(shop, by=PRODUCT, unprofitable=True)).rows] == [loss]
    (row,) = (await ask(shop, by=CUSTOMER, product_ids=(loss,), customer_ids=(save,))).rows
    assert row.sum == Sum(800, -100, 1, 0)

    found = await ask(shop, by=MONTH, customer_ids=(ernst,))
    assert [(row.begins_on, row.sum.profit, row.difference) for row in found.rows] == [
        (date(2026, 2, 1), -1000, -2500),
        (date(2026, 1, 1), 1500, -1500),
        (date(2025, 12, 1), 3000, 3000),
    ]
    found = await ask(shop, by=YEAR, first=date(2026, 1, 1))
    assert [(row.begins_on, row.sum.profit, row.before) for row in found.rows] == [
        (date(2026, 1, 1), None, Sum(8000, 3000, 1, 0))
    ]
    found = await ask(shop, by=ORDER, order=MOST_SALES, limit=2)
    assert ([row.sum.sales for row in found.rows], found.has_next) == ([8000, 8000], True)
    found = await ask(shop, by=ORDER, unprofitable=True)
    assert [row.sum.profit for row in found.rows] == [-100, -1000]
    (row,) = [row for row in (await ask(shop, by=ORDER)).rows if row.sum.profit is None]
    assert (row.record_id, row.name) == (sold, sold.hex[-12:])
    assert (await ask(shop, by=CUSTOMER, currency="EUR")).rows == ()


async def test_pages_follow_each_other_and_bad_questions_are_refused(shop):
    chai = await product(shop, "1", cost="5")
    dark = await product(shop, "2")
    customers = [await shop.create("customer", name=f"C{n}") for n in range(5)]
    for number, customer in enumerate(customers):
        await sell(shop, customer, dark if number == 2 else chai, 1, str(4 + number // 2))
    for order in (None, LEAST_PROFIT, MOST_SALES):
        said = {"by": CUSTOMER, "limit": 2} | ({"order": order} if order else {})
        whole = await ask(shop, **said | {"limit": 250})
        page, seen = await ask(shop, **said), []
        while page.rows:
            seen += [row.record_id for row in page.rows]
            assert page.total == whole.total
            page = await ask(shop, **said, after=page.rows[-1].cursor)
        assert seen == [row.record_id for row in whole.rows]
        assert set(seen) == set(customers)
    found = await ask(shop, by=CUSTOMER, first=date.min, end=date.max)
    assert found.total == Sum(2400, None, 5, 1)
    cursor = whole.rows[0].cursor
    for said, error in (
        ({"by": CUSTOMER, "after": cursor}, BadCursor),
        ({"by": CUSTOMER, "limit": 251}, BadUserInput),
        ({"by": CUSTOMER, "first": DAY, "end": DAY}, BadUserInput),
    ):
        with pytest.raises(error):
            await ask(shop, **said)
    assert await ask(shop, by=CUSTOMER, customer_ids=(customers[0], new_id())) is None


@pytest.mark.requirement("A11")
async def test_a_manager_is_told_the_profit_of_the_department_alone(shop):
    sales = await shop.create("department", name="Sales")
    boss = await shop.hire("Steven Buchanan", "DEPARTMENT_MANAGER", department_id=sales)
    davolio = await shop.hire("Nancy Davolio", "REPRESENTATIVE", department_id=sales)
    mine = await shop.create("customer", name="Ours", owner_id=davolio)
    other = await shop.create("customer", name="Others")
    chai = await product(shop, "1", cost="5")
    for customer in (mine, other):
        await sell(shop, customer, chai, 1, "8")
    viewer = await shop.as_member(boss)
    for by in (CUSTOMER, PRODUCT):
        found = await ask(shop, viewer, by=by)
        assert (len(found.rows), found.total) == (1, Sum(800, 300, 1, 0))
    assert await ask(shop, viewer, by=CUSTOMER, customer_ids=(other,)) is None


@pytest.mark.requirement("A11")
async def test_profit_of_a_closed_archive_is_told_to_nobody_else(shop):
    finance = await shop.as_member(await shop.hire("Laura Callahan", "FINANCE"))
    closed = await shop.create("customer", name="Closed")
    chai = await product(shop, "1", cost="5")
    await sell(shop, closed, chai, 1, "8")
    assert (await ask(shop, finance, by=CUSTOMER)).total.profit == 300
    await shop.change(Change("customer", "update", closed, values={"restricted": True}), internally=True)
    finance = await shop.as_member(finance.member_id)
    for by in (CUSTOMER, PRODUCT, ORDER, MONTH, YEAR):
        found = await ask(shop, finance, by=by)
        assert (found.rows, found.total) == ((), Sum(0, 0, 0, 0))
    assert await ask(shop, finance, by=CUSTOMER, customer_ids=(closed,)) is None


@given(seed=st.integers(0, 2**32))
def test_a_margin_is_within_its_bounds_and_falls_with_the_cost(seed):
    pick = Random(seed)
    price = Decimal(pick.randrange(1, 10**6)) / 10 ** pick.randrange(7)
    low, high = sorted(Decimal(pick.randrange(10**6)) / 10 ** pick.randrange(7) for _ in range(2))
    better, worse = margin_of(price, low), margin_of(price, high)
    assert -999_999 <= worse <= better <= 1
    places = ("HIGH", "MEDIUM", "LOW", "LOSS")
    of = ProfitTiers().of
    assert places.index(of(better)) <= places.index(of(worse))
