"""When customers return to the public pool, who is warned, and what never returns (A13)."""

import asyncio
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kedang_platform.errors import Forbidden, Refused
from kedang_platform.months import add_months
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.followups.planning import lock_customers
from kedang_tenants.hot.asking import mark_hot
from kedang_tenants.pool.previewing import preview
from kedang_tenants.pool.renewing import renew, renew_part
from kedang_tenants.pool.rule import KIND
from kedang_tenants.pool.sweeping import POOL_RETURN, sweep_part
from kedang_tenants.rules import establish

TODAY = date(2026, 3, 2)
pytestmark = pytest.mark.requirement("A13")


async def contract(pool, customer, state, begun, ends=None, ended=None):
    values = {
        "customer_id": customer,
        "title": "T",
        "state": "IN_FORCE",
        "signed_on": begun,
        "starts_on": begun,
    }
    made = await pool.shop.create("contract", number=customer.hex, ends_on=ends, **values)
    if state != "IN_FORCE":
        end = {"terminated_on": ended, "termination_reason": "T"} if state == "TERMINATED" else {}
        await pool.shop.change(
            Change("contract", "update", made, values={"state": state, **end}), internally=True
        )


async def contact(pool, customer, at):
    await pool.shop.create("follow_up_record", customer_id=customer, at=at, way="CALL", reached=True)


async def test_who_was_never_contacted_counts_from_the_assignment_and_a_contact_moves_the_day(pool):
    await pool.rule(noContactDays=60)
    customer = await pool.customer()
    await pool.shop.work()
    assert await pool.day(customer) == (date(2026, 5, 1), "NO_CONTACT")
    pool.shop.clock.move(timedelta(days=10))
    await contact(pool, customer, datetime(2026, 3, 12, 3, tzinfo=UTC))  # still the 11th in New York
    await pool.shop.work()
    assert await pool.day(customer) == (date(2026, 5, 10), "NO_CONTACT")
    pool.shop.clock.move(timedelta(days=5))
    await pool.shop.update("customer", customer, owner_id=pool.janet)
    assert await pool.day(customer) == (None, None)
    await pool.shop.work()  # of the new owner nobody asks what was neglected before
    assert await pool.day(customer) == (date(2026, 5, 16), "NO_CONTACT")


@pytest.mark.parametrize(
    ("rule", "what", "expected"),
    [
        ({"contractEndedDays": 30}, ("ENDED", date(2025, 1, 1), date(2026, 3, 20)), None),
        ({"contractEndedDays": 30}, ("IN_FORCE", date(2025, 1, 1), None), None),
        ({"contractEndedDays": 30}, ("IN_FORCE", date(2025, 1, 1), date(2026, 8, 31)), None),
        # Ended before the assignment: the present owner has the same time.
        ({"contractEndedDays": 30}, ("ENDED", date(2025, 1, 1), date(2026, 1, 31)), (date(2026, 4, 1), "CONTRACT_ENDED")),
        ({"contractEndedDays": 30}, ("TERMINATED", date(2025, 1, 1), date(2026, 12, 31), date(2026, 2, 1)), (date(2026, 4, 1), "CONTRACT_ENDED")),
        # Nobody has noted its end: its last day has passed all the same.
        ({"contractEndedDays": 30}, ("IN_FORCE", date(2025, 1, 1), date(2026, 2, 28)), (date(2026, 4, 1), "CONTRACT_ENDED")),
        ({"noDealMonths": 12}, None, (date(2027, 3, 2), "NO_DEAL")),
        ({"noDealMonths": 12, "noContactDays": 60}, None, (date(2026, 5, 1), "NO_CONTACT")),
        ({"noDealMonths": 1, "noContactDays": 60}, None, (date(2026, 4, 2), "NO_DEAL")),
        ({"contractEndedDays": 30}, None, None),
        ({"claimsPerDay": 1}, None, None),
    ],
)  # fmt: skip
async def test_the_earliest_part_of_the_rule_counts(pool, rule, what, expected):
    await pool.rule(**rule)
    customer = await pool.customer()
    if what and what[0] == "ENDED" and what[2] > TODAY:
        what = ("IN_FORCE", *what[1:])
    if what:
        await contract(pool, customer, *what)
    await pool.write(renew, customer_ids=[customer])
    assert await pool.day(customer) == (expected or (None, None))


