"""Visit forms: filled in before leaving, approved by a superior, told to attendance, compared with what was done (F2)."""

import asyncio
from datetime import date, timedelta
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedang_platform.errors import Forbidden, NotFound, Refused
from kedang_tenants.approvals.deciding import decide
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.classing import ordering
from kedang_tenants.classing.ordering import Place, Stop, distance_km, length_km
from kedang_tenants.followups import visit_routes
from kedang_tenants.followups.visit_dues import VISITS
from kedang_tenants.followups.visit_routes import in_order, plan_visit_route
from kedang_tenants.followups.visiting import (
    VisitsNotYet,
    WrongVisitState,
    call_off_visits,
    finish_visits,
    submit_visit_form,
)

THURSDAY = date(2026, 3, 5)
pytestmark = pytest.mark.requirement("F2")


@pytest.fixture
async def people(shop):
    steven = await shop.hire("Steven", "DEPARTMENT_MANAGER")
    nancy = await shop.hire("Nancy", "REPRESENTATIVE", superior_id=steven)
    anne = await shop.hire("Anne", "SERVICE_AGENT", keeps_attendance=True)
    return {"Steven": steven, "Nancy": nancy, "Anne": anne}


@pytest.fixture
async def customers(shop, people):
    made = []
    for name, latitude, longitude in (("Alfreds", 52, 13), ("Blauer See", 49, 8), ("Chop-suey", 47, 7)):
        values = {"name": name, "owner_id": people["Nancy"], "latitude": latitude, "longitude": longitude}
        made.append(await shop.create("customer", **values))
    return made


@pytest.fixture
async def form(shop, people, customers):
    """Nancy's for Thursday, 5 March 2026, with three visits."""
    nancy = await shop.as_member(people["Nancy"])
    made = await shop.create(
        "visit_form", viewer=nancy, visit_on=THURSDAY, leaves_at="8:30", returns_at="17:00", purpose="Prices"
    )
    for customer in customers:
        await shop.create(
            "follow_up_plan", viewer=nancy, customer_id=customer, due_on=THURSDAY, visit_form_id=made
        )
    return made


async def do(shop, verb, form, member=None, **said):
    viewer = await shop.as_member(member) if member else shop.viewer
    async with shop.databases.tenant_write(shop.company.ref) as write:
        return await verb(write, viewer, form_id=form, clock=shop.clock, **said)


async def decided(shop, member, decision, remark=None):
    (request,) = await shop.fetch("SELECT id, stage FROM approval_request WHERE state = 'OPEN'")
    viewer = await shop.as_member(member)
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await decide(
            write, viewer, request_id=request["id"], stage=request["stage"], decision=decision,
            remark=remark, clock=shop.clock,
        )  # fmt: skip


async def row(shop, form):
    (found,) = await shop.fetch("SELECT * FROM visit_form WHERE id = $1", form)
    return found


async def told(shop, member):
    return await shop.fetch(
        "SELECT kind, title->>'en' AS title, body->>'en' AS body FROM notice WHERE member_id = $1 ORDER BY id",
        member,
    )


async def plans(shop):
    return await shop.fetch("SELECT * FROM follow_up_plan ORDER BY id")


async def test_a_form_is_submitted_approved_by_the_superior_and_told_to_attendance(shop, people, form):
    before = await row(shop, form)
    assert (before["member_id"], before["state"], before["leaves_at"]) == (people["Nancy"], "DRAFT", "08:30")
    assert (before["planned_visits"], before["done_visits"]) == (3, 0)
    assert {(plan["owner_id"], plan["way"]) for plan in await plans(shop)} == {(people["Nancy"], "VISIT")}
    await do(shop, submit_visit_form, form, people["Nancy"])
    submitted = await row(shop, form)
    assert (submitted["state"], submitted["submitted_at"]) == ("SUBMITTED", shop.clock.now())
    (waiting,) = await told(shop, people["Steven"])
    assert waiting["title"] == "An approval waits for you: Visits of Nancy on 2026-03-05: 3"
    assert await told(shop, people["Anne"]) == []
    await decided(shop, people["Steven"], "APPROVE", "Good luck")
    found = await row(shop, form)
    assert (found["state"], found["decided_by_id"], found["remark"]) == (
        "APPROVED", people["Steven"], "Good luck",
    )  # fmt: skip
    (attendance,) = await told(shop, people["Anne"])
    assert attendance == {
        "kind": "MEETING",
        "title": "Nancy is out with customers on 2026-03-05",
        "body": "Leaves at 08:30, returns at 17:00; visits: 3. The visit form was approved.",
    }


