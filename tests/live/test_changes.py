"""What is told of records that change: to whom, of what, and nothing else."""

from datetime import UTC, datetime

import pytest

from kedang_graphql.live_types import CODES, watchable
from kedang_platform.ids import new_id
from kedang_platform.live import LiveEvent, Publisher
from kedang_tenants.catalogue import catalogue
from kedang_tenants.changing import Change, events_of
from kedang_tenants.changing.events import _subscribers
from kedang_tenants.webhooks.models import EVENTS

WATCH = "subscription { customerChanges { action id sequence at changed customer { id name city } } }"
NAMES = "subscription { customerChanges { action customer { name } } }"


@pytest.mark.requirement("I1")
async def test_each_change_is_told_with_the_record_as_it_is(town, side):
    client = await town.client(side.key)
    await client.watch(WATCH)
    customer = await side.create("customer", name="Alfreds Futterkiste", city="Berlin")
    await town.work()
    created = await client.change()
    assert created["action"] == "CREATED"
    assert created["id"] == f"cus_{customer.hex}"
    assert created["customer"] == {"id": created["id"], "name": "Alfreds Futterkiste", "city": "Berlin"}
    assert {"name", "city"} <= set(created["changed"])
    assert "nameSort" not in created["changed"]
    await side.update("customer", customer, city="München")
    await town.work()
    updated = await client.change()
    assert (updated["action"], updated["changed"]) == ("UPDATED", ["city"])
    assert updated["customer"]["city"] == "München"
    assert int(updated["sequence"]) > int(created["sequence"])
    assert updated["at"] > created["at"]
    await side.archive("customer", customer)
    await side.change(Change("customer", "restore", customer))
    await town.work()
    assert [(await client.change())["action"] for _ in range(2)] == ["ARCHIVED", "RESTORED"]
    await side.create("product", number="1", name="Chai")
    await town.work()
    await client.nothing()


async def test_what_was_rolled_back_is_told_to_nobody(town, side):
    client = await town.client(side.key)
    await client.watch(NAMES)
    refused = 'mutation { createCustomer(input: {name: ""}) { userErrors { code } } }'
    assert (await client.ask(refused))["data"]["createCustomer"]["userErrors"]
    await town.work()
    await client.nothing()


@pytest.mark.requirement("I1")
async def test_ids_actions_and_where_choose_what_is_told(town, side):
    first, second = [await side.create("customer", name=name, city="Berlin") for name in ("One", "Two")]
    await town.work()
    client = await town.client(side.key)
    query = """subscription ($ids: [ID!], $actions: [ChangeAction!], $where: CustomerWhere) {
      customerChanges(ids: $ids, actions: $actions, where: $where) { action customer { name } } }"""
    await client.watch(query, "ids", {"ids": [f"cus_{first.hex}", "cus_nonsense", "pro_" + "0" * 32]})
    await client.watch(query, "actions", {"actions": ["ARCHIVED"]})
    await client.watch(query, "where", {"where": {"city": {"eq": "Paris"}}})
    await client.watch(query, "none", {"ids": []})
    await side.update("customer", first, city="Paris")
    await side.update("customer", second, city="London")
    await side.archive("customer", second)
    await town.work()
    assert await client.change("ids") == {"action": "UPDATED", "customer": {"name": "One"}}
    assert await client.change("where") == {"action": "UPDATED", "customer": {"name": "One"}}
    assert await client.change("actions") == {"action": "ARCHIVED", "customer": {"name": "Two"}}
    await client.nothing()


async def test_selections_are_answered_as_in_queries(town, side):
    customer = await side.create("customer", name="Ernst Handel", owner_id=side.owner.id)
    await side.create("contact", customer_id=customer, name="Roland Mendel")
    await town.work()
    client = await town.client(side.key)
    shown = """
      ...basics again: customer { n: name }
      customer { owner { name } contacts(first: 2) { nodes { name } totalCount } }"""
    query = f"""subscription {{ told: customerChanges {{ __typename what: action {shown} }} }}
      fragment basics on CustomerChange {{ customer {{ __typename name }} }}"""
    await client.watch(query)
    await side.update("customer", customer, city="Graz")
    await town.work()
    assert await client.next() == {
        "data": {
            "told": {
                "__typename": "CustomerChange",
                "what": "UPDATED",
                "customer": {
                    "__typename": "Customer",
                    "name": "Ernst Handel",
                    "owner": {"name": "Nancy Davolio"},
                    "contacts": {"nodes": [{"name": "Roland Mendel"}], "totalCount": 1},
                },
                "again": {"n": "Ernst Handel"},
            }
        }
    }


