"""What administrators are told of operations: figures, orders, filters, pages; and nobody else anything."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from kedang_graphql import throttling
from kedang_graphql.answering import opaque_id
from kedang_tenants.measuring.findings import TEXTS
from tests.operations.conftest import OPERATIONS, PLANNED, make_house
from tests.support.digests import digests
from tests.support.members import make_key, make_member
from tests.support.workers import ROOT

pytestmark = pytest.mark.requirement("I1", "O3")

CALL = 'query Call { callLookup(number: "030-0074321") { matches { phone } } }'
BAD = 'query Bad { customers(after: "nonsense") { nodes { id } } }'


@pytest.fixture(autouse=True)
def _reading_takes_no_time(monkeypatch):
    monkeypatch.setattr(throttling, "thread_time", lambda: 0.0)


@pytest.fixture
async def busy(house):
    """A company whose programs have asked three different things."""
    await house.factory.one("customer", name="Alfreds")
    for _ in range(3):
        await house.ask(PLANNED, {"first": 1})
    for _ in range(2):
        await house.ask(BAD)
    await house.ask(CALL)
    await house.flush()
    return house


async def test_a_company_that_asked_nothing_is_told_so(house):
    told = await house.told()
    assert told == {
        "nodes": [],
        "pageInfo": {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None},
        "totalCount": 0,
    }


async def test_an_operation_is_told_with_all_its_figures(busy):
    told = await busy.told(where={"name": "NAMES"})
    (one,) = told["nodes"]
    statements = one.pop("statements")
    durations = [one.pop(name) for name in ("p50", "p95", "p99", "totalMs")]
    assert 0 < durations[0] <= durations[1] <= durations[2]
    assert 0 < one.pop("sqlMs") < durations[3]
    assert one.pop("firstAt") == one.pop("lastAt")
    assert one.pop("id").startswith("operation_")
    assert one == {
        "kind": "QUERY",
        "name": "Names",
        "document": "query Names($first: Int) { customers(first: $first) { nodes { id name } } }",
        "count": 3,
        "failed": 0,
        "refused": 0,
        "errorShare": 0.0,
        "errors": [],
        "costCharged": 6,
        "costRefunded": 0,
        "cost": 6,
        "sqlStatements": 3,
        "sqlRows": 3,
        "slowest": None,
    }
    (statement,) = statements
    assert statement["text"] == (
        'SELECT t1.id AS c0, t1."name" AS c1 FROM "customer" t1  WHERE t1.archived_at IS NULL'
        ' ORDER BY t1."name_sort" ASC, t1.id ASC LIMIT $1'
    )
    assert (statement["count"], statement["rows"]) == (3, 3)
    assert 0 < statement["slowestMs"] <= statement["totalMs"]


async def test_operations_come_in_any_order_and_by_pages(busy):
    async def names(**variables):
        return [node["name"] for node in (await busy.told(**variables))["nodes"]]

    assert await names(orderBy={"field": "COUNT"}) == ["Names", "Bad", "Call"]
    assert await names(orderBy={"field": "COUNT", "direction": "ASC"}) == ["Call", "Bad", "Names"]
    assert await names(orderBy={"field": "NAME", "direction": "ASC"}) == ["Bad", "Call", "Names"]
    assert (await names(orderBy={"field": "ERROR_SHARE"}))[0] == "Bad"
    by_time = await names()
    assert sorted(by_time) == ["Bad", "Call", "Names"]
    assert by_time[2] == "Bad"  # it asked the database nothing
    seen, after = [], None
    while True:
        told = await busy.told(first=1, after=after, orderBy={"field": "P95"})
        assert told["totalCount"] == 3
        assert told["pageInfo"]["hasPreviousPage"] == (after is not None)
        seen += [node["name"] for node in told["nodes"]]
        after = told["pageInfo"]["endCursor"]
        if not told["pageInfo"]["hasNextPage"]:
            break
    assert sorted(seen) == ["Bad", "Call", "Names"]
    assert (await busy.ask(OPERATIONS, {"after": after})).codes == ["BAD_CURSOR"]
    assert (await busy.ask(OPERATIONS, {"after": "nonsense"})).codes == ["BAD_CURSOR"]
    assert (await busy.ask(OPERATIONS, {"first": 101})).codes == ["BAD_USER_INPUT"]
    assert (await busy.told(first=0))["nodes"] == []


async def test_operations_are_filtered(busy):
    async def names(**where):
        return sorted(node["name"] or node["kind"] for node in (await busy.told(where=where))["nodes"])

    assert await names(failed=True) == ["Bad"]
    assert await names(failed=False) == ["Call", "Names"]
    assert await names(name="a") == ["Bad", "Call", "Names"]
    assert await names(name="ca") == ["Call"]
    assert await names(explained=True) == []
    assert await names(kind=["MUTATION", "UNREAD"]) == []
    assert await names(onlySessions=True) == []
    errors = (await busy.told(where={"failed": True}))["nodes"][0]
    assert (errors["errors"], errors["errorShare"]) == ([{"code": "BAD_CURSOR", "count": 2}], 1.0)


async def test_figures_are_told_apart_by_api_key(busy, databases):
    other = await make_key(databases, busy.owner, key=busy.gateway.services.identity.key)
    await busy.gateway.client(other)(PLANNED, {"first": 1})
    await busy.flush()
    keys = {row["credential_id"]: row["count"] for row in await busy.rows("measured_hour") if row["sql_rows"]}
    assert sorted(keys.values()) == [1, 3]
    for credential, count in keys.items():
        key = opaque_id("key", credential)
        (one,) = (await busy.told(where={"apiKeyId": key, "name": "Names"}))["nodes"]
        assert one["count"] == count
    (both,) = (await busy.told(where={"name": "Names"}))["nodes"]
    assert both["count"] == 4


async def test_the_period_is_counted_in_whole_hours(busy, databases):
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    async with databases.tenant_write(busy.company.ref) as write:
        for name, age in (("Names", 24), ("Bad", 25), ("Call", 7 * 24 + 1)):
            await write.fetch(
                "UPDATE measured_hour SET hour = $1 WHERE operation_id ="
                " (SELECT id FROM measured_operation WHERE name = $2)",
                hour - timedelta(hours=age),
                name,
            )

    async def names(period):
        return sorted(node["name"] for node in (await busy.told(period=period, where={"name": "a"}))["nodes"])

    assert await names("LAST_24_HOURS") == ["Names"]
    assert await names("LAST_7_DAYS") == ["Bad", "Names"]
    assert await names("LAST_30_DAYS") == ["Bad", "Call", "Names"]


@pytest.mark.requirement("A11")
@pytest.mark.parametrize("role", ["GENERAL_MANAGER", "DEPARTMENT_MANAGER", "REPRESENTATIVE", "VIEW_ONLY"])
async def test_nobody_but_owners_and_administrators_is_told_anything(busy, databases, role):
    member = await make_member(databases, busy.company, role)
    key = await make_key(databases, member, key=busy.gateway.services.identity.key)
    before = await digests(databases, busy.company.ref)
    answer = await busy.gateway.client(key)(OPERATIONS)
    assert answer.codes == ["FORBIDDEN"]
    assert answer.body["data"] is None
    assert "Names" not in answer.http.text
    assert await digests(databases, busy.company.ref) == before


async def test_an_administrator_is_told(busy, databases):
    member = await make_member(databases, busy.company, "ADMIN")
    key = await make_key(databases, member, key=busy.gateway.services.identity.key)
    answer = await busy.gateway.client(key)(OPERATIONS)
    assert answer.data["operations"]["totalCount"] == 3


@pytest.mark.requirement("T1")
async def test_another_company_sees_nothing_of_it(gateway, two_companies):
    gateway.services.measurer.forget()
    one, other = [await make_house(gateway, company) for company in two_companies]
    await one.ask(PLANNED, {"first": 1})
    await one.flush()
    assert (await one.told())["totalCount"] == 1
    assert (await other.told())["totalCount"] == 0
    assert await other.rows("measured_operation") == []
    (credential,) = [row["credential_id"] for row in await one.rows("measured_hour")]
    assert (await other.told(where={"apiKeyId": opaque_id("key", credential)}))["totalCount"] == 0


async def test_who_is_not_known_is_told_nothing(gateway):
    answer = await gateway.client()(OPERATIONS)
    assert answer.codes == ["UNAUTHENTICATED"]


async def test_the_example_of_the_guide_works(busy):
    guide = (ROOT / "docs" / "operations.md").read_text()
    (example,) = re.findall(r"```graphql\n(.*?)```", guide, re.DOTALL)
    told = (await busy.ask(example)).data["operations"]["nodes"]
    assert {node["name"] for node in told} == {"Names", "Bad", "Call"}
    reasons, _, _ = guide.partition("## Backup")
    assert set(re.findall(r"\| `([A-Z_]{4,})` \|", reasons)) <= set(TEXTS)
