"""Webhooks as the API has them."""

import pytest

from tests.support.members import make_key, make_member
from tests.support.workers import run_jobs

CREATE = """
mutation ($input: CreateWebhookInput!) {
  createWebhook(input: $input) {
    record { id url events active owner { id } } secret userErrors { code path message }
  }
}
"""
UPDATE = """
mutation ($input: UpdateWebhookInput!) {
  updateWebhook(input: $input) { record { id name url events active version } userErrors { code path } }
}
"""
ROTATE = "mutation ($id: ID!) { rotateWebhookSecret(input: {id: $id}) { secret userErrors { code path } } }"
TEST = "mutation ($id: ID!) { testWebhook(input: {id: $id}) { record { id event state } userErrors { code path } } }"
REPLAY = """
mutation ($id: ID!) { replayWebhookDelivery(input: {id: $id}) { record { id state attempts } userErrors { code path } } }
"""
LIST = """
{ webhooks(first: 10) { nodes { name url events active disabledReason
    deliveries(first: 10) { nodes { id event about state attempts responseStatus errorCode } } } } }
"""
ERP = {"name": "ERP", "url": "https://erp.example/hook", "events": ["CUSTOMER_CREATED", "CUSTOMER_GRADED"]}


@pytest.fixture
async def ask(gateway, databases, company):
    async def asker(role: str, **options):
        member = await make_member(databases, company, role)
        key = await make_key(databases, member, key=gateway.services.identity.key, **options)
        return gateway.client(bearer=key)

    return asker


@pytest.mark.requirement("I1")
async def test_a_webhook_from_its_making_to_its_log(ask, databases, tmp_path):
    admin = await ask("ADMIN")
    made = (await admin(CREATE, {"input": ERP})).data["createWebhook"]
    webhook = made["record"]
    assert made["userErrors"] == []
    assert made["secret"].startswith("whsec_")
    assert (webhook["url"], webhook["events"], webhook["active"]) == (ERP["url"], ERP["events"], True)
    assert webhook["owner"] is not None
    changed = {"id": webhook["id"], "name": "CRM", "events": ["ORDER_UPDATED"]}
    told = (await admin(UPDATE, {"input": changed})).data["updateWebhook"]
    assert told["userErrors"] == []
    assert (told["record"]["name"], told["record"]["events"], told["record"]["url"]) == (
        "CRM",
        ["ORDER_UPDATED"],
        ERP["url"],
    )
    rotated = (await admin(ROTATE, {"id": webhook["id"]})).data["rotateWebhookSecret"]
    assert rotated["secret"].startswith("whsec_")
    assert rotated["secret"] != made["secret"]
    tested = (await admin(TEST, {"id": webhook["id"]})).data["testWebhook"]["record"]
    assert (tested["event"], tested["state"]) == ("webhook.test", "WAITING")
    on_its_way = (await admin(REPLAY, {"id": tested["id"]})).data["replayWebhookDelivery"]
    assert on_its_way["userErrors"] == [{"code": "STILL_ON_ITS_WAY", "path": ["input", "id"]}]
    # erp.example exists nowhere (RFC 6761 keeps .example free), so the try comes to nothing.
    await run_jobs(
        databases, settings=databases.settings.model_copy(update={"var": tmp_path, "secret_key": None})
    )
    (found,) = (await admin(LIST)).data["webhooks"]["nodes"]
    (delivery,) = found["deliveries"]["nodes"]
    assert delivery == {
        "id": tested["id"],
        "event": "webhook.test",
        "about": webhook["id"],
        "state": "WAITING",
        "attempts": 1,
        "responseStatus": None,
        "errorCode": "NOT_REACHABLE",
    }
    assert "secret" not in (await admin('{ __type(name: "Webhook") { fields { name } } }')).http.text


@pytest.mark.requirement("I1")
@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"url": "http://erp.example/hook"}, ("URL_REFUSED", ["input", "url"])),
        ({"url": "https://10.0.0.1/hook"}, ("ADDRESS_REFUSED", ["input", "url"])),
        ({"url": "https://localhost.:0/hook"}, ("URL_REFUSED", ["input", "url"])),
        ({"events": []}, ("REQUIRED", ["input", "events"])),
        ({"name": " "}, ("REQUIRED", ["input", "name"])),
    ],
)
async def test_what_is_wrong_is_told_where_it_is(ask, databases, company, change, error):
    owner = await ask("OWNER")
    made = (await owner(CREATE, {"input": {**ERP, **change}})).data["createWebhook"]
    assert (made["record"], made["secret"]) == (None, None)
    assert [(one["code"], one["path"]) for one in made["userErrors"]] == [error]
    async with databases.tenant_read(company.ref) as read:
        assert await read.fetchval("SELECT count(*) FROM webhook") == 0


