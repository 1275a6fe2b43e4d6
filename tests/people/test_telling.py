"""Telling: one notice and one mail per event and person, whatever happens in between (T10)."""

import asyncio
from collections import Counter
from datetime import timedelta

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kedang_platform.ids import new_id
from kedang_platform.mail import post
from kedang_tenants.people.notice_choices import DEFAULT_CHANNELS
from kedang_tenants.people.notice_mails import mails_of
from kedang_tenants.people.notices import KINDS
from kedang_tenants.people.telling import Telling, tell

TITLE = "Request {number} is yours"
BODY = "{customer} asks for help.\nIt is {kind}."


def telling(member, occasion="srq:1", kind="REQUEST_ASSIGNED", **params):
    said = {"number": "SR-2026-1", "customer": "QUICK-Stop", "kind": {"en": "urgent", "zh": "紧急"}} | params
    return Telling(kind, member, occasion, TITLE, BODY, said)


async def say(shop, *tellings):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        return await tell(write, await shop.product(), tellings, clock=shop.clock)


@pytest.fixture
async def nancy(shop):
    return await shop.hire("Nancy Davolio", "SERVICE_AGENT")


NANCY = "nancy.davolio@northwind.example"


@pytest.mark.requirement("T10")
async def test_a_member_is_told_in_the_inbox_and_by_mail_in_their_language(shop, nancy):
    li = await shop.hire("Li Wei", "SERVICE_AGENT", language="ZH_CN")
    request = new_id()
    about = ("customer", request)
    one = telling(nancy)
    told = await say(shop, Telling(**{**_fields(one), "about": about}), telling(li))
    assert told == 2
    await shop.work()
    (row,) = await shop.fetch("SELECT * FROM notice WHERE member_id = $1", nancy)
    assert orjson.loads(row["title"])["en"] == "Request SR-2026-1 is yours"
    assert orjson.loads(row["body"]) == {
        "en": "QUICK-Stop asks for help.\nIt is urgent.",
        "zh": "QUICK-Stop asks for help.\nIt is 紧急.",
    }
    assert (row["about"], row["channel"], row["mail_state"]) == (f"cus_{request.hex}", "EMAIL", "QUEUED")
    assert orjson.loads(row["details"])["number"] == "SR-2026-1"
    (mail,) = shop.mails_to(NANCY)
    assert mail.subject == "Request SR-2026-1 is yours"
    assert "Hello Nancy Davolio,\n\nQUICK-Stop asks for help.\n\nIt is urgent.\n" in mail.text
    (chinese,) = shop.mails_to("li.wei@northwind.example")
    assert "紧急" in chinese.text
    assert "urgent" not in chinese.text


def _fields(one):
    return {name: getattr(one, name) for name in Telling.__slots__}


async def test_nobody_is_told_twice_of_an_occasion(shop, nancy):
    assert await say(shop, telling(nancy), telling(nancy)) == 1
    assert await say(shop, telling(nancy, number="SR-2026-2")) == 0
    assert await say(shop, telling(nancy, "srq:2")) == 1
    await shop.work()
    assert await shop.value("SELECT count(*) FROM notice") == 2
    assert len(shop.mails_to(NANCY)) == 2


@pytest.mark.requirement("T10")
async def test_many_at_once_tell_everybody_once(shop):
    members = [await shop.hire(f"Agent {n}", "SERVICE_AGENT") for n in range(5)]

    async def once(turn):
        tellings = [telling(m, f"srq:{n}") for n in range(3) for m in members]
        return await say(shop, *(tellings if turn % 2 else reversed(tellings)))

    told = await asyncio.gather(*(once(turn) for turn in range(12)))
    assert sorted(told) == [0] * 11 + [15]
    await shop.work()
    rows = await shop.fetch("SELECT member_id, occasion FROM notice")
    assert Counter((r["member_id"], r["occasion"]) for r in rows) == {
        (m, f"srq:{n}"): 1 for m in members for n in range(3)
    }
    assert [len(shop.mails_to(f"agent.{n}@northwind.example")) for n in range(5)] == [3] * 5


