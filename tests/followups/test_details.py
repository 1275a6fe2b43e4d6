"""Details of plans and records: plans that come again, who has noted a record, and what a contact leads to (F2, F3)."""

from datetime import date, timedelta

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedang_platform.errors import Forbidden, NotFound, Refused
from kedang_tenants.changing import Change
from kedang_tenants.followups.needs import LONGEST_TITLE, AlreadyTakenUp, raise_demand, title_of
from kedang_tenants.service.problems import report_problems

FRIDAY = date(2026, 3, 6)


@pytest.fixture
async def nancy(shop):
    return await shop.hire("Nancy", "REPRESENTATIVE")


@pytest.fixture
async def customer(shop, nancy):
    return await shop.create("customer", name="Alfreds Futterkiste", owner_id=nancy)


@pytest.fixture
async def record(shop, nancy, customer):
    """A visit of Nancy's, with needs and problems."""
    contact = await shop.create("contact", customer_id=customer, name="Maria Anders")
    return await shop.create(
        "follow_up_record", viewer=await shop.as_member(nancy), customer_id=customer, contact_id=contact,
        at=shop.clock.now(), way="VISIT", needs="20 pumps\nby summer", problems="Late deliveries\nand no invoice",
        competitors="Rheinpumpen offers 5 % less", market_news="A new works in Worms",
    )  # fmt: skip


async def convert(shop, verb, record, member=None, **values):
    viewer = await shop.as_member(member) if member else shop.viewer
    async with shop.databases.tenant_write(shop.company.ref) as write:
        return await verb(write, viewer, record_id=record, values=values, clock=shop.clock)


async def row(shop, table):
    (found,) = await shop.fetch(f"SELECT * FROM {table}")
    return found


@pytest.mark.requirement("F2")
@pytest.mark.parametrize(
    ("days", "again"),
    [(1, date(2026, 3, 9)), (7, date(2026, 3, 13)), (8, date(2026, 3, 16)), (31, date(2026, 4, 6))],
)
async def test_a_plan_that_comes_again_is_planned_so_many_days_after_it_was_done(
    shop, nancy, customer, days, again
):
    plan = await shop.create(
        "follow_up_plan", customer_id=customer, owner_id=nancy, due_on=FRIDAY, way="CALL", purpose="Stock",
        at_time="09:30", content="Ask for the stock", repeat_days=days,
    )  # fmt: skip
    shop.clock.move(timedelta(days=4))
    await shop.update("follow_up_plan", plan, viewer=await shop.as_member(nancy), state="DONE")
    first, second = await shop.fetch("SELECT * FROM follow_up_plan ORDER BY id")
    assert (first["state"], first["done_on"]) == ("DONE", FRIDAY)
    assert second["due_on"] == again
    kept = ("customer_id", "owner_id", "way", "purpose", "at_time", "content", "repeat_days", "origin")
    assert {name: second[name] for name in kept} == {name: first[name] for name in kept}
    assert f"{days} days after 2026-03-06" in second["rule"]
    viewer = await shop.as_member(nancy)
    for state in ("PLANNED", "DONE"):  # taken back and done again
        await shop.update("follow_up_plan", plan, viewer=viewer, state=state)
    assert await shop.value("SELECT count(*) FROM follow_up_plan") == 2


@pytest.mark.requirement("F2")
async def test_a_contact_ends_a_plan_that_comes_again_and_a_cancelled_one_ends_the_row(shop, nancy, customer):
    plan = await shop.create(
        "follow_up_plan", customer_id=customer, owner_id=nancy, due_on=FRIDAY, repeat_days=7
    )
    await shop.create(
        "follow_up_record", customer_id=customer, plan_id=plan, at=shop.clock.now(), way="CALL", reached=True
    )
    (following,) = await shop.fetch("SELECT id, due_on FROM follow_up_plan WHERE state = 'PLANNED'")
    assert following["due_on"] == date(2026, 3, 9)
    await shop.update("follow_up_plan", following["id"], state="CANCELLED")
    assert await shop.value("SELECT count(*) FROM follow_up_plan") == 2


async def own_field(shop, record, key, **said):
    values = {"record": record, "key": key, "kind": "TEXT", "label": {"en": key}, "required": True, **said}
    (made,) = await shop.change(Change("custom_field", "create", values=values))
    return made


