"""Standards, planning anew, and telling of what is overdue."""

import pytest

from kedang_platform.errors import Refused
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.changing import Change, audit
from kedang_tenants.service.overdue import escalate_part
from kedang_tenants.service.standards import DEFAULTS
from tests.service.test_requests import new_york


async def graded(desk, code="A"):
    """A level of a grade scheme, given to the customer as a grading gives it."""
    scheme = await desk.shop.publish_default_scheme()
    level = await desk.shop.value(
        "SELECT id FROM grade_level WHERE scheme_id = $1 AND code = $2", scheme, code
    )
    change = Change("customer", "update", desk.customer, values={"grade_level_id": level, "grade_rank": 1})
    await desk.shop.change(change, internally=True)
    async with desk.shop.databases.tenant_write(desk.shop.company.ref) as write:
        events = [("customer", "graded", desk.customer, {})]
        await audit(write, await desk.shop.product(), events, clock=desk.shop.clock)
    return level


@pytest.mark.requirement("S1")
async def test_the_most_exact_standard_counts(desk):
    level = await graded(desk)
    assert await minutes(desk, "NORMAL") == (240, 1620)
    assert await minutes(desk, "URGENT") == (30, 240)
    await desk.shop.create(
        "service_standard", grade_level_id=level, first_answer_minutes=60, solution_minutes=600
    )
    assert await minutes(desk, "NORMAL") == (60, 600)
    assert await minutes(desk, "URGENT") == (60, 600)  # the grade goes before the priority
    await desk.shop.create(
        "service_standard",
        grade_level_id=level,
        priority="URGENT",
        first_answer_minutes=5,
        solution_minutes=60,
    )
    assert await minutes(desk, "URGENT") == (5, 60)
    other = await desk.shop.create("customer", name="Bon app'")
    assert await minutes(desk, "URGENT", customer_id=other) == (30, 240)


async def minutes(desk, priority, **values):
    row = await desk.row(await desk.open(priority=priority, **values))
    return row["first_answer_minutes"], row["solution_minutes"]


async def test_without_a_standard_there_is_no_clock(desk):
    for standard in await desk.shop.fetch("SELECT id FROM service_standard"):
        await desk.shop.archive("service_standard", standard["id"])
    request = await desk.open()
    row = await desk.row(request)
    assert (row["first_answer_due_at"], row["solution_due_at"], row["escalate_at"]) == (None, None, None)
    await desk.do("close", request, result="Done.")
    row = await desk.row(request)
    assert (row["first_answer_on_time"], row["solution_on_time"]) == (None, None)


@pytest.mark.requirement("S1")
async def test_another_priority_plans_only_what_is_not_done(desk):
    request, solved = await desk.open(), await desk.open()
    await desk.do("answer", request, text="Hello")
    await desk.do("solve", solved, result="Done.")
    before = await desk.row(solved)
    for each in (request, solved):
        await desk.shop.update("service_request", each, priority="URGENT")
    row = await desk.row(request)
    assert row["first_answer_due_at"] == new_york(2, 13)  # answered: as it was
    assert row["solution_due_at"] == new_york(2, 13)  # four hours
    kept = await desk.row(solved)
    assert (kept["first_answer_due_at"], kept["solution_due_at"]) == (
        before["first_answer_due_at"],
        before["solution_due_at"],
    )


@pytest.mark.requirement("S1", "T6")
async def test_a_new_calendar_moves_what_is_open(desk):
    request, closed = await desk.open(), await desk.open()
    await desk.do("close", closed, result="Done.")
    await desk.shop.create("calendar_day", day=new_york(3, 12).date(), kind="HOLIDAY")
    await desk.shop.work()
    assert (await desk.row(request))["solution_due_at"] == new_york(5, 18)
    assert (await desk.row(closed))["solution_due_at"] == new_york(4, 18)
    version = (await desk.row(request))["version"]
    week = await desk.shop.create("working_week", internally=True, weekend=["SATURDAY", "SUNDAY"])
    await desk.shop.update("working_week", week, opens_at="08:00", closes_at="12:00")
    await desk.shop.work()
    row = await desk.row(request)
    # Opened at nine: three hours on Monday, then four each day; the 27th hour ends on the tenth of March.
    assert row["first_answer_due_at"] == new_york(4, 9)
    assert row["solution_due_at"] == new_york(11, 11)  # summer time: eleven there is twelve by the clock
    assert row["version"] == version + 1


@pytest.mark.requirement("T6")
@pytest.mark.parametrize(("opens", "closes"), [("18:00", "09:00"), ("09:00", "09:00"), ("09:00", "09:59")])
async def test_a_working_day_has_at_least_an_hour(desk, opens, closes):
    week = await desk.shop.create("working_week", internally=True, weekend=["SUNDAY"])
    with pytest.raises(Refused) as refused:
        await desk.shop.update("working_week", week, opens_at=opens, closes_at=closes)
    assert [(e.code, e.path[-1]) for e in refused.value.errors] == [("NO_WORKING_HOURS", "closesAt")]
    rows = await desk.shop.fetch("SELECT opens_at, closes_at FROM working_week")
    assert rows == [{"opens_at": "09:00", "closes_at": "18:00"}]


