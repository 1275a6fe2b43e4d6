"""Jobs in tests: run what is due in this process, or start real relays, workers and schedulers."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

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
        settings=settings or Settings(var=Path("/nonexistent")),
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
