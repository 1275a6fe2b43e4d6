"""What a company learns of its mails, and what does not leave any more: suppressed, at night, no longer wanted (T9, T10)."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from kedang_platform.mail import Letter, Outgoing, Report, Sender, mail_states, on_bounce, post
from kedang_platform.mail import bounces as listeners
from kedang_platform.mail.bounces import note_report
from kedang_tenants.correspondence import Recipient, Sending, plan_sending, record_sent, sender_of
from kedang_tenants.correspondence.rule import KIND
from kedang_tenants.customers.consenting import address_hash
from kedang_tenants.rules import establish
from tests.support.workers import run_jobs

MARIA = "maria@alfreds.example"
LETTER = Letter(subject="Your opinion", paragraphs=("Hello",))


async def write(shop, key, *, to=MARIA, company=None, **more):
    outgoing = Outgoing(LETTER, to, "en", key, company=(company or shop.company).ref, kind="survey", **more)
    async with shop.databases.control() as control:
        await post(control, [outgoing], sender=shop.settings.mail_from, now=shop.clock.now())


async def id_of(shop, key) -> UUID:
    async with shop.databases.control_read() as read:
        return await read.fetchval("SELECT id FROM platform.mail WHERE key = $1", key)


async def report(shop, key, kind, said="5.1.1 unknown"):
    async with shop.databases.control() as control:
        noted = await note_report(control, await id_of(shop, key), Report(kind, "5.1.1", said, ()))
    await shop.work()
    return noted


async def state(shop, key):
    async with shop.databases.control_read() as read:
        return (await mail_states(read, [key]))[key]


async def suppressed(shop):
    rows = await shop.fetch(
        "SELECT address, reason, said, put_by_id FROM mail_suppression WHERE archived_at IS NULL ORDER BY created_at"
    )
    return [(row["address"], row["reason"], row["said"]) for row in rows]


@pytest.fixture
def heard(monkeypatch):
    monkeypatch.setattr(listeners, "_listeners", {})
    told = []

    @on_bounce("survey:")
    async def listen(write, bounced, clock):
        told.append(
            (bounced.key, bounced.hard, await write.fetchval("SELECT count(*) FROM mail_suppression"))
        )

    return told


@pytest.mark.requirement("T10")
async def test_after_a_hard_bounce_nothing_more_is_sent_to_the_address(shop, heard):
    await write(shop, "survey:1")
    await shop.work()
    assert await state(shop, "survey:1") == "sent"
    for _ in range(2):
        assert await report(shop, "survey:1", "HARD")
    assert await suppressed(shop) == [(MARIA, "HARD_BOUNCE", "5.1.1 unknown")]
    assert heard == [("survey:1", True, 1)]
    await write(shop, "survey:2", to="Maria@Alfreds.example")
    await shop.work()
    assert await state(shop, "survey:2") == "suppressed"
    assert len(shop.mails_to(MARIA)) == 1
    async with shop.databases.control_read() as read:
        kept = await read.fetchrow("SELECT text, html FROM platform.mail WHERE key = 'survey:2'")
    assert dict(kept) == {"text": "", "html": ""}


@pytest.mark.requirement("T10", "T2")
async def test_another_company_and_mails_of_accounts_are_not_touched(shop, two_companies):
    rival = two_companies[1]
    await write(shop, "survey:1")
    await shop.work()
    await report(shop, "survey:1", "HARD")
    await write(shop, "survey:2", company=rival)
    async with shop.databases.control() as control:
        account = Outgoing(LETTER, MARIA, "en", "password:1")
        await post(control, [account], sender=shop.settings.mail_from, now=shop.clock.now())
    await shop.work()
    assert await state(shop, "survey:2") == "sent"
    assert await state(shop, "password:1") == "sent"
    async with shop.databases.tenant_read(rival.ref) as read:
        assert await read.fetchval("SELECT count(*) FROM mail_suppression") == 0


@pytest.mark.requirement("T10")
async def test_once_lifted_mails_are_sent_again(shop):
    await write(shop, "survey:1")
    await shop.work()
    await report(shop, "survey:1", "COMPLAINT", "abuse")
    assert await suppressed(shop) == [(MARIA, "COMPLAINT", "abuse")]
    assert await state(shop, "survey:1") == "sent"
    await shop.archive("mail_suppression", await shop.value("SELECT id FROM mail_suppression"))
    await write(shop, "survey:2")
    await shop.work()
    assert await state(shop, "survey:2") == "sent"


@pytest.mark.requirement("T10")
async def test_mails_that_come_back_for_a_while_count_and_delays_do_not(shop, heard):
    async with shop.databases.tenant_write(shop.company.ref) as write_:
        content = {"bounces": {"mails": 3, "days": 10}}
        await establish(write_, await shop.product(), kind=KIND, content=content, clock=shop.clock)
    for number in range(5):
        await write(shop, f"survey:{number}")
    await shop.work()
    await report(shop, "survey:0", "SOFT", "4.2.2 full")
    shop.clock.instant += timedelta(days=10)  # the first is forgotten by then
    for number in (1, 2):
        await report(shop, f"survey:{number}", "DELAYED", "4.4.1")
        await report(shop, f"survey:{number}", "SOFT", "4.2.2 full")
    await report(shop, "survey:3", "DELAYED", "4.4.1")
    assert await suppressed(shop) == []
    assert await state(shop, "survey:3") == "sent"
    await report(shop, "survey:3", "SOFT", "4.2.2 full")
    assert await suppressed(shop) == [(MARIA, "SOFT_BOUNCES", "4.2.2 full")]
    assert [key for key, hard, _ in heard if not hard] == [f"survey:{number}" for number in range(4)]
    await shop.archive("mail_suppression", await shop.value("SELECT id FROM mail_suppression"))
    shop.clock.instant += timedelta(minutes=1)
    await report(shop, "survey:4", "SOFT", "4.2.2 full")
    assert await suppressed(shop) == []


@pytest.mark.requirement("T9")
async def test_a_mail_that_was_planned_for_the_day_does_not_leave_at_night(shop):
    async with shop.databases.tenant_write(shop.company.ref) as write_:
        content = {"quiet": {"from": "21:00", "until": "08:00"}}
        await establish(write_, await shop.product(), kind=KIND, content=content, clock=shop.clock)
        customer = await shop.create("customer", name="Alfreds")
        maria = Recipient(customer, MARIA)
        (planned,) = await plan_sending(
            write_, await shop.product(), [maria], kind="SURVEY", clock=shop.clock
        )
        await record_sent(write_, [Sending(maria, "survey:1", planned.at)], kind="SURVEY")
    await write(shop, "survey:1", due_at=planned.at)
    await write(shop, "notice:1")
    shop.clock.instant += timedelta(hours=14)  # the workers were down until eleven at night
    drained = await run_jobs(shop.databases, clock=shop.clock, settings=shop.settings)
    assert drained.failures == []  # nothing failed, and no try is used up
    assert await state(shop, "survey:1") == "queued"
    assert await state(shop, "notice:1") == "sent"  # was not planned, and may leave
    async with shop.databases.control_read() as read:
        job = await read.fetchrow(
            "SELECT due_at, tries FROM work.job WHERE kind = 'mail.send' AND state = 'waiting'"
        )
        attempts = await read.fetchval("SELECT attempts FROM platform.mail WHERE key = 'survey:1'")
    assert dict(job) == {"due_at": shop.clock.now() + timedelta(hours=9), "tries": 0}
    assert attempts == 0
    shop.clock.instant += timedelta(hours=10)
    await shop.work()
    assert await state(shop, "survey:1") == "sent"


@pytest.mark.requirement("T10")
async def test_mails_come_from_the_company_and_from_its_own_domain_only_where_that_is_allowed(shop):
    sender = Sender(
        'Northwind "Best" 北风',
        "sales@northwind.example",
        "ask@northwind.example",
        ("Northwind Traders", "1 Main St"),
    )
    await write(shop, "survey:1", sender=sender)
    await shop.work()
    (mail,) = shop.mails_to(MARIA)
    assert mail.sender == "Northwind 'Best' 北风 <no-reply@kedang.example>"
    assert mail.text.endswith("\n\nNorthwind Traders\n1 Main St\n")
    assert "Northwind Traders<br>1 Main St" in mail.html
    assert "Reply-To: sales@northwind.example" in next((shop.settings.var / "mail").glob("*.eml")).read_text()
    allowed = {shop.company.handle: ("northwind.example",)}
    own = replace(shop, settings=shop.settings.model_copy(update={"mail_domains": allowed}))
    await write(own, "survey:2", to="ana@alfreds.example", sender=sender)
    await own.work()
    (mail,) = shop.mails_to("ana@alfreds.example")
    assert mail.sender == "Northwind 'Best' 北风 <ask@northwind.example>"


async def test_without_a_setting_the_company_s_name_is_the_sender(shop):
    async with shop.databases.tenant_read(shop.company.ref) as read:
        assert await sender_of(read, company=shop.company) == Sender(
            "Northwind Traders", footer=("Northwind Traders",)
        )


async def test_what_is_kept_of_an_address_is_no_address(shop):
    await write(shop, "survey:1")
    await shop.work()
    await report(shop, "survey:1", "SOFT", "4.2.2")
    (row,) = await shop.fetch("SELECT address_hash, report, said FROM mail_bounce")
    assert row == {"address_hash": address_hash(MARIA), "report": "SOFT", "said": "4.2.2"}