async def test_a_deal_counts_in_whole_months_to_the_last_day_of_a_short_one(pool):
    await pool.rule(noDealMonths=6)
    customer = await pool.customer()
    pool.shop.clock.move(timedelta(days=200))
    await pool.shop.order(customer, date(2026, 8, 31), ("1", "10"))
    await pool.shop.order(customer, date(2026, 9, 10), ("1", "10"), state="CANCELLED")
    await pool.write(renew, customer_ids=[customer])
    assert await pool.day(customer) == (date(2027, 2, 28), "NO_DEAL")
    demand = await pool.shop.create("demand", customer_id=customer, title="Pumps")
    await pool.write(renew, customer_ids=[customer])
    assert await pool.day(customer) == (None, None)
    won = {"state": "WON", "closed_on": date(2026, 9, 15), "reason": "Price"}
    await pool.shop.change(Change("demand", "update", demand, values=won), internally=True)
    await pool.write(renew, customer_ids=[customer])
    assert await pool.day(customer) == (date(2027, 3, 15), "NO_DEAL")


async def test_an_order_at_the_end_of_all_days_gives_a_day_that_can_be_read(pool):
    await pool.rule(noDealMonths=120)
    customer = await pool.customer()
    await pool.shop.order(customer, date(9998, 12, 31), ("1", "10"))
    await pool.write(renew, customer_ids=[customer])
    assert await pool.day(customer) == (date(9010, 1, 1), "NO_DEAL")


async def test_a_level_has_days_of_its_own_or_protects(pool):
    await pool.rule(noContactDays=60)
    scheme = await pool.shop.create("grade_scheme", name="S")
    customer = await pool.customer()
    for position, (said, expected) in enumerate(
        (
            ({}, (date(2026, 5, 1), "NO_CONTACT")),
            ({"pool_after_days": 10}, (date(2026, 3, 12), "NO_CONTACT")),
            ({"pool_protected": True}, (None, None)),
        ),
        1,
    ):
        level = await pool.shop.create(
            "grade_level", scheme_id=scheme, code=f"L{position}", name={"en": "L"}, colour="#aa0000",
            position=position, **said,
        )  # fmt: skip
        graded = Change("customer", "update", customer, values={"grade_level_id": level})
        await pool.shop.change(graded, internally=True)
        await pool.write(renew_part, after=None)
        assert await pool.day(customer) == expected
    await pool.shop.update("grade_level", level, pool_protected=False)
    await pool.shop.work()
    assert await pool.day(customer) == (date(2026, 5, 1), "NO_CONTACT")


async def test_owners_are_warned_once_and_have_their_time_before_a_customer_returns(pool):
    await pool.rule(noContactDays=30, warnDays=7)
    shop, customer = pool.shop, await pool.customer()
    other = await pool.customer("Bottom", owner=pool.janet)
    found = []
    for _ in range(5):
        shop.clock.move(timedelta(days=7))  # 9, 16, 23, 30 March, 6 April
        if shop.clock.now().date() == date(2026, 3, 23):
            await contact(pool, other, shop.clock.now())
        found.append(await pool.night())
    assert found == [(0, 0), (0, 0), (0, 0), (1, 0), (0, 1)]
    assert await pool.shown(customer) == (None, True, None, None)
    assert (await pool.moves(customer))[0] == ("RECYCLED", pool.nancy, "NO_CONTACT", None, None)
    assert (await pool.shown(other))[:3] == (pool.janet, False, date(2026, 4, 22))
    assert "customer.recycled" in await pool.actions(customer)
    told = await shop.fetch(
        "SELECT member_id, title, details FROM notice WHERE kind = 'POOL' ORDER BY created_at"
    )
    assert [row["member_id"] for row in told] == [pool.nancy, pool.nancy]
    assert ["soon" in told[0]["title"], "have returned" in told[1]["title"]] == [True, True]


