"""Choices of channel, the letter of the day, and what became of mails (T10)."""

from datetime import date, timedelta
from itertools import pairwise

import pytest

from kedang_platform.channel import Delivery, Outcome
from kedang_platform.clock import FixedClock
from kedang_platform.errors import Forbidden
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.people.inbox import inbox_of, mark_all_read
from kedang_tenants.people.notice_choices import choices_of, choose
from kedang_tenants.people.notice_mails import Round, digest_part, look_later
from kedang_tenants.people.notices import KINDS
from kedang_workers import handlers
from kedang_workers.composition import make_services
from tests.people.test_telling import NANCY, say, telling
from tests.support.workers import run_jobs

MONDAY, SATURDAY = date(2026, 3, 2), date(2026, 3, 7)


@pytest.fixture
async def nancy(shop):
    return await shop.hire("Nancy Davolio", "SERVICE_AGENT")


async def wish(shop, member, channel, kind="REQUEST_ASSIGNED"):
    viewer = await shop.as_member(member)
    async with shop.databases.tenant_write(shop.company.ref) as write:
        return await choose(write, viewer, kind=kind, channel=channel, clock=shop.clock)


async def choices(shop, member):
    async with shop.databases.tenant_read(shop.company.ref) as read:
        return {c.kind: (c.channel, c.chosen) for c in await choices_of(read, await shop.as_member(member))}


async def day_comes(shop, day=MONDAY):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await enqueue(write, NewJob("notices.digest", {"date": day.isoformat()}))
    await shop.work()


async def states(shop):
    return {row["occasion"]: row["mail_state"] for row in await shop.fetch("SELECT * FROM notice")}


def lines(mail):
    return [line.removeprefix("- ") for line in mail.text.splitlines() if line.startswith("- ")]


async def test_until_a_member_chooses_the_defaults_hold(shop, nancy):
    before = await choices(shop, nancy)
    assert before["REQUEST_ASSIGNED"] == ("EMAIL", False)
    assert set(before) == {option.code for option in KINDS}
    first = await wish(shop, nancy, "DIGEST")
    assert await choices(shop, nancy) == before | {"REQUEST_ASSIGNED": ("DIGEST", True)}
    assert await wish(shop, nancy, "INBOX") == first
    assert await choices(shop, nancy) == before | {"REQUEST_ASSIGNED": ("INBOX", True)}
    assert await choices(shop, shop.viewer.member_id) == before


async def test_the_product_itself_has_no_choices(shop):
    product = await shop.product()
    async with shop.databases.tenant_write(shop.company.ref) as write:
        with pytest.raises(Forbidden):
            await choose(write, product, kind="REQUEST_ASSIGNED", channel="INBOX", clock=shop.clock)
    assert await shop.value("SELECT count(*) FROM notice_preference") == 0


async def test_a_choice_holds_for_its_kind_and_its_member_alone(shop, nancy):
    other = await shop.hire("Janet Leverling", "SERVICE_AGENT")
    await wish(shop, nancy, "INBOX")
    await say(
        shop, telling(nancy), telling(nancy, "late", "REQUEST_OVERDUE"), telling(other), telling(other, "two")
    )
    await shop.work()
    await day_comes(shop)
    assert len(shop.mails_to(NANCY)) == 1
    assert len(shop.mails_to("janet.leverling@northwind.example")) == 2
    assert await shop.value("SELECT mail_state FROM notice WHERE channel = 'INBOX'") is None


@pytest.mark.requirement("T10")
async def test_the_letter_of_the_day_tells_all_that_waits_once(shop, nancy):
    await wish(shop, nancy, "DIGEST")
    await say(shop, telling(nancy, "one"), telling(nancy, "two", number="SR-2026-2"))
    await shop.work()
    assert shop.mails_to(NANCY) == []
    await day_comes(shop)
    (mail,) = shop.mails_to(NANCY)
    assert mail.subject == "Notices of 2026-03-02: 2"
    assert lines(mail) == [
        "Request SR-2026-1 is yours – QUICK-Stop asks for help. It is urgent.",
        "Request SR-2026-2 is yours – QUICK-Stop asks for help. It is urgent.",
    ]
    await say(shop, telling(nancy, "three", number="SR-2026-3"))
    await day_comes(shop)  # the same day again: what came after its letter waits for the next
    assert len(shop.mails_to(NANCY)) == 1
    await day_comes(shop, MONDAY + timedelta(days=1))
    first, second = sorted(shop.mails_to(NANCY), key=lambda mail: mail.subject)
    assert (first.message_id, second.subject) == (mail.message_id, "Notices of 2026-03-03: 1")
    await day_comes(shop, MONDAY + timedelta(days=2))
    assert len(shop.mails_to(NANCY)) == 2
    keys = await shop.fetch("SELECT mail_key, count(*) FROM notice GROUP BY 1 ORDER BY 2")
    assert [row["count"] for row in keys] == [1, 2]


