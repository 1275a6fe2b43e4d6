from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from kedang_platform.database import Databases
from kedang_platform.registry import Company
from kedang_platform.settings import Settings
from tests.support.factories import Factory
from tests.support.gateway import GraphQLClient, RunningGateway, serve
from tests.support.members import TestMember, make_key, make_member

PLANNED = "query Names($first: Int) { customers(first: $first) { nodes { id name } } }"
OPERATIONS = """
query ($first: Int = 50, $after: String, $where: OperationWhere, $orderBy: OperationOrder, $period: OperationPeriod) {
  operations(first: $first, after: $after, where: $where, orderBy: $orderBy, period: $period) {
    nodes {
      id kind name document count failed refused errorShare errors { code count }
      costCharged costRefunded cost totalMs p50 p95 p99 sqlStatements sqlMs sqlRows firstAt lastAt
      statements { text count totalMs slowestMs rows }
      slowest { at durationMs sqlMs sqlStatements statement statementMs rows plan reasons { code message } }
    }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    totalCount
  }
}"""


@dataclass
class House:
    """A company with an owner who has an API key, and what the gateway has measured of it."""

    gateway: RunningGateway
    company: Company
    owner: TestMember
    key: str
    ask: GraphQLClient
    factory: Factory

    async def flush(self) -> None:
        await self.gateway.services.measurer.flush(self.gateway.services.databases)

    async def rows(self, table: str) -> list[dict[str, Any]]:
        async with self.gateway.services.databases.tenant_read(self.company.ref) as read:
            rows = await read.fetch(f"SELECT * FROM {table} ORDER BY 1, 2, 3")
        return [
            {k: orjson.loads(v) if k in {"errors", "latency", "slowest"} and v else v for k, v in row.items()}
            for row in rows
        ]

    async def hours(self) -> Mapping[tuple[str, str | None], dict[str, Any]]:
        """The sums of this hour by kind and name; with one credential there is one row each."""
        names = {row["id"]: (row["kind"], row["name"]) for row in await self.rows("measured_operation")}
        found = {}
        for row in await self.rows("measured_hour"):
            assert names[row["operation_id"]] not in found
            found[names[row["operation_id"]]] = row
        return found

    async def told(self, **variables: Any) -> Any:
        return (await self.ask(OPERATIONS, variables)).data["operations"]


async def make_house(gateway: RunningGateway, company: Company) -> House:
    databases = gateway.services.databases
    owner = await make_member(databases, company, "OWNER")
    key = await make_key(databases, owner, key=gateway.services.identity.key)
    return House(gateway, company, owner, key, gateway.client(key), Factory(databases, company))


@asynccontextmanager
async def another_gateway(
    databases: Databases, settings: Settings, **own: Any
) -> AsyncIterator[RunningGateway]:
    """A further gateway; its clients are closed and its figures written down before it is left."""
    async with serve(databases, settings, **own) as running:
        yield running
        for client in running.clients:
            await client.http.aclose()


@pytest.fixture
async def house(gateway, company):
    gateway.services.measurer.forget()
    return await make_house(gateway, company)
