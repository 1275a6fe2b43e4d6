"""What breaks while a change is made: gateways side by side, connections to PostgreSQL that are cut at the worst moment."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import pytest
import uvicorn

from kedang_graphql.app import create_app
from kedang_graphql.services import Services
from kedang_platform.clock import SystemClock
from kedang_platform.database import Databases
from kedang_platform.database.urls import database_urls
from kedang_platform.embedded import free_port
from tests.gateway.test_idempotency import Asker, make_asker, until_ready
from tests.support.database import SECRET

pytestmark = pytest.mark.requirement("I1")


@pytest.fixture
async def ask(gateway, company) -> Asker:
    return await make_asker(gateway, company)


async def test_twenty_clients_of_two_gateways_get_one_answer_of_one_record(
    gateway, ask, work_environment, work_processes
):
    port = free_port()
    work_environment["KEDANG_PORT"] = str(port)
    work_processes.start("kedang_graphql")
    urls = [gateway.url, f"http://127.0.0.1:{port}"]
    await until_ready(urls[1])
    answers = await asyncio.gather(*(ask("k-1", name="Alfreds", url=urls[n % 2]) for n in range(20)))
    assert len({answer.http.content for answer in answers}) == 1
    assert answers[0].data["createCustomer"]["record"]["name"] == "Alfreds"
    assert await ask.names() == ["Alfreds"]


@asynccontextmanager
async def second_gateway(gateway, databases: Databases | None = None) -> AsyncIterator[str]:
    """A gateway beside the first over the same database, that remembers and listens for itself; its address."""
    services = Services.on(databases or gateway.services.databases, gateway.services.settings, SystemClock())
    listening = socket.socket(proto=socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    app = create_app(services.settings, services)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on", http="httptools"))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    await serving
    services.identity.close()


@pytest.mark.requirement("T5")
async def test_a_revoked_key_is_let_in_by_no_gateway_any_more(gateway, company, ask):
    """The other process has just used the key and remembers it; it hears of the end in milliseconds."""
    revoke = "mutation ($id: ID!) { revokeApiKey(input: {id: $id}) { done userErrors { code } } }"
    async with second_gateway(gateway) as url:
        for number in range(5):
            victim = await make_asker(gateway, company)
            assert (await victim(f"k-{number}", name="Before", url=url)).data["createCustomer"]["record"]
            (newest, *_) = (await ask.plain("{ apiKeys { id } }")).data["apiKeys"]
            assert (await ask.plain(revoke, {"id": newest["id"]})).data["revokeApiKey"]["done"] is True
            await asyncio.sleep(0.2)
            after = await victim("after", name="After", url=url)
            assert (after.http.status_code, after.codes) == (401, ["UNAUTHENTICATED"])
    assert set(await ask.names()) == {"Before"}


@dataclass
class Swallowing:
    """Stands between a gateway and PostgreSQL; once ``armed``, it passes on the COMMIT of one change and nothing back."""

    server: str
    armed: bool = False
    swallowed: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await self._connect()
        change = False
        cut = asyncio.Event()

        async def back() -> None:
            while data := await inner_reader.read(65536):
                if cut.is_set():
                    self.swallowed.set()
                    break
                writer.write(data)
            writer.close()
            inner_writer.close()

        passing = asyncio.create_task(back())
        while data := await reader.read(65536):
            change = change or b"kept_answer" in data
            if self.armed and change and data.endswith(b"COMMIT\0"):
                self.armed = False
                cut.set()
            inner_writer.write(data)
        inner_writer.close()
        await passing

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        parts = urlsplit(self.server)
        folder = parse_qs(parts.query).get("host")
        if folder:
            return await asyncio.open_unix_connection(f"{folder[0]}/.s.PGSQL.{parts.port or 5432}")
        return await asyncio.open_connection(parts.hostname, parts.port)


@asynccontextmanager
async def swallowing(server: str) -> AsyncIterator[tuple[Swallowing, str]]:
    """What stands in between, and the address under which PostgreSQL is reached through it."""
    between = Swallowing(server)
    listening = await asyncio.start_server(between.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    parts = urlsplit(server)
    user, _, _ = parts.netloc.rpartition("@")
    query = urlencode({k: v[0] for k, v in parse_qs(parts.query).items() if k != "host"})
    yield between, urlunsplit(parts._replace(netloc=f"{user}@127.0.0.1:{port}", query=query))
    listening.close()


async def test_a_connection_to_postgresql_that_breaks_after_commit_was_sent(
    gateway, ask, database_superuser_url, database_settings
):
    """Nobody but PostgreSQL knows that the change was made; asked again under its key, it is told and not made twice."""
    async with swallowing(database_superuser_url) as (between, address):
        urls = database_urls(address, secret=SECRET, prefix=database_settings.role_prefix)
        databases = await Databases.open(gateway.services.settings, urls)
        async with second_gateway(gateway, databases) as url:
            assert (await ask("k-0", name="Before", url=url)).data["createCustomer"]["userErrors"] == []
            between.armed = True
            assert (await ask("k-1", name="Alfreds", url=url)).codes == ["DATABASE_UNAVAILABLE"]
            assert between.swallowed.is_set()
            assert sorted(await ask.names()) == ["Alfreds", "Before"]
            answers = await asyncio.gather(*(ask("k-1", name="Alfreds", url=url) for _ in range(3)))
            assert len({answer.http.content for answer in answers}) == 1
            assert answers[0].data["createCustomer"]["record"]["name"] == "Alfreds"
            assert sorted(await ask.names()) == ["Alfreds", "Before"]
        await databases.close()
