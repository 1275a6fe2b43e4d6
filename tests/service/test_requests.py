"""A request from its opening to its closing: numbers, clocks, states, notes, files of steps that are refused."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from kedang_platform.errors import Forbidden, NotFound, Refused
from kedang_tenants.service.handling import AnswerFirst, NobodyFound
from kedang_tenants.service.repairs import record_repair
from kedang_tenants.service.requests import Archived, WrongState
from tests.support.trading import MONDAY

OPENED = MONDAY  # nine in the morning in New York, when the company opens


def new_york(day: int, hour: int, minute: int = 0) -> datetime:
    """A time in New York in the week of 2 March 2026, five hours behind UTC."""
    return datetime(2026, 3, day, hour + 5, minute, tzinfo=UTC)


@pytest.mark.requirement("S1")
async def test_a_new_request_has_number_owner_and_clocks(desk):
    request = await desk.row(await desk.open())
    assert request["number"] == "SR-2026-00001"
    assert request["state"] == "NEW"
    assert request["opened_at"] == OPENED
    assert (request["first_answer_minutes"], request["solution_minutes"]) == (240, 1620)
    assert request["first_answer_due_at"] == new_york(2, 13)
    assert request["solution_due_at"] == new_york(4, 18)
    assert request["escalate_at"] == new_york(2, 13)
    assert request["owner_id"] == desk.people["Nancy"]  # no rule of assignment: the customer's owner
    assert (await desk.row(await desk.open()))["number"] == "SR-2026-00002"


@pytest.mark.requirement("S1")
async def test_the_first_answer_ends_its_clock_and_later_ones_change_nothing(desk):
    request = await desk.open()
    at = desk.later(hours=4)
    await desk.do("answer", request, text="We are looking into it.")
    desk.later(hours=1)
    await desk.do("answer", request, text="Still looking.")
    row = await desk.row(request)
    assert (row["state"], row["first_answered_at"], row["first_answer_on_time"]) == ("IN_PROGRESS", at, True)
    assert row["escalate_at"] == row["solution_due_at"]
    noted = await desk.shop.fetch("SELECT kind, text, member_id FROM service_note ORDER BY at")
    assert [note["text"] for note in noted] == ["We are looking into it.", "Still looking."]
    assert {note["kind"] for note in noted} == {"TO_CUSTOMER"}
    assert {note["member_id"] for note in noted} == {desk.people["Andrew"]}


async def test_a_late_first_answer_is_late(desk):
    request = await desk.open()
    desk.later(hours=4, seconds=1)
    await desk.do("answer", request, text="Sorry.")
    assert (await desk.row(request))["first_answer_on_time"] is False


@pytest.mark.requirement("S1")
async def test_the_solution_clock_stands_still_while_waiting_for_the_customer(desk):
    request = await desk.open()
    desk.later(hours=1)
    await desk.do("wait", request, text="Which batch is it?")
    row = await desk.row(request)
    assert (row["state"], row["waiting_since"], row["escalate_at"]) == ("WAITING", new_york(2, 10), None)
    assert row["first_answered_at"] == new_york(2, 10)  # who is asked something has been answered
    desk.later(days=1, hours=1)  # Tuesday, eleven: eight hours on Monday and two on Tuesday
    await desk.do("resume", request, text="Batch 7")
    row = await desk.row(request)
    assert (row["state"], row["waiting_since"], row["paused_seconds"]) == ("IN_PROGRESS", None, 10 * 3600)
    assert row["solution_due_at"] == new_york(6, 10)


async def test_nobody_waits_for_a_customer_who_was_told_nothing(desk):
    request = await desk.open()
    before = await desk.row(request)
    with pytest.raises(AnswerFirst):
        await desk.do("wait", request)
    assert await desk.row(request) == before
    await desk.do("answer", request, text="Hello.")
    await desk.do("wait", request)
    assert (await desk.row(request))["state"] == "WAITING"


@pytest.mark.requirement("S1")
async def test_a_note_from_the_customer_ends_the_waiting_and_its_owner_is_told(desk):
    request = await desk.open()
    await desk.do("wait", request, text="Which batch?")
    desk.later(hours=2)
    await desk.do("note", request, kind="FROM_CUSTOMER", text="Batch 7")
    row = await desk.row(request)
    assert (row["state"], row["paused_seconds"]) == ("IN_PROGRESS", 7200)
    told = await desk.shop.fetch(
        "SELECT member_id, about FROM notice WHERE kind = 'REQUEST_ANSWERED_BY_CUSTOMER'"
    )
    assert told == [{"member_id": desk.people["Nancy"], "about": f"srq_{request.hex}"}]


@pytest.mark.requirement("S1", "S6")
async def test_a_request_is_solved_and_closed_with_its_result(desk):
    request = await desk.open(about="OUR_PRODUCT", channel="PHONE")
    solved = desk.later(hours=2)
    await desk.do("solve", request, result="Replaced.")
    row = await desk.row(request)
    assert (row["state"], row["solved_at"], row["solution_on_time"]) == ("SOLVED", solved, True)
    assert (row["first_answered_at"], row["first_answer_on_time"]) == (solved, True)
    closed = desk.later(hours=1)
    await desk.do("close", request)
    row = await desk.row(request)
    assert (row["state"], row["closed_at"], row["result"]) == ("CLOSED", closed, "Replaced.")
    assert row["solved_at"] == solved
    assert row["escalate_at"] is None
    events = await desk.shop.fetch(
        "SELECT action, changes FROM audit WHERE record_id = $1 ORDER BY sequence", request
    )
    assert [event["action"].partition(".")[2] for event in events] == [
        "created", "updated", "updated", "closed",
    ]  # fmt: skip
    assert "escalate_at" not in "".join(event["changes"] for event in events)


async def test_closing_at_once_solves_and_needs_a_result(desk):
    request = await desk.open()
    before = await desk.row(request)
    with pytest.raises(Refused) as refused:
        await desk.do("close", request, result=" ")
    assert [(e.code, e.path) for e in refused.value.errors] == [("REQUIRED", ("input", "result"))]
    assert await desk.row(request) == before
    await desk.do("close", request, result="Was a misunderstanding.")
    row = await desk.row(request)
    assert (row["state"], row["solved_at"], row["solution_on_time"]) == ("CLOSED", OPENED, True)


@pytest.mark.requirement("S1")
async def test_a_reopened_request_goes_on_with_what_was_left_of_its_time(desk):
    request = await desk.open()
    desk.later(hours=2)
    await desk.do("close", request, result="Replaced.")
    desk.later(hours=3)
    await desk.do("reopen", request, reason="Mouldy again")
    row = await desk.row(request)
    assert (row["state"], row["reopened_count"], row["closed_at"]) == ("IN_PROGRESS", 1, None)
    assert (row["solved_at"], row["solution_on_time"], row["result"]) == (None, None, "Replaced.")
    assert row["solution_due_at"] == new_york(5, 12)  # three hours later than Wednesday, six
    assert row["first_answer_on_time"] is True
    assert await desk.shop.value("SELECT kind FROM service_note") == "INTERNAL"


async def test_a_cancelled_request_has_kept_and_missed_nothing(desk):
    request = await desk.open()
    await desk.do("cancel", request, reason="Called the wrong company")
    row = await desk.row(request)
    assert (row["state"], row["first_answer_on_time"], row["solution_on_time"]) == ("CANCELLED", None, None)
    assert (row["solved_at"], row["escalate_at"]) == (None, None)


STEPS = {
    "answer": {"text": "x"},
    "wait": {"text": "x"},
    "resume": {},
    "solve": {"result": "x"},
    "close": {"result": "x"},
    "reopen": {"reason": "x"},
    "cancel": {"reason": "x"},
    "assign": {},
}
ALLOWED = {
    "NEW": {"answer", "wait", "solve", "close", "cancel", "assign"},
    "IN_PROGRESS": {"answer", "wait", "solve", "close", "cancel", "assign"},
    "WAITING": {"answer", "resume", "solve", "close", "cancel", "assign"},
    "SOLVED": {"close", "reopen"},
    "CLOSED": {"reopen"},
    "CANCELLED": set(),
}
WAY = {
    "NEW": None, "IN_PROGRESS": "answer", "WAITING": "wait", "SOLVED": "solve", "CLOSED": "close", "CANCELLED": "cancel",
}  # fmt: skip


@pytest.mark.requirement("S1")
@pytest.mark.parametrize("state", ALLOWED)
async def test_a_step_that_the_state_does_not_allow_is_refused_and_changes_nothing(desk, state):
    request = await desk.open()
    if WAY[state]:
        await desk.do(WAY[state], request, **STEPS[WAY[state]])
    before, notes = await desk.row(request), await desk.shop.value("SELECT count(*) FROM service_note")
    assert before["state"] == state
    for step in sorted(STEPS.keys() - ALLOWED[state]):
        with pytest.raises(WrongState) as refused:
            await desk.do(step, request, **STEPS[step])
        assert (refused.value.code, refused.value.params["state"]) == ("WRONG_STATE", state)
    assert await desk.row(request) == before
    assert await desk.shop.value("SELECT count(*) FROM service_note") == notes


async def test_a_stale_version_is_refused_and_nothing_is_noted(desk):
    request = await desk.open()
    await desk.do("answer", request, text="Hello")
    before = await desk.row(request)
    for step in ("answer", "wait", "solve", "close", "cancel"):
        with pytest.raises(Refused) as refused:
            await desk.do(step, request, version=1, **STEPS[step])
        assert [error.code for error in refused.value.errors] == ["VERSION_CONFLICT"]
    assert await desk.row(request) == before
    assert await desk.shop.value("SELECT count(*) FROM service_note") == 1


async def test_an_archived_request_is_not_handled(desk):
    request = await desk.open()
    await desk.shop.archive("service_request", request)
    assert (await desk.row(request))["escalate_at"] is None
    for step, said in STEPS.items():
        with pytest.raises(Archived):
            await desk.do(step, request, **said)


async def test_contact_and_order_belong_to_the_customer(desk):
    other = await desk.shop.create("customer", name="Bon app'")
    contact = await desk.shop.create("contact", name="Laurence", customer_id=other)
    order = await desk.shop.order(other, MONDAY.date(), ("1", "2"))
    with pytest.raises(Refused) as refused:
        await desk.open(contact_id=contact, order_id=order)
    told = {(error.code, error.path[-1]) for error in refused.value.errors}
    assert told == {("OF_ANOTHER_CUSTOMER", "contactId"), ("OF_ANOTHER_CUSTOMER", "orderId")}
    assert await desk.shop.value("SELECT count(*) FROM service_request") == 0
    assert await desk.shop.value("SELECT count(*) FROM service_request_count") == 0


@pytest.mark.requirement("S1")
async def test_numbers_are_without_gaps_and_duplicates_when_many_open_at_once(desk):
    await asyncio.gather(*(desk.open(title=f"{n}") for n in range(20)))
    with pytest.raises(Refused):
        await desk.open(title="")
    await desk.open()
    numbers = [row["number"] for row in await desk.shop.fetch("SELECT number FROM service_request")]
    assert sorted(numbers) == [f"SR-2026-{n:05d}" for n in range(1, 22)]


async def test_a_new_year_counts_anew(desk):
    await desk.open()
    desk.shop.clock.move(timedelta(days=304))  # 31 December, nine in the morning in New York
    await desk.open()
    desk.later(hours=15, minutes=1)  # a minute into the new year there; in UTC it has been there for long
    last = await desk.open()
    numbers = await desk.shop.fetch("SELECT number FROM service_request ORDER BY number")
    assert [row["number"] for row in numbers] == ["SR-2026-00001", "SR-2026-00002", "SR-2027-00001"]
    assert (await desk.row(last))["number"] == "SR-2027-00001"


@pytest.mark.requirement("S2", "S1")
async def test_a_repair_is_kept_in_the_archive_of_the_customer(desk):
    product = await desk.shop.create("product", number="1", name="Chai")
    request = await desk.open(kind="REPAIR", product_id=product)
    laura = await desk.viewer("Laura")
    async with desk.shop.databases.tenant_write(desk.shop.company.ref) as write:
        made, customer = await record_repair(
            write,
            laura,
            values={"request_id": request, "fault": "Leaks", "work_done": "New seal", "cost": 1250},
            clock=desk.shop.clock,
        )
    assert customer == desk.customer
    (row,) = await desk.shop.fetch("SELECT * FROM repair_record WHERE id = $1", made)
    assert (row["customer_id"], row["product_id"]) == (desk.customer, product)
    assert (row["technician_id"], row["repaired_on"]) == (desk.people["Laura"], MONDAY.date())
    assert (row["cost"], row["currency"]) == (1250, "USD")
    assert (await desk.row(request))["state"] == "NEW"


async def test_a_repair_lies_in_the_past_and_its_request_is_the_customers(desk):
    other = await desk.shop.create("customer", name="Bon app'")
    request = await desk.open()
    tomorrow = MONDAY.date() + timedelta(days=1)
    with pytest.raises(Refused) as refused:
        await desk.shop.create(
            "repair_record", customer_id=other, request_id=request, fault="Leaks", repaired_on=tomorrow
        )
    assert {(error.code, error.path[-1]) for error in refused.value.errors} == {
        ("IN_THE_FUTURE", "repairedOn"), ("OF_ANOTHER_CUSTOMER", "requestId"),
    }  # fmt: skip
    assert await desk.shop.value("SELECT count(*) FROM repair_record") == 0


# Who may do what


@pytest.mark.requirement("S1", "A11")
async def test_whoever_is_responsible_handles_a_request_whatever_their_role(desk):
    request = await desk.open()
    nancy = await desk.viewer("Nancy")
    await desk.do("answer", request, nancy, text="I am on it.")
    await desk.do("close", request, nancy, result="Done.")
    assert (await desk.row(request))["state"] == "CLOSED"


@pytest.mark.requirement("S1", "A11")
async def test_a_representative_notes_on_requests_of_own_customers_and_handles_only_what_is_theirs(desk):
    request = await desk.open(owner_id=desk.people["Laura"])
    nancy = await desk.viewer("Nancy")
    before = await desk.row(request)
    for step in ("answer", "solve", "close", "cancel", "wait"):
        with pytest.raises(Forbidden):
            await desk.do(step, request, nancy, **STEPS[step])
    with pytest.raises(Forbidden):
        await desk.do("note", request, nancy, kind="TO_CUSTOMER", text="x")
    assert await desk.row(request) == before
    await desk.do("note", request, nancy, kind="INTERNAL", text="They are angry.")
    margaret = await desk.shop.as_member(await desk.shop.hire("Margaret", "REPRESENTATIVE"))
    with pytest.raises(NotFound):
        await desk.do("note", request, margaret, kind="INTERNAL", text="x")
    assert await desk.shop.value("SELECT count(*) FROM service_note") == 1


@pytest.mark.requirement("S1", "T3")
async def test_without_a_full_seat_nothing_is_handled(desk):
    request = await desk.open()
    onlooker = await desk.shop.as_member(await desk.shop.hire("Janet", "OWNER", seat="VIEW_ONLY"))
    before = await desk.row(request)
    for step, said in STEPS.items():
        with pytest.raises(Forbidden):
            await desk.do(step, request, onlooker, **said)
    with pytest.raises(Forbidden):
        await desk.do("note", request, onlooker, kind="INTERNAL", text="x")
    with pytest.raises(Refused):
        await desk.open(onlooker)
    assert await desk.row(request) == before


async def test_an_empty_department_refuses_a_request(desk):
    request = await desk.open()
    empty = await desk.shop.create("department", name="Empty")
    with pytest.raises(NobodyFound):
        await desk.do("assign", request, department_id=empty)
    assert await desk.owner_name(request) == "Nancy"


@pytest.mark.requirement("S1")
async def test_of_many_who_close_at_once_one_does(desk):
    request = await desk.open()
    ended = await asyncio.gather(
        *(desk.do("close", request, result=f"{n}") for n in range(5)), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in ended) == ["NoneType"] + ["WrongState"] * 4
    closings = "SELECT count(*) FROM audit WHERE action = 'service_request.closed'"
    assert await desk.shop.value(closings) == 1
    assert (await desk.row(request))["version"] == 2
