"""Those who work at one customer at the same moment: each waits for the other, and none is turned away."""

import asyncio

import pytest

from kedang_tenants.changing import Change, change
from kedang_tenants.followups.needs import raise_demand
from kedang_tenants.followups.planning import lock_customers

pytestmark = pytest.mark.requirement("F1")


async def beside_a_contact(shop, customer, plan, other):
    """Record a contact of a customer that is held already, while the other one has begun as far as it can get."""
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await lock_customers(write, [customer])
        waiting = asyncio.create_task(other())
        await asyncio.wait({waiting}, timeout=0.3)
        assert not waiting.done()
        called = {"customer_id": customer, "way": "CALL", "at": shop.clock.now(), "plan_id": plan}
        await change(
            write, shop.viewer, [Change("follow_up_record", "create", values=called)], clock=shop.clock
        )
    return await waiting


async def test_a_plan_is_edited_while_a_contact_of_its_customer_is_recorded(shop):
    customer = await shop.create("customer", name="Alfreds", owner_id=shop.viewer.member_id)
    plan = await shop.create("follow_up_plan", customer_id=customer, due_on=shop.clock.now().date())

    async def edit():
        values = {"purpose": "Prices", "state": "CANCELLED"}
        return await shop.change(Change("follow_up_plan", "update", plan, values=values))

    await beside_a_contact(shop, customer, plan, edit)
    (row,) = await shop.fetch("SELECT state, purpose FROM follow_up_plan WHERE id = $1", plan)
    assert tuple(row.values()) == ("CANCELLED", "Prices")
    assert await shop.value("SELECT count(*) FROM follow_up_record WHERE plan_id = $1", plan) == 1
    assert await shop.value("SELECT next_follow_up_on FROM customer WHERE id = $1", customer) is None


async def test_plans_are_created_and_archived_while_a_contact_is_recorded(shop):
    customer = await shop.create("customer", name="Alfreds", owner_id=shop.viewer.member_id)
    plan = await shop.create("follow_up_plan", customer_id=customer, due_on=shop.clock.now().date())
    new = {"customer_id": customer, "due_on": shop.clock.now().date()}

    async def put_away():
        await shop.change(Change("follow_up_plan", "create", values=new))
        await shop.change(Change("follow_up_plan", "archive", plan))

    await beside_a_contact(shop, customer, plan, put_away)
    rows = await shop.fetch("SELECT state, archived_at IS NULL AS there FROM follow_up_plan ORDER BY state")
    assert [tuple(row.values()) for row in rows] == [("DONE", False), ("PLANNED", True)]


async def test_a_need_is_taken_up_while_its_record_is_edited(shop):
    customer = await shop.create("customer", name="Alfreds", owner_id=shop.viewer.member_id)
    said = {"customer_id": customer, "way": "CALL", "at": shop.clock.now(), "needs": "Pumps"}
    record = await shop.create("follow_up_record", **said)

    async def take_up():
        async with shop.databases.tenant_write(shop.company.ref) as write:
            return await raise_demand(write, shop.viewer, record_id=record, values={}, clock=shop.clock)

    async with shop.databases.tenant_write(shop.company.ref) as write:
        await lock_customers(write, [customer])
        waiting = asyncio.create_task(take_up())
        await asyncio.wait({waiting}, timeout=0.3)
        edited = Change("follow_up_record", "update", record, values={"result": "Wants an offer"})
        await change(write, shop.viewer, [edited], clock=shop.clock)
    demand = await waiting
    (row,) = await shop.fetch("SELECT result, demand_id FROM follow_up_record WHERE id = $1", record)
    assert tuple(row.values()) == ("Wants an offer", demand)
