"""Rules and approvals over HTTP, in both languages: who sees what, who may do what, what is refused."""

from datetime import UTC, datetime, timedelta

import pytest

from kedang_graphql.engine.ids import public_id
from kedang_platform.i18n import translate
from kedang_tenants import rules
from kedang_tenants.approvals import asking, rule_versions
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.people.viewers import system_viewer
from kedang_tenants.rules import kinds
from tests.approvals.conftest import GIFT
from tests.rules.conftest import KIND, check
from tests.support.members import make_key, make_member, viewer_of
from tests.wall.sides import open_session

pytestmark = pytest.mark.requirement("T8", "T11", "I1")

DRAFT = """
mutation ($input: DraftRuleInput!) {
  draftRule(input: $input) {
    record { id kind number state content reason inForceFrom version draftedBy { name } } userErrors { path code message }
  }
}"""
CHANGE = """
mutation ($input: ChangeRuleDraftInput!) {
  changeRuleDraft(input: $input) { record { content reason version } userErrors { path code message } }
}"""
STEP = """
mutation ($input: %s!) {
  %s(input: $input) { record { id state } request { id state stage } userErrors { path code message } }
}"""
DECIDE = """
mutation ($input: DecideApprovalInput!) {
  decideApproval(input: $input) {
    record { state stage remark decidedBy { name } events { nodes { kind member { name } forMember { name } remark } } }
    userErrors { path code message }
  }
}"""
ASKED = """
mutation ($input: ApprovalRequestInput!) {
  %s(input: $input) { record { state stage } userErrors { path code message } }
}"""
REQUESTS = """
query ($where: ApprovalRequestWhere) {
  approvalRequests(where: $where) {
    nodes { summary state kind askedBy { name } turns { nodes { open member { name } } } }
  }
}"""
FLOW = """
mutation ($input: SetApprovalFlowInput!) {
  setApprovalFlow(input: $input) { record { kind version steps } userErrors { path code message } }
}"""
DEPUTY = """
mutation ($input: SetDeputyInput!) {
  setDeputy(input: $input) { record { id deputy { name } fromDay untilDay } userErrors { path code message } }
}"""


@pytest.fixture(autouse=True)
async def discounts():
    rules.register_rule_kind(KIND, check=check, label="Discounts")
    yield
    del kinds._kinds[KIND]


class Office:
    """Members who are signed in: an owner, a general manager, a manager of a department, a representative."""

    def __init__(self, gateway, databases, company):
        self.gateway, self.databases, self.company = gateway, databases, company
        self.members = {}

    async def hire(self, name, *roles, language="en"):
        member = self.members[name] = await make_member(self.databases, self.company, *roles, name=name)
        client = self.gateway.client(language=language)
        client.http.headers["cookie"] = f"kedang={await open_session(self.gateway, member)}"
        return client

    def public(self, name):
        return public_id("member", self.members[name].id)

    async def set_superior(self, name, above):
        async with self.databases.tenant_write(self.company.ref) as write:
            viewer = await system_viewer(write, company=self.company)
            values = {"superior_id": self.members[above].id}
            change = Change("member", "update", self.members[name].id, values=values)
            await change_internally(write, viewer, [change], clock=self.gateway.services.clock)

    async def ask(self, name, **given):
        viewer = await viewer_of(self.databases, self.members[name])
        async with self.databases.tenant_write(self.company.ref) as write:
            made = await asking.ask(
                write,
                viewer,
                kind=GIFT,
                subject=None,
                summary={"en": "Tea", "zh": "茶"},
                clock=self.gateway.services.clock,
                **given,
            )
        return public_id("approval_request", made)


@pytest.fixture
async def office(gateway, databases, company):
    return Office(gateway, databases, company)


async def verb(client, document, name, **given):
    answer = await client(document, {"input": given})
    assert answer.errors == []
    return answer.data[name]


async def step(client, name, kind="RuleVersionInput", **given):
    return await verb(client, STEP % (kind, name), name, **given)


async def drafted(client, **given):
    made = await verb(client, DRAFT, "draftRule", **{"kind": KIND, "content": {"levels": [5]}} | given)
    assert made["userErrors"] == []
    return made["record"]


