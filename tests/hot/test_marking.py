"""Hot customers: marked by hand or by a demand, capped, expired, cleared by what came of it (A5)."""

import asyncio
from datetime import date, timedelta

import pytest

from kedang_platform.errors import Forbidden, KedangError, NotFound, Refused
from kedang_tenants.approvals.deciding import decide
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.followups.planning import lock_customers
from kedang_tenants.hot.asking import clear_hot, mark_hot
from kedang_tenants.hot.caps import HotCapReached
from kedang_tenants.hot.expiring import HOT_MARK_ENDS, expire
from kedang_tenants.hot.holding import holders
from kedang_tenants.hot.marking import HotReasonMissing, HotWithoutOwner, NotHot
from kedang_tenants.hot.rule import KIND, check, cycle_days
from kedang_tenants.rules import establish

TODAY = date(2026, 3, 2)
pytestmark = pytest.mark.requirement("A5")


@pytest.fixture
async def nancy(shop):
    """A representative."""
    return await shop.hire("Nancy Davolio", "REPRESENTATIVE")


async def rule(shop, **content):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await establish(write, await shop.product(), kind=KIND, content=content, clock=shop.clock)


async def mark(shop, customer, viewer=None, *, reason="A large order is near", until=None):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        return await mark_hot(
            write, viewer or shop.viewer, customer_id=customer, reason=reason, until=until, clock=shop.clock
        )


async def clear(shop, customer, viewer=None, **said):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await clear_hot(write, viewer or shop.viewer, customer_id=customer, clock=shop.clock, **said)


async def shown(shop, customer):
    (row,) = await shop.fetch("SELECT hot_since, hot_until, hot_reason FROM customer WHERE id = $1", customer)
    return tuple(row.values())


async def marks(shop, customer):
    rows = await shop.fetch(
        "SELECT origin, since, until, ended_on, ending FROM hot_mark WHERE customer_id = $1 ORDER BY created_at, id",
        customer,
    )
    return [tuple(row.values()) for row in rows]


async def test_a_customer_is_marked_for_a_reason_until_a_day_and_renewed(shop, nancy):
    customer = await shop.create("customer", name="Alfreds", owner_id=nancy)
    viewer = await shop.as_member(nancy)
    assert await mark(shop, customer, viewer, until=date(2026, 3, 31)) is None
    assert await shown(shop, customer) == (TODAY, date(2026, 3, 31), "A large order is near")
    shop.clock.move(timedelta(days=2))
    assert await mark(shop, customer, viewer, reason="Delayed") is None
    assert await shown(shop, customer) == (TODAY, date(2026, 6, 2), "Delayed")
    assert await marks(shop, customer) == [("BY_HAND", TODAY, date(2026, 6, 2), None, None)]
    await clear(shop, customer, viewer, reason="They bought elsewhere")
    assert await shown(shop, customer) == (None, None, None)
    assert await marks(shop, customer) == [("BY_HAND", TODAY, date(2026, 6, 2), date(2026, 3, 4), "CLEARED")]
    with pytest.raises(NotHot):
        await clear(shop, customer, viewer)


@pytest.mark.parametrize("until", [date(2026, 3, 1), date(2026, 6, 1)])
async def test_the_last_day_lies_within_the_rule(shop, nancy, until):
    customer = await shop.create("customer", name="Alfreds", owner_id=nancy)
    with pytest.raises(Refused) as refused:
        await mark(shop, customer, until=until)
    assert [(error.code, error.path) for error in refused.value.errors] == [
        ("OUT_OF_RANGE", ("input", "until"))
    ]
    with pytest.raises(HotReasonMissing):
        await mark(shop, customer, reason="  ")
    assert (await shown(shop, customer), await marks(shop, customer)) == ((None, None, None), [])


