"""Surveys go out when something has happened or somebody says so: once, to whom it concerns, and not too often."""

import asyncio
import hashlib
import re
from datetime import UTC, date, datetime, timedelta

import orjson
import pytest

from kedang_platform.errors import Forbidden, NotFound, Refused
from kedang_platform.ids import new_id
from kedang_platform.secret_links import read_secret_part
from kedang_platform.work import NewJob, enqueue, job_status
from kedang_tenants.changing import Change
from kedang_tenants.surveys.sending import QuestionnaireInactive
from tests.support.surveying import (
    archive,
    closed,
    customer_with_mail,
    delivered,
    later,
    opened,
    reopened,
    seed,
    survey,
)
from tests.support.workers import run_jobs

MARIA = "maria@alfreds.example"


def link_in(mail) -> str:
    (link,) = set(re.findall(r"http\S+/s/\S+", mail.text))
    return link


@pytest.mark.requirement("V3")
async def test_a_closed_request_invites_its_contact_once_also_if_it_is_reopened(shop):
    asked = await survey(shop, "AFTER_SERVICE", cooldown_days=0)
    customer, maria = await customer_with_mail(shop)
    other = await shop.create(
        "contact", customer_id=customer, name="Ana", email="ana@x.example", primary=True
    )
    request = await closed(shop, await opened(shop, customer, contact_id=maria))
    await shop.work()
    invitation = await asked.invitation()
    assert invitation["contact_id"] == maria != other
    assert invitation["subject"] == f"srq_{request.hex}"
    await reopened(shop, request)
    await later(shop, days=1)
    await closed(shop, request)
    await later(shop, days=1)
    assert [row["id"] for row in await asked.invitations()] == [invitation["id"]]
    assert len(shop.mails_to(MARIA)) == 1


@pytest.mark.requirement("V3")
async def test_a_delivery_invites_once_when_it_has_been_received(shop):
    asked = await survey(shop, "AFTER_SALE", cooldown_days=0)
    customer, maria = await customer_with_mail(shop)
    delivery = await delivered(shop, customer, "SHIPPED")
    await shop.work()
    assert await asked.invitations() == []
    await shop.update("delivery", delivery, state="RECEIVED", delivered_on=date(2026, 3, 2))
    await shop.work()
    invitation = await asked.invitation()
    assert (invitation["contact_id"], invitation["subject"]) == (maria, f"del_{delivery.hex}")
    await shop.update("delivery", delivery, state="SHIPPED")
    await shop.update("delivery", delivery, state="RECEIVED", note="again")
    await shop.work()
    await asked.invitation()
    made = await delivered(shop, customer)
    await shop.work()
    assert [row["subject"] for row in await asked.invitations()][1:] == [f"del_{made.hex}"]


@pytest.mark.requirement("V3")
@pytest.mark.parametrize(
    ("delivered_on", "invites"),
    [
        (date(2026, 3, 2), True),
        (date(2026, 2, 23), True),
        (date(2026, 2, 22), False),
        (date(1997, 5, 1), False),
        (date(2026, 3, 3), False),
        (None, True),
    ],
)
async def test_what_was_delivered_more_than_a_week_ago_asks_nobody(shop, delivered_on, invites):
    asked = await survey(shop, "AFTER_SALE")
    customer, _ = await customer_with_mail(shop)
    await delivered(shop, customer, delivered_on=delivered_on)
    await shop.work()
    assert bool(await asked.invitations()) is invites
    assert bool(shop.mails_to(MARIA)) is invites


@pytest.mark.requirement("V3")
async def test_nobody_is_asked_before_the_questionnaire_is_active(shop):
    asked = await survey(shop, "AFTER_SALE", active=False)
    customer, _ = await customer_with_mail(shop)
    await delivered(shop, customer)
    await shop.work()
    await asked.set(active=True)
    await later(shop, days=1)
    assert await asked.invitations() == []


@pytest.mark.requirement("V3")
async def test_the_mail_says_who_asks_why_and_until_when_and_leads_to_the_answer(shop):
    asked = await survey(shop, "AFTER_SERVICE", expires_after_days=10)
    customer, maria = await customer_with_mail(shop, country="DE")
    await closed(shop, await opened(shop, customer, contact_id=maria))
    await shop.work()
    (mail,) = shop.mails_to(MARIA)
    assert mail.subject == "Northwind Traders asks for your opinion"
    assert "Hello Maria Anders," in mail.text
    number = await shop.value("SELECT number FROM service_request")
    assert f"you asked us for help (request {number}), which is done now. How was it?" in mail.text
    assert "works until 2026-03-12" in mail.text
    assert "because Northwind Traders has you as a contact of Alfreds Futterkiste" in mail.text
    link = link_in(mail)
    assert link in mail.html
    assert link.startswith(shop.settings.base_url)
    handle, token = read_secret_part(link.rpartition("/")[2])
    assert handle == shop.company.handle
    invitation = await asked.invitation()
    assert invitation["token_hash"] == hashlib.sha256(token).digest()
    # The twelfth with its last minute, in New York.
    assert invitation["expires_at"] == datetime(2026, 3, 13, 4, 0, tzinfo=UTC)
    stored = orjson.dumps([{k: str(v) for k, v in row.items()} for row in await asked.invitations()]).decode()
    assert token.hex() not in stored


