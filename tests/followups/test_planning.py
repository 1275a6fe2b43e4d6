"""When the next contact falls due."""

from datetime import date, timedelta

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedang_platform.working_calendar import WorkingCalendar
from kedang_tenants.followups.capacity import Days
from kedang_tenants.followups.cycles import BY_CLASS, BY_GRADE, BY_HOT, Cycle, Rhythm, cycle_of, why

days = st.dates(date(2000, 1, 1), date(2040, 12, 31))
calendars = st.builds(
    WorkingCalendar,
    country=st.sampled_from(["CN", "US", "DE", "SA", "XX"]),
    weekend=st.frozensets(st.integers(0, 6), max_size=6),
    extra_holidays=st.frozensets(days, max_size=20),
    extra_working_days=st.frozensets(days, max_size=20),
)


@pytest.mark.requirement("F1", "T6")
@settings(deadline=None)
@given(calendar=calendars, anchor=days, cycle=st.integers(1, 3650))
def test_a_contact_is_never_due_on_a_day_off_nor_before_its_cycle_is_over(calendar, anchor, cycle):
    due = next_due(calendar, anchor, cycle)
    assert calendar.is_working(due)
    earliest = anchor + timedelta(days=cycle)
    assert due >= earliest
    between = [earliest + timedelta(days=n) for n in range((due - earliest).days)]
    assert not any(calendar.is_working(day) for day in between)


def next_due(calendar, anchor, cycle):
    return Days(calendar).on_or_after(Rhythm(Cycle(cycle, BY_GRADE, "A"), anchor, anchor).due)


@pytest.mark.requirement("F1", "T6")
@pytest.mark.parametrize(
    ("country", "anchor", "days", "due"),
    [
        # The State Council's notice for 2025: 1-8 October are free, Sunday 28 September and Saturday 11 October are worked.
        ("CN", date(2025, 9, 1), 30, date(2025, 10, 9)),
        ("CN", date(2025, 9, 11), 30, date(2025, 10, 11)),
        ("CN", date(2025, 8, 29), 30, date(2025, 9, 28)),
        # Spring Festival 2025: 28 January to 4 February are free, Sunday 26 January and Saturday 8 February are worked.
        ("CN", date(2024, 12, 27), 30, date(2025, 1, 26)),
        ("CN", date(2024, 12, 29), 30, date(2025, 2, 5)),
        ("CN", date(2025, 1, 9), 30, date(2025, 2, 8)),
        ("CN", date(2025, 1, 10), 30, date(2025, 2, 10)),
        # The leap day is a day like any other: Thursday in 2024; a year without one goes on to 1 March.
        ("US", date(2024, 1, 30), 30, date(2024, 2, 29)),
        ("US", date(2023, 1, 30), 30, date(2023, 3, 1)),
        ("US", date(2024, 2, 29), 366, date(2025, 3, 3)),
        ("DE", date(2024, 2, 29), 365, date(2025, 2, 28)),
        # The year ends: New Year's Eve is worked in Germany, New Year's Day nowhere; 2 January 2023 makes up for it in the US.
        ("DE", date(2024, 12, 1), 30, date(2024, 12, 31)),
        ("DE", date(2024, 12, 2), 30, date(2025, 1, 2)),
        ("US", date(2022, 12, 2), 30, date(2023, 1, 3)),
        # Rests on Friday and Saturday.
        ("AE", date(2021, 6, 1), 10, date(2021, 6, 13)),
        # A country of which nothing is known rests at weekends only.
        ("XX", date(2024, 12, 11), 14, date(2024, 12, 25)),
    ],
)
def test_leap_days_holidays_and_make_up_days(country, anchor, days, due):
    weekend = frozenset({4, 5}) if country == "AE" else frozenset({5, 6})
    assert next_due(WorkingCalendar(country=country, weekend=weekend), anchor, days) == due


def test_the_last_contact_counts_before_the_assignment():
    cycle = Cycle(14, BY_GRADE, "A")
    assert Rhythm(cycle, None, date(2026, 3, 2)).anchor == date(2026, 3, 2)
    assert Rhythm(cycle, date(2026, 2, 2), date(2026, 3, 2)).anchor == date(2026, 2, 2)


GRADED = {"level": "B", "level_days": 30, "class_name": None, "class_days": None, "hot_since": None}
PARTNER = {"class_name": '{"en": "Partner", "zh": "伙伴"}', "class_days": 14}


