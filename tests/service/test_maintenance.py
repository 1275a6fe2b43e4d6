"""Maintenance of what customers own: the due day, the services that move it, and its one follow-up (P5)."""

import asyncio
from calendar import monthrange
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedang_platform.errors import Refused
from kedang_platform.months import add_months
from kedang_tenants.changing import Change
from kedang_tenants.service.maintenance import due_day
from kedang_tenants.service.owned_dues import WARRANTY_ENDS

TODAY = date(2026, 3, 2)
pytestmark = pytest.mark.requirement("P5")
DAYS = st.dates(date(1990, 1, 1), date(2100, 12, 31))
NOTHING = dict.fromkeys(
    (
        "retired_on", "archived_at", "maintenance_from", "installed_on", "bought_on", "last_serviced_on",
        "maintenance_months", "maintenance_counts", "counter", "counter_read_on", "last_serviced_at_counter",
    )
)  # fmt: skip


@pytest.mark.parametrize(
    ("day", "months", "found"),
    [
        (date(2025, 1, 31), 1, date(2025, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2025, 8, 31), 6, date(2026, 2, 28)),
        (date(2025, 11, 30), 3, date(2026, 2, 28)),
        (date(2025, 12, 15), 1, date(2026, 1, 15)),
        (date(2025, 12, 15), 0, date(2025, 12, 15)),
        (date(9998, 6, 1), 12, date(9998, 12, 31)),
    ],
)
def test_months_are_counted_to_the_same_day_or_the_last_one(day, months, found):
    assert add_months(day, months) == found


@given(day=DAYS, months=st.integers(0, 600))
def test_counting_months_keeps_the_day_wherever_the_month_has_it(day, months):
    found = add_months(day, months)
    assert (found.year * 12 + found.month) - (day.year * 12 + day.month) == months
    assert found.day == min(day.day, monthrange(found.year, found.month)[1])


@given(
    installed=DAYS,
    months=st.integers(1, 120),
    services=st.lists(DAYS, max_size=5),
)
def test_the_due_day_follows_from_the_latest_service_alone(installed, months, services):
    last = max(services, default=None)
    row = NOTHING | {"installed_on": installed, "maintenance_months": months, "last_serviced_on": last}
    assert due_day(row) == add_months(last or installed, months)


def test_a_counter_is_due_on_the_day_it_was_read_and_the_earlier_day_counts():
    run = NOTHING | {"maintenance_counts": 500, "counter": 1499, "last_serviced_at_counter": 1000}
    assert due_day(run | {"counter_read_on": TODAY}) is None
    run |= {"counter": 1500, "counter_read_on": TODAY}
    assert due_day(run) == TODAY
    months = {"maintenance_months": 12, "installed_on": TODAY - timedelta(days=800)}
    assert due_day(run | months) == add_months(months["installed_on"], 12)
    assert due_day(run | {"retired_on": TODAY}) is None
    assert due_day(
        run | {"maintenance_from": date(2026, 5, 31), "maintenance_months": 1, "counter": 0}
    ) == date(2026, 6, 30)


async def test_reading_a_counter_once_more_puts_nothing_off(desk):
    owned = await own(desk, maintenance_counts=500, counter=400)
    assert await plans(desk) == []
    await desk.shop.update("owned_product", owned, counter=500, counter_read_on=None)  # today, then
    due = ("PLANNED", TODAY, None, TODAY)
    assert ((await row(desk, owned))["maintenance_due_on"], await plans(desk)) == (TODAY, [due])
    desk.shop.clock.move(timedelta(days=3))
    await desk.shop.update("owned_product", owned, counter=500, place="Cellar")  # as an import says it again
    found = await row(desk, owned)
    assert (found["counter_read_on"], found["maintenance_due_on"]) == (TODAY, TODAY)
    await desk.shop.update("owned_product", owned, counter=900)
    found = await row(desk, owned)
    assert (found["counter_read_on"], found["maintenance_due_on"]) == (TODAY + timedelta(days=3), TODAY)
    assert await plans(desk) == [due]
    await serve(desk, owned, TODAY + timedelta(days=3))
    assert ((await row(desk, owned))["maintenance_due_on"], [plan[0] for plan in await plans(desk)]) == (
        None,
        ["DONE"],
    )
    desk.shop.clock.move(timedelta(days=1))
    await desk.shop.update("owned_product", owned, counter=1400)
    assert (await row(desk, owned))["maintenance_due_on"] == TODAY + timedelta(days=4)
    await desk.shop.update("owned_product", owned, counter=1399)  # a mistake in reading
    assert [plan[0] for plan in await plans(desk)] == ["DONE", "CANCELLED"]