async def test_the_night_warns_when_it_has_let_go_of_whom_it_renewed(pool):
    """Somebody who changes two customers never waits for the night while the night waits for them."""
    shop = pool.shop
    await pool.rule(noContactDays=30, warnDays=7)
    first, second = sorted([await pool.customer("A"), await pool.customer("B")])
    await shop.work()
    shop.clock.move(timedelta(days=23))
    stale = "UPDATE customer SET pool_return_on = '2027-01-01' WHERE id = $1"
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await write.fetch(stale, second)
        await enqueue(write, NewJob("pool.nightly"))
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await lock_customers(write, [first])
        night = asyncio.create_task(shop.work())
        await asyncio.wait({night}, timeout=1)
        assert not night.done()
        await lock_customers(write, [second])
    await night
    assert await shop.value("SELECT count(*) FROM customer WHERE pool_warned_on = '2026-03-25'") == 2


async def test_a_new_rule_takes_nobody_by_surprise(pool):
    customer = await pool.customer()
    await contact(pool, customer, pool.shop.clock.now())
    pool.shop.clock.move(timedelta(days=400))
    await pool.rule(noContactDays=30, warnDays=7)
    await pool.shop.work()
    today = TODAY + timedelta(days=400)
    assert await pool.day(customer) == (today + timedelta(days=7), "NO_CONTACT")
    assert await pool.night() == (1, 0)
    async with pool.shop.databases.tenant_read(pool.shop.company.ref) as read:
        (due,) = await read.fetch(POOL_RETURN.select)
    assert (due[0], due[1], due[3]) == (pool.nancy, customer, today + timedelta(days=7))
    for days, returned in ((6, 0), (1, 1)):
        pool.shop.clock.move(timedelta(days=days))
        assert await pool.night() == (0, returned)


async def test_what_became_protected_since_the_day_was_stored_stays(pool):
    await pool.rule(noContactDays=30)
    first, second, third = [await pool.customer(name) for name in "ABC"]
    await pool.write(renew_part, after=None)
    pool.shop.clock.move(timedelta(days=30))
    await pool.write(mark_hot, await pool.shop.as_member(pool.nancy), customer_id=first, reason="Order")
    await pool.shop.create("demand", customer_id=second, title="Pumps")
    assert (await pool.day(first))[0] == date(2026, 4, 1)  # the events have not been told yet
    part = await pool.write(sweep_part, after=None)
    assert (part.seen, part.changed) == (3, 1)
    assert [(await pool.shown(each))[1:3] for each in (first, second, third)] == [
        (False, None), (False, None), (True, None),
    ]  # fmt: skip


async def test_a_contact_that_is_recorded_at_this_moment_keeps_its_customer(pool):
    await pool.rule(noContactDays=30)
    customer = await pool.customer()
    await pool.write(renew_part, after=None)
    pool.shop.clock.move(timedelta(days=30))
    called = {"customer_id": customer, "way": "CALL", "at": pool.shop.clock.now()}
    async with pool.shop.databases.tenant_write(pool.shop.company.ref) as write:
        record = Change("follow_up_record", "create", values=called)
        await change_internally(write, await pool.shop.product(), [record], clock=pool.shop.clock)
        sweeping = asyncio.create_task(pool.write(sweep_part, after=None))
        await asyncio.wait({sweeping}, timeout=0.3)
        assert not sweeping.done()
    part = await sweeping
    assert (part.seen, part.changed) == (1, 0)
    assert await pool.shown(customer) == (pool.nancy, False, date(2026, 5, 1), "NO_CONTACT")


async def test_where_a_demand_is_entered_at_this_moment_the_sweep_neither_takes_nor_waits(pool):
    await pool.rule(noContactDays=30)
    entered, other = [await pool.customer(name) for name in "AB"]
    await pool.write(renew_part, after=None)
    pool.shop.clock.move(timedelta(days=30))
    async with pool.shop.databases.tenant_write(pool.shop.company.ref) as write:
        demand = Change("demand", "create", values={"customer_id": entered, "title": "Pumps"})
        await change_internally(write, await pool.shop.product(), [demand], clock=pool.shop.clock)
        part = await pool.write(sweep_part, after=None)
        assert (part.seen, part.changed) == (2, 1)
    assert [(await pool.shown(each))[1:] for each in (entered, other)] == [
        (False, date(2026, 4, 1), "NO_CONTACT"), (True, None, None),
    ]  # fmt: skip
    await pool.write(renew_part, after=None)
    assert (await pool.write(sweep_part, after=None)).changed == 0
    assert await pool.shown(entered) == (pool.nancy, False, None, None)


