"""Values planted in every field that the API takes appear in no log, no trace and no figure of any process (O3)."""

import asyncio
import re
import time
from collections import Counter
from contextlib import asynccontextmanager, suppress
from random import Random

import aiosmtplib
import httpx
import orjson
import pytest
from aiosmtpd.controller import Controller

from kedang_platform.clock import SystemClock
from kedang_platform.embedded import free_port
from kedang_platform.mail import Letter, Outgoing, post
from kedang_platform.work import NewJob, enqueue
from tests.observing.broken_house import BROKEN
from tests.observing.planting import FIRST, Garden, Walk, listings, plant_rows
from tests.support.database import SECRET
from tests.support.factories import Factory
from tests.support.gateway import GraphQLClient
from tests.support.members import make_key, make_member
from tests.wall.sides import Side

pytestmark = pytest.mark.requirement("O3")

TOKEN = "a token for the metrics of tests"
HOUSE = "tests.observing.broken_house"
BESIDE = ("relay", "worker", "scheduler", "bounces")
HOOK = """mutation ($name: String!, $url: String!) {
  createWebhook(input: {name: $name, url: $url, events: [CUSTOMER_CREATED]}) { userErrors { code message } }
}"""


class Refusing:
    """A mail server that repeats whom a mail is for, and webhooks' other side that repeats what it was sent."""

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        return f"550 5.1.1 <{address}>: no such user here"


@asynccontextmanager
async def collector():
    """Takes whatever is sent to it by HTTP and keeps the bytes; answers with them, and with an error to webhooks."""
    kept = []

    async def connected(reader, writer):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length:")
            )
            body = await reader.readexactly(length)
            traces = b"/v1/traces" in head.split(b"\r\n")[0]
            if traces:
                kept.append(body)
            status = b"200 OK" if traces else b"500 " + body[:40].replace(b"\r", b"").replace(b"\n", b"")
            writer.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            await writer.drain()
        except (asyncio.IncompleteReadError, OSError, StopIteration):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", kept
    finally:
        server.close()


class House:
    """Every process that an installation has, and everything that they tell."""

    def __init__(self, work_processes, environment, url, kept):
        self.processes, self.environment, self.kept = work_processes, environment, kept
        self.ports = {name: free_port() for name in ("gateway", *BESIDE)}
        self.returned = free_port()
        environment |= {
            "KEDANG_PORT": str(self.ports["gateway"]),
            "KEDANG_BOUNCE_LISTEN": f"smtp://127.0.0.1:{self.returned}",
            "KEDANG_METRICS_TOKEN": TOKEN,
            "KEDANG_LOG_LEVEL": "debug",
            "KEDANG_OTLP_ENDPOINT": f"{url}/v1/traces",
            "KEDANG_OUTGOING_ALLOWED": "127.0.0.0/8",
            "KEDANG_COST_POINTS": "1000000000",
            "KEDANG_SLOW_SQL_SECONDS": "0.000001",
            "KEDANG_MEASURING_INTERVAL": "1",
        }
        self.figures = b""

    def start(self, name, *command):
        self.environment["KEDANG_METRICS_PORT"] = str(self.ports[name])
        return self.processes.start(*command)

    def start_all(self):
        self.started = [
            self.start("gateway", HOUSE, "gateway"),
            self.start("worker", HOUSE, "worker"),
            self.start("relay", "tests.support.work_process", "relay"),
            self.start("scheduler", "kedang_workers.schedule"),
            self.start("bounces", "kedang_workers.bounces"),
        ]

    async def ready(self):
        async with httpx.AsyncClient() as http:
            for name, port in self.ports.items():
                deadline = time.monotonic() + 120
                while True:
                    assert time.monotonic() < deadline, (name, self.processes.said())
                    try:
                        answer = await http.get(f"http://127.0.0.1:{port}/readyz")
                    except httpx.HTTPError:
                        await asyncio.sleep(0.05)
                        continue
                    if answer.status_code == 200:
                        break

    async def read_figures(self):
        async with httpx.AsyncClient(headers={"authorization": f"Bearer {TOKEN}"}) as http:
            for port in self.ports.values():
                answer = await http.get(f"http://127.0.0.1:{port}/metrics")
                assert answer.status_code == 200
                self.figures += answer.content

    def end(self):
        for process in self.started:
            assert self.processes.end(process) in {0, -15}

    @property
    def said(self):
        return self.processes.said().encode()


