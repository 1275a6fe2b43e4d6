"""A daily report is returned by who reads it, mended and submitted again (F5)."""

from datetime import timedelta

import pytest

from kedang_platform.errors import Forbidden, NotFound, Refused
from kedang_tenants.changing import Change
from kedang_tenants.dailies.dues import SUBMIT, URGENT
from kedang_tenants.dailies.returning import ReportGathered, ReportNotSubmitted, return_report
from kedang_tenants.dailies.settling import settle_card
from kedang_tenants.dailies.submitting import submit_report
from tests.dailies.support import MONDAY, NOON, cards, contact, do, due, make, row, told, urgent_card

pytestmark = pytest.mark.requirement("F5")


@pytest.fixture
async def daily(shop, people, customer):
    await contact(shop, customer, people["Nancy"])
    report = await make(shop, people["Nancy"])
    await do(shop, submit_report, people["Nancy"], report_id=report)
    return report


async def test_what_its_reader_returns_is_mended_and_submitted_again(shop, people, customer, daily):
    nancy, janet = people["Nancy"], people["Janet"]
    await do(shop, return_report, janet, report_id=daily, why="Which pumps?")
    found = await row(shop, "daily_report", daily)
    assert (found["state"], found["returned_by_id"], found["returned_why"]) == (
        "RETURNED",
        janet,
        "Which pumps?",
    )
    assert found["returned_at"] == shop.clock.now()
    assert (await told(shop, "DAILY_REPORT"))[1:] == [
        (nancy, "Daily report of 2026-03-02 returned by Janet", "Which pumps?")
    ]
    assert await due(shop, SUBMIT) == [(nancy, daily, MONDAY)]
    (card,) = await cards(shop, daily)
    mine = await shop.as_member(nancy)
    await shop.update("daily_report_card", card["id"], viewer=mine, wishes="The blue ones")
    await shop.update("daily_report", daily, viewer=mine, summary="The blue pumps")
    later = await contact(shop, customer, nancy, at=NOON + timedelta(hours=1), content="Called again")
    assert await make(shop, nancy) == daily
    assert [one["follow_up_record_id"] for one in await cards(shop, daily)] == [
        card["follow_up_record_id"],
        later,
    ]
    shop.clock.move(timedelta(minutes=5))
    await do(shop, submit_report, nancy, report_id=daily)
    found = await row(shop, "daily_report", daily)
    assert (found["state"], found["submitted_at"], found["recipient_id"]) == (
        "SUBMITTED",
        shop.clock.now(),
        janet,
    )
    assert (await told(shop, "DAILY_REPORT"))[2:] == [
        (janet, "Daily report of Nancy, 2026-03-02", "Customers: 2. Urgent: 0.")
    ]
    assert await due(shop, SUBMIT) == []


async def test_who_does_not_read_it_or_gives_no_reason_returns_nothing(shop, people, daily):
    before = await row(shop, "daily_report", daily)
    with pytest.raises(Forbidden):
        await do(shop, return_report, people["Nancy"], report_id=daily, why="Mine")
    with pytest.raises(NotFound):
        await do(shop, return_report, people["Laura"], report_id=daily, why="Not mine")
    with pytest.raises(Forbidden):  # owners read and do not write
        await do(shop, return_report, shop.viewer.member_id, report_id=daily, why="No")
    with pytest.raises(Refused) as refused:
        await do(shop, return_report, people["Janet"], report_id=daily, why="  ")
    assert (refused.value.errors[0].code, refused.value.errors[0].path) == ("REQUIRED", ("input", "why"))
    assert await row(shop, "daily_report", daily) == before
    await do(shop, return_report, people["Steven"], report_id=daily, why="Which pumps?")
    with pytest.raises(ReportNotSubmitted):
        await do(shop, return_report, people["Margaret"], report_id=daily, why="Again")


async def test_what_was_gathered_goes_back_with_what_gathered_it(shop, people, customer, daily):
    janet, steven = people["Janet"], people["Steven"]
    await contact(shop, customer, janet)
    visits = await make(shop, janet)
    await do(shop, submit_report, janet, report_id=visits)
    with pytest.raises(ReportGathered):
        await do(shop, return_report, janet, report_id=daily, why="Which pumps?")
    assert (await row(shop, "daily_report", daily))["state"] == "SUBMITTED"
    await do(shop, return_report, steven, report_id=visits, why="Which pumps?")
    await do(shop, return_report, janet, report_id=daily, why="Which pumps?")
    found = await row(shop, "daily_report", daily)
    assert (found["state"], found["gathered_in_id"]) == ("RETURNED", None)
    await do(shop, submit_report, people["Nancy"], report_id=daily)
    await do(shop, submit_report, janet, report_id=visits)
    assert (await row(shop, "daily_report", daily))["gathered_in_id"] == visits


async def test_what_is_urgent_waits_on_and_what_was_decided_stays(shop, people, customer):
    nancy, steven = people["Nancy"], people["Steven"]
    for hours in (1, 2):
        at = NOON + timedelta(hours=hours)
        await contact(shop, customer, nancy, at=at, problems="Two pumps leak")
    report, first = await urgent_card(shop, people, customer, urgent="all")
    decided, open_one, calmed = [card["id"] for card in await cards(shop, report)]
    assert first == decided
    await do(shop, settle_card, steven, card_id=decided, settled_how="Replaced")
    await do(shop, return_report, people["Janet"], report_id=report, why="Which pumps?")
    assert [card for _, card, _ in await due(shop, URGENT)] == [open_one, calmed]
    mine = await shop.as_member(nancy)
    with pytest.raises(Refused) as refused:
        await shop.change(Change("daily_report_card", "archive", decided), viewer=mine)
    assert refused.value.errors[0].code == "CARD_DECIDED"
    await shop.update("daily_report_card", calmed, viewer=mine, urgent=False)
    await make(shop, nancy)
    await do(shop, submit_report, nancy, report_id=report)
    assert [card["settlement"] for card in await cards(shop, report)] == ["SETTLED", "OPEN", None]
    assert [card for _, card, _ in await due(shop, URGENT)] == [open_one]
    assert (await told(shop, "DAILY_REPORT"))[-1][2] == "Customers: 3. Urgent: 1."
