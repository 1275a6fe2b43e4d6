"""A gateway with Valkey beside it, workers' jobs run on request, and clients that speak graphql-transport-ws."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from kedang_platform.clock import SystemClock
from kedang_platform.database import Databases
from kedang_platform.registry import Company
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.people.viewers import system_viewer
from kedang_workers.composition import make_services
from tests.support.database import SECRET
from tests.support.gateway import UNLIMITED, RunningGateway, serve
from tests.support.members import TestMember, make_key, make_member
from tests.support.workers import run_jobs

SECONDS = 20.0  # for what surely comes
QUIET = 0.15  # for what must not come; what was told before it is told on the same connection


@dataclass
class Client:
    """One connection; what comes is kept by the operation that it is of."""

    connection: ClientConnection
    got: dict[str, list[Any]] = field(default_factory=dict)

    async def send(self, kind: str, operation: str | None = None, payload: Any = None) -> None:
        message = {"type": kind, "id": operation, "payload": payload}
        await self.send_raw(
            orjson.dumps({name: value for name, value in message.items() if value is not None}).decode()
        )

    async def send_raw(self, text: str | bytes) -> None:
        await self.connection.send(text)

    async def receive(self) -> Any:
        """The next message, which must be a frame of text."""
        text = await asyncio.wait_for(self.connection.recv(), SECONDS)
        assert isinstance(text, str)
        return orjson.loads(text)

    async def init(self, bearer: str | None = None, **payload: str) -> None:
        """Say who it is, and be let in."""
        if bearer is not None:
            payload["Authorization"] = f"Bearer {bearer}"
        await self.send("connection_init", payload=payload or None)
        assert await self.receive() == {"type": "connection_ack"}

    async def watch(
        self, query: str, operation: str = "1", variables: Mapping[str, Any] | None = None
    ) -> None:
        """Subscribe; it stands when the answer to what was asked after it is there."""
        await self.send("subscribe", operation, {"query": query, "variables": variables})
        assert (await self.ask("{ __typename }", f"after {operation}"))["data"] == {"__typename": "Query"}

    async def ask(
        self, query: str, operation: str = "ask", variables: Mapping[str, Any] | None = None
    ) -> Any:
        """The one result of a query or a change; what comes for others meanwhile is kept."""
        await self.send("subscribe", operation, {"query": query, "variables": variables})
        result = await self.next(operation)
        assert await self.next(operation) == "complete"
        return result

    async def next(self, operation: str = "1") -> Any:
        """The next result of an operation, "complete", or its errors as a tuple."""
        while not self.got.get(operation):
            message = await self.receive()
            told = message["payload"] if message["type"] == "next" else message["type"]
            if message["type"] == "error":
                assert isinstance(message["payload"], list)
                told = tuple(message["payload"])
            self.got.setdefault(message["id"], []).append(told)
        return self.got[operation].pop(0)

    async def change(self, operation: str = "1") -> Any:
        """What stands in the one field of the next result."""
        result = await self.next(operation)
        assert isinstance(result, dict), result
        assert "errors" not in result
        (told,) = result["data"].values()
        return told

    async def nothing(self) -> None:
        """Fails when anything has come, or comes soon."""
        assert not any(self.got.values()), self.got
        try:
            told = await asyncio.wait_for(self.connection.recv(), QUIET)
        except TimeoutError:
            return
        raise AssertionError(told)

    async def closed(self) -> tuple[int, str]:
        """Code and reason with which the other side closes."""
        try:
            while True:
                await asyncio.wait_for(self.connection.recv(), SECONDS)
        except ConnectionClosed as closed:
            return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")


@dataclass
class Side:
    """A company with its people, what they do, and clients that watch."""

    company: Company
    databases: Databases
    owner: TestMember
    key: str

    async def hire(self, *roles: str, **values: Any) -> tuple[TestMember, str]:
        member = await make_member(self.databases, self.company, *roles, **values)
        return member, await make_key(self.databases, member, key=SECRET)

    async def change(self, *changes: Change) -> list[UUID]:
        async with self.databases.tenant_write(self.company.ref) as write:
            viewer = await system_viewer(write, company=self.company)
            done = await change_internally(write, viewer, changes, clock=SystemClock())
        return [one.id for one in done]

    async def create(self, kind: str, /, **values: Any) -> UUID:
        (made,) = await self.change(Change(kind, "create", values=values))
        return made

    async def update(self, record: str, record_id: UUID, **values: Any) -> None:
        await self.change(Change(record, "update", record_id, values=values))

    async def archive(self, record: str, record_id: UUID) -> None:
        await self.change(Change(record, "archive", record_id))


@dataclass
class Town:
    """The gateway, what drives it, and everything that a test has opened."""

    gateway: RunningGateway
    databases: Databases
    services: Any
    stack: AsyncExitStack

    async def work(self) -> None:
        """Run the jobs that are due, as a worker does."""
        drained = await run_jobs(self.databases, services=self.services)
        assert not drained.failures, drained.failures

    async def work_with_failures(self) -> None:
        """As ``work``, where something fails that is tried again."""
        drained = await run_jobs(self.databases, services=self.services)
        assert [error.code for error in drained.failures] == ["LIVE_UNAVAILABLE"]

    async def due_now(self) -> None:
        """What waits to be tried again is due."""
        async with self.databases.control() as control:
            await control.fetch("UPDATE work.job SET due_at = now() WHERE state = 'waiting'")

    async def value(self, sql: str, *args: object) -> Any:
        """A value of the platform's tables."""
        async with self.databases.control_read() as read:
            return await read.fetchval(sql, *args)

    async def dial_at(self, port: int) -> Client:
        return await dial(self.stack, f"http://127.0.0.1:{port}")

    async def open(self, company: Company) -> Side:
        owner = await make_member(self.databases, company, "OWNER")
        side = Side(company, self.databases, owner, await make_key(self.databases, owner, key=SECRET))
        await self.work()  # what was done to open it is told before anybody listens
        return side

    async def dial(self, gateway: RunningGateway | None = None, **options: Any) -> Client:
        """A connection that nobody has said anything on."""
        return await dial(self.stack, (gateway or self.gateway).url, **options)

    async def client(self, bearer: str, gateway: RunningGateway | None = None, **payload: str) -> Client:
        """A connection that was let in."""
        client = await self.dial(gateway)
        await client.init(bearer, **payload)
        return client


