from tests.support.members import make_key, make_member

CREATE_CUSTOMER = """
mutation ($input: CreateCustomerInput!) {
  createCustomer(input: $input) { record { id name phoneE164 } userErrors { path message code } }
}"""
CREATE_CONTACT = """
mutation ($customer: ID!, $name: String!) {
  createContact(input: {customerId: $customer, name: $name}) {
    record { name customer { name } } userErrors { code }
  }
}"""
READ = """
query ($id: ID!) {
  customers(first: 1, orderBy: [{field: NAME}], where: {contacts: {some: {name: {eq: "Maria"}}}, search: "futter"}) {
    totalCount totalPrecision pageInfo { hasNextPage }
    nodes {
      name owner { name }
      contacts(first: 1) {
        nodes { __typename name customer { name } } totalCount pageInfo { hasNextPage }
      }
    }
  }
  customer(id: $id) { name }
  node(id: $id) { __typename id ... on Customer { name } }
}"""


async def test_a_customer_with_contacts_is_created_and_read_in_one_request(gateway, company):
    databases = gateway.services.databases
    owner = await make_member(databases, company, "OWNER")
    ask = gateway.client(await make_key(databases, owner, key=gateway.services.identity.key))

    given = {"name": "Alfreds Futterkiste", "country": "DE", "phone": "030-0074321"}
    made = (await ask(CREATE_CUSTOMER, {"input": given})).data["createCustomer"]
    customer_id = made["record"].pop("id")
    assert made == {
        "record": {"name": "Alfreds Futterkiste", "phoneE164": "+49300074321"},
        "userErrors": [],
    }
    for name in ("Maria", "Hanna"):
        answer = await ask(CREATE_CONTACT, {"customer": customer_id, "name": name})
        assert answer.data["createContact"] == {
            "record": {"name": name, "customer": {"name": "Alfreds Futterkiste"}},
            "userErrors": [],
        }

    hanna = {"__typename": "Contact", "name": "Hanna", "customer": {"name": "Alfreds Futterkiste"}}
    assert (await ask(READ, {"id": customer_id})).data == {
        "customers": {
            "totalCount": 1,
            "totalPrecision": "EXACT",
            "pageInfo": {"hasNextPage": False},
            "nodes": [
                {
                    "name": "Alfreds Futterkiste",
                    "owner": None,
                    "contacts": {"nodes": [hanna], "totalCount": 2, "pageInfo": {"hasNextPage": True}},
                }
            ],
        },
        "customer": {"name": "Alfreds Futterkiste"},
        "node": {"__typename": "Customer", "id": customer_id, "name": "Alfreds Futterkiste"},
    }
