"""Whoever has not answered is reminded once with the same link, and asked no more when the time is over."""

from datetime import UTC, datetime, timedelta

import pytest

from kedang_platform.errors import Refused
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.changing import Change
from kedang_tenants.surveys import reminding
from kedang_tenants.surveys.reminding import EXPIRE, REMIND
from kedang_workers import handlers
from tests.support.surveying import archive, customer_with_mail, later, survey
from tests.surveys.test_dispatch import MARIA, link_in
from tests.surveys.test_sending import rule


async def run(shop, kind):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await enqueue(write, NewJob(kind))
    await shop.work()


@pytest.fixture
async def asked(shop):
    """An invitation that was sent this morning."""
    asked = await survey(shop)
    customer, _ = await customer_with_mail(shop)
    await asked.send(customer_ids=[customer])
    await shop.work()
    await later(shop, seconds=10)
    return asked


async def set_state(asked, **values):
    row = await asked.invitation()
    await asked.shop.change(Change("survey_invitation", "update", row["id"], values=values), internally=True)


@pytest.mark.requirement("V3")
@pytest.mark.parametrize("state", ["SENT", "OPENED"])
async def test_a_reminder_goes_out_once_with_the_same_link(shop, asked, state):
    await set_state(asked, state=state)
    await later(shop, days=4, hours=23)
    await run(shop, REMIND)
    assert (await asked.invitation())["reminded_at"] is None
    await later(shop, hours=2)
    await run(shop, REMIND)
    reminded_at = shop.clock.now()
    assert (await asked.invitation())["reminded_at"] == reminded_at
    for _ in range(3):
        await later(shop, days=1)
        await run(shop, REMIND)
    row = await asked.invitation()
    assert (row["reminded_at"], row["state"]) == (reminded_at, state)
    reminder, first = shop.mails_to(MARIA)
    assert reminder.subject == "A reminder: Northwind Traders asks for your opinion"
    assert link_in(reminder) == link_in(first)
    assert reminder.message_id != first.message_id


@pytest.mark.requirement("V3")
@pytest.mark.parametrize("state", ["ANSWERED", "BOUNCED", "EXPIRED", "CANCELLED"])
async def test_nobody_else_is_reminded(shop, asked, state):
    await set_state(asked, state=state)
    await later(shop, days=6)
    await run(shop, REMIND)
    assert (await asked.invitation())["reminded_at"] is None
    assert len(shop.mails_to(MARIA)) == 1


@pytest.mark.requirement("V3")
@pytest.mark.parametrize("record", ["customer", "contact"])
async def test_who_was_put_away_is_not_reminded(shop, asked, record):
    await archive(shop, record, (await asked.invitation())[f"{record}_id"])
    await later(shop, days=6)
    await run(shop, REMIND)
    assert (await asked.invitation())["reminded_at"] is None
    assert len(shop.mails_to(MARIA)) == 1


@pytest.mark.requirement("V3")
async def test_whoever_answers_between_reminder_and_mail_gets_none(shop, asked):
    await later(shop, days=6)
    async with shop.databases.tenant_write(shop.company.ref) as write:
        part = await reminding.remind_part(write, await shop.product(), after=None, clock=shop.clock)
    assert part.changed == 1
    await set_state(asked, state="ANSWERED")
    await shop.work()
    assert len(shop.mails_to(MARIA)) == 1


@pytest.mark.requirement("V3")
@pytest.mark.parametrize("values", [{"remind_after_days": None}, {"active": False}])
async def test_a_questionnaire_may_remind_nobody(shop, asked, values):
    await asked.set(**values)
    await later(shop, days=10)
    await run(shop, REMIND)
    assert (await asked.invitation())["reminded_at"] is None
    assert len(shop.mails_to(MARIA)) == 1


@pytest.mark.requirement("V3")
@pytest.mark.parametrize(
    ("state", "after"),
    [
        ("PENDING", "EXPIRED"),
        ("SENT", "EXPIRED"),
        ("OPENED", "EXPIRED"),
        ("ANSWERED", "ANSWERED"),
        ("BOUNCED", "BOUNCED"),
        ("CANCELLED", "CANCELLED"),
        ("SKIPPED", "SKIPPED"),
    ],
)
async def test_what_nobody_answers_in_time_expires(shop, asked, state, after):
    await set_state(asked, state=state)
    expires_at = (await asked.invitation())["expires_at"]
    await later(shop, seconds=(expires_at - shop.clock.now()).total_seconds() - 1)
    await run(shop, EXPIRE)
    assert (await asked.invitation())["state"] == state
    await later(shop, seconds=1)
    await run(shop, EXPIRE)
    assert (await asked.invitation())["state"] == after
    await run(shop, REMIND)
    assert len(shop.mails_to(MARIA)) == 1


