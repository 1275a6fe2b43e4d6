"""Relay, worker and scheduler as real processes, and what is left when they are killed."""

import asyncio
import signal
from collections import Counter
from datetime import timedelta

import pytest

from kedang_platform.work import NewJob, enqueue, job_status

PROCESS = "tests.support.work_process"


@pytest.fixture(autouse=True)
def _servers_ready(valkey):
    """Every test here begins and ends with an empty Valkey."""


@pytest.fixture
def ask(databases, company):
    async def many(*jobs: NewJob):
        async with databases.tenant_write(company.ref) as write:
            return await enqueue(write, *jobs)

    return many


def numbered(count: int, **payload) -> list[NewJob]:
    return [NewJob("effect", {"what": f"{number:04}", **payload}) for number in range(count)]


async def until_done(work_processes, count: int, *, seconds: float = 30) -> None:
    await work_processes.until(
        f"SELECT count(*) >= {count} FROM work.job WHERE state = 'done'", seconds=seconds
    )


def once_each(count: int) -> Counter:
    return Counter(f"{number:04}" for number in range(count))


@pytest.mark.requirement("O1")
async def test_a_worker_killed_in_the_middle_of_a_thousand_jobs_does_none_twice_and_leaves_none_out(
    work_processes, ask, effects
):
    await ask(*numbered(1_000))
    work_processes.start(PROCESS, "relay")
    killed = work_processes.start(PROCESS, "worker")
    await until_done(work_processes, 200)
    assert work_processes.end(killed, number=signal.SIGKILL) == -signal.SIGKILL
    before = len(await effects())
    assert 200 <= before < 1_000
    other = work_processes.start(PROCESS, "worker")
    await work_processes.until_idle()
    rows = await effects()
    assert Counter(row["what"] for row in rows) == once_each(1_000)
    assert {row["by"] for row in rows} == {killed.pid, other.pid}


async def test_long_work_goes_on_in_another_worker_from_its_last_step(
    work_processes, ask, effects, databases, company
):
    (job_id,) = await ask(NewJob("effects", {"what": "row", "count": 100, "seconds": 0.05}))
    work_processes.start(PROCESS, "relay")
    killed = work_processes.start(PROCESS, "worker")
    await work_processes.until("SELECT count(*) = 1 FROM work.job WHERE progress_done >= 30")
    work_processes.end(killed, number=signal.SIGKILL)
    work_processes.start(PROCESS, "worker")
    await work_processes.until_idle()
    rows = await effects()
    assert Counter(row["what"] for row in rows) == Counter(f"row {number}" for number in range(100))
    assert Counter(row["by"] for row in rows)[killed.pid] >= 30
    async with databases.tenant_read(company.ref) as read:
        status = await job_status(read, job_id)
    assert (status.state, status.progress.done, status.progress.total) == ("done", 100, 100)


async def test_an_emptied_valkey_loses_nothing(work_processes, ask, effects, valkey):
    await ask(*numbered(600, seconds=0.005))
    work_processes.start(PROCESS, "relay")
    work_processes.start(PROCESS, "worker")
    for done in (100, 300):
        await until_done(work_processes, done)
        valkey.flushdb()
    await work_processes.until_idle()
    assert Counter(row["what"] for row in await effects()) == once_each(600)


async def test_two_relays_and_two_workers_do_each_job_once(work_processes, ask, effects):
    for _ in range(2):
        work_processes.start(PROCESS, "relay")
        work_processes.start(PROCESS, "worker")
    await ask(*numbered(400))
    await work_processes.until_idle()
    rows = await effects()
    assert Counter(row["what"] for row in rows) == once_each(400)


async def test_sigterm_lets_a_step_end_and_puts_the_rest_back(work_processes, ask, effects, databases):
    (job_id,) = await ask(NewJob("effects", {"what": "row", "count": 100, "seconds": 0.1}))
    work_processes.start(PROCESS, "relay")
    worker = work_processes.start(PROCESS, "worker")
    await work_processes.until("SELECT count(*) = 1 FROM work.job WHERE progress_done >= 20")
    assert work_processes.end(worker) == 0, work_processes.said()
    async with databases.control_read() as read:
        row = await read.fetchrow("SELECT state, tries, progress_done FROM work.job WHERE id = $1", job_id)
    assert row["state"] in {"waiting", "queued"}  # the relay may have handed it out again
    assert row["tries"] == 0
    assert len(await effects()) == row["progress_done"] < 100


async def test_the_product_s_own_processes_start_work_and_end_cleanly(work_processes, databases):
    started = [work_processes.start(f"kedang_workers.{name}") for name in ("relay", "start", "schedule")]
    async with databases.control() as control:
        await enqueue(control, NewJob("work.remove_ended"))
    # The one asked for here, and the one that the hourly rule makes.
    await work_processes.until(
        "SELECT count(*) = 2 FROM work.job WHERE kind = 'work.remove_ended' AND state = 'done'"
    )
    assert [work_processes.end(process) for process in started] == [0, 0, 0], work_processes.said()


async def test_a_worker_without_its_database_says_so_and_ends(work_processes, work_environment):
    work_environment["KEDANG_DATABASE_URL"] = "postgresql://nobody@127.0.0.1:1/nothing"
    process = work_processes.start("kedang_workers.start")
    assert await asyncio.to_thread(process.wait, 30) == 1
    assert "DATABASE_UNAVAILABLE" in work_processes.said()


async def test_a_job_is_picked_up_at_once_when_the_relay_is_woken(
    work_processes, ask, effects, databases, work_redis_url, monkeypatch
):
    from kedang_platform.work.wakeup import Waker

    work_processes.start(PROCESS, "relay")
    work_processes.start(PROCESS, "worker")
    await ask(*numbered(1))
    await work_processes.until_idle()
    waker = Waker(work_redis_url)
    monkeypatch.setattr(databases, "wake_relay", waker.wake)
    waits = []
    for number in range(5):
        await ask(NewJob("effect", {"what": f"{number}"}))
        await work_processes.until("SELECT bool_and(state = 'done') FROM work.job")
    async with databases.control_read() as read:
        rows = await read.fetch("SELECT finished_at - created_at AS took FROM work.job ORDER BY id OFFSET 1")
    waits = sorted(row["took"] for row in rows)
    await waker.close()
    # Without the wake-up each would wait for the relay's next look, half a second on average.
    assert waits[2] < timedelta(seconds=0.4), waits
