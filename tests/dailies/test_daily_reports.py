"""Daily reports: cards made from the day's records, submitted upward; urgent matters settled or reported (F5)."""

import asyncio
from datetime import timedelta

import orjson
import pytest

from kedang_platform.errors import Forbidden, NotFound, Refused
from kedang_platform.i18n import translate
from kedang_tenants.changing import Change
from kedang_tenants.dailies.dues import ACKNOWLEDGE, SUBMIT, URGENT
from kedang_tenants.dailies.making import ReportSubmitted
from kedang_tenants.dailies.reporting import ReportAcknowledged, acknowledge
from kedang_tenants.dailies.settling import NothingUrgent, settle_card
from kedang_tenants.dailies.submitting import submit_report
from kedang_tenants.rules import establish
from tests.dailies.support import (
    MONDAY,
    NOON,
    cards,
    contact,
    do,
    due,
    emergency,
    evening,
    make,
    row,
    told,
    urgent_card,
)

pytestmark = pytest.mark.requirement("F5")


async def test_the_cards_of_a_report_are_made_from_the_day_s_records(shop, people, customer):
    nancy = people["Nancy"]
    said = {
        "needs": "Spare parts", "problems": "Two pumps leak", "competitors": "Meyer sells at 9",
        "market_news": "Demand falls", "next_step": "Send an offer",
    }  # fmt: skip
    first = await contact(shop, customer, nancy, **said)
    await contact(shop, customer, nancy, at=NOON, reached=False)
    await contact(shop, customer, nancy, at=NOON - timedelta(days=1))
    await contact(shop, customer, people["Laura"])
    begins = NOON + timedelta(hours=2)
    meeting = await shop.create(
        "meeting", customer_id=customer, organiser_id=nancy, subject="Prices", starts_at=begins,
        ends_at=begins + timedelta(hours=1),
    )  # fmt: skip
    report = await make(shop, nancy)
    found = await row(shop, "daily_report", report)
    assert (found["member_id"], found["day"], found["kind"], found["state"]) == (
        nancy,
        MONDAY,
        "DAILY",
        "DRAFT",
    )
    one, two = await cards(shop, report)
    assert (one["follow_up_record_id"], one["customer_id"], one["at"]) == (first, customer, NOON)
    assert one["wishes"] == "Spare parts\nTwo pumps leak"
    assert one["matters"] == "Showed the catalogue\nOutcome: An order is likely"
    assert one["market"] == "Meyer sells at 9\nDemand falls"
    assert (one["reaction"], one["other"]) == (None, "Next step: Send an offer")
    assert (two["meeting_id"], two["matters"]) == (meeting, "Meeting: Prices")
    (laura,) = await cards(shop, await make(shop, people["Laura"]))
    outcome = translate("Outcome: {text}", "zh-CN", {"text": "An order is likely"})
    assert laura["matters"] == f"Showed the catalogue\n{outcome}"


async def test_made_again_a_draft_follows_the_records_and_leaves_alone_what_was_edited(
    shop, people, customer
):
    nancy = people["Nancy"]
    viewer = await shop.as_member(nancy)
    kept, corrected, archived, dropped = [
        await contact(shop, customer, nancy, at=NOON + timedelta(minutes=n), content=f"Contact {n}")
        for n in range(4)
    ]
    report = await make(shop, nancy)
    by_source = {card["follow_up_record_id"]: card["id"] for card in await cards(shop, report)}
    await shop.update("daily_report_card", by_source[kept], viewer=viewer, reaction="Pleased")
    await shop.change(Change("daily_report_card", "archive", by_source[dropped]), viewer=viewer)
    for source in (kept, corrected):
        await shop.update("follow_up_record", source, content="Corrected")
    await shop.archive("follow_up_record", archived)
    later = await contact(shop, customer, nancy, at=NOON + timedelta(hours=1), content="Later")
    assert await make(shop, nancy) == report
    found = [
        (card["follow_up_record_id"], card["matters"].split("\n")[0]) for card in await cards(shop, report)
    ]
    assert found == [(kept, "Contact 0"), (corrected, "Corrected"), (later, "Later")]
    before = await shop.fetch("SELECT id, version FROM daily_report_card ORDER BY id")
    await make(shop, nancy)
    assert await shop.fetch("SELECT id, version FROM daily_report_card ORDER BY id") == before


