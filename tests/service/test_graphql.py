"""The verbs of service over HTTP: a request's life, lists of feedback, refusals in the asker's language."""

import pytest

from kedang_graphql.engine.ids import public_id
from tests.support.members import make_key, make_member

CREATE = """
mutation ($input: CreateServiceRequestInput!) {
  createServiceRequest(input: $input) {
    record { id number state title owner { name } customer { name } version } userErrors { path code }
  }
}"""
STEP = """
mutation ($input: %s!) {
  %s(input: $input) { record { state result firstAnsweredAt waitingSince version } userErrors { path code message } }
}"""
NOTE = """
mutation ($input: AddServiceNoteInput!) {
  addServiceNote(input: $input) {
    record { kind text member { name } } request { state notes { nodes { kind text } } } userErrors { path code }
  }
}"""
REPAIR = """
mutation ($input: RecordRepairInput!) {
  recordRepair(input: $input) {
    record { fault cost currency technician { name } request { number } }
    customer { name repairRecords { nodes { fault } } serviceRequests { nodes { number } } }
    userErrors { path code }
  }
}"""
FEEDBACK = """
query ($where: ServiceRequestWhere, $orderBy: [ServiceRequestSort!]) {
  serviceRequests(where: $where, orderBy: $orderBy) { totalCount nodes { kind about channel result } }
}"""


class Talk:
    """One member who speaks to the gateway."""

    def __init__(self, ask, member):
        self.ask, self.member = ask, member

    async def step(self, verb, **given):
        kind = verb[0].upper() + verb[1:] + "Input"
        answer = await self.ask(STEP % (kind, verb), {"input": given})
        return answer.data[verb]

    async def opened(self, **given):
        answer = await self.ask(CREATE, {"input": given})
        return answer.data["createServiceRequest"]


@pytest.fixture
async def talk(gateway, company) -> Talk:
    member = await make_member(gateway.services.databases, company, "OWNER", name="Andrew Fuller")
    key = await make_key(gateway.services.databases, member, key=gateway.services.identity.key)
    return Talk(gateway.client(key, "zh-CN"), member)


async def customer_of(talk):
    made = await talk.ask(
        'mutation ($o: ID!) { createCustomer(input: {name: "Alfreds", ownerId: $o}) { record { id } } }',
        {"o": public_id("member", talk.member.id)},
    )
    return made.data["createCustomer"]["record"]["id"]


@pytest.mark.requirement("S1", "I1")
async def test_a_request_lives_over_the_api(talk):
    customer = await customer_of(talk)
    made = (await talk.opened(customerId=customer, kind="COMPLAINT", title="Mouldy tea", channel="PHONE"))[
        "record"
    ]
    assert made["number"].startswith("SR-")
    assert (made["state"], made["title"], made["version"]) == ("NEW", "Mouldy tea", 1)
    assert (made["owner"], made["customer"]) == ({"name": "Andrew Fuller"}, {"name": "Alfreds"})
    request = made["id"]
    answered = await talk.step("answerServiceRequest", id=request, text="We look.", version=1)
    assert (answered["record"]["state"], answered["record"]["version"]) == ("IN_PROGRESS", 2)
    assert answered["record"]["firstAnsweredAt"] is not None
    stale = await talk.step("waitForCustomer", id=request, version=1)
    assert [(e["path"], e["code"]) for e in stale["userErrors"]] == [
        (["input", "version"], "VERSION_CONFLICT")
    ]
    waiting = await talk.step("waitForCustomer", id=request, version=2)
    assert (waiting["record"]["state"], waiting["record"]["version"]) == ("WAITING", 3)
    noted = (
        await talk.ask(NOTE, {"input": {"id": request, "kind": "FROM_CUSTOMER", "text": "Batch 7"}})
    ).data["addServiceNote"]
    assert noted["record"] == {
        "kind": "FROM_CUSTOMER",
        "text": "Batch 7",
        "member": {"name": "Andrew Fuller"},
    }
    assert noted["request"] == {
        "state": "IN_PROGRESS",
        "notes": {
            "nodes": [
                {"kind": "TO_CUSTOMER", "text": "We look."},
                {"kind": "FROM_CUSTOMER", "text": "Batch 7"},
            ]
        },
    }
    solved = await talk.step("solveServiceRequest", id=request, result="Replaced.")
    assert (solved["record"]["state"], solved["record"]["result"]) == ("SOLVED", "Replaced.")
    closed = await talk.step("closeServiceRequest", id=request)
    assert closed["record"]["state"] == "CLOSED"
    reopened = await talk.step("reopenServiceRequest", id=request, reason="Again")
    assert reopened["record"]["state"] == "IN_PROGRESS"
    cancelled = await talk.step("cancelServiceRequest", id=request, reason="Mistake")
    assert cancelled["record"]["state"] == "CANCELLED"


