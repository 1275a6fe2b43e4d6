"""Idempotency keys: asked for once or often, at once or again, through what breaks - one effect, one answer."""

import asyncio
import signal
import socket
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import httpx
import orjson
import pytest

from kedang_graphql import idempotency
from kedang_graphql.engine import executor
from kedang_graphql.engine.executor import EngineExecutor
from kedang_platform.clock import FixedClock
from kedang_platform.database import Databases
from kedang_platform.database.errors import busy
from kedang_platform.database.pools import WritePool
from kedang_platform.work import NewJob, enqueue
from tests.support.factories import Factory
from tests.support.gateway import GraphQLAnswer
from tests.support.members import make_key, make_member
from tests.support.workers import run_jobs

pytestmark = pytest.mark.requirement("I1")
CREATE = """
mutation ($input: CreateCustomerInput!) {
  createCustomer(input: $input) { record { id name phone } userErrors { path code } }
}"""
NAMES = "{ customers { nodes { name } } }"


class Asker:
    """Sends a mutation with a key in the header."""

    def __init__(self, gateway, bearer: str) -> None:
        self.bearer = bearer
        self.plain = gateway.client(bearer)

    async def __call__(self, key, query=CREATE, *, url: str = "", **given) -> GraphQLAnswer:
        headers = {"idempotency-key": key, "content-type": "application/json"}
        body = orjson.dumps({"query": query, "variables": {"input": given}})
        answer = await self.plain.http.post(f"{url}/graphql", content=body, headers=headers)
        return GraphQLAnswer(answer, answer.json())

    async def names(self) -> list[str]:
        return [node["name"] for node in (await self.plain(NAMES)).data["customers"]["nodes"]]


async def make_asker(gateway, company, role="OWNER") -> Asker:
    databases = gateway.services.databases
    member = await make_member(databases, company, role)
    return Asker(gateway, await make_key(databases, member, key=gateway.services.identity.key))


@pytest.fixture
async def ask(gateway, company) -> Asker:
    return await make_asker(gateway, company)


async def kept(gateway, company) -> int:
    async with gateway.services.databases.tenant_read(company.ref) as read:
        return int(await read.fetchval("SELECT count(*) FROM kept_answer"))


async def test_twenty_clients_that_ask_at_once_get_one_answer_of_one_record(ask):
    answers = await asyncio.gather(*(ask("k-1", name="Alfreds") for _ in range(20)))
    bodies = {orjson.dumps(answer.body) for answer in answers}
    assert len(bodies) == 1
    assert answers[0].data["createCustomer"]["record"]["name"] == "Alfreds"
    assert await ask.names() == ["Alfreds"]


async def test_twenty_clients_of_several_gateways_are_held_apart_by_the_database(ask, monkeypatch):
    """Without the order that one process keeps, as if each request had come to a gateway of its own."""
    monkeypatch.setattr(executor, "one_at_a_time", lambda *_: nullcontext())
    answers = await asyncio.gather(*(ask("k-1", name="Alfreds") for _ in range(20)))
    assert len({orjson.dumps(answer.body) for answer in answers}) == 1
    assert answers[0].data["createCustomer"]["userErrors"] == []
    assert await ask.names() == ["Alfreds"]


async def test_the_key_may_stand_in_the_input_of_each_of_several_changes(ask):
    query = """mutation {
      a: createCustomer(input: {name: "A", idempotencyKey: "a"}) { record { id } }
      b: createCustomer(input: {name: "B", idempotencyKey: "b"}) { record { id } }
    }"""
    first, second = await ask.plain(query), await ask.plain(query)
    assert first.data == second.data
    assert sorted(await ask.names()) == ["A", "B"]


@pytest.mark.parametrize(
    ("query", "given"),
    [
        (CREATE, {"name": "Bottom-Dollar"}),
        (CREATE.replace("{ id name phone }", "{ id name }"), {"name": "Alfreds"}),
        (CREATE.replace("createCustomer(", "other: createCustomer("), {"name": "Alfreds"}),
    ],
    ids=["arguments", "selection", "place"],
)
async def test_a_key_that_was_used_for_another_request_is_refused(ask, query, given):
    await ask("k-1", name="Alfreds")
    assert (await ask("k-1", query, **given)).codes == ["IDEMPOTENCY_KEY_REUSED"]
    assert await ask.names() == ["Alfreds"]


async def test_the_same_key_of_another_member_is_another_key(gateway, company, ask):
    other = await make_asker(gateway, company)
    first, second = await ask("k-1", name="Alfreds"), await other("k-1", name="Alfreds")
    assert first.data["createCustomer"]["record"]["id"] != second.data["createCustomer"]["record"]["id"]
    assert await ask.names() == ["Alfreds", "Alfreds"]


@pytest.mark.parametrize("key", ["", "x" * 256, "客", "tab\there"])
async def test_a_key_that_is_no_key_is_refused(ask, key):
    query = """mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { record { id } } }"""
    answer = await ask.plain(query, {"input": {"name": "A", "idempotencyKey": key}})
    assert answer.codes == ["IDEMPOTENCY_KEY_INVALID"]
    assert await ask.names() == []


