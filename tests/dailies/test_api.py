"""Daily reports over the API: from the draft of the day to the emergency that is acknowledged (F5)."""

from datetime import UTC, datetime

import pytest

from kedang_platform.ids import new_id
from tests.support.factories import Factory
from tests.support.members import make_key, make_member

pytestmark = pytest.mark.requirement("F5", "I1")

MAKE = """
mutation ($input: MakeDailyReportInput!) {
  makeDailyReport(input: $input) {
    record { id state kind day cards { nodes { id matters urgent customer { name } } } } userErrors { code path }
  }
}"""
EDIT = """
mutation ($input: UpdateDailyReportCardInput!) {
  updateDailyReportCard(input: $input) { record { urgent edited } userErrors { code path } }
}"""
SUBMIT = """
mutation ($input: SubmitDailyReportInput!) {
  submitDailyReport(input: $input) {
    record { state recipient { name } manager { name } cards { nodes { settlement } } } userErrors { code path }
  }
}"""
RETURN = """
mutation ($input: ReturnDailyReportInput!) {
  returnDailyReport(input: $input) {
    record { state returnedWhy returnedBy { name } } userErrors { code path message }
  }
}"""
SETTLE = """
mutation ($input: SettleUrgentCardInput!) {
  settleUrgentCard(input: $input) { record { settlement settledHow settledBy { name } } userErrors { code path } }
}"""
REPORT = """
mutation ($input: ReportEmergencyInput!) {
  reportEmergency(input: $input) {
    record { id state kind kindName card { settlement } customer { name } } userErrors { code path message }
  }
}"""
ACKNOWLEDGE = """
mutation ($input: AcknowledgeEmergencyInput!) {
  acknowledgeEmergency(input: $input) { record { state instruction } userErrors { code path } }
}"""


async def test_a_day_goes_from_the_records_up_to_who_leads(gateway, company):
    databases = gateway.services.databases
    factory = Factory(databases, company)
    sales = await factory.one("department", name="Sales")
    people, asks = {}, {}
    for name, role, unit in (
        ("Nancy", "REPRESENTATIVE", sales), ("Steven", "DEPARTMENT_MANAGER", sales), ("Margaret", "GENERAL_MANAGER", None),
    ):  # fmt: skip
        people[name] = await make_member(databases, company, role, name=name, department_id=unit)
        asks[name] = gateway.client(
            await make_key(databases, people[name], key=gateway.services.identity.key)
        )
    customer = await factory.one("customer", name="Alfreds Futterkiste", owner_id=people["Nancy"].id)
    now = datetime.now(UTC)
    for content in ("Two pumps leak", "The new catalogue"):
        await factory.one(
            "follow_up_record", customer_id=customer, contact_id=None, plan_id=None, member_id=people["Nancy"].id, at=now,
            way="CALL", content=content, reached=True,
        )  # fmt: skip

    made = (await asks["Nancy"](MAKE, {"input": {}})).data["makeDailyReport"]
    assert made["userErrors"] == []
    report = made["record"]
    assert (report["state"], report["kind"]) == ("DRAFT", "DAILY")
    found = {card["matters"]: card for card in report["cards"]["nodes"]}
    assert found.keys() == {"Two pumps leak", "The new catalogue"}
    urgent = found["Two pumps leak"]["id"]
    other = found["The new catalogue"]["id"]
    for card in (urgent, other):
        edited = await asks["Nancy"](EDIT, {"input": {"id": card, "urgent": True}})
        assert edited.data["updateDailyReportCard"]["record"] == {"urgent": True, "edited": True}
    sent = (await asks["Nancy"](SUBMIT, {"input": {"id": report["id"]}})).data["submitDailyReport"]["record"]
    assert sent == {
        "state": "SUBMITTED", "recipient": {"name": "Steven"}, "manager": {"name": "Steven"},
        "cards": {"nodes": [{"settlement": "OPEN"}] * 2},
    }  # fmt: skip
    late = await asks["Nancy"](EDIT, {"input": {"id": urgent, "urgent": False}})
    assert [e["code"] for e in late.data["updateDailyReportCard"]["userErrors"]] == ["REPORT_SUBMITTED"]

    settled = {"input": {"id": other, "settledHow": "Sent it"}}
    refused = (await asks["Nancy"](SETTLE, settled)).data["settleUrgentCard"]
    assert [error["code"] for error in refused["userErrors"]] == ["FORBIDDEN"]
    done = (await asks["Steven"](SETTLE, settled)).data["settleUrgentCard"]["record"]
    assert done == {"settlement": "SETTLED", "settledHow": "Sent it", "settledBy": {"name": "Steven"}}

    kinds = (await asks["Steven"]("{ emergencyKinds { code label } }")).data["emergencyKinds"]
    assert [kind["code"] for kind in kinds] == [
        "COMPETITOR_PRODUCT", "POLICY_REFORM", "SALES_OR_SERVICE_MOVE", "PRODUCT_PROBLEM", "OTHER",
    ]  # fmt: skip
    asked = {"kind": "FLOOD", "subject": "Pumps leak", "content": "All of this year", "cardId": urgent}
    refused = (await asks["Steven"](REPORT, {"input": asked})).data["reportEmergency"]
    assert refused["record"] is None
    assert refused["userErrors"] == [
        {
            "code": "UNKNOWN_EMERGENCY_KIND",
            "path": ["input", "kind"],
            "message": "There is no kind of emergency “FLOOD”.",
        }
    ]
    asked["kind"] = "PRODUCT_PROBLEM"
    other_customer = await factory.one("customer", owner_id=people["Nancy"].id)
    for named, code in ((other_customer, "OF_ANOTHER_CUSTOMER"), (new_id(), "NOT_FOUND")):
        other = {"input": {**asked, "customerId": f"cus_{named.hex}"}}
        refused = (await asks["Steven"](REPORT, other)).data["reportEmergency"]
        assert [(e["code"], e["path"]) for e in refused["userErrors"]] == [(code, ["input", "customerId"])]
    written = (await asks["Steven"](REPORT, {"input": asked})).data["reportEmergency"]["record"]
    assert (written["state"], written["card"], written["customer"]) == (
        "REPORTED", {"settlement": "REPORTED"}, {"name": "Alfreds Futterkiste"},
    )  # fmt: skip
    answer = {"input": {"id": written["id"], "instruction": "Recall them"}}
    taken = (await asks["Margaret"](ACKNOWLEDGE, answer)).data["acknowledgeEmergency"]
    assert taken == {"record": {"state": "ACKNOWLEDGED", "instruction": "Recall them"}, "userErrors": []}
    listed = await asks["Margaret"]("{ emergencyReports { nodes { subject acknowledgedBy { name } } } }")
    assert listed.data["emergencyReports"]["nodes"] == [
        {"subject": "Pumps leak", "acknowledgedBy": {"name": "Margaret"}}
    ]


