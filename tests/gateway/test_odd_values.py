"""Values that no form would send: each is stored, found, or refused with a code - none is a failure of ours."""

import base64
import json
from typing import Any

import orjson
import pytest

from kedang_tenants.catalogue import catalogue
from kedang_tenants.people.policy import INBOX
from tests.support.factories import Factory
from tests.support.members import make_key, make_member


def nested(depth: int, leaf: Any = 1) -> Any:
    for _ in range(depth):
        leaf = [leaf]
    return leaf


DEEP_LIST = nested(900)
FILTERS: dict[str, Any] = {
    "a decimal beyond every column": {"listPrice": {"eq": "1e90"}},
    "a decimal with many digits": {"listPrice": {"gt": "0." + "1" * 90}},
    "a decimal of another sign": {"listPrice": {"in": ["-0", "0e10", "-1e-50"]}},
    "an unbounded decimal": {"listPrice": {"eq": "1e200000"}},
    "a tiny decimal": {"listPrice": {"eq": "1e-200000"}},
    "a zero of many places": {"listPrice": {"eq": "0e-200000"}},
    "no decimal": {"listPrice": {"eq": "NaN"}},
    "an endless decimal": {"listPrice": {"eq": "Infinity"}},
    "the first day": {"createdAt": {"gt": "0001-01-01T00:00:00+00:00"}},
    "before the first day": {"createdAt": {"gt": "0001-01-01T00:00:00+23:59"}},
    "after the last day": {"createdAt": {"lt": "9999-12-31T23:59:59-23:59"}},
    "a time without a zone": {"createdAt": {"lt": "2024-01-01T00:00:00"}},
    "a leap second": {"createdAt": {"lt": "2016-12-31T23:59:60Z"}},
    "no time": {"createdAt": {"lt": "yesterday"}},
    "a NUL": {"name": {"eq": "a\x00b"}},
    "a NUL in a part": {"name": {"contains": "\x00"}},
    "a NUL searched for": {"search": "a\x00b"},
    "blanks searched for": {"search": " \t "},
    "much searched for": {"search": "x" * 201},
    "signs of patterns": {"search": "%_\\"},
    "an astral sign": {"name": {"startsWith": "😀"}},
    "a lone half of a sign": {"name": {"eq": "\ud83d"}},
    "long text": {"name": {"eq": "x" * 100_000}},
    "an id that is none": {"id": {"in": ["", "x", "pro_", "pro_" + "g" * 32, "pro_" + "0" * 31 + "_"]}},
    "an id of another kind": {"supplierId": {"ne": "pro_" + "0" * 32}},
    "nothing to compare with": {"name": {"lt": None}},
    "a list with nothing in it": {"name": {"in": []}},
    "a list of many": {"name": {"in": ["x"] * 1001}},
    "conditions in conditions": orjson.loads('{"NOT":' * 9 + '{"name":{"eq":"x"}}' + "}" * 9),
    "too many conditions in conditions": orjson.loads('{"NOT":' * 60 + "{}" + "}" * 60),
    "bottomless conditions": orjson.loads('{"NOT":' * 500 + "{}" + "}" * 500),
    "a wide condition": {"OR": [{"name": {"eq": str(n)}} for n in range(1000)]},
    "more values than a statement can hold": {
        "OR": [{"OR": [{"name": {"eq": f"{n}-{m}"}} for n in range(1000)]} for m in range(34)]
    },
    "too wide a condition": {"OR": [{} for _ in range(1001)]},
    "an own field that is not there": {"custom": [{"key": "nosuch", "eq": 1}]},
    "a bottomless own value": {"custom": [{"key": "own_text", "eq": DEEP_LIST}]},
    "a bottomless own number": {"custom": [{"key": "own_decimal", "in": [DEEP_LIST]}]},
    "a bottomless own choice": {"custom": [{"key": "own_choice", "eq": DEEP_LIST}]},
    "a NUL in an own field": {"custom": [{"key": "own_text", "eq": "\x00"}]},
    "a NUL in a part of an own field": {"custom": [{"key": "own_text", "contains": "\x00"}]},
    "a big own number": {"custom": [{"key": "own_integer", "lt": 10**18}]},
    "a fraction for an own whole number": {"custom": [{"key": "own_integer", "lt": 1.5}]},
    "a big own decimal": {"custom": [{"key": "own_decimal", "lt": 1e300}]},
    "a day that is none": {"custom": [{"key": "own_day", "lt": "2024-02-30"}]},
    "a number as a day": {"custom": [{"key": "own_day", "lt": 20240230}]},
    "text for a flag": {"custom": [{"key": "own_flag", "eq": "true"}]},
    "nothing for an own field": {"custom": [{"key": "own_flag", "eq": None, "isNull": None}]},
}
VALUES: dict[str, Any] = {
    "a bottomless own value": {"customFields": {"own_text": DEEP_LIST}},
    "a bottomless own choice": {"customFields": {"own_choice": DEEP_LIST}},
    "a bottomless own number": {"customFields": {"own_decimal": DEEP_LIST}},
    "an own object": {"customFields": {"own_day": {"a": 1}}},
    "own fields that are a list": {"customFields": [1]},
    "own fields that are text": {"customFields": "x"},
    "an own number of thousands": {"customFields": {"own_decimal": "1,000"}},
    "an own decimal with an exponent": {"customFields": {"own_decimal": "1e3"}},
    "an own number that is none": {"customFields": {"own_decimal": "NaN"}},
    "a big own number": {"customFields": {"own_integer": 10**18}},
    "a NUL": {"name": "a\x00b"},
    "nothing but control characters": {"name": "\x00\x01"},
    "a lone half of a sign": {"name": "\udc00"},
    "a price beyond the column": {"listPrice": "1e15"},
    "an unbounded price": {"listPrice": "1e200000"},
    "a price with many places": {"listPrice": "0.0000001"},
    "a category that is no id": {"categoryId": "x"},
    "a category of another kind": {"categoryId": "cus_" + "0" * 32},
    "a stock beyond the type": {"unitsInStock": 2**31},
    "long text": {"note": "x" * 10_001},
}
LIST = "query ($w: ProductWhere) { products(where: $w) { nodes { name } totalCount } }"
CREATE = """
mutation ($i: CreateProductInput!) {
  createProduct(input: $i) { record { name listPrice customFields } userErrors { path code } }
}"""


