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
