"""The reader that says whether an answer is right: it has to find what is wrong with one."""

import pytest
from answers import problems
from graphql import build_schema

SCHEMA = build_schema("""
interface Node { id: ID! }
type Customer implements Node { id: ID! name: String! state: State size: Int ordered: Date own: JSON contacts: [Contact!]! }
type Contact implements Node { id: ID! name: String }
type Query { customer: Customer node: Node must: Customer! }
enum State { CURRENT PAST }
scalar Date
scalar JSON
""")
QUERY = "{ customer { id ...named state size ordered own contacts { name } } } fragment named on Node { id ... on Customer { name } }"
RIGHT = {
    "id": "1",
    "name": "A",
    "state": "PAST",
    "size": 3,
    "ordered": "2026-03-02",
    "own": [1, {"a": None}],
    "contacts": [{"name": None}],
}
ERROR = {"message": "No.", "extensions": {"code": "NO"}}


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"customer": RIGHT}},
        {
            "data": {"customer": RIGHT | {"state": None, "size": None, "contacts": []}},
            "extensions": {"cost": 1},
        },
        {"data": {"customer": None}},
        {"data": {"customer": None}, "errors": [ERROR | {"path": ["customer"]}]},
        {"data": None, "errors": [ERROR]},
        {"errors": [ERROR]},
    ],
)
def test_what_is_right(body):
    assert problems(SCHEMA, QUERY, body) == []


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ([], "the answer is no GraphQL response"),
        ({"data": {}, "more": 1}, "the answer is no GraphQL response"),
        ({}, "neither data nor errors"),
        ({"data": None}, "data is null and nothing says why"),
        ({"data": {"customer": None}, "errors": []}, "errors stand there and are none"),
        ({"errors": ["No."]}, "no error as the specification has it: No."),
        ({"errors": [{"message": "No."}]}, "an error without a code"),
        ({"errors": [ERROR | {"message": ""}]}, "an error without a message"),
        ({"data": {}}, "data has [], asked was ['customer']"),
        ({"data": {"customer": []}}, "customer is no Customer"),
    ],
)
def test_what_is_no_answer(body, wrong):
    assert problems(SCHEMA, QUERY, body) == [wrong]


@pytest.mark.parametrize(
    ("field", "value", "wrong"),
    [
        ("id", 1, "customer.id is 1, no ID"),
        ("name", None, "customer.name is null, and String! is not"),
        ("state", "GONE", "customer.state is 'GONE', no State"),
        ("size", True, "customer.size is True, no Int"),
        ("size", 2**31, "customer.size is 2147483648, no Int"),
        ("size", 1.5, "customer.size is 1.5, no Int"),
        ("ordered", 20260302, "customer.ordered is 20260302, no Date"),
        ("contacts", {}, "customer.contacts is no list"),
        ("contacts", [None], "customer.contacts.0 is null, and Contact! is not"),
        ("contacts", [{"name": 1}], "customer.contacts.0.name is 1, no String"),
        (
            "contacts",
            [{"name": "A", "id": "1"}],
            "customer.contacts.0 has ['name', 'id'], asked was ['name']",
        ),
    ],
)
def test_what_is_wrong_in_data(field, value, wrong):
    assert problems(SCHEMA, QUERY, {"data": {"customer": RIGHT | {field: value}}}) == [wrong]


def test_interfaces_are_read_by_what_they_say_they_are():
    query = "{ node { __typename id ... on Contact { name } ... on Customer { size } } }"
    for node, wrong in (
        ({"__typename": "Contact", "id": "1", "name": "A"}, []),
        ({"__typename": "Customer", "id": "1", "size": 1}, []),
        (
            {"__typename": "Contact", "id": "1"},
            ["node has ['__typename', 'id'], asked was ['__typename', 'id', 'name']"],
        ),
    ):
        assert problems(SCHEMA, query, {"data": {"node": node}}) == wrong


def test_a_field_that_may_not_be_null_is_none():
    assert problems(SCHEMA, "{ must { id } }", {"data": {"must": None}}) == [
        "must is null, and Customer! is not"
    ]
