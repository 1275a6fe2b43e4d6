"""Sets of levels to choose from (G1): each makes a draft that is the company's to fill in."""

import pytest

from kedang_graphql.grading import GradeLevelSetCode
from kedang_tenants.grading.level_sets import LEVEL_SETS
from tests.support.members import make_key, make_member

pytestmark = pytest.mark.requirement("G1", "T1")
SETS = "{ gradeLevelSets { code name levels { code name cycleDays } } }"
START = """
mutation ($name: String!, $set: GradeLevelSetCode!) {
  startGradeScheme(input: {name: $name, levelSet: $set}) {
    record { name state levels { nodes { code position cycleDays minimum } } } userErrors { path code }
  }
}"""


async def client_of(gateway, company, role):
    services = gateway.services
    member = await make_member(services.databases, company, role)
    key = await make_key(services.databases, member, key=services.identity.key)
    return gateway.client(bearer=key, language="zh-CN")


def test_the_api_names_every_set():
    assert [code.value for code in GradeLevelSetCode] == [level_set.code for level_set in LEVEL_SETS]


async def test_a_scheme_starts_from_a_set(gateway, company):
    client = await client_of(gateway, company, "OWNER")
    sets = (await client(SETS)).data["gradeLevelSets"]
    assert [len(level_set["levels"]) for level_set in sets] == [5, 4, 3, 3, 3]
    assert sets[4]["levels"][0] == {"code": "VIP", "name": "VIP客户", "cycleDays": 14}
    variables = {"name": "按重要性", "set": "KEY_SECONDARY_MINOR"}
    started = (await client(START, variables)).data["startGradeScheme"]
    assert started["userErrors"] == []
    assert started["record"]["name"] == "按重要性"
    assert [
        (level["code"], level["position"], level["minimum"]) for level in started["record"]["levels"]["nodes"]
    ] == [
        ("KEY", 1, None),
        ("SECONDARY", 2, None),
        ("MINOR", 3, None),
    ]
    again = (await client(START, variables)).data["startGradeScheme"]
    assert (again["record"], again["userErrors"][0]["code"]) == (None, "ALREADY_EXISTS")


async def test_who_may_not_set_grades_up_starts_none(gateway, company):
    client = await client_of(gateway, company, "REPRESENTATIVE")
    refused = (await client(START, {"name": "Mine", "set": "A_TO_D"})).data["startGradeScheme"]
    assert (refused["record"], [error["code"] for error in refused["userErrors"]]) == (None, ["FORBIDDEN"])
    async with gateway.services.databases.tenant_read(company.ref) as read:
        assert await read.fetchval("SELECT count(*) FROM grade_scheme") == 0
