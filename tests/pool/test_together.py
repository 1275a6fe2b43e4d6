"""Nobody who works at the same customers is turned away because of how the product locks them (A13, F1, G1)."""

from datetime import timedelta

import pytest

from kedang_tenants.hot.rule import KIND as HOT
from kedang_tenants.pool.rule import KIND as POOL
from kedang_tenants.rules import establish
from tests.pool.together import open_together

ROUNDS = 4


@pytest.mark.requirement("A13", "A5", "F1", "G1")
async def test_many_at_a_few_customers_never_wait_in_a_circle(shop):
    together = await open_together(shop, seed=1)
    product = await shop.product()
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await establish(write, product, kind=POOL, content={"noContactDays": 3}, clock=shop.clock)
        await establish(write, product, kind=HOT, content={"mostInCompany": 3}, clock=shop.clock)
    shop.clock.move(timedelta(days=10))
    await together.run(ROUNDS)
    assert together.circles == []
    assert await together.wrong() == {}
    assert together.done.total() > 4 * ROUNDS  # of 8: what they are refused depends on who came first
