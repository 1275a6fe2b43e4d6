"""Short words for the public pool."""

import pytest

from kedang_tenants.pool.claiming import claim_customer
from kedang_tenants.pool.releasing import release_customer
from kedang_tenants.pool.renewing import renew_part
from kedang_tenants.pool.rule import KIND
from kedang_tenants.pool.sweeping import sweep_part, warn
from kedang_tenants.rules import establish


class Pool:
    """A shop with representatives Nancy and Janet, and what is done with its pool."""

    def __init__(self, shop, nancy, janet):
        self.shop, self.nancy, self.janet = shop, nancy, janet

    async def rule(self, **content):
        """The first rule in force; the days of everybody are renewed."""
        async with self.shop.databases.tenant_write(self.shop.company.ref) as write:
            await establish(
                write, await self.shop.product(), kind=KIND, content=content, clock=self.shop.clock
            )

    async def customer(self, name="Alfreds", *, owner=None, pooled=False, **values):
        """One of Nancy's, or one that nobody has and that is in the pool."""
        if pooled:
            values |= {"pool_since": self.shop.clock.now()}
        else:
            values |= {"owner_id": owner or self.nancy}
        return await self.shop.create("customer", internally=True, name=name, **values)

    async def write(self, operation, viewer=None, **said):
        async with self.shop.databases.tenant_write(self.shop.company.ref) as write:
            return await operation(write, viewer or await self.shop.product(), clock=self.shop.clock, **said)

    async def claim(self, customer, member=None):
        viewer = await self.shop.as_member(member or self.nancy)
        return await self.write(claim_customer, viewer, customer_id=customer)

    async def release(self, customer, member=None, reason=None):
        viewer = await self.shop.as_member(member or self.nancy)
        return await self.write(release_customer, viewer, customer_id=customer, reason=reason)

    async def night(self):
        """What a night does, without its jobs: how many were warned of and how many returned."""
        await self.write(renew_part, after=None)
        warned = await self.write(warn)
        part = await self.write(sweep_part, after=None)
        return warned, part.changed

    async def shown(self, customer):
        (row,) = await self.shop.fetch(
            "SELECT owner_id, pool_since IS NOT NULL AS pooled, pool_return_on, pool_return_why FROM customer WHERE id = $1",
            customer,
        )
        return tuple(row.values())

    async def day(self, customer):
        return (await self.shown(customer))[2:]

    async def moves(self, customer):
        rows = await self.shop.fetch(
            "SELECT kind, member_id, cause, reason, by_id FROM pool_move WHERE customer_id = $1 ORDER BY created_at, id",
            customer,
        )
        return [tuple(row.values()) for row in rows]

    async def actions(self, customer):
        rows = await self.shop.fetch(
            "SELECT action FROM audit WHERE record_id = $1 AND action LIKE 'customer.%' ORDER BY sequence",
            customer,
        )
        return [row["action"] for row in rows]


@pytest.fixture
async def pool(shop):
    nancy = await shop.hire("Nancy Davolio", "REPRESENTATIVE")
    janet = await shop.hire("Janet Leverling", "REPRESENTATIVE")
    return Pool(shop, nancy, janet)
