"""Contacts with customers that somebody takes out of the public pool: they begin with the claim."""

from datetime import date, timedelta

import orjson
import pytest

from kedang_tenants.followups.worklist import read_worklist
from kedang_tenants.pool.claiming import claim_customer
from kedang_tenants.pool.releasing import release_customer
from kedang_tenants.rules import establish

MONDAY = date(2026, 3, 2)
pytestmark = pytest.mark.requirement("F1", "F12", "A13")


class Claiming:
    """A shop with Nancy, who gives a customer away, and Janet, who claims it."""

    def __init__(self, shop, nancy, janet):
        self.shop, self.nancy, self.janet = shop, nancy, janet

    async def customer(self):
        """One of Nancy's that nobody has talked to for long."""
        shop = self.shop
        made = await shop.create("customer", name="Alfreds", owner_id=self.nancy)
        level = await shop.value("SELECT id FROM grade_level ORDER BY position LIMIT 1")
        async with shop.databases.tenant_write(shop.company.ref) as write:
            await write.fetch("UPDATE grade_level SET cycle_days = 30")  # whatever grade it gets
            await write.fetch(
                "UPDATE customer SET grade_level_id = $2, assigned_on = '2024-01-01' WHERE id = $1",
                made,
                level,
            )
        await self.contact(made, days_ago=400)
        return made

    async def contact(self, customer, *, days_ago=0):
        at = self.shop.clock.now() - timedelta(days=days_ago)
        await self.shop.create(
            "follow_up_record", customer_id=customer, member_id=self.nancy, at=at, way="CALL"
        )

    async def change_hands(self, customer):
        async with self.shop.databases.tenant_write(self.shop.company.ref) as write:
            nancy, janet = [await self.shop.as_member(each) for each in (self.nancy, self.janet)]
            clock = self.shop.clock
            await release_customer(write, nancy, customer_id=customer, reason=None, clock=clock)
            await claim_customer(write, janet, customer_id=customer, clock=clock)
        await self.shop.work()

    async def plans(self):
        rows = await self.shop.fetch(
            "SELECT owner_id, origin, due_on, rule FROM follow_up_plan WHERE state = 'PLANNED' ORDER BY due_on, origin"
        )
        return [(r["owner_id"], r["origin"], r["due_on"], orjson.loads(r["rule"])["en"]) for r in rows]


@pytest.fixture
async def claiming(shop):
    await shop.publish_default_scheme()
    return Claiming(
        shop, *[await shop.hire(name, "REPRESENTATIVE") for name in ("Nancy Davolio", "Janet Leverling")]
    )


async def test_the_next_contact_counts_from_the_claim_and_is_not_overdue_from_before(claiming):
    shop = claiming.shop
    made = await claiming.customer()
    ((owner, origin, due_on, _),) = await claiming.plans()
    assert (owner, origin, due_on < MONDAY - timedelta(days=300)) == (claiming.nancy, "CYCLE", True)
    await claiming.change_hands(made)
    ((owner, origin, due_on, rule),) = await claiming.plans()
    assert (owner, origin, due_on) == (claiming.janet, "CYCLE", date(2026, 4, 1))
    assert rule.startswith(
        "The first working day at least 30 days after 2026-03-02, when the customer was assigned"
    )
    janet = await shop.as_member(claiming.janet)
    async with shop.databases.tenant_read(shop.company.ref) as read:
        assert (await read_worklist(read, janet, language="en", clock=shop.clock)).lines == ()
    shop.clock.move(timedelta(days=3))
    await claiming.contact(made)
    ((owner, _, due_on, _),) = await claiming.plans()
    assert (owner, due_on) == (claiming.janet, date(2026, 4, 6))  # 4 April is a Saturday


async def test_what_a_customer_did_before_the_claim_asks_for_nothing_before_it(claiming):
    shop = claiming.shop
    content = {"behaviour": {"SILENCE": {"days": 90}}}
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await establish(write, await shop.product(), kind="followups", content=content, clock=shop.clock)
    made = await claiming.customer()
    shop.clock.move(timedelta(days=2))
    assert ("SILENCE", MONDAY) in [plan[1:3] for plan in await claiming.plans()]
    await claiming.change_hands(made)
    assert [plan[:3] for plan in await claiming.plans()] == [
        (claiming.janet, "SILENCE", MONDAY + timedelta(days=2)),
        (claiming.janet, "CYCLE", date(2026, 4, 3)),
    ]