async def test_a_rule_lives_over_the_api(office):
    manager = await office.hire("Steven Buchanan", "DEPARTMENT_MANAGER")
    general = await office.hire("Janet Leverling", "GENERAL_MANAGER")
    made = await drafted(manager, reason="Spring")
    identity, drafter = made.pop("id"), made.pop("draftedBy")
    assert made == {
        "kind": KIND,
        "number": 1,
        "state": "DRAFT",
        "content": {"levels": [5]},
        "reason": "Spring",
        "inForceFrom": None,
        "version": 1,
    }
    assert drafter == {"name": "Steven Buchanan"}
    changed = await verb(
        manager, CHANGE, "changeRuleDraft", id=identity, version=1, content={"levels": [6]}, reason=None
    )
    assert changed["record"] == {"content": {"levels": [6]}, "reason": None, "version": 2}
    submitted = await step(manager, "submitRule", id=identity)
    assert (submitted["record"]["state"], submitted["request"]["state"]) == ("SUBMITTED", "OPEN")
    request = submitted["request"]
    decided = await verb(
        general, DECIDE, "decideApproval", id=request["id"], stage=1, decision="APPROVE", remark="Good"
    )
    assert decided["record"] == {
        "state": "APPROVED",
        "stage": 2,
        "remark": "Good",
        "decidedBy": {"name": "Janet Leverling"},
        "events": {
            "nodes": [
                {"kind": "ASKED", "member": {"name": "Steven Buchanan"}, "forMember": None, "remark": None},
                {
                    "kind": "APPROVED",
                    "member": {"name": "Janet Leverling"},
                    "forMember": None,
                    "remark": "Good",
                },
            ]
        },
    }
    kinds_told = await manager("{ ruleKinds { code label inForce { id state } } }")
    (told,) = [kind for kind in kinds_told.data["ruleKinds"] if kind["code"] == KIND]
    assert told == {"code": KIND, "label": "Discounts", "inForce": {"id": identity, "state": "IN_FORCE"}}
    repeal = await step(manager, "repealRule", "RepealRuleInput", id=identity, reason="No longer")
    await verb(general, DECIDE, "decideApproval", id=repeal["request"]["id"], stage=1, decision="APPROVE")
    answer = await manager("query ($id: ID!) { ruleVersion(id: $id) { state remark } }", {"id": identity})
    assert answer.data["ruleVersion"] == {"state": "REPEALED", "remark": "No longer"}


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_what_is_refused_is_told_in_the_askers_language_and_changes_nothing(office, language):
    manager = await office.hire("Steven Buchanan", "DEPARTMENT_MANAGER", language=language)
    seller = await office.hire("Nancy Davolio", "REPRESENTATIVE", language=language)
    made = await drafted(manager)

    async def refused(client, document, name, **given):
        payload = await verb(client, document, name, **given)
        assert payload["record"] is None
        return [(error["code"], error["path"], error["message"]) for error in payload["userErrors"]]

    def said(msgid, **params):
        return translate(msgid, language, params)

    draft = {"kind": KIND, "content": {"levels": [5]}}
    assert await refused(seller, DRAFT, "draftRule", **draft) == [
        ("FORBIDDEN", ["input"], said("You may not do this."))
    ]
    assert await refused(manager, DRAFT, "draftRule", **draft) == [
        (
            "DRAFT_EXISTS",
            ["input", "kind"],
            said("Version {number} of this rule is open already; it has to be settled first.", number=1),
        )
    ]
    assert await refused(manager, DRAFT, "draftRule", **draft | {"kind": "nothing"}) == [
        (
            "UNKNOWN_RULE_KIND",
            ["input", "kind"],
            said("There are no rules of the kind “{kind}”.", kind="nothing"),
        )
    ]
    wrong = await refused(
        manager, CHANGE, "changeRuleDraft", id=made["id"], version=1, content={"levels": [1, 31]}
    )
    assert wrong == [
        (
            "OUT_OF_RANGE",
            ["input", "content", "levels", "1"],
            said("This must lie between {minimum} and {maximum}.", minimum=0, maximum=30),
        )
    ]
    late = await refused(manager, CHANGE, "changeRuleDraft", id=made["id"], version=7, reason="x")
    assert [error[:2] for error in late] == [("VERSION_CONFLICT", ["input", "version"])]
    submitted = await step(manager, "withdrawRule", id=made["id"])
    assert [error["code"] for error in submitted["userErrors"]] == ["NOT_WAITING"]
    missing = await step(
        manager, "submitRule", id=public_id("rule_version", office.members["Nancy Davolio"].id)
    )
    assert [error["code"] for error in missing["userErrors"]] == ["NOT_FOUND"]
    answer = await manager(
        "{ ruleVersions { nodes { state content version } } approvalRequests { nodes { id } } }"
    )
    assert answer.data == {
        "ruleVersions": {"nodes": [{"state": "DRAFT", "content": {"levels": [5]}, "version": 1}]},
        "approvalRequests": {"nodes": []},
    }


