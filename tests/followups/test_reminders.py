"""Reminders: each member once a day, in their language, with what is due; a killed worker loses and doubles nothing."""

import asyncio
import time
from datetime import date, timedelta

import orjson
import pytest

from kedang_platform.errors import Forbidden, NotFound, Refused
from kedang_platform.mail import list_mails
from kedang_platform.work import NewJob, enqueue, job_status
from kedang_tenants.changing import Change
from kedang_tenants.followups.reminders import send_reminders
from kedang_tenants.people.inbox import mark_notice_read
from tests.support.workers import run_jobs

FRIDAY = date(2026, 3, 6)
PROCESS = "tests.support.work_process"
ENGLISH = """\
Hello Nancy Davolio, this waits for you, the most urgent first:

- Berglunds snabbköp: follow-up, due on 2026-03-02, days overdue: 4 – Talk about the spring catalogue
- Around the Horn: follow-up, due today

Recording the follow-up sets the next date.

----------------------------------------

Kedang, customer archives
"""
CHINESE = """\
Li Wei，您好！以下事项待您处理，最紧急的在前：

- 三木：跟进，应于 2026-03-05 完成，已逾期 1 天

登记跟进记录后，系统会自动安排下次跟进日期。

----------------------------------------

客档 · 客户档案管理
"""


async def plan(shop, owner, due_on, name="Alfreds Futterkiste", **values):
    customer = await shop.create("customer", name=name, owner_id=owner)
    return await shop.create("follow_up_plan", customer_id=customer, owner_id=owner, due_on=due_on, **values)


async def ask(shop, day=FRIDAY, viewer=None):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        return await send_reminders(write, viewer or shop.viewer, day=day)


@pytest.mark.requirement("T10", "F1")
async def test_everybody_is_told_what_is_due_in_their_language(shop):
    davolio = await shop.hire("Nancy Davolio", "REPRESENTATIVE")
    li = await shop.hire("Li Wei", "REPRESENTATIVE", language="ZH_CN")
    idle = await shop.hire("Idle Idler", "REPRESENTATIVE")
    await plan(shop, davolio, FRIDAY, "Around the Horn")
    await plan(
        shop,
        davolio,
        FRIDAY - timedelta(days=4),
        "Berglunds snabbköp",
        purpose="Talk about the spring catalogue",
    )
    await plan(shop, davolio, FRIDAY + timedelta(days=1), "Not yet")
    await plan(shop, davolio, FRIDAY, "Done", state="DONE")
    await plan(shop, li, FRIDAY - timedelta(days=1), "三木")
    await ask(shop)
    await shop.work()

    (mail,) = shop.mails_to("nancy.davolio@northwind.example")
    assert mail.subject == "Due on 2026-03-06: 2"
    assert mail.text == ENGLISH
    (chinese,) = shop.mails_to("li.wei@northwind.example")
    assert chinese.subject == "2026-03-06 待办事项：1 项"
    assert chinese.text == CHINESE
    assert shop.mails_to("idle.idler@northwind.example") == []

    notices = await shop.fetch(
        "SELECT member_id, kind, title, body, details, read_at FROM notice ORDER BY id"
    )
    assert {row["member_id"] for row in notices} == {davolio, li}
    assert idle not in {row["member_id"] for row in notices}
    (told,) = [row for row in notices if row["member_id"] == davolio]
    assert (told["kind"], told["read_at"]) == ("FOLLOW_UPS_DUE", None)
    assert orjson.loads(told["title"])["en"] == "Due on 2026-03-06: 2"
    lines = [line.removeprefix("- ") for line in ENGLISH.splitlines() if line.startswith("- ")]
    assert orjson.loads(told["body"])["en"].splitlines() == lines
    plans = {
        row["due_on"]: f"fpl_{row['id'].hex}"
        for row in await shop.fetch(
            "SELECT id, due_on FROM follow_up_plan WHERE owner_id = $1 AND state = 'PLANNED'", davolio
        )
    }
    common = {
        "source": "follow_up.plan",
        "reason": {"en": "follow-up", "zh": "跟进"},
        "ofCustomer": True,
        "number": None,
        "level": None,
    }
    details = orjson.loads(told["details"])
    assert (details["day"], details["due"]) == ("2026-03-06", 2)
    assert details["items"] == [
        {
            **common,
            "record": plans[date(2026, 3, 2)],
            "customer": "Berglunds snabbköp",
            "why": {"en": "Talk about the spring catalogue", "zh": "Talk about the spring catalogue"},
            "dueOn": "2026-03-02",
            "daysOverdue": 4,
        },
        {
            **common,
            "record": plans[FRIDAY],
            "customer": "Around the Horn",
            "why": None,
            "dueOn": "2026-03-06",
            "daysOverdue": 0,
        },
    ]