async def test_services_at_the_same_time_make_one_follow_up(desk):
    owned = await own(desk, installed_on=date(2026, 1, 31), maintenance_months=1)
    await asyncio.gather(
        *(serve(desk, owned, day) for day in (TODAY, TODAY, date(2026, 3, 1))),
        *(desk.shop.update("owned_product", owned, place=place) for place in "AB"),
    )
    assert sorted(await plans(desk)) == [
        ("DONE", TODAY, TODAY, date(2026, 2, 28)),
        ("PLANNED", date(2026, 4, 2), None, date(2026, 4, 2)),
    ]


async def own(desk, **values):
    given = {"customer_id": desk.customer, "model": "Pump", "serial_number": "7"} | values
    return await desk.shop.create("owned_product", **given)


async def row(desk, owned):
    (found,) = await desk.shop.fetch("SELECT * FROM owned_product WHERE id = $1", owned)
    return found


async def plans(desk):
    rows = await desk.shop.fetch(
        "SELECT origin, state, due_on, done_on, maintenance_on, owner_id FROM follow_up_plan ORDER BY id"
    )
    assert all(found["owner_id"] == desk.people["Nancy"] for found in rows)
    assert {found["origin"] for found in rows} <= {"MAINTENANCE"}
    return [(found["state"], found["due_on"], found["done_on"], found["maintenance_on"]) for found in rows]


async def serve(desk, owned, day, **values):
    desk.shop.clock.move(max(timedelta(), timedelta(days=(day - desk.shop.clock.now().date()).days)))
    return await desk.shop.create(
        "repair_record",
        customer_id=desk.customer,
        owned_product_id=owned,
        fault="Service",
        repaired_on=day,
        **values,
    )


async def test_each_due_day_makes_exactly_one_follow_up_and_each_service_moves_it(desk):
    # Saturday, 28 February 2026 has passed: the plan is for today, the day on which it is made.
    owned = await own(desk, installed_on=date(2026, 1, 31), maintenance_months=1)
    late = ("PLANNED", TODAY, None, date(2026, 2, 28))
    assert ((await row(desk, owned))["maintenance_due_on"], await plans(desk)) == (date(2026, 2, 28), [late])
    await desk.shop.update("owned_product", owned, place="Cellar")
    assert await plans(desk) == [late]
    repair = await serve(desk, owned, date(2026, 3, 3))
    done = ("DONE", TODAY, date(2026, 3, 3), date(2026, 2, 28))
    following = ("PLANNED", date(2026, 4, 3), None, date(2026, 4, 3))
    assert await plans(desk) == [done, following]
    # Entered late, an earlier service moves nothing; nor does a repair without maintenance.
    await serve(desk, owned, date(2026, 2, 10))
    await serve(desk, owned, date(2026, 3, 3), maintained=False)
    assert await plans(desk) == [done, following]
    # 1 March would be the day of 10 February's service; its record stays, the later one goes.
    await desk.shop.archive("repair_record", repair)
    assert (await row(desk, owned))["maintenance_due_on"] == date(2026, 3, 10)
    assert await plans(desk) == [done, ("PLANNED", date(2026, 3, 10), None, date(2026, 3, 10))]
    await desk.shop.update("owned_product", owned, maintenance_months=2)
    # 10 April 2026 is a Friday.
    assert await plans(desk) == [done, ("PLANNED", date(2026, 4, 10), None, date(2026, 4, 10))]
    (found,) = await desk.shop.fetch("SELECT purpose, rule FROM follow_up_plan WHERE state = 'PLANNED'")
    assert found["purpose"] == "Maintenance: Pump, serial number 7"
    assert "2026-04-10" in found["rule"]


async def test_a_service_that_is_taken_back_opens_its_day_again_without_a_second_plan(desk):
    owned = await own(desk, installed_on=date(2026, 3, 5), maintenance_months=1)
    repair = await serve(desk, owned, date(2026, 3, 9))
    assert [plan[0] for plan in await plans(desk)] == ["DONE", "PLANNED"]
    await desk.shop.archive("repair_record", repair)
    assert await plans(desk) == [
        ("PLANNED", date(2026, 4, 6), None, date(2026, 4, 5)),  # Sunday, 5 April: the next working day
        ("CANCELLED", date(2026, 4, 9), date(2026, 3, 9), None),
    ]


async def test_a_day_whose_plan_was_done_by_hand_gets_no_second_one(desk):
    owned = await own(desk, installed_on=date(2026, 3, 5), maintenance_months=1)
    (plan,) = await desk.shop.fetch("SELECT id FROM follow_up_plan")
    await desk.shop.update("follow_up_plan", plan["id"], state="DONE")
    await desk.shop.update("owned_product", owned, maintenance_months=2)
    await desk.shop.update("owned_product", owned, maintenance_months=1)
    assert [(state, day) for state, _, _, day in await plans(desk)] == [
        ("DONE", date(2026, 4, 5)),
        ("CANCELLED", None),
    ]


