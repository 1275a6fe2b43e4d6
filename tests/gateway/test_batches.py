"""Many at once: all or nothing, or what can be done; and a customer with its contacts."""

import asyncio
from collections import Counter

import pytest

from kedang_platform.clock import SystemClock
from kedang_platform.database import TenantWrite
from kedang_tenants.changing import Change, change
from tests.support.factories import Factory
from tests.support.members import make_key, make_member, viewer_of

pytestmark = pytest.mark.requirement("I1")
CREATE = """
mutation ($inputs: [CreateCustomerInput!]!, $partial: Boolean! = false) {
  createCustomers(inputs: $inputs, partial: $partial) {
    records { id version name contacts { totalCount } } userErrors { path code }
  }
}"""
UPDATE = """
mutation ($inputs: [UpdateCustomerInput!]!, $partial: Boolean! = false) {
  updateCustomers(inputs: $inputs, partial: $partial) { records { name city } userErrors { path code } }
}"""
ARCHIVE = """
mutation ($inputs: [RecordInput!]!) {
  archiveCustomers(inputs: $inputs) { records { id version } userErrors { path code } }
}"""
RESTORE = ARCHIVE.replace("archive", "restore")
ONE = """
mutation ($input: CreateCustomerInput!) {
  createCustomer(input: $input) {
    record { name contacts { nodes { name primary } } } userErrors { path code }
  }
}"""
NAMES = "{ customers(first: 250, orderBy: {field: NAME}) { nodes { name } } contacts { totalCount } }"


async def asking(gateway, company, role="OWNER"):
    member = await make_member(gateway.services.databases, company, role)
    return gateway.client(
        await make_key(gateway.services.databases, member, key=gateway.services.identity.key)
    )


@pytest.fixture
async def ask(gateway, company):
    return await asking(gateway, company)


async def create(ask, *inputs, partial=False):
    answer = await ask(CREATE, {"inputs": list(inputs), "partial": partial})
    return answer.data["createCustomers"]


async def names(ask) -> list[str]:
    return [node["name"] for node in (await ask(NAMES)).data["customers"]["nodes"]]


async def test_many_are_created_changed_archived_and_restored_in_the_order_of_the_inputs(ask):
    made = await create(ask, *({"name": f"Customer {n:03}"} for n in range(250)))
    assert made["userErrors"] == []
    assert [one["name"] for one in made["records"]] == [f"Customer {n:03}" for n in range(250)]
    some = [one["id"] for one in made["records"][:3]]

    changed = await ask(UPDATE, {"inputs": [{"id": id_, "city": f"City {n}"} for n, id_ in enumerate(some)]})
    assert [one["city"] for one in changed.data["updateCustomers"]["records"]] == [
        "City 0",
        "City 1",
        "City 2",
    ]
    away = (await ask(ARCHIVE, {"inputs": [{"id": id_} for id_ in reversed(some)]})).data["archiveCustomers"]
    assert away == {"records": [{"id": id_, "version": 3} for id_ in reversed(some)], "userErrors": []}
    assert len(await names(ask)) == 247
    back = (await ask(RESTORE, {"inputs": [{"id": id_} for id_ in some]})).data["restoreCustomers"]
    assert [one["version"] for one in back["records"]] == [4, 4, 4]
    assert len(await names(ask)) == 250


async def test_one_that_is_refused_refuses_all(ask):
    made = await create(ask, {"name": "A"}, {"name": ""}, {"name": "C", "employees": -1})
    assert made == {
        "records": [None, None, None],
        "userErrors": [
            {"path": ["inputs", "1", "name"], "code": "REQUIRED"},
            {"path": ["inputs", "2", "employees"], "code": "OUT_OF_RANGE"},
        ],
    }
    assert await names(ask) == []


async def test_of_a_partial_batch_is_done_what_can_be_done(ask):
    made = await create(ask, {"name": "A"}, {"name": ""}, {"name": "C"}, partial=True)
    assert [one and one["name"] for one in made["records"]] == ["A", None, "C"]
    assert made["userErrors"] == [{"path": ["inputs", "1", "name"], "code": "REQUIRED"}]
    assert await names(ask) == ["A", "C"]