async def test_a_contact_that_is_noted_again_comes_back_to_its_card(shop, people, customer):
    nancy = people["Nancy"]
    archived, missed = await contact(shop, customer, nancy), await contact(shop, customer, nancy)
    report = await make(shop, nancy)
    before = {card["follow_up_record_id"]: card["id"] for card in await cards(shop, report)}
    await shop.archive("follow_up_record", archived)
    await shop.update("follow_up_record", missed, reached=False)
    await make(shop, nancy)
    assert await cards(shop, report) == []
    await shop.change(Change("follow_up_record", "restore", archived))
    await shop.update("follow_up_record", missed, reached=True, content="Reached after all")
    await make(shop, nancy)
    found = await cards(shop, report)
    assert {card["follow_up_record_id"]: card["id"] for card in found} == before
    assert sorted(card["matters"].split("\n")[0] for card in found) == [
        "Reached after all",
        "Showed the catalogue",
    ]


async def test_what_is_noted_after_the_report_was_submitted_comes_into_the_next_one_once(
    shop, people, customer
):
    nancy = people["Nancy"]
    moved = await contact(shop, customer, nancy)
    monday = await make(shop, nancy)
    await do(shop, submit_report, nancy, report_id=monday)
    late = await contact(shop, customer, nancy, at=NOON + timedelta(hours=1), content="Later")
    before = await contact(
        shop, customer, nancy, at=NOON - timedelta(days=1)
    )  # there is no report of that day
    shop.clock.move(timedelta(days=1))
    await shop.update("follow_up_record", moved, at=NOON + timedelta(days=1))
    tuesday = await make(shop, nancy)
    assert [card["follow_up_record_id"] for card in await cards(shop, tuesday)] == [late]
    assert await make(shop, nancy) == tuesday
    assert [card["follow_up_record_id"] for card in await cards(shop, tuesday)] == [late]
    await do(shop, submit_report, nancy, report_id=tuesday)
    shop.clock.move(timedelta(days=1))
    assert await cards(shop, await make(shop, nancy)) == []
    told_of = await shop.fetch("SELECT follow_up_record_id FROM daily_report_card WHERE archived_at IS NULL")
    assert sorted(one["follow_up_record_id"] for one in told_of) == sorted([moved, late])
    assert before not in {one["follow_up_record_id"] for one in told_of}


async def test_a_report_that_is_being_submitted_gets_no_further_cards(shop, people, customer):
    nancy = people["Nancy"]
    await contact(shop, customer, nancy)
    report = await make(shop, nancy)
    await contact(shop, customer, nancy, content="Noted meanwhile")
    viewer = await shop.as_member(nancy)
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await submit_report(write, viewer, report_id=report, clock=shop.clock)
        making = asyncio.create_task(make(shop, nancy))
        done, _ = await asyncio.wait({making}, timeout=0.5)
        assert not done
    with pytest.raises(ReportSubmitted):
        await making
    assert len(await cards(shop, report)) == 1


async def test_a_report_of_today_or_earlier_is_made_by_who_may_write_one(shop, people, customer):
    assert await cards(shop, await make(shop, people["Nancy"], MONDAY - timedelta(days=3))) == []
    with pytest.raises(Refused) as refused:
        await make(shop, people["Nancy"], MONDAY + timedelta(days=1))
    assert (refused.value.errors[0].code, refused.value.errors[0].path) == ("IN_THE_FUTURE", ("input", "day"))
    finance = await shop.hire("Robert", "FINANCE")
    for other in (people["Margaret"], finance, shop.viewer.member_id):
        with pytest.raises(Forbidden):
            await make(shop, other)
    assert await shop.value("SELECT count(*) FROM daily_report") == 1


