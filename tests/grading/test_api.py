"""The life of a scheme through the API: drafted, tried, published, by hand, retired; what others are told of it."""

from datetime import timedelta

import pytest

from tests.support.factories import Factory
from tests.support.members import make_key, make_member
from tests.support.workers import run_jobs

pytestmark = pytest.mark.requirement("G1", "G2", "G3")
_VERB = "mutation ($input: %sInput!) { %s(input: $input) { %s userErrors { path code } } }"
CONTENT = {
    "kind": "THRESHOLDS",
    "measure": "SALES",
    "period": {"kind": "LAST_MONTHS", "months": 12},
    "levels": [{"level": "A", "minimum": "100"}, {"level": "E"}],
}
TRIAL = """
query ($id: ID!) {
  gradeTrial(id: $id) {
    state kind seen moved keptByHand outcome scheme { name } rule { number } askedBy { name }
    rows(first: 10) {
      nodes { move score figures customer { name } fromLevel { code } toLevel { code } explanation }
    }
  }
}"""
MEASURES = "{ gradeMeasures { code label unit periodic better choices { code label } } }"
MOVEMENT = """
query ($id: ID!, $first: Date!, $last: Date!) {
  gradeMovement(schemeId: $id, first: $first, last: $last) { before { code } after { code } customers }
}"""


async def client_of(gateway, company, role, *, language="en", name="Andrew Fuller"):
    services = gateway.services
    member = await make_member(services.databases, company, role, name=name)
    key = await make_key(services.databases, member, key=services.identity.key)
    return gateway.client(bearer=key, language=language)


async def told(client, name, answered, /, **given):
    """What a verb gives; no error."""
    kind = name[0].upper() + name[1:]
    answer = await client(_VERB % (kind, name, answered), {"input": given})
    payload = answer.data[name]
    assert payload.pop("userErrors") == []
    return payload


async def refused(client, name, /, **given):
    kind = name[0].upper() + name[1:]
    answer = await client(_VERB % (kind, name, "record { id }"), {"input": given})
    assert answer.data[name]["record"] is None
    return [(error["code"], error["path"][-1]) for error in answer.data[name]["userErrors"]]


async def work(gateway, tmp_path):
    settings = gateway.services.settings.model_copy(update={"var": tmp_path})
    drained = await run_jobs(gateway.services.databases, settings=settings)
    assert not drained.failures, drained.failures


async def test_a_scheme_lives_from_its_draft_to_a_level_that_retires(gateway, company, tmp_path):
    ask = await client_of(gateway, company, "OWNER")
    customer = await Factory(gateway.services.databases, company).one(
        "customer", name="Alfreds Futterkiste", roles=["BUYER"]
    )
    public = f"cus_{customer.hex}"
    scheme = (await told(ask, "startGradeScheme", "record { id }", name="Value", levelSet="A_TO_E"))[
        "record"
    ]["id"]
    drafted = await told(
        ask, "draftGradeRule", "record { id version number state }", schemeId=scheme, content=CONTENT
    )
    rule = drafted["record"]
    assert (rule["version"], rule["number"], rule["state"]) == (1, 1, "DRAFT")

    asked = await told(ask, "tryGradeRule", "record { id state } job { kind state }", id=rule["id"])
    assert (asked["record"]["state"], asked["job"]) == (
        "WAITING",
        {"kind": "grading.try", "state": "WAITING"},
    )
    await work(gateway, tmp_path)
    trial = (await ask(TRIAL, {"id": asked["record"]["id"]})).data["gradeTrial"]
    (moved,) = trial.pop("rows")["nodes"]
    levels = trial.pop("outcome")["moves"]
    assert [(one["from"], one["customers"]) for one in levels] == [(None, 1)]
    assert trial == {
        "state": "DONE",
        "kind": "DRY_RUN",
        "seen": 1,
        "moved": 1,
        "keptByHand": 0,
        "scheme": {"name": "Value"},
        "rule": {"number": 1},
        "askedBy": {"name": "Andrew Fuller"},
    }
    assert (moved["move"], moved["fromLevel"], moved["toLevel"]) == ("NEW", None, {"code": "E"})
    assert moved["customer"] == {"name": "Alfreds Futterkiste"}
    assert moved["explanation"]["en"] != moved["explanation"]["zh"]
    assert moved["figures"]["version"] == 1
    tested = await told(
        ask, "backTestGradeRule", "record { months kind } job { state }", id=rule["id"], months=3
    )
    assert tested["record"] == {"months": 3, "kind": "BACK_TEST"}

    published = await told(ask, "publishGradeRule", "record { state } job { kind }", id=rule["id"], version=1)
    assert published == {"record": {"state": "IN_FORCE"}, "job": {"kind": "grading.regrade"}}
    await told(ask, "leadGradeScheme", "record { leads }", id=scheme)
    await work(gateway, tmp_path)
    shown = "query ($id: ID!) { customer(id: $id) { grade { code } gradeHistory(orderBy: {field: GRADED_AT}) { nodes { byHand reason } } } }"
    assert (await ask(shown, {"id": public})).data["customer"]["grade"] == {"code": "E"}

    found = await ask(
        "query ($id: ID!) { gradeScheme(id: $id) { levels { nodes { id code } } } }", {"id": scheme}
    )
    ids = {level["code"]: level["id"] for level in found.data["gradeScheme"]["levels"]["nodes"]}
    assert await refused(ask, "retireGradeLevel", id=ids["A"], intoId=ids["E"]) == [("LEVEL_IN_FORCE", "id")]
    until = (gateway.services.clock.now() + timedelta(days=30)).date().isoformat()
    given = {"customerId": public, "levelId": ids["B"], "reason": "Opens the province", "until": until}
    by_hand = await told(
        ask, "gradeCustomerByHand", "record { byHand reason until level { code } givenBy { name } }", **given
    )
    assert by_hand["record"] == {
        "byHand": True,
        "reason": "Opens the province",
        "until": until,
        "level": {"code": "B"},
        "givenBy": {"name": "Andrew Fuller"},
    }
    assert await refused(ask, "gradeCustomerByHand", **{**given, "until": None}) == [("REQUIRED", "until")]
    retired = await told(
        ask,
        "retireGradeLevel",
        "moved priceStepsEnded record { archivedAt retiredInto { code } }",
        id=ids["B"],
        intoId=ids["C"],
    )
    assert (retired["moved"], retired["priceStepsEnded"]) == (1, 0)
    assert retired["record"]["retiredInto"] == {"code": "C"}
    after = (await ask(shown, {"id": public})).data["customer"]
    assert after["grade"] == {"code": "C"}
    assert [grade["byHand"] for grade in after["gradeHistory"]["nodes"]] == [False, True, True]
    ended = await told(ask, "endGradeByHand", "record { grade { code } }", customerId=public, schemeId=scheme)
    assert ended["record"] == {"grade": {"code": "E"}}

    today = gateway.services.clock.now().date()
    days = {"first": (today - timedelta(days=2)).isoformat(), "last": (today + timedelta(days=2)).isoformat()}
    moves = (await ask(MOVEMENT, {"id": scheme, **days})).data["gradeMovement"]
    assert moves == [{"before": None, "after": {"code": "E"}, "customers": 1}]


