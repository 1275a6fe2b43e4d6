from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
import pytest

from kedang_platform.identity.sessions import start_session
from tests.support.gateway import RunningGateway
from tests.support.members import TestMember, make_key, make_member

PLAIN = "application/json"
MODERN = "application/graphql-response+json"


@dataclass
class Http:
    """HTTP to the gateway with nothing added to a request but what a test says."""

    gateway: RunningGateway
    client: httpx.AsyncClient
    owner: TestMember
    key: str

    async def cookie(self) -> str:
        """The cookie of a session of the owner."""
        async with self.gateway.services.databases.control() as control:
            token = await start_session(
                control,
                person_id=self.owner.person_id,
                company_id=self.owner.company.id,
                user_agent="",
                now=datetime.now(UTC),
            )
        return f"kedang={token}"

    async def post(self, body: Any, *, bearer: bool = True, **headers: str) -> httpx.Response:
        """A POST of a body, as JSON unless it is bytes already; header names with underscores."""
        sent = {"content-type": PLAIN, "accept": MODERN}
        if bearer:
            sent["authorization"] = f"Bearer {self.key}"
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        return await self.client.post("/graphql", content=content, headers=sent)

    async def get(self, params: dict[str, str], *, bearer: bool = True, **headers: str) -> httpx.Response:
        sent = {"accept": MODERN} | ({"authorization": f"Bearer {self.key}"} if bearer else {})
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.get("/graphql", params=params, headers=sent)


@pytest.fixture
async def http(gateway, company):
    databases = gateway.services.databases
    owner = await make_member(databases, company, "OWNER")
    key = await make_key(databases, owner, key=gateway.services.identity.key)
    async with httpx.AsyncClient(base_url=gateway.url, timeout=30) as client:
        yield Http(gateway, client, owner, key)


def codes(answer: httpx.Response) -> list[str]:
    return [error["extensions"]["code"] for error in answer.json()["errors"]]