async def test_the_grade_stands_beside_the_name(shop):
    davolio = await shop.hire("Nancy Davolio", "REPRESENTATIVE")
    await shop.publish_default_scheme()
    await shop.create("customer", name="Ernst Handel", number="ERNSH", roles=["BUYER"], owner_id=davolio)
    await shop.work()
    await ask(shop, date(2026, 9, 1))
    await shop.work()
    (mail,) = shop.mails_to("nancy.davolio@northwind.example")
    assert (
        "- Ernst Handel (E): follow-up, due on 2026-08-31, days overdue: 1 – The first working day at least 180 days"
        " after 2026-03-02, when the customer was assigned, as level E asks." in mail.text
    )


async def test_nobody_is_reminded_twice_of_one_day(shop):
    davolio = await shop.hire("Nancy Davolio", "REPRESENTATIVE")
    await plan(shop, davolio, FRIDAY)
    await ask(shop)
    await ask(shop)
    await shop.work()
    await plan(shop, davolio, FRIDAY, "Another")
    await ask(shop)
    await shop.work()
    assert await shop.value("SELECT count(*) FROM notice") == 1
    assert len(shop.mails_to("nancy.davolio@northwind.example")) == 1
    await ask(shop, FRIDAY + timedelta(days=3))
    await shop.work()
    assert await shop.value("SELECT count(*) FROM notice") == 2
    assert len(shop.mails_to("nancy.davolio@northwind.example")) == 2


async def test_who_is_suspended_is_not_told_and_who_is_only_invited_gets_no_mail(shop):
    away = await shop.hire("Away", "REPRESENTATIVE", state="SUSPENDED")
    invited = await shop.hire("Invited", "REPRESENTATIVE", state="INVITED")
    for member in (away, invited):
        await plan(shop, member, FRIDAY, f"Customer of {member}")
    gone = await shop.create("customer", name="Gone")
    await shop.create("follow_up_plan", customer_id=gone, owner_id=shop.viewer.member_id, due_on=FRIDAY)
    await shop.archive("customer", gone)
    await ask(shop)
    await shop.work()
    assert [row["member_id"] for row in await shop.fetch("SELECT member_id FROM notice")] == [invited]
    for address in ("away", "invited", "andrew.fuller"):
        assert shop.mails_to(f"{address}@northwind.example") == []


async def test_a_long_digest_names_the_most_overdue_and_counts_the_rest(shop, monkeypatch):
    monkeypatch.setattr("kedang_tenants.followups.reminders.LISTED", 2)
    davolio = await shop.hire("Nancy Davolio", "REPRESENTATIVE")
    for late in range(4):
        await plan(shop, davolio, FRIDAY - timedelta(days=late), f"Customer {late}")
    await ask(shop)
    await shop.work()
    (mail,) = shop.mails_to("nancy.davolio@northwind.example")
    lines = [line for line in mail.text.splitlines() if line.startswith("- ")]
    assert lines == [
        "- Customer 3: follow-up, due on 2026-03-03, days overdue: 3",
        "- Customer 2: follow-up, due on 2026-03-04, days overdue: 2",
        "- And further things that are due: 2",
    ]
    assert mail.subject == "Due on 2026-03-06: 4"


async def test_reminders_go_out_by_themselves_on_working_days_only(shop):
    davolio = await shop.hire("Nancy Davolio", "REPRESENTATIVE")
    await plan(shop, davolio, FRIDAY)
    await shop.create("calendar_day", day=date(2026, 3, 7), kind="WORKING_DAY", name="Stocktaking")
    await shop.work()
    for day, told in ((date(2026, 3, 8), 0), (date(2026, 3, 6), 1), (date(2026, 3, 7), 2)):
        await _occur(shop, day)
        assert await shop.value("SELECT count(*) FROM notice") == told


async def _occur(shop, day):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await enqueue(write, NewJob("followups.remind", {"date": day.isoformat()}))
    await shop.work()


async def test_only_those_who_see_everybody_s_plans_have_everybody_reminded(shop):
    davolio = await shop.hire("Nancy Davolio", "REPRESENTATIVE")
    await shop.work()
    with pytest.raises(Forbidden):
        await ask(shop, viewer=await shop.as_member(davolio))
    assert (await shop.work()).total == 0