async def test_what_two_versions_say_otherwise_is_readable(office):
    owner = await office.hire("Andrew Fuller", "OWNER")
    first = await drafted(owner, content={"levels": [5, 10], "for": "A"})
    submitted = await step(owner, "submitRule", id=first["id"])
    assert (submitted["record"]["state"], submitted["request"]["state"]) == ("IN_FORCE", "APPROVED")
    second = await drafted(owner, content={"levels": [5], "for": "B", "new": True})
    document = (
        "query ($from: ID!, $to: ID!) { ruleDifferences(from: $from, to: $to) { path kind before after } }"
    )
    answer = await owner(document, {"from": first["id"], "to": second["id"]})
    assert answer.data["ruleDifferences"] == [
        {"path": ["for"], "kind": "CHANGED", "before": "A", "after": "B"},
        {"path": ["levels", "1"], "kind": "REMOVED", "before": 10, "after": None},
        {"path": ["new"], "kind": "ADDED", "before": None, "after": True},
    ]
    missing = await owner(document, {"from": first["id"], "to": office.public("Andrew Fuller")})
    assert missing.data["ruleDifferences"] is None


async def test_who_sees_a_request_the_asker_those_who_may_decide_owners_and_administrators(office):
    names = {
        "Andrew Fuller": ("OWNER",),
        "Laura Callahan": ("ADMIN",),
        "Steven Buchanan": ("DEPARTMENT_MANAGER",),
        "Nancy Davolio": ("REPRESENTATIVE",),
        "Janet Leverling": ("GENERAL_MANAGER",),
        "Anne Dodsworth": ("FINANCE",),
    }
    clients = {name: await office.hire(name, *roles) for name, roles in names.items()}
    await office.set_superior("Nancy Davolio", "Steven Buchanan")
    await office.ask("Nancy Davolio")
    seen = {
        name: (await client(REQUESTS)).data["approvalRequests"]["nodes"] for name, client in clients.items()
    }
    asked = {
        "summary": {"en": "Tea", "zh": "茶"},
        "state": "OPEN",
        "kind": GIFT,
        "askedBy": {"name": "Nancy Davolio"},
        "turns": {"nodes": [{"open": True, "member": {"name": "Steven Buchanan"}}]},
    }
    seeing = {"Andrew Fuller", "Laura Callahan", "Steven Buchanan", "Nancy Davolio"}
    assert seen == {name: [asked] if name in seeing else [] for name in names}
    mine = {"turns": {"some": {"memberId": {"eq": office.public("Steven Buchanan")}, "open": {"eq": True}}}}
    to_decide = await clients["Steven Buchanan"](REQUESTS, {"where": mine})
    assert to_decide.data["approvalRequests"]["nodes"] == [asked]
    for name in names:
        events = await clients[name]("{ approvalEvents { nodes { kind } } approvalTurns { nodes { open } } }")
        expected = [{"kind": "ASKED"}], [{"open": True}]
        told = events.data["approvalEvents"]["nodes"], events.data["approvalTurns"]["nodes"]
        assert told == (expected if name in seeing else ([], []))


async def test_deciding_withdrawing_and_submitting_again_over_the_api(office):
    manager = await office.hire("Steven Buchanan", "DEPARTMENT_MANAGER", language="zh-CN")
    seller = await office.hire("Nancy Davolio", "REPRESENTATIVE", language="zh-CN")
    await office.set_superior("Nancy Davolio", "Steven Buchanan")
    request = await office.ask("Nancy Davolio")

    async def decide(client, **given):
        return await verb(client, DECIDE, "decideApproval", **{"id": request, "stage": 1} | given)

    own = await decide(seller, decision="APPROVE")
    assert [(e["code"], e["message"]) for e in own["userErrors"]] == [
        ("OWN_REQUEST", translate("Nobody decides on their own request.", "zh-CN"))
    ]
    silent = await decide(manager, decision="RETURN")
    assert [(e["code"], e["path"]) for e in silent["userErrors"]] == [
        ("REMARK_REQUIRED", ["input", "remark"])
    ]
    returned = await decide(manager, decision="RETURN", remark="太贵")
    assert (returned["record"]["state"], returned["record"]["remark"]) == ("RETURNED", "太贵")
    again = await verb(seller, ASKED % "resubmitApproval", "resubmitApproval", id=request, remark="便宜一点")
    assert again["record"] == {"state": "OPEN", "stage": 3}
    stale = await decide(manager, decision="APPROVE")
    assert [e["code"] for e in stale["userErrors"]] == ["ALREADY_DECIDED"]
    withdrawn = await verb(seller, ASKED % "withdrawApproval", "withdrawApproval", id=request)
    assert withdrawn["record"] == {"state": "WITHDRAWN", "stage": 3}
    late = await decide(manager, decision="APPROVE", stage=3)
    assert [e["code"] for e in late["userErrors"]] == ["ALREADY_DECIDED"]


