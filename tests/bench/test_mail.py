"""Ten thousand mails, and ten thousand invitations, through relay and worker to a mail server that counts."""

import asyncio
import os
import smtplib
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
import redis
from sqlalchemy import insert

from kedang_platform.clock import SystemClock
from kedang_platform.ids import new_id
from kedang_platform.mail import Letter, Outgoing, post
from kedang_platform.work.wakeup import Waker
from kedang_tenants.catalogue import catalogue
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.correspondence.rule import KIND as CORRESPONDENCE
from kedang_tenants.people.viewers import system_viewer
from kedang_tenants.reading import EVERYTHING
from kedang_tenants.rules import establish
from kedang_tenants.surveys.audience import Audience
from kedang_tenants.surveys.by_hand import invite_to_survey
from kedang_tenants.surveys.sending import start_sending
from kedang_tenants.surveys.sending_out import send_part
from tests.support.answering import ask
from tests.support.database import SECRET

pytestmark = pytest.mark.bench

COUNT = 10_000
LETTER = Letter(
    subject="{company}: how satisfied are you?",
    paragraphs=(
        "Hello {name},",
        "not long ago we delivered to you. We would like to know how satisfied you are, in two minutes.",
    ),
    params={"company": "北风贸易 Northwind", "name": "李伟"},
    action="Answer the questions",
    url="https://kedang.example/s/abcdefghij.abcdefghijklmnopqrstuvwxyz234567",
    closing=("You get this mail because you are a contact of {company}.",),
)


