"""Reviewed minutes go to everybody who attended; the people of the customer confirm them by a link, or object (F4)."""

import asyncio
import re
from datetime import UTC, datetime, timedelta

import pytest

from kedang_platform.errors import NotFound, Refused
from kedang_platform.mail import Bounced, tell_listeners
from kedang_platform.secret_links import read_secret_part
from kedang_tenants.catalogue import catalogue
from kedang_tenants.followups import minutes
from kedang_tenants.followups.minutes import MinutesReviewed, NewAction
from kedang_tenants.followups.receipt_mails import mail_key
from kedang_tenants.followups.receiving import (
    MinutesNotReviewed,
    NoObjection,
    ReceiptUnknown,
    answer_receipt,
    open_receipt,
    send_minutes,
    settle_objection,
)
from kedang_tenants.followups.visit_dues import OBJECTIONS

FRIDAY = datetime(2026, 3, 6, 15, 0, tzinfo=UTC)  # ten in the morning in New York
MARIA, WANG = "maria@alfreds.example", "wang@alfreds.example"
pytestmark = pytest.mark.requirement("F4")


@pytest.fixture
async def people(shop):
    steven = await shop.hire("Steven", "DEPARTMENT_MANAGER")
    nancy = await shop.hire("Nancy", "REPRESENTATIVE", superior_id=steven)
    sales = await shop.create("department", name="Sales")
    for member in (steven, nancy):
        await shop.update("member", member, department_id=sales)
    return {"Steven": steven, "Nancy": nancy}


@pytest.fixture
async def meeting(shop, people):
    """Nancy's on Friday, 6 March 2026; three people of the customer attended, one of them without an address."""
    customer = await shop.create(
        "customer", name="Alfreds Futterkiste", owner_id=people["Nancy"], country="DE"
    )
    made = await shop.create(
        "meeting", customer_id=customer, organiser_id=people["Nancy"], subject="Prices", place="Berlin",
        starts_at=FRIDAY, ends_at=FRIDAY + timedelta(hours=1),
    )  # fmt: skip
    await shop.create("meeting_attendee", meeting_id=made, member_id=people["Nancy"])
    for name, email, attended in (
        ("Maria Anders", MARIA, True), ("王芳", WANG, None), ("Hanna Moos", None, True), ("Not There", "n@x.example", False),
    ):  # fmt: skip
        contact = await shop.create("contact", customer_id=customer, name=name, email=email)
        await shop.create("meeting_attendee", meeting_id=made, contact_id=contact, attended=attended)
    shop.clock.move(timedelta(days=5))
    return made


async def write_and_review(shop, people, meeting, text="Agreed", **said):
    action = NewAction("Send an offer", people["Nancy"], FRIDAY.date(), ("input", "actions", 0))
    await do(
        shop,
        minutes.write_minutes,
        people["Nancy"],
        meeting,
        minutes=text,
        decisions="10 %",
        actions=[action],
    )
    await do(shop, minutes.review_minutes, people["Steven"], meeting, **said)
    await shop.work()


async def do(shop, verb, member, meeting, **said):
    viewer = await shop.as_member(member)
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await verb(write, viewer, meeting_id=meeting, clock=shop.clock, **said)


async def receipts(shop):
    return await shop.fetch(
        "SELECT r.*, k.name FROM minutes_receipt r JOIN contact k ON k.id = r.contact_id ORDER BY r.created_at, r.id"
    )


async def answer(shop, receipt, objection=None):
    viewer = await shop.product()
    async with shop.databases.tenant_write(shop.company.ref) as write:
        return await answer_receipt(write, viewer, receipt_id=receipt, objection=objection, clock=shop.clock)


async def opened(shop, mail):
    handle, token = read_secret_part(re.search(r"/m/(\S+)", mail.text)[1])
    assert handle == shop.company.handle
    async with shop.databases.tenant_read(shop.company.ref) as read:
        return await open_receipt(read, token=token, now=shop.clock.now())


async def told(shop, kind="MINUTES_ANSWERED"):
    return await shop.fetch(
        "SELECT member_id, title->>'en' AS title, body->>'en' AS body FROM notice WHERE kind = $1 ORDER BY id",
        kind,
    )


