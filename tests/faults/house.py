"""The product as it is really started, on servers of its own, with everything at hand to break it."""

import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import asyncpg
import httpx

from kedang_migrations.runner import build_spares, migrate
from kedang_platform.database import Databases
from kedang_platform.database.provision import provision
from kedang_platform.embedded import free_port
from kedang_platform.embedded.processes import launch
from kedang_platform.ids import new_id
from kedang_platform.registry import Company, NewCompany, claim_schema, find_company, set_status
from kedang_platform.settings import Settings
from kedang_platform.work.channels import channel_named
from tests.faults.clients import Client
from tests.faults.evidence import gather
from tests.faults.forms import SMALL_COMPANIES, Form
from tests.faults.history import Notebook, read_history
from tests.faults.judging import Finding, judge
from tests.faults.lines import Lines
from tests.support.database import SECRET
from tests.support.factories import Factory
from tests.support.members import make_key, make_member

ROOT = Path(__file__).parents[2]
OVER_THE_LINE = ("gateway-1", "worker-1")
"""They reach PostgreSQL over a line that may swallow the answer to a COMMIT; the others reach it directly."""
GATEWAYS = ("gateway-1", "gateway-2")
WORKERS = ("worker-1", "worker-2")
STANDING = (*GATEWAYS, *WORKERS, "relay", "scheduler")
PLACES = 4
"""Jobs that a worker process runs side by side."""
MAILS = channel_named("mail").process
"""Mails that a worker process has on their way at most; they take none of its places."""
MODULES = {
    "gateway": "kedang_graphql",
    "worker": "kedang_workers.start",
    "relay": "kedang_workers.relay",
    "scheduler": "kedang_workers.schedule",
}
RECOVERY_SECONDS = 60.0
_UNLIMITED = str(10**9)
_OPEN = (
    "SELECT id, kind, state FROM work.job WHERE state IN ('queued', 'running')"
    " OR (state = 'waiting' AND (due_at <= now() OR (tries > 0 AND due_at < now() + interval '1 hour')))"
)


@dataclass(frozen=True, slots=True)
class Result:
    """How long it took after a fault until everything went on, in seconds."""

    fault: str
    recovered: float
    last: str = ""


