"""A thousand invitations through a real mail server, with workers killed on the way: each arrives, each is answered once."""

import asyncio
import email.policy
import hashlib
import re
import signal
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from aiosmtpd.smtp import SMTP

from kedang_platform.clock import FixedClock
from kedang_platform.secret_links import read_secret_part
from kedang_tenants.surveys.answering import submit_answer
from kedang_tenants.surveys.entries import Entry
from tests.support.surveying import survey
from tests.support.workers import run_jobs

COUNT = 1_000
PROCESS = "tests.support.work_process"


class Sink:
    """A mail server that takes everything: what came in, by Message-ID."""

    def __init__(self) -> None:
        self.mails: dict[str, list[tuple[str, str]]] = defaultdict(list)

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - aiosmtpd's name
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        (link,) = set(re.findall(r"http\S+/s/(\S+)", message.get_body(("plain",)).get_content()))
        self.mails[message["Message-ID"]].append((envelope.rcpt_tos[0], link))
        return "250 OK"


@pytest.fixture
async def sink(work_environment):
    sink = Sink()
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(sink, hostname="sink.example", enable_SMTPUTF8=True), "127.0.0.1", 0
    )
    work_environment["KEDANG_SMTP_URL"] = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield sink


async def until(work_processes, counted, least, *, seconds=60):
    deadline = time.monotonic() + seconds
    while await counted() < least:
        if time.monotonic() > deadline:
            raise TimeoutError(work_processes.said())
        await asyncio.sleep(0.02)


async def people(shop) -> list:
    customers = await shop.create_many("customer", [{"name": f"Customer {n}"} for n in range(COUNT)])
    return await shop.create_many(
        "contact",
        [
            {"customer_id": customer, "name": f"Person {n}", "email": f"p{n:04}@x.example"}
            for n, customer in enumerate(customers)
        ],
    )


@pytest.mark.requirement("V3", "V4", "O1")
async def test_every_one_of_a_thousand_invitations_arrives_though_workers_are_killed(
    shop, sink, work_processes
):
    asked = await survey(shop, "ON_VISIT")
    contacts = await people(shop)
    async with shop.databases.control() as control:
        await control.fetch("DELETE FROM work.job")  # what the making of a thousand customers asked for
    await asked.send(contact_ids=contacts)
    random = Random(20261122)
    relay = work_processes.start(PROCESS, "relay")
    worker = work_processes.start(PROCESS, "product")

    async def made():
        return await shop.value("SELECT count(*) FROM survey_invitation")

    async def taken():
        return len(sink.mails)

    await until(work_processes, made, random.randrange(1, 600))
    for least in (random.randrange(1, 300), random.randrange(400, 900), COUNT):
        work_processes.end(worker, number=signal.SIGKILL)
        worker = work_processes.start(PROCESS, "product")
        await until(work_processes, taken, least)
    await work_processes.until("SELECT bool_and(state = 'done') FROM work.job WHERE kind = 'mail.send'")
    for process in (relay, worker):
        work_processes.end(process, number=signal.SIGKILL)
    await check_outcomes(shop, asked)
    await check_mails(asked, sink, contacts)
    await check_answers(shop, asked, sink)


async def check_outcomes(shop, asked):
    """Whoever looks at the mails again, later, notes all of them as sent: also where a look was cut off."""
    much_later = FixedClock(datetime.now(UTC) + timedelta(hours=1))
    await run_jobs(shop.databases, clock=much_later, settings=shop.settings)
    assert {row["state"] for row in await asked.invitations()} == {"SENT"}


async def check_mails(asked, sink, contacts):
    """One row and one mail each; what was sent once more has the same Message-ID and the same link."""
    rows = await asked.invitations()
    assert sorted(row["contact_id"] for row in rows) == sorted(contacts)
    assert len(sink.mails) == COUNT
    arrived = {copies[0] for copies in sink.mails.values()}
    assert all(set(copies) == {copies[0]} for copies in sink.mails.values())
    hashes = {row["token_hash"]: row["recipient"] for row in rows}
    assert len(hashes) == COUNT
    assert {
        (hashes[hashlib.sha256(read_secret_part(link)[1]).digest()], link) for _, link in arrived
    } == arrived


async def check_answers(shop, asked, sink):
    """Everybody hands an answer in, every fifth of them twice at the same moment: one of each is stored."""
    viewer = await shop.product()
    item = (await asked.items())["price_value"]["id"]
    by_hash = {row["token_hash"]: row["id"] for row in await asked.invitations()}
    links = sorted(copies[0][1] for copies in sink.mails.values())
    ids = [by_hash[hashlib.sha256(read_secret_part(link)[1]).digest()] for link in links]

    async def answer(invitation_id):
        entries = [Entry(item, {"level": "FAIRLY_SATISFIED"})]
        async with shop.databases.tenant_write(shop.company.ref) as write:
            await submit_answer(write, viewer, invitation_id=invitation_id, entries=entries, clock=shop.clock)

    for begin in range(0, len(ids), 25):
        part = ids[begin : begin + 25]
        await asyncio.gather(*(answer(each) for each in part + part[::5]))
    answers = await shop.fetch("SELECT invitation_id, state FROM survey_answer")
    assert sorted(row["invitation_id"] for row in answers) == sorted(ids)
    assert {row["state"] for row in answers} == {"SUBMITTED"}
    assert await shop.value("SELECT count(*) FROM survey_item_answer") == len(ids) == COUNT