async def test_reviewed_minutes_go_to_everybody_who_attended(shop, people, meeting):
    await write_and_review(shop, people, meeting)
    states = {row["name"]: (row["state"], row["recipient"], row["language"]) for row in await receipts(shop)}
    assert states == {
        "Maria Anders": ("WAITING", MARIA, "EN"),
        "王芳": ("WAITING", WANG, "EN"),
        "Hanna Moos": ("UNDELIVERED", None, "EN"),
    }
    (mail,) = shop.mails_to(MARIA)
    assert mail.subject == "Minutes: Prices"
    for said in (
        "Hello Maria Anders,",
        "2026-03-06",
        "Agreed",
        "Decisions: 10 %",
        "Nancy until 2026-03-06: Send an offer",
    ):
        assert said in mail.text
    found = await opened(shop, mail)
    assert (found.state, found.subject, found.place) == ("WAITING", "Prices", "Berlin")
    assert found.content == {
        "minutes": "Agreed",
        "decisions": "10 %",
        "actions": [{"task": "Send an offer", "name": "Nancy", "dueOn": "2026-03-06"}],
        "attendees": ["Nancy", "Maria Anders", "王芳", "Hanna Moos"],
    }
    assert [notice["member_id"] for notice in await told(shop, "MEETING")] == [people["Nancy"]]
    before = await receipts(shop)
    await do(shop, minutes_again, people["Nancy"], meeting)
    await shop.work()
    assert await receipts(shop) == before  # whoever has them gets them once
    assert len(shop.mails_to(MARIA)) == 1


async def minutes_again(write, viewer, *, meeting_id, clock):
    await send_minutes(write, viewer, meeting_id=meeting_id)


async def test_a_link_is_160_bits_of_which_only_the_hash_is_kept(shop, people, meeting):
    await write_and_review(shop, people, meeting)
    link = re.search(r"/m/(\S+)", shop.mails_to(MARIA)[0].text)[1]
    _, token = read_secret_part(link)
    assert len(token) * 8 == 160
    stored = [bytes(row["token_hash"]) for row in await receipts(shop)]
    assert token not in stored
    assert {len(one) for one in stored} == {32}
    assert "token_hash" not in catalogue().record("minutes_receipt").fields
    for wrong in (bytes([*token[:-1], token[-1] ^ 1]), b"\x00" * 20):
        async with shop.databases.tenant_read(shop.company.ref) as read:
            with pytest.raises(ReceiptUnknown):
                await open_receipt(read, token=wrong, now=shop.clock.now())
    assert read_secret_part(link.upper()) == read_secret_part(link)
    for wrong in ("", "x", link + "a", link[:-1], link.replace(".", "-"), "ü" * 46):
        assert read_secret_part(wrong) is None


async def test_a_customer_confirms_once_and_those_of_the_meeting_are_told(shop, people, meeting):
    await write_and_review(shop, people, meeting)
    maria = (await receipts(shop))[0]
    assert await answer(shop, maria["id"]) is True
    assert await answer(shop, maria["id"], "After all not") is False
    (found,) = [row for row in await receipts(shop) if row["id"] == maria["id"]]
    assert (found["state"], found["answered_at"], found["objection"]) == ("CONFIRMED", shop.clock.now(), None)
    assert await told(shop) == [
        {
            "member_id": people["Nancy"],
            "title": "Maria Anders of Alfreds Futterkiste has confirmed the minutes of “Prices”",
            "body": "Nothing is to be done.",
        }
    ]
    with pytest.raises(MinutesReviewed):
        await do(shop, minutes.write_minutes, people["Nancy"], meeting, minutes="Rewritten")


async def test_of_two_answers_at_once_one_counts(shop, people, meeting):
    await write_and_review(shop, people, meeting)
    maria = (await receipts(shop))[0]["id"]
    taken = await asyncio.gather(*(answer(shop, maria, said) for said in (None, "Wrong", None, "No")))
    assert sorted(taken) == [False, False, False, True]
    assert await shop.value("SELECT version FROM minutes_receipt WHERE id = $1", maria) == 2