@pytest.fixture
async def house(work_processes, work_environment):
    async with collector() as (url, kept):
        sink = Controller(Refusing(), hostname="127.0.0.1", port=free_port())
        sink.start()
        work_environment["KEDANG_SMTP_URL"] = f"smtp://127.0.0.1:{sink.port}"
        made = House(work_processes, work_environment, url, kept)
        made.url = url
        try:
            yield made
        finally:
            sink.stop()


async def ask(http, document, variables=None, **headers):
    return await http.post(
        "/graphql", content=orjson.dumps({"query": document, "variables": variables or {}}), headers=headers
    )


async def test_what_was_planted_in_every_field_is_told_nowhere(house, databases, company):
    garden, leak = Garden(), Garden(Random(2))
    house.start_all()
    owner = await make_member(databases, company, "OWNER")
    key = await make_key(databases, owner, key=SECRET)
    factory = Factory(databases, company)
    base = f"http://127.0.0.1:{house.ports['gateway']}"
    side = Side(None, factory, owner, GraphQLClient(base, key))
    await house.ready()
    ids, left = await plant_rows(garden, side)
    assert len(garden.planted) > 100
    assert len(left) < 20, left
    await plant_work(house, databases, company, garden)
    foreign = {
        **dict.fromkeys(
            ("user-agent", "x-forwarded-for", "accept-language", "tracestate", "referer"), garden.word()
        ),
        "traceparent": f"00-{garden.word()}-{garden.word()}-01",
    }
    http = side.ask.http
    http.headers.update({"content-type": "application/json", **foreign})
    hook = {"name": garden.word(), "url": f"{house.url}/{garden.word()}?{garden.word()}"}
    assert '"userErrors":[]' in (await ask(http, HOOK, hook)).text
    await in_the_api(http, garden, ids)
    await http.aclose()
    async with httpx.AsyncClient(base_url=base, timeout=60, headers=foreign) as http:
        await of_strangers(http, garden, base)
    async with databases.tenant_write(company.ref) as write:
        await enqueue(write, NewJob("leak", {"value": leak.word()}))
    await house.processes.until(
        "SELECT count(*) = 0 FROM work.job WHERE state IN ('queued', 'running') OR (state = 'waiting' AND due_at <= now() AND tries = 0)",
        seconds=60,
    )
    await house.read_figures()
    house.end()
    told = house.said + house.figures + b"".join(house.kept)
    assert garden.found_in(told) == set()
    # It is found where it is told: one job has written its value itself.
    assert leak.found_in(told) == set(leak.planted)
    # It was told much all the same, by each of them and in each way.
    lines = [orjson.loads(line) for line in house.said.splitlines() if line.startswith(b"{")]
    assert {line["process"] for line in lines} == {"gateway", *BESIDE}
    assert {
        *(
            "operation.answered",
            "operation.failed",
            "job.ended",
            "job.failed",
            "library.told",
            "python.warned",
        ),
        *("thread.failed", "credential.refused", "sign_in.failed", "process.started", "process.stopped"),
    } <= {line["event"] for line in lines}
    for name in (b"graphql.operation", b"graphql.request", b"job", b"mail.send"):
        assert name in b"".join(house.kept)
    assert b'kedang_mails_total{outcome="rejected"}' in house.figures
    assert b'kedang_jobs_total{kind="break",outcome="failed"} 1.0' in house.figures