async def test_what_was_returned_is_mended_and_asked_for_again_what_was_refused_is_not(shop, people, form):
    nancy = await shop.as_member(people["Nancy"])
    await do(shop, submit_visit_form, form, people["Nancy"])
    with pytest.raises(Refused) as refused:
        await shop.update("visit_form", form, viewer=nancy, purpose="Holidays")
    assert [(e.code, e.path) for e in refused.value.errors] == [("VISIT_FORM_SETTLED", ("input", "purpose"))]
    with pytest.raises(Refused):
        await shop.update("follow_up_plan", (await plans(shop))[0]["id"], viewer=nancy, visit_form_id=None)
    with pytest.raises(Refused):
        await shop.archive("visit_form", form)
    await decided(shop, people["Steven"], "RETURN", "Why three?")
    assert ((await row(shop, form))["state"], (await row(shop, form))["remark"]) == ("RETURNED", "Why three?")
    await shop.update("follow_up_plan", (await plans(shop))[0]["id"], viewer=nancy, visit_form_id=None)
    await shop.update("visit_form", form, viewer=nancy, purpose="Prices of two")
    assert (await row(shop, form))["planned_visits"] == 2
    await do(shop, submit_visit_form, form, people["Nancy"])
    assert (await row(shop, form))["state"] == "SUBMITTED"
    assert await shop.value("SELECT count(*) FROM approval_request") == 1
    summary = await shop.value("SELECT summary->>'en' FROM approval_request")
    assert summary == "Visits of Nancy on 2026-03-05: 2"
    await decided(shop, people["Steven"], "REFUSE", "Not now")
    found = await row(shop, form)
    assert (found["state"], found["remark"], found["purpose"]) == ("REFUSED", "Not now", "Prices of two")
    with pytest.raises(WrongVisitState):
        await do(shop, submit_visit_form, form, people["Nancy"])
    assert await told(shop, people["Anne"]) == []
    assert await row(shop, form) == found


async def test_a_form_without_visits_or_of_a_day_that_has_passed_is_not_taken(shop, people, form):
    nancy = await shop.as_member(people["Nancy"])
    empty = await shop.create("visit_form", viewer=nancy, visit_on=THURSDAY)
    with pytest.raises(Refused) as refused:
        await do(shop, submit_visit_form, empty, people["Nancy"])
    assert [error.code for error in refused.value.errors] == ["REQUIRED"]
    shop.clock.move(timedelta(days=4))
    with pytest.raises(Refused) as refused:
        await do(shop, submit_visit_form, form, people["Nancy"])
    assert [error.code for error in refused.value.errors] == ["IN_THE_PAST"]
    with pytest.raises(Refused) as refused:
        await shop.create("visit_form", visit_on=THURSDAY, leaves_at="18:00", returns_at="17:00")
    assert [error.code for error in refused.value.errors] == ["ENDS_BEFORE_IT_STARTS"]
    janet = await shop.hire("Janet", "REPRESENTATIVE")
    with pytest.raises(NotFound):
        await do(shop, submit_visit_form, form, janet)
    with pytest.raises(Forbidden):  # whoever reads everything changes nothing by it
        await do(shop, submit_visit_form, form, await shop.hire("Laura", "GENERAL_MANAGER"))
    assert await shop.value("SELECT count(*) FROM approval_request") == 0
    assert {(await row(shop, one))["state"] for one in (form, empty)} == {"DRAFT"}