async def test_the_header_is_for_one_change_that_can_be_repeated(ask):
    two = """mutation {
      a: createCustomer(input: {name: "A"}) { record { id } } b: createCustomer(input: {name: "B"}) { record { id } }
    }"""
    assert set((await ask("k-1", two)).codes) == {"IDEMPOTENCY_KEY_INVALID"}
    seats = 'mutation { createApiKey(input: {name: "x", scopes: [READ]}) { userErrors { code } } }'
    assert (await ask("k-1", seats)).codes == ["IDEMPOTENCY_KEY_INVALID"]
    both = 'mutation { createCustomer(input: {name: "A", idempotencyKey: "k-2"}) { record { id } } }'
    assert (await ask("k-1", both)).codes == ["IDEMPOTENCY_KEY_INVALID"]
    assert await ask.names() == []


async def test_what_was_refused_is_not_kept_and_may_be_mended_under_its_key(gateway, company, ask):
    refused = await ask("k-1", name="")
    assert refused.data["createCustomer"]["userErrors"] == [{"path": ["input", "name"], "code": "REQUIRED"}]
    assert await kept(gateway, company) == 0
    assert (await ask("k-1", name="Alfreds")).data["createCustomer"]["record"]["name"] == "Alfreds"


async def test_what_was_refused_before_anything_was_tried_is_not_kept_either(gateway, company, ask):
    query = """mutation ($inputs: [CreateCustomerInput!]!) {
      createCustomers(inputs: $inputs, idempotencyKey: "k-1") { records { name } userErrors { path code } }
    }"""
    refused = (await ask.plain(query, {"inputs": [{"name": "A"}] * 251})).data["createCustomers"]
    assert refused["userErrors"] == [{"path": ["inputs"], "code": "BAD_USER_INPUT"}]
    assert await kept(gateway, company) == 0
    mended = (await ask.plain(query, {"inputs": [{"name": "A"}]})).data["createCustomers"]
    assert mended == {"records": [{"name": "A"}], "userErrors": []}


@pytest.mark.parametrize("key", ["k-1", None], ids=["with a key", "without"])
async def test_a_change_that_finds_no_connection_is_told_so_and_may_be_asked_again(ask, monkeypatch, key):
    await ask.names()
    borrow = WritePool._borrow

    async def taken(_pool):
        raise busy()

    monkeypatch.setattr(WritePool, "_borrow", taken)
    given = {"name": "Alfreds"} | ({"idempotencyKey": key} if key else {})
    answer = await ask.plain(CREATE, {"input": given})
    refused = answer.body.get("errors") or answer.data["createCustomer"]["userErrors"]
    assert [error.get("code") or error["extensions"]["code"] for error in refused] == ["DATABASE_BUSY"]
    monkeypatch.setattr(WritePool, "_borrow", borrow)
    again = await ask.plain(CREATE, {"input": given})
    assert again.data["createCustomer"]["record"]["name"] == "Alfreds"
    assert await ask.names() == ["Alfreds"]


@pytest.mark.parametrize("of", ["one process", "several processes"])
async def test_an_answer_that_is_under_way_is_waited_for_and_then_told_of(ask, monkeypatch, of):
    if of == "one process":
        wait = idempotency._wait
        monkeypatch.setattr(idempotency, "_wait", lambda turn, _: wait(turn, 0.2))
    else:
        monkeypatch.setattr(executor, "one_at_a_time", lambda *_: nullcontext())
    complete, begun, go_on = EngineExecutor._complete, asyncio.Event(), asyncio.Event()

    async def slowly(self, *args):
        begun.set()
        await go_on.wait()
        return await complete(self, *args)

    monkeypatch.setattr(EngineExecutor, "_complete", slowly)
    first = asyncio.create_task(ask("k-1", name="Alfreds"))
    await begun.wait()
    assert (await ask("k-1", name="Alfreds")).codes == ["IDEMPOTENCY_IN_PROGRESS"]
    go_on.set()
    assert (await first).body == (await ask("k-1", name="Alfreds")).body
    assert await ask.names() == ["Alfreds"]


async def test_verbs_of_the_trade_keep_their_answers_too(gateway, company, ask):
    factory = Factory(gateway.services.databases, company)
    customer, product = await factory.one("customer"), await factory.one("product")
    query = """mutation ($input: PlaceOrderInput!) { placeOrder(input: $input) {
      record { id lines { nodes { id quantity } totalCount } } userErrors { code }
    } }"""
    given = {
        "order": {"number": "1", "customerId": f"cus_{customer.hex}", "orderedOn": "2026-01-05"},
        "lines": [{"productId": f"pro_{product.hex}", "quantity": "1", "unitPrice": "2"}],
    }
    first, second = await ask("k-1", query, **given), await ask("k-1", query, **given)
    assert first.data["placeOrder"]["record"]["lines"]["totalCount"] == 1
    assert first.body == second.body
    within = {**given, "order": {**given["order"], "number": "2", "idempotencyKey": "k-2"}}
    assert (await ask.plain(query, {"input": within})).codes == ["IDEMPOTENCY_KEY_INVALID"]
    assert (await ask.plain("{ orders { totalCount } }")).data["orders"]["totalCount"] == 1


