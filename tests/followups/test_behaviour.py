"""Contacts that follow from what customers do, within what a person can do, by the company's rule."""

from datetime import date, timedelta

import orjson
import pytest

from kedang_platform.errors import Refused
from kedang_tenants.followups.behaviour import Occasion, day_of
from kedang_tenants.followups.planning import plan_next
from kedang_tenants.followups.planning_rules import KIND, PlanningRule
from kedang_tenants.people.viewers import system_viewer
from kedang_tenants.rules import draft_rule, establish

MONDAY = date(2026, 3, 2)


async def rule(shop, **content):
    """Put a rule of follow-ups in force."""
    async with shop.databases.tenant_write(shop.company.ref) as write:
        viewer = await system_viewer(write, company=shop.company)
        await establish(write, viewer, kind=KIND, content=content, clock=shop.clock)
    await shop.work()


async def plans(shop, **where):
    rows = await shop.fetch(
        "SELECT origin, state, due_on, wanted_on, done_on FROM follow_up_plan"
        " WHERE customer_id = $1 AND origin <> 'CYCLE' ORDER BY due_on, id",
        where["of"],
    )
    return [(row["origin"], row["state"], row["due_on"]) for row in rows]


@pytest.fixture
async def davolio(shop):
    return await shop.hire("Nancy Davolio", "REPRESENTATIVE")


@pytest.fixture
async def alfreds(shop, davolio):
    made = await shop.create("customer", name="Alfreds Futterkiste", roles=["BUYER"], owner_id=davolio)
    await shop.work()
    return made


@pytest.mark.requirement("F1")
async def test_after_a_purchase_one_contact_is_planned_and_done_by_the_contact(shop, davolio, alfreds):
    await rule(shop, behaviour={"AFTER_PURCHASE": {"days": 7}})
    assert await plans(shop, of=alfreds) == []
    order = await shop.order(alfreds, date(2026, 3, 2), ("1", "20"))
    await shop.work()
    assert await plans(shop, of=alfreds) == [("AFTER_PURCHASE", "PLANNED", date(2026, 3, 9))]
    assert await shop.value("SELECT next_follow_up_on FROM customer WHERE id = $1", alfreds) == date(
        2026, 3, 9
    )
    (row,) = await shop.fetch("SELECT owner_id, rule FROM follow_up_plan WHERE origin = 'AFTER_PURCHASE'")
    assert row["owner_id"] == davolio
    assert (
        orjson.loads(row["rule"])["en"]
        == "The first working day at least 7 days after the purchase of 2026-03-02."
    )
    # Whoever sells speaks with the customer on that day: that is not the contact after it.
    await shop.create("follow_up_record", customer_id=alfreds, at=shop.clock.now(), way="CALL")
    assert await plans(shop, of=alfreds) == [("AFTER_PURCHASE", "PLANNED", date(2026, 3, 9))]
    shop.clock.move(timedelta(days=3))
    await shop.create("follow_up_record", customer_id=alfreds, at=shop.clock.now(), way="CALL")
    done = [("AFTER_PURCHASE", "DONE", date(2026, 3, 9))]
    assert await plans(shop, of=alfreds) == done
    await shop.update("order", order, state="DELIVERED")
    await shop.work()
    assert await plans(shop, of=alfreds) == done


async def test_a_cancelled_order_and_a_rule_that_ends_cancel_what_they_asked_for(shop, alfreds):
    await rule(shop, behaviour={"AFTER_PURCHASE": {"days": 7}, "SILENCE": {"days": 30}})
    order = await shop.order(alfreds, date(2026, 3, 2), ("1", "20"))
    await shop.work()
    assert await plans(shop, of=alfreds) == [
        ("AFTER_PURCHASE", "PLANNED", date(2026, 3, 9)),
        ("SILENCE", "PLANNED", date(2026, 4, 1)),
    ]
    await shop.update("order", order, state="CANCELLED")
    await shop.work()
    assert [state for _, state, _ in await plans(shop, of=alfreds)] == ["CANCELLED", "CANCELLED"]
    await shop.order(alfreds, date(2026, 3, 2), ("1", "20"))
    await shop.work()
    await rule(shop)
    assert {state for _, state, _ in await plans(shop, of=alfreds)} == {"CANCELLED"}