async def test_nothing_is_due_of_what_is_retired_archived_or_nobodys(desk):
    shop = desk.shop
    owned = await own(desk, installed_on=date(2026, 3, 5), maintenance_months=1)
    await shop.update("owned_product", owned, retired_on=TODAY)
    assert await plans(desk) == [("CANCELLED", date(2026, 4, 6), TODAY, None)]
    await shop.update("owned_product", owned, retired_on=None)
    await shop.archive("owned_product", owned)
    assert [state for state, *_ in await plans(desk)] == ["CANCELLED", "CANCELLED"]
    await shop.change(Change("owned_product", "restore", owned))
    assert [state for state, *_ in await plans(desk)] == ["CANCELLED", "CANCELLED", "PLANNED"]
    janet = await shop.hire("Janet", "REPRESENTATIVE")
    await shop.update("customer", desk.customer, owner_id=janet)
    await shop.work()
    (found,) = await shop.fetch("SELECT owner_id FROM follow_up_plan WHERE state = 'PLANNED'")
    assert found["owner_id"] == janet


@pytest.mark.requirement("S2")
async def test_a_closed_request_for_maintenance_stays_as_a_service(desk):
    owned = await own(
        desk, installed_on=date(2026, 1, 31), maintenance_months=6, counter=900, maintenance_counts=1000
    )
    request = await desk.open(kind="MAINTENANCE", title="Yearly service", owned_product_id=owned)
    await desk.do("close", request, result="Oiled")
    (repair,) = await desk.shop.fetch("SELECT * FROM repair_record")
    assert (repair["request_id"], repair["fault"], repair["work_done"], repair["counter"], repair["serial_number"]) == (
        request, "Yearly service", "Oiled", 900, "7",
    )  # fmt: skip
    found = await row(desk, owned)
    assert (found["last_serviced_on"], found["last_serviced_at_counter"]) == (TODAY, 900)
    assert found["maintenance_due_on"] == date(2026, 9, 2)
    await desk.do("reopen", request, reason="Leaks")
    await desk.do("close", request, result="Tight")
    assert await desk.shop.value("SELECT count(*) FROM repair_record") == 1
    await desk.shop.update("owned_product", owned, counter=1900)
    assert (await row(desk, owned))["maintenance_due_on"] == TODAY
    # A complaint is no service.
    complaint = await desk.open(owned_product_id=owned)
    await desk.do("close", complaint, result="Explained")
    assert await desk.shop.value("SELECT count(*) FROM repair_record") == 1


async def test_what_does_not_fit_is_refused_and_nothing_changes(desk):
    other = await desk.shop.create("customer", name="Rival")
    theirs = await own(desk, customer_id=other, serial_number=None)
    product = await desk.shop.create("product", number="P", name="Pump")
    await own(desk, product_id=product)
    before = await desk.shop.value("SELECT count(*) FROM owned_product")
    for values, code in (
        ({"model": None}, "REQUIRED"),
        ({"product_id": product}, "ALREADY_EXISTS"),
        ({"installed_on": TODAY, "warranty_until": TODAY - timedelta(days=1)}, "ENDS_BEFORE_IT_STARTS"),
        ({"counter": 5, "counter_read_on": TODAY + timedelta(days=1)}, "IN_THE_FUTURE"),
        ({"retired_on": TODAY + timedelta(days=1)}, "IN_THE_FUTURE"),
        ({"maintenance_months": 0}, "OUT_OF_RANGE"),
    ):
        with pytest.raises(Refused) as refused:
            await own(desk, **values)
        assert [error.code for error in refused.value.errors] == [code]
    with_warranty = await own(desk, serial_number="8", installed_on=TODAY, warranty_until=TODAY)
    with pytest.raises(Refused) as refused:
        await desk.shop.update("owned_product", with_warranty, installed_on=TODAY + timedelta(days=1))
    assert [error.code for error in refused.value.errors] == ["ENDS_BEFORE_IT_STARTS"]
    with pytest.raises(Refused) as refused:
        await serve(desk, theirs, TODAY)
    assert [error.code for error in refused.value.errors] == ["OF_ANOTHER_CUSTOMER"]
    assert await desk.shop.value("SELECT count(*) FROM owned_product") == before + 1
    assert await desk.shop.value("SELECT count(*) FROM repair_record") == 0


async def test_a_warranty_is_told_of_for_the_month_before_it_ends(desk):
    await own(desk, warranty_until=date(2026, 6, 30))
    days = (date(2026, 5, 30), date(2026, 5, 31), date(2026, 6, 30), date(2026, 7, 1))
    async with desk.shop.databases.tenant_read(desk.shop.company.ref) as read:
        told = [[found[3] for found in await read.fetch(WARRANTY_ENDS.select, day)] for day in days]
    assert told == [[], [date(2026, 6, 30)], [date(2026, 6, 30)], []]