@pytest.mark.requirement("F1")
@pytest.mark.parametrize(
    ("differing", "cycle"),
    [
        ({}, Cycle(30, BY_GRADE, "B")),
        (PARTNER, Cycle(14, BY_CLASS, '{"en": "Partner", "zh": "伙伴"}')),
        (PARTNER | {"class_days": 30}, Cycle(30, BY_GRADE, "B")),
        (PARTNER | {"level_days": None}, Cycle(14, BY_CLASS, '{"en": "Partner", "zh": "伙伴"}')),
        ({"hot_since": date(2026, 3, 1)}, Cycle(7, BY_HOT)),
        ({"hot_since": date(2026, 3, 1), "level_days": 5}, Cycle(5, BY_GRADE, "B")),
        ({"hot_since": date(2026, 3, 1), "level_days": None}, Cycle(7, BY_HOT)),
        ({"level_days": None}, None),
    ],
)
def test_the_shortest_cycle_of_grade_class_and_hot_mark_holds(differing, cycle):
    assert cycle_of(GRADED | differing, hot_days=7) == cycle


def test_a_plan_says_why_in_both_languages():
    told = why(Rhythm(Cycle(30, BY_GRADE, "B"), date(2026, 3, 2), date(2026, 1, 1)))
    assert told["en"] == (
        "The first working day at least 30 days after the last contact on 2026-03-02, as level B asks."
    )
    assert set(told) == {"en", "zh"}
    never = why(Rhythm(Cycle(30, BY_GRADE, "B"), None, date(2026, 1, 1)))
    assert never["en"] == (
        "The first working day at least 30 days after 2026-01-01, when the customer was assigned, as level B asks."
    )
    hot = why(Rhythm(Cycle(7, BY_HOT), date(2026, 3, 2), date(2026, 1, 1)))
    assert hot["en"] == (
        "The first working day at least 7 days after the last contact on 2026-03-02, as the customer is hot."
    )
    partner = why(Rhythm(Cycle(14, BY_CLASS, PARTNER["class_name"]), date(2026, 3, 2), date(2026, 1, 1)))
    assert partner["en"].endswith("as class Partner asks.")
    assert "伙伴" in partner["zh"]


async def plans(shop, customer):
    return await shop.fetch(
        "SELECT due_on, state, origin, owner_id, done_on FROM follow_up_plan WHERE customer_id = $1 ORDER BY id",
        customer,
    )


async def next_on(shop, customer):
    return await shop.value("SELECT next_follow_up_on FROM customer WHERE id = $1", customer)


@pytest.fixture
async def davolio(shop):
    return await shop.hire("Nancy Davolio", "REPRESENTATIVE")


@pytest.fixture
async def customer(shop, davolio):
    """Graded E on Monday, 2 March 2026, for Nancy Davolio."""
    await shop.publish_default_scheme()
    made = await shop.create("customer", name="Alfreds Futterkiste", roles=["BUYER"], owner_id=davolio)
    await shop.work()
    return made


@pytest.mark.requirement("F1")
async def test_a_graded_customer_has_one_plan_for_its_owner_by_the_cycle_of_its_level(
    shop, davolio, customer
):
    # 180 days after 2 March is Saturday, 29 August.
    assert await plans(shop, customer) == [
        {
            "due_on": date(2026, 8, 31),
            "state": "PLANNED",
            "origin": "CYCLE",
            "owner_id": davolio,
            "done_on": None,
        }
    ]
    assert await next_on(shop, customer) == date(2026, 8, 31)
    assert await shop.value("SELECT assigned_on FROM customer") == date(2026, 3, 2)
    rule = orjson.loads(await shop.value("SELECT rule FROM follow_up_plan"))
    assert rule["en"].startswith("The first working day at least 180 days after 2026-03-02")


