"""How large a request may be; beyond that it is refused before anything is read or written."""

import pytest
from graphql import execute, get_introspection_query, parse

from kedang_graphql.schema import build_gateway
from tests.gateway.conftest import codes
from tests.support.digests import digests

KB = 1024
pytestmark = pytest.mark.requirement("I1")


def nest(depth: int) -> str:
    """A selection that is ``depth`` levels deep."""
    return "{ customers { nodes " + "{ parent " * (depth - 3) + "{ id }" + " }" * (depth - 3) + " } }"


TWENTY_EACH = "customers(first: 250) { nodes { contacts(first: 20) { nodes { id } } } }"
SIGN_IN = 'signIn(input: {email: "a@b.example", password: "0"}) { userErrors { code } }'
RESET = 'resetPassword(input: {token: "x", password: "y"}) { done }'
DOCUMENTS = {
    "a document of 64 KB": ("#" + "x" * (64 * KB), "DOCUMENT_TOO_LARGE"),
    "a document of 64 KB in bytes": ("{ __typename } #" + "档" * (22 * KB), "DOCUMENT_TOO_LARGE"),
    "1,001 tokens": ("{" + " __typename" * 1000 + " }", "DOCUMENT_TOO_LARGE"),
    "fields that are compared with each other": ("{" + " __typename" * 990 + " }", "DOCUMENT_TOO_LARGE"),
    "13 levels": (nest(13), "DOCUMENT_TOO_LARGE"),
    "hundreds of levels": ("{ a " * 300 + "}" * 300, "DOCUMENT_TOO_LARGE"),
    "hundreds of levels of nothing": ("{ ... " * 300 + "{ __typename }" + "}" * 300, "DOCUMENT_TOO_LARGE"),
    "values without a bottom": (
        "{ customers(where: " + "{NOT: " * 240 + "{}" + "}" * 240 + ") { totalCount } }",
        "DOCUMENT_TOO_LARGE",
    ),
    "lists without a bottom": (
        "{ customers(orderBy: " + "[" * 450 + "]" * 450 + ") { totalCount } }",
        "DOCUMENT_TOO_LARGE",
    ),
    "31 aliases": (
        "{ tags { " + " ".join(f"a{n}: totalCount" for n in range(31)) + " } }",
        "DOCUMENT_TOO_LARGE",
    ),
    "31 aliases by fragments": (
        "{ x: tags { ...A } y: tags { ...A } } fragment A on TagConnection { "
        + " ".join(f"a{n}: totalCount" for n in range(15))
        + " }",
        "DOCUMENT_TOO_LARGE",
    ),
    "21 directives": ("{ __typename" + " @skip(if: false)" * 21 + " }", "DOCUMENT_TOO_LARGE"),
    "fragments that grow": (
        "{ tags { nodes { ...A0 } } }"
        + "".join(f" fragment A{n} on Tag {{ ...A{n + 1} ...A{n + 1} }}" for n in range(20))
        + " fragment A20 on Tag { id }",
        "DOCUMENT_TOO_LARGE",
    ),
    "a fragment in itself": ("{ tags { nodes { ...A } } } fragment A on Tag { ...A }", "DOCUMENT_TOO_LARGE"),
    "fragments in a circle": (
        "{ tags { nodes { ...A } } } fragment A on Tag { ...B } fragment B on Tag { ...A }",
        "DOCUMENT_TOO_LARGE",
    ),
    "six changes": (
        "mutation { "
        + " ".join(f'a{n}: createTag(input: {{name: "{n}"}}) {{ userErrors {{ code }} }}' for n in range(6))
        + " }",
        "DOCUMENT_TOO_LARGE",
    ),
    "six changes in a fragment": (
        "mutation { ...A } fragment A on Mutation { "
        + " ".join(f'a{n}: createTag(input: {{name: "{n}"}}) {{ userErrors {{ code }} }}' for n in range(6))
        + " }",
        "DOCUMENT_TOO_LARGE",
    ),
    "two guesses at a password": (
        "mutation { "
        + " ".join(
            f'a{n}: signIn(input: {{email: "a@b.example", password: "{n}"}}) {{ userErrors {{ code }} }}'
            for n in range(2)
        )
        + " }",
        "DOCUMENT_TOO_LARGE",
    ),
    "two guesses in fragments": (
        "mutation { ...A ... on Mutation { " + RESET + " } } fragment A on Mutation { " + SIGN_IN + " }",
        "DOCUMENT_TOO_LARGE",
    ),
    "a page of 251": ("{ tags(first: 251) { totalCount } }", "BAD_USER_INPUT"),
    "a page of less than nothing": ("{ tags(last: -1) { totalCount } }", "BAD_USER_INPUT"),
    "too many records": (
        "{ customers(first: 250) { nodes { contacts(first: 41) { nodes { id } } } } }",
        "QUERY_TOO_LARGE",
    ),
    "too many records in several lists": (
        f"{{ a: {TWENTY_EACH} b: {TWENTY_EACH} }}",
        "QUERY_TOO_LARGE",
    ),
    "too many cursors": (
        f"{{ a: {TWENTY_EACH.replace('nodes { id }', 'edges { cursor }')} b: {TWENTY_EACH} }}",
        "QUERY_TOO_LARGE",
    ),
    "too many records of which only the end is told": (
        f"{{ a: {TWENTY_EACH.replace('nodes { id }', 'pageInfo { hasNextPage }')} b: {TWENTY_EACH} }}",
        "QUERY_TOO_LARGE",
    ),
    "too many records beside a field of another kind": (
        f"{{ me {{ person {{ id }} }} a: {TWENTY_EACH} b: {TWENTY_EACH} }}",
        "QUERY_TOO_LARGE",
    ),
}