async def test_a_day_out_that_is_put_off_takes_its_visits_along(shop, people, form, customers):
    nancy = await shop.as_member(people["Nancy"])
    other = await shop.create(
        "follow_up_plan", viewer=nancy, customer_id=customers[0], due_on=date(2026, 3, 9), visit_form_id=form
    )
    first, *_ = await plans(shop)
    await shop.update("follow_up_plan", first["id"], state="CANCELLED")
    await shop.update("visit_form", form, visit_on=date(2026, 3, 6))
    days = {plan["id"]: plan["due_on"].day for plan in await plans(shop)}
    assert days == {**dict.fromkeys(days, 6), first["id"]: 5, other: 9}
    assert await shop.value("SELECT next_follow_up_on FROM customer WHERE id = $1", customers[1]) == date(
        2026, 3, 6
    )


async def test_a_visit_is_of_the_person_who_goes_out_and_planned_still(shop, people, form, customers):
    janet = await shop.hire("Janet", "REPRESENTATIVE")
    for values, code in (
        ({"owner_id": janet}, "OF_ANOTHER_MEMBER"),
        ({"owner_id": people["Nancy"], "state": "CANCELLED"}, "NOT_PLANNED"),
    ):
        with pytest.raises(Refused) as refused:
            await shop.create(
                "follow_up_plan", customer_id=customers[0], due_on=THURSDAY, visit_form_id=form, **values
            )
        assert [error.code for error in refused.value.errors] == [code]
    other = await shop.create("customer", name="Drachenblut")
    contact = await shop.create("contact", customer_id=other, name="Sven Ottlieb")
    with pytest.raises(Refused) as refused:
        await shop.update("follow_up_plan", (await plans(shop))[0]["id"], contact_id=contact)
    assert [error.code for error in refused.value.errors] == ["OF_ANOTHER_CUSTOMER"]
    assert (await row(shop, form))["planned_visits"] == 3


async def test_plan_and_deed_are_compared_and_the_day_is_finished(shop, people, form, customers):
    await do(shop, submit_visit_form, form, people["Nancy"])
    with pytest.raises(WrongVisitState):
        await do(shop, finish_visits, form, people["Nancy"], result="Sold")
    await decided(shop, people["Steven"], "APPROVE")
    with pytest.raises(VisitsNotYet):
        await do(shop, finish_visits, form, people["Nancy"], result="Sold")
    shop.clock.move(timedelta(days=3))
    nancy = await shop.as_member(people["Nancy"])
    first, second, third = await plans(shop)
    for plan, days in ((first, 0), (second, 1)):  # one on the day, one a day late, one not at all
        shop.clock.move(timedelta(days=days))
        await shop.create(
            "follow_up_record", viewer=nancy, customer_id=plan["customer_id"], plan_id=plan["id"], way="VISIT",
            at=shop.clock.now(),
        )  # fmt: skip
    found = await row(shop, form)
    assert (found["planned_visits"], found["done_visits"]) == (3, 1)
    assert await due(shop) == [(people["Nancy"], form)]
    with pytest.raises(Refused):
        await do(shop, finish_visits, form, people["Nancy"], result=" ")
    await do(shop, finish_visits, form, people["Nancy"], result="One order")
    found = await row(shop, form)
    assert (found["state"], found["result"], found["planned_visits"]) == ("FINISHED", "One order", 3)
    assert await due(shop) == []
    another = await shop.create("visit_form", viewer=nancy, visit_on=date(2026, 3, 9))
    await shop.update("follow_up_plan", third["id"], viewer=nancy, visit_form_id=another)
    assert ((await row(shop, form))["planned_visits"], (await row(shop, another))["planned_visits"]) == (3, 1)