@pytest.mark.requirement("S1")
async def test_another_grade_of_the_customer_plans_its_open_requests_anew(desk):
    request = await desk.open()
    waiting = await desk.open()
    await desk.do("wait", waiting, text="Which batch?")
    scheme = await desk.shop.publish_default_scheme()
    for level in await desk.shop.fetch("SELECT id FROM grade_level WHERE scheme_id = $1", scheme):
        await desk.shop.create(
            "service_standard", grade_level_id=level["id"], first_answer_minutes=60, solution_minutes=540
        )
    assert (await desk.row(request))["solution_due_at"] == new_york(4, 18)
    await desk.shop.work()  # the grading, and what follows from it
    row = await desk.row(request)
    assert (row["first_answer_due_at"], row["solution_due_at"]) == (new_york(2, 10), new_york(2, 18))
    assert (await desk.row(waiting))["state"] == "WAITING"
    assert (await desk.row(waiting))["solution_due_at"] == new_york(2, 18)


async def escalate(desk):
    async with desk.shop.databases.tenant_write(desk.shop.company.ref) as write:
        await escalate_part(write, await desk.shop.product(), clock=desk.shop.clock)
    rows = await desk.shop.fetch("SELECT member_id FROM notice WHERE kind = 'REQUEST_OVERDUE' ORDER BY id")
    return [next(name for name, member in desk.people.items() if member == row["member_id"]) for row in rows]


@pytest.mark.requirement("S1", "T10")
async def test_the_owner_is_told_of_what_is_overdue_then_the_superior_once_each(desk):
    request = await desk.open(owner_id=desk.people["Laura"])
    desk.later(hours=4)
    assert await escalate(desk) == []  # due, not overdue
    desk.later(minutes=1)
    assert await escalate(desk) == ["Laura"]
    assert await escalate(desk) == ["Laura"]
    assert (await desk.row(request))["escalate_at"] == new_york(2, 14)
    desk.later(hours=1)
    assert await escalate(desk) == ["Laura", "Steven"]
    desk.later(hours=2)
    assert await escalate(desk) == ["Laura", "Steven"]
    assert (await desk.row(request))["escalate_at"] == new_york(4, 18)  # the solution's clock
    desk.later(days=4)
    assert await escalate(desk) == ["Laura", "Steven", "Laura", "Steven"]
    assert (await desk.row(request))["escalate_at"] is None
    assert (await desk.row(request))["version"] == 1


@pytest.mark.requirement("S1", "T10")
async def test_the_recurring_job_tells_and_the_next_one_tells_nothing_more(desk):
    await desk.open(owner_id=desk.people["Laura"])
    desk.later(days=7)
    for _ in range(2):
        async with desk.shop.databases.tenant_write(desk.shop.company.ref) as write:
            await enqueue(write, NewJob("service.escalate"))
        await desk.shop.work()
        told = await desk.shop.value("SELECT count(*) FROM notice WHERE kind = 'REQUEST_OVERDUE'")
        assert told == 4  # both clocks, the owner and the superior
    body = await desk.shop.value(
        "SELECT body ->> 'en' FROM notice WHERE kind = 'REQUEST_OVERDUE' ORDER BY id"
    )
    assert body == "Alfreds Futterkiste asks: Mouldy tea. It was due on 2026-03-02 13:00."


@pytest.mark.requirement("S1")
async def test_waiting_is_never_overdue_and_a_new_owner_is_told(desk):
    request = await desk.open(owner_id=desk.people["Laura"])
    await desk.do("wait", request, text="Which batch?")
    desk.later(days=7)
    assert await escalate(desk) == []
    await desk.do("resume", request)
    desk.later(days=7)
    assert await escalate(desk) == ["Laura", "Steven"]
    await desk.do("assign", request, owner_id=desk.people["Michael"])
    assert await escalate(desk) == ["Laura", "Steven", "Michael"]


@pytest.mark.requirement("S1", "T10")
async def test_a_due_time_that_was_put_off_and_passes_again_is_told_again(desk):
    request = await desk.open(owner_id=desk.people["Laura"], priority="URGENT")
    desk.later(minutes=31)
    assert await escalate(desk) == ["Laura"]
    await desk.shop.update("service_request", request, priority="LOW")
    assert (await desk.row(request))["escalate_at"] == new_york(2, 18)
    assert await escalate(desk) == ["Laura"]
    desk.later(days=1)
    assert await escalate(desk) == ["Laura", "Laura"]


