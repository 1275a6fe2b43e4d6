"""Ten thousand mails through relay and worker, as `kedang up` runs them, to a mail server that counts."""

import asyncio
import smtplib
import time
from datetime import UTC, datetime

import pytest
import redis

from kedang_platform.mail import Letter, Outgoing, post
from kedang_platform.work.wakeup import Waker

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
    work_processes.start("kedang_workers.start")
    yield work_processes
    work_processes.end_all()
    await waker.close()
    client.flushdb()
    client.close()


async def write(databases, count: int, *, name: str) -> None:
    for begin in range(0, count, 1_000):
        mails = [
            Outgoing(LETTER, f"contact.{number}@customer.example", "zh-CN", f"{name}:{number}")
            for number in range(begin, min(begin + 1_000, count))
        ]
        async with databases.control() as control:
            await post(control, mails, sender="Kedang <no-reply@kedang.example>", now=datetime.now(UTC))


@pytest.mark.requirement("V3")
async def test_ten_thousand_rendered_mails_reach_the_mail_server(databases, sink, processes):
    await write(databases, 50, name="warm")
    await sink.until_taken(50, seconds=30)
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
