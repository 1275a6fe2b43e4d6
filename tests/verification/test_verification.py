"""Verification of archives: the cycle by grade and state, confirming and correcting, and what is due (A7)."""

from datetime import date, timedelta

import pytest

from kedang_platform.errors import Forbidden, NotFound, Refused
from kedang_platform.ids import new_id
from kedang_tenants.verification.cycles import Cycle, most_exact, seed_cycles
from kedang_tenants.verification.dues import VERIFICATION
from kedang_tenants.verification.verifying import verify_customer

TODAY = date(2026, 3, 2)
pytestmark = pytest.mark.requirement("A7")


@pytest.fixture
async def davolio(shop):
    """A representative of a company with its first cycles."""
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await seed_cycles(write, await shop.product(), clock=shop.clock)
    return await shop.hire("Nancy Davolio", "REPRESENTATIVE")


async def days(shop, customer):
    (found,) = await shop.fetch("SELECT verified_on, verify_by FROM customer WHERE id = $1", customer)
    return tuple(found.values())


async def verify(shop, customer, viewer=None, **said):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await verify_customer(write, viewer or shop.viewer, customer_id=customer, clock=shop.clock, **said)


async def due(shop, day):
    async with shop.databases.tenant_read(shop.company.ref) as read:
        return [(found[0], found[1], found[3]) for found in await read.fetch(VERIFICATION.select, day)]


def test_the_most_exact_cycle_counts():
    grade = new_id()
    cycles = [
        Cycle(None, None, 24),
        Cycle(None, "CURRENT", 2),
        Cycle(grade, None, 3),
        Cycle(grade, "CURRENT", 1),
    ]
    found = [
        most_exact(cycles, grade_level_id=level, state=state)
        for level, state in ((None, "PAST"), (None, "CURRENT"), (grade, "PAST"), (grade, "CURRENT"))
    ]
    assert [cycle.months for cycle in found] == [24, 2, 3, 1]
    assert most_exact(cycles[2:], grade_level_id=None, state="PAST") is None


async def test_an_archive_is_due_two_months_after_it_was_last_verified(shop, davolio):
    customer = await shop.create("customer", name="Alfreds", state="CURRENT", owner_id=davolio)
    listed = await shop.create("customer", name="Bottom-Dollar", owner_id=davolio)
    assert await days(shop, customer) == (None, date(2026, 5, 2))
    assert await days(shop, listed) == (None, date(2028, 3, 2))
    assert await due(shop, date(2026, 5, 1)) == []
    assert await due(shop, date(2026, 5, 2)) == [(davolio, customer, date(2026, 5, 2))]
    shop.clock.move(timedelta(days=58))  # 29 April
    await verify(shop, customer, await shop.as_member(davolio))
    assert await days(shop, customer) == (date(2026, 4, 29), date(2026, 6, 29))
    assert await due(shop, date(2026, 5, 2)) == []
    (entry,) = await shop.fetch("SELECT changes FROM audit WHERE action = 'customer.verified'")
    assert '"corrected": [null, 0]' in entry["changes"]


async def test_corrections_go_in_with_the_verification_or_nothing_does(shop, davolio):
    customer = await shop.create("customer", name="Alfreds", state="CURRENT", owner_id=davolio)
    before = await shop.fetch("SELECT * FROM customer")
    with pytest.raises(Refused) as refused:
        await verify(shop, customer, corrections={"city": "Berlin", "employees": -1})
    assert [error.path for error in refused.value.errors] == [("input", "customer", "employees")]
    with pytest.raises(Refused):
        await verify(shop, customer, version=7)
    assert await shop.fetch("SELECT * FROM customer") == before
    await verify(shop, customer, corrections={"city": "Berlin", "state": "PAST"}, version=1)
    assert await days(shop, customer) == (TODAY, date(2028, 3, 2))
    assert await shop.value("SELECT city FROM customer") == "Berlin"


@pytest.mark.requirement("A11")
async def test_only_who_may_change_an_archive_verifies_it(shop, davolio):
    customer = await shop.create("customer", name="Alfreds", owner_id=davolio)
    fuller = await shop.as_member(await shop.hire("Andrew", "REPRESENTATIVE"))
    agent = await shop.as_member(await shop.hire("Laura", "SERVICE_AGENT"))
    with pytest.raises(NotFound):
        await verify(shop, customer, fuller)
    with pytest.raises(Forbidden):
        await verify(shop, customer, agent)
    assert (await days(shop, customer))[0] is None


async def test_another_cycle_moves_the_days_of_all_archives(shop, davolio):
    customer = await shop.create("customer", name="Alfreds", state="CURRENT", owner_id=davolio)
    (current,) = await shop.fetch("SELECT id FROM verification_cycle WHERE state = 'CURRENT'")
    await shop.update("verification_cycle", current["id"], months=1)
    await shop.work()
    assert await days(shop, customer) == (None, date(2026, 4, 2))
    for values, code in (({"state": "CURRENT"}, "ALREADY_EXISTS"), ({"months": 0}, "OUT_OF_RANGE")):
        with pytest.raises(Refused) as refused:
            await shop.create("verification_cycle", **{"months": 3, "state": "PAST"} | values)
        assert [error.code for error in refused.value.errors] == [code]
    assert await shop.value("SELECT count(*) FROM verification_cycle") == 2
