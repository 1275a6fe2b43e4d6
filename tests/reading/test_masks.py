"""What is masked is empty, is told to be masked, and cannot be found out by searching, filtering or sorting."""

import pytest

from tests.support.factories import Factory
from tests.support.members import make_key, make_member

CUSTOMERS = """
query ($where: CustomerWhere, $orderBy: [CustomerSort!]) {
  customers(where: $where, orderBy: $orderBy) { nodes { name creditCode phone } }
}"""


@pytest.fixture
async def office(gateway, company):
    """A department with a representative, a colleague's customer, and clients by role."""
    databases = gateway.services.databases
    factory = Factory(databases, company)
    unit = await factory.one("department")

    async def client(*roles: str):
        member = await make_member(databases, company, *roles, department_id=unit)
        return member, gateway.client(await make_key(databases, member, key=gateway.services.identity.key))

    client.factory = factory
    return client


@pytest.mark.requirement("A11", "A19")
async def test_a_colleagues_customer_is_seen_by_name_only(office):
    member, ask = await office("REPRESENTATIVE")
    colleague, _ = await office("REPRESENTATIVE")
    values = {"credit_code": "91310000AB", "phone": "021 6888 1234"}
    await office.factory.one("customer", name="Mine", owner_id=member.id, **values)
    values = {"credit_code": "91310000CD", "phone": "021 6888 5678"}
    await office.factory.one("customer", name="Hers", owner_id=colleague.id, **values)

    answer = await ask(CUSTOMERS)
    assert answer.data["customers"]["nodes"] == [
        {"name": "Hers", "creditCode": None, "phone": None},
        {"name": "Mine", "creditCode": "91310000AB", "phone": "021 6888 1234"},
    ]
    assert answer.masked == ["customers.nodes.*.creditCode", "customers.nodes.*.phone"]

    async def found(where) -> list[str]:
        return [node["name"] for node in (await ask(CUSTOMERS, {"where": where})).data["customers"]["nodes"]]

    assert await found({"search": "hers"}) == ["Hers"]
    assert await found({"search": "91310000"}) == ["Mine"], "what is masked is not searched"
    assert await found({"creditCode": {"startsWith": "9131"}}) == ["Mine"]
    assert await found({"creditCode": {"isNull": True}}) == ["Hers"]
    assert await found({"phone": {"endsWith": "5678"}}) == []
    assert await found({"NOT": {"creditCode": {"eq": "91310000CD"}}}) == ["Hers", "Mine"]
    for direction in ("ASC", "DESC"):
        ordered = await ask(CUSTOMERS, {"orderBy": [{"field": "CREDIT_CODE", "direction": direction}]})
        assert [node["name"] for node in ordered.data["customers"]["nodes"]] == ["Mine", "Hers"]


@pytest.mark.requirement("A11")
async def test_what_is_masked_everywhere_is_not_asked_for_at_all(office):
    _, ask = await office("MARKETER")
    await office.factory.one("contact", name="Maria", phone="030-0074321")
    answer = await ask("{ contacts { nodes { name phone p: phoneE164 email } } }")
    assert answer.data["contacts"]["nodes"] == [{"name": "Maria", "phone": None, "p": None, "email": None}]
    assert answer.masked == [
        "contacts.nodes.*.phone",
        "contacts.nodes.*.p",
        "contacts.nodes.*.email",
    ]
    for arguments in (
        'where: {phone: {eq: "x"}}',
        "where: {phone: {isNull: true}}",
        'where: {NOT: {email: {contains: "x"}}}',
        'where: {OR: [{}, {phone: {endsWith: "21"}}]}',
        'where: {customer: {contacts: {some: {phone: {eq: "x"}}}}}',
        "orderBy: [{field: NAME}, {field: EMAIL}]",
    ):
        refused = await ask(f"{{ contacts({arguments}) {{ totalCount }} }}")
        assert refused.codes == ["BAD_USER_INPUT"], arguments
        assert refused.body["data"] is None


async def test_masked_paths_are_told_below_relations_and_edges(office):
    _, ask = await office("MARKETER")
    contact = await office.factory.one("contact", phone="030-0074321")
    query = """
    query ($id: ID!) {
      one: contact(id: $id) { phone customer { contacts { edges { node { title email } } } } }
      node(id: $id) { ... on Contact { email } }
    }"""
    answer = await ask(query, {"id": f"con_{contact.hex}"})
    below = "one.customer.contacts.edges.*.node.email"
    assert sorted(answer.masked) == sorted(["one.phone", below, "node.email"])
    assert "errors" not in answer.body


async def test_an_archived_record_fulfils_no_filter_of_its_relations(office):
    _, ask = await office("OWNER")
    customer = await office.factory.one("customer", name="A")
    contact = await office.factory.one("contact", customer_id=customer, name="Maria")
    some, none = {"contacts": {"some": {}}}, {"contacts": {"none": {"name": {"eq": "Maria"}}}}
    for where, found in ((some, 1), (none, 0)):
        assert len((await ask(CUSTOMERS, {"where": where})).data["customers"]["nodes"]) == found
    await office.factory.archive("contact", contact)
    for where, found in ((some, 0), (none, 1)):
        assert len((await ask(CUSTOMERS, {"where": where})).data["customers"]["nodes"]) == found