@pytest.mark.requirement("V3")
@pytest.mark.parametrize(
    ("country", "language"), [("CN", "ZH_CN"), ("TW", "ZH_CN"), ("DE", "EN"), ("US", "EN"), (None, "EN")]
)
async def test_people_are_asked_in_the_language_of_their_country(shop, country, language):
    asked = await survey(shop)
    customer, _ = await customer_with_mail(shop, country=country)
    await asked.send(customer_ids=[customer])
    await shop.work()
    assert (await asked.invitation())["language"] == language
    (mail,) = shop.mails_to(MARIA)
    assert ("您收到此邮件，是因为Northwind Traders将您登记为Alfreds Futterkiste的联系人。" in mail.text) is (
        language == "ZH_CN"
    )


@pytest.mark.requirement("V3")
async def test_by_hand_a_customer_is_asked_by_its_main_contact_with_an_address_and_a_contact_itself(shop):
    asked = await survey(shop, cooldown_days=0)
    customer, maria = await customer_with_mail(shop)
    await shop.create("contact", customer_id=customer, name="Without", primary=True)
    main = await shop.create("contact", customer_id=customer, name="Ana", email="ana@x.example", primary=True)
    mute = await shop.create("customer", name="Mute")
    silent = await shop.create("contact", customer_id=mute, name="Silent")
    job = await asked.send(customer_ids=[customer, mute], contact_ids=[maria, silent])
    await shop.work()
    rows = await asked.invitations()
    told = {
        (r["customer_id"], r["contact_id"], r["recipient"], r["state"], r["skipped_because"]) for r in rows
    }
    assert told == {
        (customer, main, "ana@x.example", "PENDING", None),
        (customer, maria, MARIA, "PENDING", None),
        (mute, None, None, "SKIPPED", "NO_ADDRESS"),
    }
    assert len(rows) == 4  # the mute customer, and its contact who has no address either
    async with shop.databases.tenant_read(shop.company.ref) as read:
        status = await job_status(read, job)
    told = {"seen": 4, "changed": 2, "left_out": {"NO_ADDRESS": 2}}
    assert (status.state, status.result) == ("done", told)
    assert (status.progress.done, status.progress.total) == (4, 4)
    audited = await shop.fetch(
        "SELECT record_id, actor_id, changes FROM audit WHERE action = 'questionnaire.sent_out'"
    )
    assert [(row["record_id"], row["actor_id"]) for row in audited] == [(asked.id, shop.viewer.member_id)]


@pytest.mark.requirement("V3")
async def test_nobody_is_asked_twice_within_the_cooldown_whatever_survey_it_is(shop):
    drafts = await seed(shop)
    sale, visit = drafts["AFTER_SALE"], drafts["ON_VISIT"]
    for asked, days in ((sale, 30), (visit, 10)):
        await asked.publish()
        await asked.set(active=True, cooldown_days=days)
    customer, maria = await customer_with_mail(shop)
    await delivered(shop, customer)
    await shop.work()
    await visit.send(contact_ids=[maria])
    await later(shop, days=9)
    await delivered(shop, customer, delivered_on=date(2026, 3, 11))
    await visit.send(contact_ids=[maria])
    await shop.work()
    await later(shop, days=1, minutes=1)
    await visit.send(contact_ids=[maria])
    await shop.work()
    assert [(r["state"], r["skipped_because"]) for r in await sale.invitations()] == [
        ("SENT", None),
        ("SKIPPED", "COOLDOWN"),
    ]
    assert [(r["state"], r["skipped_because"]) for r in await visit.invitations()] == [
        ("SKIPPED", "COOLDOWN"),
        ("SKIPPED", "COOLDOWN"),
        ("PENDING", None),
    ]
    assert len(shop.mails_to(MARIA)) == 2