async def test_flows_and_deputies_are_set_over_the_api(office):
    owner = await office.hire("Andrew Fuller", "OWNER")
    seller = await office.hire("Nancy Davolio", "REPRESENTATIVE")
    steps = [
        {"by": "ROLE", "roles": ["FINANCE"], "fromAmount": 100},
        {"by": "SUPERIOR", "escalateAfter": None},
    ]
    limits = [{"role": "FINANCE", "upTo": 5000}, {"role": "GENERAL_MANAGER"}]
    made = await verb(owner, FLOW, "setApprovalFlow", kind=GIFT, steps=steps, limits=limits)
    assert (made["record"]["kind"], made["record"]["version"]) == (GIFT, 1)
    answer = await seller(
        "{ approvalKinds { code takesAmount flowVersion limits { role upTo }"
        " steps { by roles fromAmount remindAfter escalateAfter } } }"
    )
    (told,) = [kind for kind in answer.data["approvalKinds"] if kind["code"] == GIFT]
    assert told == {
        "code": GIFT,
        "takesAmount": True,
        "flowVersion": 1,
        "limits": [{"role": "FINANCE", "upTo": 5000}, {"role": "GENERAL_MANAGER", "upTo": None}],
        "steps": [
            {"by": "ROLE", "roles": ["FINANCE"], "fromAmount": 100, "remindAfter": 1, "escalateAfter": 3},
            {"by": "SUPERIOR", "roles": [], "fromAmount": None, "remindAfter": 1, "escalateAfter": None},
        ],
    }
    for client, given, expected in (
        (seller, {"steps": steps}, [("FORBIDDEN", ["input"])]),
        (owner, {"steps": []}, [("WRONG_NUMBER_OF_STEPS", ["input", "steps"])]),
        (owner, {"steps": steps, "kind": "nothing"}, [("UNKNOWN_APPROVAL_KIND", ["input", "kind"])]),
        (owner, {"steps": steps, "version": 9}, [("VERSION_CONFLICT", ["input", "version"])]),
    ):
        wrong = await verb(client, FLOW, "setApprovalFlow", **{"kind": GIFT} | given)
        assert [(e["code"], e["path"]) for e in wrong["userErrors"]] == expected
    today = datetime.now(UTC).date()
    days = {"fromDay": today.isoformat(), "untilDay": (today + timedelta(days=3)).isoformat()}
    set_ = await verb(seller, DEPUTY, "setDeputy", deputyId=office.public("Andrew Fuller"), **days)
    assert set_["record"]["deputy"] == {"name": "Andrew Fuller"}
    other = await verb(
        seller,
        DEPUTY,
        "setDeputy",
        deputyId=office.public("Nancy Davolio"),
        memberId=office.public("Andrew Fuller"),
        **days,
    )
    assert [(e["code"], e["path"]) for e in other["userErrors"]] == [("FORBIDDEN", ["input", "memberId"])]
    end = "mutation ($input: EndDeputyInput!) { endDeputy(input: $input) { record { archivedAt } userErrors { code } } }"
    ended = await verb(seller, end, "endDeputy", id=set_["record"]["id"])
    assert ended["record"]["archivedAt"] is not None


async def test_what_is_sensitive_needs_a_person_who_has_just_proved_who_they_are(office, gateway, databases):
    owner = await office.hire("Andrew Fuller", "OWNER")
    general = await office.hire("Janet Leverling", "GENERAL_MANAGER")
    version = (await drafted(owner))["id"]
    request = (await step(owner, "submitRule", id=version))["request"]["id"]
    async with databases.control() as control:
        await control.fetch(
            "UPDATE platform.session SET authenticated_at = authenticated_at - interval '1 hour'"
        )
    gateway.services.identity.credentials.forget()
    key = await make_key(databases, office.members["Janet Leverling"], key=gateway.services.identity.key)
    days = {"fromDay": "2030-01-01", "untilDay": "2030-01-02", "deputyId": office.public("Andrew Fuller")}
    decide = {"id": request, "stage": 1, "decision": "APPROVE"}
    flow = {"kind": rule_versions.VERSION, "steps": [{"by": "ROLE", "roles": ["OWNER"]}]}
    for client, code in ((general, "REAUTHENTICATION_REQUIRED"), (gateway.client(key), "FORBIDDEN")):
        for document, given in ((DECIDE, decide), (DEPUTY, days), (FLOW, flow)):
            answer = await client(document, {"input": given})
            told = answer.codes or [e["code"] for e in next(iter(answer.data.values()))["userErrors"]]
            assert told == [code]
    answer = await general(
        "{ ruleVersions { nodes { state } } approvalDeputies { nodes { id } } approvalFlows { nodes { id } } }"
    )
    assert answer.data["ruleVersions"]["nodes"] == [{"state": "SUBMITTED"}]
    assert answer.data["approvalFlows"]["nodes"] == []
    assert answer.data["approvalDeputies"]["nodes"] == []