async def test_a_night_by_its_jobs_and_a_repealed_rule(pool):
    await pool.rule(noContactDays=30)
    customer = await pool.customer()
    await pool.shop.work()
    await pool.shop.change(
        Change(
            "rule_version",
            "update",
            await pool.shop.value("SELECT id FROM rule_version"),
            values={"state": "REPEALED"},
        ),
        internally=True,
    )
    await pool.shop.work()
    assert await pool.day(customer) == (None, None)


async def test_another_rule_shows_who_would_return_before_it_is_in_force(pool):
    await pool.rule(noContactDays=300)
    first, second = await pool.customer("A"), await pool.customer("B", owner=pool.janet)
    await pool.shop.create("demand", customer_id=second, title="Pumps")
    third = await pool.customer("C", owner=pool.janet)
    await pool.write(renew_part, after=None)
    boss = await pool.shop.as_member(await pool.shop.hire("Andrew", "ADMIN"))
    before = await pool.shop.fetch("SELECT * FROM customer ORDER BY id")

    async def shown(viewer, **said):
        async with pool.shop.databases.tenant_read(pool.shop.company.ref) as read:
            said = {"content": {"noContactDays": 30}, "until": date(2026, 4, 30), "first": 1} | said
            return await preview(read, viewer, clock=pool.shop.clock, **said)

    found = await shown(boss)
    assert (found.returning, found.returning_now, found.protected, found.more) == (2, 0, 1, True)
    assert (found.by_cause, found.by_owner) == ({"NO_CONTACT": 2}, {pool.nancy: 1, pool.janet: 1})
    rest = await shown(boss, after=found.customers[0].cursor)
    listed = [*found.customers, *rest.customers]
    assert {one.id for one in listed} == {first, third}
    assert [(one.return_on, one.why, one.now_on) for one in listed] == [
        (date(2026, 4, 1), "NO_CONTACT", date(2026, 12, 27))
    ] * 2
    assert (await shown(boss, until=date(2026, 3, 31))).returning == 0
    assert await pool.shop.fetch("SELECT * FROM customer ORDER BY id") == before
    with pytest.raises(Forbidden):
        await shown(await pool.shop.as_member(pool.nancy))
    with pytest.raises(Refused) as refused:
        await shown(boss, content={"noContactDays": 0})
    assert [error.path for error in refused.value.errors] == [("content", "noContactDays")]


# The whole rule against an independent count


class Crowd:
    """Sixty customers of all sorts, and what is known of them, read row by row."""

    def __init__(self, pool, rows):
        self.pool, self.rows = pool, rows

    def due(self, row, rule, today):
        """By the words of the rule, without SQL."""
        k, d = row["contracts"], row["demands"]
        in_force = any(s == "IN_FORCE" and (e is None or e >= today) for s, e, _ in k)
        if row["hot_since"] or row["protected"] or in_force or any(s == "OPEN" for s, _ in d):
            return None

        def since(*days):
            return max([row["assigned"], *[day for day in days if day]])

        days = row["after_days"] or rule.get("noContactDays")
        found = [since(row["contact"]) + timedelta(days=days)] if days else []
        over = [end for _, end, _ in k if end]
        if over and rule.get("contractEndedDays"):
            found.append(since(max(over)) + timedelta(days=rule["contractEndedDays"]))
        if rule.get("noDealMonths"):
            deals = [*row["orders"], *(signed for _, _, signed in k), *(c for s, c in d if s == "WON")]
            found.append(add_months(since(*deals), rule["noDealMonths"]))
        return min(found, default=None)