async def test_what_is_masked_in_an_answer_is_told_again(gateway, company):
    ask = await make_asker(gateway, company, "REPRESENTATIVE")
    mine = (await ask.plain(CREATE, {"input": {"name": "Mine"}})).data["createCustomer"]["record"]["id"]
    product = await Factory(gateway.services.databases, company).one("product")
    query = """mutation ($input: PlaceOrderInput!) { placeOrder(input: $input) {
      record { lines { nodes { product { name cost } } } } userErrors { code }
    } }"""
    given = {
        "order": {"number": "1", "customerId": mine, "orderedOn": "2026-01-05"},
        "lines": [{"productId": f"pro_{product.hex}", "quantity": "1", "unitPrice": "2"}],
    }
    first, second = await ask("k-1", query, **given), await ask("k-1", query, **given)
    assert first.masked == ["placeOrder.record.lines.nodes.*.product.cost"]
    assert first.body == second.body


async def test_a_day_later_the_key_is_free_and_the_night_forgets_it(gateway, company, ask):
    databases: Databases = gateway.services.databases
    first = await ask("k-1", name="Alfreds")
    async with databases.tenant_write(company.ref) as write:
        await write.fetch("UPDATE kept_answer SET created_at = created_at - interval '24 hours'")
    second = await ask("k-1", name="Alfreds")
    assert first.body != second.body
    assert await ask.names() == ["Alfreds", "Alfreds"]

    await ask("k-2", name="Later")
    now = datetime.now(UTC)
    async with databases.tenant_write(company.ref) as write:
        await write.fetch(
            "UPDATE kept_answer SET created_at = $1 WHERE key = 'k-1'", now - timedelta(hours=24)
        )
        await enqueue(write, NewJob("changing.forget_answers"))
    await run_jobs(databases, clock=FixedClock(now + timedelta(seconds=1)))
    async with databases.tenant_read(company.ref) as read:
        assert [row["key"] for row in await read.fetch("SELECT key FROM kept_answer")] == ["k-2"]


async def test_a_connection_that_is_cut_after_the_commit_is_asked_again(gateway, ask):
    """Between client and gateway stands somebody who passes on the request and swallows the answer."""
    address = urlsplit(gateway.url)
    swallowed = asyncio.Event()

    async def cut(reader, writer):
        inner_reader, inner_writer = await asyncio.open_connection(address.hostname, address.port)
        inner_writer.write(await reader.read(65536))
        if await inner_reader.read(1):
            swallowed.set()
        inner_writer.close()
        writer.close()

    between = await asyncio.start_server(cut, "127.0.0.1", 0)
    async with between:
        port = between.sockets[0].getsockname()[1]
        with pytest.raises(httpx.HTTPError):
            await ask("k-1", name="Alfreds", url=f"http://127.0.0.1:{port}")
    assert swallowed.is_set()
    assert await ask.names() == ["Alfreds"]
    again = await ask("k-1", name="Alfreds")
    assert again.data["createCustomer"]["record"]["name"] == "Alfreds"
    assert await ask.names() == ["Alfreds"]


async def test_a_gateway_that_is_killed_in_the_middle_leaves_nothing(
    gateway, company, ask, work_environment, work_processes, database_superuser_url
):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    work_environment["KEDANG_PORT"] = str(port)
    process = work_processes.start("kedang_graphql")
    url = f"http://127.0.0.1:{port}"
    await until_ready(url)
    async with gateway.services.databases.owner() as owner:
        held = owner.transaction()
        await held.start()
        await owner.execute(f'LOCK TABLE "{company.ref.schema}".customer IN SHARE MODE')
        asked = asyncio.create_task(ask("k-1", name="Alfreds", url=url))
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        while not await owner.fetchval(waiting):  # noqa: ASYNC110 - PostgreSQL tells nobody of its locks
            await asyncio.sleep(0.02)
        assert work_processes.end(process, number=signal.SIGKILL) == -signal.SIGKILL
        with pytest.raises(httpx.HTTPError):
            await asked
        await held.rollback()
    assert await ask.names() == []
    answers = await asyncio.gather(*(ask("k-1", name="Alfreds") for _ in range(3)))
    assert len({orjson.dumps(answer.body) for answer in answers}) == 1
    assert answers[0].data["createCustomer"]["record"]["name"] == "Alfreds"
    assert await ask.names() == ["Alfreds"]


async def until_ready(url: str) -> None:
    async with httpx.AsyncClient() as client:
        for _ in range(1200):  # a process starts in 3 seconds, or in 30 beside others
            try:
                if (await client.get(f"{url}/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)
    raise TimeoutError(url)
