"""A survey sent to an audience: by a filter, with its sender's rights, once an address; held, resumed, called off."""

from datetime import UTC, datetime, timedelta

import pytest

from kedang_platform.errors import Forbidden, NotFound, Refused
from kedang_platform.ids import new_id
from kedang_platform.mail import Bounced
from kedang_platform.work import JobCancelled, NewJob, enqueue
from kedang_platform.work.keeping import call_off
from kedang_tenants.changing import Change
from kedang_tenants.correspondence.rule import KIND as CORRESPONDENCE
from kedang_tenants.reading import EVERYTHING, Compare
from kedang_tenants.rules import establish
from kedang_tenants.surveys import sending_out
from kedang_tenants.surveys.audience import CONTACT, CUSTOMER, Audience
from kedang_tenants.surveys.links import mail_key
from kedang_tenants.surveys.mailing import note_bounce, still_asked
from kedang_tenants.surveys.sending import (
    QuestionnaireInternal,
    SendingOver,
    cancel_sending,
    pause_sending,
    resume_sending,
    start_sending,
)
from kedang_workers.handlers import surveys as survey_handlers
from tests.support.database import SECRET
from tests.support.surveying import archive, customer_with_mail, later, survey
from tests.support.workers import run_jobs

EVERYBODY = [Audience(CUSTOMER, EVERYTHING)]
ALL_CONTACTS = [Audience(CONTACT, EVERYTHING)]


async def start(asked, audience=EVERYBODY, *, viewer=None, name="Double 11", kind="CAMPAIGN", send_at=None):
    shop = asked.shop
    async with shop.databases.tenant_write(shop.company.ref) as write:
        started = await start_sending(
            write,
            viewer or shop.viewer,
            questionnaire_id=asked.id,
            kind=kind,
            name=name,
            audience=audience,
            send_at=send_at,
            clock=shop.clock,
        )
    return started.sending_id


async def act(asked, verb, sending, viewer=None):
    shop = asked.shop
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await verb(write, viewer or shop.viewer, sending_id=sending, clock=shop.clock)


async def step(asked, sending):
    """One step of a sending, as its job takes it."""
    shop = asked.shop
    async with shop.databases.tenant_write(shop.company.ref) as write:
        return await sending_out.send_part(
            write, company=shop.company, sending_id=sending, secret=SECRET, clock=shop.clock
        )


async def sent(shop, sending):
    (row,) = await shop.fetch("SELECT * FROM survey_sending WHERE id = $1", sending)
    names = ("state", "total", "seen", "invited", "left_out", "failed_because")
    return {name: row[name] for name in names if row[name] is not None}


async def people(shop, count, **values):
    return [
        await customer_with_mail(shop, f"Customer {n}", f"p{n}@x.example", **values) for n in range(count)
    ]


async def rule(shop, **content):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await establish(write, await shop.product(), kind=CORRESPONDENCE, content=content, clock=shop.clock)
    await shop.work()


@pytest.mark.requirement("V3")
async def test_a_campaign_invites_whom_its_filter_chooses_when_its_time_has_come(shop):
    asked = await survey(shop)
    german, _ = await customer_with_mail(shop, country="DE")
    await customer_with_mail(shop, "Elsewhere", "else@x.example", country="US")
    mute = await shop.create("customer", name="Mute", country="DE")
    gone, _ = await customer_with_mail(shop, "Gone", "gone@x.example", country="DE")
    await archive(shop, "customer", gone)
    tomorrow = shop.clock.now() + timedelta(days=1)
    sending = await start(asked, [Audience(CUSTOMER, Compare("country", "eq", "DE"))], send_at=tomorrow)
    await shop.work()
    assert await asked.invitations() == []
    assert await sent(shop, sending) == {"state": "SCHEDULED", "seen": 0, "invited": 0, "left_out": 0}
    late, _ = await customer_with_mail(shop, "Late", "late@x.example", country="DE")
    await later(shop, days=1)
    rows = {row["customer_id"]: (row["state"], row["skipped_because"]) for row in await asked.invitations()}
    assert rows == {german: ("PENDING", None), late: ("PENDING", None), mute: ("SKIPPED", "NO_ADDRESS")}
    assert {row["sending_id"] for row in await asked.invitations()} == {sending}
    done = {"state": "DONE", "total": 3, "seen": 3, "invited": 2, "left_out": 1}
    assert await sent(shop, sending) == done
    before = await asked.invitations()
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await enqueue(write, NewJob("surveys.send", {"sending": str(sending), "again": True}))
    await shop.work()
    assert [row["id"] for row in await asked.invitations()] == [row["id"] for row in before]
    assert await sent(shop, sending) == done
    assert len(shop.mails_to("late@x.example")) == 1


