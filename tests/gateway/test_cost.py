"""What an operation costs, and what happens to who has spent too much."""

import httpx
import pytest

from kedang_graphql import throttling
from kedang_graphql.engine import introspection, operations
from tests.gateway.conftest import codes
from tests.support.digests import digests
from tests.support.factories import Factory
from tests.support.members import make_key

pytestmark = pytest.mark.requirement("I1")


@pytest.fixture
async def small(http, monkeypatch):
    """Buckets of 100 points, filled up by 10 a second of a clock that the test moves."""
    buckets = http.gateway.services.buckets
    now = [1000.0]
    monkeypatch.setattr(buckets, "size", 100)
    monkeypatch.setattr(buckets, "rate", 10)
    monkeypatch.setattr(buckets, "_seconds", lambda: now[0])
    monkeypatch.setattr(throttling, "thread_time", lambda: 0.0)
    buckets.forget()
    yield now
    buckets.forget()


async def cost(http, query: str, variables=None) -> tuple[int, int]:
    """What was asked for and what was taken."""
    answer = await http.post({"query": query, "variables": variables or {}}, kedang_cost="1")
    told = answer.json()["extensions"]["cost"]
    return told["requestedQueryCost"], told["actualQueryCost"]


async def test_the_cost_is_told_when_asked_in_shopifys_shape(http, small):
    query = {"query": "{ tags { nodes { name } } }"}
    assert (await http.post(query)).json() == {"data": {"tags": {"nodes": []}}}
    answer = await http.post(query, kedang_cost="1")
    assert answer.json() == {
        "data": {"tags": {"nodes": []}},
        "extensions": {
            "cost": {
                "requestedQueryCost": 2,
                "actualQueryCost": 1,
                "throttleStatus": {"maximumAvailable": 100, "currentlyAvailable": 98, "restoreRate": 10},
            }
        },
    }


async def test_a_point_is_a_root_field_or_a_hundred_records(http, company):
    factory = Factory(http.gateway.services.databases, company)
    await factory.many("tag", [{"name": f"{n}"} for n in range(150)])
    for query, variables, expected in (
        ("{ __typename }", {}, (1, 1)),
        ("{ __schema { queryType { name } } }", {}, (10, 10)),
        ("{ tags { totalCount } }", {}, (1, 1)),
        ("{ a: tags { totalCount } b: tags { totalCount } }", {}, (2, 2)),
        ("{ tags(first: 250) { nodes { id } } }", {}, (4, 3)),
        ("{ tags(last: 250) { edges { node { id } } } }", {}, (4, 3)),
        ("query ($n: Int) { tags(first: $n) { nodes { id } } }", {"n": 200}, (3, 3)),
        ("query ($n: Int = 10) { tags(first: $n) { nodes { id } } }", {}, (2, 2)),
        ("{ ...F } fragment F on Query { tags(first: 250) { ... { nodes { id } } } }", {}, (4, 3)),
        ("{ customers(first: 9) { nodes { contacts(first: 99) { nodes { id } } } } }", {}, (10, 1)),
        ("{ customers(first: 9) { nodes { owner { id } contacts { totalCount } } } }", {}, (2, 1)),
        ("{ tags(first: 250) { pageInfo { hasNextPage } } }", {}, (4, 4)),
        ("{ tags(first: 250) { nodes { id } pageInfo { hasNextPage } } }", {}, (4, 3)),
        ("{ customers(first: 9) { nodes { contacts(first: 99) { pageInfo { endCursor } } } } }", {}, (10, 1)),
        ("{ tagAggregates { __typename } }", {}, (10, 10)),
        (
            "mutation ($i: [CreateTagInput!]!) { createTags(inputs: $i) { userErrors { code } } }",
            {"i": [{"name": f"batch {n}"} for n in range(7)]},
            (17, 17),
        ),
        ("{ me { person { id } } tags(first: 250) { nodes { id } } }", {}, (5, 4)),
        ('mutation { createTag(input: {name: "x"}) { userErrors { code } } }', {}, (10, 10)),
    ):
        assert await cost(http, query, variables) == expected, query


