"""Demands and quotations: their states, what is known in each, and whose they are."""

from datetime import date

import pytest

from kedang_platform.errors import Forbidden, NotFound, Refused
from kedang_platform.ids import new_id
from kedang_tenants.trade import demand_life
from kedang_tenants.trade.demand_life import DemandClosed
from kedang_tenants.trade.demands import DEMAND_STATES
from kedang_tenants.trade.dues import DEMAND_EXPECTED, INVOICE_OVERDUE
from kedang_tenants.trade.models import ORDER_STATES
from kedang_tenants.trade.receivables import INVOICE_STATES

TODAY = date(2026, 3, 2)
pytestmark = pytest.mark.requirement("P2")


@pytest.fixture
async def davolio(shop):
    return await shop.hire("Nancy Davolio", "REPRESENTATIVE")


@pytest.fixture
async def customer(shop, davolio):
    return await shop.create("customer", name="Ernst Handel", owner_id=davolio)


async def step(shop, verb, demand, viewer=None, **said):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await verb(write, viewer or shop.viewer, demand_id=demand, clock=shop.clock, **said)


async def row(shop, demand):
    (found,) = await shop.fetch("SELECT * FROM demand WHERE id = $1", demand)
    return found


def codes(refused):
    return [(error.code, error.path[-1]) for error in refused.value.errors]


async def test_a_demand_is_won_with_the_order_that_came_of_it(shop, customer, davolio):
    seller = await shop.as_member(davolio)
    demand = await shop.create(
        "demand",
        viewer=seller,
        title="500 crates of tea",
        customer_id=customer,
        amount=900_00,
        probability=60,
    )
    found = await row(shop, demand)
    assert (found["state"], found["currency"], found["owner_id"]) == ("OPEN", "USD", None)
    order = await shop.order(customer, TODAY, ("500", "1.8"))
    alfreds = await shop.create("customer", name="Alfreds", owner_id=davolio)
    other = await shop.order(alfreds, TODAY, ("1", "1"))
    with pytest.raises(Refused) as refused:
        await step(shop, demand_life.win, demand, seller, order_id=other)
    assert codes(refused) == [("OF_ANOTHER_CUSTOMER", "orderId")]
    assert (await row(shop, demand))["state"] == "OPEN"
    await step(shop, demand_life.win, demand, seller, order_id=order)
    found = await row(shop, demand)
    assert (found["state"], found["closed_on"], found["probability"], found["order_id"]) == (
        "WON", TODAY, 100, order,
    )  # fmt: skip
    with pytest.raises(DemandClosed) as closed:
        await step(shop, demand_life.lose, demand, reason="Changed their minds")
    assert closed.value.params == {"state": "WON"}


async def test_a_demand_is_lost_for_a_reason_and_to_somebody(shop, customer):
    demand = await shop.create("demand", title="Tea", customer_id=customer, competitors=["Tazo"])
    for said, code in (
        ({"reason": "  "}, ("REQUIRED", "reason")),
        ({"reason": "Price", "closed_on": date(2026, 3, 3)}, ("IN_THE_FUTURE", "closedOn")),
    ):
        with pytest.raises(Refused) as refused:
            await step(shop, demand_life.lose, demand, **said)
        assert codes(refused) == [code]
    await step(shop, demand_life.lose, demand, reason="Price", competitors=["Tazo", "Lipton"], version=1)
    found = await row(shop, demand)
    assert (found["state"], found["reason"], found["probability"], found["competitors"]) == (
        "LOST", "Price", 0, ["Tazo", "Lipton"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"closed_on": TODAY}, ("STILL_OPEN", "closedOn")),
        ({"reason": "Price"}, ("STILL_OPEN", "reason")),
        ({"state": "LOST"}, ("REQUIRED", "reason")),
        ({"state": "WON", "closed_on": date(2026, 3, 3)}, ("IN_THE_FUTURE", "closedOn")),
        ({"probability": 101}, ("OUT_OF_RANGE", "probability")),
        ({"stage": "DREAM"}, ("UNKNOWN_VALUE", "stage")),
    ],
)
async def test_an_impossible_demand_is_refused(shop, customer, values, code):
    with pytest.raises(Refused) as refused:
        await shop.create("demand", title="Tea", customer_id=customer, **values)
    assert codes(refused) == [code]
    assert await shop.value("SELECT count(*) FROM demand") == 0


async def test_history_is_taken_in_as_it_was(shop, customer):
    await shop.create("demand", title="Tea", customer_id=customer, state="WON")
    await shop.create(
        "demand", title="T", customer_id=customer, state="LOST", closed_on=date(2020, 1, 2), reason="Price"
    )
    rows = await shop.fetch("SELECT state, closed_on FROM demand ORDER BY state")
    assert [tuple(one.values()) for one in rows] == [("LOST", date(2020, 1, 2)), ("WON", TODAY)]


@pytest.mark.requirement("T6", "P4")
def test_what_is_open_of_an_order_a_demand_and_an_invoice_is_not_called_the_same():
    """One word of English, several of Chinese: an order that is open waits for goods, an invoice for money."""
    names = [option.label for options in (ORDER_STATES, DEMAND_STATES, INVOICE_STATES) for option in options]
    opened = [options[0].label for options in (ORDER_STATES, DEMAND_STATES, INVOICE_STATES)]
    assert len(set(opened)) == 3
    assert "Open" not in names