async def test_what_is_rolled_back_was_never_told(shop, nancy):
    async def breaks_off():
        async with shop.databases.tenant_write(shop.company.ref) as write:
            await tell(write, await shop.product(), [telling(nancy)], clock=shop.clock)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await breaks_off()
    await shop.work()
    assert await shop.value("SELECT count(*) FROM notice") == 0
    assert shop.mails_to(NANCY) == []


async def test_the_mail_leaves_once_though_its_job_is_done_again(shop, nancy):
    await say(shop, telling(nancy))
    await shop.work()
    async with shop.databases.control() as control:
        await control.fetch(
            "UPDATE work.job SET state = 'waiting', finished_at = NULL WHERE kind IN ('notices.mail', 'mail.send')"
        )
    await shop.work()
    async with shop.databases.tenant_read(shop.company.ref) as read:
        again = await mails_of(
            read,
            [row["mail_key"] for row in await read.fetch("SELECT mail_key FROM notice")],
            now=shop.clock.now(),
        )
    async with shop.databases.control() as control:
        await post(control, again, sender="Kedang <a@x.example>", now=shop.clock.now())
    await shop.work()
    assert len(again) == 1
    assert len(shop.mails_to(NANCY)) == 1


async def test_who_is_suspended_or_gone_is_not_told_and_who_is_invited_gets_no_mail(shop):
    away = await shop.hire("Away", "SERVICE_AGENT", state="SUSPENDED")
    invited = await shop.hire("Invited", "SERVICE_AGENT", state="INVITED")
    assert await say(shop, telling(away), telling(invited), telling(new_id())) == 1
    await shop.work()
    assert await shop.fetch("SELECT member_id, channel, mail_state FROM notice") == [
        {"member_id": invited, "channel": "INBOX", "mail_state": None}
    ]
    for name in ("away", "invited"):
        assert shop.mails_to(f"{name}@northwind.example") == []


async def test_who_is_suspended_before_the_mail_leaves_gets_none_and_the_notice_says_so(shop, nancy):
    await say(shop, telling(nancy))
    change = "UPDATE member SET state = 'SUSPENDED' WHERE id = $1"
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await write.fetch(change, nancy)
    await shop.work()
    shop.clock.move(timedelta(minutes=1))
    await shop.work()
    assert shop.mails_to(NANCY) == []
    assert await shop.value("SELECT mail_state FROM notice") == "NOT_SENT"


async def test_a_long_name_or_one_with_a_line_break_is_no_obstacle(shop, nancy):
    name = "Very\nlong " * 500
    assert await say(shop, telling(nancy, number=name, customer=name * 10)) == 1
    await shop.work()
    row = (await shop.fetch("SELECT title->>'en' AS title, body->>'en' AS body FROM notice"))[0]
    assert (len(row["title"]) <= 300, "\n" in row["title"], len(row["body"]) <= 20_000) == (True, False, True)
    assert len(shop.mails_to(NANCY)) == 1


_EVENTS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), max_size=12)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calls=st.lists(_EVENTS, max_size=4))
async def test_whatever_is_told_in_whatever_order_each_event_is_told_once_to_each(shop, calls):
    run = new_id().hex
    members = [await shop.hire(f"{run} {n}", "SERVICE_AGENT") for n in range(3)]
    told = [await say(shop, *(telling(members[m], f"{run}:{o}") for m, o in events)) for events in calls]
    rows = await shop.fetch("SELECT member_id, occasion FROM notice WHERE occasion LIKE $1", f"{run}:%")
    assert len(rows) == sum(told)
    assert {(r["member_id"], r["occasion"]) for r in rows} == {
        (members[m], f"{run}:{o}") for events in calls for m, o in events
    }
    assert len({(r["member_id"], r["occasion"]) for r in rows}) == len(rows)


def test_every_kind_has_a_default():
    assert set(DEFAULT_CHANNELS) == {option.code for option in KINDS}