async def dial(stack: AsyncExitStack, url: str, **options: Any) -> Client:
    address = url.replace("http", "ws", 1) + "/graphql/ws"
    options = {"subprotocols": ["graphql-transport-ws"], "compression": None} | options
    return Client(await stack.enter_async_context(connect(address, **options)))


@pytest.fixture(scope="session")
async def live_gateway(databases, database_settings, work_redis_url, tmp_path_factory):
    own = {
        "var": tmp_path_factory.mktemp("live"),
        "redis_url": work_redis_url,
        "cost_points": UNLIMITED,
        "cost_points_per_second": UNLIMITED,
        "live_connections": 300,
    }
    async with serve_live(databases, database_settings, **own) as running:
        yield running


@asynccontextmanager
async def serve_live(databases, base, **own: Any) -> AsyncIterator[RunningGateway]:
    """A gateway that has a Valkey."""
    async with serve(databases, base, **own) as running:
        yield running
    await running.services.buckets.close()


@pytest.fixture
async def town(live_gateway, databases):
    live_gateway.services.viewers.forget()
    live_gateway.services.identity.credentials.forget()
    services = make_services(
        databases=databases, settings=live_gateway.services.settings, clock=SystemClock()
    )
    async with AsyncExitStack() as stack:
        yield Town(live_gateway, databases, services, stack)
    await services.live.close()


@pytest.fixture
async def side(town, company) -> Side:
    return await town.open(company)