async def test_what_is_at_fault_is_named_as_the_input_names_it(gateway, company):
    ask = await client_of(gateway, company, "OWNER")
    nobody = f"gsc_{'0' * 32}"
    assert await refused(ask, "publishGradeScheme", id=nobody) == [("NOT_FOUND", "id")]
    assert await refused(ask, "gradeCustomers", schemeId=nobody) == [("NOT_FOUND", "schemeId")]
    assert await refused(ask, "draftGradeRule", schemeId=nobody) == [("NOT_FOUND", "schemeId")]
    by_hand = await Factory(gateway.services.databases, company).one("grade_scheme", graded_by="HAND")
    assert await refused(ask, "gradeCustomers", schemeId=f"gsc_{by_hand.hex}") == [
        ("SCHEME_GRADED_BY_HAND", "schemeId")
    ]
    assert await refused(ask, "publishGradeScheme", id=f"gsc_{by_hand.hex}") == [
        ("SCHEME_GRADED_BY_HAND", "id")
    ]


async def test_what_may_be_measured_is_told_in_the_language_of_the_request(gateway, company):
    ask = await client_of(gateway, company, "OWNER", language="zh-CN")
    measures = {measure["code"]: measure for measure in (await ask(MEASURES)).data["gradeMeasures"]}
    assert measures["SALES"] == {
        "code": "SALES",
        "label": "销售额",
        "unit": "MONEY",
        "periodic": True,
        "better": "HIGHER",
        "choices": [],
    }
    assert [choice["code"] for choice in measures["CREDIT_RATING"]["choices"]][:2] == ["AAA", "AA"]
    assert {"ORDERS", "RECENCY", "field:size"} & set(measures)


async def test_who_does_not_set_grades_up_only_reads(gateway, company):
    owner = await client_of(gateway, company, "OWNER")
    scheme = (await told(owner, "startGradeScheme", "record { id }", name="Value", levelSet="A_TO_E"))[
        "record"
    ]["id"]
    rule = (await told(owner, "draftGradeRule", "record { id }", schemeId=scheme, content=CONTENT))["record"][
        "id"
    ]
    manager = await client_of(gateway, company, "GENERAL_MANAGER", name="Steven Buchanan")
    davolio = await client_of(gateway, company, "REPRESENTATIVE", name="Nancy Davolio")
    for client in (manager, davolio):
        assert await refused(client, "changeGradeRule", id=rule, version=1, reason="Mine") == [
            ("FORBIDDEN", "input")
        ]
        assert await refused(client, "tryGradeRule", id=rule) == [("FORBIDDEN", "input")]
        assert await refused(client, "leadGradeScheme", id=scheme) == [("FORBIDDEN", "input")]
        rules = await client("{ gradeRules { nodes { number state reason } } }")
        assert rules.data["gradeRules"]["nodes"] == [{"number": 1, "state": "DRAFT", "reason": None}]
    await told(owner, "tryGradeRule", "record { id }", id=rule)
    trials = "{ gradeTrials { nodes { kind } } }"
    assert (await manager(trials)).data == {"gradeTrials": {"nodes": [{"kind": "DRY_RUN"}]}}
    assert (await davolio(trials)).data == {"gradeTrials": {"nodes": []}}