async def test_what_was_called_off_by_hand_does_not_come_back_and_its_day_is_not_moved_by_hand(shop, alfreds):
    await rule(shop, behaviour={"AFTER_PURCHASE": {"days": 7}})
    await shop.order(alfreds, MONDAY, ("1", "20"))
    await shop.work()
    plan = await shop.value("SELECT id FROM follow_up_plan WHERE origin = 'AFTER_PURCHASE'")
    for values in ({"due_on": date(2026, 3, 20)}, {"owner_id": shop.viewer.member_id}):
        with pytest.raises(Refused) as refused:
            await shop.update("follow_up_plan", plan, **values)
        assert [error.code for error in refused.value.errors] == ["PLANNED_BY_BEHAVIOUR"]
    assert await plans(shop, of=alfreds) == [("AFTER_PURCHASE", "PLANNED", date(2026, 3, 9))]
    await shop.update("follow_up_plan", plan, state="CANCELLED")
    async with shop.databases.tenant_write(shop.company.ref) as write:
        viewer = await system_viewer(write, company=shop.company)
        assert await plan_next(write, viewer, [alfreds], clock=shop.clock, afresh=True) == 0
    assert await plans(shop, of=alfreds) == [("AFTER_PURCHASE", "CANCELLED", date(2026, 3, 9))]


@pytest.mark.requirement("F1")
async def test_what_the_product_called_off_comes_back_when_it_is_asked_for_again(shop, davolio, alfreds):
    await rule(shop, behaviour={"AFTER_PURCHASE": {"days": 7}})
    await shop.order(alfreds, MONDAY, ("1", "20"))
    await shop.work()
    for owner in (None, davolio):
        await shop.update("customer", alfreds, owner_id=owner)
        await shop.work()
    monday = date(2026, 3, 9)
    assert await plans(shop, of=alfreds) == [
        ("AFTER_PURCHASE", "CANCELLED", monday),
        ("AFTER_PURCHASE", "PLANNED", monday),
    ]


@pytest.mark.requirement("F1")
async def test_a_plan_that_ends_leaves_its_day_to_what_comes_with_it(shop, alfreds):
    await rule(shop, contactsPerDay=1, behaviour={"AFTER_PURCHASE": {"days": 7}})
    order = await shop.order(alfreds, MONDAY, ("1", "20"))
    await shop.work()
    await shop.update("order", order, state="CANCELLED")
    await shop.order(alfreds, MONDAY, ("1", "30"))
    await shop.work()
    monday = date(2026, 3, 9)
    assert await plans(shop, of=alfreds) == [
        ("AFTER_PURCHASE", "CANCELLED", monday),
        ("AFTER_PURCHASE", "PLANNED", monday),
    ]


@pytest.mark.parametrize(
    "days",
    [
        (date(2026, 1, 5), date(2026, 1, 26), date(9998, 12, 31)),
        (date(2, 1, 5), date(2, 1, 26), date(2, 2, 16)),
    ],
)
async def test_purchases_at_the_ends_of_all_days_ask_for_nothing(shop, alfreds, days):
    followed = ("AFTER_PURCHASE", "SILENCE", "EXPECTED_PURCHASE")
    await rule(shop, behaviour={name: {"days": 3650} for name in followed})
    for day in days:
        await shop.order(alfreds, day, ("1", "20"))
    await shop.work()
    assert await plans(shop, of=alfreds) == []


@pytest.mark.requirement("F1", "P3")
async def test_a_quotation_without_an_answer_asks_for_a_contact_until_it_is_answered(shop, alfreds):
    await rule(shop, behaviour={"QUOTATION": {"days": 3}})
    sent = {"customer_id": alfreds, "state": "SENT"}
    first = await shop.create("quotation", number="Q-1", sent_on=date(2026, 3, 2), **sent)
    await shop.create("quotation", number="Q-2", sent_on=date(2026, 3, 1), **sent)
    await shop.create("quotation", number="Q-3", customer_id=alfreds)
    await shop.work()
    assert await plans(shop, of=alfreds) == [
        ("QUOTATION", "PLANNED", date(2026, 3, 4)),
        ("QUOTATION", "PLANNED", date(2026, 3, 5)),
    ]
    rules = await shop.fetch("SELECT rule FROM follow_up_plan WHERE origin = 'QUOTATION' ORDER BY due_on")
    assert "quotation Q-1 was sent on 2026-03-02" in orjson.loads(rules[1]["rule"])["en"]
    await shop.update("quotation", first, state="ACCEPTED")
    await shop.work()
    assert await plans(shop, of=alfreds) == [
        ("QUOTATION", "PLANNED", date(2026, 3, 4)),
        ("QUOTATION", "CANCELLED", date(2026, 3, 5)),
    ]