async def test_who_has_spent_all_waits_and_others_do_not(http, small):
    databases = http.gateway.services.databases
    create = "mutation ($n: String!) { createTag(input: {name: $n}) { userErrors { code } } }"
    assert (
        await http.post({"query": "{ a: tags { totalCount } b: tags { totalCount } }"})
    ).status_code == 200
    for n in range(9):
        answer = await http.post({"query": create, "variables": {"n": str(n)}})
        assert answer.json() == {"data": {"createTag": {"userErrors": []}}}, n
    before = await digests(databases, http.owner.company.ref)
    answer = await http.post({"query": create, "variables": {"n": "10"}})
    assert (answer.status_code, codes(answer)) == (429, ["THROTTLED"])
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["extensions"] == {
        "cost": {
            "requestedQueryCost": 10,
            "actualQueryCost": None,
            "throttleStatus": {"maximumAvailable": 100, "currentlyAvailable": 8, "restoreRate": 10},
        }
    }
    assert await digests(databases, http.owner.company.ref) == before

    key = await make_key(databases, http.owner, key=http.gateway.services.identity.key)
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    async with httpx.AsyncClient(base_url=http.gateway.url) as other:
        theirs = await other.post(
            "/graphql", json={"query": create, "variables": {"n": "11"}}, headers=headers
        )
    assert theirs.status_code == 200

    small[0] += 1
    assert (await http.post({"query": create, "variables": {"n": "12"}})).status_code == 200


async def test_reading_what_is_refused_is_paid_for_by_its_time(http, small, monkeypatch):
    parsed = []
    parse = operations.parse

    def slowly(*args, **more):
        parsed.append(args)
        spent[0] += 0.0011
        return parse(*args, **more)

    spent = [0.0]
    monkeypatch.setattr(throttling, "thread_time", lambda: spent[0])
    monkeypatch.setattr(operations, "parse", slowly)
    for n in range(5):  # 1.1 ms each, 20 points a millisecond: 22, so that the fifth makes a debt of 10
        answer = await http.post({"query": f"{{ nosuch{n} }}"})
        assert codes(answer) == ["GRAPHQL_VALIDATION_FAILED"]
    for body in ({"query": "{ nosuch }"}, b"{" * 2_000_000):
        answer = await http.post(body)
        assert (answer.status_code, codes(answer)) == (429, ["THROTTLED"])
    assert len(parsed) == 5
    assert (await http.post({"query": "{ nosuch }"}, bearer=False)).status_code == 400
    small[0] += 2
    answer = await http.post({"query": "{ __typename } # new here"}, kedang_cost="1")
    left = answer.json()["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"]
    assert left == 10 - 1 - 1  # a document that takes a while is paid for as well


async def test_telling_the_schema_is_paid_for_by_its_time_and_remembered(http, small, monkeypatch):
    spent = iter([0.0, 0.05])
    monkeypatch.setattr(introspection, "thread_time", lambda: next(spent))
    query = {"query": "{ __schema { queryType { name } } } # paid once"}
    first = await http.post(query)  # 10 of 100 points, and 3 for each of 50 ms: a debt of 60
    assert first.json() == {"data": {"__schema": {"queryType": {"name": "Query"}}}}
    assert codes(await http.post(query)) == ["THROTTLED"]
    small[0] += 6.9  # 9 points
    assert codes(await http.post(query)) == ["THROTTLED"]
    small[0] += 0.1
    assert (await http.post(query)).content == first.content


async def test_what_no_bucket_could_hold_is_refused_for_good(http, small):
    query = "{ customers(first: 250) { nodes { contacts(first: 40) { nodes { id } } } } }"
    answer = await http.post({"query": query})
    assert (answer.status_code, codes(answer)) == (400, ["QUERY_TOO_LARGE"])
    assert "retry-after" not in answer.headers


async def test_an_operation_that_fails_costs_a_point(http, small):
    query = '{ customers(first: 250, after: "x") { nodes { id } } }'
    answer = await http.post({"query": query}, kedang_cost="1")
    assert codes(answer) == ["BAD_CURSOR"]
    assert answer.json()["extensions"]["cost"]["actualQueryCost"] == 1
    assert answer.json()["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"] == 99