async def test_documents_beyond_the_limits_are_refused(http):
    before = await digests(http.gateway.services.databases, http.owner.company.ref)
    for name, (document, code) in DOCUMENTS.items():
        answer = await http.post({"query": document})
        assert codes(answer) == [code], (name, answer.text[:500])
        assert answer.json().get("data") is None, name
    assert await digests(http.gateway.services.databases, http.owner.company.ref) == before


async def test_documents_within_the_limits_are_answered(http):
    five = " ".join(f'a{n}: createTag(input: {{name: "{n}"}}) {{ userErrors {{ code }} }}' for n in range(5))
    for document in (
        "#" + "x" * (63 * KB) + "\n{ __typename }",
        "{" + " __typename" * 140 + " }",
        nest(12),
        "{ tags { " + " ".join(f"a{n}: totalCount" for n in range(30)) + " } }",
        "{ __typename" + " @skip(if: false)" * 1 + " }",
        "mutation { " + five + " }",
        "{ tags(first: 250) { totalCount } }",
        "{ customers(first: 240) { nodes { contacts(first: 40) { nodes { id } } } } }",
        "{ customers(first: 250) { nodes { contacts { totalCount } orders { totalCount } } } }",
    ):
        answer = await http.post({"query": document})
        assert "errors" not in answer.json(), answer.text[:300]


async def test_bodies_are_read_up_to_their_limit(http):
    query = {"query": "{ __typename }"}
    for bearer, largest in ((True, 1024 * KB), (False, 64 * KB)):
        room = largest - len('{"query":"{ __typename }","variables":{"x":""}}')
        fits = await http.post({**query, "variables": {"x": "x" * room}}, bearer=bearer)
        assert fits.json() == {"data": {"__typename": "Query"}}
        over = await http.post({**query, "variables": {"x": "x" * (room + 1)}}, bearer=bearer)
        assert (over.status_code, codes(over)) == (413, ["BODY_TOO_LARGE"])


async def test_a_body_that_does_not_say_its_size_is_cut_off_as_well(http):
    async def pieces():
        yield b'{"query": "{ __typename }", "variables": {"x": "'
        for _ in range(2000):
            yield b"x" * KB
        yield b'"}}'

    headers = {"authorization": f"Bearer {http.key}", "content-type": "application/json"}
    answer = await http.client.post("/graphql", content=pieces(), headers=headers)
    assert (answer.status_code, codes(answer)) == (413, ["BODY_TOO_LARGE"])


async def test_introspection_is_answered_whole_and_remembered(http):
    query = {"query": get_introspection_query()}
    first = await http.post(query)
    expected = execute(build_gateway().core, parse(query["query"])).data
    assert first.json() == {"data": expected}
    again = await http.post(query)
    assert again.content == first.content


@pytest.mark.parametrize(
    ("query", "variables", "told"),
    [
        (
            "query ($name: String!) { a: __type(name: $name) { name } }",
            {"name": "Customer"},
            {"a": {"name": "Customer"}},
        ),
        (
            "query ($name: String!) { a: __type(name: $name) { name } }",
            {"name": "Contact"},
            {"a": {"name": "Contact"}},
        ),
        (
            "{ ...F __typename } fragment F on Query { __schema { queryType { name } } }",
            {},
            {"__schema": {"queryType": {"name": "Query"}}, "__typename": "Query"},
        ),
        (
            'query A { __schema { queryType { name } } } query B { __type(name: "No") { name } }',
            {},
            {"__type": None},
        ),
    ],
)
async def test_questions_about_the_schema(http, query, variables, told):
    given = {"query": query, "variables": variables, "operationName": "B" if "query B" in query else None}
    for _ in range(2):
        assert (await http.post(given)).json() == {"data": told}


@pytest.mark.parametrize(
    "query",
    [
        "{ a: __schema { queryType { name } } b: __schema { queryType { name } } }",
        "{ __schema { queryType { name } } ...F } fragment F on Query { b: __schema { queryType { name } } }",
        "{" + " ".join(f'a{n}: __type(name: "Customer") {{ name }}' for n in range(6)) + "}",
    ],
)
async def test_the_schema_is_told_once_in_a_request(http, query):
    answer = await http.post({"query": query})
    assert codes(answer) == ["DOCUMENT_TOO_LARGE"]
