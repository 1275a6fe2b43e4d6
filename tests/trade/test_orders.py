"""Orders: what a line costs, what an order comes to, whatever is written in which order."""

import asyncio
from datetime import date
from decimal import Decimal

import pytest

from kedang_platform.errors import Refused
from kedang_platform.ids import new_id
from kedang_tenants.changing import Change
from kedang_tenants.trade.orders import NewLine, place_order

DAY = date(1996, 7, 4)


async def test_a_line_is_rounded_once_and_the_order_adds_up_the_rounded_lines(shop):
    customer = await shop.create("customer", name="Vins et alcools Chevalier")
    product = await shop.create("product", number="11", name="Queso Cabrales")
    order = await shop.create("order", number="10248", customer_id=customer, ordered_on=DAY)
    for quantity, price, discount in (("3", "0.335", "0"), ("1", "1.005", "0"), ("7", "2.15", "0.15")):
        await shop.create(
            "order_line",
            order_id=order,
            product_id=product,
            quantity=quantity,
            unit_price=price,
            discount=discount,
        )
    lines = await shop.fetch("SELECT position, amount FROM order_line ORDER BY position")
    assert lines == [
        {"position": 1, "amount": 101},  # 1.005
        {"position": 2, "amount": 101},  # 1.005
        {"position": 3, "amount": 1279},  # 12.7925
    ]
    assert await shop.fetch("SELECT total, currency, version FROM sales_order") == [
        {"total": 1481, "currency": "USD", "version": 1}
    ]


async def test_an_amount_follows_the_currency_of_its_order(shop):
    customer = await shop.create("customer", name="三木")
    order = await shop.order(customer, DAY, ("3", "33.5"), currency="jpy")
    assert await shop.fetch("SELECT currency, total FROM sales_order WHERE id = $1", order) == [
        {"currency": "JPY", "total": 101}
    ]


async def test_changed_archived_and_restored_lines_keep_the_total_right(shop):
    customer = await shop.create("customer", name="Hanari Carnes")
    order = await shop.order(customer, DAY, ("10", "5"), ("2", "1.25"))
    first, second = [r["id"] for r in await shop.fetch("SELECT id FROM order_line ORDER BY position")]

    async def total():
        return await shop.value("SELECT total FROM sales_order WHERE id = $1", order)

    assert await total() == 5250
    await shop.update("order_line", first, quantity=Decimal(11))
    assert await total() == 5750
    await shop.archive("order_line", second)
    assert await total() == 5500
    await shop.change(Change("order_line", "restore", second))
    assert await total() == 5750


async def test_lines_without_a_position_go_behind_those_that_are_there(shop):
    customer = await shop.create("customer", name="Suprêmes délices")
    order = await shop.order(customer, DAY, ("1", "1"))
    product = await shop.value("SELECT id FROM product")

    def line(**values):
        given = {"order_id": order, "product_id": product, "quantity": 1, "unit_price": 1} | values
        return Change("order_line", "create", values=given)

    await shop.change(line(), line(position=7), line())
    positions = await shop.fetch("SELECT position FROM order_line ORDER BY position")
    assert [row["position"] for row in positions] == [1, 7, 8, 9]


async def test_an_order_is_placed_with_its_lines_or_not_at_all(shop):
    customer = await shop.create("customer", name="Toms Spezialitäten")
    product = await shop.create("product", number="14", name="Tofu")
    good = {"product_id": product, "quantity": 9, "unit_price": "18.6"}

    def placed(*lines):
        return [NewLine(line, {}, ("input", "lines", n)) for n, line in enumerate(lines)]

    order = {"number": "10249", "customer_id": customer, "ordered_on": DAY}
    async with shop.databases.tenant_write(shop.company.ref) as write:
        made = await place_order(write, shop.viewer, order=order, lines=placed(good, good), clock=shop.clock)
    assert await shop.value("SELECT total FROM sales_order WHERE id = $1", made) == 33480

    bad = good | {"discount": "1.5", "product_id": new_id()}
    with pytest.raises(Refused) as refused:
        async with shop.databases.tenant_write(shop.company.ref) as write:
            await place_order(
                write,
                shop.viewer,
                order=order | {"number": "10250"},
                lines=placed(good, bad),
                clock=shop.clock,
            )
    assert [(error.code, error.path) for error in refused.value.errors] == [
        ("OUT_OF_RANGE", ("input", "lines", 1, "discount")),
    ]
    assert await shop.value("SELECT count(*) FROM sales_order") == 1
    assert await shop.value("SELECT count(*) FROM order_line") == 2


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"quantity": 10**9, "unit_price": 10**9}, "AMOUNT_OUT_OF_RANGE", "quantity"),
        ({"quantity": -1, "unit_price": 1}, "OUT_OF_RANGE", "quantity"),
        ({"quantity": 1, "unit_price": 1, "discount": "-0.1"}, "OUT_OF_RANGE", "discount"),
        ({"quantity": 1, "unit_price": 1, "position": 0}, "OUT_OF_RANGE", "position"),
        ({"quantity": 1, "unit_price": 1, "position": 1}, "ALREADY_EXISTS", "position"),
        ({"quantity": 1, "unit_price": 1, "amount": 5}, "FORBIDDEN", "amount"),
    ],
)
async def test_an_impossible_line_is_refused(shop, values, code, field):
    customer = await shop.create("customer", name="Victuailles en stock")
    order = await shop.order(customer, DAY, ("1", "1"))
    product = await shop.value("SELECT id FROM product")
    with pytest.raises(Refused) as refused:
        await shop.create("order_line", order_id=order, product_id=product, **values)
    assert [(error.code, error.path[-1]) for error in refused.value.errors] == [(code, field)]
    assert await shop.value("SELECT count(*) FROM order_line") == 1
    assert await shop.value("SELECT total FROM sales_order") == 100


async def test_a_price_is_in_the_company_s_currency_and_an_unknown_one_is_refused(shop):
    await shop.create("product", number="1", name="Chai", list_price=18)
    assert await shop.value("SELECT currency FROM product") == "USD"
    with pytest.raises(Refused) as refused:
        await shop.create("product", number="2", name="Chang", list_price=19, currency="GULDEN")
    assert [error.code for error in refused.value.errors] == ["TOO_LONG"]
    with pytest.raises(Refused) as refused:
        await shop.create("product", number="2", name="Chang", list_price=19, currency="QQQ")
    assert [error.code for error in refused.value.errors] == ["UNKNOWN_CURRENCY"]
    assert await shop.value("SELECT count(*) FROM product") == 1


async def test_lines_written_at_once_are_all_in_the_total_and_have_places_of_their_own(shop):
    customer = await shop.create("customer", name="Chop-suey Chinese")
    order = await shop.order(customer, DAY, ("1", "1"))
    product = await shop.value("SELECT id FROM product")
    await asyncio.gather(
        *(
            shop.create("order_line", order_id=order, product_id=product, quantity=n, unit_price=1)
            for n in range(1, 9)
        )
    )
    lines = await shop.fetch("SELECT position, amount FROM order_line ORDER BY position")
    assert [line["position"] for line in lines] == list(range(1, 10))
    assert await shop.value("SELECT total FROM sales_order") == sum(line["amount"] for line in lines) == 3700