async def test_the_letter_of_the_day_is_in_the_member_s_language(shop):
    li = await shop.hire("Li Wei", "SERVICE_AGENT", language="ZH_CN")
    await wish(shop, li, "DIGEST")
    await say(shop, telling(li))
    await day_comes(shop)
    (mail,) = shop.mails_to("li.wei@northwind.example")
    assert "紧急" in mail.text
    assert "urgent" not in mail.text


async def test_on_a_day_of_rest_it_waits(shop, nancy):
    await wish(shop, nancy, "DIGEST")
    await say(shop, telling(nancy))
    await day_comes(shop, SATURDAY)
    assert shop.mails_to(NANCY) == []
    assert await shop.value("SELECT mailed_at FROM notice") is None
    await day_comes(shop, SATURDAY + timedelta(days=2))
    assert len(shop.mails_to(NANCY)) == 1


def test_it_goes_out_in_the_morning_after_the_reminders():
    rules = {rule.name: rule.pattern.at for rule in handlers.load().rules if hasattr(rule.pattern, "at")}
    assert rules["followups.remind"] < rules["notices.digest"]


async def test_reminders_stand_in_the_letter_of_whoever_wants_them_there(shop, nancy):
    await wish(shop, nancy, "DIGEST", "FOLLOW_UPS_DUE")
    for name in ("Around the Horn", "Berglunds snabbköp"):
        customer = await shop.create("customer", name=name, owner_id=nancy)
        await shop.create("follow_up_plan", customer_id=customer, owner_id=nancy, due_on=MONDAY)
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await enqueue(write, NewJob("followups.remind", {"date": MONDAY.isoformat()}))
    await shop.work()
    assert shop.mails_to(NANCY) == []
    await day_comes(shop)
    (mail,) = shop.mails_to(NANCY)
    assert mail.subject == "Notices of 2026-03-02: 1"
    assert lines(mail) == [
        "Due on 2026-03-02: 2",
        "· Around the Horn: follow-up, due today",
        "· Berglunds snabbköp: follow-up, due today",
    ]


async def test_a_long_letter_counts_what_it_does_not_tell(shop, nancy, monkeypatch):
    monkeypatch.setattr("kedang_tenants.people.notice_letters.LISTED", 2)
    await wish(shop, nancy, "DIGEST")
    await say(shop, *(telling(nancy, f"srq:{n}", number=str(n)) for n in range(5)))
    await day_comes(shop)
    (mail,) = shop.mails_to(NANCY)
    assert mail.subject == "Notices of 2026-03-02: 5"
    assert lines(mail)[2:] == ["And further notices: 3"]


async def test_many_members_get_their_letters_in_steps_and_none_twice(shop, monkeypatch):
    monkeypatch.setattr("kedang_tenants.people.notice_mails.CHUNK", 2)
    members = [await shop.hire(f"Agent {n}", "SERVICE_AGENT") for n in range(5)]
    for member in members:
        await wish(shop, member, "DIGEST")
    await say(shop, *(telling(member) for member in members))
    seen, after = [], None
    async with shop.databases.tenant_write(shop.company.ref) as write:
        part = await digest_part(write, turn=Round(MONDAY), after=after, clock=shop.clock)
        seen.append((part.seen, part.changed))
    # The worker dies here: the next begins anew, without its checkpoint.
    await day_comes(shop)
    assert seen == [(2, 2)]
    assert [len(shop.mails_to(f"agent.{n}@northwind.example")) for n in range(5)] == [1] * 5


class OneAnswer:
    """A mail server that answers everything alike."""

    def __init__(self, outcome):
        self.outcome = outcome

    async def send(self, mail, *, key):
        return Delivery(self.outcome, "550 no such user")

    async def close(self):
        pass


