"""A real receiver on this machine, as the integrator's system would be, which verifies what it gets."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

import orjson
import pytest

from kedang_graphql.schema import build_gateway
from kedang_graphql.webhook_queries import read_webhook_query
from kedang_platform.secrets import load_secret_key
from kedang_tenants.webhooks.operations import (
    create_webhook,
    replay_delivery,
    rotate_secret,
    tell_secret,
    try_webhook,
    update_webhook,
)


@dataclass(frozen=True)
class Got:
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    def verifies(self, secret: str) -> bool:
        """As the specification of Standard Webhooks has it, written down once more."""
        key = base64.b64decode(secret.split("_", 1)[1])
        signed = b"%s.%s.%s" % (self.id.encode(), self.headers["webhook-timestamp"].encode(), self.body)
        wanted = b"v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
        return wanted.decode() in self.headers["webhook-signature"].split(" ")


@dataclass
class Receiver:
    url: str = ""
    status: int = 204
    statuses: list[int] = field(default_factory=list)  # of the next answers, before ``status`` holds
    answers: list[bytes] = field(default_factory=list)  # the next answers, word for word
    slow: float = 0.0
    got: list[Got] = field(default_factory=list)

    async def handle(self, reader, writer):
        head, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        assert head == "POST /hook HTTP/1.1"
        self.got.append(Got(headers, await reader.readexactly(int(headers["content-length"]))))
        await asyncio.sleep(self.slow)
        writer.write(self.answers.pop(0) if self.answers else self._answer())
        await writer.drain()
        writer.close()

    def _answer(self) -> bytes:
        status = self.statuses.pop(0) if self.statuses else self.status
        return f"HTTP/1.1 {status} Said\r\ncontent-length: 0\r\n\r\n".encode()

    @property
    def types(self) -> list[str]:
        return [one.json["type"] for one in self.got]


@pytest.fixture
async def receiver():
    receiver = Receiver()
    server = await asyncio.start_server(receiver.handle, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    async with server:
        yield receiver


@dataclass
class Hooks:
    """The webhooks of a shop, in short words."""

    shop: Any
    receiver: Receiver

    async def make(self, *events: str, viewer=None, **values) -> UUID:
        given = {"name": "ERP", "url": self.receiver.url, "events": list(events), **values}
        return await self._write(
            create_webhook, viewer, values=given, settings=self.shop.settings, asks=self.asks_of(viewer)
        )

    async def update(self, webhook: UUID, **values) -> None:
        more = {"webhook_id": webhook, "version": None, "settings": self.shop.settings}
        await self._write(update_webhook, None, values=values, asks=self.asks_of(None), **more)

    def asks_of(self, viewer=None):
        return partial(read_webhook_query, build_gateway().core, viewer or self.shop.viewer)

    async def rotate(self, webhook: UUID, viewer=None) -> None:
        await self._write(rotate_secret, viewer, webhook_id=webhook)

    async def test(self, webhook: UUID, viewer=None, about=None) -> UUID:
        return await self._write(try_webhook, viewer, webhook_id=webhook, about=about)

    async def replay(self, delivery: UUID, viewer=None) -> None:
        await self._write(replay_delivery, viewer, delivery_id=delivery)

    async def _write(self, verb, viewer, **arguments):
        acting = viewer or self.shop.viewer
        async with self.shop.databases.tenant_write(self.shop.company.ref) as write:
            return await verb(write, acting, clock=self.shop.clock, **arguments)

    async def secret(self, webhook: UUID) -> str:
        async with self.shop.databases.tenant_write(self.shop.company.ref) as write:
            return await tell_secret(write, load_secret_key(self.shop.settings), webhook_id=webhook)

    async def deliveries(self) -> list[dict]:
        return await self.shop.fetch("SELECT * FROM webhook_delivery ORDER BY sequence NULLS FIRST, id")

    async def states(self) -> list[str]:
        return [row["state"] for row in await self.deliveries()]

    async def row(self, webhook: UUID) -> dict:
        (row,) = await self.shop.fetch("SELECT * FROM webhook WHERE id = $1", webhook)
        return row


@pytest.fixture
def hooks(shop, receiver) -> Hooks:
    shop.settings = shop.settings.model_copy(update={"outgoing_allowed": "127.0.0.1/32"})
    return Hooks(shop, receiver)