async def test_the_cap_of_a_representative_refuses_and_that_of_the_company_too(shop, nancy):
    await rule(shop, mostPerMember=1, mostInCompany=2)
    janet = await shop.hire("Janet", "REPRESENTATIVE")
    first, second, third, fourth = [
        await shop.create("customer", name=name, owner_id=owner)
        for name, owner in (("A", nancy), ("B", nancy), ("C", janet), ("D", shop.viewer.member_id))
    ]
    await mark(shop, first)
    with pytest.raises(HotCapReached) as reached:
        await mark(shop, second)
    assert reached.value.params == {"count": 1, "cap": 1}
    await mark(shop, third)
    with pytest.raises(HotCapReached) as reached:
        await mark(shop, fourth)
    assert reached.value.params == {"count": 2, "cap": 2}
    assert await shop.value("SELECT count(*) FROM hot_mark") == 2
    await mark(shop, first, reason="Renewed")  # takes no further place


@pytest.mark.parametrize("over", ["REFUSE", "ASK"])
async def test_a_customer_that_nobody_has_is_not_made_a_hot_one_past_all_caps(shop, nancy, over):
    await rule(shop, mostPerMember=0, overTheCap=over)
    customer = await shop.create("customer", name="Alfreds")
    with pytest.raises(HotWithoutOwner):
        await mark(shop, customer)
    assert await shown(shop, customer) == (None, None, None)
    assert await shop.value("SELECT count(*) FROM hot_mark") == 0
    assert await shop.value("SELECT count(*) FROM approval_request") == 0


async def test_what_was_approved_is_not_marked_where_nobody_has_the_customer_any_more(shop, nancy):
    await rule(shop, mostPerMember=0, overTheCap="ASK")
    steven = await shop.hire("Steven Buchanan", "DEPARTMENT_MANAGER")
    await shop.update("member", nancy, superior_id=steven)
    customer = await shop.create("customer", name="Alfreds", owner_id=nancy)
    asked = await mark(shop, customer, await shop.as_member(nancy))
    await shop.update("customer", customer, owner_id=None)
    superior = await shop.as_member(steven)
    async with shop.databases.tenant_write(shop.company.ref) as write:
        said = {"request_id": asked, "stage": 1, "decision": "APPROVE"}
        await decide(write, superior, **said, clock=shop.clock)
    assert await shown(shop, customer) == (None, None, None)
    assert await marks(shop, customer) == []


