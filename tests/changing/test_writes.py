"""What a change writes: the row and what follows from it, its audit, one job; and nothing where nothing differs."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import orjson
import pytest

from kedang_platform.ids import new_id
from kedang_tenants.changing import Change, change, change_accepted
from kedang_tenants.people.viewers import load_custom_fields
from tests.changing.world import World
from tests.support.digests import digests

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
LATER = timedelta(minutes=5)


async def audit_of(world: World, record_id) -> list[tuple[str, object, dict[str, object]]]:
    async with world.databases.tenant_read(world.factory.company.ref) as read:
        rows = await read.fetch(
            "SELECT action, actor_id, via, at, record, changes FROM audit WHERE record_id = $1 ORDER BY sequence",
            record_id,
        )
    return [(row["action"], row["actor_id"], orjson.loads(row["changes"])) for row in rows]


async def jobs(world: World) -> list[dict[str, object]]:
    async with world.databases.owner() as owner:
        rows = await owner.fetch("SELECT id, kind, key, payload, company FROM work.job ORDER BY id")
    return [dict(row) for row in rows]


@pytest.mark.requirement("A2", "A6")
async def test_a_new_record_with_all_that_follows_from_it(world):
    values = {
        "name": "  Alfreds\nFutterkiste\x07 ",
        "phone": "030-0074321",
        "country": "de",
        "number": "ALFKI",
    }
    (made,) = await world.change("representative", Change("customer", "create", values=values))
    member = world.people["representative"].id
    assert (made.record, made.action, made.version) == ("customer", "create", 1)
    row = await world.row("customer", made.id)
    assert {name: row[name] for name in FACTS} == FACTS | {"id": made.id, "owner_id": member}
    assert row["custom"] == "{}"
    assert "fut" in row["search_tokens"]
    assert await audit_of(world, made.id) == [
        ("customer.created", member, AUDITED | {"owner_id": [None, member.hex]})
    ]


FACTS: dict[str, object] = {
    "id": None,
    "owner_id": None,
    "name": "Alfreds Futterkiste",
    "name_sort": "alfreds futterkiste",
    "search_text": "alfreds futterkiste alfki",
    "number": "ALFKI",
    "country": "DE",
    "phone": "030-0074321",
    "phone_e164": "+49300074321",
    "phone_reversed": "12347000394",
    "directory": "COMPANY",
    "roles": [],
    "state": "PROSPECTIVE",
    "direct": True,
    "version": 1,
    "created_at": NOW,
    "updated_at": NOW,
    "archived_at": None,
    "assigned_on": date(2026, 3, 2),
    "email": None,
}
AUDITED: dict[str, object] = {
    "name": [None, "Alfreds Futterkiste"],
    "number": [None, "ALFKI"],
    "country": [None, "DE"],
    "phone": [None, "030-0074321"],
    "phone_e164": [None, "+49300074321"],
    "directory": [None, "COMPANY"],
    "roles": [None, []],
    "state": [None, "PROSPECTIVE"],
    "direct": [None, True],
    "restricted": [None, False],
    "assigned_on": [None, "2026-03-02"],
    "custom": [None, {}],
}


@pytest.mark.requirement("A6")
async def test_an_update_writes_what_differs_and_says_so(world):
    customer = world.customers["representative"]
    world.factory.clock.move(LATER)
    values = {"name": "Renamed", "city": "Berlin", "number": "C-representative", "employees": None}
    (done,) = await world.change("representative", Change("customer", "update", customer, 1, values))
    before, after = ("Customer of representative", "Renamed")
    assert dict(done.changes) == {"name": (before, after), "city": (None, "Berlin")}
    assert done.version == 2
    row = await world.row("customer", customer)
    assert (row["name"], row["city"], row["version"]) == ("Renamed", "Berlin", 2)
    assert (row["created_at"], row["updated_at"]) == (NOW, NOW + LATER)
    assert (await audit_of(world, customer))[1:] == [
        (
            "customer.updated",
            world.people["representative"].id,
            {"name": [before, after], "city": [None, "Berlin"]},
        )
    ]


async def test_what_is_not_said_stays_and_null_empties(world):
    customer = world.customers["owner"]
    await world.change("owner", Change("customer", "update", customer, values={"city": "Berlin", "fax": "1"}))
    await world.change("owner", Change("customer", "update", customer, values={"city": None}))
    row = await world.row("customer", customer)
    assert (row["city"], row["fax"], row["number"]) == (None, "1", "C-owner")


async def test_an_update_that_changes_nothing_writes_nothing(world):
    customer = world.customers["owner"]
    before = await digests(world.databases, world.factory.company.ref)
    values = {"name": " Customer of owner ", "number": "C-owner", "direct": True}
    (done,) = await world.change("owner", Change("customer", "update", customer, 1, values))
    assert (dict(done.changes), done.version) == ({}, 1)
    (done,) = await world.change("owner", Change("customer", "restore", customer))
    assert (dict(done.changes), done.version) == ({}, 1)
    assert await digests(world.databases, world.factory.company.ref) == before


@pytest.mark.requirement("A6")
async def test_archiving_and_restoring(world):
    customer = world.customers["owner"]
    owner = world.people["owner"].id
    (archived,) = await world.change("owner", Change("customer", "archive", customer))
    assert (await world.row("customer", customer))["archived_at"] == NOW
    (again,) = await world.change("owner", Change("customer", "archive", customer))
    (restored,) = await world.change("owner", Change("customer", "restore", customer, archived.version))
    assert [archived.version, again.version, restored.version] == [2, 2, 3]
    assert (await world.row("customer", customer))["archived_at"] is None
    assert (await audit_of(world, customer))[1:] == [
        ("customer.archived", owner, {"archived_at": [None, NOW.isoformat()]}),
        ("customer.restored", owner, {"archived_at": [NOW.isoformat(), None]}),
    ]


async def test_an_archived_record_does_not_hold_its_number(world):
    await world.change("owner", Change("customer", "archive", world.customers["owner"]))
    (heir,) = await world.change(
        "owner", Change("customer", "create", values={"name": "Heir", "number": "C-owner"})
    )
    assert (await world.row("customer", heir.id))["number"] == "C-owner"


@pytest.mark.requirement("A4")
async def test_own_fields_are_kept_under_their_ids(world):
    kinds = ("TEXT", "INTEGER", "DECIMAL", "DAY", "FLAG", "CHOICE")
    made = await world.factory.many(
        "custom_field",
        [
            {
                "record": "customer",
                "key": kind.lower(),
                "kind": kind,
                "options": ["a", "b"] if kind == "CHOICE" else None,
            }
            for kind in kinds
        ],
    )
    async with world.databases.tenant_read(world.factory.company.ref) as read:
        fields = await load_custom_fields(read)
    viewer = world.viewers["owner"]
    own = {
        "text": " some\ttext ",
        "integer": 10**12,
        "decimal": "12.50",
        "day": date(2024, 2, 29),
        "flag": False,
        "choice": "b",
    }
    customer = world.customers["owner"]
    world.viewers["owner"] = replace(viewer, custom_fields=fields)
    await world.change("owner", Change("customer", "update", customer, custom=own))
    stored = [" some\ttext ".strip(), 10**12, "12.50", "2024-02-29", False, "b"]
    document = {field.hex: value for field, value in zip(made, stored, strict=True)}
    assert orjson.loads((await world.row("customer", customer))["custom"]) == document
    (done,) = await world.change("owner", Change("customer", "update", customer, custom={"text": None}))
    assert done.version == 3
    del document[made[0].hex]
    assert orjson.loads((await world.row("customer", customer))["custom"]) == document


@pytest.mark.requirement("A6")
async def test_one_transaction_asks_for_one_job_of_events(world):
    known = await jobs(world)
    async with world.databases.tenant_write(world.factory.company.ref) as write:
        viewer, clock = world.viewers["owner"], world.factory.clock
        tag = Change("tag", "create", values={"name": "one"})
        await change(write, viewer, [tag, Change("tag", "create", values={"name": "two"})], clock=clock)
        await change(write, viewer, [Change("customer", "archive", world.customers["owner"])], clock=clock)
        transaction = write.transaction_id
    (job,) = [job for job in await jobs(world) if job not in known]
    assert (job["kind"], job["company"]) == ("events.fan_out", world.factory.company.id)
    assert orjson.loads(job["payload"]) == {"transaction": transaction.hex}
    async with world.databases.tenant_read(world.factory.company.ref) as read:
        actions = await read.fetch(
            "SELECT action FROM audit WHERE transaction = $1 ORDER BY sequence", transaction
        )
    assert [row["action"] for row in actions] == ["tag.created", "tag.created", "customer.archived"]


async def test_a_later_change_may_refer_to_an_earlier_one(world):
    mother = new_id()
    _, order, contact = await world.change(
        "representative",
        Change("customer", "create", mother, values={"name": "Mother"}),
        Change(
            "order", "create", values={"number": "1", "customer_id": mother, "ordered_on": date(2026, 3, 1)}
        ),
        Change("contact", "create", values={"name": "Maria", "customer_id": mother}),
    )
    assert (await world.row("sales_order", order.id))["customer_id"] == mother
    assert (await world.row("contact", contact.id))["customer_id"] == mother


async def test_a_batch_takes_what_can_be_taken_when_asked_to(world):
    async with world.databases.tenant_write(world.factory.company.ref) as write:
        outcome = await change_accepted(
            write,
            world.viewers["owner"],
            [
                Change("tag", "create", values={"name": "one"}),
                Change("tag", "create", values={"name": ""}),
                Change("tag", "create", values={"name": "one"}),
                Change("tag", "create", values={"name": "four"}),
            ],
            clock=world.factory.clock,
        )
    assert [done is not None for done in outcome.changed] == [True, False, False, True]
    assert [[error.code for error in errors] for errors in outcome.errors] == [
        [],
        ["REQUIRED"],
        ["ALREADY_EXISTS"],
        [],
    ]
    async with world.databases.tenant_read(world.factory.company.ref) as read:
        names = await read.fetch("SELECT name FROM tag ORDER BY name")
    assert [row["name"] for row in names] == ["four", "one"]


async def test_defaults_are_those_of_the_catalogue_and_of_the_trade(world):
    product = await world.factory.one("product", name="Chai", list_price=Decimal("18.00"))
    row = await world.row("product", product)
    assert (row["currency"], row["discontinued"], row["cost"]) == ("CNY", False, None)


async def test_a_changed_country_reads_the_telephone_number_anew(world):
    customer = world.customers["owner"]
    await world.change(
        "owner", Change("customer", "update", customer, values={"phone": "030 0074321", "country": "CN"})
    )
    assert (await world.row("customer", customer))["phone_e164"] is None
    await world.change("owner", Change("customer", "update", customer, values={"country": "DE"}))
    assert (await world.row("customer", customer))["phone_e164"] == "+49300074321"