@pytest.mark.requirement("V3", "A11")
async def test_it_reaches_whom_its_sender_may_invite_at_that_time(shop):
    asked = await survey(shop)
    seller = await shop.hire("Nancy Davolio", "REPRESENTATIVE")
    own, _ = await customer_with_mail(shop, owner_id=seller)
    await customer_with_mail(shop, "Foreign", "f@x.example")
    viewer = await shop.as_member(seller)
    sending = await start(asked, EVERYBODY, viewer=viewer)
    await start(asked, ALL_CONTACTS, viewer=viewer)
    await shop.work()
    assert {row["customer_id"] for row in await asked.invitations()} == {own}
    assert await sent(shop, sending) == {"state": "DONE", "total": 1, "seen": 1, "invited": 1, "left_out": 0}
    for role in ("GENERAL_MANAGER", "FINANCE", "ARCHIVE_KEEPER"):
        with pytest.raises(Forbidden):
            await start(asked, viewer=await shop.as_member(await shop.hire(f"Some {role}", role)))


@pytest.mark.requirement("V3")
async def test_it_fails_when_its_sender_has_left_or_the_questionnaire_rests(shop):
    asked = await survey(shop)
    await customer_with_mail(shop)
    seller = await shop.hire("Nancy Davolio", "SERVICE_AGENT")
    tomorrow = shop.clock.now() + timedelta(days=1)
    left = await start(asked, viewer=await shop.as_member(seller), send_at=tomorrow)
    resting = await start(asked, send_at=tomorrow + timedelta(hours=1))
    await shop.change(Change("member", "update", seller, values={"state": "SUSPENDED"}), internally=True)
    await later(shop, days=1)
    await asked.set(active=False)
    await later(shop, hours=1)
    assert (await sent(shop, left))["failed_because"] == "SENDER_LEFT"
    assert (await sent(shop, resting))["failed_because"] == "QUESTIONNAIRE_INACTIVE"
    assert await asked.invitations() == []


@pytest.mark.requirement("V3")
async def test_what_cannot_be_a_campaign_is_refused(shop):
    asked = await survey(shop)
    for kind in ("CAMPAIGN", "PROMOTION"):
        with pytest.raises(Refused) as refused:
            await start(asked, kind=kind, name="  ")
        assert [error.code for error in refused.value.errors] == ["REQUIRED"]
    await asked.set(active=False, trigger="MYSTERY_VISIT")
    await asked.set(active=True)
    with pytest.raises(QuestionnaireInternal):
        await start(asked)
    with pytest.raises(QuestionnaireInternal):
        await asked.send(customer_ids=[new_id()])
    assert await shop.fetch("SELECT 1 FROM survey_sending") == []


@pytest.mark.requirement("V3")
async def test_a_sending_that_is_held_mails_nobody_until_it_is_resumed(shop, monkeypatch):
    monkeypatch.setattr(sending_out, "STEP", 2)
    asked = await survey(shop)
    await people(shop, 5)
    sending = await start(asked)
    await step(asked, sending)
    await act(asked, pause_sending, sending)
    await shop.work()
    assert [row["state"] for row in await asked.invitations()] == ["PENDING"] * 2
    assert sum(len(shop.mails_to(f"p{n}@x.example")) for n in range(5)) == 0
    with pytest.raises(SendingOver):
        await act(asked, pause_sending, sending)
    await act(asked, resume_sending, sending)
    await shop.work()
    assert [len(shop.mails_to(f"p{n}@x.example")) for n in range(5)] == [1] * 5
    assert await sent(shop, sending) == {"state": "DONE", "total": 5, "seen": 5, "invited": 5, "left_out": 0}
    with pytest.raises(SendingOver):
        await act(asked, resume_sending, sending)