@pytest.mark.requirement("S1", "T10")
async def test_what_stays_overdue_after_waiting_is_not_told_again(desk):
    request = await desk.open(owner_id=desk.people["Laura"])
    await desk.do("answer", request, text="We are on it.")
    desk.later(days=4)
    assert await escalate(desk) == ["Laura", "Steven"]
    await desk.do("wait", request)
    desk.later(hours=2)
    await desk.do("resume", request)
    assert await escalate(desk) == ["Laura", "Steven"]


@pytest.mark.requirement("S1")
async def test_of_a_request_whose_owner_has_left_the_head_hears(desk):
    await desk.open(owner_id=desk.people["Laura"])
    async with desk.shop.databases.tenant_write(desk.shop.company.ref) as write:
        await write.fetch("UPDATE member SET state = 'SUSPENDED' WHERE id = $1", desk.people["Laura"])
    desk.later(hours=4, minutes=1)
    assert await escalate(desk) == ["Steven"]
    desk.later(hours=2)
    assert await escalate(desk) == ["Steven"]  # the head is the superior, too


@pytest.mark.requirement("S1")
async def test_of_what_nobody_has_the_head_or_the_companys_owner_hears(desk):
    empty = await desk.shop.create("department", name="Empty")
    await desk.shop.create("service_assignment", kind="REPAIR", department_id=empty)
    alone = await desk.shop.create("customer", name="Nobody's")
    await desk.open(customer_id=alone)
    await desk.open(customer_id=alone, kind="REPAIR")
    desk.people["Head"] = await desk.shop.hire("Head", "DEPARTMENT_MANAGER", department_id=empty)
    desk.later(hours=4, minutes=1)
    assert sorted(await escalate(desk)) == ["Andrew", "Head"]


@pytest.mark.requirement("S1", "T1")
async def test_a_new_company_begins_with_standards_by_priority(town):
    signed_in = await town.open()
    company = await town.company(signed_in.company.id)
    async with town.databases.tenant_read(company.ref) as read:
        rows = await read.fetch(
            "SELECT priority, grade_level_id, first_answer_minutes, solution_minutes FROM service_standard"
            " ORDER BY first_answer_minutes"
        )
        hours = await read.fetchrow("SELECT opens_at, closes_at FROM working_week")
    assert [tuple(row) for row in rows] == [
        ("URGENT", None, 30, 240),
        ("HIGH", None, 120, 540),
        (None, None, 240, 1620),
        ("LOW", None, 540, 2700),
    ]
    assert tuple(hours) == ("09:00", "18:00")


@pytest.mark.requirement("S1", "V7")
async def test_what_was_promised_for_one_request_no_standard_relaxes(desk):
    request = await desk.open(await desk.shop.product(), internally=True, solution_minutes_at_most=540)
    assert (await desk.row(request))["solution_due_at"] == new_york(2, 18)
    await desk.shop.update("service_request", request, priority="LOW")
    assert (await desk.row(request))["solution_due_at"] == new_york(2, 18)
    await desk.shop.publish_default_scheme()
    await desk.shop.work()
    row = await desk.row(request)
    assert (row["first_answer_minutes"], row["solution_minutes"]) == (540, 540)
    await desk.shop.update("service_request", request, priority="URGENT")
    assert (await desk.row(request))["solution_due_at"] == new_york(2, 13)


@pytest.mark.requirement("S1")
async def test_a_grade_and_priority_have_one_standard(desk):
    """A second one would stand there and never count."""
    twice = {"priority": "URGENT", "first_answer_minutes": 10, "solution_minutes": 60}
    with pytest.raises(Refused) as refused:
        await desk.shop.create("service_standard", **twice)
    assert [(e.code, e.path) for e in refused.value.errors] == [("ALREADY_EXISTS", ("input",))]
    assert len(await desk.shop.fetch("SELECT id FROM service_standard")) == len(DEFAULTS)
    (urgent,) = await desk.shop.fetch("SELECT id FROM service_standard WHERE priority = 'URGENT'")
    await desk.shop.update("service_standard", urgent["id"], first_answer_minutes=20)
    await desk.shop.archive("service_standard", urgent["id"])
    await desk.shop.create("service_standard", **twice)
    with pytest.raises(Refused, match="already"):
        await desk.shop.change(Change("service_standard", "restore", urgent["id"]))


@pytest.mark.requirement("S1")
async def test_nothing_is_to_be_solved_sooner_than_it_is_answered(desk):
    (low,) = await desk.shop.fetch(
        "SELECT id, first_answer_minutes AS least FROM service_standard WHERE priority = 'LOW'"
    )
    with pytest.raises(Refused) as refused:
        await desk.shop.update("service_standard", low["id"], solution_minutes=low["least"] - 1)
    assert [(e.code, e.path) for e in refused.value.errors] == [
        ("SOONER_THAN_ANSWER", ("input", "solutionMinutes"))
    ]
    await desk.shop.update("service_standard", low["id"], solution_minutes=low["least"])
