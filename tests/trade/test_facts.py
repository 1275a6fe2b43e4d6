"""The facts that others count on, against the same worked out in Python over all rows; and the queries of P9."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from random import Random
from statistics import quantiles

import pytest

from kedang_platform.errors import BadUserInput, Forbidden
from kedang_platform.ids import new_id
from kedang_tenants.changing import Change
from kedang_tenants.reading import BadCursor
from kedang_tenants.trade import facts
from kedang_tenants.trade.cycles import CycleQuestion, buying_cycles, cross_selling
from tests.support.factories import Factory

pytestmark = pytest.mark.requirement("P4", "P6", "P9")
TODAY = date(2026, 3, 2)
FIRST, END = date(2025, 3, 1), date(2026, 3, 1)


async def fill(shop):
    """Twelve customers with orders, invoices and payments of the last two years."""
    pick, factory = Random(7), Factory(shop.databases, shop.company, shop.clock)
    products = [
        await factory.one("product", number=str(n), cost=cost, currency="USD")
        for n, cost in enumerate(("5", "20", None))
    ]
    customers = await factory.many("customer", [{"name": f"C{n}"} for n in range(12)])

    def day():
        return TODAY - timedelta(days=pick.randrange(700))

    orders = [
        {
            "number": str(n),
            "customer_id": pick.choice(customers[:11]),
            "ordered_on": day(),
            "currency": pick.choice(["USD"] * 5 + ["EUR"]),
            "state": pick.choice(["OPEN", "DELIVERED", "CANCELLED"]),
        }
        for n in range(80)
    ]
    made = await factory.many("order", orders)
    await factory.many(
        "order_line",
        [
            {
                "order_id": order,
                "product_id": pick.choices(products, (9, 9, 1))[0],
                "quantity": pick.randrange(1, 9),
                "unit_price": pick.randrange(1, 30),
            }
            for order in made
            for _ in range(pick.randrange(1, 4))
        ],
    )
    await factory.archive("order", *made[:5])
    bills = [
        {
            "number": str(n),
            "customer_id": pick.choice(customers),
            "amount": pick.randrange(500, 9_000),
            "issued_on": (issued := day()),
            "due_on": issued + timedelta(days=pick.choice([0, 30, 60])),
            "cancelled_on": min(TODAY, issued + timedelta(days=90)) if pick.random() < 0.1 else None,
            "currency": pick.choice(["USD"] * 5 + ["EUR"]),
        }
        for n in range(60)
    ]
    invoices = await factory.many("invoice", bills)
    payments = []
    for invoice, bill in zip(invoices, bills, strict=True):
        if bill["cancelled_on"] is None:
            for part in pick.choice(([], [1], [0.5], [0.25, 0.75])):
                on = min(TODAY, bill["issued_on"] + timedelta(days=pick.randrange(120)))
                amount = int(bill["amount"] * part) or 1
                payments.append(
                    {"number": str(len(payments)), "invoice_id": invoice, "amount": amount, "received_on": on}
                )
    await factory.many("payment", payments)


async def table(shop, name):
    return await shop.fetch(f"SELECT * FROM {name} WHERE archived_at IS NULL")


async def counted(shop):
    return [row for row in await table(shop, "sales_order") if row["state"] != "CANCELLED"]


def by_customer(rows):
    found = defaultdict(list)
    for row in rows:
        found[row["customer_id"]].append(row)
    return found


def summed(rows):
    profits = [row["profit"] for row in rows]
    return {
        "sales": sum(row["total"] for row in rows),
        "profit": None if None in profits else sum(profits),
        "orders": len(rows),
        "unknown_orders": profits.count(None),
        "first_on": min(row["ordered_on"] for row in rows),
        "last_on": max(row["ordered_on"] for row in rows),
    }


def whole(days):
    return int(days.quantize(Decimal(1), ROUND_HALF_UP))


def tenth(number):
    return Decimal(number).quantize(Decimal("0.1"), ROUND_HALF_UP)


def cycle(rows):
    days = sorted({row["ordered_on"] for row in rows})
    apart = [(later - earlier).days for earlier, later in pairwise(days)]
    lower = median = upper = None
    if len(apart) == 1:
        lower = median = upper = tenth(apart[0])
    elif apart:
        lower, median, upper = (tenth(one) for one in quantiles(apart, n=4, method="inclusive"))
    enough = len(days) >= 3

    def expected(after):
        return days[-1] + timedelta(days=whole(after)) if enough else None

    return {
        "purchases": len(days),
        "last_on": days[-1],
        "median": median,
        "lower": lower,
        "upper": upper,
        "expected_on": expected(median),
        "expected_from": expected(lower),
        "expected_until": expected(upper),
    }


async def answered(shop, sql, *values):
    rows = await shop.fetch(sql, *values)
    return {row.pop("customer_id"): row for row in rows}


async def test_facts_agree_with_a_computation_of_their_own(shop):
    await fill(shop)
    orders = await counted(shop)
    own = [row for row in orders if row["currency"] == "USD"]
    within = by_customer(row for row in own if FIRST <= row["ordered_on"] < END)
    sql = facts.sales(first="$1::date", end="$2::date", currency="$3::text")
    found = await answered(shop, sql, FIRST, END, "USD")
    assert found == {customer: summed(rows) for customer, rows in within.items()}
    assert {row["profit"] is None for row in found.values()} == {True, False}

    months = defaultdict(list)
    for row in own:
        months[row["customer_id"], row["ordered_on"].replace(day=1)].append(row)
    sql = facts.monthly_sales(end="$1::date", currency="'USD'")
    rows = await shop.fetch(sql, TODAY + timedelta(days=1))
    told = {(row.pop("customer_id"), row.pop("month")): row for row in rows}
    assert told == {key: summed(rows) for key, rows in months.items()}

    cycles = await answered(shop, facts.buying_intervals(end="$1::date"), END)
    bought = by_customer(row for row in orders if row["ordered_on"] < END)
    assert cycles == {customer: cycle(rows) for customer, rows in bought.items()}
    customers = list(bought)
    chosen = customers[:5]
    sql = facts.last_purchases(end="'infinity'::date", where="o.customer_id = ANY($1::uuid[])")
    last = await answered(shop, sql, chosen)
    ever = by_customer(orders)
    wanted = {c: max(ever[c], key=lambda row: (row["ordered_on"], row["id"])) for c in chosen}
    assert last == {c: {"order_id": row["id"], "day": row["ordered_on"]} for c, row in wanted.items()}
    kinds = {row["id"]: row["product_id"] for row in await table(shop, "order_line")}
    assert len(set(kinds.values())) == 3


@pytest.mark.parametrize("ago", [0, 1, 45, 400])
async def test_arrears_of_any_day_agree_with_a_computation_of_their_own(shop, ago):
    await fill(shop)
    day = TODAY - timedelta(days=ago)
    paid = defaultdict(int)
    for payment in await table(shop, "payment"):
        if payment["received_on"] <= day:
            paid[payment["invoice_id"]] += payment["amount"]
    late = defaultdict(list)
    for invoice in await table(shop, "invoice"):
        left = invoice["amount"] - paid[invoice["id"]]
        cancelled = invoice["cancelled_on"] is not None and invoice["cancelled_on"] <= day
        if invoice["currency"] == "USD" and invoice["due_on"] < day and left > 0 and not cancelled:
            late[invoice["customer_id"]].append((left, invoice["due_on"]))
    wanted = {
        customer: {
            "overdue": sum(left for left, _ in open_ones),
            "invoices": len(open_ones),
            "oldest_due_on": min(due for _, due in open_ones),
            "oldest_days": (day - min(due for _, due in open_ones)).days,
        }
        for customer, open_ones in late.items()
    }
    assert wanted
    assert await answered(shop, facts.arrears_as_of(day="$1::date", currency="'USD'"), day) == wanted
    if not ago:
        assert await answered(shop, facts.arrears(day="$1::date", currency="'USD'"), day) == wanted


async def test_what_waits_is_a_quotation_that_was_sent_and_not_answered(shop):
    ernst, save = [await shop.create("customer", name=name) for name in ("Ernst Handel", "Save-a-lot")]
    for number, state in enumerate(("DRAFT", "SENT", "ACCEPTED", "SENT", "DECLINED")):
        await shop.create("quotation", number=f"Q{number}", customer_id=ernst, state=state)
    await shop.create("quotation", number="Q5", customer_id=save, state="SENT")
    sql = facts.waiting_quotations(where="q.customer_id = ANY($1::uuid[])") + " ORDER BY q.number"
    waiting = await shop.fetch(sql, [ernst])
    assert [(row["number"], row["sent_on"]) for row in waiting] == [("Q1", TODAY), ("Q3", TODAY)]
    await shop.archive("quotation", waiting[0]["quotation_id"])
    assert [row["number"] for row in await shop.fetch(sql, [ernst, save])] == ["Q3", "Q5"]


# The queries


async def ask(shop, viewer=None, **said):
    async with shop.databases.tenant_read(shop.company.ref) as read:
        return await buying_cycles(read, viewer or shop.viewer, CycleQuestion(**said), clock=shop.clock)


async def buy(shop, customer, *days_ago, products=None):
    (chai, *more) = products or [await shop.value("SELECT id FROM product ORDER BY number LIMIT 1")]
    for ago in days_ago:
        order = new_id()
        head = {"number": order.hex, "customer_id": customer, "ordered_on": TODAY - timedelta(days=ago)}
        line = {"order_id": order, "quantity": 1, "unit_price": 1}
        await shop.change(
            Change("order", "create", order, values=head),
            *(Change("order_line", "create", values=line | {"product_id": p}) for p in (chai, *more)),
        )


async def test_silent_is_whose_band_has_ended(shop):
    davolio = await shop.hire("Nancy Davolio", "REPRESENTATIVE")
    await shop.create("product", number="1", name="Chai")
    steady, silent, new = [
        await shop.create("customer", name=name, owner_id=davolio) for name in ("Steady", "Silent", "New")
    ]
    other = await shop.create("customer", name="Other")
    await buy(shop, steady, 62, 42, 22, 2)
    await buy(shop, silent, 100, 90, 70)
    await buy(shop, new, 3, 3)
    await buy(shop, other, 200, 150, 140, 1)
    seller = await shop.as_member(davolio)
    found = await ask(shop, seller)
    assert [(c.customer_id, c.purchases, c.median, c.expected_on, c.late_days) for c in found.rows] == [
        (silent, 3, Decimal("15.0"), TODAY - timedelta(days=55), 52),
        (steady, 4, Decimal("20.0"), TODAY + timedelta(days=18), 0),
        (new, 1, None, None, None),
    ]
    band = found.rows[0]
    assert (band.lower, band.upper) == (Decimal("12.5"), Decimal("17.5"))
    assert (band.expected_from, band.expected_until) == (
        TODAY - timedelta(days=57),
        TODAY - timedelta(days=52),
    )
    assert [c.customer_id for c in (await ask(shop, seller, silent=True)).rows] == [silent]
    first = await ask(shop, seller, limit=1)
    second = await ask(shop, seller, limit=2, after=first.rows[0].cursor)
    assert (first.has_next, [c.customer_id for c in second.rows], second.has_next) == (
        True, [steady, new], False,
    )  # fmt: skip
    assert await ask(shop, seller, customer_id=other) is None
    with pytest.raises(BadCursor):
        await ask(shop, seller, by_product=True, after=first.rows[0].cursor)
    with pytest.raises(BadUserInput):
        await ask(shop, seller, limit=251)


async def test_a_cycle_is_told_of_each_product_and_what_goes_along_with_it(shop):
    chai, syrup, tofu = [
        await shop.create("product", number=str(n), name=name)
        for n, name in enumerate(("Chai", "Syrup", "Tofu"))
    ]
    customers = [await shop.create("customer", name=f"C{n}") for n in range(4)]
    await buy(shop, customers[0], 30, 20, 10, products=[chai, syrup])
    await buy(shop, customers[1], 30, products=[chai, syrup])
    await buy(shop, customers[2], 30, products=[chai, tofu])
    await buy(shop, customers[3], 30, products=[tofu])
    await buy(shop, customers[3], 400, products=[chai, syrup])  # too long ago
    found = await ask(shop, customer_id=customers[0], by_product=True)
    assert {(c.product_id, c.purchases, c.median) for c in found.rows} == {
        (chai, 3, Decimal(10)), (syrup, 3, Decimal(10)),
    }  # fmt: skip
    async with shop.databases.tenant_read(shop.company.ref) as read:
        along = await cross_selling(read, shop.viewer, product_id=chai, clock=shop.clock)
        assert await cross_selling(read, shop.viewer, product_id=new_id(), clock=shop.clock) is None
        with pytest.raises(BadUserInput):
            await cross_selling(read, shop.viewer, product_id=chai, days=0, clock=shop.clock)
    # Three of four bought chai, two of them syrup; tofu went along with it once only.
    (one,) = along
    assert (one.product_id, one.customers, one.support) == (syrup, 2, Decimal("0.5"))
    assert (one.confidence, one.lift) == (Decimal("0.666667"), Decimal("1.333333"))


@pytest.mark.requirement("A11")
async def test_who_reads_no_orders_is_told_no_cycles(shop):
    nobody = await shop.as_member(await shop.hire("Anne Dodsworth"))
    with pytest.raises(Forbidden):
        await ask(shop, nobody)
