"""What is sent to wear the server out is refused with a code, before the work that it was made to cause."""

import asyncio
from contextlib import suppress

import pytest

from kedang_graphql.engine import operations
from tests.gateway.conftest import codes
from tests.support.attacks import ATTACKS, STEPS
from tests.support.digests import digests

pytestmark = pytest.mark.requirement("I1")


@pytest.fixture
def begun(monkeypatch) -> list[str]:
    """The steps that the gateway begins, as it begins them."""
    found: list[str] = []

    def watch(step: str, name: str) -> None:
        original = getattr(operations, name)

        def watched(*args, **kwargs):
            found.append(step)
            return original(*args, **kwargs)

        monkeypatch.setattr(operations, name, watched)

    watch("parse", "parse")
    watch("validate", "validate")
    watch("coerce", "get_variable_values")
    return found


async def test_attacks_are_refused_before_they_cost_much(http, begun):
    before = await digests(http.gateway.services.databases, http.owner.company.ref)
    for name, attack in ATTACKS.items():
        begun.clear()
        answer = await http.post(attack.body)
        assert set(codes(answer)) == {attack.code}, (name, answer.text[:500])
        assert answer.status_code == attack.status, name
        assert not answer.json().get("data"), name
        assert len(answer.content) < 16_000, name
        # A document known from before is not parsed again: what counts is that nothing beyond is begun.
        allowed = STEPS[1 : STEPS.index(attack.reaches) + 1]
        assert set(begun) <= set(allowed), (name, begun)
        if attack.reaches != "nothing" and allowed[-1] not in begun:
            assert allowed == ("parse", "validate"), name
    assert await digests(http.gateway.services.databases, http.owner.company.ref) == before


async def test_a_body_nested_without_end_is_no_json(http):
    for opening in (b"[", b'{"query":'):
        answer = await http.post(opening * 100_000)
        assert (answer.status_code, codes(answer)) == (400, ["BAD_USER_INPUT"])


async def test_a_megabyte_of_one_text_is_looked_up_like_any_other(http):
    query = "query ($t: String!) { products(where: {name: {eq: $t}}) { totalCount } }"
    answer = await http.post({"query": query, "variables": {"t": "x" * 1_000_000}})
    assert answer.json() == {"data": {"products": {"totalCount": 0}}}


async def test_variables_up_to_the_limit_are_read(http):
    query = "query ($x: Int) { tags(first: $x) { totalCount } }"
    for count, expected in ((9_998, "data"), (9_999, "errors")):
        answer = await http.post({"query": query, "variables": {"x": 1, "unused": [0] * count}})
        assert list(answer.json()) == [expected], count


async def test_a_client_that_sends_a_byte_at_a_time_is_cut_and_keeps_nobody_waiting(http, monkeypatch):
    monkeypatch.setattr(http.gateway.services.settings, "body_timeout", 0.6)
    address = http.client.base_url
    reading, writing = await asyncio.open_connection(address.host, address.port)
    head = f"POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {http.key}\r\n"
    writing.write((head + "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n").encode())

    async def trickle() -> None:
        while True:
            writing.write(b"x")
            await writing.drain()
            await asyncio.sleep(0.05)

    trickling = asyncio.create_task(trickle())
    try:
        others = [await http.post({"query": "{ __typename }"}) for _ in range(5)]
        answer = await reading.readuntil(b"}]}")
        with suppress(ConnectionResetError):  # the server closes the connection, whatever still comes
            assert await reading.read() == b""
    finally:
        trickling.cancel()
        writing.close()
    assert all(other.status_code == 200 for other in others)
    status = answer.split(b"\r\n", 1)[0]
    assert b"408" in status, answer
    assert b'"code":"BODY_TOO_SLOW"' in answer