@pytest.mark.requirement("V3")
async def test_a_sending_that_is_called_off_mails_nobody_and_counts_for_nobody(shop, monkeypatch):
    monkeypatch.setattr(sending_out, "STEP", 2)
    await rule(shop, most={"mails": 1, "days": 30})
    asked = await survey(shop, cooldown_days=0)
    await people(shop, 5)
    sending = await start(asked)
    await step(asked, sending)
    await act(asked, cancel_sending, sending)
    await shop.work()
    assert [row["state"] for row in await asked.invitations()] == ["CANCELLED"] * 2
    assert sum(len(shop.mails_to(f"p{n}@x.example")) for n in range(5)) == 0
    assert (await sent(shop, sending))["state"] == "CANCELLED"
    for verb in (pause_sending, resume_sending, cancel_sending):
        with pytest.raises(SendingOver):
            await act(asked, verb, sending)
    await start(asked)
    await shop.work()
    assert [len(shop.mails_to(f"p{n}@x.example")) for n in range(5)] == [1] * 5


@pytest.mark.requirement("V3", "A11")
async def test_others_sendings_are_not_found_or_not_ones_own(shop):
    asked = await survey(shop)
    seller = await shop.as_member(await shop.hire("Nancy Davolio", "REPRESENTATIVE"))
    reader = await shop.as_member(await shop.hire("Keeper", "ARCHIVE_KEEPER"))
    sending = await start(asked, send_at=shop.clock.now() + timedelta(days=1))
    for verb in (pause_sending, resume_sending, cancel_sending):
        with pytest.raises(NotFound):
            await act(asked, verb, sending, viewer=seller)
        with pytest.raises(Forbidden):
            await act(asked, verb, sending, viewer=reader)
    assert (await sent(shop, sending))["state"] == "SCHEDULED"


@pytest.mark.requirement("V3")
@pytest.mark.parametrize("at_once", [1, 1_000])
async def test_a_mailbox_that_two_share_gets_one_mail_of_a_sending(shop, monkeypatch, at_once):
    monkeypatch.setattr(sending_out, "STEP", at_once)
    asked = await survey(shop, cooldown_days=0)
    for name in ("One", "Two", "Three"):
        await customer_with_mail(shop, name, "office@x.example")
    await start(asked)
    await shop.work()
    told = sorted(
        (row["state"], row["skipped_because"]) for row in await asked.invitations() if row["skipped_because"]
    )
    assert told == [("SKIPPED", "SAME_ADDRESS")] * 2
    assert len(shop.mails_to("office@x.example")) == 1


@pytest.mark.requirement("V3", "T9")
async def test_a_mail_waits_for_the_end_of_quiet_hours_where_its_reader_is(shop):
    await rule(shop, quiet={"from": "21:00", "until": "08:00"})
    asked = await survey(shop, expires_after_days=1, remind_after_days=None)
    here, _ = await customer_with_mail(shop, country="US")
    there, _ = await customer_with_mail(shop, "Shanghai", "sh@x.example", country="CN")
    await start(asked)
    await shop.work()
    rows = {row["customer_id"]: row for row in await asked.invitations()}
    morning = datetime(2026, 3, 3, 0, 0, tzinfo=UTC)  # eight in Shanghai
    assert (rows[here]["due_at"], rows[there]["due_at"]) == (shop.clock.now(), morning)
    # A day from when it may leave: the end of the third in New York.
    assert rows[there]["expires_at"] == datetime(2026, 3, 4, 5, 0, tzinfo=UTC)
    assert (len(shop.mails_to("maria@alfreds.example")), shop.mails_to("sh@x.example")) == (1, [])
    await later(shop, hours=9, minutes=59)
    assert shop.mails_to("sh@x.example") == []
    await later(shop, minutes=1)
    assert len(shop.mails_to("sh@x.example")) == 1