async def work_with(shop, outcome):
    services = make_services(databases=shop.databases, settings=shop.settings, clock=shop.clock)
    object.__setattr__(services, "mail", OneAnswer(outcome))
    await run_jobs(shop.databases, services=services)


@pytest.mark.requirement("T10")
@pytest.mark.parametrize(
    ("outcome", "state", "undelivered"),
    [(Outcome.ACCEPTED, "SENT", 0), (Outcome.REJECTED, "REJECTED", 1), (Outcome.RETRY, "QUEUED", 0)],
)
async def test_the_notice_tells_what_became_of_its_mail(shop, nancy, outcome, state, undelivered):
    await say(shop, telling(nancy))
    await work_with(shop, outcome)
    assert await states(shop) == {"srq:1": "QUEUED"}
    shop.clock.move(timedelta(seconds=30))
    await work_with(shop, outcome)
    assert await states(shop) == {"srq:1": state}
    async with shop.databases.tenant_read(shop.company.ref) as read:
        inbox = await inbox_of(read, await shop.as_member(nancy))
    assert (inbox.unread, inbox.undelivered) == (1, undelivered)


async def test_a_mail_that_nobody_ever_takes_is_seen_in_the_end(shop, nancy):
    await say(shop, telling(nancy))
    for _ in range(40):
        await work_with(shop, Outcome.RETRY)
        shop.clock.move(timedelta(hours=1))
    assert await states(shop) == {"srq:1": "REJECTED"}
    async with shop.databases.control_read() as read:
        (mail,) = await read.fetch("SELECT state, text FROM platform.mail WHERE key LIKE 'notice:%'")
    assert tuple(mail) == ("rejected", "")
    assert (
        await shop.value(
            "SELECT count(*) FROM work.job WHERE kind = 'notices.follow_mails' AND state <> 'done'"
        )
        == 0
    )


async def test_all_notices_of_a_letter_share_its_end(shop, nancy):
    await wish(shop, nancy, "DIGEST")
    await say(shop, telling(nancy, "one"), telling(nancy, "two"))
    await day_comes(shop)
    shop.clock.move(timedelta(minutes=1))
    await shop.work()
    assert await states(shop) == {"one": "SENT", "two": "SENT"}


async def test_when_the_mails_cannot_even_be_asked_for_the_notice_says_so(shop, nancy):
    await say(shop, telling(nancy))
    async with shop.databases.control() as control:
        await control.fetch("UPDATE work.job SET tries = 13 WHERE kind = 'notices.mail'")
    await run_jobs(shop.databases, clock=shop.clock, settings=shop.settings)
    assert await states(shop) == {"srq:1": "NOT_SENT"}
    assert shop.mails_to(NANCY) == []


def test_looking_later_is_less_and_less_often(company):
    now = FixedClock().now()
    dues = [look_later(company.ref, ["k"], looked=n, now=now).due_at - now for n in range(12)]
    assert dues[0] == timedelta(seconds=30)
    assert all(later >= earlier for earlier, later in pairwise(dues))
    assert dues[-1] == timedelta(minutes=30)


async def test_reading_all_ends_at_the_notice_that_is_named(shop, nancy):
    for number in range(4):
        await say(shop, telling(nancy, f"srq:{number}"))
        shop.clock.move(timedelta(minutes=1))
    await say(shop, telling(shop.viewer.member_id, "of another"))
    notices = [row["id"] for row in await shop.fetch("SELECT id FROM notice ORDER BY created_at")]
    viewer = await shop.as_member(nancy)
    async with shop.databases.tenant_write(shop.company.ref) as write:
        assert await mark_all_read(write, viewer, up_to=notices[1], clock=shop.clock) == 2
    rows = await shop.fetch("SELECT id FROM notice WHERE read_at IS NOT NULL ORDER BY created_at")
    assert [row["id"] for row in rows] == notices[:2]
    async with shop.databases.tenant_write(shop.company.ref) as write:
        assert await mark_all_read(write, viewer, up_to=None, clock=shop.clock) == 2
        assert (await inbox_of(write, viewer)).unread == 0
    unread = await shop.fetch("SELECT member_id FROM notice WHERE read_at IS NULL")
    assert [row["member_id"] for row in unread] == [shop.viewer.member_id]