@pytest.mark.requirement("A11")
async def test_a_demand_is_moved_by_those_whose_it_is(shop, customer):
    leverling = await shop.as_member(await shop.hire("Janet Leverling", "REPRESENTATIVE"))
    agent = await shop.as_member(await shop.hire("Anne Dodsworth", "SERVICE_AGENT"))
    demand = await shop.create("demand", title="Tea", customer_id=customer)
    for viewer, error in ((leverling, NotFound), (agent, Forbidden)):
        with pytest.raises(error):
            await step(shop, demand_life.win, demand, viewer)
    with pytest.raises(Refused):
        await shop.create("demand", viewer=leverling, title="Tea", customer_id=customer)
    assert (await row(shop, demand))["version"] == 1
    assert await shop.value("SELECT count(*) FROM demand") == 1


@pytest.mark.requirement("P3")
async def test_a_quotation_has_the_days_of_its_state(shop, customer):
    demand = await shop.create("demand", title="Tea", customer_id=customer)
    quotation = await shop.create("quotation", number="Q-1", customer_id=customer, demand_id=demand, amount=1)

    async def known():
        (found,) = await shop.fetch("SELECT state, currency, sent_on, answered_on FROM quotation")
        return tuple(found.values())

    assert await known() == ("DRAFT", "USD", None, None)
    await shop.update("quotation", quotation, state="SENT")
    assert await known() == ("SENT", "USD", TODAY, None)
    for values, code in (
        ({"answered_on": TODAY}, ("NOT_ANSWERED", "answeredOn")),
        ({"valid_until": date(2026, 3, 1)}, ("BEFORE_IT_WAS_SENT", "validUntil")),
        ({"sent_on": date(2026, 3, 3)}, ("IN_THE_FUTURE", "sentOn")),
        ({"state": "ACCEPTED", "answered_on": date(2026, 3, 1)}, ("BEFORE_IT_WAS_SENT", "answeredOn")),
    ):
        with pytest.raises(Refused) as refused:
            await shop.update("quotation", quotation, **values)
        assert codes(refused) == [code]
    await shop.update("quotation", quotation, state="DECLINED")
    assert await known() == ("DECLINED", "USD", TODAY, TODAY)
    other = await shop.create("customer", name="Alfreds")
    with pytest.raises(Refused) as refused:
        await shop.create("quotation", number="Q-2", customer_id=other, demand_id=demand)
    assert codes(refused) == [("OF_ANOTHER_CUSTOMER", "demandId")]


@pytest.mark.requirement("P1")
async def test_a_product_has_one_price_from_a_quantity_on_for_a_grade(shop):
    chai = await shop.create("product", number="1", name="Chai", list_price="18")
    chang = await shop.create("product", number="2", name="Chang")
    scheme = await shop.create("grade_scheme", name="By value")
    level = await shop.create(
        "grade_level", scheme_id=scheme, code="A", name={"en": "A"}, colour="#112233", position=1
    )
    step = {"product_id": chai, "from_quantity": "10", "unit_price": "16"}
    first = await shop.create("price_step", **step)
    await shop.create("price_step", **step | {"grade_level_id": level, "unit_price": "15"})
    await shop.create("price_step", **step | {"product_id": chang})
    await shop.create("price_step", **step | {"from_quantity": "10.5"})
    for values in ({}, {"grade_level_id": level}):
        with pytest.raises(Refused) as refused:
            await shop.create("price_step", **step | values)
        assert codes(refused) == [("ALREADY_EXISTS", "fromQuantity")]
    await shop.archive("price_step", first)
    await shop.create("price_step", **step)
    assert await shop.value("SELECT count(*) FROM price_step WHERE archived_at IS NULL") == 4


async def test_who_is_responsible_is_told_of_what_should_have_been_decided_or_paid(shop, customer, davolio):
    fuller = await shop.hire("Margaret Peacock", "REPRESENTATIVE")
    finance = await shop.as_member(await shop.hire("Laura Callahan", "FINANCE"))
    given = {"customer_id": customer, "expected_on": date(2026, 3, 1)}
    await shop.create("demand", title="Tea", **given)
    await shop.create("demand", title="Syrup", number="D-2", owner_id=fuller, **given)
    await shop.create("demand", title="Later", **given | {"expected_on": date(2026, 3, 3)})
    await shop.create("demand", title="Won", state="WON", **given)
    bill = {"customer_id": customer, "issued_on": date(2026, 1, 1), "number": "I-1", "amount": 5_00}
    await shop.create("invoice", viewer=finance, due_on=date(2026, 3, 1), **bill)
    await shop.create("invoice", viewer=finance, due_on=TODAY, **bill | {"number": new_id().hex})
    async with shop.databases.tenant_read(shop.company.ref) as read:
        demands = await read.fetch(DEMAND_EXPECTED.select, TODAY)
        invoices = await read.fetch(INVOICE_OVERDUE.select, TODAY)
    assert {(one[0], one[3], one[4]) for one in demands} == {
        (davolio, date(2026, 3, 1), '"Tea"'),
        (fuller, date(2026, 3, 1), '"D-2 Syrup"'),
    }
    assert [(one[0], one[3], one[4]) for one in invoices] == [(davolio, date(2026, 3, 1), '"I-1"')]