@pytest.mark.requirement("F2", "A4")
async def test_a_plan_that_comes_again_takes_the_own_fields_along_that_it_has(shop, nancy, customer):
    values = {"customer_id": customer, "due_on": FRIDAY, "repeat_days": 7}
    await shop.create("follow_up_plan", viewer=await shop.as_member(nancy), **values)
    stock, floor = [(await own_field(shop, "follow_up_plan", key)).hex for key in ("stock", "floor")]
    viewer = await shop.as_member(nancy)
    values |= {"purpose": "Stock"}
    filled = Change("follow_up_plan", "create", values=values, custom={"stock": "20", "floor": "2"})
    await shop.change(filled, viewer=viewer)
    for plan in await shop.fetch("SELECT id FROM follow_up_plan ORDER BY id"):
        await shop.create("follow_up_record", viewer=viewer, customer_id=customer, plan_id=plan["id"],
                          at=shop.clock.now(), way="CALL")  # fmt: skip
    planned = await shop.fetch("SELECT custom FROM follow_up_plan WHERE state = 'PLANNED' ORDER BY id")
    assert [orjson.loads(row["custom"]) for row in planned] == [{}, {stock: "20", floor: "2"}]


@pytest.mark.requirement("F3")
async def test_who_has_noted_a_record_is_named(shop, nancy, record, customer):
    assert (await row(shop, "follow_up_record"))["note_taker_id"] == nancy
    other = await shop.create(
        "follow_up_record", customer_id=customer, at=shop.clock.now(), way="FAX", note_taker_id=nancy
    )
    noted = await shop.value("SELECT note_taker_id FROM follow_up_record WHERE id = $1", other)
    assert noted == nancy


@pytest.mark.requirement("F3", "P2")
async def test_needs_become_a_demand_in_one_step_and_once(shop, nancy, customer, record):
    demand = await convert(shop, raise_demand, record, nancy, amount=500_000, expected_on=date(2026, 6, 1))
    found = await row(shop, "demand")
    assert found["id"] == demand
    assert (found["customer_id"], found["owner_id"], found["title"], found["need"]) == (
        customer, nancy, "20 pumps", "20 pumps\nby summer",
    )  # fmt: skip
    assert (found["amount"], found["expected_on"], found["state"]) == (500_000, date(2026, 6, 1), "OPEN")
    assert (await row(shop, "follow_up_record"))["demand_id"] == demand
    with pytest.raises(AlreadyTakenUp):
        await convert(shop, raise_demand, record, nancy)
    assert await shop.value("SELECT count(*) FROM demand") == 1


@pytest.mark.requirement("F3", "S1")
async def test_problems_become_a_service_request_in_one_step_and_once(shop, nancy, customer, record):
    request = await convert(shop, report_problems, record, nancy, kind="COMPLAINT", title="Deliveries")
    found = await row(shop, "service_request")
    assert (found["id"], found["customer_id"], found["title"], found["channel"], found["kind"]) == (
        request, customer, "Deliveries", "VISIT", "COMPLAINT",
    )  # fmt: skip
    assert found["description"] == "Late deliveries\nand no invoice"
    assert found["contact_id"] == (await row(shop, "contact"))["id"]
    assert (await row(shop, "follow_up_record"))["service_request_id"] == request
    with pytest.raises(AlreadyTakenUp):
        await convert(shop, report_problems, record, nancy, kind="COMPLAINT")
    assert await shop.value("SELECT count(*) FROM service_request") == 1


@pytest.mark.requirement("F3")
async def test_nothing_is_taken_up_of_an_empty_record_or_by_who_may_not(shop, nancy, customer, record):
    for verb, values, table in (
        (raise_demand, {}, "demand"),
        (report_problems, {"kind": "REPAIR"}, "service_request"),
    ):
        with pytest.raises(NotFound):
            await convert(shop, verb, record, await shop.hire(f"Janet {table}", "REPRESENTATIVE"), **values)
        with pytest.raises(Forbidden):
            await convert(shop, verb, record, await shop.hire(f"Laura {table}", "GENERAL_MANAGER"), **values)
        with pytest.raises(Refused):
            await convert(shop, verb, record, nancy, title="x" * 201, **values)
        assert await shop.value(f"SELECT count(*) FROM {table}") == 0
    await shop.update("follow_up_record", record, needs=" ", problems=None)
    for verb, values in ((raise_demand, {}), (report_problems, {"kind": "REPAIR"})):
        with pytest.raises(Refused) as refused:
            await convert(shop, verb, record, nancy, **values)
        assert [error.code for error in refused.value.errors] == ["REQUIRED"]
    found = await row(shop, "follow_up_record")
    assert (found["demand_id"], found["service_request_id"]) == (None, None)


@pytest.mark.requirement("F3")
@settings(max_examples=30)
@given(text=st.text(min_size=1, max_size=300).filter(str.strip))
def test_a_title_is_the_first_line_and_fits(text):
    title = title_of(text)
    assert 0 < len(title) <= LONGEST_TITLE
    assert text.strip().startswith(title.removesuffix("…"))
