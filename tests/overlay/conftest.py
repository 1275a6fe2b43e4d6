from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.gateway import GraphQLAnswer, GraphQLClient, RunningGateway
from tests.support.members import TestMember, make_key, make_member

DEFINE = """
mutation ($input: CreateCustomFieldInput!) {
  createCustomField(input: $input) { record { id version } userErrors { code path message } }
}"""


@dataclass
class Office:
    """A company with an owner, who speaks to the API and defines own fields."""

    gateway: RunningGateway
    owner: TestMember
    client: GraphQLClient
    key: str

    async def ask(self, query: str, **variables: Any) -> GraphQLAnswer:
        return await self.client(query, variables)

    async def define(self, record: str, key: str, kind: str, **more: Any) -> str:
        """The id of a new own field."""
        given = {
            "record": record,
            "key": key,
            "kind": kind,
            "label": {"en": key.capitalize(), "zh": f"字段{key}"},
            **more,
        }
        made = (await self.ask(DEFINE, input=given)).data["createCustomField"]
        assert made["userErrors"] == []
        return str(made["record"]["id"])

    async def create(self, name: str, **own: Any) -> str:
        """The id of a new customer with these own fields, said without types."""
        made = await self.ask(
            "mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { record { id } userErrors { code } } }",
            input={"name": name, "customFields": own},
        )
        assert made.data["createCustomer"]["userErrors"] == []
        return str(made.data["createCustomer"]["record"]["id"])


async def open_office(gateway: RunningGateway, company: Any) -> Office:
    databases = gateway.services.databases
    owner = await make_member(databases, company, "OWNER")
    key = await make_key(databases, owner, key=gateway.services.identity.key)
    return Office(gateway, owner, gateway.client(key), key)


@pytest.fixture
async def office(gateway, company) -> Office:
    return await open_office(gateway, company)


@pytest.fixture
async def described(office) -> Office:
    """An office whose customers have an own field of every kind."""
    await office.define("customer", "nickname", "TEXT")
    await office.define("customer", "seats", "INTEGER")
    await office.define("customer", "share", "DECIMAL")
    await office.define("customer", "founded", "DAY")
    await office.define("customer", "is_listed", "FLAG")
    await office.define("customer", "sales_region", "CHOICE", options=["NORTH", "SOUTH"])
    await office.define("customer", "mood", "CHOICE", options=["很好", "so so"])
    return office


VALUES = {
    "nickname": "Nick",
    "seats": 3_000_000_000,
    "share": "12.50",
    "founded": "2019-02-28",
    "is_listed": True,
    "sales_region": "NORTH",
    "mood": "很好",
}
