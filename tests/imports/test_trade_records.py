"""Costs, prices, demands, quotations, invoices and payments come in and go out like every record (A9)."""

import pytest

from tests.support.members import make_member

pytestmark = pytest.mark.requirement("A9", "P1", "P2", "P4")


async def test_what_is_sold_and_owed_comes_in_by_its_keys_and_adds_up(office):
    await office.imports("customer", "number,name\nALFKI,Alfreds\nERNSH,Ernst\n")
    await office.imports("product", "number,name,listPrice,cost\nP1,Chai,18,9\nP2,Chang,19,\n")
    products = await office.rows("SELECT number, profit_tier FROM product ORDER BY number")
    assert [tuple(row.values()) for row in products] == [("P1", "HIGH"), ("P2", None)]
    await office.imports(
        "order", "number,customer.number,orderedOn\nO-1,ALFKI,2024-01-05\nO-2,ALFKI,2024-01-06\n"
    )
    lines = (
        "order.number,position,product.number,quantity,unitPrice,unitCost\n"
        "O-1,1,P1,2,18,\nO-1,2,P2,1,19,10\nO-2,1,P2,1,19,\n"
    )
    for _ in range(2):  # the second time these lines are there already
        await office.imports("order_line", lines)
        orders = await office.rows("SELECT number, total, profit FROM sales_order ORDER BY number")
        assert [tuple(row.values()) for row in orders] == [("O-1", 5500, 2700), ("O-2", 1900, None)]
    steps = "product.number,fromQuantity,unitPrice\nP1,10,17\nP1,100,15\nP1,100,14\n"
    done = await office.imports("price_step", steps)
    assert {line: reason[0] for line, reason in done.reasons.items()} == {4: "DUPLICATE_KEY"}
    done = await office.imports(
        "demand",
        "number,customer.number,title,state,closedOn,reason,competitors\n"
        "D-1,ALFKI,Tea,LOST,2024-01-09,Price,Lipton;Tazo\nD-2,ERNSH,Syrup,OPEN,,,\n",
    )
    assert done.reasons == {}
    demands = await office.rows("SELECT number, state, competitors FROM demand ORDER BY number")
    assert [tuple(row.values()) for row in demands] == [
        ("D-1", "LOST", ["Lipton", "Tazo"]), ("D-2", "OPEN", None),
    ]  # fmt: skip
    await office.imports(
        "quotation",
        "number,customer.number,demand.number,state,sentOn,amount\nQ-1,ERNSH,D-2,SENT,2024-01-09,500\n",
    )
    office.member = await make_member(office.databases, office.company, "FINANCE")
    invoices = (
        "number,customer.number,order.number,amount,issuedOn,dueOn\n"
        "I-1,ALFKI,O-1,55,2024-01-05,2024-02-05\nI-2,ERNSH,O-1,5,2024-01-05,\n"
    )
    done = await office.imports("invoice", invoices)
    assert {line: reason[0] for line, reason in done.reasons.items()} == {3: "OF_ANOTHER_CUSTOMER"}
    payments = "number,invoice.number,amount,receivedOn\nB-1,I-1,20,2024-01-09\nB-2,I-1,36,2024-01-10\n"
    done = await office.imports("payment", payments)
    assert {line: reason[0] for line, reason in done.reasons.items()} == {3: "MORE_THAN_OPEN"}
    (invoice,) = await office.rows("SELECT state, paid, open_amount, due_on::text FROM invoice")
    assert tuple(invoice.values()) == ("OPEN", 2000, 3500, "2024-02-05")


@pytest.mark.requirement("P4", "T6")
async def test_what_is_missing_is_told_by_the_name_that_people_know_it_by(office):
    await office.imports("customer", "number,name\nALFKI,Alfreds\n")
    contract = "编号,客户,标题,状态,签订日期\nC-1,ALFKI,Supply,现行,2026-01-01\n"
    done = await office.imports("contract", contract)
    assert done.reasons == {2: ("REQUIRED", "Starts on: This must be filled in.")}
    async with office.databases.tenant_write(office.company.ref) as write:
        await write.fetch("UPDATE member SET language = 'ZH_CN'")
    (row,) = (await office.imports("contract", contract)).rejected
    assert row["原因"] == "生效日期: 此项必填。"
    assert await office.rows("SELECT 1 FROM contract") == []
