"""graphql-transport-ws to the letter: https://github.com/enisdenjo/graphql-ws, PROTOCOL.md."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedang_graphql.authentication import cookie_name
from kedang_graphql.websocket_messages import InvalidMessage, read_message
from tests.live.conftest import serve_live

NAMES = "subscription { customerChanges { customer { name } } }"


async def test_only_its_own_subprotocol_is_spoken(town):
    client = await town.dial(subprotocols=["graphql-ws"])
    assert await client.closed() == (4406, "Subprotocol not acceptable")
    both = await town.dial(subprotocols=["graphql-ws", "graphql-transport-ws"])
    assert both.connection.subprotocol == "graphql-transport-ws"


async def test_pings_are_answered_at_any_time(town, side):
    client = await town.dial()
    await client.send("ping")
    assert await client.receive() == {"type": "pong"}
    await client.send("ping", payload={"a": [1]})
    assert await client.receive() == {"type": "pong", "payload": {"a": [1]}}
    await client.send("pong")
    await client.init(side.key)
    await client.send("ping")
    assert await client.receive() == {"type": "pong"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '"ping"',
        "{}",
        '{"type": 1}',
        '{"type": "start"}',
        '{"type": "connection_ack"}',
        '{"type": "ping", "payload": 1}',
        '{"type": "connection_init", "payload": []}',
        '{"type": "subscribe", "payload": {"query": "{ __typename }"}}',
        '{"type": "subscribe", "id": "", "payload": {"query": "{ __typename }"}}',
        '{"type": "subscribe", "id": 1, "payload": {"query": "{ __typename }"}}',
        '{"type": "subscribe", "id": "1"}',
        '{"type": "complete"}',
        b'{"type": "ping"}',
    ],
)
async def test_what_is_no_message_closes_with_4400(town, text):
    client = await town.dial()
    await client.send_raw(text)
    code, reason = await client.closed()
    assert code == 4400
    assert reason


async def test_who_says_nothing_is_sent_away(town, databases, database_settings, work_redis_url, tmp_path):
    own = {"var": tmp_path, "redis_url": work_redis_url, "live_init_timeout": 0.2}
    async with serve_live(databases, database_settings, **own) as gateway:
        client = await town.dial(gateway)
        assert await client.closed() == (4408, "Connection initialisation timeout")


async def test_who_is_not_let_in(town, side):
    client = await town.dial()
    await client.send("subscribe", "1", {"query": NAMES})
    assert await client.closed() == (4401, "Unauthorized")
    for payload in (None, {"Authorization": "Bearer kdg_test_nonsense"}, {"authorization": side.key}):
        client = await town.dial()
        await client.send("connection_init", payload=payload)
        assert (await client.closed())[0] == 4403
    client = await town.client(side.key)
    await client.send("connection_init")
    assert await client.closed() == (4429, "Too many initialisation requests")


async def test_a_key_may_stand_in_the_handshake(town, side):
    client = await town.dial(additional_headers={"Authorization": f"Bearer {side.key}"})
    await client.init()
    assert (await client.ask("{ customers { totalCount } }"))["data"] == {"customers": {"totalCount": 0}}


@pytest.mark.requirement("I1")
async def test_a_cookie_counts_only_on_our_own_pages(town, side):
    token = await session_of(town, side)
    cookie = {"Cookie": f"{cookie_name(town.gateway.services.settings)}={token}"}
    foreign = await town.dial(origin="https://evil.example", additional_headers=cookie)
    await foreign.send("connection_init")
    assert (await foreign.closed())[0] == 4403
    across = await town.dial(additional_headers=cookie | {"Sec-Fetch-Site": "cross-site"})
    await across.send("connection_init")
    assert (await across.closed())[0] == 4403
    ours = await town.dial(origin=town.gateway.url, additional_headers=cookie)
    await ours.init()
    assert (await ours.ask("{ me { person { name } } }"))["data"] is not None
    # A key that is sent counts, wherever the page comes from; a wrong one is not made good by the cookie.
    keyed = await town.dial(origin="https://evil.example", additional_headers=cookie)
    await keyed.init(side.key)
    wrong = await town.dial(origin=town.gateway.url, additional_headers=cookie)
    await wrong.send("connection_init", payload={"Authorization": "Bearer wrong"})
    assert (await wrong.closed())[0] == 4403


async def session_of(town, side) -> str:
    from datetime import UTC, datetime

    from kedang_platform.identity.sessions import start_session

    async with town.databases.control() as control:
        return await start_session(
            control,
            person_id=side.owner.person_id,
            company_id=side.company.id,
            user_agent="Tests/1.0",
            now=datetime.now(UTC),
        )


async def test_an_id_is_one_operation_at_a_time(town, side):
    client = await town.client(side.key)
    await client.watch(NAMES)
    await client.send("complete", "1")
    await client.send("complete", "never heard of")
    await client.watch(NAMES)
    await client.send("subscribe", "1", {"query": NAMES})
    assert await client.closed() == (4409, "Subscriber for 1 already exists")


async def test_who_completes_is_told_nothing_more(town, side):
    client = await town.client(side.key)
    await client.watch(NAMES)
    await client.watch(NAMES, "2")
    await client.send("complete", "1")
    await client.ask("{ __typename }")
    await side.create("customer", name="Antonio Moreno Taquería")
    await town.work()
    assert (await client.change("2"))["customer"] == {"name": "Antonio Moreno Taquería"}
    await client.nothing()


@pytest.mark.requirement("I1")
async def test_queries_and_changes_are_answered_as_over_http(town, side):
    client = await town.client(side.key)
    over_http = town.gateway.client(bearer=side.key)
    made = """mutation ($name: String!) { createCustomer(input: {name: $name, idempotencyKey: "k1"})
      { record { name version } userErrors { code path message } } }"""
    first = await client.ask(made, variables={"name": "Königlich Essen"})
    assert first["data"]["createCustomer"]["record"] == {"name": "Königlich Essen", "version": 1}
    assert (await over_http(made, {"name": "Königlich Essen"})).body == first  # done once, under its key
    for query in (
        "{ customers { nodes { name } totalCount } }",
        '{ node(id: "nonsense") { id } me { person { name } } }',
        'mutation { createCustomer(input: {name: ""}) { userErrors { code path message } } }',
        "{ customers(first: 251) { nodes { id } } }",
    ):
        assert await client.ask(query) == (await over_http(query)).body
    await over_http.http.aclose()


@pytest.mark.requirement("I1")
async def test_what_is_refused_before_it_runs_is_an_error(town, side):
    client = await town.client(side.key)
    over_http = town.gateway.client(bearer=side.key)
    for query in (
        "{",
        "{ nothing }",
        "query ($a: Int!) { customers(first: $a) { nodes { id } } }",
        "{ a: __typename " + " ".join(f"a{n}: __typename" for n in range(40)) + " }",
    ):
        await client.send("subscribe", "1", {"query": query})
        told = await client.next()
        assert isinstance(told, tuple)
        assert list(told) == (await over_http(query)).errors
    for query, code in (
        ("subscription { customerChanges { id } contactChanges { id } }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { __typename }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription ($no: Boolean = false) { customerChanges @include(if: $no) { id } }", None),
        ('subscription { customerChanges(where: {custom: [{key: "no", eq: 1}]}) { id } }', "BAD_USER_INPUT"),
        (
            'mutation { signIn(input: {email: "a@b.example", password: "x"}) { userErrors { code } } }',
            "NOT_ALLOWED_HERE",
        ),
    ):
        await client.send("subscribe", "1", {"query": query})
        told = await client.next()
        assert isinstance(told, tuple)
        assert code is None or [one["extensions"]["code"] for one in told] == [code] * len(told)
    for payload in (
        {},
        {"query": 1},
        {"query": "{ a }", "variables": []},
        {"query": "{ a }", "operationName": 1},
    ):
        await client.send("subscribe", "1", payload)
        assert [one["extensions"]["code"] for one in await client.next()] == ["BAD_USER_INPUT"]
    assert (await client.ask("{ __typename }"))["data"]  # the connection is none the worse
    await over_http.http.aclose()


async def test_subscriptions_are_refused_over_http(town, side):
    client = town.gateway.client(bearer=side.key)
    answer = await client("subscription { customerChanges { id } }")
    assert (answer.http.status_code, answer.codes) == (405, ["NOT_ALLOWED_HERE"])
    assert "/graphql/ws" in answer.errors[0]["message"]
    await client.http.aclose()


async def test_errors_are_told_in_the_language_that_was_asked_for(town, side):
    refused = 'mutation { createCustomer(input: {name: ""}) { userErrors { code message } } }'
    told = {}
    for language in ("en", "zh-CN"):
        client = await town.client(side.key, **{"Accept-Language": language})
        (error,) = (await client.ask(refused))["data"]["createCustomer"]["userErrors"]
        told[language] = error["message"]
    assert told["en"].isascii()
    assert not told["zh-CN"].isascii()


async def test_a_change_is_made_although_nobody_waits_for_it(town, side):
    client = await town.client(side.key)
    made = 'mutation { createCustomer(input: {name: "Left behind"}) { userErrors { code } } }'
    await client.send("subscribe", "1", {"query": made})
    await client.send("complete", "1")
    for _ in range(100):
        count = (await client.ask("{ customers { totalCount } }"))["data"]["customers"]["totalCount"]
        if count:
            break
    assert count == 1
    assert "1" not in client.got


async def test_messages_of_a_size_that_nobody_needs_close_the_connection(town, side):
    client = await town.dial()
    await client.send_raw(orjson.dumps({"type": "ping", "payload": {"a": "x" * 70_000}}).decode())
    assert await client.closed() == (1009, "Message too big")
    client = await town.client(side.key)
    await client.send("ping", payload={"a": "x" * 70_000})
    assert (await client.receive())["type"] == "pong"
    await client.send("ping", payload={"a": "x" * 1_100_000})
    assert await client.closed() == (1009, "Message too big")


async def test_clients_that_vanish_leave_nothing_behind(town, side):
    """Cut off without a word, in the middle of a handshake, of a subscription, of a change."""
    for last in (None, ("ping", None, None), ("subscribe", "1", {"query": NAMES})):
        client = await town.dial() if last is None else await town.client(side.key)
        if last is not None:
            await client.send(*last)
        client.connection.transport.abort()
    again = await town.client(side.key)
    await again.watch(NAMES)
    await side.create("customer", name="Still here")
    await town.work()
    assert (await again.change())["customer"] == {"name": "Still here"}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_KIND = st.sampled_from(["connection_init", "ping", "pong", "subscribe", "complete", "next", "error", ""])
_LIKELY = st.fixed_dictionaries(
    {"type": _KIND | _JSON}, optional={"id": st.text(max_size=3) | _JSON, "payload": _JSON}
)


@given(text=st.text() | (_JSON | _LIKELY).map(lambda value: orjson.dumps(value).decode()))
def test_whatever_comes_is_a_message_or_told_not_to_be_one(text):
    try:
        message = read_message(text)
    except InvalidMessage:
        return
    given_back = orjson.loads(text)
    assert given_back["type"] == message.kind
    assert message.kind not in {"subscribe", "complete"} or message.id == given_back["id"] != ""
    assert message.payload is None or message.payload == given_back["payload"]
    assert message.kind != "subscribe" or isinstance(message.payload, dict)