@dataclass
class House:
    """Servers, processes and clients; ``open`` puts them up, ``close`` leaves nothing."""

    folder: Path
    form: Form
    chance: random.Random
    results: list[Result] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    clients: list[Client] = field(default_factory=list)
    companies: list[Company] = field(default_factory=list)
    small_disk: bool = False
    _processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _measuring: list[asyncio.Task[Result]] = field(default_factory=list)
    _urls: dict[str, str] = field(default_factory=dict)

    @classmethod
    async def open(cls, form: Form, seed: int) -> "House":
        house = cls(_new_folder(), form, random.Random(seed))
        try:
            house._start_servers()
            house._start_sink()
            await house._make_installation()
            await house.start_all()
        except BaseException:
            await house.close()
            raise
        return house

    async def close(self) -> None:
        """End everything that was started, whatever state it is in."""
        for task in self._measuring:
            task.cancel()
        for process in self._processes.values():
            process.kill()
            process.wait()
        if hasattr(self, "databases"):
            await self.databases.close()
        if hasattr(self, "servers"):
            self.servers.communicate(timeout=60)
        if hasattr(self, "lines"):
            self.lines.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- servers

    def _start_servers(self) -> None:
        place = self.folder / "servers"
        place.mkdir()
        ports = [free_port(), free_port()]
        self.servers = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.faults.servers", str(place)),
                *(str(port) for port in ports),
                str(self.form.disk_megabytes),
            ],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        told = self._told()
        self.superuser_url, self.small_disk = told["database_url"], told["small_disk"]
        self.lines = Lines()
        self.postgres_line = self.lines.to(ports[0])
        self.valkey_line = self.lines.to(ports[1])
        self.relay_line = self.lines.to(ports[1])
        self._redis_url = told["redis_url"]

    def tell_servers(self, command: str) -> Any:
        assert self.servers.stdin is not None
        self.servers.stdin.write(f"{command}\n".encode())
        self.servers.stdin.flush()
        return self._told()

    def _told(self) -> Any:
        assert self.servers.stdout is not None
        line = self.servers.stdout.readline()
        assert line, "the servers' process has ended"
        return json.loads(line)

    def _start_sink(self) -> None:
        self.sink = self.folder / "sink.jsonl"
        self.sink.touch()
        self._sink_port = free_port()
        self._launch(
            "sink", [sys.executable, "-m", "tests.faults.sink", str(self._sink_port), str(self.sink)]
        )

    # -- processes

    async def start_all(self) -> None:
        for name in STANDING:
            self.start(name)
        await self.gateways_ready()

    def start(
        self, name: str, *, module: str | None = None, arguments: Sequence[str] = (), **own: str
    ) -> None:
        """Start a process of the product, or another module, under a name; ``own`` are variables of its environment."""
        module = module or MODULES[name.partition("-")[0]]
        environment = dict(self.environment)
        if name.startswith("gateway"):
            environment["KEDANG_PORT"] = str(self._port(name))
        if name in OVER_THE_LINE:
            environment["KEDANG_DATABASE_URL"] = _with_port(
                _without_login(self.superuser_url), self.postgres_line.port
            )
        if name == "relay":
            environment["KEDANG_REDIS_URL"] = _with_port(self._redis_url, self.relay_line.port)
        # Modules of tests/ lie in the checkout, which only they need on the path.
        safe = [] if module.startswith("tests.") else ["-P"]
        self._launch(name, [sys.executable, *safe, "-m", module, *arguments], environment | own)

    def _launch(
        self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        running = self._processes.get(name)
        assert running is None or running.poll() is not None, f"{name} runs already"
        self._processes[name] = launch(
            command,
            account=None,
            log=self.folder / "log" / f"{name}.log",
            cwd=ROOT,
            death_signal=signal.SIGKILL,
            env=environment or dict(os.environ),
        )

    def pid(self, name: str) -> int:
        return self._processes[name].pid

    async def kill(self, name: str) -> None:
        """kill -9, and note how many mails it can have had on their way."""
        self._processes[name].kill()
        self._processes[name].wait()
        await self.note_fault(f"{name} killed", mails=MAILS if name.startswith("worker") else 0)

    def kill_at_once(self, name: str) -> None:
        """kill -9 of a process that sends no mails."""
        self._processes[name].kill()
        self._processes[name].wait()

    def wait(self, name: str, seconds: float) -> int:
        """Wait for a process to end by itself; the exit code."""
        return self._processes[name].wait(seconds)

    async def end(self, name: str, *, seconds: float = 45) -> int:
        """SIGTERM; the exit code."""
        process = self._processes[name]
        process.terminate()
        await asyncio.to_thread(process.wait, seconds)
        return process.returncode

    async def end_all(self, names: Sequence[str]) -> list[int]:
        """SIGTERM to all at once; their exit codes."""
        return list(await asyncio.gather(*(self.end(name) for name in names)))

    async def note_fault(self, what: str, *, mails: int = 0) -> None:
        """Write down how many mails, at most so many, a fault may have met on their way."""
        in_flight = 0
        if mails:
            await asyncio.sleep(0.1)  # what its connections had sent by then has been carried out
            sending = await self.value("SELECT count(*) FROM platform.mail WHERE state = 'sending'")
            in_flight = min(mails, sending)
        self.notebook("faults").write(event="fault", what=what, in_flight=in_flight)

    def _port(self, name: str) -> int:
        if name not in self._urls:
            self._urls[name] = f"http://127.0.0.1:{free_port()}"
        return int(self._urls[name].rpartition(":")[2])

    def urls(self) -> list[str]:
        """The gateways that clients may ask, whether they run or not."""
        return [url for name, url in self._urls.items() if name in GATEWAYS]

    async def gateways_ready(self, *names: str, seconds: float = 90) -> None:
        async with httpx.AsyncClient(timeout=5) as http:
            for name in names or GATEWAYS:
                await self.until(partial(self._ready, http, name), seconds=seconds)

    async def _ready(self, http: httpx.AsyncClient, name: str) -> bool:
        assert self._processes[name].poll() is None, self.said()
        try:
            return (await http.get(f"{self._urls[name]}/readyz")).status_code == 200
        except httpx.HTTPError:
            return False

    # -- the installation

    async def _make_installation(self) -> None:
        """Companies in a zone where it is noon, so that no hour of quiet holds a mail back."""
        self.settings = Settings(var=self.folder / "var", pool_size=4)
        self.addresses = await provision(self.superuser_url, secret=SECRET, settings=self.settings)
        await self.execute("ALTER SYSTEM SET max_wal_size = '192MB'", "SELECT pg_reload_conf()")
        self.databases = await Databases.open(self.settings, self.addresses)
        assert (await migrate(self.databases)).complete
        count = 4 + max(SMALL_COMPANIES, self.form.companies)
        await build_spares(self.databases, count=count)
        self.companies = [await self._company(f"Company {number}") for number in range(count)]
        self.writing_companies = self.companies[:2]
        self.surveying_company, self.big_company = self.companies[2:4]
        self.small_companies = self.companies[4 : 4 + SMALL_COMPANIES]
        for number, company in enumerate(self.writing_companies):
            await self._clients(company, number)
        owner = await make_member(self.databases, self.surveying_company, "OWNER")
        self.surveying_key = await make_key(self.databases, owner, key=SECRET)

    async def _company(self, name: str) -> Company:
        behind = datetime.now(UTC).hour - 12
        new = NewCompany(name, country="CN", language="en", time_zone=f"Etc/GMT{behind:+d}", currency="CNY")
        async with self.databases.control() as control:
            made = await claim_schema(control, company_id=new_id(), company=new, now=datetime.now(UTC))
            await set_status(control, company_id=made.id, status="active")
            return await find_company(control, company_id=made.id)

    async def _clients(self, company: Company, number: int) -> None:
        owner = await make_member(self.databases, company, "OWNER")
        key = await make_key(self.databases, owner, key=SECRET)
        product = await Factory(self.databases, company).one("product", name="Chai")
        for which in range(3):
            self.clients.append(
                Client(
                    company=company.ref.schema,
                    bearer=key,
                    urls=self.urls,
                    notebook=self.notebook(f"client-{number}-{which}"),
                    chance=random.Random(self.chance.random()),
                    patient=which < 2,
                    product=f"pro_{product.hex}",
                )
            )

    def notebook(self, name: str) -> Notebook:
        return Notebook(self.folder / "history" / f"{name}.jsonl")

    @property
    def environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("KEDANG_")}
        return clean | {
            "KEDANG_VAR": str(self.folder / "var"),
            "KEDANG_DATABASE_URL": _without_login(self.superuser_url),
            "KEDANG_REDIS_URL": _with_port(self._redis_url, self.valkey_line.port),
            "KEDANG_SECRET_KEY": SECRET._root.decode(),
            "KEDANG_SMTP_URL": f"smtp://127.0.0.1:{self._sink_port}",
            "KEDANG_MAIL_FROM": "Kedang <no-reply@kedang.example>",
            "KEDANG_COST_POINTS": _UNLIMITED,
            "KEDANG_COST_POINTS_PER_SECOND": _UNLIMITED,
            "KEDANG_SPARE_SCHEMAS": "0",
            "KEDANG_WORKER_THREADS": str(PLACES),
            "PYTHONUNBUFFERED": "1",
        }

    # -- asking

    async def fetch(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        """Ask as a superuser; waits for a database that is away."""
        until = time.monotonic() + RECOVERY_SECONDS
        while True:
            try:
                connection = await asyncpg.connect(self.superuser_url, timeout=10)
                try:
                    return list(await connection.fetch(sql, *arguments))
                finally:
                    await connection.close(timeout=5)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(0.1)

    async def value(self, sql: str, *arguments: Any) -> Any:
        return (await self.fetch(sql, *arguments))[0][0]

    async def execute(self, *statements: str) -> None:
        for statement in statements:
            await self.fetch(statement)

    async def until(self, question: Any, *, seconds: float, every: float = 0.05) -> float:
        """Wait until an async question is answered with yes; returns the seconds, raises TimeoutError."""
        began = time.monotonic()
        while not await question():
            if time.monotonic() - began > seconds:
                raise TimeoutError(f"not within {seconds} s\n{self.said()}")
            await asyncio.sleep(every)
        return time.monotonic() - began

    async def holds(self, sql: str, *, seconds: float = 60) -> float:
        """Wait until a question in SQL is answered with true."""

        async def true() -> bool:
            return bool(await self.value(sql))

        return await self.until(true, seconds=seconds)

    # -- recovery

    def recovering(self, fault: str) -> None:
        """From now on measure how long it takes until clients are served and what was under way has ended."""
        self._measuring.append(asyncio.create_task(self._recover(fault)))

    async def _recover(self, fault: str) -> Result:
        began = time.monotonic()
        rows = await self.fetch("SELECT id FROM work.job WHERE state IN ('queued', 'running')")
        probe = self.clients[0]
        await self.until(probe.once, seconds=RECOVERY_SECONDS)
        ids = [row["id"] for row in rows]
        ended = "SELECT bool_and(state IN ('done', 'failed', 'cancelled')) IS NOT FALSE FROM work.job WHERE id = ANY($1)"

        async def all_ended() -> bool:
            return bool(await self.value(ended, ids))

        try:
            await self.until(all_ended, seconds=RECOVERY_SECONDS)
        except TimeoutError:
            left = await self.fetch(
                "SELECT kind, state, tries, attempt, due_at - now() AS due_in, now() - queued_at AS queued,"
                " lease_until - now() AS lease, error_code, error_detail"
                " FROM work.job WHERE id = ANY($1) AND state NOT IN ('done', 'failed', 'cancelled')",
                ids,
            )
            raise AssertionError(
                f"{fault}: not recovered: {[dict(row) for row in left]}\n{self.said()}"
            ) from None
        result = Result(fault, time.monotonic() - began, await self._slowest(ids))
        self.results.append(result)
        return result

    async def _slowest(self, ids: Sequence[UUID]) -> str:
        """What was waited for last, in the words of its row."""
        rows = await self.fetch(
            "SELECT kind, tries, attempt, finished_at - queued_at AS since_queued,"
            " CASE WHEN isfinite(due_at) THEN queued_at - due_at END AS in_lane"
            " FROM work.job WHERE id = ANY($1) AND finished_at IS NOT NULL ORDER BY finished_at DESC LIMIT 1",
            ids,
        )
        return "; ".join(
            f"{row['kind']} at try {row['tries']} of attempt {row['attempt']},"
            f" {row['since_queued'].total_seconds():.1f} s after it was last handed out"
            + (f", {row['in_lane'].total_seconds():.1f} s after it was due" if row["in_lane"] else "")
            for row in rows
        )

    async def recovered(self) -> None:
        """Wait for everything that is being measured."""
        measuring, self._measuring = self._measuring, []
        results = await asyncio.gather(*measuring)
        late = [result for result in results if result.recovered > RECOVERY_SECONDS]
        assert not late, late

    async def settled(self, *, seconds: float = RECOVERY_SECONDS) -> float:
        """Wait until nothing is due, handed out or running, and nothing waits for another try."""

        async def idle() -> bool:
            return not await self.fetch(f"{_OPEN} LIMIT 1")

        try:
            return await self.until(idle, seconds=seconds, every=0.1)
        except TimeoutError:
            left = await self.fetch(
                f"SELECT kind, state, count(*) FROM ({_OPEN}) AS open GROUP BY kind, state"
            )
            raise AssertionError(f"not settled: {[tuple(row) for row in left]}\n{self.said()}") from None

    # -- judging

    def ended(self) -> list[str]:
        """Processes of the product that ended though nobody told them to."""
        return [name for name in STANDING if self._processes[name].poll() is not None]

    async def acquit(self) -> None:
        """Wait until everything has recovered and nothing is left to do, and ask the judge; raises AssertionError."""
        await self.recovered()
        took = await self.settled(seconds=RECOVERY_SECONDS + self.form.invitations / 100)
        self.notes.append(f"nothing was left to do {took:.1f} s after the last recovery")
        assert self.ended() == [], self.said()
        assert self.surprises() == {}
        findings = await self.verdict()
        assert not findings, "\n".join(str(finding) for finding in findings[:30])

    async def verdict(self) -> list[Finding]:
        """What the judge finds in everything that has happened so far."""
        evidence = await gather(
            self.superuser_url,
            self.databases,
            companies=[company.ref for company in (*self.writing_companies, self.surveying_company)],
            history=read_history((self.folder / "history").iterdir()),
            sink=self.sink,
        )
        return judge(evidence)

    def surprises(self) -> dict[str, int]:
        """Codes of errors that clients were told and that do not say: ask again."""
        told: dict[str, int] = {}
        for client in self.clients:
            for code, count in client.surprises.items():
                told[code] = told.get(code, 0) + count
            client.surprises.clear()
        return told

    def said(self, *, lines: int = 15) -> str:
        """The last words of every process."""
        logs = sorted((self.folder / "log").glob("*.log"))
        return "\n".join(
            f"-- {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
            for log in logs
        )


def _new_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="kedang-faults-"))
    folder.chmod(0o711)  # so that the servers' account gets through when root runs the tests
    (folder / "history").mkdir()
    return folder


def _with_port(url: str, port: int) -> str:
    parts = urlsplit(url)
    user, at, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}{at}127.0.0.1:{port}"))


def _without_login(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def public(prefix: str, record_id: UUID) -> str:
    return f"{prefix}_{record_id.hex}"
