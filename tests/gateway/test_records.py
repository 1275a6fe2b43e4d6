import pytest

from tests.support.members import make_key, make_member


@pytest.fixture
async def owner(gateway, company):
    member = await make_member(gateway.services.databases, company, "OWNER")
    return member, gateway.client(
        await make_key(gateway.services.databases, member, key=gateway.services.identity.key)
    )


async def test_records_are_created_listed_and_paged(gateway, owner):
    _, ask = owner
    made = await ask("""mutation { createCustomer(input: {name: "Alfreds Futterkiste", country: "DE", phone: "030-0074321", ownerId: null}) {
      record { id name version phoneE164 } userErrors { path message code } } }""")
    assert made.data["createCustomer"]["userErrors"] == []
    cid = made.data["createCustomer"]["record"]["id"]
    for name in ("Maria", "Hanna"):
        r = await ask(
            "mutation($c: ID!, $n: String!) { createContact(input: {customerId: $c, name: $n}) { record { name customer { name } } userErrors { code path message } } }",
            {"c": cid, "n": name},
        )
        assert r.data["createContact"]["userErrors"] == [], r.body
    r = await ask(
        """{ customers(first: 1, orderBy: [{field: NAME}], where: {contacts: {some: {name: {eq: "Maria"}}}, search: "futter"}) {
       totalCount totalPrecision pageInfo { hasNextPage endCursor } edges { cursor node { id } }
       nodes { name createdAt owner { name } tags { nodes { id } } contacts(first: 1) { nodes { __typename name customer { name } } totalCount pageInfo { hasNextPage } } } }
       customer(id: "%s") { name } node(id: "%s") { __typename id ... on Customer { name } } }"""
        % (cid, cid)
    )
    print(r.body)
    assert r.data["customers"]["nodes"][0]["contacts"]["totalCount"] == 2