@pytest.mark.requirement("V3", "T9")
async def test_who_was_written_to_often_enough_or_takes_no_mail_is_left_out(shop):
    await rule(shop, most={"mails": 1, "days": 7})
    asked = await survey(shop, cooldown_days=0)
    often, _ = await customer_with_mail(shop)
    await start(asked)
    await shop.work()
    dead, _ = await customer_with_mail(shop, "Dead", "dead@x.example")
    await shop.create("mail_suppression", address="dead@x.example")
    second = await start(asked)
    await shop.work()
    rows = await shop.fetch("SELECT * FROM survey_invitation WHERE sending_id = $1", second)
    assert {row["customer_id"]: (row["state"], row["skipped_because"]) for row in rows} == {
        often: ("SKIPPED", "TOO_OFTEN"),
        dead: ("SKIPPED", "SUPPRESSED"),
    }
    await later(shop, days=7, minutes=1)
    await start(asked)
    await shop.work()
    assert len(shop.mails_to("maria@alfreds.example")) == 2


@pytest.mark.requirement("V3")
@pytest.mark.parametrize("record", ["customer", "contact"])
async def test_an_invitation_of_somebody_put_away_ends_as_such(shop, record):
    asked = await survey(shop)
    _, contact = await customer_with_mail(shop)
    await asked.send(contact_ids=[contact], send_at=shop.clock.now() + timedelta(days=3))
    await shop.work()
    await archive(shop, record, (await asked.invitation())[f"{record}_id"])
    await later(shop, days=3, minutes=1)
    row = await asked.invitation()
    assert (row["state"], row["skipped_because"]) == ("SKIPPED", "PUT_AWAY")
    assert await shop.fetch("SELECT 1 FROM mail_sending") == []


@pytest.mark.requirement("V3")
@pytest.mark.parametrize(
    ("state", "first", "reminder"),
    [
        ("PENDING", True, False),
        ("SENT", False, True),
        ("OPENED", False, True),
        ("ANSWERED", False, False),
        ("CANCELLED", False, False),
        ("EXPIRED", False, False),
    ],
)
async def test_a_mail_leaves_only_while_its_invitation_waits_for_it(shop, state, first, reminder):
    asked = await survey(shop)
    customer, _ = await customer_with_mail(shop)
    await asked.send(customer_ids=[customer])
    await shop.work()
    row = await asked.invitation()
    await shop.change(
        Change("survey_invitation", "update", row["id"], values={"state": state}), internally=True
    )

    async def told(reminding):
        async with shop.databases.tenant_read(shop.company.ref) as read:
            return await still_asked(read, row["id"], reminding, clock=shop.clock)

    assert (await told(False), await told(True)) == (first, reminder)
    await asked.set(active=False)
    assert (await told(False), await told(True)) == (False, False)


@pytest.mark.requirement("V3")
async def test_whoever_answers_while_the_mail_waits_for_the_mail_server_gets_none(shop, monkeypatch):
    """The reminder is rendered and stored; the answer comes before it leaves."""
    asked = await survey(shop)
    customer, _ = await customer_with_mail(shop)
    await asked.send(customer_ids=[customer])
    await shop.work()
    row = await asked.invitation()
    async with shop.databases.control() as control:
        await control.fetch(
            "UPDATE platform.mail SET state = 'queued', text = 'x', html = 'x' WHERE key = $1",
            mail_key(shop.company.ref, row["id"]),
        )
        mail = await control.fetchval(
            "SELECT id FROM platform.mail WHERE key = $1", mail_key(shop.company.ref, row["id"])
        )
        await enqueue(control, NewJob("mail.send", {"mail": str(mail)}))
    await shop.change(
        Change("survey_invitation", "update", row["id"], values={"state": "ANSWERED"}), internally=True
    )
    await shop.work()
    async with shop.databases.control_read() as control:
        assert await control.fetchval("SELECT state FROM platform.mail WHERE id = $1", mail) == "withheld"
    await later(shop, seconds=10)
    assert (await asked.invitation())["state"] == "ANSWERED"


