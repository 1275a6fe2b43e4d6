"""GraphQL over HTTP: what a request may look like, who it may come from, and how an answer looks."""

import orjson
import pytest

from kedang_platform.i18n import translate
from tests.gateway.conftest import MODERN, PLAIN, codes
from tests.support.digests import digests
from tests.support.logs import lines
from tests.support.members import make_key

TAGS = {"query": "{ tags { totalCount } }"}
MADE = {"query": 'mutation { createTag(input: {name: "A"}) { userErrors { code } } }'}
pytestmark = pytest.mark.requirement("I1")


async def test_a_query_by_post(http):
    for content_type in (PLAIN, "application/json; charset=utf-8", "Application/JSON"):
        answer = await http.post(TAGS, content_type=content_type)
        assert (answer.status_code, answer.json()) == (200, {"data": {"tags": {"totalCount": 0}}})
        assert answer.headers["content-type"] == MODERN
        assert answer.headers["cache-control"] == "no-store"


async def test_older_clients_get_the_type_that_they_read(http):
    for accept in (PLAIN, "*/*", "text/html,application/xhtml+xml,*/*;q=0.8"):
        answer = await http.post(TAGS, accept=accept)
        assert (answer.status_code, answer.headers["content-type"]) == (200, PLAIN)


async def test_other_types_than_json_are_not_read(http):
    for content_type in ("", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        answer = await http.post(TAGS, content_type=content_type)
        assert (answer.status_code, codes(answer)) == (400, ["BAD_USER_INPUT"]), content_type


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"{ tags { totalCount } }"',
        b"\xff\xfe",
        b"[" * 5000,
        b"{}",
        b'{"query": null}',
        b'{"query": ""}',
        b'{"query": 1}',
        b'{"query": ["{ __typename }"]}',
        b'{"query": "{ __typename }", "variables": []}',
        b'{"query": "{ __typename }", "variables": "{}"}',
        b'{"query": "{ __typename }", "operationName": 1}',
        b'{"query": "{ __typename }", "extensions": []}',
        b'{"query": "{ __typename }", "extensions": "x"}',
        b'{"query": "query A { __typename } query B { __typename }"}',
        b'{"query": "query A { __typename }", "operationName": "B"}',
    ],
)
async def test_what_is_no_request_is_refused(http, body):
    for accept in (MODERN, PLAIN):
        answer = await http.post(body, accept=accept)
        assert (answer.status_code, codes(answer)) == (400, ["BAD_USER_INPUT"])
        assert "data" not in answer.json()


async def test_what_may_be_left_out_may_be_null(http):
    body = {**TAGS, "variables": None, "operationName": None, "extensions": None}
    assert (await http.post(body)).json() == {"data": {"tags": {"totalCount": 0}}}
    body = {"query": "query A { tags { totalCount } } query B { __typename }", "operationName": "A"}
    assert (await http.post({**body, "extensions": {"a": 1}})).json() == {"data": {"tags": {"totalCount": 0}}}


INVALID = [
    {"query": "{"},
    {"query": "{ nosuch }"},
    {"query": "query ($n: Int!) { tags(first: $n) { totalCount } }"},
    {"query": "query ($n: Int) { tags(first: $n) { totalCount } }", "variables": {"n": "1"}},
]


@pytest.mark.parametrize("body", INVALID)
async def test_invalid_documents_are_400_to_new_clients_and_200_to_old_ones(http, body):
    for accept, status in ((MODERN, 400), (PLAIN, 200)):
        answer = await http.post(body, accept=accept)
        assert (answer.status_code, codes(answer)) == (status, ["GRAPHQL_VALIDATION_FAILED"])
        assert "data" not in answer.json()


async def test_errors_say_where_in_the_document(http):
    answer = await http.post({"query": "{\n  tags {\n    nosuch\n  }\n}"})
    (error,) = answer.json()["errors"]
    assert error["locations"] == [{"line": 3, "column": 5}]
    assert error["message"] == "Cannot query field 'nosuch' on type 'TagConnection'."


async def test_a_query_by_get_with_a_key(http):
    given = {"query": "query A($n: Int) { tags(first: $n) { totalCount } }", "variables": '{"n": 3}'}
    answer = await http.get({**given, "operationName": "A", "extensions": "{}"})
    assert (answer.status_code, answer.json()) == (200, {"data": {"tags": {"totalCount": 0}}})
    assert codes(await http.get({**given, "variables": "{"})) == ["BAD_USER_INPUT"]
    assert codes(await http.get({**given, "variables": "[]"})) == ["BAD_USER_INPUT"]


async def test_nothing_is_changed_by_get(http):
    before = await digests(http.gateway.services.databases, http.owner.company.ref)
    answer = await http.get(MADE)
    assert (answer.status_code, codes(answer)) == (405, ["NOT_ALLOWED_HERE"])
    assert await digests(http.gateway.services.databases, http.owner.company.ref) == before


async def test_a_link_cannot_ask_for_anybody(http):
    answer = await http.get(TAGS, bearer=False, cookie=await http.cookie())
    assert (answer.status_code, codes(answer)) == (403, ["FORBIDDEN"])


async def test_a_page_gets_no_answer_of_graphql_by_get(http):
    assert (await http.get({})).status_code == 400
    assert (await http.get({}, accept="text/html")).status_code in {200, 404}  # GraphiQL, where it was built


