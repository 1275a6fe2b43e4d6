"""Records of any kind by their ids; root fields of one request read in one transaction."""

from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from graphql import OperationDefinitionNode, parse

from kedang_graphql.engine.cost import measure
from kedang_graphql.schema import build_gateway
from kedang_platform.database import Databases
from kedang_platform.database.errors import StatementTimeout
from kedang_platform.database.transactions import TenantRead
from kedang_tenants.catalogue import catalogue
from tests.support.factories import Factory
from tests.support.members import make_key, make_member

NODES = """
query ($ids: [ID!]!) {
  nodes(ids: $ids) { __typename id ... on Customer { name } ... on Contact { title } }
}"""
TWO_LISTS = "a: customers { totalCount } b: contacts { totalCount }"


@pytest.fixture
async def office(gateway, company):
    """Clients by role, and a factory."""
    databases = gateway.services.databases
    factory = Factory(databases, company)

    async def client(*roles: str):
        member = await make_member(databases, company, *roles)
        return gateway.client(await make_key(databases, member, key=gateway.services.identity.key))

    client.factory = factory
    return client


@pytest.fixture
def opened(monkeypatch):
    """How often a company was entered for reading, and the statements that ran there."""
    entered, ran = [], []
    enter, fetch = Databases.tenant_read, TenantRead.fetch

    @asynccontextmanager
    async def entering(self, company, **given):
        entered.append(company)
        async with enter(self, company, **given) as tx:
            yield tx

    async def fetching(self, sql, *values):
        ran.append(sql)
        return await fetch(self, sql, *values)

    monkeypatch.setattr(Databases, "tenant_read", entering)
    monkeypatch.setattr(TenantRead, "fetch", fetching)
    return entered, ran


@pytest.mark.requirement("I1")
async def test_nodes_come_in_the_order_of_their_ids(office, opened):
    customer = await office.factory.one("customer", name="Alfreds Futterkiste")
    contact = await office.factory.one("contact", customer_id=customer, title="Owner")
    other = await office.factory.one("customer", name="Bon app'")
    ask = await office("OWNER")
    a, b, c = f"cus_{customer.hex}", f"con_{contact.hex}", f"cus_{other.hex}"
    assert (await ask(NODES, {"ids": []})).data == {"nodes": []}
    _, ran = opened
    ran.clear()
    answer = await ask(NODES, {"ids": [c, b, f"cus_{uuid4().hex}", a, "nonsense", c]})
    bon_app = {"__typename": "Customer", "id": c, "name": "Bon app'"}
    assert answer.data["nodes"] == [
        bon_app,
        {"__typename": "Contact", "id": b, "title": "Owner"},
        None,
        {"__typename": "Customer", "id": a, "name": "Alfreds Futterkiste"},
        None,
        bon_app,
    ]
    assert len(ran) == 2, "one look-up for each kind of record"


@pytest.mark.requirement("I1", "A11")
async def test_nodes_that_are_not_to_be_seen_are_null_and_masks_are_told(office):
    contact = await office.factory.one("contact", name="Maria", phone="030-0074321")
    notice = await office.factory.one("notice")
    ask = await office("MARKETER")
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Contact { name phone } } }"
    answer = await ask(
        query, {"ids": [f"{catalogue().record('notice').prefix}_{notice.hex}", f"con_{contact.hex}"]}
    )
    assert answer.data["nodes"] == [None, {"id": f"con_{contact.hex}", "name": "Maria", "phone": None}]
    assert answer.masked == ["nodes.*.phone"]


@pytest.mark.requirement("I1")
async def test_at_most_250_nodes_are_asked_for(office):
    ask = await office("OWNER")
    ids = [f"cus_{uuid4().hex}" for _ in range(250)]
    assert (await ask(NODES, {"ids": ids})).data["nodes"] == [None] * 250
    refused = await ask(NODES, {"ids": [*ids, ids[0]]})
    assert refused.codes == ["BAD_USER_INPUT"]
    assert refused.body["data"] is None


@pytest.mark.requirement("I1")
@pytest.mark.parametrize("beside", ["", "me { member { name } }"], ids=["by the engine", "beside a verb"])
async def test_root_fields_share_one_transaction(office, opened, beside):
    await office.factory.one("contact")
    ask = await office("OWNER")
    await ask("{ customers { totalCount } }")
    entered, _ = opened
    entered.clear()
    if beside:
        await ask(f"{{ {beside} }}")
    alone = len(entered)
    entered.clear()
    answer = await ask(f"{{ {beside} {TWO_LISTS} c: customers {{ nodes {{ id }} }} }}")
    assert (answer.data["a"], answer.data["b"]) == ({"totalCount": 1}, {"totalCount": 1})
    assert len(entered) == alone + 1


@pytest.mark.requirement("I1")
@pytest.mark.parametrize("beside", ["", "me { __typename }"], ids=["by the engine", "beside a verb"])
async def test_a_refused_root_field_leaves_the_others_answered(office, beside):
    ask = await office("OWNER")
    customer = f"cus_{(await office.factory.one('customer')).hex}"
    query = f"""query ($id: ID!) {{ {beside}
      a: customer(id: $id) {{ contacts(first: 1, last: 1) {{ totalCount }} }}
      b: customer(id: $id) {{ id }}
    }}"""
    answer = await ask(query, {"id": customer})
    assert answer.codes == ["BAD_USER_INPUT"]
    assert (answer.body["data"]["a"], answer.body["data"]["b"]) == (None, {"id": customer})


@pytest.mark.requirement("I1")
@pytest.mark.parametrize("beside", ["", "me { person { name } }"], ids=["by the engine", "beside a verb"])
async def test_what_the_database_breaks_off_costs_no_other_root_field(office, monkeypatch, beside):
    customer = f"cus_{(await office.factory.one('customer')).hex}"
    ask = await office("OWNER")
    await ask("{ customers { totalCount } }")
    fetch, broken = TenantRead.fetch, []

    async def fetching(self, sql, *values):
        if not broken and '"customer"' in sql:
            broken.append(sql)
            raise StatementTimeout("Too long.")
        return await fetch(self, sql, *values)

    monkeypatch.setattr(TenantRead, "fetch", fetching)
    query = f"query ($id: ID!) {{ a: customer(id: $id) {{ id }} b: customer(id: $id) {{ id }} {beside} }}"
    answer = await ask(query, {"id": customer})
    assert answer.codes == ["STATEMENT_TIMEOUT"]
    assert (answer.body["data"]["a"], answer.body["data"]["b"]) == (None, {"id": customer})


@pytest.mark.requirement("I1")
def test_nodes_cost_what_a_list_of_as_many_records_costs():
    query = "query ($ids: [ID!]!) { n: nodes(ids: $ids) { ... on Customer { contacts(first: 10) { nodes { id } } } } }"
    operation = parse(query).definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    cost = measure(build_gateway().core, {}, operation)
    assert cost.requested({"ids": ["x"] * 250}) == 1 + 28
    customer = {"contacts": {"nodes": [{"id": "con_1"}] * 100}}
    assert cost.actual({"ids": ["x"] * 2}, {"n": [None, customer]}) == 1 + 2