@pytest.mark.requirement("V3")
async def test_many_are_reminded_and_expire_in_steps(shop, monkeypatch):
    monkeypatch.setattr(reminding, "CHUNK", 4)
    monkeypatch.setattr(reminding, "EXPIRED_A_STEP", 4)
    asked = await survey(shop)
    people = [await customer_with_mail(shop, f"Customer {n}", f"p{n}@x.example") for n in range(10)]
    await asked.send(contact_ids=[contact for _, contact in people])
    await shop.work()
    await later(shop, seconds=10)
    await later(shop, days=6)
    await run(shop, REMIND)
    assert [len(shop.mails_to(f"p{n}@x.example")) for n in range(10)] == [2] * 10
    await later(shop, days=9)
    await run(shop, EXPIRE)
    assert {row["state"] for row in await asked.invitations()} == {"EXPIRED"}


async def test_both_recur_by_themselves():
    rules = {rule.name: rule.pattern for rule in handlers.load().rules}
    assert (rules[REMIND].at.hour, rules[REMIND].at.minute) == (9, 30)
    assert rules[EXPIRE].period == timedelta(hours=1)


@pytest.mark.requirement("V3")
@pytest.mark.parametrize(
    ("values", "field"),
    [({"remind_after_days": 14}, "remindAfterDays"), ({"expires_after_days": 5}, "expiresAfterDays")],
)
async def test_a_reminder_that_could_never_be_sent_is_refused(asked, values, field):
    with pytest.raises(Refused) as refused:
        await asked.set(**values)
    assert [(e.code, e.path) for e in refused.value.errors] == [("REMINDER_TOO_LATE", ("input", field))]
    await asked.set(remind_after_days=29, expires_after_days=30)


@pytest.mark.requirement("V3")
async def test_a_questionnaire_shorter_than_the_usual_reminder_has_none(shop):
    values = {"name": {"zh": "短期调查", "en": "Short"}, "expires_after_days": 3}
    (made,) = await shop.change(Change("questionnaire", "create", values=values))
    stored = await shop.fetch("SELECT remind_after_days FROM questionnaire WHERE id = $1", made)
    assert stored == [{"remind_after_days": None}]
    with pytest.raises(Refused) as refused:
        await shop.change(Change("questionnaire", "create", values=values | {"remind_after_days": 3}))
    assert [(e.code, e.path) for e in refused.value.errors] == [
        ("REMINDER_TOO_LATE", ("input", "remindAfterDays"))
    ]


@pytest.mark.requirement("V3")
async def test_so_many_reminders_as_the_questionnaire_says_each_after_as_many_days(shop, asked):
    await asked.set(reminders_at_most=3, remind_after_days=2)
    told = []
    for _ in range(10):
        await later(shop, days=1)
        await run(shop, REMIND)
        told.append((await asked.invitation())["reminders"])
    assert told == [0, 1, 1, 2, 2, 3, 3, 3, 3, 3]
    mails = shop.mails_to(MARIA)
    assert len({mail.message_id for mail in mails}) == len(mails) == 4
    assert len({link_in(mail) for mail in mails}) == 1


@pytest.mark.requirement("V3")
@pytest.mark.parametrize("state", ["ANSWERED", "CANCELLED"])
async def test_the_next_reminder_is_not_sent_after_an_answer(shop, asked, state):
    await asked.set(reminders_at_most=3, remind_after_days=2)
    await later(shop, days=3)
    await run(shop, REMIND)
    await set_state(asked, state=state)
    await later(shop, days=3)
    await run(shop, REMIND)
    assert (await asked.invitation())["reminders"] == 1
    assert len(shop.mails_to(MARIA)) == 2


@pytest.mark.requirement("V3", "T9")
async def test_a_reminder_counts_among_all_mails_and_waits_until_it_may_go(shop, asked):
    await rule(shop, most={"mails": 1, "days": 8})
    await later(shop, days=5, hours=1)
    await run(shop, REMIND)
    assert (await asked.invitation())["reminders"] == 0
    await later(shop, days=3)
    await run(shop, REMIND)
    assert (await asked.invitation())["reminders"] == 1
    assert len(shop.mails_to(MARIA)) == 2


@pytest.mark.requirement("V3", "T9")
async def test_no_reminder_comes_in_quiet_hours_and_none_after_the_end(shop, asked):
    await rule(shop, quiet={"from": "09:00", "until": "17:00"})
    await later(shop, days=5, hours=1)  # ten in the morning in New York
    await run(shop, REMIND)
    row = await asked.invitation()
    assert row["reminded_at"] == datetime(2026, 3, 7, 22, 0, tzinfo=UTC)
    assert len(shop.mails_to(MARIA)) == 1
    await later(shop, hours=7)
    assert len(shop.mails_to(MARIA)) == 2


@pytest.mark.requirement("V3", "T9")
async def test_a_reminder_that_could_only_come_too_late_is_left_out(shop, asked):
    await rule(shop, quiet={"from": "09:00", "until": "17:00"})
    await later(shop, days=6)
    soon = shop.clock.now() + timedelta(hours=2)
    await set_state(asked, expires_at=soon)
    await run(shop, REMIND)
    assert (await asked.invitation())["reminders"] == 0
    assert len(shop.mails_to(MARIA)) == 1