@pytest.mark.requirement("I1", "A11")
async def test_others_neither_see_nor_make_webhooks(ask):
    owner, manager, reading = (
        await ask("OWNER"),
        await ask("GENERAL_MANAGER"),
        await ask("OWNER", scopes=("read",)),
    )
    made = (await owner(CREATE, {"input": ERP})).data["createWebhook"]["record"]
    assert (await manager(LIST)).data["webhooks"]["nodes"] == []
    refused = (await manager(CREATE, {"input": ERP})).data["createWebhook"]
    assert [one["code"] for one in refused["userErrors"]] == ["FORBIDDEN"]
    refused = (await manager(ROTATE, {"id": made["id"]})).data["rotateWebhookSecret"]
    assert (refused["secret"], refused["userErrors"][0]["code"]) == (None, "FORBIDDEN")
    assert (await reading(CREATE, {"input": ERP})).codes == ["FORBIDDEN"]
    assert len((await owner(LIST)).data["webhooks"]["nodes"]) == 1


def deep(levels: int) -> str:
    """A query that goes from a contact to its customer and back, so often."""
    inner = "name"
    for level in range(levels):
        inner = f"contacts(first: 1) {{ nodes {{ {inner} }} }}" if level % 2 else f"customer {{ {inner} }}"
    return f"query ($id: ID!) {{ contact(id: $id) {{ {inner} }} }}"


NODE = "query ($id: ID!) {{ node(id: $id) {{ ... on Customer {{ {0} }} }} }}"
INVALID, TOO_LARGE, TOO_MANY = "INVALID_WEBHOOK_QUERY", "DOCUMENT_TOO_LARGE", "QUERY_TOO_LARGE"
WRONG = [
    ("query ($id: ID!) { customer(id: $id) { name }", INVALID),
    ("query ($id: ID!) { customer(id: $id) { shoeSize } }", INVALID),
    ('{ customer(id: "x") { name } }', INVALID),
    ("query ($key: ID!) { customer(id: $key) { name } }", INVALID),
    ("query ($id: ID) { customer(id: $id) { name } }", INVALID),
    ('query ($id: ID! = "x") { customer(id: $id) { name } }', INVALID),
    ("query ($id: ID!, $n: Int!) { customer(id: $id) { contacts(first: $n) { nodes { name } } } }", INVALID),
    (
        'query ($id: ID!) { customer(id: "cus_0") { contacts(where: {id: {eq: $id}}) { nodes { name } } } }',
        INVALID,
    ),
    (NODE.format("contacts(where: {id: {eq: $id}}) { nodes { name } }"), INVALID),
    ("mutation ($id: ID!) { archiveCustomer(input: {id: $id}) { record { name } } }", INVALID),
    ("subscription ($id: ID!) { customer(id: $id) { name } }", INVALID),
    ("query ($id: ID!) { customer(id: $id) { name } node(id: $id) { id } }", INVALID),
    ("query ($id: ID!) { __typename customer(id: $id) { name } }", INVALID),
    ("query ($id: ID!) { nodes(ids: [$id]) { id } }", INVALID),
    ("query ($id: ID!) { customers(where: {id: {eq: $id}}) { nodes { name } } }", INVALID),
    ("query ($id: ID!) { member(id: $id) { name } }", INVALID),
    (
        "query A($id: ID!) { customer(id: $id) { name } } query B { customers { totalCount } }",
        "BAD_USER_INPUT",
    ),
    (deep(12), TOO_LARGE),
    (NODE.format("name " * 1_000), TOO_LARGE),
    (NODE.format("contacts(first: 251) { nodes { name } }"), "BAD_USER_INPUT"),
    (
        NODE.format("contacts(first: 50) { nodes { customer { orders(first: 10) { nodes { id } } } } }"),
        TOO_MANY,
    ),
    (NODE.format(" ".join(f"c{n}: contacts(first: 1) {{ totalCount }}" for n in range(21))), TOO_MANY),
    (NODE.format('contacts(after: "x") { nodes { name } }'), "BAD_CURSOR"),
    (NODE.format('contacts(where: {custom: [{key: "gone", eq: 1}]}) { nodes { name } }'), "BAD_USER_INPUT"),
    ("query ($id: ID!) { contact(id: $id) { name } }", "EVENT_NOT_OF_QUERY"),
    ("x" * 20_001, INVALID),
    ("query ($id: ID!) { customer(id: $id) { name } } #" + "x" * 20_000, "TOO_LONG"),
]