@pytest.mark.requirement("V3")
async def test_of_surveys_that_set_out_at_the_same_moment_one_reaches_a_person(shop):
    """Each in a worker of its own: the contact is held while it is decided."""
    asked = await survey(shop)
    people = [await customer_with_mail(shop, f"Customer {n}", f"p{n}@x.example") for n in range(10)]
    jobs = [await asked.send(contact_ids=[maria for _, maria in people]) for _ in range(4)]
    assert len(set(jobs)) == 4
    await asyncio.gather(
        *(run_jobs(shop.databases, clock=shop.clock, settings=shop.settings) for _ in range(4))
    )
    await shop.work()
    rows = await asked.invitations()
    assert len(rows) == 40
    sent = [row["contact_id"] for row in rows if row["state"] != "SKIPPED"]
    assert sorted(sent) == sorted(maria for _, maria in people)
    assert {row["skipped_because"] for row in rows if row["state"] == "SKIPPED"} == {"COOLDOWN"}
    assert all(len(shop.mails_to(f"p{n}@x.example")) == 1 for n in range(10))


@pytest.mark.requirement("V3")
async def test_a_day_can_be_chosen_and_what_waits_is_cancelled_with_the_questionnaire(shop):
    asked = await survey(shop)
    (customer, _), (other, _) = (
        await customer_with_mail(shop),
        await customer_with_mail(shop, "Around the Horn", "ann@x.example"),
    )
    morning = shop.clock.now() + timedelta(days=2)
    await asked.send(customer_ids=[customer], send_at=morning)
    await shop.work()
    invitation = await asked.invitation()
    assert (invitation["state"], invitation["due_at"]) == ("PENDING", morning)
    assert invitation["expires_at"] == datetime(2026, 3, 19, 4, 0, tzinfo=UTC)
    assert shop.mails_to(MARIA) == []
    await later(shop, days=2)
    await later(shop, minutes=1)
    assert [row["state"] for row in await asked.invitations()] == ["SENT"]
    assert len(shop.mails_to(MARIA)) == 1
    await asked.send(customer_ids=[other], send_at=shop.clock.now() + timedelta(days=1))
    await shop.work()
    await asked.set(active=False)
    assert [row["state"] for row in await asked.invitations()] == ["SENT", "CANCELLED"]
    await later(shop, days=2)
    assert shop.mails_to("ann@x.example") == []


@pytest.mark.requirement("V3")
async def test_what_the_mail_server_took_is_sent_and_what_it_refused_has_bounced(shop):
    asked = await survey(shop, cooldown_days=0)
    taken, _ = await customer_with_mail(shop)
    refused, _ = await customer_with_mail(shop, "Gone", "gone@x.example")
    waiting, _ = await customer_with_mail(shop, "Slow", "slow@x.example")
    await asked.send(customer_ids=[taken, refused, waiting])
    await shop.work()
    keys = {
        r["customer_id"]: f"survey:{shop.company.ref.schema}:{r['id']}" for r in await asked.invitations()
    }
    async with shop.databases.control() as control:
        for customer, state in ((refused, "rejected"), (waiting, "queued")):
            await control.fetch("UPDATE platform.mail SET state = $2 WHERE key = $1", keys[customer], state)
    assert {row["state"] for row in await asked.invitations()} == {"PENDING"}
    await later(shop, seconds=10)

    async def states():
        return {row["customer_id"]: (row["state"], row["sent_at"]) for row in await asked.invitations()}

    noted = shop.clock.now()
    assert await states() == {
        taken: ("SENT", noted),
        refused: ("BOUNCED", None),
        waiting: ("PENDING", None),
    }
    async with shop.databases.control() as control:
        await control.fetch("UPDATE platform.mail SET state = 'unknown' WHERE key = $1", keys[waiting])
    await later(shop, minutes=1)
    assert (await states())[waiting] == ("SENT", shop.clock.now())
    assert (await states())[taken] == ("SENT", noted)
    assert (await shop.work()).total == 0  # nothing is open: nobody looks again


@pytest.mark.requirement("V3")
async def test_whoever_answers_before_the_outcome_is_noted_has_answered(shop):
    asked = await survey(shop)
    customer, _ = await customer_with_mail(shop)
    await asked.send(customer_ids=[customer])
    await shop.work()
    invitation = await asked.invitation()
    await shop.change(
        Change("survey_invitation", "update", invitation["id"], values={"state": "ANSWERED"}), internally=True
    )
    await later(shop, seconds=10)
    noted = await asked.invitation()
    assert (noted["state"], noted["sent_at"]) == ("ANSWERED", shop.clock.now())


@pytest.mark.requirement("V3")
async def test_a_dispatch_that_is_repeated_invites_nobody_again(shop):
    asked = await survey(shop, "AFTER_SALE", cooldown_days=0)
    customer, _ = await customer_with_mail(shop)
    subjects = [await delivered(shop, customer) for _ in range(3)]
    await shop.work()
    before = await asked.invitations()
    assert len(before) == 3
    payload = {"trigger": "DELIVERY_MADE", "subjects": [str(each) for each in subjects]}
    invitations = [str(row["id"]) for row in before]
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await enqueue(
            write,
            NewJob("surveys.dispatch", payload),
            NewJob("surveys.mail", {"invitations": invitations, "reminder": False}),
        )
    await shop.work()
    assert await asked.invitations() == before
    assert len(shop.mails_to(MARIA)) == 3