@pytest.mark.requirement("V3")
@pytest.mark.parametrize(
    ("state", "after"), [("SENT", "BOUNCED"), ("ANSWERED", "ANSWERED"), ("OPENED", "OPENED")]
)
async def test_a_mail_that_comes_back_after_days_has_bounced(shop, state, after):
    asked = await survey(shop)
    customer, _ = await customer_with_mail(shop)
    await asked.send(customer_ids=[customer])
    await shop.work()
    await later(shop, seconds=10)
    row = await asked.invitation()
    await shop.change(
        Change("survey_invitation", "update", row["id"], values={"state": state}), internally=True
    )
    await later(shop, days=2)
    async with shop.databases.tenant_write(shop.company.ref) as write:
        for hard in (False, True):
            bounced = Bounced(mail_key(shop.company.ref, row["id"]), row["recipient"], hard)
            await note_bounce(write, bounced, shop.clock)
    assert (await asked.invitation())["state"] == after


async def test_what_an_older_release_was_asked_for_becomes_a_sending(shop):
    asked = await survey(shop)
    customer, contact = await customer_with_mail(shop)
    other, _ = await customer_with_mail(shop, "Other", "o@x.example")
    payload = {
        "questionnaire": str(asked.id),
        "customers": [str(other)],
        "contacts": [str(contact)],
        "send_at": None,
    }
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await enqueue(write, NewJob("surveys.invite", payload))
    await shop.work()
    assert {row["customer_id"] for row in await asked.invitations()} == {customer, other}
    assert len(shop.mails_to("o@x.example")) == 1


@pytest.mark.requirement("V3")
async def test_calling_off_the_job_calls_off_the_sending(shop, monkeypatch):
    monkeypatch.setattr(sending_out, "STEP", 2)
    asked = await survey(shop)
    await people(shop, 3)
    sending = await start(asked)
    await step(asked, sending)
    job = await shop.value("SELECT job_id FROM survey_sending")

    async def called_off(*_args, **_more):
        raise JobCancelled

    monkeypatch.setattr(survey_handlers, "send_part", called_off)
    await shop.work()
    assert job is not None
    assert (await sent(shop, sending))["state"] == "CANCELLED"
    assert [row["state"] for row in await asked.invitations()] == ["CANCELLED"] * 2
    assert sum(len(shop.mails_to(f"p{n}@x.example")) for n in range(3)) == 0


@pytest.mark.requirement("V3")
@pytest.mark.parametrize("held", [False, True])
async def test_a_waiting_job_that_the_operator_calls_off_calls_off_its_sending(shop, held):
    asked = await survey(shop)
    await people(shop, 1)
    sending = await start(asked, send_at=shop.clock.now() + timedelta(days=1))
    if held:
        await act(asked, pause_sending, sending)
    job = await shop.value("SELECT job_id FROM survey_sending")
    async with shop.databases.control() as control:
        assert await call_off(control, job)
    await later(shop, days=1)  # at once by the database's clock
    assert (await sent(shop, sending))["state"] == "CANCELLED"
    assert await asked.invitations() == []


async def queued_again(shop, key):
    """As if the mail had not left yet: stored, with a job of its own."""
    async with shop.databases.control() as control:
        mail = await control.fetchval(
            "UPDATE platform.mail SET state = 'queued', text = 'x', html = 'x' WHERE key = $1 RETURNING id",
            key,
        )
        await enqueue(control, NewJob("mail.send", {"mail": str(mail)}))


async def mail_of(shop, key):
    async with shop.databases.control_read() as control:
        return await control.fetchval("SELECT state FROM platform.mail WHERE key = $1", key)


@pytest.mark.requirement("V3")
@pytest.mark.parametrize("looked", [False, True])
async def test_a_mail_that_waits_for_the_mail_server_is_held_too_and_leaves_once_resumed(shop, looked):
    asked = await survey(shop)
    await people(shop, 1)
    sending = await start(asked)
    await shop.work()
    row = await asked.invitation()
    key = mail_key(shop.company.ref, row["id"])
    assert (row["state"], await mail_of(shop, key)) == ("PENDING", "sent")
    await queued_again(shop, key)
    await act(asked, pause_sending, sending)
    assert (await sent(shop, sending))["state"] == "PAUSED"
    await shop.work()
    assert await mail_of(shop, key) == "withheld"
    if looked:
        await later(shop, minutes=1)
    assert (await asked.invitation())["state"] == "PENDING"
    await act(asked, resume_sending, sending)
    await shop.work()
    assert (await mail_of(shop, key), len(shop.mails_to("p0@x.example"))) == ("sent", 1)
    await later(shop, minutes=1)
    assert (await asked.invitation())["state"] == "SENT"
    assert (await sent(shop, sending))["state"] == "DONE"
    with pytest.raises(SendingOver):
        await act(asked, pause_sending, sending)