@pytest.mark.requirement("I1")
async def test_queries_that_cannot_be_told_are_refused_where_they_stand(ask, databases, company):
    owner = await ask("OWNER")
    for query, code in WRONG:
        made = (await owner(CREATE, {"input": {**ERP, "query": query}})).data["createWebhook"]
        assert (made["record"], made["secret"]) == (None, None), query
        told = [(one["code"], one["path"]) for one in made["userErrors"]]
        assert told == [(code, ["input", "query"])], query
        assert made["userErrors"][0]["message"]
    async with databases.tenant_read(company.ref) as read:
        assert await read.fetchval("SELECT count(*) FROM webhook") == 0
        assert await read.fetchval("SELECT count(*) FROM audit WHERE record = 'webhook'") == 0


@pytest.mark.requirement("I1")
async def test_a_wrong_query_leaves_the_webhook_as_it_was(ask, databases, company):
    owner = await ask("OWNER")
    query = "query ($id: ID!) {\r\n\tcustomer(id: $id) { name }\n}"
    webhook = (await owner(CREATE, {"input": {**ERP, "query": query}})).data["createWebhook"]["record"]["id"]
    async with databases.tenant_read(company.ref) as read:
        before = await read.fetch("SELECT * FROM webhook")
    assert before[0]["query"] == "query ($id: ID!) {\n  customer(id: $id) { name }\n}"
    for change, error in (
        (
            {"query": "query ($id: ID!) { contact(id: $id) { name } }"},
            ("EVENT_NOT_OF_QUERY", ["input", "query"]),
        ),
        ({"query": "{"}, (INVALID, ["input", "query"])),
        ({"events": ["CUSTOMER_CREATED", "ORDER_CREATED"]}, ("EVENT_NOT_OF_QUERY", ["input", "events"])),
    ):
        told = (await owner(UPDATE, {"input": {"id": webhook, **change}})).data["updateWebhook"]
        assert [(one["code"], one["path"]) for one in told["userErrors"]] == [error]
    async with databases.tenant_read(company.ref) as read:
        assert await read.fetch("SELECT * FROM webhook") == before
    both = {"events": ["CONTACT_CREATED"], "query": "query ($id: ID!) { contact(id: $id) { name } }"}
    told = (await owner(UPDATE, {"input": {"id": webhook, **both}})).data["updateWebhook"]
    assert (told["record"]["events"], told["userErrors"]) == (["CONTACT_CREATED"], [])
    shown = (await owner("{ webhooks { nodes { query } } }")).data["webhooks"]["nodes"]
    assert shown == [{"query": both["query"]}]
    told = (await owner(UPDATE, {"input": {"id": webhook, "query": None}})).data["updateWebhook"]
    assert told["userErrors"] == []
    assert (await owner("{ webhooks { nodes { query } } }")).data["webhooks"]["nodes"] == [{"query": None}]


async def test_a_test_is_of_a_record_that_there_is(ask):
    owner = await ask("OWNER")
    webhook = (await owner(CREATE, {"input": ERP})).data["createWebhook"]["record"]["id"]
    customer = (await owner('mutation { createCustomer(input: {name: "One"}) { record { id } } }')).data[
        "createCustomer"
    ]["record"]["id"]
    verb = """mutation ($id: ID!, $of: ID) { testWebhook(input: {id: $id, recordId: $of}) {
        record { event about } userErrors { code path } } }"""
    told = (await owner(verb, {"id": webhook, "of": customer})).data["testWebhook"]
    assert told == {"record": {"event": "webhook.test", "about": customer}, "userErrors": []}
    for wrong in ("x", "cus_" + "0" * 32, webhook):
        told = (await owner(verb, {"id": webhook, "of": wrong})).data["testWebhook"]
        assert told == {"record": None, "userErrors": [{"code": "NOT_FOUND", "path": ["input", "recordId"]}]}
