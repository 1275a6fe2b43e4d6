"""Trade asked for over HTTP: verbs, figures, and who is told them."""

from datetime import UTC, date, datetime, timedelta

import pytest

from kedang_tenants.changing import Change
from tests.support.factories import Factory
from tests.support.members import make_key, make_member

pytestmark = pytest.mark.requirement("P2", "P6", "P9", "I1")
TODAY = datetime.now(UTC).date()
PROFIT = """
query ($by: ProfitGrouping!, $ids: [ID!], $currency: String, $after: String, $from: Date) {
  profitContribution(by: $by, customerIds: $ids, currency: $currency, after: $after, from: $from, first: 1) {
    currency total { sales profit rate orders unknownOrders }
    nodes { recordId beginsOn name sum { sales profit rate } before { profit } difference }
    pageInfo { hasNextPage endCursor }
  }
}"""


async def client(gateway, company, *roles, **values):
    member = await make_member(gateway.services.databases, company, *roles, **values)
    return member, gateway.client(
        await make_key(gateway.services.databases, member, key=gateway.services.identity.key)
    )


@pytest.fixture
async def factory(gateway, company):
    return Factory(gateway.services.databases, company)


async def sold(factory, customer, product, on, price="8"):
    order = await factory.one("order", customer_id=customer, ordered_on=on, currency="USD")
    line = {"order_id": order, "product_id": product, "quantity": 1, "unit_price": price}
    await factory.change([Change("order_line", "create", values=line)])
    return order


async def test_profit_is_told_to_who_may_read_it_and_to_nobody_else(gateway, company, factory):
    seller, selling = await client(gateway, company, "REPRESENTATIVE")
    _, finance = await client(gateway, company, "FINANCE")
    customer = await factory.one("customer", name="Ernst Handel", owner_id=seller.id)
    dark = await factory.one("customer", name="In the dark")
    chai = await factory.one("product", cost="5", currency="USD")
    await sold(factory, customer, chai, date(2025, 5, 1))
    await sold(factory, dark, await factory.one("product"), date(2025, 6, 1))
    asked = {"by": "CUSTOMER", "currency": "USD"}
    found = (await finance(PROFIT, asked)).data["profitContribution"]
    assert found["currency"] == "USD"
    assert found["total"] == {"sales": 1600, "profit": None, "rate": None, "orders": 2, "unknownOrders": 1}
    assert found["nodes"] == [
        {
            "recordId": f"cus_{customer.hex}",
            "beginsOn": None,
            "name": "Ernst Handel",
            "sum": {"sales": 800, "profit": 300, "rate": "0.375"},
            "before": None,
            "difference": None,
        }
    ]
    further = asked | {"after": found["pageInfo"]["endCursor"]}
    found = (await finance(PROFIT, further)).data["profitContribution"]
    assert [(n["name"], n["sum"]["profit"]) for n in found["nodes"]] == [("In the dark", None)]
    assert found["pageInfo"]["hasNextPage"] is False
    found = (await finance(PROFIT, {"by": "MONTH", "currency": "USD", "ids": [f"cus_{customer.hex}"]})).data
    (month,) = found["profitContribution"]["nodes"]
    assert (month["beginsOn"], month["before"], month["difference"]) == ("2025-05-01", {"profit": 0}, 300)
    assert (await selling(PROFIT, asked)).codes == ["FORBIDDEN"]
    assert (await finance(PROFIT, asked | {"currency": "QQQ"})).codes == ["BAD_USER_INPUT"]
    assert (await finance(PROFIT, asked | {"after": "x"})).codes == ["BAD_CURSOR"]
    none = await finance(PROFIT, asked | {"ids": ["cus_" + "0" * 32]})
    assert none.data == {"profitContribution": None}

    lines = "{ orderLines { nodes { unitCost profit } } products { nodes { cost margin profitTier floorPrice } } }"
    told = await selling(lines)
    assert told.data["orderLines"]["nodes"] == [{"unitCost": None, "profit": None}]
    assert {path.split(".")[-1] for path in told.masked} == {
        "unitCost",
        "profit",
        "cost",
        "margin",
        "profitTier",
    }
    told = await finance(lines)
    assert {"unitCost": "5", "profit": 300} in told.data["orderLines"]["nodes"]
    assert told.masked == []


async def test_cycles_and_companions_are_told_with_their_records(gateway, company, factory):
    seller, selling = await client(gateway, company, "REPRESENTATIVE")
    customers = [await factory.one("customer", name=f"C{n}", owner_id=seller.id) for n in range(2)]
    chai = await factory.one("product", name="Chai")
    syrup = await factory.one("product", name="Syrup")
    for customer in customers:
        for ago in (100, 90, 80):
            order = await sold(factory, customer, chai, TODAY - timedelta(days=ago))
            line = {"order_id": order, "product_id": syrup, "quantity": 1, "unit_price": 1}
            await factory.change([Change("order_line", "create", values=line)])
    asked = """{ buyingCycles(silent: true, byProduct: true, first: 3) {
        nodes { customer { name } product { name } purchases median expectedOn lateDays }
        pageInfo { hasNextPage } } }"""
    found = (await selling(asked)).data["buyingCycles"]
    assert [(n["customer"]["name"], n["product"]["name"], n["median"]) for n in found["nodes"]] == [
        ("C0", "Chai", "10"), ("C0", "Syrup", "10"), ("C1", "Chai", "10"),
    ]  # fmt: skip
    assert found["pageInfo"] == {"hasNextPage": True}
    asked = f'{{ crossSelling(productId: "pro_{chai.hex}") {{ product {{ name }} customers support confidence lift }} }}'
    assert (await selling(asked)).data["crossSelling"] == [
        {"product": {"name": "Syrup"}, "customers": 2, "support": "1", "confidence": "1", "lift": "1"}
    ]