@pytest.mark.requirement("V3", "A11")
async def test_people_invite_only_whom_their_rights_reach(shop):
    asked = await survey(shop)
    seller = await shop.hire("Nancy Davolio", "REPRESENTATIVE")
    own, contact = await customer_with_mail(shop, owner_id=seller)
    foreign, stranger = await customer_with_mail(shop, "Foreign", "f@x.example")
    viewer = await shop.as_member(seller)
    for whom, path in (
        ({"customer_ids": [own, foreign]}, ("input", "customerIds", 1)),
        ({"contact_ids": [stranger, contact]}, ("input", "contactIds", 0)),
        ({"contact_ids": [new_id()]}, ("input", "contactIds", 0)),
    ):
        with pytest.raises(Refused) as refused:
            await asked.send(viewer, **whom)
        assert [(error.code, tuple(error.path)) for error in refused.value.errors] == [("NOT_FOUND", path)]
    for role in ("GENERAL_MANAGER", "FINANCE", "ARCHIVE_KEEPER"):
        other = await shop.as_member(await shop.hire(f"Some {role}", role))
        with pytest.raises(Forbidden):
            await asked.send(other, customer_ids=[own])
    onlooker = await shop.as_member(await shop.hire("Looker", "OWNER", seat="VIEW_ONLY"))
    with pytest.raises(Forbidden):
        await asked.send(onlooker, customer_ids=[own])
    await shop.work()
    assert await asked.invitations() == []
    await asked.send(viewer, customer_ids=[own])
    await shop.work()
    assert (await asked.invitation())["contact_id"] == contact


@pytest.mark.requirement("V3", "A11")
async def test_colleagues_customers_are_seen_by_name_but_not_invited(shop):
    asked = await survey(shop)
    unit = await shop.create("department", name="Sales")
    seller = await shop.hire("Nancy Davolio", "REPRESENTATIVE", department_id=unit)
    colleague = await shop.hire("Andrew", "REPRESENTATIVE", department_id=unit)
    customer, _ = await customer_with_mail(shop, owner_id=colleague)
    with pytest.raises(Refused) as refused:
        await asked.send(await shop.as_member(seller), customer_ids=[customer])
    assert [error.code for error in refused.value.errors] == ["FORBIDDEN"]
    assert await asked.invitations() == []


@pytest.mark.requirement("V3")
async def test_what_cannot_be_sent_is_refused_whole(shop):
    asked = await survey(shop)
    customer, _ = await customer_with_mail(shop)
    now = shop.clock.now()
    for whom, code in (
        ({}, "REQUIRED"),
        ({"customer_ids": [customer] * 10_001}, "TOO_MANY"),
        ({"customer_ids": [customer], "send_at": now - timedelta(hours=1)}, "OUT_OF_RANGE"),
        ({"customer_ids": [customer], "send_at": now + timedelta(days=366)}, "OUT_OF_RANGE"),
    ):
        with pytest.raises(Refused) as refused:
            await asked.send(**whom)
        assert [error.code for error in refused.value.errors] == [code]
    await asked.set(active=False)
    with pytest.raises(QuestionnaireInactive):
        await asked.send(customer_ids=[customer])
    await archive(shop, "questionnaire", asked.id)
    with pytest.raises(NotFound):
        await asked.send(customer_ids=[customer])
    await shop.work()
    assert await asked.invitations() == []
    assert await shop.fetch("SELECT 1 FROM audit WHERE action = 'questionnaire.sent_out'") == []


@pytest.mark.requirement("V3")
async def test_archived_customers_and_contacts_are_left_alone(shop):
    asked = await survey(shop, "AFTER_SALE")
    customer, _ = await customer_with_mail(shop)
    gone, contact = await customer_with_mail(shop, "Gone", "gone@x.example")
    await delivered(shop, customer)
    await delivered(shop, gone)
    await archive(shop, "customer", customer)
    await archive(shop, "contact", contact)
    await shop.work()
    row = await asked.invitation()
    assert (row["customer_id"], row["state"], row["skipped_because"]) == (gone, "SKIPPED", "NO_ADDRESS")


@pytest.mark.requirement("V3")
@pytest.mark.parametrize("record", ["customer", "contact"])
async def test_who_was_put_away_before_the_chosen_day_gets_no_mail(shop, record):
    asked = await survey(shop)
    _, contact = await customer_with_mail(shop)
    await asked.send(contact_ids=[contact], send_at=shop.clock.now() + timedelta(days=3))
    await shop.work()
    await archive(shop, record, (await asked.invitation())[f"{record}_id"])
    await later(shop, days=3, minutes=1)
    assert shop.mails_to(MARIA) == []
    assert (await asked.invitation())["sent_at"] is None
