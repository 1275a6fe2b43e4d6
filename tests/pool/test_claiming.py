"""Claiming, looking at, releasing and sharing out customers of the public pool (A13)."""

import asyncio
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedang_platform.errors import Forbidden, NotFound, Refused
from kedang_platform.ids import new_id
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.hot.asking import mark_hot
from kedang_tenants.pool.claiming import ClaimsUsedUp, HoldsEnough, PreviousOwnerPause
from kedang_tenants.pool.looking import Sought, ViewsUsedUp, list_pool, look_at
from kedang_tenants.pool.releasing import InPoolAlready, ProtectedFromPool
from kedang_tenants.pool.rule import check
from kedang_tenants.pool.sharing import (
    NothingToShareOut,
    Share,
    SharesNotWhole,
    WrongMembers,
    share_out,
    share_out_customers,
    shares_of,
)

TODAY = date(2026, 3, 2)
pytestmark = pytest.mark.requirement("A13")


async def listed(pool, member, *, first=50, after=None, **sought):
    async with pool.shop.databases.tenant_read(pool.shop.company.ref) as read:
        viewer = await pool.shop.as_member(member)
        return await list_pool(
            read, viewer, sought=Sought(**sought), first=first, after=after, clock=pool.shop.clock
        )


async def test_a_customer_is_released_and_claimed_by_another(pool):
    customer = await pool.customer()
    await pool.release(customer, reason="No time")
    assert await pool.shown(customer) == (None, True, None, None)
    await pool.claim(customer, pool.janet)
    assert await pool.shown(customer) == (pool.janet, False, None, None)
    assert await pool.moves(customer) == [
        ("RELEASED", pool.nancy, None, "No time", pool.nancy),
        ("CLAIMED", pool.janet, None, None, pool.janet),
    ]
    assert await pool.actions(customer) == [
        "customer.created", "customer.updated", "customer.released", "customer.updated", "customer.claimed",
    ]  # fmt: skip
    assert await pool.shop.value("SELECT assigned_on FROM customer") == TODAY
    with pytest.raises(NotFound):
        await pool.claim(customer)
    with pytest.raises(NotFound):
        await pool.release(customer)


@pytest.mark.requirement("A11")
async def test_with_whom_a_customer_is_shared_does_not_give_it_away(pool):
    customer = await pool.customer()
    shared = {"role": "WRITE", "until": pool.shop.clock.now() + timedelta(days=3_000)}
    await pool.shop.create(
        "customer_collaborator", internally=True, customer_id=customer, member_id=pool.janet, **shared
    )
    with pytest.raises(Forbidden):
        await pool.release(customer, pool.janet)
    assert (await pool.shown(customer))[:2] == (pool.nancy, False)
    assert await pool.moves(customer) == []


async def test_with_the_customer_go_the_plans_of_who_lost_it_checks_too(pool):
    customer = await pool.customer()
    day = {"customer_id": customer, "owner_id": pool.nancy, "due_on": TODAY}
    await pool.shop.create("follow_up_plan", internally=True, **day)
    check = {"origin": "CHECK", "occasion": "watch:1"}
    await pool.shop.create("follow_up_plan", internally=True, **day, **check)
    await pool.release(customer)
    rows = await pool.shop.fetch("SELECT origin, state, occasion FROM follow_up_plan ORDER BY origin")
    assert [tuple(row.values()) for row in rows] == [
        ("CHECK", "CANCELLED", None),
        ("MANUAL", "CANCELLED", None),
    ]


async def test_a_contract_that_is_signed_at_this_moment_keeps_its_customer_from_being_released(pool):
    customer = await pool.customer()
    said = {"number": "K-1", "title": "T", "customer_id": customer, "signed_on": TODAY, "starts_on": TODAY}
    contract = await pool.shop.create("contract", internally=True, state="DRAFT", **said)
    signed = Change("contract", "update", contract, values={"state": "IN_FORCE"})
    async with pool.shop.databases.tenant_write(pool.shop.company.ref) as write:
        await change_internally(write, await pool.shop.product(), [signed], clock=pool.shop.clock)
        releasing = asyncio.create_task(pool.release(customer))
        await asyncio.wait({releasing}, timeout=0.3)
    with pytest.raises(ProtectedFromPool):
        await releasing
    assert (await pool.shown(customer))[:2] == (pool.nancy, False)