async def test_only_the_writer_edits_a_draft_and_nobody_what_was_submitted(shop, people, customer):
    nancy = people["Nancy"]
    await contact(shop, customer, nancy)
    report = await make(shop, nancy)
    (card,) = await cards(shop, report)
    mine, manager = await shop.as_member(nancy), await shop.as_member(people["Steven"])

    async def refused(viewer, change):
        with pytest.raises(Refused) as error:
            await shop.change(change, viewer=viewer)
        return error.value.errors[0].code

    edit = Change("daily_report_card", "update", card["id"], values={"other": "x"})
    summary = Change("daily_report", "update", report, values={"summary": "x"})
    assert {await refused(manager, one) for one in (edit, summary)} == {"REPORT_OF_SOMEBODY_ELSE"}
    other_day = {"report_id": report, "customer_id": customer, "at": NOON - timedelta(days=1)}
    assert await refused(mine, Change("daily_report_card", "create", values=other_day)) == "OTHER_DAY"
    await shop.create(
        "daily_report_card", viewer=mine, report_id=report, customer_id=customer, at=NOON, wishes="A calendar"
    )
    await do(shop, submit_report, nancy, report_id=report)
    again = Change("daily_report_card", "archive", card["id"])
    assert {await refused(mine, one) for one in (edit, summary, again)} == {"REPORT_SUBMITTED"}
    with pytest.raises(ReportSubmitted):
        await make(shop, nancy)
    with pytest.raises(ReportSubmitted):
        await do(shop, submit_report, nancy, report_id=report)
    with pytest.raises(NotFound):
        await do(shop, submit_report, people["Laura"], report_id=report)
    with pytest.raises(Forbidden):
        await do(shop, submit_report, people["Steven"], report_id=await make(shop, people["Laura"]))
    assert [one["other"] for one in await cards(shop, report)] == [None, None]


async def test_a_report_that_says_nothing_is_not_submitted(shop, people):
    report = await make(shop, people["Nancy"])
    with pytest.raises(Refused) as refused:
        await do(shop, submit_report, people["Nancy"], report_id=report)
    assert refused.value.errors[0].code == "EMPTY_REPORT"
    assert (await row(shop, "daily_report", report))["state"] == "DRAFT"
    await shop.update(
        "daily_report", report, viewer=await shop.as_member(people["Nancy"]), summary="Training"
    )
    await do(shop, submit_report, people["Nancy"], report_id=report)
    assert (await row(shop, "daily_report", report))["submitted_at"] == shop.clock.now()


async def test_daily_reports_go_to_the_account_manager_whose_return_visit_report_goes_to_the_manager(
    shop, people, customer
):
    nancy, janet, steven = people["Nancy"], people["Janet"], people["Steven"]
    await contact(shop, customer, nancy)
    daily = await make(shop, nancy)
    assert await due(shop, SUBMIT) == [(nancy, daily, MONDAY)]
    await do(shop, submit_report, nancy, report_id=daily)
    sent = await row(shop, "daily_report", daily)
    assert (sent["recipient_id"], sent["manager_id"], sent["gathered_in_id"]) == (janet, steven, None)
    assert await told(shop, "DAILY_REPORT") == [
        (janet, "Daily report of Nancy, 2026-03-02", "Customers: 1. Urgent: 0.")
    ]
    own = await shop.create("customer", name="Around the Horn", owner_id=janet)
    await contact(shop, own, janet)
    visits = await make(shop, janet)
    await do(shop, submit_report, janet, report_id=visits)
    sent = await row(shop, "daily_report", visits)
    assert (sent["kind"], sent["recipient_id"], sent["manager_id"]) == ("RETURN_VISIT", steven, steven)
    assert (await row(shop, "daily_report", daily))["gathered_in_id"] == visits
    assert (await told(shop, "DAILY_REPORT"))[1:] == [
        (steven, "Daily return-visit report of Janet, 2026-03-02", "Customers: 1. Urgent: 0.")
    ]
    assert await due(shop, SUBMIT) == []