async def test_the_account_manager_returns_and_gathers_and_the_manager_reads_it_all(gateway, company):
    databases = gateway.services.databases
    factory = Factory(databases, company)
    sales = await factory.one("department", name="Sales")
    people, asks, superior = {}, {}, None
    for name, role in (
        ("Steven", "DEPARTMENT_MANAGER"), ("Janet", "ACCOUNT_MANAGER"), ("Nancy", "REPRESENTATIVE"),
    ):  # fmt: skip
        people[name] = await make_member(databases, company, role, name=name, department_id=sales)
        await factory.update("member", people[name].id, superior_id=superior)
        superior = people[name].id
        key = await make_key(databases, people[name], key=gateway.services.identity.key)
        asks[name] = gateway.client(key)
    for name in ("Nancy", "Janet"):
        customer = await factory.one("customer", name=f"Customer of {name}", owner_id=people[name].id)
        await factory.one(
            "follow_up_record", customer_id=customer, contact_id=None, plan_id=None, member_id=people[name].id,
            at=datetime.now(UTC), way="CALL", content="Two pumps leak", reached=True,
        )  # fmt: skip
    daily, visits = [
        (await asks[name](MAKE, {"input": {}})).data["makeDailyReport"]["record"]
        for name in ("Nancy", "Janet")
    ]
    assert (daily["kind"], visits["kind"]) == ("DAILY", "RETURN_VISIT")
    handed_in = {"input": {"id": daily["id"]}}
    sent = (await asks["Nancy"](SUBMIT, handed_in)).data["submitDailyReport"]["record"]
    assert (sent["recipient"], sent["manager"]) == ({"name": "Janet"}, {"name": "Steven"})

    asked = {"input": {"id": daily["id"], "why": "Which pumps?"}}
    refused = (await asks["Nancy"](RETURN, asked)).data["returnDailyReport"]
    assert [error["code"] for error in refused["userErrors"]] == ["FORBIDDEN"]
    told = (await asks["Janet"](RETURN, asked)).data["returnDailyReport"]
    assert told == {
        "record": {"state": "RETURNED", "returnedWhy": "Which pumps?", "returnedBy": {"name": "Janet"}},
        "userErrors": [],
    }
    again = (await asks["Janet"](RETURN, asked)).data["returnDailyReport"]
    assert [(error["code"], error["path"]) for error in again["userErrors"]] == [
        ("REPORT_NOT_SUBMITTED", ["input", "id"])
    ]
    (card,) = daily["cards"]["nodes"]
    mended = await asks["Nancy"](EDIT, {"input": {"id": card["id"], "matters": "The blue pumps"}})
    assert mended.data["updateDailyReportCard"]["userErrors"] == []
    assert (await asks["Nancy"](SUBMIT, handed_in)).data["submitDailyReport"]["userErrors"] == []

    sent = await asks["Janet"](SUBMIT, {"input": {"id": visits["id"]}})
    assert sent.data["submitDailyReport"]["record"]["recipient"] == {"name": "Steven"}
    read = await asks["Steven"](
        """query ($id: ID!) { dailyReport(id: $id) { kind member { name }
          gathered { nodes { member { name } cards { nodes { matters customer { name } } } } } } }""",
        {"id": visits["id"]},
    )
    assert read.data["dailyReport"] == {
        "kind": "RETURN_VISIT",
        "member": {"name": "Janet"},
        "gathered": {
            "nodes": [
                {
                    "member": {"name": "Nancy"},
                    "cards": {
                        "nodes": [{"matters": "The blue pumps", "customer": {"name": "Customer of Nancy"}}]
                    },
                }
            ]
        },
    }