@pytest.fixture
async def ask(gateway, company):
    databases = gateway.services.databases
    kinds = ("TEXT", "INTEGER", "DECIMAL", "DAY", "FLAG", "CHOICE")
    rows = [
        {"record": "product", "key": f"own_{kind.lower()}", "kind": kind}
        | ({"options": ["a"]} if kind == "CHOICE" else {})
        for kind in kinds
    ]
    factory = Factory(databases, company)
    await factory.many("custom_field", rows)
    await factory.one("product", name="Chai")
    owner = await make_member(databases, company, "OWNER")
    client = gateway.client(await make_key(databases, owner, key=gateway.services.identity.key))
    client.factory, client.member = factory, owner.id
    return client


async def send(ask, query: str, variables: Any) -> Any:
    """The answer to a request whose variables need not be what JSON libraries like to write."""
    request = {"query": query, "variables": variables}
    try:
        content = orjson.dumps(request)
    except TypeError:  # lone halves of signs, which JSON can only write as escapes
        content = json.dumps(request).encode()
    answer = await ask.http.post(
        "/graphql",
        content=content,
        headers={"content-type": "application/json"},
    )
    body = orjson.loads(answer.content)
    codes = {error["extensions"]["code"] for error in body.get("errors", ())}
    assert "INTERNAL_ERROR" not in codes, body
    assert answer.status_code < 500, body
    return body, codes