async def test_the_manager_settles_what_is_urgent_alone_and_says_how(shop, people, customer):
    nancy, janet, steven = people["Nancy"], people["Janet"], people["Steven"]
    report, card = await urgent_card(shop, people, customer)
    assert [who for who, *_ in await told(shop, "DAILY_REPORT")] == sorted([janet, steven])
    assert await due(shop, URGENT) == [(steven, card, MONDAY)]
    for other in (nancy, janet):
        with pytest.raises(Forbidden):
            await do(shop, settle_card, other, card_id=card, settled_how="Replaced")
    with pytest.raises(NotFound):
        await do(shop, settle_card, people["Laura"], card_id=card, settled_how="Replaced")
    with pytest.raises(Refused) as refused:
        await do(shop, settle_card, steven, card_id=card, settled_how=" ")
    assert refused.value.errors[0].path == ("input", "settledHow")
    assert (await row(shop, "daily_report_card", card))["settlement"] == "OPEN"
    await do(shop, settle_card, steven, card_id=card, settled_how="Both are replaced tomorrow")
    found = await row(shop, "daily_report_card", card)
    assert (found["settlement"], found["settled_by_id"]) == ("SETTLED", steven)
    assert (found["settled_how"], found["settled_at"]) == ("Both are replaced tomorrow", shop.clock.now())
    title = "Urgent matter with Alfreds Futterkiste: settled"
    assert sorted((await told(shop, "DAILY_REPORT"))[2:]) == sorted(
        (who, title, "Both are replaced tomorrow") for who in (nancy, janet)
    )
    assert await due(shop, URGENT) == []
    with pytest.raises(NothingUrgent):
        await do(shop, settle_card, steven, card_id=card, settled_how="Again")
    assert report == found["report_id"]


async def test_what_is_urgent_waits_for_who_leads_once_the_manager_has_gone(shop, people, customer):
    nancy, steven, margaret = people["Nancy"], people["Steven"], people["Margaret"]
    _, card = await urgent_card(shop, people, customer)
    assert await due(shop, URGENT) == [(steven, card, MONDAY)]
    await shop.change(Change("member", "update", steven, values={"state": "SUSPENDED"}), internally=True)
    assert await due(shop, URGENT) == [(margaret, card, MONDAY)]
    await do(shop, settle_card, margaret, card_id=card, settled_how="Replaced")
    assert await due(shop, URGENT) == []
    assert (await row(shop, "daily_report_card", card))["settled_by_id"] == margaret
    assert nancy in {who for who, *_ in await told(shop, "DAILY_REPORT")}


async def test_what_the_manager_cannot_settle_goes_upward_and_is_acknowledged(shop, people, customer):
    nancy, steven, margaret = people["Nancy"], people["Steven"], people["Margaret"]
    _, card = await urgent_card(shop, people, customer)
    with pytest.raises(Refused) as refused:
        await emergency(shop, steven, kind="FLOOD", card_id=card)
    assert refused.value.errors[0].code == "UNKNOWN_EMERGENCY_KIND"
    with pytest.raises(Forbidden):
        await emergency(shop, nancy, card_id=card)
    with pytest.raises(Refused) as refused:
        await emergency(shop, steven, kind="PRODUCT_PROBLEM", subject=" ", card_id=card)
    assert refused.value.errors[0].path == ("input", "subject")
    assert await shop.value("SELECT count(*) FROM emergency_report") == 0
    assert (await row(shop, "daily_report_card", card))["settlement"] == "OPEN"
    report = await emergency(
        shop, steven, kind="PRODUCT_PROBLEM", subject="Pumps leak", content="All of 2025", card_id=card
    )
    found = await row(shop, "emergency_report", report)
    assert (found["customer_id"], found["card_id"], found["state"]) == (customer, card, "REPORTED")
    assert orjson.loads(found["kind_name"])["en"] == "A serious problem of a product"
    assert (await row(shop, "daily_report_card", card))["settlement"] == "REPORTED"
    assert await due(shop, URGENT) == []
    assert await due(shop, ACKNOWLEDGE) == [(margaret, report, MONDAY)]
    assert await told(shop, "EMERGENCY_REPORT") == [
        (
            margaret,
            "Emergency report of Steven: Alfreds Futterkiste: Pumps leak",
            "A serious problem of a product\nAll of 2025",
        )
    ]
    with pytest.raises(NothingUrgent):
        await emergency(shop, steven, card_id=card)
    for other in (steven, shop.viewer.member_id):  # the owner only where no general manager is there
        with pytest.raises(Forbidden):
            await do(shop, acknowledge, other, report_id=report)
    await do(shop, acknowledge, margaret, report_id=report, instruction="Recall them")
    found = await row(shop, "emergency_report", report)
    assert (found["state"], found["acknowledged_by_id"]) == ("ACKNOWLEDGED", margaret)
    assert await due(shop, ACKNOWLEDGE) == []
    assert sorted((await told(shop, "EMERGENCY_REPORT"))[1:]) == sorted(
        (who, "Emergency report acknowledged: Pumps leak", "Recall them") for who in (nancy, steven)
    )
    with pytest.raises(ReportAcknowledged):
        await do(shop, acknowledge, margaret, report_id=report)


