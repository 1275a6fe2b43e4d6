"""A root field of a mutation is one transaction: its payload is read in it, and what cannot be told is not done."""

import pytest

from kedang_graphql.engine.executor import EngineExecutor
from kedang_graphql.writing import Writing
from kedang_platform.database import Databases, DatabaseUnavailable
from kedang_platform.i18n import msg
from tests.support.factories import Factory
from tests.support.members import make_key, make_member

pytestmark = pytest.mark.requirement("I1")
CREATE = """
mutation ($input: CreateCustomerInput!) {
  createCustomer(input: $input) { record { id name version } userErrors { path code } }
}"""
# 250 contacts, each with its customer's 250 contacts: more than one answer may hold.
TOO_LARGE = """
mutation ($input: CreateCustomerInput!) {
  createCustomer(input: $input) {
    record { contacts(first: 250) { nodes { customer { contacts(first: 250) { nodes { id } } } } } }
    userErrors { code }
  }
}"""
PLACE_TOO_LARGE = """
mutation ($input: PlaceOrderInput!) {
  placeOrder(input: $input) {
    record { lines(first: 250) { nodes { order { lines(first: 250) { nodes { id } } } } } }
    userErrors { code }
  }
}"""
NAMES = "{ customers { nodes { name } } }"


@pytest.fixture
async def ask(gateway, company):
    member = await make_member(gateway.services.databases, company, "OWNER")
    return gateway.client(
        await make_key(gateway.services.databases, member, key=gateway.services.identity.key)
    )


async def rows(gateway, company, table: str) -> int:
    async with gateway.services.databases.tenant_read(company.ref) as read:
        return int(await read.fetchval(f"SELECT count(*) FROM {table}"))


async def names(ask) -> list[str]:
    return [node["name"] for node in (await ask(NAMES)).data["customers"]["nodes"]]


async def test_the_payload_of_a_generic_verb_is_read_in_the_transaction_that_wrote(gateway, ask, monkeypatch):
    entered: list[str] = []
    read, write = Databases.tenant_read, Databases.tenant_write
    await names(ask)  # the member is known now
    monkeypatch.setattr(Databases, "tenant_read", lambda *a, **k: entered.append("read") or read(*a, **k))
    monkeypatch.setattr(Databases, "tenant_write", lambda *a, **k: entered.append("write") or write(*a, **k))
    made = (await ask(CREATE, {"input": {"name": "Alfreds"}})).data["createCustomer"]
    assert made["record"]["name"] == "Alfreds"
    assert entered == ["write"]


async def test_a_selection_that_is_too_large_is_refused_and_nothing_is_written(gateway, company, ask):
    before = await rows(gateway, company, "audit")
    answer = await ask(TOO_LARGE, {"input": {"name": "Alfreds"}})
    assert answer.codes == ["QUERY_TOO_LARGE"]
    assert answer.errors[0]["path"] == ["createCustomer", "record"]
    assert answer.body["data"]["createCustomer"]["record"] is None
    assert await names(ask) == []
    assert await rows(gateway, company, "audit") == before


async def test_a_verb_of_the_trade_is_undone_with_its_payload_too(gateway, company, ask):
    factory = Factory(gateway.services.databases, company)
    customer, product = await factory.one("customer"), await factory.one("product")
    before = await rows(gateway, company, "audit")
    given = {
        "order": {"number": "1", "customerId": f"cus_{customer.hex}", "orderedOn": "2026-01-05"},
        "lines": [{"productId": f"pro_{product.hex}", "quantity": "1", "unitPrice": "2"}],
    }
    answer = await ask(PLACE_TOO_LARGE, {"input": given})
    assert answer.codes == ["QUERY_TOO_LARGE"], answer.body
    assert await rows(gateway, company, "sales_order") == 0
    assert await rows(gateway, company, "audit") == before


async def test_one_field_of_a_mutation_is_undone_without_the_others(gateway, company, ask):
    query = """mutation {
      first: createCustomer(input: {name: "First"}) { record { name } userErrors { code } }
      second: createCustomer(input: {name: "Second"}) {
        record { contacts(first: 250) { nodes { customer { contacts(first: 250) { nodes { id } } } } } }
        userErrors { code }
      }
      third: createCustomer(input: {name: ""}) { record { name } userErrors { code } }
      fourth: createCustomer(input: {name: "Fourth"}) { record { name } userErrors { code } }
    }"""
    answer = await ask(query)
    assert answer.codes == ["QUERY_TOO_LARGE"]
    data = answer.body["data"]
    assert data["first"] == {"record": {"name": "First"}, "userErrors": []}
    assert data["second"]["record"] is None
    assert data["third"] == {"record": None, "userErrors": [{"code": "REQUIRED"}]}
    assert data["fourth"] == {"record": {"name": "Fourth"}, "userErrors": []}
    assert sorted(await names(ask)) == ["First", "Fourth"]


async def test_parts_of_a_payload_that_are_read_side_by_side_share_the_transaction(ask):
    query = """mutation { createCustomer(input: {name: "A"}) {
      record { name } again: record { id version } more: record { contacts { totalCount } } userErrors { code }
    } }"""
    made = (await ask(query)).data["createCustomer"]
    assert (made["record"], made["again"]["version"]) == ({"name": "A"}, 1)
    assert made["more"] == {"contacts": {"totalCount": 0}}


INVITE = """mutation { inviteToSurvey(input: {questionnaireId: "qnr_%s"}) { userErrors { code } } }""" % (
    "0" * 32
)


@pytest.mark.parametrize("query", [CREATE, INVITE], ids=["generic", "of a feature"])
async def test_a_database_that_goes_away_within_a_verb_is_no_refusal_of_the_input(ask, monkeypatch, query):
    """Whoever reads userErrors as a no for good would give up a change that only has to be asked for again."""
    await names(ask)  # the member is known now

    async def away(*_):
        raise DatabaseUnavailable(msg("The database cannot be reached. Please try again in a moment."))

    monkeypatch.setattr(Writing, "open", away)
    answer = await ask(query, {"input": {"name": "A"}} if query == CREATE else {})
    assert answer.codes == ["DATABASE_UNAVAILABLE"]
    monkeypatch.undo()
    assert await names(ask) == []


async def test_what_fails_behind_the_payload_is_told_and_leaves_nothing(ask, monkeypatch):
    complete = EngineExecutor._complete

    async def fail(self, *args):
        await complete(self, *args)
        raise DatabaseUnavailable(msg("The database cannot be reached. Please try again in a moment."))

    monkeypatch.setattr(EngineExecutor, "_complete", fail)
    assert (await ask(CREATE, {"input": {"name": "A"}})).codes == ["DATABASE_UNAVAILABLE"]
    assert await names(ask) == []
