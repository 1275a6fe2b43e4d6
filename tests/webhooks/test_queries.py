"""What a webhook's query brings: what the API would answer to its owner, told with the event."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from kedang_platform.errors import KedangError, NotFound
from kedang_tenants.changing import Change
from kedang_tenants.reading import NO_ACCESS, MaskedField
from kedang_tenants.webhooks.operations import WebhookInactive
from kedang_tenants.webhooks.questions import decode_question, encode_question
from tests.support.members import make_key, make_member

CREATED, UPDATED = "CUSTOMER_CREATED", "CUSTOMER_UPDATED"
NAME = "query ($id: ID!) { customer(id: $id) { name } }"

WHOLE = """
query Whole($id: ID!) {
  firm: customer(id: $id) {
    __typename id name kind: __typename directory roles state direct foundedOn createdAt version customFields
    owner { id name department { name } }
    boss: owner { email }
    parent { id name }
    contacts(first: 2, orderBy: [{field: NAME, direction: DESC}]) {
      __typename totalCount totalPrecision
      pageInfo { __typename hasNextPage hasPreviousPage startCursor endCursor }
      edges { __typename cursor node { id name phone customer { name } } }
      nodes { email customerId }
    }
    old: contacts(last: 1, archived: ONLY) { nodes { name archivedAt } }
    orders(first: 3, orderBy: [{field: NUMBER}], where: {state: {eq: OPEN}}) {
      nodes { number orderedOn currency total freight
        lines(first: 2) { nodes { position quantity unitPrice discount product { id name } } } }
    }
  }
}
"""
NODES = """
query ($id: ID!) {
  node(id: $id) {
    __typename
    ... on Customer { name ...Owned }
    ... on Order { number customer { ...Owned contacts(first: 5) { nodes { name } } } lines { totalCount } }
  }
}
fragment Owned on Customer { owner { name } }
"""


@pytest.fixture
async def admin(shop, gateway):
    """An admin with an API key: as viewer, and as a client of the running gateway."""
    member = await make_member(shop.databases, shop.company, "ADMIN")
    key = await make_key(shop.databases, member, key=gateway.services.identity.key)
    return await shop.as_member(member.id), gateway.client(bearer=key)


async def own_field(shop, key: str, kind: str):
    """A field of the company's own, which the shop's viewer knows."""
    values = {"record": "customer", "key": key, "kind": kind, "label": {"en": key}}
    (made,) = await shop.change(Change("custom_field", "create", values=values))
    shop.viewer = await shop.as_member(shop.viewer.member_id)
    return made


async def trade(shop) -> dict:
    """Customers with all that hangs on them."""
    await own_field(shop, "rank", "INTEGER")
    await own_field(shop, "since", "DAY")
    group = await shop.create("customer", name="Group")
    firm = Change(
        "customer",
        "create",
        values={"name": "Alfreds Futterkiste", "owner_id": shop.viewer.member_id, "parent_id": group},
        custom={"rank": 7, "since": date(2019, 2, 28)},
    )
    (customer,) = await shop.change(firm)
    people = [
        {
            "customer_id": customer,
            "name": f"Person {n}",
            "phone": f"030-007432{n}",
            "email": f"p{n}@x.example",
        }
        for n in range(4)
    ]
    made = await shop.create_many("contact", people)
    await shop.archive("contact", made[0])
    orders = [
        await shop.order(customer, date(2026, 3, n), ("1.5", "19.99"), ("2", "0.333333"), number=f"{n}")
        for n in (1, 2)
    ]
    await shop.order(customer, date(2026, 3, 3), ("1", "1"), number="3", state="CANCELLED")
    return {"customer": customer, "order": orders[0], "contact": made[1]}


@pytest.mark.requirement("I1")
@pytest.mark.parametrize("query", [WHOLE, NODES, NAME], ids=["whole", "nodes", "name"])
async def test_the_payload_is_what_the_api_answers_to_the_same_query(shop, hooks, receiver, admin, query):
    viewer, client = admin
    made = await trade(shop)
    await shop.work()
    events = [UPDATED] if query is not NODES else [UPDATED, "ORDER_UPDATED", "CONTACT_UPDATED"]
    await hooks.make(*events, query=query, viewer=viewer)
    await shop.update("customer", made["customer"], city="Berlin")
    await shop.update("order", made["order"], ship_city="Köln")
    await shop.update("contact", made["contact"], name="Person 9")
    await shop.work()
    assert receiver.types == [event.lower().replace("_", ".") for event in events]
    for got in receiver.got:
        data = got.json["data"]
        answered = await client(query, {"id": data["id"]})
        assert data["payload"] == answered.data
        assert data["masked"] == answered.masked == []
    first = receiver.got[0].json["data"]
    assert first["changed"] == {"city": "Berlin"}
    (shown,) = first["payload"].values()
    assert shown["name"] == "Alfreds Futterkiste"
    if query is WHOLE:
        assert shown["customFields"] == {"rank": 7, "since": "2019-02-28"}
        assert [edge["node"]["name"] for edge in shown["contacts"]["edges"]] == ["Person 9", "Person 3"]
        assert shown["contacts"]["totalCount"] == 3
        assert shown["old"]["nodes"][0]["name"] == "Person 0"
        assert [order["number"] for order in shown["orders"]["nodes"]] == ["1", "2"]
        assert shown["orders"]["nodes"][0]["lines"]["nodes"][0]["quantity"] == "1.5"


@pytest.mark.requirement("I1", "A11")
async def test_what_is_masked_for_the_owner_is_null_and_told_as_the_api_does(shop, hooks, receiver, gateway):
    """An admin who later keeps accounts: telephone numbers and addresses are not for her any more."""
    member = await make_member(shop.databases, shop.company, "ADMIN")
    key = await make_key(shop.databases, member, key=gateway.services.identity.key)
    query = """query ($id: ID!) { contact(id: $id) {
        name phone customer { name contacts(first: 3) { nodes { name email } edges { node { phone } } } } } }"""
    await hooks.make("CONTACT_CREATED", query=query, viewer=await shop.as_member(member.id))
    await shop.change(Change("member", "update", member.id, values={"roles": ["FINANCE"]}), internally=True)
    customer = await shop.create("customer", name="One")
    await shop.create("contact", customer_id=customer, name="Maria", phone="030-0074321", email="m@x.example")
    await shop.work()
    (data,) = [got.json["data"] for got in receiver.got]
    answered = await gateway.client(bearer=key)(query, {"id": data["id"]})
    assert data["payload"] == answered.data
    assert data["masked"] == answered.masked
    assert data["masked"] == [
        "contact.customer.contacts.edges.*.node.phone",
        "contact.customer.contacts.nodes.*.email",
        "contact.phone",
    ]
    assert data["payload"]["contact"]["phone"] is None
    assert b"0074321" not in receiver.got[0].body


@pytest.mark.requirement("I1", "A11")
async def test_of_a_record_out_of_sight_nothing_is_told_and_of_others_only_what_is_in_sight(
    shop, hooks, receiver
):
    nancy = await shop.hire("Nancy Davolio", "ADMIN")
    query = "query ($id: ID!) { customer(id: $id) { name parent { name } contacts(first: 1) { nodes { name } } } }"
    await hooks.make(CREATED, UPDATED, query=query, viewer=await shop.as_member(nancy))
    await shop.change(
        Change("member", "update", nancy, values={"roles": ["REPRESENTATIVE"]}), internally=True
    )
    other = await shop.create("customer", name="Not hers", owner_id=shop.viewer.member_id)
    hers = await shop.create("customer", name="Hers", owner_id=nancy, parent_id=other)
    await shop.create("contact", customer_id=hers, name="Maria")
    await shop.update("customer", hers, city="Berlin")
    await shop.work()
    told = [
        got.json["data"]["payload"]["customer"]
        for got in receiver.got
        if "city" in got.json["data"]["changed"]
    ]
    assert told == [{"name": "Hers", "parent": None, "contacts": {"nodes": [{"name": "Maria"}]}}]
    assert await hooks.states() == ["SKIPPED", "DELIVERED", "DELIVERED"]


@pytest.mark.requirement("A11", "I1")
@pytest.mark.parametrize(
    "query",
    [
        "query ($id: ID!) { node(id: $id) { ... on Contact { phone } } }",
        "query ($id: ID!) { customer(id: $id) { contacts { edges { node { phone } } } } }",
        "query ($id: ID!) { customer(id: $id) { contacts(first: 5) { nodes { customer { contacts(first: 5) { nodes { phone } } } } } } }",
        'query ($id: ID!) { customer(id: $id) { contacts(where: {phone: {eq: "1"}}) { totalCount } } }',
        "query ($id: ID!) { customer(id: $id) { orders { totalCount nodes { number } } } }",
    ],
)
async def test_what_its_maker_never_sees_is_refused(shop, hooks, query):
    """No role of today makes webhooks and is masked from anything; should there be one, it is told at once."""
    known = shop.viewer.access
    access = {**known, "contact": replace(known["contact"], sensitive={}), "order": NO_ACCESS}
    viewer = replace(shop.viewer, access=access, known_masks={})
    with pytest.raises(MaskedField) as caught:
        await hooks.make("CUSTOMER_CREATED", query=query, viewer=viewer)
    assert caught.value.path == ("query",)
    assert await shop.value("SELECT count(*) FROM webhook") == 0


async def test_an_archived_record_is_told_of_as_the_api_shows_it(shop, hooks, receiver, admin):
    viewer, client = admin
    query = "query ($id: ID!) { customer(id: $id) { name archivedAt } }"
    await hooks.make("CUSTOMER_ARCHIVED", query=query, viewer=viewer)
    customer = await shop.create("customer", name="One")
    await shop.archive("customer", customer)
    await shop.work()
    (data,) = [got.json["data"] for got in receiver.got]
    assert data["payload"] == (await client(query, {"id": data["id"]})).data
    assert data["payload"]["customer"]["archivedAt"] is not None


async def test_events_of_which_the_query_says_nothing_have_no_payload(shop, hooks, receiver):
    await hooks.make(
        CREATED, "CONTACT_CREATED", query="query ($id: ID!) { node(id: $id) { ... on Contact { name } } }"
    )
    customer = await shop.create("customer", name="One")
    await shop.create("contact", customer_id=customer, name="Maria")
    await shop.work()
    told = {got.json["type"]: got.json["data"] for got in receiver.got}
    assert told["customer.created"]["payload"] is None
    assert told["customer.created"]["changed"]["name"] == "One"
    assert told["contact.created"]["payload"] == {"node": {"name": "Maria"}}


async def test_every_try_and_every_replay_tells_the_same(shop, hooks, receiver):
    await hooks.make(CREATED, query=NAME)
    receiver.statuses = [500]
    customer = await shop.create("customer", name="One")
    await shop.work()
    await shop.update("customer", customer, name="Two")
    shop.clock.move(timedelta(minutes=1))
    await shop.work()
    (delivery,) = await hooks.deliveries()
    await hooks.replay(delivery["id"])
    await shop.work()
    assert len({(got.id, got.body) for got in receiver.got}) == 1
    assert [got.json["data"]["payload"] for got in receiver.got] == [{"customer": {"name": "One"}}] * 3


async def test_an_answer_too_large_is_left_out_and_told(shop, hooks, receiver):
    query = "query ($id: ID!) { customer(id: $id) { name contacts(first: 40) { nodes { note } } } }"
    await hooks.make(UPDATED, query=query)
    customer = await shop.create("customer", name="One")
    people = [{"customer_id": customer, "name": f"P{n}", "note": "x" * 9_000} for n in range(30)]
    await shop.create_many("contact", people)
    await shop.update("customer", customer, city="Berlin")
    await shop.work()
    (data,) = [got.json["data"] for got in receiver.got]
    assert (data["payload"], data["payloadError"]) == (None, "PAYLOAD_TOO_LARGE")
    assert data["changed"] == {"city": "Berlin"}


@pytest.mark.requirement("I1")
async def test_a_test_of_a_record_tells_what_the_query_brings_of_it(shop, hooks, receiver):
    webhook = await hooks.make(CREATED, query=NAME)
    customer = await shop.create("customer", name="One")
    await shop.work()
    receiver.got.clear()
    await hooks.test(webhook, about=("customer", customer))
    await shop.work()
    (got,) = receiver.got
    assert got.json["type"] == "webhook.test"
    assert got.json["data"] == {
        "id": f"cus_{customer.hex}",
        "record": "Customer",
        "payload": {"customer": {"name": "One"}},
        "masked": [],
    }
    for about in (("customer", webhook), ("member", shop.viewer.member_id)):
        with pytest.raises(NotFound):
            await hooks.test(webhook, about=about)
    assert len(await hooks.deliveries()) == 2


async def test_a_query_is_changed_and_taken_away(shop, hooks, receiver):
    webhook = await hooks.make(UPDATED, query=NAME)
    customer = await shop.create("customer", name="One")
    for city, query in (("Berlin", "query ($id: ID!) { customer(id: $id) { city } }"), ("Paris", None)):
        await hooks.update(webhook, query=query)
        await shop.update("customer", customer, city=city)
        await shop.work()
    assert [got.json["data"].get("payload") for got in receiver.got] == [
        {"customer": {"city": "Berlin"}},
        None,
    ]
    row = await hooks.row(webhook)
    assert (row["query"], row["question"]) == (None, None)


async def _off(shop, hooks, webhook) -> None:
    """It is switched off, its keepers are told why, and nothing waits."""
    row = await hooks.row(webhook)
    assert (row["active"], row["disabled_reason"]) == (False, "UNANSWERABLE")
    assert [(r["state"], r["error_code"]) for r in await hooks.deliveries()] == [
        ("FAILED", "UNANSWERABLE_QUERY"),
        ("CANCELLED", None),
    ]
    (mail,) = shop.mails_to("andrew.fuller@northwind.example")
    assert mail.subject == "The webhook “ERP” was switched off"
    assert "Its query can no longer be answered." in mail.text


@pytest.mark.requirement("I1", "T10")
async def test_a_field_of_the_companys_own_that_is_dropped_switches_it_off(shop, hooks, receiver):
    field = await own_field(shop, "rank", "TEXT")
    query = """query ($id: ID!) { customer(id: $id) {
        name contacts(where: {customer: {custom: [{key: "rank", eq: "A"}]}}) { nodes { name } } } }"""
    webhook = await hooks.make(UPDATED, query=query)
    customer = await shop.create("customer", name="One")
    await shop.update("customer", customer, city="Berlin")
    await shop.work()
    assert receiver.got[0].json["data"]["payload"] == {"customer": {"name": "One", "contacts": {"nodes": []}}}
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await write.fetch("DELETE FROM webhook_delivery")
    await shop.archive("custom_field", field)
    shop.viewer = await shop.as_member(shop.viewer.member_id)
    await shop.update("customer", customer, city="Paris")
    await shop.update("customer", customer, city="Rome")
    await shop.work()
    assert len(receiver.got) == 1
    await _off(shop, hooks, webhook)
    with pytest.raises(KedangError) as caught:
        await hooks.update(webhook, active=True)
    assert caught.value.path == ("query",)
    assert not (await hooks.row(webhook))["active"]
    await hooks.update(webhook, active=True, query=NAME)
    for delivery in await hooks.deliveries():
        await hooks.replay(delivery["id"])
    await shop.work()
    assert [got.json["data"]["changed"]["city"] for got in receiver.got[1:]] == ["Paris", "Rome"]
    assert receiver.got[-1].json["data"]["payload"] == {"customer": {"name": "One"}}


@pytest.mark.requirement("I1")
@pytest.mark.parametrize(
    "stored",
    [
        """jsonb_set(question, '{shown,customer,0,name}', '"gone"')""",
        """jsonb_set(question, '{form}', '2')""",
        "'[]'::jsonb",
    ],
)
async def test_what_another_release_left_unreadable_switches_it_off(shop, hooks, receiver, stored):
    webhook = await hooks.make(UPDATED, query=NAME)
    customer = await shop.create("customer", name="One")
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await write.fetch(f"UPDATE webhook SET question = {stored}")
    await shop.update("customer", customer, city="Berlin")
    await shop.update("customer", customer, city="Paris")
    await shop.work()
    assert receiver.got == []
    await _off(shop, hooks, webhook)
    with pytest.raises(WebhookInactive):
        await hooks.test(webhook)
    await hooks.update(webhook, active=True)  # the query is read anew, by this release
    await shop.update("customer", customer, city="Rome")
    await shop.work()
    assert [got.json["data"]["payload"] for got in receiver.got] == [{"customer": {"name": "One"}}]


async def test_a_question_is_stored_and_read_without_loss(shop, hooks):
    for query in (WHOLE, NODES):
        question = hooks.asks_of()(query)
        assert decode_question(encode_question(question)) == question