class Sink:
    def __init__(self, port: int) -> None:
        self.port = port

    def counts(self) -> tuple[int, int]:
        """How many mails it took, and how many distinct ones they were."""
        with smtplib.SMTP("127.0.0.1", self.port) as client:
            client.ehlo()
            _, said = client.verify("counts")
        taken, distinct = said.decode().split()
        return int(taken), int(distinct)

    async def until_taken(self, count: int, *, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if (await asyncio.to_thread(self.counts))[1] >= count:
                return
            await asyncio.sleep(0.25)
        raise TimeoutError(f"{self.counts()} of {count}")


@pytest.fixture
def sink(serve):
    return Sink(serve("tests.bench.smtp_sink"))


@pytest.fixture
async def processes(databases, sink, work_environment, work_processes, work_redis_url, monkeypatch):
    """Relay and worker of the product, sending to the sink."""
    client = redis.Redis.from_url(work_redis_url)
    client.flushdb()
    waker = Waker(work_redis_url)
    monkeypatch.setattr(databases, "wake_relay", waker.wake)
    work_environment["KEDANG_SMTP_URL"] = f"smtp://127.0.0.1:{sink.port}"
    work_processes.start("kedang_workers.relay")
    worker = work_processes.start("kedang_workers.start")
    yield work_processes
    print(f"mail: {processor_seconds(worker.pid):.1f} s of the worker's processor time")
    work_processes.end_all()
    await waker.close()
    client.flushdb()
    client.close()


def processor_seconds(pid: int) -> float:
    """The processor time of a process from its start; unlike the clock's it hardly depends on what else runs."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def write(databases, count: int, *, name: str) -> None:
    for begin in range(0, count, 1_000):
        mails = [
            Outgoing(LETTER, f"contact.{number}@customer.example", "zh-CN", f"{name}:{number}")
            for number in range(begin, min(begin + 1_000, count))
        ]
        async with databases.control() as control:
            await post(control, mails, sender="Kedang <no-reply@kedang.example>", now=datetime.now(UTC))


async def write_mails_of_nobody(databases, sink) -> None:
    """Fifty mails, after which all that is kept is kept."""
    await write(databases, 50, name="warm")
    await sink.until_taken(50, seconds=30)


@pytest.mark.requirement("V3")
async def test_ten_thousand_rendered_mails_reach_the_mail_server(databases, sink, processes):
    await write_mails_of_nobody(databases, sink)
    started = time.perf_counter()
    await write(databases, COUNT, name="mail")
    posted = time.perf_counter() - started
    await sink.until_taken(COUNT + 50, seconds=300)
    took = time.perf_counter() - started
    await processes.until_idle()
    print(
        f"\nmail: {COUNT} rendered mails in the sink after {took:.1f} s"
        f" ({COUNT / took:.0f}/s; stored in {posted:.1f} s)"
    )
    assert sink.counts() == (COUNT + 50, COUNT + 50)
    assert took <= 90


async def customers_with_contacts(databases, company, count: int, *, first: int = 0) -> list[UUID]:
    """Customers with one contact each, as rows: how they came is measured elsewhere."""
    now = datetime.now(UTC)
    common = {"version": 1, "created_at": now, "updated_at": now, "custom": {}}
    customers = [
        common
        | {
            "id": new_id(),
            "name": f"Customer {number}",
            "name_sort": f"customer {number}",
            "directory": "COMPANY",
            "roles": [],
            "state": "CURRENT",
            "direct": True,
        }
        for number in range(first, first + count)
    ]
    contacts = [
        common
        | {
            "id": new_id(),
            "customer_id": customer["id"],
            "name": f"Contact {number}",
            "name_sort": f"contact {number}",
            "email": f"contact.{number}@customer.example",
            "head_of_department": False,
            "primary": True,
        }
        for number, customer in enumerate(customers, first)
    ]
    async with databases.tenant_write(company.ref) as write:
        for record, rows in (("customer", customers), ("contact", contacts)):
            table = catalogue().record(record).table
            known = set(table.c.keys())
            await write.execute(
                insert(table), [{name: value for name, value in row.items() if name in known} for row in rows]
            )
    return [customer["id"] for customer in customers]


async def every_rule(databases, company) -> None:
    """Quiet hours (not now), a cap, and addresses that are written to no more."""
    hour = datetime.now(ZoneInfo(company.time_zone)).hour
    quiet = {"from": f"{(hour + 3) % 24:02}:00", "until": f"{(hour + 4) % 24:02}:00"}
    content = {"quiet": quiet, "most": {"mails": 3, "days": 7}}
    async with databases.tenant_write(company.ref) as write:
        viewer = await system_viewer(write, company=company)
        await establish(write, viewer, kind=CORRESPONDENCE, content=content, clock=SystemClock())
        gone = [
            Change("mail_suppression", "create", values={"address": f"gone.{number}@customer.example"})
            for number in range(1_000)
        ]
        await change_internally(write, viewer, gone, clock=SystemClock())


@pytest.mark.requirement("V3")
async def test_ten_thousand_invitations_reach_the_mail_server(databases, company, sink, processes):
    asked = await ask(databases, company)
    await every_rule(databases, company)
    await asked.factory.update("questionnaire", asked.questionnaire_id, active=True)
    customers = await customers_with_contacts(databases, company, COUNT)
    async with databases.tenant_write(company.ref) as write:
        for table in ("customer", "contact"):
            await write.fetch(f"ANALYZE {table}")
    await write_mails_of_nobody(databases, sink)
    started = time.perf_counter()
    async with databases.tenant_write(company.ref) as write:
        viewer = await system_viewer(write, company=company)
        await invite_to_survey(
            write,
            viewer,
            questionnaire_id=asked.questionnaire_id,
            customer_ids=customers,
            clock=SystemClock(),
        )
    await sink.until_taken(COUNT + 50, seconds=300)
    took = time.perf_counter() - started
    await processes.until("SELECT count(*) = 0 FROM work.job WHERE state <> 'done'", seconds=120)
    noted = time.perf_counter() - started
    print(
        f"\nmail: {COUNT} invitations in the sink after {took:.1f} s ({COUNT / took:.0f}/s),"
        f" all noted as sent after {noted:.1f} s"
    )
    assert sink.counts() == (COUNT + 50, COUNT + 50)
    (sent,) = await asked.rows("SELECT count(*) AS n FROM survey_invitation WHERE state = 'SENT'")
    assert sent["n"] == COUNT
    assert took <= 60


@pytest.mark.requirement("V3")
async def test_a_hundred_thousand_invitations_are_made_in_steps(databases, company):
    """A campaign to everybody, its mails due tomorrow: how many a second, and what memory it takes."""
    count = 100_000
    asked = await ask(databases, company)
    await every_rule(databases, company)
    await asked.factory.update("questionnaire", asked.questionnaire_id, active=True)
    for begin in range(0, count, COUNT):
        await customers_with_contacts(databases, company, COUNT, first=begin)
    async with databases.tenant_write(company.ref) as write:
        for table in ("customer", "contact"):
            await write.fetch(f"ANALYZE {table}")
    async with databases.control() as control:
        await control.fetch("DELETE FROM work.job")
    async with databases.tenant_write(company.ref) as write:
        started = await start_sending(
            write,
            await system_viewer(write, company=company),
            questionnaire_id=asked.questionnaire_id,
            kind="CAMPAIGN",
            name="Everybody",
            audience=[Audience("customer", EVERYTHING)],
            send_at=datetime.now(UTC) + timedelta(days=1),
            clock=SystemClock(),
        )
        await write.fetch("UPDATE survey_sending SET state = 'RUNNING' WHERE id = $1", started.sending_id)
    steps, over, memory = [], False, []
    begun = time.perf_counter()
    while not over:
        before = time.perf_counter()
        async with databases.tenant_write(company.ref) as write:
            stepped = await send_part(
                write, company=company, sending_id=started.sending_id, secret=SECRET, clock=SystemClock()
            )
        steps.append(time.perf_counter() - before)
        memory.append(resident())
        over = stepped.over
    took = time.perf_counter() - begun
    print(
        f"\nmail: {count} invitations made in {took:.1f} s ({count / took:.0f}/s), a step {max(steps):.2f} s at most;"
        f" {memory[-1] - memory[10]:+.0f} MB from the tenth step to the last"
    )
    (made,) = await asked.rows("SELECT count(*) AS n FROM survey_invitation WHERE state = 'PENDING'")
    assert made["n"] == count
    assert memory[-1] - memory[10] < 50


def resident() -> float:
    """The memory of this process, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