@pytest.mark.requirement("F1", "P9")
async def test_an_expected_purchase_and_a_silence_ask_for_contacts(shop, alfreds):
    await rule(shop, behaviour={"EXPECTED_PURCHASE": {"days": 5}, "SILENCE": {"days": 60}})
    for day in (date(2026, 1, 5), date(2026, 1, 26)):
        await shop.order(alfreds, day, ("1", "20"))
    await shop.work()
    assert await plans(shop, of=alfreds) == [("SILENCE", "PLANNED", date(2026, 3, 27))]
    await shop.order(alfreds, date(2026, 2, 16), ("1", "20"))
    await shop.work()
    # Every 21 days: the next on 9 March, five days before is a Wednesday; 60 days after 16 February is 17 April.
    assert await plans(shop, of=alfreds) == [
        ("EXPECTED_PURCHASE", "PLANNED", date(2026, 3, 4)),
        ("SILENCE", "CANCELLED", date(2026, 3, 27)),
        ("SILENCE", "PLANNED", date(2026, 4, 17)),
    ]


async def test_a_rule_asks_for_nothing_before_it_was_in_force_but_breaks_silences(shop, davolio, alfreds):
    await shop.order(alfreds, date(1998, 5, 6), ("1", "20"))
    await shop.work()
    followed = {"AFTER_PURCHASE": {"days": 7}, "SILENCE": {"days": 60}, "EXPECTED_PURCHASE": {"days": 1}}
    await rule(shop, behaviour=followed)
    assert await plans(shop, of=alfreds) == [("SILENCE", "PLANNED", MONDAY)]
    shop.clock.move(timedelta(days=3))
    await rule(shop, behaviour=followed, contactsPerDay=9)
    assert await plans(shop, of=alfreds) == [("SILENCE", "PLANNED", MONDAY)]  # it stays late


@pytest.mark.parametrize(
    ("origin", "fact", "days", "met", "missed"),
    [
        ("AFTER_PURCHASE", MONDAY, 7, date(2026, 3, 3), MONDAY),
        ("QUOTATION", MONDAY, 3, date(2026, 3, 3), MONDAY),
        ("EXPECTED_PURCHASE", date(2026, 3, 31), 5, date(2026, 3, 21), date(2026, 3, 20)),
    ],
)
def test_from_which_day_on_a_contact_is_the_one_that_was_asked_for(origin, fact, days, met, missed):
    occasion = Occasion(MONDAY, origin, "key", fact, "", days)
    assert occasion.is_met(met)
    assert not occasion.is_met(missed)
    assert not occasion.is_met(None)


def test_what_an_earlier_rule_planned_stays_where_it_was():
    occasion = Occasion(MONDAY, "QUOTATION", "key", date(2026, 2, 2), "Q-1", 3)
    late = PlanningRule(since=MONDAY)
    assert day_of(occasion, late, standing=None, working=lambda day: day) is None
    assert day_of(occasion, late, standing=date(2026, 2, 6), working=lambda day: day) == date(2026, 2, 6)
    assert day_of(occasion, PlanningRule(), standing=None, working=lambda day: day) == date(2026, 2, 5)