async def test_two_visits_that_are_done_at_once_are_both_counted(shop, people, form):
    await do(shop, submit_visit_form, form, people["Nancy"])
    await decided(shop, people["Steven"], "APPROVE")
    shop.clock.move(timedelta(days=3))
    nancy = await shop.as_member(people["Nancy"])
    first, second, _ = await plans(shop)
    waiting = asyncio.Event()

    async def done(plan, *, first_of_all):
        values = {"state": "DONE", "done_on": THURSDAY}
        async with shop.databases.tenant_write(shop.company.ref) as write:
            if not first_of_all:
                await waiting.wait()
            step = Change("follow_up_plan", "update", plan["id"], values=values)
            await change_internally(write, nancy, [step], clock=shop.clock)
            if first_of_all:
                waiting.set()
                await locked(shop)

    await asyncio.gather(done(first, first_of_all=True), done(second, first_of_all=False))
    assert (await row(shop, form))["done_visits"] == 2


async def locked(shop):
    """Until another transaction waits for a lock of ours."""
    for _ in range(200):
        if await shop.value("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            return
        await asyncio.sleep(0.02)


async def due(shop):
    async with shop.databases.tenant_read(shop.company.ref) as read:
        rows = await read.fetch(VISITS.select, shop.clock.now().date())
    return [(found[0], found[1]) for found in rows]


async def test_a_day_out_is_called_off_with_a_reason(shop, people, form):
    await do(shop, submit_visit_form, form, people["Nancy"])
    await decided(shop, people["Steven"], "APPROVE")
    with pytest.raises(Refused):
        await do(shop, call_off_visits, form, people["Nancy"], reason=" ")
    await do(shop, call_off_visits, form, people["Nancy"], reason="Snow")
    assert ((await row(shop, form))["state"], (await row(shop, form))["remark"]) == ("CALLED_OFF", "Snow")
    assert [notice["title"] for notice in await told(shop, people["Anne"])] == [
        "Nancy is out with customers on 2026-03-05",
        "Nancy is not out with customers on 2026-03-05",
    ]
    with pytest.raises(WrongVisitState):
        await do(shop, call_off_visits, form, people["Nancy"], reason="Again")


async def test_calling_off_what_is_not_decided_withdraws_it(shop, people, form):
    await do(shop, submit_visit_form, form, people["Nancy"])
    await do(shop, call_off_visits, form, people["Nancy"], reason="Snow")
    assert (await row(shop, form))["state"] == "CALLED_OFF"
    assert await shop.value("SELECT state FROM approval_request") == "WITHDRAWN"
    assert await told(shop, people["Anne"]) == []


async def test_what_nobody_has_prepared_is_filled_in_from_the_archive(shop, people, form, customers):
    nancy = await shop.as_member(people["Nancy"])
    alfreds = customers[0]
    await shop.create("contact", customer_id=alfreds, name="Anna Sales", title="Clerk")
    maria = await shop.create(
        "contact", customer_id=alfreds, name="Maria Anders", title="Buyer", decision_power="DECIDES"
    )
    for needs, problems in (("Old", "Late deliveries"), ("20 pumps", None)):
        await shop.create(
            "follow_up_record", viewer=nancy, customer_id=alfreds, at=shop.clock.now(), way="CALL",
            reached=False, needs=needs, problems=problems,
        )  # fmt: skip
        shop.clock.move(timedelta(minutes=1))
    first, second, _ = await plans(shop)
    await shop.update("follow_up_plan", first["id"], viewer=nancy, contact_id=maria)
    await shop.update("follow_up_plan", second["id"], viewer=nancy, preparation="Mine")
    await do(shop, submit_visit_form, form, people["Nancy"])
    prepared = [plan["preparation"] for plan in await plans(shop)]
    assert prepared == [
        "Maria Anders · Buyer · Decides\nAnna Sales · Clerk\nNeeds: 20 pumps\nProblems: Late deliveries",
        "Mine",
        None,
    ]


async def test_a_customer_of_whom_much_was_noted_hides_nothing_of_the_others(shop, people, form, customers):
    nancy = await shop.as_member(people["Nancy"])
    loud, quiet, _ = sorted(customers)
    for customer, needs, problems in ((quiet, "One pump", "Leaks"), (loud, "Old", None)):
        await shop.create(
            "follow_up_record", viewer=nancy, customer_id=customer, at=shop.clock.now(), way="CALL",
            reached=False, needs=needs, problems=problems,
        )  # fmt: skip
    copied = (await shop.fetch("SELECT * FROM follow_up_record WHERE customer_id = $1", loud))[0]
    same = ", ".join(f'"{name}"' for name in copied if name not in {"id", "at", "needs"})
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await write.fetch(
            f"INSERT INTO follow_up_record (id, at, needs, {same})"
            f" SELECT gen_random_uuid(), at + n * interval '1 second', 'Need ' || n, {same}"
            " FROM follow_up_record CROSS JOIN generate_series(1, 1000) AS n WHERE id = $1",
            copied["id"],
        )
    await do(shop, submit_visit_form, form, people["Nancy"])
    prepared = {plan["customer_id"]: plan["preparation"] for plan in await plans(shop)}
    assert prepared[loud] == "Needs: Need 1000"
    assert prepared[quiet] == "Needs: One pump\nProblems: Leaks"


@pytest.mark.requirement("G5")
async def test_the_route_of_a_day_is_short_and_keeps_what_has_its_time(shop, people, form, customers):
    nancy = await shop.as_member(people["Nancy"])
    north, middle, south = await plans(shop)
    length = await do(shop, plan_visit_route, form, people["Nancy"], start=Place(46, 7))
    assert [plan["visit_position"] for plan in await plans(shop)] == [3, 2, 1]
    assert 600 < length < 900
    await shop.update("follow_up_plan", north["id"], viewer=nancy, at_time="09:00")
    await shop.update("follow_up_plan", south["id"], viewer=nancy, at_time="11:00")
    await do(shop, plan_visit_route, form, people["Nancy"])
    assert [plan["visit_position"] for plan in await plans(shop)] == [1, 2, 3]
    await shop.update("follow_up_plan", south["id"], viewer=nancy, visit_position=2)  # moved by hand
    await shop.update("follow_up_plan", middle["id"], viewer=nancy, visit_position=3)
    assert [plan["visit_position"] for plan in await plans(shop)] == [1, 3, 2]


_PLACES = st.builds(Place, st.floats(-80, 80), st.floats(-170, 170))


@settings(max_examples=40)
@given(timed=st.lists(_PLACES, max_size=4), free=st.lists(st.one_of(st.none(), _PLACES), max_size=5))
def test_a_route_has_every_stop_once_and_keeps_the_order_of_those_with_a_time(timed, free):
    first = [Stop(uuid4(), place) for place in timed]
    others = [Stop(uuid4(), place) for place in free]
    way = in_order(first, others, start=None)
    assert sorted(way, key=lambda stop: stop.id) == sorted([*first, *others], key=lambda stop: stop.id)
    assert [stop for stop in way if stop in first] == first


@settings(max_examples=40)
@given(
    way=st.lists(st.one_of(st.none(), _PLACES), min_size=1, max_size=5),
    start=st.one_of(st.none(), _PLACES),
    place=_PLACES,
)
def test_a_visit_without_a_time_lies_where_it_lengthens_the_way_least(way, start, place):
    timed, new = [Stop(uuid4(), one) for one in way], Stop(uuid4(), place)
    found = length_km(in_order(timed, [new], start=start), start=start)
    every = [length_km([*timed[:at], new, *timed[at:]], start=start) for at in range(len(timed) + 1)]
    assert found == pytest.approx(min(every))


def test_a_day_of_as_many_visits_as_there_can_be_takes_few_steps(monkeypatch):
    """Each free visit looks once along the way: 200 of them measure no more than some hundred thousand distances."""
    measured = 0

    def count(one, other):
        nonlocal measured
        measured += 1
        return distance_km(one, other)

    monkeypatch.setattr(visit_routes, "distance_km", count)
    monkeypatch.setattr(ordering, "distance_km", count)
    stops = [Stop(uuid4(), Place(n * 37 % 120 - 60, n * 71 % 300 - 150)) for n in range(200)]
    assert len(in_order(stops[:100], stops[100:], start=None)) == 200
    assert measured < 150_000
