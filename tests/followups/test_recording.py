"""Recording a contact: what it ends, and what it sets in motion."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest

from kedang_platform.errors import Refused
from kedang_platform.ids import new_id

NOON = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)


@pytest.fixture
async def davolio(shop):
    return await shop.hire("Nancy Davolio", "REPRESENTATIVE")


@pytest.fixture
async def customer(shop, davolio):
    """Graded E on Monday, 2 March 2026, for Nancy Davolio; the next contact on 31 August."""
    await shop.publish_default_scheme()
    made = await shop.create("customer", name="Alfreds Futterkiste", roles=["BUYER"], owner_id=davolio)
    await shop.work()
    return made


async def plans(shop):
    rows = await shop.fetch("SELECT state, origin, due_on, done_on FROM follow_up_plan ORDER BY id")
    return [tuple(row.values()) for row in rows]


async def contacts(shop):
    (row,) = await shop.fetch("SELECT last_contact_at, next_follow_up_on FROM customer")
    return tuple(row.values())


def later(shop, days):
    shop.clock.move(timedelta(days=days))
    return shop.clock.now()


@pytest.mark.requirement("F1", "F3")
async def test_a_recorded_contact_ends_the_open_plan_and_sets_the_next_date(shop, davolio, customer):
    at = later(shop, 10)
    record = await shop.create("follow_up_record", customer_id=customer, at=at, way="CALL", content="Asked")
    assert await plans(shop) == [
        ("DONE", "CYCLE", date(2026, 8, 31), date(2026, 3, 12)),
        # 180 days after 12 March: Tuesday, 8 September.
        ("PLANNED", "CYCLE", date(2026, 9, 8), None),
    ]
    assert await contacts(shop) == (at, date(2026, 9, 8))
    assert await shop.value("SELECT member_id FROM follow_up_record WHERE id = $1", record) == (
        shop.viewer.member_id
    )
    assert await shop.value("SELECT version FROM customer") == 1


async def test_the_representative_may_do_so_for_an_own_customer_and_only_there(shop, davolio, customer):
    nancy = await shop.as_member(davolio)
    foreign = await shop.create(
        "customer", name="Ana Trujillo", roles=["BUYER"], owner_id=shop.viewer.member_id
    )
    at = later(shop, 1)
    await shop.create("follow_up_record", viewer=nancy, customer_id=customer, at=at, way="VISIT")
    assert [state for state, *_ in await plans(shop)] == ["DONE", "PLANNED"]
    before = await shop.fetch("SELECT * FROM customer ORDER BY id")
    with pytest.raises(Refused) as refused:
        await shop.create("follow_up_record", viewer=nancy, customer_id=foreign, at=at, way="VISIT")
    assert {error.code for error in refused.value.errors} <= {"NOT_FOUND", "FORBIDDEN"}
    assert await shop.fetch("SELECT * FROM customer ORDER BY id") == before
    assert await shop.value("SELECT count(*) FROM follow_up_record") == 1


async def test_a_contact_that_reached_nobody_moves_nothing_until_it_is_corrected(shop, customer):
    at = later(shop, 1)
    record = await shop.create("follow_up_record", customer_id=customer, at=at, way="CALL", reached=False)
    assert await contacts(shop) == (None, date(2026, 8, 31))
    assert [state for state, *_ in await plans(shop)] == ["PLANNED"]
    await shop.update("follow_up_record", record, reached=True)
    assert await contacts(shop) == (at, date(2026, 8, 31))  # 180 days after 3 March is a Sunday
    assert [state for state, *_ in await plans(shop)] == ["DONE", "PLANNED"]


async def test_old_contacts_that_are_entered_late_end_nothing(shop, customer):
    shop.clock.move(timedelta(days=1))
    await shop.create(
        "follow_up_record", customer_id=customer, at=datetime(2026, 1, 5, 15, tzinfo=UTC), way="FAX"
    )
    assert await plans(shop) == [("PLANNED", "CYCLE", date(2026, 7, 6), None)]  # 180 days later, after 3 July
    await shop.create(
        "follow_up_record", customer_id=customer, at=datetime(2025, 1, 5, 15, tzinfo=UTC), way="FAX"
    )
    assert await contacts(shop) == (datetime(2026, 1, 5, 15, tzinfo=UTC), date(2026, 7, 6))


async def test_a_record_taken_back_takes_its_date_back(shop, customer):
    record = await shop.create("follow_up_record", customer_id=customer, at=later(shop, 20), way="CALL")
    await shop.archive("follow_up_record", record)
    assert await contacts(shop) == (None, date(2026, 8, 31))


async def test_many_contacts_of_one_customer_in_one_change_end_its_plan_once(shop, customer):
    shop.clock.move(timedelta(days=5))
    rows = [
        {"customer_id": customer, "at": shop.clock.now() - timedelta(days=n), "way": "EMAIL"}
        for n in range(3)
    ]
    await shop.create_many("follow_up_record", rows)
    assert [state for state, *_ in await plans(shop)] == ["DONE", "PLANNED"]
    assert (await contacts(shop))[0] == shop.clock.now()


@pytest.mark.requirement("F1")
async def test_further_contacts_on_a_day_end_no_further_plan(shop, customer):
    first = date(2026, 3, 12)
    shop.clock.move(timedelta(days=10))
    for _ in range(3):
        shop.clock.move(timedelta(hours=1))
        await shop.create("follow_up_record", customer_id=customer, at=shop.clock.now(), way="CALL")
    assert await plans(shop) == [
        ("DONE", "CYCLE", date(2026, 8, 31), first),
        ("PLANNED", "CYCLE", date(2026, 9, 8), None),
    ]
    assert (await contacts(shop))[0] == shop.clock.now()
    named = await shop.value("SELECT id FROM follow_up_plan WHERE state = 'PLANNED'")
    await shop.create(
        "follow_up_record", customer_id=customer, plan_id=named, at=shop.clock.now(), way="CALL"
    )  # whoever names it means it
    await shop.create("follow_up_record", customer_id=customer, at=later(shop, 1), way="CALL")
    assert [done for *_, done in await plans(shop)] == [first, first, date(2026, 3, 13), None]


async def test_a_plan_by_hand_is_done_by_the_record_that_names_it(shop, customer):
    plan = await shop.create("follow_up_plan", customer_id=customer, due_on=date(2026, 3, 4), way="VISIT")
    assert (await contacts(shop))[1] == date(2026, 3, 4)
    await shop.create(
        "follow_up_record",
        customer_id=customer,
        plan_id=plan,
        at=later(shop, 2),
        way="VISIT",
        result="Signed",
    )
    assert sorted(await plans(shop), key=str) == [
        ("DONE", "CYCLE", date(2026, 8, 31), date(2026, 3, 4)),
        ("DONE", "MANUAL", date(2026, 3, 4), date(2026, 3, 4)),
        ("PLANNED", "CYCLE", date(2026, 8, 31), None),
    ]


async def test_a_plan_by_the_cycle_is_not_edited_by_hand_but_for_its_words(shop, customer):
    plan = await shop.value("SELECT id FROM follow_up_plan")
    for values in ({"due_on": date(2027, 1, 4)}, {"state": "DONE"}, {"owner_id": shop.viewer.member_id}):
        with pytest.raises(Refused) as refused:
            await shop.update("follow_up_plan", plan, **values)
        assert [error.code for error in refused.value.errors] == ["PLANNED_BY_CYCLE"]
    with pytest.raises(Refused) as refused:
        await shop.archive("follow_up_plan", plan)
    assert [error.code for error in refused.value.errors] == ["PLANNED_BY_CYCLE"]
    assert await plans(shop) == [("PLANNED", "CYCLE", date(2026, 8, 31), None)]
    await shop.update("follow_up_plan", plan, purpose="Ask about the cheese")
    assert await shop.value("SELECT purpose FROM follow_up_plan") == "Ask about the cheese"


async def test_an_impossible_record_is_refused_and_nothing_moves(shop, customer):
    other = await shop.create("customer", name="Ana Trujillo")
    contact = await shop.create("contact", customer_id=other, name="Ana Trujillo")
    plan = await shop.create("follow_up_plan", customer_id=other, due_on=date(2026, 3, 4))
    before = await shop.fetch("SELECT * FROM customer ORDER BY id"), await plans(shop)
    good = {"customer_id": customer, "at": NOON - timedelta(days=1), "way": "CALL"}
    for values, code, field in (
        ({"at": shop.clock.now() + timedelta(minutes=6)}, "IN_THE_FUTURE", "at"),
        ({"contact_id": contact}, "OF_ANOTHER_CUSTOMER", "contactId"),
        ({"plan_id": plan}, "OF_ANOTHER_CUSTOMER", "planId"),
        ({"contact_id": new_id()}, "NOT_FOUND", "contactId"),
        ({"way": "PIGEON"}, "UNKNOWN_VALUE", "way"),
        ({"duration_minutes": -1}, "OUT_OF_RANGE", "durationMinutes"),
    ):
        with pytest.raises(Refused) as refused:
            await shop.create("follow_up_record", **(good | values))
        assert [(error.code, error.path[-1]) for error in refused.value.errors] == [(code, field)]
    assert (await shop.fetch("SELECT * FROM customer ORDER BY id"), await plans(shop)) == before
    assert await shop.value("SELECT count(*) FROM follow_up_record") == 0


async def test_a_week_without_work_is_refused(shop):
    week = await shop.create("working_week", internally=True, weekend=["SUNDAY"])
    every = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]
    with pytest.raises(Refused) as refused:
        await shop.update("working_week", week, weekend=every)
    assert [error.code for error in refused.value.errors] == ["NO_WORKING_DAY"]
    assert await shop.value("SELECT weekend FROM working_week") == ["SUNDAY"]


async def test_contacts_recorded_at_once_leave_exactly_one_open_plan(shop, customer):
    shop.clock.move(timedelta(days=3))
    at = shop.clock.now()
    await asyncio.gather(
        *(
            shop.create("follow_up_record", customer_id=customer, at=at - timedelta(minutes=n), way="CALL")
            for n in range(6)
        )
    )
    open_plans = [plan for plan in await plans(shop) if plan[0] == "PLANNED"]
    assert open_plans == [("PLANNED", "CYCLE", date(2026, 9, 1), None)]
    assert await contacts(shop) == (at, date(2026, 9, 1))
