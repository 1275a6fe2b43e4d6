"""Levels in another order: what customers are sorted by is the position that their level has by now (G1)."""

from datetime import date

import pytest

from kedang_tenants.changing import Change
from kedang_tenants.grading.grades import grade_customers, regrade_everybody
from kedang_tenants.grading.trying import try_grade_rule
from tests.grading.test_by_hand import levels_of
from tests.grading.test_levels import by_hand_scheme, give, shown
from tests.grading.test_trials import tried
from tests.grading.test_versions import draft, publish

pytestmark = pytest.mark.requirement("G1")
JUNE = date(2026, 6, 30)


async def positions(shop, **positions):
    """Put levels into another order, all at once."""
    levels = await levels_of(shop)
    await shop.change(
        *(
            Change("grade_level", "update", levels[code], values={"position": at})
            for code, at in positions.items()
        )
    )


async def ranks(shop):
    rows = await shop.fetch(
        "SELECT c.name, l.code, c.grade_rank FROM customer c JOIN grade_level l ON l.id = c.grade_level_id ORDER BY c.name"
    )
    return [tuple(row.values()) for row in rows]


async def two_customers(shop):
    """One is a D by the rule, one is a B by hand."""
    alfreds = await shop.create("customer", name="Alfreds", roles=["BUYER"], owner_id=shop.viewer.member_id)
    bon = await shop.create("customer", name="Bon app", roles=["BUYER"], owner_id=shop.viewer.member_id)
    await shop.publish_default_scheme()
    await shop.order(alfreds, date(2026, 1, 15), ("1", "75"))
    await shop.work()
    await give(shop, bon, (await levels_of(shop))["B"], until=JUNE)
    await shop.work()
    assert await ranks(shop) == [("Alfreds", "D", 4), ("Bon app", "B", 2)]
    return alfreds, bon


async def urgencies(shop):
    rows = await shop.fetch(
        "SELECT c.name, p.urgency FROM follow_up_plan p JOIN customer c ON c.id = p.customer_id"
        " WHERE p.state = 'PLANNED' ORDER BY c.name"
    )
    return [tuple(row.values()) for row in rows]


@pytest.mark.requirement("F3")
async def test_customers_and_their_plans_follow_the_order_of_the_levels(shop):
    await two_customers(shop)
    assert await urgencies(shop) == [("Alfreds", 2), ("Bon app", 4)]
    audited = await shop.value("SELECT count(*) FROM audit WHERE action = 'customer.graded'")
    await positions(shop, D=1, A=4, B=5, E=6)
    await shop.work()
    assert await ranks(shop) == [("Alfreds", "D", 1), ("Bon app", "B", 5)]
    assert await urgencies(shop) == [("Alfreds", 5), ("Bon app", 1)]
    assert await shop.value("SELECT count(*) FROM audit WHERE action = 'customer.graded'") == audited


async def test_a_run_and_the_hand_mean_the_same_by_it(shop):
    alfreds, bon = await two_customers(shop)
    await positions(shop, D=1, A=4, B=5, E=6)
    await shop.work()
    await shop.order(alfreds, date(2026, 1, 16), ("1", "12000"))  # graded by itself
    await shop.work()
    assert await ranks(shop) == [("Alfreds", "B", 5), ("Bon app", "B", 5)]
    async with shop.databases.tenant_write(shop.company.ref) as write:
        moved = await grade_customers(write, shop.viewer, [alfreds, bon], clock=shop.clock)
    assert moved == 0
    assert await ranks(shop) == [("Alfreds", "B", 5), ("Bon app", "B", 5)]
    await give(shop, alfreds, (await levels_of(shop))["D"], until=JUNE)
    assert await ranks(shop) == [("Alfreds", "D", 1), ("Bon app", "B", 5)]


@pytest.mark.requirement("G3")
async def test_a_dry_run_of_the_version_in_force_is_its_run_whatever_order_the_levels_have(shop):
    scheme = await shop.publish_default_scheme()
    for name, sum_of in (("Alfreds", "75"), ("Bon app", "90"), ("Chop-suey", "60"), ("Drachenblut", "20")):
        customer = await shop.create("customer", name=name, roles=["BUYER"])
        await shop.order(customer, date(2026, 1, 15), ("1", sum_of))
    shares = [{"level": code, "share": share} for code, share in (("A", 25), ("B", 25), ("C", 50))]
    rule = await draft(shop, scheme, {"kind": "PERCENTILES", "measure": "SALES", "levels": shares})
    await publish(shop, rule)
    await shop.work()
    ranked = [("Alfreds", "B", 2), ("Bon app", "A", 1), ("Chop-suey", "C", 3), ("Drachenblut", "C", 3)]
    assert await ranks(shop) == ranked
    await positions(shop, A=3, C=1)
    await shop.work()
    row, _ = await tried(shop, try_grade_rule, rule)
    assert (row["moved"], row["seen"]) == (0, 4)
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await regrade_everybody(write, shop.viewer, scheme_id=scheme, clock=shop.clock)
    assert await ranks(shop) == [(name, code, {1: 3, 2: 2, 3: 1}[rank]) for name, code, rank in ranked]


async def test_where_no_scheme_leads_any_more_nobody_is_shown_with_a_grade(shop):
    scheme, levels = await by_hand_scheme(shop, "A", "B")
    customer = await shop.create("customer", name="Alfreds")
    await give(shop, customer, levels["B"])
    await shop.work()
    await shop.update("grade_scheme", scheme, leads=False)
    await shop.work()
    assert (await shown(shop, customer), await shop.value("SELECT grade_rank FROM customer")) == (None, None)
    await shop.update("grade_scheme", scheme, leads=True)
    await shop.work()
    assert await shown(shop, customer) == "B"
    await shop.archive("grade_scheme", scheme)
    await shop.work()
    assert await shown(shop, customer) is None
    await shop.change(Change("grade_scheme", "restore", scheme))
    await shop.work()
    assert await shown(shop, customer) == "B"