async def test_a_stale_version_a_foreign_id_and_a_second_change_are_told_by_their_place(ask):
    first, second = (await create(ask, {"name": "A"}, {"name": "B"}))["records"]
    inputs = [
        {"id": first["id"], "version": 7, "city": "Bonn"},
        {"id": "cus_nonsense", "city": "Bonn"},
        {"id": second["id"], "city": "Berlin"},
        {"id": second["id"], "city": "Bremen"},
    ]
    errors = [
        {"path": ["inputs", "0", "version"], "code": "VERSION_CONFLICT"},
        {"path": ["inputs", "1", "id"], "code": "NOT_FOUND"},
        {"path": ["inputs", "3"], "code": "TWICE"},
    ]
    whole = (await ask(UPDATE, {"inputs": inputs})).data["updateCustomers"]
    assert whole["records"] == [None] * 4
    assert sorted(whole["userErrors"], key=lambda e: e["path"]) == errors
    part = (await ask(UPDATE, {"inputs": inputs, "partial": True})).data["updateCustomers"]
    assert part["records"] == [None, None, {"name": "B", "city": "Berlin"}, None]
    assert sorted(part["userErrors"], key=lambda e: e["path"]) == errors


async def test_more_than_250_are_refused(ask):
    made = await create(ask, *({"name": "A"} for _ in range(251)))
    assert made["userErrors"] == [{"path": ["inputs"], "code": "BAD_USER_INPUT"}]
    assert made["records"] == [None] * 251
    assert await names(ask) == []


async def test_250_take_as_many_statements_as_two(ask, monkeypatch):
    counted: Counter[str] = Counter()

    def counting(name):
        run = getattr(TenantWrite, name)

        def count(self, *args):
            counted[name] += 1
            return run(self, *args)

        return count

    for name in ("fetch", "execute"):
        monkeypatch.setattr(TenantWrite, name, counting(name))
    await create(ask, {"name": "A"}, {"name": "B"})
    of_two = dict(counted)
    counted.clear()
    await create(ask, *({"name": f"C{n}"} for n in range(250)))
    assert dict(counted) == of_two


async def test_a_customer_comes_with_its_contacts(ask):
    given = {"name": "Alfreds", "contacts": [{"name": "Maria", "primary": True}, {"name": "Thomas"}]}
    made = (await ask(ONE, {"input": given})).data["createCustomer"]
    assert made["userErrors"] == []
    contacts = sorted(made["record"]["contacts"]["nodes"], key=lambda one: one["name"])
    assert contacts == [{"name": "Maria", "primary": True}, {"name": "Thomas", "primary": False}]


async def test_a_contact_that_is_refused_refuses_its_customer(ask):
    given = {"name": "Alfreds", "contacts": [{"name": "Maria"}, {"name": ""}]}
    assert (await ask(ONE, {"input": given})).data["createCustomer"] == {
        "record": None,
        "userErrors": [{"path": ["input", "contacts", "1", "name"], "code": "REQUIRED"}],
    }
    assert (await ask(NAMES)).data == {"customers": {"nodes": []}, "contacts": {"totalCount": 0}}


@pytest.mark.parametrize("role", ["OWNER", "REPRESENTATIVE"])
async def test_of_a_partial_batch_each_customer_comes_with_all_its_contacts_or_not_at_all(
    gateway, company, role
):
    ask = await asking(gateway, company, role)
    made = await create(
        ask,
        {"name": "A", "contacts": [{"name": "Maria"}]},
        {"name": "B", "contacts": [{"name": "Thomas"}, {"name": ""}]},
        {"name": "C"},
        partial=True,
    )
    assert made["userErrors"] == [{"path": ["inputs", "1", "contacts", "1", "name"], "code": "REQUIRED"}]
    assert [one and one["contacts"]["totalCount"] for one in made["records"]] == [1, None, 0]
    assert await names(ask) == ["A", "C"]
    assert (await ask(NAMES)).data["contacts"] == {"totalCount": 1}