@pytest.mark.requirement("F1")
async def test_no_more_than_a_person_can_do_a_day_the_oldest_first(shop, davolio):
    await shop.publish_default_scheme()
    level = await shop.value("SELECT id FROM grade_level WHERE code = 'E'")
    await shop.update("grade_level", level, cycle_days=7)
    rows = [{"name": f"Customer {n}", "roles": ["BUYER"], "owner_id": davolio} for n in range(5)]
    customers = await shop.create_many("customer", rows)
    await shop.work()
    monday = date(2026, 3, 9)
    count = "SELECT due_on, count(*) FROM follow_up_plan WHERE state = 'PLANNED' GROUP BY 1 ORDER BY 1"
    assert await shop.fetch(count) == [{"due_on": monday, "count": 5}]
    await shop.create("follow_up_plan", customer_id=customers[0], owner_id=davolio, due_on=monday)
    await rule(shop, contactsPerDay=2, daysLater=1)
    # One by hand and one on Monday, two on Tuesday; for two there is no room within a working day.
    assert await shop.fetch(count) == [
        {"due_on": monday, "count": 3},
        {"due_on": date(2026, 3, 10), "count": 3},
    ]
    await shop.update("member", davolio, contacts_per_day=5)
    await shop.work()
    assert await shop.fetch(count) == [
        {"due_on": monday, "count": 5},
        {"due_on": date(2026, 3, 10), "count": 1},
    ]
    moved = await shop.value("SELECT rule FROM follow_up_plan WHERE due_on > $1", monday)
    assert orjson.loads(moved)["en"].endswith(
        "as level E asks. Asked for on 2026-03-09; the days until then are full with 5 contacts each."
    )
    before = await shop.fetch("SELECT id, due_on, version FROM follow_up_plan ORDER BY id")
    async with shop.databases.tenant_write(shop.company.ref) as write:
        viewer = await system_viewer(write, company=shop.company)
        assert await plan_next(write, viewer, customers, clock=shop.clock) == 0
        assert await plan_next(write, viewer, list(reversed(customers)), clock=shop.clock, afresh=True) == 0
    assert await shop.fetch("SELECT id, due_on, version FROM follow_up_plan ORDER BY id") == before


@pytest.mark.requirement("F1", "T6")
async def test_a_moved_contact_does_not_stay_on_a_day_that_has_become_free(shop, davolio):
    await rule(shop, contactsPerDay=1)
    await shop.publish_default_scheme()
    rows = [{"name": f"Customer {n}", "roles": ["BUYER"], "owner_id": davolio} for n in range(2)]
    customers = await shop.create_many("customer", rows)
    await shop.work()
    days = "SELECT due_on FROM follow_up_plan ORDER BY due_on"
    assert [row["due_on"] for row in await shop.fetch(days)] == [date(2026, 8, 31), date(2026, 9, 1)]
    await shop.create("calendar_day", day=date(2026, 9, 1), kind="HOLIDAY")
    async with shop.databases.tenant_write(
        shop.company.ref
    ) as write:  # before the job that places all afresh
        viewer = await system_viewer(write, company=shop.company)
        assert await plan_next(write, viewer, customers, clock=shop.clock) == 1
    assert [row["due_on"] for row in await shop.fetch(days)] == [date(2026, 8, 31), date(2026, 9, 2)]


async def test_who_finds_no_room_has_the_person_placed_afresh_once_a_day(shop, davolio):
    await rule(shop, contactsPerDay=1, daysLater=0)
    await shop.publish_default_scheme()
    rows = [{"name": f"Customer {n}", "roles": ["BUYER"], "owner_id": davolio} for n in range(3)]
    await shop.create_many("customer", rows)
    await shop.work()
    asked = (
        "SELECT count(*) FROM work.job WHERE kind = 'followups.replan' AND payload ->> 'member' IS NOT NULL"
    )
    assert await shop.value(asked) == 1
    assert await shop.value("SELECT count(*) FROM follow_up_plan WHERE due_on = '2026-08-31'") == 3