async def test_a_new_grade_and_a_new_owner_each_move_the_open_plan_once(shop, customer):
    await shop.order(customer, date(2026, 1, 15), ("1", "20000"))
    await shop.work()
    assert [(p["due_on"], p["state"]) for p in await plans(shop, customer)] == [
        (date(2026, 3, 16), "PLANNED")
    ]
    moves = "SELECT count(*) FROM audit WHERE action = 'follow_up_plan.updated'"
    assert await shop.value(moves) == 1

    shop.clock.move(timedelta(days=3))
    peacock = await shop.hire("Margaret Peacock", "REPRESENTATIVE")
    await shop.update("customer", customer, owner_id=peacock)
    await shop.work()
    (plan,) = await plans(shop, customer)
    assert (plan["due_on"], plan["owner_id"]) == (date(2026, 3, 19), peacock)
    assert await shop.value(moves) == 2

    await shop.update("customer", customer, note="Prefers the telephone")
    await shop.work()
    assert await shop.value(moves) == 2


async def test_plans_by_hand_stay_where_people_put_them(shop, customer):
    agreed = date(2026, 3, 10)
    await shop.create("follow_up_plan", customer_id=customer, due_on=agreed, way="VISIT", purpose="Contract")
    assert await next_on(shop, customer) == agreed
    await shop.order(customer, date(2026, 1, 15), ("1", "20000"))
    await shop.work()
    found = {(p["origin"], p["due_on"]) for p in await plans(shop, customer)}
    assert found == {("MANUAL", agreed), ("CYCLE", date(2026, 3, 16))}
    (plan,) = await shop.fetch("SELECT id, owner_id FROM follow_up_plan WHERE origin = 'MANUAL'")
    assert plan["owner_id"] == shop.viewer.member_id
    await shop.update("follow_up_plan", plan["id"], state="CANCELLED")
    assert await next_on(shop, customer) == date(2026, 3, 16)


@pytest.mark.parametrize("change", ["no owner", "archived", "no grade", "no cycle"])
async def test_a_plan_ends_where_its_reason_is_gone(shop, customer, change):
    if change == "no owner":
        await shop.update("customer", customer, owner_id=None)
    elif change == "archived":
        await shop.archive("customer", customer)
    elif change == "no grade":
        await shop.update("customer", customer, roles=["SUPPLIER"])
    else:
        level = await shop.value("SELECT id FROM grade_level WHERE code = 'E'")
        await shop.update("grade_level", level, cycle_days=None)
    await shop.work()
    assert [p["state"] for p in await plans(shop, customer)] == ["CANCELLED"]
    assert await next_on(shop, customer) is None


@pytest.mark.requirement("T6")
async def test_a_changed_cycle_or_calendar_moves_only_what_is_open(shop, customer):
    done = await shop.create(
        "follow_up_plan", customer_id=customer, due_on=date(2026, 3, 2), state="DONE", way="CALL"
    )
    level = await shop.value("SELECT id FROM grade_level WHERE code = 'E'")
    await shop.update("grade_level", level, cycle_days=7)
    await shop.work()
    assert await next_on(shop, customer) == date(2026, 3, 9)

    await shop.create("calendar_day", day=date(2026, 3, 9), kind="HOLIDAY", name="Stocktaking")
    await shop.work()
    assert await next_on(shop, customer) == date(2026, 3, 10)

    week = await shop.create("working_week", internally=True, weekend=["SATURDAY", "SUNDAY"])
    await shop.update("working_week", week, weekend=["TUESDAY", "WEDNESDAY"])
    await shop.work()
    assert await next_on(shop, customer) == date(2026, 3, 12)
    assert await shop.value("SELECT due_on FROM follow_up_plan WHERE id = $1", done) == date(2026, 3, 2)


async def test_many_customers_are_planned_for_in_steps(shop, davolio, monkeypatch):
    monkeypatch.setattr("kedang_tenants.followups.replanning.CHUNK", 2)
    await shop.publish_default_scheme()
    rows = [{"name": f"Customer {n}", "roles": ["BUYER"], "owner_id": davolio} for n in range(5)]
    await shop.create_many("customer", rows)
    await shop.work()
    await shop.create("calendar_day", day=date(2026, 8, 31), kind="HOLIDAY")
    await shop.work()
    assert await shop.fetch("SELECT next_follow_up_on, count(*) FROM customer GROUP BY 1") == [
        {"next_follow_up_on": date(2026, 9, 1), "count": 5}
    ]
    (job,) = await shop.fetch(
        "SELECT state, progress_done, progress_total, result FROM work.job WHERE kind = 'followups.replan'"
    )
    assert (job["state"], job["progress_done"], job["progress_total"]) == ("done", 5, 5)
    assert orjson.loads(job["result"]) == {"seen": 5, "changed": 5}