async def test_a_notice_is_read_by_its_member_once(shop):
    davolio = await shop.hire("Nancy Davolio", "REPRESENTATIVE")
    await plan(shop, davolio, FRIDAY)
    await ask(shop)
    await shop.work()
    notice = await shop.value("SELECT id FROM notice")

    async def read_as(viewer):
        async with shop.databases.tenant_write(shop.company.ref) as write:
            await mark_notice_read(write, viewer, notice_id=notice, clock=shop.clock)

    with pytest.raises(NotFound):
        await read_as(shop.viewer)
    assert await shop.value("SELECT read_at FROM notice") is None
    first = shop.clock.now()
    await read_as(await shop.as_member(davolio))
    shop.clock.move(timedelta(hours=1))
    await read_as(await shop.as_member(davolio))
    assert await shop.value("SELECT read_at FROM notice") == first


async def staff(shop, number):
    """So many representatives, each with one customer to be contacted on Friday."""
    members = await shop.change(
        *(
            Change(
                "member",
                "create",
                values={
                    "name": f"Representative {n:04}",
                    "email": f"r{n:04}@northwind.example",
                    "roles": ["REPRESENTATIVE"],
                    "state": "ACTIVE",
                    "seat": "FULL",
                },
            )
            for n in range(number)
        ),
        internally=True,
    )
    customers = await shop.create_many("customer", [{"name": f"Customer {n}"} for n in range(number)])
    rows = [
        {"customer_id": customer, "owner_id": member, "due_on": FRIDAY}
        for customer, member in zip(customers, members, strict=True)
    ]
    await shop.create_many("follow_up_plan", rows)
    return members


async def test_reminding_goes_on_behind_the_last_step(shop):
    await staff(shop, 250)
    await shop.work()
    job = await ask(shop)
    await shop.work()
    async with shop.databases.tenant_read(shop.company.ref) as read:
        status = await job_status(read, job)
    assert (status.progress.done, status.progress.total, status.result) == (
        250,
        250,
        {"seen": 250, "changed": 250},
    )
    assert await shop.value("SELECT count(*) FROM work.job WHERE kind = 'notices.mail'") == 3


@pytest.mark.parametrize("day", [date.min, date(1999, 12, 31), date(2101, 1, 1), date.max])
async def test_a_day_out_of_reach_is_refused(shop, day):
    await shop.work()
    with pytest.raises(Refused) as refused:
        await ask(shop, day)
    assert [(error.code, error.path) for error in refused.value.errors] == [
        ("OUT_OF_RANGE", ("input", "date"))
    ]
    assert (await shop.work()).total == 0


@pytest.mark.requirement("T10", "O1")
async def test_four_hundred_reminders_survive_a_worker_that_is_killed(shop, work_processes, tmp_path):
    """The product's own processes, but that they look every 0.3 s for what a dead worker held for 2 s."""
    members = await staff(shop, 400)
    await run_jobs(shop.databases, clock=shop.clock, settings=shop.settings)
    await ask(shop)
    work_processes.start(PROCESS, "relay")
    worker = work_processes.start(PROCESS, "product")
    folder = tmp_path / "mail"
    await _until(lambda: _notices(shop), 100, work_processes)
    work_processes.end(worker, number=9)
    assert await _notices(shop) < 400
    worker = work_processes.start(PROCESS, "product")
    await _until(lambda: _mails(folder), 100, work_processes)
    work_processes.end(worker, number=9)
    assert await _mails(folder) < 400
    work_processes.start(PROCESS, "product")
    await work_processes.until_idle(seconds=180)

    told = await shop.fetch("SELECT member_id, count(*) FROM notice GROUP BY 1")
    assert {row["member_id"]: row["count"] for row in told} == dict.fromkeys(members, 1)
    addresses = sorted(mail.recipient for mail in list_mails(folder, limit=10_000))
    assert addresses == [f"r{n:04}@northwind.example" for n in range(400)]
    async with shop.databases.control_read() as read:
        states = {row[0] for row in await read.fetch("SELECT state FROM platform.mail")}
    assert states == {"sent"}


async def _notices(shop):
    return await shop.value("SELECT count(*) FROM notice")


async def _mails(folder):
    return sum(1 for _ in folder.glob("*.eml"))


async def _until(count, number, work_processes):
    deadline = time.monotonic() + 90
    while await count() < number:
        if time.monotonic() > deadline:
            raise TimeoutError(work_processes.said())
        await asyncio.sleep(0.02)
