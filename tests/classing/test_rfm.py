"""Recency, frequency, money in fifths: exact on a known company, and as worked out plainly for any orders."""

from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kedang_platform.errors import Forbidden, NotFound
from kedang_platform.ids import new_id
from kedang_tenants.classing import rfm
from kedang_tenants.classing.segments import count_customers
from kedang_tenants.reading import Compare

TODAY = date(2026, 3, 2)
pytestmark = pytest.mark.requirement("G6")


async def score(shop):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        return await rfm.score_part(write, await shop.product(), after=None, clock=shop.clock)


async def scores(shop):
    rows = await shop.fetch(
        "SELECT name, rfm_recency, rfm_frequency, rfm_monetary FROM customer ORDER BY name"
    )
    return {row["name"]: tuple(row.values())[1:] for row in rows}


async def test_five_buyers_stand_in_the_five_fifths(shop):
    for n in range(1, 6):
        customer = await shop.create("customer", name=f"C{n}")
        for back in range(n):
            await shop.order(customer, TODAY - timedelta(days=10 * (6 - n) + back), ("1", f"{n * 10}"))
    never = await shop.create("customer", name="Never")
    past = await shop.create("customer", name="Past")
    await shop.order(past, date(2024, 1, 2), ("1", "9999"))
    called_off = await shop.create("customer", name="Called off")
    await shop.order(called_off, TODAY, ("1", "9999"), state="CANCELLED")
    before = await shop.fetch("SELECT id, version, updated_at FROM customer ORDER BY id")
    audited = await shop.value("SELECT count(*) FROM audit")
    assert (await score(shop)).changed == 6
    # Of six buyers 0, 1, … 5 stand lower: 1 + 5·k/6, rounded down.
    assert await scores(shop) == {
        "Past": (1, 1, 1),
        "C1": (1, 1, 1),
        "C2": (2, 2, 2),
        "C3": (3, 3, 3),
        "C4": (4, 4, 4),
        "C5": (5, 5, 5),
        "Never": (None, None, None),
        "Called off": (None, None, None),
    }
    assert (await score(shop)).changed == 0
    assert await shop.fetch("SELECT id, version, updated_at FROM customer ORDER BY id") == before
    assert await shop.value("SELECT count(*) FROM audit") == audited
    async with shop.databases.tenant_read(shop.company.ref) as read:
        assert await count_customers(read, shop.viewer, Compare("rfm_recency", "gte", 4)) == 2
        told = await rfm.scores_of(read, shop.viewer, customer_id=past, clock=shop.clock)
        assert told == rfm.Scores(1, 1, 1, date(2025, 3, 3), date(2024, 1, 2), 0, 0, 0)
        told = await rfm.scores_of(read, shop.viewer, customer_id=never, clock=shop.clock)
        assert told == rfm.Scores(None, None, None, date(2025, 3, 3))
        with pytest.raises(NotFound):
            await rfm.scores_of(read, shop.viewer, customer_id=new_id(), clock=shop.clock)


async def test_money_that_cannot_be_compared_is_unknown_not_least(shop):
    """Recency and frequency count every order; whoever ordered in another currency has no place among the sums."""
    ours = shop.viewer.currency
    bought = {
        "Ours, little": [(ours, "10", 1)],
        "Ours, much": [(ours, "900", 2)],
        "Euro": [("EUR", "90000", 3), ("EUR", "1", 4)],
        "Both": [(ours, "5000", 5), ("EUR", "1", 6), (ours, "1", 7)],
        "Euro long ago": [(ours, "20", 8), ("EUR", "1", 900)],
    }
    for name, orders in bought.items():
        customer = await shop.create("customer", name=name)
        for currency, price, back in orders:
            await shop.order(customer, TODAY - timedelta(days=back), ("1", price), currency=currency)
    await score(shop)
    assert await scores(shop) == {
        "Ours, little": (5, 1, 1),
        "Ours, much": (4, 1, 4),
        "Euro": (3, 4, None),
        "Both": (2, 5, None),
        "Euro long ago": (1, 1, 2),
    }
    async with shop.databases.tenant_read(shop.company.ref) as read:
        assert await count_customers(read, shop.viewer, Compare("rfm_monetary", "lte", 5)) == 3
        assert await count_customers(read, shop.viewer, Compare("rfm_monetary", "is_null", value=True)) == 2


async def test_money_is_told_to_who_may_read_orders(shop):
    nancy = await shop.hire("Nancy Davolio", "REPRESENTATIVE")
    customer = await shop.create("customer", name="Alfreds", owner_id=nancy)
    await shop.order(customer, date(2026, 2, 1), ("2", "10.50"))
    await shop.order(customer, date(2026, 1, 1), ("1", "99"), currency="EUR")
    await score(shop)
    as_nancy = await shop.as_member(nancy)
    janet = await shop.as_member(await shop.hire("Janet Leverling", "REPRESENTATIVE"))
    async with shop.databases.tenant_read(shop.company.ref) as read:
        told = await rfm.scores_of(read, as_nancy, customer_id=customer, clock=shop.clock)
        assert told == rfm.Scores(1, 1, None, date(2025, 3, 3), date(2026, 2, 1), 2, 2100, 1)
        with pytest.raises(NotFound):
            await rfm.scores_of(read, janet, customer_id=customer, clock=shop.clock)


async def test_customers_are_scored_every_night_and_whenever_it_is_asked_for(shop):
    customer = await shop.create("customer", name="Alfreds")
    await shop.order(customer, TODAY, ("1", "10"))
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await rfm.ask_for_scores(write, shop.viewer)
    await shop.work()
    assert (await scores(shop))["Alfreds"] == (1, 1, 1)
    keeper = await shop.as_member(await shop.hire("Laura", "ARCHIVE_KEEPER"))
    async with shop.databases.tenant_write(shop.company.ref) as write:
        with pytest.raises(Forbidden):
            await rfm.ask_for_scores(write, keeper)


BUYERS = st.lists(st.lists(st.tuples(st.integers(0, 500), st.integers(1, 4)), max_size=2), max_size=6)


@given(buyers=BUYERS)
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_fifths_are_those_of_a_plain_count(shop, buyers):
    """Every buyer's score is 1 + five times the share of those strictly lower, rounded down."""
    prefix = new_id().hex
    made = await shop.create_many("customer", [{"name": f"{prefix}{n}"} for n in range(len(buyers))])
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await write.fetch("UPDATE customer SET archived_at = now() WHERE NOT id = ANY($1::uuid[])", made)
    for customer, orders in zip(made, buyers, strict=True):
        for back, price in orders:
            await shop.order(customer, TODAY - timedelta(days=back), ("1", str(price)))
    await score(shop)
    first = date(2025, 3, 3)
    figures = {}
    for customer, orders in zip(made, buyers, strict=True):
        days = [(TODAY - timedelta(days=back), price) for back, price in orders]
        recent = [price for day, price in days if day >= first]
        if days:
            figures[customer] = (max(day for day, _ in days), len(recent), sum(recent))
    rows = await shop.fetch(
        "SELECT id, rfm_recency, rfm_frequency, rfm_monetary FROM customer WHERE id = ANY($1::uuid[])", made
    )
    for row in rows:
        customer, *told = row.values()
        mine = figures.get(customer)
        wanted = (
            [None] * 3
            if mine is None
            else [
                1 + 5 * sum(other[n] < mine[n] for other in figures.values()) // len(figures)
                for n in range(3)
            ]
        )
        assert told == wanted