async def test_of_several_marks_at_once_no_more_hold_than_the_cap_allows(shop, nancy):
    await rule(shop, mostPerMember=2)
    customers = [await shop.create("customer", name=f"C{n}", owner_id=nancy) for n in range(4)]
    answers = await asyncio.gather(*(mark(shop, each) for each in customers), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == [*["HotCapReached"] * 2, *["NoneType"] * 2]
    assert await shop.value("SELECT count(*) FROM customer WHERE hot_since IS NOT NULL") == 2


async def test_over_the_cap_the_superior_decides(shop, nancy):
    await rule(shop, mostPerMember=0, overTheCap="ASK")
    steven = await shop.hire("Steven Buchanan", "DEPARTMENT_MANAGER")
    await shop.update("member", nancy, superior_id=steven)
    customer = await shop.create("customer", name="Alfreds", owner_id=nancy)
    asked = await mark(shop, customer, await shop.as_member(nancy))
    assert asked is not None
    assert await shown(shop, customer) == (None, None, None)
    with pytest.raises(KedangError, match="asked for this already"):
        await mark(shop, customer, await shop.as_member(nancy))
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await decide(
            write,
            await shop.as_member(steven),
            request_id=asked,
            stage=1,
            decision="APPROVE",
            clock=shop.clock,
        )
    assert await shown(shop, customer) == (TODAY, date(2026, 5, 31), "A large order is near")
    assert [found[0] for found in await marks(shop, customer)] == ["BY_APPROVAL"]
    assert await shop.value("SELECT marked_by_id FROM hot_mark") == nancy


async def test_the_superior_decides_while_it_is_asked_for_again(shop, nancy):
    await rule(shop, mostPerMember=0, overTheCap="ASK")
    steven = await shop.hire("Steven Buchanan", "DEPARTMENT_MANAGER")
    await shop.update("member", nancy, superior_id=steven)
    customer = await shop.create("customer", name="Alfreds", owner_id=nancy)
    asking = await shop.as_member(nancy)
    asked = await mark(shop, customer, asking)
    superior = await shop.as_member(steven)

    async def approve():
        async with shop.databases.tenant_write(shop.company.ref) as write:
            said = {"request_id": asked, "stage": 1, "decision": "APPROVE"}
            await decide(write, superior, **said, clock=shop.clock)

    async with shop.databases.tenant_write(shop.company.ref) as write:
        await lock_customers(write, [customer])
        deciding = asyncio.create_task(approve())
        await asyncio.wait({deciding}, timeout=0.3)
        again = {"customer_id": customer, "reason": "It is", "clock": shop.clock}
        with pytest.raises(KedangError, match="asked for this already"):
            await mark_hot(write, asking, **again)
    await deciding
    assert await shown(shop, customer) == (TODAY, date(2026, 5, 31), "A large order is near")


@pytest.mark.requirement("A11")
async def test_only_who_keeps_the_customer_marks_it(shop, nancy):
    customer = await shop.create("customer", name="Alfreds", owner_id=nancy)
    stranger = await shop.as_member(await shop.hire("Fuller", "REPRESENTATIVE"))
    finance = await shop.as_member(await shop.hire("Kim", "FINANCE"))
    with pytest.raises(NotFound):
        await mark(shop, customer, stranger)
    with pytest.raises(Forbidden):
        await mark(shop, customer, finance)
    assert await marks(shop, customer) == []


async def test_a_mark_expires_after_its_last_day_and_its_owner_is_told(shop, nancy):
    customer = await shop.create("customer", name="Alfreds", owner_id=nancy)
    await mark(shop, customer, until=date(2026, 3, 4))
    async with shop.databases.tenant_read(shop.company.ref) as read:
        due = await read.fetch(HOT_MARK_ENDS.select, TODAY)
    assert [(row[0], row[1], row[3]) for row in due] == [(nancy, customer, date(2026, 3, 4))]
    for days, expired in ((2, 0), (1, 1), (0, 0)):
        shop.clock.move(timedelta(days=days))
        async with shop.databases.tenant_write(shop.company.ref) as write:
            assert await expire(write, await shop.product(), clock=shop.clock) == expired
    assert await marks(shop, customer) == [("BY_HAND", TODAY, date(2026, 3, 4), date(2026, 3, 5), "EXPIRED")]
    told = await shop.fetch("SELECT member_id, title FROM notice WHERE kind = 'HOT_CUSTOMER'")
    assert [row["member_id"] for row in told] == [nancy]
    assert "Alfreds is no hot customer any more" in told[0]["title"]


@pytest.mark.parametrize("step", ["archive", "give up"])
async def test_who_is_given_up_or_archived_is_not_hot(shop, nancy, step):
    customer = await shop.create("customer", name="Alfreds", owner_id=nancy)
    await mark(shop, customer)
    if step == "archive":
        await shop.archive("customer", customer)
    else:
        await shop.update("customer", customer, owner_id=None)
    assert await shown(shop, customer) == (None, None, None)
    assert [found[4] for found in await marks(shop, customer)] == ["GIVEN_UP"]


async def test_an_opened_demand_marks_and_the_last_that_is_closed_clears(shop, nancy):
    customer = await shop.create("customer", name="Alfreds", owner_id=nancy)
    first = await shop.create("demand", customer_id=customer, title="Pumps")
    await shop.work()
    assert await shown(shop, customer) == (TODAY, date(2026, 5, 31), "Demand: Pumps")
    second = await shop.create("demand", customer_id=customer, title="Valves")
    await shop.work()
    await close(shop, first, "LOST")
    assert (await shown(shop, customer))[0] == TODAY
    await close(shop, second, "WON")
    assert await shown(shop, customer) == (None, None, None)
    assert [(found[0], found[4]) for found in await marks(shop, customer)] == [("BY_DEMAND", "WON")]


async def close(shop, demand, state):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await change_internally(
            write,
            shop.viewer or await shop.product(),
            [
                Change(
                    "demand",
                    "update",
                    demand,
                    values={"state": state, "closed_on": shop.clock.now().date(), "reason": "Price"},
                )
            ],
            clock=shop.clock,
        )
    await shop.work()


async def test_a_signed_contract_clears_and_a_rule_can_leave_demands_out(shop, nancy):
    await rule(shop, byDemand=False)
    customer = await shop.create("customer", name="Alfreds", owner_id=nancy)
    await shop.create("demand", customer_id=customer, title="Pumps")
    await shop.work()
    assert await marks(shop, customer) == []
    await mark(shop, customer)
    await shop.create(
        "contract",
        number="1",
        title="Pumps",
        customer_id=customer,
        state="IN_FORCE",
        signed_on=TODAY,
        starts_on=TODAY,
    )
    await shop.work()
    assert [found[4] for found in await marks(shop, customer)] == ["CONTRACT_SIGNED"]


async def test_a_demand_beyond_the_cap_marks_nobody_and_the_owner_is_told(shop, nancy):
    await rule(shop, mostPerMember=0, overTheCap="ASK")
    customer = await shop.create("customer", name="Alfreds", owner_id=nancy)
    await shop.create("demand", customer_id=customer, title="Pumps")
    await shop.work()
    assert await marks(shop, customer) == []
    told = await shop.fetch("SELECT member_id FROM notice WHERE kind = 'HOT_CUSTOMER'")
    assert [row["member_id"] for row in told] == [nancy]


async def test_managers_see_who_hoards(shop, nancy):
    await rule(shop, mostPerMember=2)
    janet = await shop.hire("Janet", "REPRESENTATIVE")
    ours = [await shop.create("customer", name=f"C{n}", owner_id=nancy) for n in range(3)]
    theirs = await shop.create("customer", name="T", owner_id=janet)
    await mark(shop, ours[0])
    await mark(shop, ours[1], until=TODAY + timedelta(days=3))
    shop.clock.move(timedelta(days=4))
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await expire(write, await shop.product(), clock=shop.clock)
    await mark(shop, theirs)
    for customer in ours[1:]:
        if customer is ours[2]:
            await shop.update("customer", theirs, owner_id=nancy)
            continue
        await mark(shop, customer)
    async with shop.databases.tenant_read(shop.company.ref) as read:
        found = await holders(read, await shop.product(), clock=shop.clock)
        own = await holders(read, await shop.as_member(janet), clock=shop.clock)
    (nancys,) = found
    assert (nancys.member_id, nancys.hot, nancys.cap, nancys.over_cap) == (nancy, 3, 2, True)
    assert (nancys.oldest_since, nancys.average_days) == (TODAY, 1)
    assert (nancys.with_result, nancys.without_result) == (0, 1)
    assert own == []


@pytest.mark.parametrize(
    ("content", "code", "path"),
    [
        ({"cycleDays": 0}, "OUT_OF_RANGE", "cycleDays"),
        ({"cycleDays": None}, "OUT_OF_RANGE", "cycleDays"),
        ({"expiresAfterDays": 0}, "OUT_OF_RANGE", "expiresAfterDays"),
        ({"mostPerMember": -1}, "OUT_OF_RANGE", "mostPerMember"),
        ({"mostPerMember": True}, "OUT_OF_RANGE", "mostPerMember"),
        ({"overTheCap": "SOMETIMES"}, "UNKNOWN_VALUE", "overTheCap"),
        ({"byDemand": 1}, "INVALID_CONTENT", "byDemand"),
        ({"colour": "red"}, "INVALID_COLOUR", "colour"),
        ({"colour": "#ffff66"}, "COLOUR_UNREADABLE", "colour"),
        ({"cap": 3}, "INVALID_CONTENT", "cap"),
    ],
)
async def test_a_rule_that_cannot_be_is_refused(shop, content, code, path):
    found = await check(None, await shop.product(), content)
    assert [(error.code, error.path) for error in found] == [(code, (path,))]


async def test_the_cycle_is_the_rule_s(shop):
    async with shop.databases.tenant_read(shop.company.ref) as read:
        assert await cycle_days(read) == 7
    await rule(shop, cycleDays=3)
    async with shop.databases.tenant_read(shop.company.ref) as read:
        assert await cycle_days(read) == 3