async def plant_work(house, databases, company, garden):
    """Jobs that fail, a mail that is refused, one that came back and one that did not come from us."""
    async with databases.tenant_write(company.ref) as write:
        await enqueue(write, NewJob("break", {"value": garden.text()}))
        await enqueue(write, NewJob("work.nobody_does_this", {"value": garden.text()}))
    async with databases.control() as control:
        letter = Letter(subject=garden.text(), paragraphs=(garden.text(),))
        mail = Outgoing(letter, garden.text("email"), "en", key=garden.word())
        await post(control, [mail], sender="Kedang <no-reply@kedang.example>", now=SystemClock().now())
    message = f"Subject: {garden.word()}\r\nFrom: {garden.text('email')}\r\n\r\n{garden.word()}\r\n"
    for recipient in (f"bounces+{garden.word()}@localhost", garden.text("email")):
        with suppress(aiosmtplib.SMTPException):
            await aiosmtplib.send(
                message, sender=garden.text("email"), recipients=[recipient], hostname="127.0.0.1",
                port=house.returned, start_tls=False,
            )  # fmt: skip


async def in_the_api(http, garden, ids):
    """Everything is read, lost after it was read, and changed; then what the API does not take."""
    walk = Walk(garden, ids)
    lists = list(listings(walk.schema))
    assert len(lists) > 40
    read = await all_of(http, [(document, {}) for document in lists])
    assert sum('"errors"' not in one for one in read) > 40
    assert sum(bool(garden.found_in(one.encode())) for one in read) > 30
    lost = await all_of(
        http, [(one.replace(f"first: {FIRST}", f"first: {BROKEN}"), {}) for one in lists[::4]]
    )
    assert sum("INTERNAL_ERROR" in one for one in lost) > 8
    changed = await all_of(http, list(walk.documents()))
    assert sum('"userErrors":[]' in one for one in changed) > 20, told_codes(changed)
    where = f'{{ customers(where: {{name: {{eq: "{garden.word()}"}}}}) {{ nodes {{ name }} }} }}'
    assert (await ask(http, where)).status_code == 200
    await http.post("/graphql", content=f'{{"query": "{garden.word()}'.encode())


def told_codes(answers):
    return Counter(code for one in answers for code in re.findall(r'"code":"([A-Z_]+)"', one)).most_common()


async def all_of(http, documents):
    """The answers to all of it, six at a time."""
    places = asyncio.Semaphore(6)

    async def one(document, variables):
        async with places:
            return (await ask(http, document, variables)).text

    return await asyncio.gather(*(one(*each) for each in documents))


async def of_strangers(http, garden, base):
    """What nobody known asks for, with values wherever a request has room for them."""
    own = {
        "cookie": f"{garden.word()}={garden.word()}; kedang_session={garden.word()}",
        "idempotency-key": garden.word(),
    }
    for credential in (garden.word(), f"kdg_test_{garden.word()}"):
        wrong = {"authorization": f"Bearer {credential}", "content-type": "application/json"}
        assert (await ask(http, "{ me { person { name } } }", **wrong)).status_code == 401
    await ask(http, "{ me { person { name } } }", **own, **{"content-type": "application/json"})
    for path in ("/{}", "/files/{}?{}", "/survey/{}", "/reset-password?token={}"):
        await http.get(path.format(garden.word(), garden.word()))
    form = {"email": garden.text("email"), "password": garden.word()}
    await http.post("/sign-in", data=form, headers={"origin": base})


def test_parts_and_other_spellings_are_found():
    import base64
    from urllib.parse import quote

    garden = Garden()
    word = garden.word()
    assert garden.found_in(f"x{word[3:9]}x".encode()) == {word}
    assert garden.found_in(b"x" + base64.b64encode(b"ab" + word.encode() + b"c")) == {word}
    assert garden.found_in(quote(f"柠檬蝶{word.upper()}").encode()) == {word, "%e6%9f%a0%e6%aa%ac%e8%9d%b6"}
    number = garden.text("phone")
    for told in (number, f"0{number[3:6]} {number[6:9]}-{number[9:]}", number[::-1]):
        assert garden.found_in(f"x {told} y".encode()) == {number}
    assert garden.found_in(f"nothing of it, {number[-9:]}".encode()) == set()