@pytest.mark.requirement("F1", "A5", "G4")
async def test_class_and_hot_mark_shorten_the_cycle_and_lengthen_it_again(shop, davolio, alfreds):
    await shop.publish_default_scheme()
    await shop.work()
    day = "SELECT due_on FROM follow_up_plan WHERE customer_id = $1 AND state = 'PLANNED'"
    assert await shop.value(day, alfreds) == date(2026, 8, 31)
    one = await shop.create(
        "customer_class",
        code="PARTNER",
        name={"en": "Partner", "zh": "伙伴"},
        dimension="RELATIONSHIP",
        colour="#1d39c4",
        position=1,
        cycle_days=28,
    )
    belonging = await shop.create("classified_customer", customer_id=alfreds, class_id=one)
    await shop.work()
    assert await shop.value(day, alfreds) == date(2026, 3, 30)
    await shop.update("customer_class", one, cycle_days=29)
    await shop.work()
    assert await shop.value(day, alfreds) == date(2026, 3, 31)
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await write.fetch("UPDATE customer SET hot_since = $2 WHERE id = $1", alfreds, MONDAY)
        await plan_next(write, await system_viewer(write, company=shop.company), [alfreds], clock=shop.clock)
    assert await shop.value(day, alfreds) == date(2026, 3, 9)
    assert await shop.value("SELECT urgency FROM follow_up_plan WHERE customer_id = $1", alfreds) == 11
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await write.fetch("UPDATE customer SET hot_since = NULL WHERE id = $1", alfreds)
        await plan_next(write, await system_viewer(write, company=shop.company), [alfreds], clock=shop.clock)
    await shop.archive("classified_customer", belonging)
    await shop.work()
    assert await shop.value(day, alfreds) == date(2026, 8, 31)


@pytest.mark.requirement("F1", "T8")
@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        ({"contactsPerDay": 0}, [("OUT_OF_RANGE", "contactsPerDay")]),
        ({"contactsPerDay": 501}, [("OUT_OF_RANGE", "contactsPerDay")]),
        ({"contactsPerDay": True}, [("OUT_OF_RANGE", "contactsPerDay")]),
        ({"contactsPerDay": "20"}, [("OUT_OF_RANGE", "contactsPerDay")]),
        ({"daysLater": -1}, [("OUT_OF_RANGE", "daysLater")]),
        ({"perDay": 20}, [("INVALID_CONTENT", "perDay")]),
        ({"behaviour": ["SILENCE"]}, [("INVALID_CONTENT", "behaviour")]),
        ({"behaviour": {"SILENCE": 90}}, [("INVALID_CONTENT", "behaviour.SILENCE")]),
        ({"behaviour": {"FULL_MOON": {"days": 3}}}, [("UNKNOWN_TRIGGER", "behaviour.FULL_MOON")]),
        ({"behaviour": {"SILENCE": {"days": 0}}}, [("OUT_OF_RANGE", "behaviour.SILENCE.days")]),
        (
            {"behaviour": {"SILENCE": {"days": 9, "hours": 1}}},
            [("INVALID_CONTENT", "behaviour.SILENCE.hours")],
        ),
        (
            {"contactsPerDay": 0, "behaviour": {"X": {"days": 1}}},
            [("OUT_OF_RANGE", "contactsPerDay"), ("UNKNOWN_TRIGGER", "behaviour.X")],
        ),
    ],
)
async def test_a_rule_that_cannot_be_followed_is_refused_with_the_place(shop, content, wrong):
    with pytest.raises(Refused) as refused:
        async with shop.databases.tenant_write(shop.company.ref) as write:
            await draft_rule(write, shop.viewer, kind=KIND, content=content, clock=shop.clock)
    found = [(error.code, ".".join(map(str, error.path[2:]))) for error in refused.value.errors]
    assert found == wrong
    assert await shop.value("SELECT count(*) FROM rule_version WHERE kind = $1", KIND) == 0


@pytest.mark.parametrize(
    ("record", "field"),
    [("grade_level", "cycle_days"), ("customer_class", "cycle_days"), ("member", "contacts_per_day")],
)
async def test_cycles_and_capacities_of_nothing_are_refused(shop, davolio, record, field):
    if record == "grade_level":
        await shop.publish_default_scheme()
        target = await shop.value("SELECT id FROM grade_level LIMIT 1")
    elif record == "member":
        target = davolio
    else:
        said = {"name": {"en": "P", "zh": "P"}, "dimension": "VALUE", "colour": "#1d39c4", "position": 1}
        target = await shop.create("customer_class", code="P", **said)
    before = await shop.fetch(f"SELECT * FROM {record} ORDER BY id")
    for value in (0, -1):
        with pytest.raises(Refused) as refused:
            await shop.update(record, target, **{field: value})
        assert [error.code for error in refused.value.errors] == ["OUT_OF_RANGE"]
    assert await shop.fetch(f"SELECT * FROM {record} ORDER BY id") == before
