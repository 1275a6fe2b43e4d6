"""Two at the same moment: one wins, the other is told, and nothing is lost in silence."""

import asyncio

import pytest

from kedang_platform.database import DatabaseBusy
from kedang_platform.errors import KedangError, Refused
from kedang_tenants.changing import Change, change
from kedang_tenants.trade.demand_life import win
from tests.changing.world import World


async def at_once(world: World, *batches: list[Change]) -> list[str]:
    """Run the batches in transactions of their own, each held open until all have checked or wait for another."""
    begun = asyncio.Barrier(len(batches))

    async def one(changes: list[Change]) -> str:
        try:
            async with world.databases.tenant_write(world.factory.company.ref) as write:
                await write.fetchval("SELECT 1")
                await begun.wait()
                await change(write, world.viewers["owner"], changes, clock=world.factory.clock)
                await asyncio.sleep(0.05)
        except Refused as refused:
            return ",".join(error.code for error in refused.errors)
        except KedangError as error:
            return error.code
        return "DONE"

    return sorted(await asyncio.gather(*(one(changes) for changes in batches)))


async def count(world: World, sql: str, *values: object) -> int:
    async with world.databases.tenant_read(world.factory.company.ref) as read:
        return await read.fetchval(sql, *values)


@pytest.mark.requirement("A1")
async def test_of_two_records_with_one_number_one_is_made(world):
    for round_ in range(5):
        number = f"N{round_}"
        new = [Change("customer", "create", values={"name": "X", "number": number})]
        assert await at_once(world, new, new, new) == ["ALREADY_EXISTS", "ALREADY_EXISTS", "DONE"]
        assert await count(world, "SELECT count(*) FROM customer WHERE number = $1", number) == 1
        told = "SELECT count(*) FROM audit WHERE action = 'customer.created' AND changes->'number'->>1 = $1"
        assert await count(world, told, number) == 1


async def test_of_two_updates_of_one_version_one_is_written(world):
    customer = world.customers["owner"]
    updates = [[Change("customer", "update", customer, 1, {"city": city})] for city in ("Berlin", "Bonn")]
    assert await at_once(world, *updates) == ["DONE", "VERSION_CONFLICT"]
    assert (await world.row("customer", customer))["version"] == 2
    assert await count(world, "SELECT count(*) FROM audit WHERE record_id = $1", customer) == 2


@pytest.mark.requirement("A6")
async def test_updates_without_a_version_follow_each_other_and_the_audit_tells_the_chain(world):
    customer = world.customers["owner"]
    cities = ["Berlin", "Bonn", "Köln", "Jena"]
    updates = [[Change("customer", "update", customer, values={"city": city})] for city in cities]
    assert await at_once(world, *updates) == ["DONE"] * 4
    row = await world.row("customer", customer)
    assert row["version"] == 5
    async with world.databases.tenant_read(world.factory.company.ref) as read:
        told = await read.fetch(
            "SELECT changes->'city'->>0 AS old, changes->'city'->>1 AS new FROM audit"
            " WHERE record_id = $1 AND action = 'customer.updated' ORDER BY sequence",
            customer,
        )
    chain = [(entry["old"], entry["new"]) for entry in told]
    assert chain[0][0] is None
    assert [old for old, _ in chain[1:]] == [new for _, new in chain[:-1]]
    assert chain[-1][1] == row["city"]
    assert sorted(new for _, new in chain) == sorted(cities)


async def test_batches_in_opposite_order_do_not_block_each_other(world):
    customers = list(world.customers.values())
    there = [Change("customer", "update", one, values={"city": "A"}) for one in customers]
    back = [Change("customer", "update", one, values={"city": "B"}) for one in reversed(customers)]
    assert await at_once(world, there, back) == ["DONE", "DONE"]


async def test_a_lock_that_does_not_come_is_told_as_busy(world):
    customer = world.customers["owner"]
    async with world.databases.tenant_write(world.factory.company.ref) as write:
        await write.fetch("SELECT 1 FROM customer WHERE id = $1 FOR UPDATE", customer)
        with pytest.raises(DatabaseBusy):
            await impatient(world, Change("customer", "update", customer, values={"city": "X"}))
    assert (await world.row("customer", customer))["city"] is None


async def impatient(world: World, *changes: Change) -> None:
    """Make changes that wait for nobody."""
    async with world.databases.tenant_write(world.factory.company.ref) as write:
        await write.fetch("SET LOCAL lock_timeout = '50ms'")
        await change(write, world.viewers["owner"], changes, clock=world.factory.clock)


async def test_a_record_is_edited_and_held_while_others_refer_to_it(world):
    """Foreign keys hold what is referred to until a long run has ended; nobody who edits it has to wait for that."""
    customer = world.customers["owner"]
    demand = await world.factory.one("demand", customer_id=customer, title="Pumps")
    async with world.databases.tenant_write(world.factory.company.ref) as write:
        new = [
            Change("contact", "create", values={"name": "New", "customer_id": customer}),
            Change(
                "quotation", "create", values={"number": "Q", "demand_id": demand, "customer_id": customer}
            ),
        ]
        await change(write, world.viewers["owner"], new, clock=world.factory.clock)
        await impatient(world, Change("customer", "update", customer, values={"city": "Berlin"}))
        await impatient(world, Change("customer", "update", customer, values={"number": "N-2"}))
        async with world.databases.tenant_write(world.factory.company.ref) as second:
            await second.fetch("SET LOCAL lock_timeout = '50ms'")
            viewer, clock = world.viewers["owner"], world.factory.clock
            await win(second, viewer, demand_id=demand, clock=clock)
    assert (await world.row("customer", customer))["number"] == "N-2"
    assert (await world.row("demand", demand))["state"] == "WON"
    assert await count(world, "SELECT count(*) FROM contact WHERE name = 'New'") == 1


async def test_what_is_put_away_waits_for_those_who_refer_to_it_at_this_moment(world):
    region = await world.factory.one("region", name="North")
    customer = world.customers["owner"]
    async with world.databases.tenant_write(world.factory.company.ref) as write:
        moved = [Change("customer", "update", customer, values={"region_id": region})]
        await change(write, world.viewers["owner"], moved, clock=world.factory.clock)
        archiving = asyncio.create_task(world.change("owner", Change("region", "archive", region)))
        await asyncio.wait({archiving}, timeout=0.2)
        assert not archiving.done()
    with pytest.raises(Refused) as refused:
        await archiving
    assert [error.code for error in refused.value.errors] == ["REGION_IN_USE"]
    assert (await world.row("region", region))["archived_at"] is None