@pytest.mark.requirement("T5")
async def test_a_session_asks_from_our_own_pages_only(http):
    cookie = await http.cookie()
    host = str(http.client.base_url).removeprefix("http://").rstrip("/")
    public = http.gateway.services.settings.base_url
    own = [
        {},
        {"origin": f"http://{host}"},
        {"origin": public, "host": "upstream"},  # through a proxy that names itself
        {"sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "none"},
    ]
    for headers in own:
        answer = await http.post(TAGS, bearer=False, cookie=cookie, **headers)
        assert answer.json() == {"data": {"tags": {"totalCount": 0}}}, headers
    before = await digests(http.gateway.services.databases, http.owner.company.ref)
    for headers in (
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": f"http://{host}.evil.example"},
        {"origin": f"http://evil.example/{host}"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"origin": f"http://{host}", "sec_fetch_site": "cross-site"},
        {"origin": "https://evil.example", "host": "upstream"},
    ):
        answer = await http.post(MADE, bearer=False, cookie=cookie, **headers)
        assert (answer.status_code, codes(answer)) == (403, ["FORBIDDEN"]), headers
    assert await digests(http.gateway.services.databases, http.owner.company.ref) == before


@pytest.mark.requirement("T5")
async def test_without_a_credential_nothing_is_told(http):
    for headers in (
        {},
        {"authorization": "Bearer"},
        {"authorization": "Bearer x"},
        {"authorization": f"Basic {http.key}"},
        {"authorization": f"Bearer {http.key}x"},
        {"authorization": f"Bearer {http.key[:-1]}{'a' if http.key[-1] != 'a' else 'b'}"},
        {"authorization": "Bearer x", "cookie": await http.cookie()},
        {"cookie": "kedang=x"},
        {"cookie": f"__Host-{await http.cookie()}"},
    ):
        for body in (TAGS, MADE, {"query": "{ tags { nodes { id } } me { person { id } } }"}):
            answer = await http.post(body, bearer=False, **headers)
            assert (answer.status_code, set(codes(answer))) == (401, {"UNAUTHENTICATED"}), headers
            assert answer.json().get("data") is None


async def test_without_a_credential_a_single_record_is_not_told_either(http):
    body = {"query": '{ a: tag(id: "x") { id } b: node(id: "x") { id } }'}
    answer = await http.post(body, bearer=False)
    assert (answer.json()["data"], codes(answer)) == ({"a": None, "b": None}, ["UNAUTHENTICATED"] * 2)


async def test_a_key_that_only_reads_changes_nothing(http):
    databases = http.gateway.services.databases
    key = await make_key(databases, http.owner, key=http.gateway.services.identity.key, scopes=("read",))
    before = await digests(databases, http.owner.company.ref)
    headers = {"authorization": f"Bearer {key}"}
    assert (await http.post(TAGS, bearer=False, **headers)).json() == {"data": {"tags": {"totalCount": 0}}}
    answer = await http.post(MADE, bearer=False, **headers)
    assert (answer.status_code, codes(answer)) == (403, ["FORBIDDEN"])
    assert await digests(databases, http.owner.company.ref) == before


@pytest.mark.requirement("T6")
async def test_errors_are_told_in_the_language_that_is_asked_for(http):
    body = {"query": "{ tags(first: 1, last: 1) { totalCount } }"}
    english = "Ask for either first or last, not for both."
    for language, told in (("en", english), ("zh-CN,zh;q=0.9", translate(english, "zh-CN")), ("fr", english)):
        (error,) = (await http.post(body, accept_language=language)).json()["errors"]
        assert (error["message"], error["extensions"]) == (told, {"code": "BAD_USER_INPUT"})
    assert translate(english, "zh-CN") != english


async def test_a_failing_field_leaves_the_others(http):
    bad = 'customer(id: "cus_%s") { contacts(after: "x") { totalCount } }' % ("0" * 32)
    answer = await http.post({"query": f"{{ a: {bad} tags {{ totalCount }} b: {bad} }}"})
    assert answer.status_code == 200
    body = answer.json()
    assert body["data"] == {"a": None, "tags": {"totalCount": 0}, "b": None}
    assert [(e["path"], e["extensions"]["code"]) for e in body["errors"]] == [
        (["a"], "BAD_CURSOR"),
        (["b"], "BAD_CURSOR"),
    ]


async def test_bugs_are_told_by_a_number_and_nothing_else(http, monkeypatch, caplog):
    async def broken(*_: object) -> None:
        raise RuntimeError("the password is swordfish")

    monkeypatch.setattr("kedang_graphql.engine.roots.read_listing", broken)
    for query, status in (
        ("{ tags { totalCount } }", 500),
        ("{ me { person { name } } tags { totalCount } }", 200),
    ):
        caplog.clear()
        answer = await http.post({"query": query})
        assert answer.status_code == status
        (error,) = answer.json()["errors"]
        assert error["extensions"] == {"code": "INTERNAL_ERROR"}
        incident = error["message"].removesuffix(".").rpartition(" ")[2]
        assert error["message"] == f"Something went wrong on our side. Incident {incident}."
        (line,) = lines(caplog)
        assert (line["event"], line["incident"], line["error"]) == (
            "operation.failed",
            incident,
            "RuntimeError",
        )
        assert line["places"][-1].startswith("gateway/test_http.py:broken:")
        assert "swordfish" not in str(line)
        assert "swordfish" not in answer.text


async def test_the_answer_keeps_the_order_of_the_document(http):
    query = "{ b: tags { totalCount } a: __typename c: tags { pageInfo { hasNextPage } totalCount } }"
    body = (await http.post({"query": query})).content
    assert body == orjson.dumps(
        {
            "data": {
                "b": {"totalCount": 0},
                "a": "Query",
                "c": {"pageInfo": {"hasNextPage": False}, "totalCount": 0},
            }
        }
    )