@pytest.fixture
async def crowd(pool):
    shop, random = pool.shop, Random(43)
    scheme = await shop.create("grade_scheme", name="S")
    said = ({}, {"pool_after_days": 20}, {"pool_protected": True})
    levels = await shop.create_many(
        "grade_level",
        [
            {
                "scheme_id": scheme,
                "code": f"L{n}",
                "name": {"en": "L"},
                "colour": "#aa0000",
                "position": n,
                **own,
            }
            for n, own in enumerate(said, 1)
        ],
    )
    past = lambda: TODAY - timedelta(days=random.randrange(1, 500))  # noqa: E731 - said once, used below
    rows, changes = [], []
    ids = await shop.create_many("customer", [{"name": f"C{n}", "owner_id": pool.nancy} for n in range(60)])
    async with shop.databases.owner() as connection:
        for number, customer in enumerate(ids):
            level = random.choice([None, 0, 1, 2])
            row = {
                "id": customer, "assigned": past(), "contact": random.choice([None, past()]),
                "hot_since": random.choice([None] * 5 + [TODAY]), "protected": level == 2,
                "after_days": 20 if level == 1 else None, "contracts": [], "demands": [], "orders": [],
            }  # fmt: skip
            await connection.execute(
                f'UPDATE "{shop.company.ref.schema}".customer SET assigned_on = $2, last_contact_at = $3,'
                " hot_since = $4, grade_level_id = $5, pool_warned_on = '2020-01-01' WHERE id = $1",
                customer, row["assigned"],
                row["contact"] and datetime.combine(row["contact"], datetime.min.time(), UTC) + timedelta(hours=18),
                row["hot_since"], None if level is None else levels[level],
            )  # fmt: skip
            for _ in range(random.choice([0, 0, 1, 2])):
                begun = past()
                state, end = random.choice(
                    [
                        ("IN_FORCE", None),
                        ("IN_FORCE", TODAY),
                        ("ENDED", begun),
                        ("ENDED", TODAY - timedelta(days=1)),
                    ]
                )
                row["contracts"].append((state, end, begun))
                values = {
                    "number": f"{number}.{len(changes)}",
                    "title": "T",
                    "customer_id": customer,
                    "state": state,
                }
                changes.append(
                    Change(
                        "contract",
                        "create",
                        values=values | {"signed_on": begun, "starts_on": begun, "ends_on": end},
                    )
                )
            for _ in range(random.choice([0, 0, 1])):
                state, closed = random.choice([("OPEN", None), ("WON", past()), ("LOST", past())])
                row["demands"].append((state, closed))
                values = {
                    "title": "T",
                    "customer_id": customer,
                    "state": state,
                    "closed_on": closed,
                    "reason": closed and "R",
                }
                changes.append(Change("demand", "create", values=values))
            for _ in range(random.choice([0, 1, 2])):
                row["orders"].append(past())
                values = {
                    "number": f"{number}.{len(changes)}",
                    "customer_id": customer,
                    "ordered_on": row["orders"][-1],
                }
                changes.append(Change("order", "create", values=values))
            rows.append(row)
    await shop.change(*changes, internally=True)
    return Crowd(pool, rows)


class _UndoneError(Exception):
    """Ends a transaction so that nothing of it stays."""


contents = st.fixed_dictionaries(
    {},
    optional={
        "noContactDays": st.integers(1, 400),
        "contractEndedDays": st.integers(1, 400),
        "noDealMonths": st.integers(1, 14),
    },
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=contents, later=st.integers(0, 60))
async def test_the_pool_takes_what_is_due_and_never_what_is_protected(crowd, content, later):
    shop, today = crowd.pool.shop, TODAY + timedelta(days=later)
    viewer, clock = await shop.product(), type(shop.clock)(shop.clock.now() + timedelta(days=later))
    expected = {row["id"] for row in crowd.rows if (due := crowd.due(row, content, today)) and due <= today}
    with suppress(_UndoneError):
        async with shop.databases.tenant_write(shop.company.ref) as write:
            await establish(write, viewer, kind=KIND, content=content, clock=clock)
            await renew_part(write, viewer, after=None, clock=clock)
            await sweep_part(write, viewer, after=None, clock=clock)
            taken = await write.fetch("SELECT id FROM customer WHERE pool_since IS NOT NULL")
            kept = await write.fetch("SELECT id, pool_return_on FROM customer WHERE pool_since IS NULL")
            raise _UndoneError
    assert {row["id"] for row in taken} == expected
    days = {row["id"]: row["pool_return_on"] for row in kept}
    assert days == {
        row["id"]: crowd.due(row, content, today) for row in crowd.rows if row["id"] not in expected
    }