@pytest.mark.requirement("T1", "I1")
async def test_a_company_hears_nothing_of_another(town, two_companies):
    ours, theirs = [await town.open(company) for company in two_companies]
    ear, other = await town.client(ours.key), await town.client(theirs.key)
    for client in (ear, other):
        await client.watch(NAMES)
    customer = await theirs.create("customer", name="Rival's customer")
    await town.work()
    assert await other.change() == {"action": "CREATED", "customer": {"name": "Rival's customer"}}
    await ear.nothing()
    query = "subscription ($ids: [ID!]) { customerChanges(ids: $ids) { id } }"
    await ear.watch(query, "by id", {"ids": [f"cus_{customer.hex}"]})
    await theirs.update("customer", customer, city="Linz")
    await town.work()
    await other.change()
    await ear.nothing()
    await ours.create("customer", name="Ours")
    await town.work()
    assert (await ear.change())["customer"] == {"name": "Ours"}
    await other.nothing()


@pytest.mark.requirement("I1")
async def test_a_representative_hears_of_their_own_only(town, side):
    nancy, key = await side.hire("REPRESENTATIVE")
    colleague, _ = await side.hire("REPRESENTATIVE", name="Janet Leverling")
    await town.work()
    client = await town.client(key)
    await client.watch(NAMES)
    contacts = "subscription { contactChanges { contact { name } } }"
    await client.watch(contacts, "contacts")
    mine = await side.create("customer", name="Mine", owner_id=nancy.id)
    theirs = await side.create("customer", name="Theirs", owner_id=colleague.id)
    await side.create("contact", customer_id=theirs, name="Their contact")
    await side.create("contact", customer_id=mine, name="My contact")
    await side.archive("customer", theirs)
    await town.work()
    assert await client.change() == {"action": "CREATED", "customer": {"name": "Mine"}}
    assert await client.change("contacts") == {"contact": {"name": "My contact"}}
    await client.nothing()
    await side.update(
        "customer", mine, owner_id=colleague.id
    )  # out of their sight: not told, nor what follows
    await side.archive("customer", mine)
    await town.work()
    await client.nothing()
    await side.update("customer", theirs, owner_id=nancy.id)
    await town.work()
    assert await client.change() == {"action": "UPDATED", "customer": {"name": "Theirs"}}


async def test_a_companys_own_fields_are_told(town, side):
    await side.create(
        "custom_field", record="customer", key="vat", kind="TEXT", label={"en": "VAT"}, position=1
    )
    await town.work()
    town.gateway.services.viewers.forget()
    client = await town.client(side.key)
    query = "subscription { customerChanges { changed customer { customFields } } }"
    await client.watch(query)
    made = (
        'mutation { createCustomer(input: {name: "A", customFields: {vat: "DE1"}}) { userErrors { code } } }'
    )
    assert (await client.ask(made))["data"] == {"createCustomer": {"userErrors": []}}
    await town.work()
    told = await client.change()
    assert "customFields" in told["changed"]
    assert told["customer"]["customFields"] == {"vat": "DE1"}


async def test_what_is_told_twice_by_workers_is_told_once(town, side):
    """A worker that dies after it has told, and before it has noted so, is followed by one that tells again."""
    client = await town.client(side.key)
    await client.watch(NAMES)
    customer = await side.create("customer", name="Once")
    async with side.databases.tenant_read(side.company.ref) as read:
        transaction = await read.fetchval("SELECT transaction FROM audit WHERE record_id = $1", customer)
        (event,) = await events_of(read, transaction)
    publisher = Publisher(town.gateway.services.settings.redis_url)
    told = LiveEvent("customer", customer, "created", event.sequence, event.at, ("name",))
    await publisher.publish(side.company.id, [told])
    await publisher.close()
    await town.work()
    assert (await client.change())["customer"] == {"name": "Once"}
    await client.nothing()


@pytest.mark.requirement("T1", "I1")
async def test_not_even_a_message_in_the_wrong_channel_tells_of_another_company(town, two_companies):
    """Every record is watched; told of what lies in the other company, nobody is told anything."""
    ours, theirs = [await town.open(company) for company in two_companies]
    customer = await theirs.create("customer", name="Rival's customer")
    product = await theirs.create("product", number="1", name="Rival's product")
    known = {"customer": customer, "product": product, "member": theirs.owner.id}
    client, other = await town.client(ours.key), await town.client(ours.key)
    for place, field in enumerate(sorted(watchable(), key="customerChanges".__ne__)):
        # A connection has fifty subscriptions at the most.
        watching = client if place < 40 else other
        await watching.watch(f"subscription {{ {field} {{ id action changed }} }}", field)
    for name, record_id in known.items():
        named = f'{name}Changes(ids: ["{catalogue().record(name).prefix}_{record_id.hex}"])'
        await client.watch(f"subscription {{ {named} {{ id action changed }} }}", f"{name} by its id")
    events = [
        LiveEvent(
            record.name, known.get(record.name, new_id()), "updated", n, datetime.now(UTC), ("version",)
        )
        for n, record in enumerate(catalogue(), 10**9)
    ]
    await town.services.live.publish(ours.company.id, events)
    own = await ours.create("customer", name="Ours")
    await town.work()
    assert (await client.change("customerChanges"))["id"] == f"cus_{own.hex}"
    await client.nothing()
    await other.nothing()


def test_every_event_that_there_is_has_its_action():
    catalogue()
    names = {*_subscribers, *EVENTS}
    assert {name.partition(".")[2] for name in names} <= set(CODES)
