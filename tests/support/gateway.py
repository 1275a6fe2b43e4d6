"""The real gateway on a free port of this machine, and a client that speaks GraphQL to it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
import pytest
import uvicorn

from kedang_graphql.app import create_app
from kedang_graphql.services import Services
from kedang_platform.clock import SystemClock
from kedang_platform.database import Databases
from kedang_platform.settings import Settings
from tests.support.database import SECRET

UNLIMITED = 10**9  # points: only the tests of the limit itself are ever throttled


@dataclass(frozen=True)
class GraphQLAnswer:
    """An answer as it came: ``data`` and ``errors`` of the body, and the HTTP answer itself."""

    http: httpx.Response
    body: Mapping[str, Any]

    @property
    def data(self) -> Any:
        """The data of an answer without errors; fails the test when there are any."""
        assert "errors" not in self.body, self.body["errors"]
        return self.body["data"]

    @property
    def errors(self) -> list[Any]:
        return list(self.body.get("errors", ()))

    @property
    def codes(self) -> list[str]:
        return [error["extensions"]["code"] for error in self.errors]

    @property
    def masked(self) -> list[str]:
        return list(self.body.get("extensions", {}).get("masked", ()))


class GraphQLClient:
    """Speaks GraphQL over HTTP with one credential."""

    def __init__(self, base_url: str, bearer: str | None = None, language: str | None = None) -> None:
        headers = {"accept": "application/graphql-response+json"}
        if bearer is not None:
            headers["authorization"] = f"Bearer {bearer}"
        if language is not None:
            headers["accept-language"] = language
        self.http = httpx.AsyncClient(base_url=base_url, headers=headers, timeout=30)

    async def __call__(self, query: str, variables: Mapping[str, Any] | None = None) -> GraphQLAnswer:
        body = orjson.dumps({"query": query, "variables": variables or {}})
        answer = await self.http.post("/graphql", content=body, headers={"content-type": "application/json"})
        return GraphQLAnswer(answer, answer.json())


@dataclass(frozen=True)
class RunningGateway:
    url: str
    services: Services
    clients: list[GraphQLClient] = field(default_factory=list)

    def client(self, bearer: str | None = None, language: str | None = None) -> GraphQLClient:
        """A client that is closed when the test ends."""
        self.clients.append(GraphQLClient(self.url, bearer, language))
        return self.clients[-1]


@pytest.fixture(scope="session")
async def gateway(databases, database_settings, tmp_path_factory) -> AsyncIterator[RunningGateway]:
    """The gateway over this worker's database, on the event loop of the tests."""
    own = {
        "var": tmp_path_factory.mktemp("var"),
        "cost_points": UNLIMITED,
        "cost_points_per_second": UNLIMITED,
    }
    async with serve(databases, database_settings, **own) as running:
        yield running


@asynccontextmanager
async def serve(databases: Databases, base: Settings, **own: Any) -> AsyncIterator[RunningGateway]:
    """A gateway over these databases; ``own`` are the settings in which it differs from ``base``."""
    # With its protocol named, asyncio turns Nagle's algorithm off; else answers wait 40 ms for an ACK.
    listening = socket.socket(proto=socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    # Tests compare what stands in tables before and after: nothing is to be written down in between.
    own = {"measuring_interval": 86_400} | own | {"port": port, "secret_key": SECRET._root.decode()}
    settings = Settings(**base.model_dump(exclude_unset=True) | own)
    services = Services.on(databases, settings, SystemClock())
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(settings, services),
            log_level="warning",
            lifespan="on",
            http="httptools",
            proxy_headers=settings.trusted_proxies is not None,
            forwarded_allow_ips=settings.trusted_proxies or "",
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    try:
        yield RunningGateway(f"http://127.0.0.1:{port}", services)
    finally:
        server.should_exit = True
        await serving
        services.identity.close()


@pytest.fixture(autouse=True)
async def _gateway_between_tests(request):
    """Companies come from a pool: what the gateway remembers of the last test's is gone, and so are its clients."""
    if "gateway" not in request.fixturenames:
        yield
        return
    gateway: RunningGateway = request.getfixturevalue("gateway")
    gateway.services.viewers.forget()
    gateway.services.identity.credentials.forget()
    yield
    for client in gateway.clients:
        await client.http.aclose()
    gateway.clients.clear()
