"""Jobs in tests: run what is due in this process, or start real relays, workers and schedulers."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from kedang_platform.clock import Clock, SystemClock
from kedang_platform.database import Databases
from kedang_platform.errors import KedangError
from kedang_platform.settings import Settings
from kedang_platform.work import Registry, Services
from kedang_platform.work.claims import Claim
from kedang_platform.work.lanes import Limits, hand_out
from kedang_platform.work.runner import JobRunner, Outcome
from kedang_workers import handlers
from kedang_workers.composition import make_services

ROOT = Path(__file__).parents[2]
_NOWHERE = Path("/dev/null/kedang")  # a handler that keeps files needs the settings of its test
_AT_ONCE = Limits(queued=1_000, company=1_000)


@dataclass
class Drained:
    """What ``run_jobs`` did: outcomes by how often, and the expected failures (codes) it met."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    failures: list[KedangError] = field(default_factory=list)

    @property
    def done(self) -> int:
        return self.outcomes[Outcome.DONE]

    @property
    def total(self) -> int:
        return self.outcomes.total()


async def run_jobs(
    databases: Databases,
    *,
    clock: Clock | None = None,
    registry: Registry | None = None,
    settings: Settings | None = None,
    services: Services | None = None,
    strict: bool = True,
) -> Drained:
    """Run every job that is due by ``clock``, and those that these ask for, until none is due.

    The path is the real one (lanes, claim, fence, settle), only without relay process and Valkey.
    ``registry`` is all handlers unless a test brings its own. With ``strict`` a handler's bug is
    raised here; expected failures (KedangError) are told in the answer.
    """
    drained = Drained()
    bugs: list[Exception] = []

    def report(_claim: Claim, error: Exception) -> None:
        if isinstance(error, KedangError):
            drained.failures.append(error)
        else:
            bugs.append(error)

    services = services or make_services(
        databases=databases,
        settings=settings or databases.settings.model_copy(update={"var": _NOWHERE}),
        clock=clock or SystemClock(),
    )
    runner = JobRunner(services=services, registry=registry or handlers.load(), report=report)
    while True:
        async with databases.control() as tx:
            due = await hand_out(tx, now=services.clock.now(), limits=_AT_ONCE)
        if not due.jobs and not due.more:
            return drained
        for job in due.jobs:
            drained.outcomes[await runner.run(job.id, job.attempt)] += 1
            if bugs and strict:
                raise bugs[0]


class WorkProcesses:
    """Starts real processes of the product and ends each of them, at the latest with the test."""

    def __init__(self, *, databases: Databases, environment: dict[str, str], logs: Path) -> None:
        self._databases = databases
        self._environment = environment
        self._logs = logs
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """``python -m`` the command; what it says goes to a file of the test."""
        with (self._logs / f"{len(self._started)}-{'-'.join(command)}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *command], cwd=ROOT, env=self._environment, stdout=log, stderr=log
            )
        self._started.append(process)
        return process

    def start_all(self) -> None:
        """The product's own relay, worker and scheduler, with all its handlers."""
        for module in ("kedang_workers.relay", "kedang_workers.start", "kedang_workers.schedule"):
            self.start(module)

    async def until_idle(self, *, seconds: float = 30) -> None:
        """Wait until no job is due, queued or running; raises TimeoutError with the processes' logs."""
        await self.until(
            "SELECT count(*) = 0 FROM work.job"
            " WHERE state IN ('queued', 'running') OR (state = 'waiting' AND due_at <= now())",
            seconds=seconds,
        )

    async def until(self, question: str, *, seconds: float = 30) -> None:
        """Wait until the SQL question, asked as the control role, is answered with true."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            async with self._databases.control_read() as read:
                if await read.fetchval(question):
                    return
            await asyncio.sleep(0.05)
        raise TimeoutError(f"{question}\n{self.said()}")

    def said(self) -> str:
        """Everything that the processes have written so far."""
        return "\n".join(f"-- {log.name}\n{log.read_text()}" for log in sorted(self._logs.iterdir()))

    def end(
        self, process: subprocess.Popen[bytes], *, number: int = signal.SIGTERM, seconds: float = 30
    ) -> int:
        """Send the signal and wait; returns the exit code."""
        process.send_signal(number)
        return process.wait(seconds)

    def end_all(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.wait()


@pytest.fixture(scope="session")
def work_redis_url(servers, worker_id) -> str:
    """A logical database of Valkey that only this worker of the test run uses."""
    number = 1 + int(worker_id.removeprefix("gw")) if worker_id != "master" else 0
    return urlunsplit(urlsplit(servers.redis_url)._replace(path=f"/{number}"))


@pytest.fixture
def work_environment(databases, database_superuser_url, work_redis_url, tmp_path) -> dict[str, str]:
    """The environment by which a process of the product finds the test's servers."""
    from tests.support.database import SECRET

    return os.environ | {
        "KEDANG_VAR": str(tmp_path),
        "KEDANG_DATABASE_URL": database_superuser_url,
        "KEDANG_REDIS_URL": work_redis_url,
        "KEDANG_ROLE_PREFIX": databases.settings.role_prefix,
        "KEDANG_SECRET_KEY": SECRET._root.decode(),
    }


@pytest.fixture
def work_processes(databases, work_environment, tmp_path):
    """Starts relays, workers and schedulers for this test; all are ended with it."""
    logs = tmp_path / "logs"
    logs.mkdir()
    processes = WorkProcesses(databases=databases, environment=work_environment, logs=logs)
    yield processes
    processes.end_all()