@pytest.mark.requirement("S2")
async def test_a_repair_stands_in_the_archive(talk):
    customer = await customer_of(talk)
    request = (await talk.opened(customerId=customer, kind="REPAIR", title="Leaks", channel="VISIT"))[
        "record"
    ]
    given = {"requestId": request["id"], "fault": "Seal", "cost": 1250}
    told = (await talk.ask(REPAIR, {"input": given})).data["recordRepair"]
    assert told == {
        "record": {
            "fault": "Seal",
            "cost": 1250,
            "currency": "CNY",
            "technician": {"name": "Andrew Fuller"},
            "request": {"number": request["number"]},
        },
        "customer": {
            "name": "Alfreds",
            "repairRecords": {"nodes": [{"fault": "Seal"}]},
            "serviceRequests": {"nodes": [{"number": request["number"]}]},
        },
        "userErrors": [],
    }


@pytest.mark.requirement("S6", "I1")
async def test_feedback_is_found_in_one_place(talk):
    customer = await customer_of(talk)
    for kind, about, channel in (
        ("COMPLAINT", "OUR_PRODUCT", "PHONE"),
        ("SUGGESTION", "OTHERS_PRODUCT", "SURVEY"),
        ("WISH", "OUR_PRODUCT", "FORM"),
        ("REPAIR", "OUR_PRODUCT", "PHONE"),
    ):
        made = await talk.opened(customerId=customer, kind=kind, title=kind, about=about, channel=channel)
        if kind == "WISH":
            await talk.step("closeServiceRequest", id=made["record"]["id"], result="Noted.")
    where = {"kind": {"in": ["COMPLAINT", "SUGGESTION", "CRITICISM", "WISH"]}, "about": {"eq": "OUR_PRODUCT"}}
    found = (await talk.ask(FEEDBACK, {"where": where, "orderBy": [{"field": "CHANNEL"}]})).data
    assert found["serviceRequests"] == {
        "totalCount": 2,
        "nodes": [
            {"kind": "WISH", "about": "OUR_PRODUCT", "channel": "FORM", "result": "Noted."},
            {"kind": "COMPLAINT", "about": "OUR_PRODUCT", "channel": "PHONE", "result": None},
        ],
    }
    owner = {"ownerId": {"eq": public_id("member", talk.member.id)}, "closedAt": {"isNull": False}}
    for order in ("CLOSED_AT", "ABOUT", "STATE", "KIND", "OPENED_AT", "SOLUTION_DUE_AT"):
        found = (await talk.ask(FEEDBACK, {"where": owner, "orderBy": [{"field": order}]})).data
        assert [node["kind"] for node in found["serviceRequests"]["nodes"]] == ["WISH"]


@pytest.mark.requirement("S1", "I1")
async def test_a_step_that_is_not_possible_is_refused_with_its_code(talk):
    customer = await customer_of(talk)
    made = (await talk.opened(customerId=customer, kind="WISH", title="Coffee"))["record"]
    refused = await talk.step("resumeServiceRequest", id=made["id"])
    assert refused["record"] is None
    assert [(e["path"], e["code"]) for e in refused["userErrors"]] == [(["input", "id"], "WRONG_STATE")]
    for unknown in ("srq_" + "0" * 32, customer, "nonsense"):
        refused = await talk.step("solveServiceRequest", id=unknown, result="x")
        assert [(e["path"], e["code"]) for e in refused["userErrors"]] == [(["input", "id"], "NOT_FOUND")]
    nothing = await talk.step("assignServiceRequest", id=made["id"])
    assert [e["code"] for e in nothing["userErrors"]] == ["BAD_USER_INPUT"]
    foreign = await talk.step("assignServiceRequest", id=made["id"], ownerId="mem_" + "0" * 32)
    assert [(e["path"], e["code"]) for e in foreign["userErrors"]] == [(["input", "ownerId"], "NOT_FOUND")]
    empty = await talk.step("answerServiceRequest", id=made["id"], text="  ")
    assert [(e["path"], e["code"]) for e in empty["userErrors"]] == [(["input", "text"], "REQUIRED")]
    read = await talk.ask(
        "query ($id: ID!) { serviceRequest(id: $id) { state version } }", {"id": made["id"]}
    )
    assert read.data["serviceRequest"] == {"state": "NEW", "version": 1}
