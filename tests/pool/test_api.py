"""Hot customers and the public pool over HTTP, in the words of the API."""

from datetime import UTC, datetime, timedelta

import pytest

from kedang_graphql.engine.ids import public_id
from tests.support.factories import Factory
from tests.support.members import make_key, make_member

pytestmark = pytest.mark.requirement("A5", "A13", "I1")


@pytest.fixture
async def factory(gateway, company):
    return Factory(gateway.services.databases, company)


async def client(gateway, company, role, language="en"):
    member = await make_member(gateway.services.databases, company, role)
    key = await make_key(gateway.services.databases, member, key=gateway.services.identity.key)
    return member, gateway.client(key, language=language)


async def verb(ask, name, given, selection):
    kind = {"claimCustomer": "PoolCustomer", "viewPoolCustomer": "PoolCustomer"}.get(
        name, name[0].upper() + name[1:]
    )
    query = f"mutation ($input: {kind}Input!) {{ {name}(input: $input) {{ {selection} userErrors {{ path code message }} }} }}"
    answer = await ask(query, {"input": given})
    assert not answer.errors, answer.body
    return answer.data[name]


async def test_a_customer_is_marked_shown_as_hot_and_counted(gateway, company, factory):
    nancy, ask = await client(gateway, company, "REPRESENTATIVE", "zh-CN")
    customer = public_id("customer", await factory.one("customer", name="Alfreds", owner_id=nancy.id))
    given = {"customerId": customer, "reason": "A large order is near"}
    done = await verb(
        ask,
        "markHot",
        given,
        "record { hotSince hotReason hotMarks { nodes { origin endedOn } } } approval { id }",
    )
    assert done["userErrors"] == []
    assert (done["record"]["hotReason"], done["approval"]) == ("A large order is near", None)
    assert done["record"]["hotMarks"]["nodes"] == [{"origin": "BY_HAND", "endedOn": None}]
    answer = await ask(
        "{ hotHolders { member { id } hot cap overCap } hotRule { cycleDays mostPerMember colour asksOverTheCap } }"
    )
    assert answer.data == {
        "hotHolders": [
            {"member": {"id": public_id("member", nancy.id)}, "hot": 1, "cap": 30, "overCap": False}
        ],
        "hotRule": {"cycleDays": 7, "mostPerMember": 30, "colour": "#c41d1d", "asksOverTheCap": False},
    }
    cleared = await verb(ask, "clearHot", {"customerId": customer}, "record { hotSince }")
    assert cleared == {"record": {"hotSince": None}, "userErrors": []}
    again = await verb(ask, "clearHot", {"customerId": customer}, "record { id }")
    assert [(e["code"], e["path"]) for e in again["userErrors"]] == [("NOT_HOT", ["input", "customerId"])]