async def test_an_emergency_without_a_card_goes_to_the_owner_where_nobody_leads(shop, people):
    suspended = Change("member", "update", people["Margaret"], values={"state": "SUSPENDED"})
    await shop.change(suspended, internally=True)
    report = await emergency(shop, people["Steven"])
    andrew = shop.viewer.member_id
    assert await due(shop, ACKNOWLEDGE) == [(andrew, report, MONDAY)]
    await do(shop, acknowledge, andrew, report_id=report)
    assert (await row(shop, "emergency_report", report))["acknowledged_by_id"] == andrew


async def test_drafts_make_themselves_in_the_evening_for_whoever_met_customers(shop, people, customer):
    await contact(shop, customer, people["Nancy"])
    await contact(shop, customer, people["Laura"], reached=False)
    await evening(shop)
    assert await shop.fetch("SELECT member_id, day, state FROM daily_report") == [
        {"member_id": people["Nancy"], "day": MONDAY, "state": "DRAFT"}
    ]


async def test_where_the_company_says_so_whoever_met_nobody_owes_a_report_too(shop, people, customer):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await establish(
            write, await shop.product(), kind="dailies", content={"empty_days": True}, clock=shop.clock
        )
    await evening(shop)
    found = await shop.fetch("SELECT member_id FROM daily_report")
    assert {one["member_id"] for one in found} == {
        people[name] for name in ("Steven", "Janet", "Nancy", "Laura")
    }


async def test_who_met_customers_after_the_drafts_of_the_day_has_one_the_next_evening(shop, people, customer):
    nancy = people["Nancy"]
    first = await contact(shop, customer, people["Laura"])
    await evening(shop)
    late = NOON + timedelta(hours=7)  # at seven in the evening
    shop.clock.move(timedelta(hours=12))
    with_laura = await contact(shop, customer, people["Laura"], at=late)
    with_nancy = await contact(shop, customer, nancy, at=late)
    shop.clock.move(timedelta(hours=12))
    await evening(shop, MONDAY + timedelta(days=1))
    reports = {one["member_id"]: one for one in await shop.fetch("SELECT * FROM daily_report")}
    assert {member: one["day"] for member, one in reports.items()} == {nancy: MONDAY, people["Laura"]: MONDAY}
    told_of = {
        member: [card["follow_up_record_id"] for card in await cards(shop, one["id"])]
        for member, one in reports.items()
    }
    assert told_of == {nancy: [with_nancy], people["Laura"]: [first, with_laura]}


async def test_nobody_owes_an_empty_report_of_the_day_before(shop, people):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await establish(
            write, await shop.product(), kind="dailies", content={"empty_days": True}, clock=shop.clock
        )
    shop.clock.move(timedelta(days=1))
    await evening(shop, MONDAY + timedelta(days=1))
    found = await shop.fetch("SELECT DISTINCT day FROM daily_report")
    assert [one["day"] for one in found] == [MONDAY + timedelta(days=1)]
