"""The product's main job through the API alone: trade, grade, follow up, remind, and one request for all of it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from kedang_platform.ids import new_id
from kedang_platform.mail import list_mails
from kedang_platform.working_calendar import WorkingCalendar
from kedang_tenants.grading.schemes import seed_grading
from kedang_tenants.people.viewers import system_viewer
from tests.support.members import make_key, make_member
from tests.support.trading import open_shop
from tests.support.workers import run_jobs

CREATE = """
mutation ($customer: CreateCustomerInput!, $product: CreateProductInput!) {
  createCustomer(input: $customer) { record { id } userErrors { code } }
  createProduct(input: $product) { record { id currency } userErrors { code } }
}"""
PLACE = """
mutation ($input: PlaceOrderInput!) {
  placeOrder(input: $input) {
    record { number total currency customer { name } lines(orderBy: {field: POSITION}) { nodes { amount quantity } } }
    userErrors { path code }
  }
}"""
SCHEME = """
mutation ($id: ID!) {
  updateGradeScheme(input: {id: $id, period: CALENDAR_YEAR, year: 1997}) { userErrors { code } }
  publishGradeScheme(input: {id: $id}) {
    record { state ruleVersion rule }
    job { id state done total }
    userErrors { code message }
  }
}"""
GRADE = """
mutation ($id: ID!) {
  gradeCustomers(input: {schemeId: $id}) { record { name } job { id state } userErrors { path code } }
}"""
JOB = "query ($id: ID!) { job(id: $id) { kind state done total result error { code } } }"
INTEGRATOR = """
query {
  customers(
    first: 10
    orderBy: [{field: GRADE_RANK}, {field: NAME}]
    where: {grade: {code: {in: ["A"]}}, nextFollowUpOn: {isNull: false}}
  ) {
    totalCount
    nodes {
      id name nextFollowUpOn
      grade { code name colour cycleDays }
      owner { name }
      contacts { nodes { name } }
      orders(first: 3, orderBy: {field: ORDERED_ON, direction: DESC}) {
        nodes { number orderedOn total currency lines { nodes { quantity unitPrice amount product { name } } } }
      }
      gradeHistory(first: 1, where: {current: {eq: true}}) { nodes { figures explanation ruleVersion } }
      followUpPlans(where: {state: {eq: PLANNED}}) { nodes { id dueOn origin owner { name } } }
    }
  }
}"""
RECORD = """
mutation ($input: RecordFollowUpInput!) {
  recordFollowUp(input: $input) {
    record { way content member { name } plan { state doneOn } }
    customer { nextFollowUpOn lastContactAt }
    userErrors { path code }
  }
}"""
REMIND = """
mutation ($date: Date!) { sendFollowUpReminders(input: {date: $date}) { job { id } userErrors { code } } }"""
NOTICES = "{ notices { nodes { id kind title readAt member { name } } } }"
READ_NOTICE = """
mutation ($id: ID!) { markNoticeRead(input: {id: $id}) { record { readAt } userErrors { code } } }"""


@pytest.fixture
async def shop(gateway, database_settings):
    return await open_shop(gateway.services.databases, database_settings)


async def asking(gateway, member):
    databases = gateway.services.databases
    return gateway.client(await make_key(databases, member, key=gateway.services.identity.key), language="en")


async def work(gateway, tmp_path):
    settings = gateway.services.settings.model_copy(update={"var": tmp_path})
    drained = await run_jobs(gateway.services.databases, settings=settings)
    assert not drained.failures, drained.failures


@pytest.mark.requirement("I1", "G3", "F1", "F3", "P4", "T10")
async def test_from_the_first_order_to_the_next_follow_up(gateway, shop, tmp_path: Path):
    databases = gateway.services.databases
    owner = await make_member(databases, shop.company, "OWNER", name="Andrew Fuller")
    ask = await asking(gateway, owner)
    async with databases.tenant_write(shop.company.ref) as write:
        scheme = await seed_grading(
            write, await system_viewer(write, company=shop.company), clock=gateway.services.clock
        )

    made = (
        await ask(
            CREATE,
            {
                "customer": {"number": "QUICK", "name": "QUICK-Stop", "ownerId": f"mem_{owner.id.hex}"},
                "product": {"number": "38", "name": "Côte de Blaye", "listPrice": "263.5"},
            },
        )
    ).data
    customer, product = (made[name]["record"]["id"] for name in ("createCustomer", "createProduct"))
    assert made["createProduct"]["record"]["currency"] == "USD"
    for number, day, quantity in (
        ("1", "1997-01-02", "70"),
        ("2", "1997-05-05", "10.5"),
        ("3", "1998-01-01", "3"),
    ):
        order = {"number": number, "customerId": customer, "orderedOn": day, "freight": 3238}
        lines = [{"productId": product, "quantity": quantity, "unitPrice": "263.5", "discount": "0.15"}]
        answer = (await ask(PLACE, {"input": {"order": order, "lines": lines}})).data["placeOrder"]
        assert answer["userErrors"] == []
    assert answer["record"] == {
        "number": "3",
        "total": 67193,  # 3 x 263.5 x 0.85 = 671.925
        "currency": "USD",
        "customer": {"name": "QUICK-Stop"},
        "lines": {"nodes": [{"amount": 67193, "quantity": "3"}]},
    }

    await work(gateway, tmp_path)
    published = (await ask(SCHEME, {"id": f"gsc_{scheme.hex}"})).data["publishGradeScheme"]
    assert (published["userErrors"], published["record"]["state"], published["record"]["ruleVersion"]) == (
        [],
        "PUBLISHED",
        1,
    )
    assert published["job"] == {"id": published["job"]["id"], "state": "WAITING", "done": 0, "total": None}
    await work(gateway, tmp_path)
    assert (await ask(JOB, {"id": published["job"]["id"]})).data["job"] == {
        "kind": "grading.regrade",
        "state": "DONE",
        "done": 1,
        "total": 1,
        "result": {"seen": 1, "changed": 1},
        "error": None,
    }

    again = (await ask(GRADE, {"id": f"gsc_{scheme.hex}"})).data["gradeCustomers"]
    assert (again["userErrors"], again["job"]["state"]) == ([], "WAITING")
    await work(gateway, tmp_path)
    assert (await ask(JOB, {"id": again["job"]["id"]})).data["job"]["result"] == {"seen": 1, "changed": 0}

    # 15,678.25 and 2,351.74 in 1997: level B, nothing in level A.
    assert (await ask(INTEGRATOR)).data["customers"] == {"totalCount": 0, "nodes": []}
    (found,) = (await ask(INTEGRATOR.replace('["A"]', '["A", "B"]'))).data["customers"]["nodes"]
    today = datetime.now(ZoneInfo(shop.company.time_zone)).date()
    due = WorkingCalendar(country="US").next_working(today + timedelta(days=30))
    assert found["nextFollowUpOn"] == due.isoformat()
    assert found["grade"] == {
        "code": "B",
        "name": {"en": "Important customer", "zh": found["grade"]["name"]["zh"]},
        "colour": "#d35400",
        "cycleDays": 30,
    }
    assert [order["number"] for order in found["orders"]["nodes"]] == ["3", "2", "1"]
    assert found["orders"]["nodes"][1]["lines"]["nodes"] == [
        {"quantity": "10.5", "unitPrice": "263.5", "amount": 235174, "product": {"name": "Côte de Blaye"}}
    ]
    (grade,) = found["gradeHistory"]["nodes"]
    assert (grade["figures"]["value"], grade["figures"]["orders"], grade["ruleVersion"]) == (
        1_802_999,
        2,
        1,
    )
    assert "18,029.99 USD" in grade["explanation"]["en"]
    (plan,) = found["followUpPlans"]["nodes"]
    assert (plan["dueOn"], plan["origin"], plan["owner"]) == (
        due.isoformat(),
        "CYCLE",
        {"name": "Andrew Fuller"},
    )

    reminded = (await ask(REMIND, {"date": due.isoformat()})).data["sendFollowUpReminders"]
    assert reminded["userErrors"] == []
    await work(gateway, tmp_path)
    (notice,) = (await ask(NOTICES)).data["notices"]["nodes"]
    assert (notice["kind"], notice["readAt"], notice["member"]) == (
        "FOLLOW_UPS_DUE",
        None,
        {"name": "Andrew Fuller"},
    )
    (mail,) = list_mails(tmp_path / "mail")
    assert "- QUICK-Stop (B): follow-up, due today – The first working day at least" in mail.text
    read = (await ask(READ_NOTICE, {"id": notice["id"]})).data["markNoticeRead"]
    assert read["userErrors"] == []
    assert read["record"]["readAt"] is not None

    done = (
        await ask(RECORD, {"input": {"planId": plan["id"], "way": "CALL", "content": "Orders again in May"}})
    ).data["recordFollowUp"]
    assert done["userErrors"] == []
    assert done["record"] == {
        "way": "CALL",
        "content": "Orders again in May",
        "member": {"name": "Andrew Fuller"},
        "plan": {"state": "DONE", "doneOn": today.isoformat()},
    }
    assert done["customer"]["nextFollowUpOn"] == due.isoformat()
    assert datetime.fromisoformat(done["customer"]["lastContactAt"]) <= datetime.now(UTC)


async def test_refusals_stand_in_user_errors_with_their_paths_and_change_nothing(gateway, shop):
    databases = gateway.services.databases
    owner = await make_member(databases, shop.company, "OWNER")
    ask = await asking(gateway, owner)
    nobody = f"cus_{new_id().hex}"
    order = {"number": "1", "customerId": nobody, "orderedOn": "1997-01-02"}
    placed = (await ask(PLACE, {"input": {"order": order, "lines": []}})).data["placeOrder"]
    assert placed == {
        "record": None,
        "userErrors": [{"path": ["input", "order", "customerId"], "code": "NOT_FOUND"}],
    }
    recorded = (await ask(RECORD, {"input": {"way": "CALL", "customerId": nobody}})).data["recordFollowUp"]
    assert recorded["userErrors"] == [{"path": ["input", "customerId"], "code": "NOT_FOUND"}]
    recorded = (await ask(RECORD, {"input": {"way": "CALL"}})).data["recordFollowUp"]
    assert recorded["userErrors"] == [{"path": ["input", "customerId"], "code": "REQUIRED"}]
    nowhere = {"way": "CALL", "planId": f"fpl_{new_id().hex}"}
    recorded = (await ask(RECORD, {"input": nowhere})).data["recordFollowUp"]
    assert recorded["userErrors"] == [{"path": ["input", "planId"], "code": "NOT_FOUND"}]
    published = (await ask(SCHEME, {"id": f"gsc_{new_id().hex}"})).data["publishGradeScheme"]
    assert [error["code"] for error in published["userErrors"]] == ["NOT_FOUND"]
    graded = (await ask(GRADE, {"id": f"gsc_{new_id().hex}"})).data["gradeCustomers"]
    assert graded["userErrors"] == [{"path": ["input", "schemeId"], "code": "NOT_FOUND"}]
    assert (await ask(JOB, {"id": f"job_{new_id().hex}"})).data["job"] is None
    assert (await ask(JOB, {"id": "nonsense"})).data["job"] is None
    for table in ("sales_order", "follow_up_record", "grade_scheme"):
        assert await shop.value(f"SELECT count(*) FROM {table}") == 0


async def test_a_representative_neither_publishes_nor_reminds(gateway, shop):
    databases = gateway.services.databases
    ask = await asking(gateway, await make_member(databases, shop.company, "REPRESENTATIVE"))
    async with databases.tenant_write(shop.company.ref) as write:
        scheme = await seed_grading(
            write, await system_viewer(write, company=shop.company), clock=gateway.services.clock
        )
    graded = (await ask(GRADE, {"id": f"gsc_{scheme.hex}"})).data["gradeCustomers"]
    assert (graded["job"], [error["code"] for error in graded["userErrors"]]) == (None, ["FORBIDDEN"])
    published = (await ask(SCHEME, {"id": f"gsc_{scheme.hex}"})).data
    assert [error["code"] for error in published["publishGradeScheme"]["userErrors"]] == ["FORBIDDEN"]
    reminded = (await ask(REMIND, {"date": "2026-03-06"})).data["sendFollowUpReminders"]
    assert (reminded["job"], [error["code"] for error in reminded["userErrors"]]) == (None, ["FORBIDDEN"])
    assert await shop.fetch("SELECT state, period FROM grade_scheme") == [
        {"state": "DRAFT", "period": "TRAILING_12_MONTHS"}
    ]
    assert await shop.value("SELECT count(*) FROM work.job WHERE kind = 'followups.remind'") == 0