async def test_the_pool_is_looked_at_claimed_and_released(gateway, company, factory):
    nancy, ask = await client(gateway, company, "REPRESENTATIVE")
    _, janet = await client(gateway, company, "REPRESENTATIVE")
    _, boss = await client(gateway, company, "ADMIN")
    made = await factory.one(
        "customer", name="Alfreds", city="Berlin", pool_since=datetime.now(UTC) - timedelta(days=1)
    )
    customer = public_id("customer", made)
    query = '{ publicPool(where: {name: "alf"}) { nodes { id name city claimableOn grade { code } } pageInfo { hasNextPage } } }'
    pooled = {"id": customer, "name": "Alfreds", "city": "Berlin", "claimableOn": None, "grade": None}
    assert (await ask(query)).data["publicPool"] == {"nodes": [pooled], "pageInfo": {"hasNextPage": False}}
    assert (await ask("query ($id: ID!) { customer(id: $id) { name } }", {"id": customer})).data == {
        "customer": None
    }
    seen = await verb(
        ask, "viewPoolCustomer", {"customerId": customer}, "details { id viewsLeft contacts { name } }"
    )
    assert seen["details"] == {"id": customer, "viewsLeft": None, "contacts": []}
    claimed = await verb(
        ask, "claimCustomer", {"customerId": customer}, "record { name owner { id } poolSince }"
    )
    assert claimed["record"] == {
        "name": "Alfreds",
        "owner": {"id": public_id("member", nancy.id)},
        "poolSince": None,
    }
    late = await verb(janet, "claimCustomer", {"customerId": customer}, "record { id }")
    assert [e["code"] for e in late["userErrors"]] == ["NOT_FOUND"]
    released = await verb(
        ask, "releaseCustomer", {"customerId": customer, "reason": "No time"}, "record { id }"
    )
    assert released == {
        "record": None,
        "userErrors": [],
    }  # it is nobody's now, and not to be seen as one's own
    given = {"members": [{"memberId": public_id("member", nancy.id), "percent": 100}], "number": 1}
    shared = await verb(boss, "shareOutCustomers", given, "sharedOut { customerId memberId }")
    assert shared["sharedOut"] == [{"customerId": customer, "memberId": public_id("member", nancy.id)}]
    preview = await boss(
        'query ($content: JSON!) { poolRulePreview(content: $content, until: "2100-01-01") {'
        " returning returningNow byCause { cause count } byMember { member { id } count } nodes { customer { name } cause } } }",
        {"content": {"noContactDays": 60}},
    )
    assert preview.data["poolRulePreview"] == {
        "returning": 1, "returningNow": 0, "byCause": [{"cause": "NO_CONTACT", "count": 1}],
        "byMember": [{"member": {"id": public_id("member", nancy.id)}, "count": 1}],
        "nodes": [{"customer": {"name": "Alfreds"}, "cause": "NO_CONTACT"}],
    }  # fmt: skip


_LISTS = {
    "publicPool": ("publicPool(first: $first, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } }", 250),
    "poolRulePreview": (
        "poolRulePreview(content: {noContactDays: 20}, first: $first, after: $after) { nodes { cause } pageInfo { hasNextPage endCursor } }",
        250,
    ),
    "worklist": ("worklist(first: $first, after: $after) { nodes { dueOn } pageInfo { hasNextPage endCursor } }", 100),
    "segmentCustomers": (
        "segmentCustomers(id: $segment, first: $first, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } }",
        250,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(_LISTS))
async def test_a_page_holds_what_is_asked_for_and_no_other_cursor_is_taken(gateway, company, factory, name):
    boss, ask = await client(gateway, company, "ADMIN")
    earlier = datetime.now(UTC) - timedelta(days=1)
    for number in range(2):
        await factory.one("customer", name=f"Pooled {number}", pool_since=earlier)
        kept = await factory.one("customer", name=f"Kept {number}", owner_id=boss.id)
        await factory.one("follow_up_plan", customer_id=kept, owner_id=boss.id, due_on=earlier.date())
    segment = await ask(
        'mutation { createSegment(input: {name: "All", where: {}}) { record { id } userErrors { code } } }'
    )
    said = {"segment": segment.data["createSegment"]["record"]["id"]}
    listing, largest = _LISTS[name]
    needed = "$segment: ID!, " if "$segment" in listing else ""

    async def asked(**page):
        query = f"query ({needed}$first: Int!, $after: String) {{ {listing} }}"
        answer = await ask(query, (said if needed else {}) | {"first": 50, "after": None} | page)
        return answer.errors[0] if answer.errors else answer.data[name]

    everything = await asked(first=largest)
    assert len(everything["nodes"]) > 1
    assert (await asked(first=0))["nodes"] == []
    one = await asked(first=1)
    assert (one["nodes"], one["pageInfo"]["hasNextPage"]) == (everything["nodes"][:1], True)
    behind = await asked(after=one["pageInfo"]["endCursor"])
    assert behind["nodes"] == everything["nodes"][1:]
    for first in (-1, largest + 1):
        error = await asked(first=first)
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert error["message"] == f"A page holds between 0 and {largest} records."
    for cursor in ("x", "", "W10=", one["pageInfo"]["endCursor"][:-3]):
        assert (await asked(after=cursor))["extensions"]["code"] == "BAD_CURSOR"