@pytest.mark.parametrize("name", FILTERS)
async def test_odd_filters(ask, name):
    body, codes = await send(ask, LIST, {"w": FILTERS[name]})
    if codes:
        assert codes <= {"BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED", "VARIABLES_TOO_LARGE"}, body
    else:
        assert body["data"]["products"]["totalCount"] == len(body["data"]["products"]["nodes"])


@pytest.mark.parametrize("name", VALUES)
async def test_odd_values_written(ask, name):
    body, codes = await send(ask, CREATE, {"i": {"number": "1", "name": "New", **VALUES[name]}})
    if codes:
        assert codes <= {"BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"}, body
        return
    told = body["data"]["createProduct"]
    assert (told["record"] is None) is bool(told["userErrors"])
    for error in told["userErrors"]:
        assert error["path"][:1] == ["input"], error
    if "thousands" in name:
        assert told["userErrors"] == [
            {"path": ["input", "customFields", "own_decimal"], "code": "INVALID_NUMBER"}
        ]
    if "exponent" in name:
        assert told["record"]["customFields"]["own_decimal"] == "1000"
    if name == "a NUL":
        assert told["record"]["name"] == "ab"


SORTS: dict[str, Any] = {
    "one field again and again": [{"field": "NAME"}] * 2000,
    "nothing to sort by": [{}],
    "two things at once": [{"field": "NAME", "custom": "own_text"}],
    "an own field that is not there": [{"custom": "nosuch"}],
}


@pytest.mark.parametrize("name", SORTS)
async def test_odd_sortings(ask, name):
    query = "query ($o: [ProductSort!]) { products(orderBy: $o) { nodes { name } pageInfo { endCursor } } }"
    _, codes = await send(ask, query, {"o": SORTS[name]})
    assert codes == {"BAD_USER_INPUT"}


CURSORS = [
    "",
    "x",
    "====",
    "é",
    "😀",
    "A" * 10_000,
    base64.urlsafe_b64encode(b"[" * 2000).decode(),
    base64.urlsafe_b64encode(b"null").decode(),
    base64.urlsafe_b64encode(b'{"a":1,"b":2}').decode(),
    base64.urlsafe_b64encode(b'["00000000",["x"]]').decode(),
]


async def test_cursors_that_are_none_of_ours(ask):
    query = "query ($a: String, $b: String) { products(after: $a, before: $b) { nodes { name } } }"
    for cursor in CURSORS:
        for given in ({"a": cursor}, {"b": cursor}):
            _, codes = await send(ask, query, given)
            assert codes == {"BAD_CURSOR"}, cursor


@pytest.mark.parametrize("record", [record.name for record in catalogue()])
async def test_forged_cursors_of_every_sorting(ask, record):
    """A cursor with the right mark and any values in it: refused, or just another place in the list."""
    kind = catalogue().record(record)
    query = (
        f"query ($o: [{kind.api_name}Sort!], $a: String)"
        f" {{ list: {kind.api_plural}(orderBy: $o, after: $a, first: 1) {{ pageInfo {{ endCursor }} }} }}"
    )
    # One's inbox is nobody else's to see.
    await ask.factory.one(record, **({"member_id": ask.member} if record in INBOX else {}))
    for found in kind.visible_fields:
        if not found.spec.sort:
            continue
        order = [{"field": found.name.upper()}]
        body, codes = await send(ask, query, {"o": order})
        assert not codes, body
        cursor = body["data"]["list"]["pageInfo"]["endCursor"]
        mark, values = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        for forged in FORGED:
            text = orjson.dumps([mark, [forged, values[1]]])
            given = base64.urlsafe_b64encode(text).rstrip(b"=").decode()
            _, codes = await send(ask, query, {"o": order, "a": given})
            assert codes <= {"BAD_CURSOR"}, (found.name, forged)


FORGED: list[Any] = [
    None,
    True,
    0,
    -1,
    2**31,
    2**62,
    1.5,
    "",
    "x",
    "1e999999",
    "1e-999999",
    "NaN",
    "9" * 50,
    "\x00",
    "2024-01-01",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "2024-01-01T00:00:00",
    [],
    {},
]