@pytest.mark.requirement("V3")
async def test_a_reminder_that_is_held_leaves_once_resumed(shop):
    asked = await survey(shop, remind_after_days=2, reminders_at_most=1)
    await people(shop, 1)
    sending = await start(asked)
    waiting, _ = await customer_with_mail(shop, "Waiting", "waiting@x.example")
    await shop.work()
    await later(shop, seconds=10)
    row = next(each for each in await asked.invitations() if each["recipient"] == "p0@x.example")
    assert row["state"] == "SENT"
    await later(shop, days=2)
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await enqueue(write, NewJob("surveys.remind"))
    await shop.work()
    key = mail_key(shop.company.ref, row["id"], reminder=1)
    assert await mail_of(shop, key) == "sent"
    await queued_again(shop, key)
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await write.fetch("UPDATE survey_sending SET state = 'PAUSED' WHERE id = $1", sending)
    await shop.work()
    assert await mail_of(shop, key) == "withheld"
    await act(asked, resume_sending, sending)
    await shop.work()
    assert await mail_of(shop, key) == "sent"
    assert waiting


@pytest.mark.requirement("V3")
async def test_those_chosen_one_by_one_can_be_called_off_until_their_mails_leave(shop):
    asked = await survey(shop)
    customer, _ = await customer_with_mail(shop)
    tomorrow = shop.clock.now() + timedelta(days=1)
    await asked.send(customer_ids=[customer], send_at=tomorrow)
    await shop.work()
    sending = await shop.value("SELECT id FROM survey_sending")
    assert (await sent(shop, sending))["state"] == "DONE"
    await act(asked, pause_sending, sending)
    await act(asked, resume_sending, sending)
    await shop.work()
    assert (await sent(shop, sending))["state"] == "DONE"
    await act(asked, cancel_sending, sending)
    await shop.work()
    assert (await asked.invitation())["state"] == "CANCELLED"
    assert (await sent(shop, sending))["state"] == "CANCELLED"
    await later(shop, days=1)
    assert shop.mails_to("maria@alfreds.example") == []


@pytest.mark.requirement("V3", "V4")
@pytest.mark.parametrize("how", ["called off", "put to rest"])
async def test_whoever_got_the_mail_just_before_it_was_called_off_may_still_answer(shop, how):
    """The mail server has taken it, nobody has noted that yet."""
    asked = await survey(shop)
    await people(shop, 1)
    sending = await start(asked)
    await shop.work()
    assert (await asked.invitation())["state"] == "PENDING"
    assert len(shop.mails_to("p0@x.example")) == 1
    if how == "called off":
        await act(asked, cancel_sending, sending)
    else:
        await asked.set(active=False)
    await shop.work()
    assert (await asked.invitation())["state"] == "CANCELLED"
    await later(shop, minutes=1)
    row = await asked.invitation()
    assert (row["state"], row["sent_at"]) == ("SENT", shop.clock.now())


@pytest.mark.requirement("V3", "A11")
async def test_it_fails_where_its_sender_may_ask_its_filter_no_more(shop):
    """A filter by a field that is masked for the sender by then would tell what stands in it."""
    asked = await survey(shop)
    await customer_with_mail(shop)
    sender = await shop.hire("Nancy Davolio", "OWNER")
    viewer = await shop.as_member(sender)
    filtered = [Audience(CONTACT, Compare("email", "eq", "maria@alfreds.example"))]
    sending = await start(asked, filtered, viewer=viewer, send_at=shop.clock.now() + timedelta(days=1))
    changed = Change("member", "update", sender, values={"roles": ["MARKETER"]})
    await shop.change(changed, internally=True)
    shop.clock.move(timedelta(days=1))
    drained = await run_jobs(shop.databases, clock=shop.clock, settings=shop.settings)
    assert [error.code for error in drained.failures] == ["BAD_USER_INPUT"]
    told = await sent(shop, sending)
    assert (told["state"], told["failed_because"]) == ("FAILED", "INTERNAL_ERROR")
    assert await asked.invitations() == []
