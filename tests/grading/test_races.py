"""Several who grade at once: a run, an order that comes in, a hand, a new version; none is lost and none waits for ever."""

import asyncio
from datetime import date, timedelta

import pytest

from kedang_platform.errors import Refused
from kedang_tenants.grading.by_hand import grade_by_hand
from kedang_tenants.grading.ending import end_part
from kedang_tenants.grading.grades import grade_customers, regrade_everybody
from kedang_tenants.grading.publishing import publish_grade_rule
from tests.grading.test_by_hand import JUNE, levels_of
from tests.grading.test_levels import give, shown
from tests.grading.test_versions import EASY, draft, publish, thresholds

pytestmark = pytest.mark.requirement("G3")
RECENTLY = date(2026, 1, 15)
STRICT = thresholds(("A", "70"), ("E", None))
_WAITING = """
SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE NOT l.granted AND a.datname = current_database()
"""


async def until_somebody_waits(shop, task, *, count=1):
    """Until so many statements wait for locks of others, or the task has come to its end without."""
    for _ in range(500):
        if task.done() or await shop.value(_WAITING) >= count:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody waits")


async def run_in_its_own(shop, scheme):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await regrade_everybody(write, await shop.product(), scheme_id=scheme, clock=shop.clock)


async def rows_of(shop, customer):
    rows = await shop.fetch(
        "SELECT l.code, g.rule_version, g.by_hand FROM customer_grade g JOIN grade_level l ON l.id = g.level_id"
        " WHERE g.customer_id = $1 AND g.current",
        customer,
    )
    return [tuple(row.values()) for row in rows]


async def a_buyer(shop, sum_of="75"):
    customer = await shop.create("customer", name="Alfreds Futterkiste", roles=["BUYER"])
    scheme = await shop.publish_default_scheme()
    await shop.order(customer, RECENTLY, ("1", sum_of))
    await shop.work()
    return customer, scheme


async def test_a_run_and_a_hand_do_not_wait_for_each_other_for_ever(shop):
    customer, scheme = await a_buyer(shop)
    rule = await draft(shop, scheme, EASY)
    await publish(shop, rule)
    levels = await levels_of(shop)
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await write.fetch("SELECT id FROM customer WHERE id = $1 FOR NO KEY UPDATE", customer)
        run = asyncio.create_task(run_in_its_own(shop, scheme))
        await until_somebody_waits(shop, run)
        await grade_by_hand(
            write,
            shop.viewer,
            customer_id=customer,
            level_id=levels["C"],
            reason="Decided in the meeting",
            until=JUNE,
            clock=shop.clock,
        )
    await run
    assert await rows_of(shop, customer) == [("C", 2, True)]
    assert await shown(shop, customer) == "C"


async def test_figures_that_a_run_renews_are_not_the_last_word(shop):
    customer, scheme = await a_buyer(shop)
    shop.clock.move(timedelta(minutes=1))
    async with shop.databases.tenant_write(shop.company.ref) as write:
        viewer = await shop.product()
        await write.fetch(
            "UPDATE customer_grade SET figures = figures || '{\"values\": []}' WHERE customer_id = $1",
            customer,
        )
        await regrade_everybody(write, viewer, scheme_id=scheme, clock=shop.clock)
        await shop.order(customer, RECENTLY, ("1", "20000"))
        event = asyncio.create_task(_grade(shop, customer, viewer))
        await until_somebody_waits(shop, event)
    await event
    assert await rows_of(shop, customer) == [("A", 1, False)]


async def test_of_two_runs_the_later_one_grades_by_the_later_version(shop):
    customer, scheme = await a_buyer(shop)
    await publish(shop, await draft(shop, scheme, EASY))
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await write.fetch("SELECT id FROM customer WHERE id = $1 FOR NO KEY UPDATE", customer)
        run = asyncio.create_task(run_in_its_own(shop, scheme))
        await until_somebody_waits(shop, run)
        await publish(shop, await draft(shop, scheme, STRICT))
        later = asyncio.create_task(run_in_its_own(shop, scheme))
        await until_somebody_waits(shop, later, count=2)
    await asyncio.gather(run, later)
    assert await rows_of(shop, customer) == [("A", 3, False)]
    assert await shown(shop, customer) == "A"


async def _grade(shop, customer, viewer):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await grade_customers(write, viewer, [customer], clock=shop.clock)


async def test_a_last_day_that_passes_and_a_hand_do_not_wait_for_each_other_for_ever(shop):
    customer, _ = await a_buyer(shop)
    levels = await levels_of(shop)
    await give(shop, customer, levels["A"], until=date(2026, 3, 2))
    shop.clock.move(timedelta(days=1))
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await write.fetch("SELECT id FROM customer WHERE id = $1 FOR NO KEY UPDATE", customer)
        night = asyncio.create_task(_end(shop))
        await until_somebody_waits(shop, night)
        await grade_by_hand(
            write,
            shop.viewer,
            customer_id=customer,
            level_id=levels["B"],
            reason="Decided in the meeting",
            until=JUNE,
            clock=shop.clock,
        )
    await night
    assert await rows_of(shop, customer) == [("B", 1, True)]
    assert await shop.value("SELECT count(*) FROM customer_grade WHERE by_hand AND version = 2") == 1


async def _end(shop):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await end_part(write, await shop.product(), after=None, clock=shop.clock)


async def test_a_level_that_is_being_put_in_force_is_not_archived_meanwhile(shop):
    scheme = await shop.publish_default_scheme()
    level = await shop.create(
        "grade_level", scheme_id=scheme, code="N", name={"en": "New"}, colour="#123456", position=9
    )
    rule = await draft(shop, scheme, thresholds(("A", "70"), ("N", None)))
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await publish_grade_rule(write, shop.viewer, rule_id=rule, clock=shop.clock)
        going = asyncio.create_task(shop.archive("grade_level", level))
        await until_somebody_waits(shop, going)
    with pytest.raises(Refused) as refused:
        await going
    assert [error.code for error in refused.value.errors] == ["LEVEL_IN_FORCE"]
    assert await shop.value("SELECT archived_at FROM grade_level WHERE id = $1", level) is None
