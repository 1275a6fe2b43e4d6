from datetime import timedelta

import pytest

from kedang_platform.clock import FixedClock
from kedang_platform.work import Registry
from kedang_platform.work.lanes import Limits, hand_out
from kedang_platform.work.runner import JobRunner
from kedang_workers.composition import make_services


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def services(databases, clock, tmp_path):
    settings = databases.settings.model_copy(update={"var": tmp_path})
    return make_services(databases=databases, settings=settings, clock=clock)


@pytest.fixture
def runner(services):
    """Makes a runner that knows the given handlers."""

    def make(*handlers, **options) -> JobRunner:
        return JobRunner(services=services, registry=Registry.of(*handlers), **options)

    return make


@pytest.fixture
def due(databases, clock):
    """Hands out what is due, as the relay would, and returns it in order."""

    async def hand(limits: Limits | None = None):
        async with databases.control() as control:
            return (await hand_out(control, now=clock.now(), limits=limits or Limits())).jobs

    return hand


@pytest.fixture
def row(databases):
    """A job's row, as the control role sees it."""

    async def read(job_id):
        async with databases.control_read() as control:
            return await control.fetchrow("SELECT * FROM work.job WHERE id = $1", job_id)

    return read


@pytest.fixture
def expire(databases):
    """Lets the lease of a job end, as if its worker had fallen silent."""

    async def end(job_id):
        async with databases.control() as control:
            await control.fetch(
                "UPDATE work.job SET lease_until = now() - $2::interval WHERE id = $1",
                job_id,
                timedelta(seconds=1),
            )

    return end