async def test_an_objection_is_chased_until_the_minutes_are_mended_which_all_get_anew(shop, people, meeting):
    await write_and_review(shop, people, meeting)
    maria, wang, _ = await receipts(shop)
    old = shop.mails_to(MARIA)[0]
    await answer(shop, wang["id"])
    with pytest.raises(Refused):
        await answer(shop, maria["id"], "  ")
    await answer(shop, maria["id"], " It was 12 % ")
    objections = [notice for notice in await told(shop) if "objects" in notice["title"]]
    assert {notice["member_id"] for notice in objections} == {people["Nancy"], people["Steven"]}
    assert objections[0]["body"].startswith("It was 12 %\n")
    assert await due(shop) == [(people["Nancy"], maria["id"], '"It was 12 %"')]
    shop.clock.move(timedelta(hours=1))
    await write_and_review(shop, people, meeting, "Agreed on 12 %")
    assert await due(shop) == []
    states = sorted((row["name"], row["state"]) for row in await receipts(shop))
    assert states == [
        ("Hanna Moos", "SUPERSEDED"), ("Hanna Moos", "UNDELIVERED"),
        ("Maria Anders", "SUPERSEDED"), ("Maria Anders", "WAITING"),
        ("王芳", "SUPERSEDED"), ("王芳", "WAITING"),
    ]  # fmt: skip
    assert (await opened(shop, old)).state == "SUPERSEDED"
    assert (await opened(shop, old)).content["minutes"] == "Agreed"  # what was objected to stays known
    newest = max(shop.mails_to(MARIA), key=lambda mail: "12 %" in mail.text)
    assert (await opened(shop, newest)).content["minutes"] == "Agreed on 12 %"
    assert await answer(shop, maria["id"]) is False


async def test_an_objection_is_settled_without_mending_the_minutes(shop, people, meeting):
    await write_and_review(shop, people, meeting)
    maria = (await receipts(shop))[0]["id"]

    async def settle(member, settlement):
        viewer = await shop.as_member(member)
        async with shop.databases.tenant_write(shop.company.ref) as write:
            await settle_objection(write, viewer, receipt_id=maria, settlement=settlement, clock=shop.clock)

    with pytest.raises(NoObjection):
        await settle(people["Nancy"], "By telephone")
    await answer(shop, maria, "12 %")
    with pytest.raises(Refused):
        await settle(people["Nancy"], " ")
    with pytest.raises(NotFound):
        await settle(await shop.hire("Janet", "REPRESENTATIVE"), "Not mine")
    assert len(await due(shop)) == 1
    await settle(people["Nancy"], "By telephone: it was 10 %")
    found = (await receipts(shop))[0]
    assert (found["state"], found["settlement"], found["settled_by_id"]) == (
        "SETTLED", "By telephone: it was 10 %", people["Nancy"],
    )  # fmt: skip
    assert await due(shop) == []
    with pytest.raises(NoObjection):
        await settle(people["Nancy"], "Again")


async def due(shop):
    async with shop.databases.tenant_read(shop.company.ref) as read:
        sql = OBJECTIONS.select.replace("$3", "$1")
        return [(row[0], row[1], row[5]) for row in await read.fetch(sql, "America/New_York")]


async def test_what_came_back_goes_out_anew_once_the_address_is_another(shop, people, meeting):
    await write_and_review(shop, people, meeting)
    maria = (await receipts(shop))[0]
    async with shop.databases.tenant_write(shop.company.ref) as write:
        key = mail_key(shop.company.ref, maria["id"])
        await tell_listeners(write, Bounced(key=key, recipient=MARIA, hard=True), clock=shop.clock)
    assert (await receipts(shop))[0]["state"] == "UNDELIVERED"
    await shop.update("contact", maria["contact_id"], email="maria.anders@alfreds.example")
    await do(shop, minutes_again, people["Nancy"], meeting)
    await shop.work()
    marias = [row["state"] for row in await receipts(shop) if row["name"] == "Maria Anders"]
    assert marias == ["SUPERSEDED", "WAITING"]
    assert len(shop.mails_to("maria.anders@alfreds.example")) == 1


async def test_minutes_stay_inside_where_the_reviewer_says_so(shop, people, meeting):
    with pytest.raises(MinutesNotReviewed):
        await do(shop, minutes_again, people["Nancy"], meeting)
    await write_and_review(shop, people, meeting, send=False)
    assert (await receipts(shop), shop.mails_to(MARIA)) == ([], [])


async def test_a_link_ends_after_sixty_days(shop, people, meeting):
    await write_and_review(shop, people, meeting)
    mail, maria = shop.mails_to(MARIA)[0], (await receipts(shop))[0]["id"]
    shop.clock.move(timedelta(days=60) - timedelta(seconds=1))
    assert (await opened(shop, mail)).state == "WAITING"
    shop.clock.move(timedelta(seconds=1))
    assert (await opened(shop, mail)).state == "EXPIRED"
    assert await answer(shop, maria) is False
    assert (await receipts(shop))[0]["state"] == "WAITING"