async def test_orders_come_with_their_lines_in_the_order_of_the_input(gateway, company, ask):
    factory = Factory(gateway.services.databases, company)
    customer = f"cus_{(await factory.one('customer', name='A')).hex}"
    product = f"pro_{(await factory.one('product', name='Tea')).hex}"

    def order(number, *quantities):
        lines = [{"productId": product, "quantity": one, "unitPrice": "2.50"} for one in quantities]
        return {"customerId": customer, "number": number, "orderedOn": "2026-03-01", "lines": lines}

    query = """mutation ($inputs: [CreateOrderInput!]!, $partial: Boolean!) {
      createOrders(inputs: $inputs, partial: $partial) {
        records { number total lines { nodes { position quantity amount } } } userErrors { path code }
      }
    }"""
    inputs = [order("1", "2", "4"), order("2", "1", "-1"), order("3")]
    answer = await ask(query, {"inputs": inputs, "partial": True})
    assert answer.data["createOrders"] == {
        "records": [
            {
                "number": "1",
                "total": 1500,
                "lines": {
                    "nodes": [
                        {"position": 1, "quantity": "2", "amount": 500},
                        {"position": 2, "quantity": "4", "amount": 1000},
                    ]
                },
            },
            None,
            {"number": "3", "total": 0, "lines": {"nodes": []}},
        ],
        "userErrors": [{"path": ["inputs", "1", "lines", "1", "quantity"], "code": "OUT_OF_RANGE"}],
    }
    place = """mutation ($input: PlaceOrderInput!) {
      placeOrder(input: $input) { record { lines { nodes { position quantity } } } userErrors { path code } }
    }"""
    mixed = {"order": order("6", "7"), "lines": [{"productId": product, "quantity": "8", "unitPrice": "1"}]}
    placed = (await ask(place, {"input": mixed})).data["placeOrder"]
    assert placed["record"]["lines"]["nodes"] == [
        {"position": 1, "quantity": "7"},
        {"position": 2, "quantity": "8"},
    ]
    mixed["order"] = order("7", "-1")
    assert (await ask(place, {"input": mixed})).data["placeOrder"]["userErrors"] == [
        {"path": ["input", "order", "lines", "0", "quantity"], "code": "OUT_OF_RANGE"}
    ]
    refused = await ask(query, {"inputs": [order("4", "1"), order("5", "-1")], "partial": False})
    assert refused.data["createOrders"]["userErrors"] == [
        {"path": ["inputs", "1", "lines", "0", "quantity"], "code": "OUT_OF_RANGE"}
    ]
    counts = await ask("{ orders { totalCount } orderLines { totalCount } }")
    assert counts.data == {"orders": {"totalCount": 3}, "orderLines": {"totalCount": 4}}


async def test_who_may_not_create_creates_none(gateway, company, ask):
    onlooker = await asking(gateway, company, "FINANCE")
    made = await create(onlooker, {"name": "A"}, {"name": "B"}, partial=True)
    assert made["records"] == [None, None]
    assert {error["code"] for error in made["userErrors"]} == {"FORBIDDEN"}
    assert await names(ask) == []


async def test_a_batch_is_repeated_under_its_key_and_its_inputs_have_none(gateway, company, ask):
    query = """mutation ($key: String) {
      createCustomers(inputs: [{name: "A"}, {name: ""}], partial: true, idempotencyKey: $key) {
        records { id } userErrors { path code message }
      }
    }"""
    first, second = await ask(query, {"key": "k-1"}), await ask(query, {"key": "k-1"})
    assert first.data["createCustomers"]["records"][0] is not None
    assert first.body == second.body
    assert await names(ask) == ["A"]
    inside = await create(ask, {"name": "B", "idempotencyKey": "k-2"})
    assert inside["userErrors"] == [
        {"path": ["inputs", "0", "idempotencyKey"], "code": "IDEMPOTENCY_KEY_INVALID"}
    ]
    assert await names(ask) == ["A"]


async def test_own_fields_that_are_no_object_are_told_by_their_place(ask):
    made = await create(ask, {"name": "A"}, {"name": "B", "customFields": [1]}, partial=True)
    assert made["userErrors"] == [{"path": ["inputs", "1", "customFields"], "code": "BAD_USER_INPUT"}]
    assert await names(ask) == ["A"]


async def test_what_is_taken_already_is_told_of_the_one_that_takes_it(gateway, company, ask):
    await Factory(gateway.services.databases, company).one("customer", number="7")
    made = await create(ask, {"name": "A", "number": "8"}, {"name": "B", "number": "7"}, partial=True)
    assert made["userErrors"] == [{"path": ["inputs", "1", "number"], "code": "ALREADY_EXISTS"}]


@pytest.mark.parametrize("partial", [True, False])
async def test_who_was_faster_with_a_number_takes_it_from_one_input_only(gateway, company, ask, partial):
    """The other's number cannot be seen before it is committed; the batch meets it at the index."""
    databases = gateway.services.databases
    member = await make_member(databases, company, "OWNER")
    faster = Change("customer", "create", values={"name": "Faster", "number": "7"})
    async with databases.tenant_write(company.ref) as write:
        await change(write, await viewer_of(databases, member), [faster], clock=SystemClock())
        asked = asyncio.create_task(
            create(ask, {"name": "A"}, {"name": "B", "number": "7"}, {"name": "C"}, partial=partial)
        )
        async with databases.owner() as owner:
            waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            while not await owner.fetchval(waiting):  # noqa: ASYNC110 - PostgreSQL tells nobody of its locks
                await asyncio.sleep(0.02)
    made = await asked
    at = ["inputs", "1", "number"] if partial else ["inputs"]
    assert made["userErrors"] == [{"path": at, "code": "ALREADY_EXISTS"}]
    assert [record and record["name"] for record in made["records"]] == (
        ["A", None, "C"] if partial else [None, None, None]
    )
    assert await names(ask) == (["A", "C", "Faster"] if partial else ["Faster"])
