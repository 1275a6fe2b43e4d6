"""Texts that PostgreSQL cannot keep, in the words and documents of verbs: refused in userErrors, and nothing is written."""

import copy
import json
from datetime import date
from decimal import Decimal

import pytest

from kedang_tenants.opening.criteria import CHECKLISTS
from tests.support.digests import digests
from tests.support.factories import Factory
from tests.support.members import make_key, make_member

NUL = "a\x00b"
CRITERION = {"code": "MARKET", "label": {"en": "The market", "zh": "市场"}}
LEVELS = [{"level": "A", "minimum": "100"}, {"level": "B"}]
RULE = {"kind": "THRESHOLDS", "measure": "SALES", "levels": LEVELS}


class Side:
    """The owner of a company, signed in."""

    def __init__(self, ask, factory, member):
        self.ask, self.factory, self.member = ask, factory, member

    async def customer(self, **values):
        return f"cus_{(await self.factory.one('customer', **values)).hex}"

    async def scheme(self):
        scheme = await self.factory.one("grade_scheme", measure="SALES", period="TRAILING_12_MONTHS")
        await self.factory.one("grade_level", scheme_id=scheme, code="A", position=1, minimum=Decimal(10))
        await self.factory.one("grade_level", scheme_id=scheme, code="B", position=2)
        return f"gsc_{scheme.hex}"


@pytest.fixture
async def side(gateway, company):
    databases = gateway.services.databases
    owner = await make_member(databases, company, "OWNER")
    key = await make_key(databases, owner, key=gateway.services.identity.key)
    return Side(gateway.client(key), Factory(databases, company), owner.id)


async def state_of(side):
    return await digests(side.factory.databases, side.factory.company.ref)


async def refused(side, verb, given):
    """What a verb says against an input, which has left no trace."""
    before = await state_of(side)
    kind = verb[0].upper() + verb[1:]
    query = f"mutation ($i: {kind}Input!) {{ {verb}(input: $i) {{ userErrors {{ path code message }} }} }}"
    answer = await side.ask(query, {"i": given})
    assert await state_of(side) == before
    return [(error["code"], error["path"]) for error in answer.data[verb]["userErrors"]]


async def test_a_reason_with_a_nul(side):
    hot = await side.customer(hot_since=date(2026, 1, 1), owner_id=side.member)
    owned = await side.customer(owner_id=side.member)
    for verb, given in (
        ("clearHot", {"customerId": hot}),
        ("releaseCustomer", {"customerId": owned}),
        ("restrictCustomer", {"customerId": owned}),
    ):
        assert await refused(side, verb, {**given, "reason": NUL}) == [("UNKEEPABLE_TEXT", ["input"])], verb


@pytest.mark.requirement("T8")
async def test_a_rule_with_a_nul_names_the_place(side):
    content = {"criteria": [CRITERION, {**CRITERION, "code": "NEED", "label": {"en": NUL, "zh": "需求"}}]}
    given = {"kind": CHECKLISTS, "content": content}
    assert await refused(side, "draftRule", given) == [
        ("UNKEEPABLE_TEXT", ["input", "content", "criteria", "1", "label", "en"])
    ]
    named = {"kind": CHECKLISTS, "content": {"criteria": [CRITERION], NUL: 1}}
    assert await refused(side, "draftRule", named) == [("UNKEEPABLE_TEXT", ["input", "content"])]


@pytest.mark.requirement("G2")
async def test_a_grade_rule_with_a_nul_names_the_place(side):
    scheme = await side.scheme()
    odd = copy.deepcopy(RULE)
    odd["levels"][1]["level"] = NUL
    assert await refused(side, "draftGradeRule", {"schemeId": scheme, "content": odd}) == [
        ("UNKEEPABLE_TEXT", ["input", "content", "levels", "1", "level"])
    ]
    told = await refused(
        side, "draftGradeRule", {"schemeId": scheme, "content": {**RULE, "measure": r"\u0000"}}
    )
    assert told == [("UNKNOWN_MEASURE", ["input", "content", "measure"])]


@pytest.mark.parametrize("number", ["1" + "0" * 400, "-" + "9" * 30, "1e999"])
async def test_a_number_beyond_all_bounds_in_a_document(side, number):
    scheme = await side.scheme()
    before = await state_of(side)
    rule = f'{{kind: "{CHECKLISTS}", content: {{criteria: [], much: {number}}}}}'
    grades = f'{{schemeId: "{scheme}", content: {{kind: "SCORE", criteria: [], minimumKnown: {number}}}}}'
    for verb, given in (("draftRule", rule), ("draftGradeRule", grades)):
        answer = await side.ask(f"mutation {{ {verb}(input: {given}) {{ userErrors {{ path code }} }} }}")
        assert answer.http.status_code < 500, answer.body
        errors = answer.data[verb]["userErrors"]
        assert errors, answer.body
        assert {tuple(error["path"][:2]) for error in errors} == {("input", "content")}
    assert await state_of(side) == before


async def test_half_a_sign_is_no_text_of_a_request(side):
    """What is one sign of two halves in JSON is refused by whoever reads the request, before any verb."""
    scheme = await side.scheme()
    before = await state_of(side)
    odd = {**RULE, "measure": "\ud83d"}
    query = "mutation ($i: DraftGradeRuleInput!) { draftGradeRule(input: $i) { userErrors { code } } }"
    body = json.dumps({"query": query, "variables": {"i": {"schemeId": scheme, "content": odd}}}).encode()
    answer = await side.ask.http.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert [error["extensions"]["code"] for error in answer.json()["errors"]] == ["BAD_USER_INPUT"]
    inline = f'mutation {{ draftGradeRule(input: {{schemeId: "{scheme}", content: "\\ud83d"}}) {{ userErrors {{ code }} }} }}'
    assert (await side.ask(inline)).codes == ["GRAPHQL_VALIDATION_FAILED"]
    assert await state_of(side) == before
