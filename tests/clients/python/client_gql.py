"""gql, the Python client: its transports, and documents made and checked by the schema that it reads itself."""

import asyncio
from uuid import uuid4

import pytest
from gql import Client, GraphQLRequest, gql
from gql.dsl import DSLMutation, DSLQuery, DSLSchema, DSLVariableDefinitions, dsl_gql
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.aiohttp_websockets import AIOHTTPWebsocketsTransport
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport, HTTPXTransport
from gql.transport.websockets import WebsocketsTransport
from graphql import GraphQLError

PAGE = """
query Page($first: Int!, $after: String) {
  customers(first: $first, after: $after, orderBy: [{field: NUMBER}], where: {number: {isNull: false}}) {
    nodes { number } pageInfo { hasNextPage endCursor }
  }
}"""
TRANSPORTS = [AIOHTTPTransport, HTTPXAsyncTransport]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_pages_are_walked_through(address, transport):
    async def walk():
        numbers, after = [], None
        async with Client(transport=transport(url=address.url, headers=address.headers)) as session:
            while True:
                request = GraphQLRequest(PAGE, variable_values={"first": 40, "after": after})
                page = (await session.execute(request))["customers"]
                numbers += [node["number"] for node in page["nodes"]]
                if not page["pageInfo"]["hasNextPage"]:
                    return numbers
                after = page["pageInfo"]["endCursor"]

    numbers = asyncio.run(walk())
    assert len(numbers) == 91
    assert numbers == sorted(set(numbers))


def test_documents_are_built_from_the_schema_that_introspection_tells(address):
    name = f"Gql Provisions {uuid4().hex}"
    client = Client(
        transport=HTTPXTransport(url=address.url, headers=address.headers), fetch_schema_from_transport=True
    )
    with client as session:
        assert client.schema is not None
        ds = DSLSchema(client.schema)
        given = DSLVariableDefinitions()
        create = DSLMutation(
            ds.Mutation.createCustomer(input=given.input).select(
                ds.CustomerPayload.record.select(ds.Customer.id, ds.Customer.name, ds.Customer.state),
                ds.CustomerPayload.userErrors.select(ds.UserError.code),
            )
        )
        create.variable_definitions = given
        request = dsl_gql(create)
        request.variable_values = {"input": {"name": name, "directory": "COMPANY"}}
        made = session.execute(request)["createCustomer"]
        assert made["userErrors"] == []
        assert (made["record"]["name"], made["record"]["state"]) == (name, "PROSPECTIVE")

        found = ds.CustomerConnection.nodes.select(ds.Customer.name)
        query = DSLQuery(
            ds.Query.customers(where={"name": {"eq": name}}).select(ds.CustomerConnection.totalCount, found)
        )
        answer = session.execute(dsl_gql(query))
        assert answer == {"customers": {"totalCount": 1, "nodes": [{"name": name}]}}

        with pytest.raises(GraphQLError, match="Cannot query field 'nosuch'"):  # told by the client itself
            session.execute(gql("{ customers { nosuch } }"))


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ('{ customers(after: "nowhere") { totalCount } }', "BAD_CURSOR"),
        ("{ nosuch }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ customers(first: 1, last: 1) { totalCount } }", "BAD_USER_INPUT"),
    ],
)
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_errors_arrive_with_their_codes(address, transport, query, code):
    async def ask():
        async with Client(transport=transport(url=address.url, headers=address.headers)) as session:
            await session.execute(gql(query))

    with pytest.raises(TransportQueryError) as failed:
        asyncio.run(ask())
    assert [error["extensions"]["code"] for error in failed.value.errors] == [code]


CHANGES = """
subscription ($ids: [ID!]) { customerChanges(ids: $ids, actions: [UPDATED]) { action changed customer { city } } }"""
CREATE = """
mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { record { id } userErrors { code } } }"""
UPDATE = """
mutation ($input: UpdateCustomerInput!) { updateCustomer(input: $input) { record { id } userErrors { code } } }"""


@pytest.mark.parametrize("transport", [AIOHTTPWebsocketsTransport, WebsocketsTransport])
def test_a_change_is_told_over_a_socket(address, transport):
    async def watch():
        socket = transport(url=address.live, init_payload=address.headers)
        over_http = AIOHTTPTransport(url=address.url, headers=address.headers)
        async with Client(transport=socket) as watching, Client(transport=over_http) as asking:
            made = await asking.execute(
                GraphQLRequest(CREATE, variable_values={"input": {"name": "Gql Sockets"}})
            )
            customer = made["createCustomer"]["record"]["id"]

            async def change():
                for number in range(100):  # until it is told: nothing says when a subscription has begun
                    given = {"input": {"id": customer, "city": f"Bergen {number}"}}
                    await asking.execute(GraphQLRequest(UPDATE, variable_values=given))
                    await asyncio.sleep(0.2)

            changing = asyncio.create_task(change())
            changes = watching.subscribe(GraphQLRequest(CHANGES, variable_values={"ids": [customer]}))
            told = await anext(changes)
            changing.cancel()
            await changes.aclose()
            return told["customerChanges"]

    told = asyncio.run(asyncio.wait_for(watch(), 20))
    assert (told["action"], told["changed"]) == ("UPDATED", ["city"])
    assert told["customer"]["city"].startswith("Bergen ")


def test_queries_and_errors_go_over_the_socket(address):
    async def ask(query):
        socket = WebsocketsTransport(url=address.live, init_payload=address.headers)
        async with Client(transport=socket) as session:
            return await session.execute(gql(query))

    found = asyncio.run(ask('{ customers(where: {number: {eq: "ALFKI"}}) { nodes { name } } }'))
    assert found == {"customers": {"nodes": [{"name": "Alfreds Futterkiste"}]}}
    with pytest.raises(TransportQueryError) as failed:
        asyncio.run(ask("{ nosuch }"))
    assert [error["extensions"]["code"] for error in failed.value.errors] == ["GRAPHQL_VALIDATION_FAILED"]