async def test_a_demand_that_is_entered_at_this_moment_keeps_its_customer_from_being_released(pool):
    customer = await pool.customer()
    async with pool.shop.databases.tenant_write(pool.shop.company.ref) as write:
        demand = Change("demand", "create", values={"customer_id": customer, "title": "Pumps"})
        await change_internally(write, await pool.shop.product(), [demand], clock=pool.shop.clock)
        releasing = asyncio.create_task(pool.release(customer))
        await asyncio.wait({releasing}, timeout=0.3)
        assert not releasing.done()
    with pytest.raises(ProtectedFromPool):
        await releasing
    assert (await pool.shown(customer))[:2] == (pool.nancy, False)


async def test_of_several_who_claim_one_gets_it(pool):
    customer = await pool.customer(pooled=True)
    people = [await pool.shop.hire(f"Rep {n}", "REPRESENTATIVE") for n in range(6)]
    answers = await asyncio.gather(*(pool.claim(customer, each) for each in people), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == [*["NotFound"] * 5, "UUID"]
    assert await pool.shop.value("SELECT count(*) FROM pool_move") == 1


async def test_so_many_may_be_claimed_a_day(pool):
    await pool.rule(claimsPerDay=2)
    customers = [await pool.customer(f"C{n}", pooled=True) for n in range(4)]
    answers = await asyncio.gather(*(pool.claim(each) for each in customers[:3]), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["ClaimsUsedUp", "UUID", "UUID"]
    with pytest.raises(ClaimsUsedUp) as refused:
        await pool.claim(customers[3])
    assert refused.value.params == {"count": 2, "limit": 2}
    assert (await pool.shown(customers[3]))[:2] == (None, True)
    await pool.claim(customers[3], pool.janet)
    pool.shop.clock.move(timedelta(days=1))
    (left,) = [each for each in customers[:3] if (await pool.shown(each))[0] is None]
    await pool.claim(left)


async def test_who_has_enough_claims_no_more(pool):
    await pool.rule(mostHeld=1)
    await pool.customer()
    pooled = await pool.customer("B", pooled=True)
    with pytest.raises(HoldsEnough) as refused:
        await pool.claim(pooled)
    assert refused.value.params == {"count": 1, "limit": 1}
    await pool.claim(pooled, pool.janet)


async def test_who_lost_it_waits(pool):
    await pool.rule(pauseDays=30)
    customer = await pool.customer()
    await pool.release(customer)
    pool.shop.clock.move(timedelta(days=29))
    with pytest.raises(PreviousOwnerPause) as refused:
        await pool.claim(customer)
    assert refused.value.params == {"day": "2026-04-01"}
    assert [one.claimable_on for one in (await listed(pool, pool.nancy)).customers] == [date(2026, 4, 1)]
    assert [one.claimable_on for one in (await listed(pool, pool.janet)).customers] == [None]
    pool.shop.clock.move(timedelta(days=1))
    await pool.claim(customer)


@pytest.mark.requirement("A11")
async def test_only_who_keeps_customers_has_to_do_with_the_pool(pool):
    pooled, shut = await pool.customer(pooled=True), await pool.customer("Shut", pooled=True, restricted=True)
    for role in ("MARKETER", "FINANCE", "SERVICE_AGENT", "VIEW_ONLY"):
        person = await pool.shop.hire(role.title(), role)
        with pytest.raises(Forbidden):
            await pool.claim(pooled, person)
        with pytest.raises(Forbidden):
            await listed(pool, person)
    with pytest.raises(NotFound):
        await pool.claim(shut)
    assert [one.name for one in (await listed(pool, pool.nancy)).customers] == ["Alfreds"]
    assert (await pool.shown(pooled), await pool.moves(pooled)) == ((None, True, None, None), [])


async def test_the_pool_is_listed_by_pages_and_searched(pool):
    for number, (name, city) in enumerate(
        (("Alfreds", "Berlin"), ("北京仪器", "北京"), ("Around", "London"))
    ):
        pool.shop.clock.move(timedelta(minutes=number))
        await pool.customer(name, city=city, pooled=True)
    first = await listed(pool, pool.nancy, first=2)
    assert ([one.name for one in first.customers], first.more) == (["Alfreds", "北京仪器"], True)
    rest = await listed(pool, pool.nancy, first=2, after=first.customers[-1].cursor)
    assert ([one.name for one in rest.customers], rest.more) == (["Around"], False)
    assert [one.name for one in (await listed(pool, pool.nancy, name="仪器")).customers] == ["北京仪器"]
    assert [one.name for one in (await listed(pool, pool.nancy, city="london")).customers] == ["Around"]
    assert (await listed(pool, pool.nancy, grade="A")).customers == []


async def test_so_many_may_be_looked_at_a_day_and_it_is_noted(pool):
    await pool.rule(viewsPerDay=1)
    viewer = await pool.shop.as_member(pool.nancy)
    first, second = await pool.customer(pooled=True, phone="030 1"), await pool.customer("B", pooled=True)
    await pool.shop.create("contact", customer_id=first, name="Maria Anders", phone="030 2")
    for _ in range(2):  # the same once more is no further one
        seen = await pool.write(look_at, viewer, customer_id=first)
        assert (seen.phone, seen.contacts, seen.left) == ("030 1", [("Maria Anders", None)], 0)
    with pytest.raises(ViewsUsedUp):
        await pool.write(look_at, viewer, customer_id=second)
    assert [move[:2] for move in await pool.moves(first)] == [("VIEWED", pool.nancy)]
    assert await pool.moves(second) == []


@pytest.mark.parametrize("why", ["hot", "demand", "contract", "level"])
async def test_what_is_protected_is_not_released(pool, why):
    shop = pool.shop
    customer = await pool.customer()
    if why == "hot":
        await pool.write(mark_hot, await shop.as_member(pool.nancy), customer_id=customer, reason="Order")
    if why == "demand":
        await shop.create("demand", customer_id=customer, title="Pumps")
    if why == "contract":
        await shop.create(
            "contract",
            number="1",
            title="T",
            customer_id=customer,
            state="IN_FORCE",
            signed_on=TODAY,
            starts_on=TODAY,
        )
    if why == "level":
        scheme = await shop.create("grade_scheme", name="S")
        level = await shop.create(
            "grade_level",
            scheme_id=scheme,
            code="A",
            name={"en": "A"},
            colour="#aa0000",
            position=1,
            pool_protected=True,
        )
        await shop.change(change_of(customer, grade_level_id=level), internally=True)
    with pytest.raises(ProtectedFromPool):
        await pool.release(customer)
    assert ((await pool.shown(customer))[:2], await pool.moves(customer)) == ((pool.nancy, False), [])


def change_of(customer, **values):
    return Change("customer", "update", customer, values=values)


async def test_whoever_gets_it_by_any_way_takes_it_out_of_the_pool(pool):
    customer = await pool.customer(pooled=True)
    await pool.shop.update("customer", customer, owner_id=pool.janet)
    assert (await pool.shown(customer))[:2] == (pool.janet, False)
    boss = await pool.shop.as_member(await pool.shop.hire("Andrew", "ADMIN"))
    nobodys = await pool.shop.create("customer", name="Nobody's")
    await pool.release(nobodys, boss.member_id)
    with pytest.raises(InPoolAlready):
        await pool.release(nobodys, boss.member_id)


async def test_what_was_planned_by_hand_is_cancelled(pool):
    customer = await pool.customer()
    await pool.shop.create("follow_up_plan", customer_id=customer, owner_id=pool.nancy, due_on=TODAY)
    await pool.release(customer)
    assert await pool.shop.value("SELECT state FROM follow_up_plan") == "CANCELLED"


# Sharing out


async def shared(pool, boss, **said):
    return await pool.write(share_out_customers, await pool.shop.as_member(boss), **said)


async def test_customers_are_shared_out_by_turn_and_by_percent(pool):
    await pool.rule(pauseDays=10)
    boss = await pool.shop.hire("Andrew", "ADMIN")
    lost = await pool.customer("Lost")
    await pool.release(lost)
    customers = [await pool.customer(f"C{n}", pooled=True) for n in range(4)]
    found = await shared(pool, boss, shares=[Share(pool.nancy), Share(pool.janet)], number=3)
    assert found == {lost: pool.janet, customers[0]: pool.nancy, customers[1]: pool.nancy}
    percent = [Share(pool.nancy, 50), Share(pool.janet, 50)]
    assert await shared(pool, boss, shares=percent, customer_ids=customers[2:]) == {
        customers[2]: pool.nancy,
        customers[3]: pool.janet,
    }
    assert [await pool.shown(each) for each in customers[2:]] == [
        (pool.nancy, False, None, None),
        (pool.janet, False, None, None),
    ]
    assert [move[0] for move in await pool.moves(lost)] == ["RELEASED", "SHARED_OUT"]


async def test_what_cannot_be_shared_out_is_refused_and_nothing_changes(pool):
    boss = await pool.shop.hire("Andrew", "ADMIN")
    gone = await pool.shop.hire("Gone", "REPRESENTATIVE", state="SUSPENDED")
    pooled, kept = await pool.customer(pooled=True), await pool.customer("Kept")
    one = [Share(pool.nancy)]
    for said, error in (
        ({"shares": [], "number": 1}, WrongMembers),
        ({"shares": [*one, *one], "number": 1}, WrongMembers),
        ({"shares": [Share(pool.nancy, 60), Share(pool.janet, 30)], "number": 1}, SharesNotWhole),
        ({"shares": [Share(pool.nancy, 100), Share(pool.janet)], "number": 1}, SharesNotWhole),
        ({"shares": [Share(pool.nancy, 110), Share(pool.janet, -10)], "number": 1}, SharesNotWhole),
        ({"shares": one}, NothingToShareOut),
        ({"shares": one, "number": 0}, NothingToShareOut),
        ({"shares": one, "number": 1, "customer_ids": [pooled]}, NothingToShareOut),
        ({"shares": one, "customer_ids": []}, NothingToShareOut),
    ):
        with pytest.raises(error):
            await shared(pool, boss, **said)
    for said, path in (
        ({"shares": [Share(gone)], "number": 1}, ("input", "members", 0, "memberId")),
        ({"shares": one, "customer_ids": [pooled, kept]}, ("input", "customerIds", 1)),
        ({"shares": one, "customer_ids": [new_id()]}, ("input", "customerIds", 0)),
    ):
        with pytest.raises(Refused) as refused:
            await shared(pool, boss, **said)
        assert [(error.code, error.path) for error in refused.value.errors] == [("NOT_FOUND", path)]
    with pytest.raises(Forbidden):
        await shared(pool, pool.nancy, shares=one, number=1)
    assert ((await pool.shown(pooled))[:2], await pool.moves(pooled)) == ((None, True), [])


MEMBERS = [new_id() for _ in range(4)]


@given(st.integers(0, 40), st.lists(st.integers(1, 100), min_size=1, max_size=4))
def test_each_gets_their_share_and_at_most_one_more_or_less(number, weights):
    parts = shares_of(number, weights)
    assert sum(parts) == number
    assert all(
        abs(part - number * weight / sum(weights)) < 1 for part, weight in zip(parts, weights, strict=True)
    )
    customers = [new_id() for _ in range(number)]
    shares = [Share(member, weight) for member, weight in zip(MEMBERS, weights, strict=False)]
    found = share_out(customers, shares)
    assert [list(found.values()).count(share.member_id) for share in shares] == parts


@given(st.integers(1, 12), st.integers(1, 4), st.sets(st.tuples(st.integers(0, 11), st.integers(0, 3))))
def test_nobody_gets_back_what_they_lost(number, people, pairs):
    customers = [new_id() for _ in range(number)]
    barred = {(customers[c % number], MEMBERS[m]) for c, m in pairs}
    found = share_out(customers, [Share(member) for member in MEMBERS[:people]], barred=barred)
    assert barred.isdisjoint(found.items())
    left = [c for c in customers if c not in found]
    assert all((customer, member) in barred for customer in left for member in MEMBERS[:people])


@pytest.mark.parametrize(
    ("content", "code", "path"),
    [
        ({"noContactDays": 0}, "OUT_OF_RANGE", "noContactDays"),
        ({"noContactDays": "60"}, "OUT_OF_RANGE", "noContactDays"),
        ({"noDealMonths": 121}, "OUT_OF_RANGE", "noDealMonths"),
        ({"claimsPerDay": True}, "OUT_OF_RANGE", "claimsPerDay"),
        ({"noContactDays": 7, "warnDays": 7}, "WARNED_TOO_EARLY", "warnDays"),
        ({"days": 3}, "INVALID_CONTENT", "days"),
    ],
)
async def test_a_rule_that_cannot_be_is_refused(shop, content, code, path):
    found = await check(None, await shop.product(), content)
    assert [(error.code, error.path) for error in found] == [(code, (path,))]