async def test_a_demand_is_won_and_lost_by_its_verbs(gateway, company, factory):
    seller, selling = await client(gateway, company, "REPRESENTATIVE")
    customer = await factory.one("customer", owner_id=seller.id)
    first, second = [await factory.one("demand", title=t, customer_id=customer) for t in ("Tea", "Syrup")]
    order = await sold(factory, customer, await factory.one("product"), TODAY - timedelta(days=1))
    win = """mutation ($input: WinDemandInput!) { winDemand(input: $input) {
        record { state closedOn probability order { id } } userErrors { path code } } }"""
    given = {"id": f"dem_{first.hex}", "orderId": f"ord_{order.hex}"}
    done = (await selling(win, {"input": given})).data["winDemand"]
    assert done["userErrors"] == []
    assert (done["record"]["state"], done["record"]["probability"], done["record"]["order"]) == (
        "WON", 100, {"id": f"ord_{order.hex}"},
    )  # fmt: skip
    again = (await selling(win, {"input": given})).data["winDemand"]
    assert again == {"record": None, "userErrors": [{"path": ["input", "id"], "code": "DEMAND_CLOSED"}]}
    lose = """mutation ($input: LoseDemandInput!) { loseDemand(input: $input) {
        record { state reason competitors } userErrors { path code } } }"""
    given = {"id": f"dem_{second.hex}", "reason": "Price", "competitors": ["Lipton"]}
    done = (await selling(lose, {"input": given})).data["loseDemand"]
    assert done == {
        "record": {"state": "LOST", "reason": "Price", "competitors": ["Lipton"]},
        "userErrors": [],
    }


@pytest.mark.requirement("P4")
async def test_finance_makes_invoices_with_the_generic_verbs_and_the_owner_of_the_company_reads_them(
    gateway, company, factory
):
    _, finance = await client(gateway, company, "FINANCE")
    _, owner = await client(gateway, company, "OWNER")
    customer = await factory.one("customer")
    create = """mutation ($input: CreateInvoiceInput!) { createInvoice(input: $input) {
        record { id state openAmount dueOn } userErrors { path code } } }"""
    given = {"number": "I-1", "customerId": f"cus_{customer.hex}", "amount": 500, "issuedOn": "2025-01-02"}
    refused = (await owner(create, {"input": given})).data["createInvoice"]
    assert [error["code"] for error in refused["userErrors"]] == ["FORBIDDEN"]
    made = (await finance(create, {"input": given})).data["createInvoice"]["record"]
    assert (made["state"], made["openAmount"], made["dueOn"]) == ("OPEN", 500, "2025-01-02")
    pay = """mutation ($input: CreatePaymentInput!) { createPayment(input: $input) {
        record { invoice { state paid settledOn } } userErrors { path code } } }"""
    given = {"number": "P-1", "invoiceId": made["id"], "amount": 501, "receivedOn": "2025-02-02"}
    refused = (await finance(pay, {"input": given})).data["createPayment"]
    assert refused["userErrors"] == [{"path": ["input", "amount"], "code": "MORE_THAN_OPEN"}]
    done = (await finance(pay, {"input": given | {"amount": 500}})).data["createPayment"]["record"]
    assert done == {"invoice": {"state": "PAID", "paid": 500, "settledOn": "2025-02-02"}}
    seen = await owner("{ invoices { nodes { number payments { nodes { amount } } } } }")
    assert seen.data["invoices"]["nodes"] == [{"number": "I-1", "payments": {"nodes": [{"amount": 500}]}}]


async def test_the_stages_of_a_customers_demands_are_told_in_words(gateway, company, factory):
    seller, selling = await client(gateway, company, "REPRESENTATIVE")
    mine = await factory.one("customer", owner_id=seller.id)
    other = await factory.one("customer")
    asked = "query ($id: ID!) { demandStages(customerId: $id) { code label } }"
    found = (await selling(asked, {"id": f"cus_{mine.hex}"})).data["demandStages"]
    assert [one["code"] for one in found] == [
        "CONTACT", "NEED", "SOLUTION", "QUOTED", "NEGOTIATION", "CLOSING",
    ]  # fmt: skip
    assert found[0]["label"] == "First contact"
    for unseen in (f"cus_{other.hex}", f"con_{mine.hex}"):
        assert (await selling(asked, {"id": unseen})).data == {"demandStages": None}
    create = """mutation ($input: CreateDemandInput!) { createDemand(input: $input) {
        record { stage stageName } userErrors { path code } } }"""
    given = {"customerId": f"cus_{mine.hex}", "title": "Tea", "stage": "Quoted"}
    done = (await selling(create, {"input": given})).data["createDemand"]
    assert done == {
        "record": {"stage": "QUOTED", "stageName": {"en": "Quoted", "zh": "已报价"}},
        "userErrors": [],
    }
    refused = (await selling(create, {"input": given | {"stage": "DREAM"}})).data["createDemand"]
    assert refused == {"record": None, "userErrors": [{"path": ["input", "stage"], "code": "UNKNOWN_VALUE"}]}
