"""Imports and exports that are given up say so: none is running for ever."""

import signal

import pytest
import redis

from kedang_platform.clock import FixedClock
from kedang_tenants.imports.exporting import start_export
from kedang_tenants.reading import EVERYTHING
from tests.support.workers import run_jobs

PROCESS = "tests.support.work_process"
CSV = "number,name\nALFKI,Alfreds Futterkiste\nANATR,Ana Trujillo\n"


async def last_try(office):
    """Twelve tries have failed: the next is the last."""
    async with office.databases.control() as control:
        await control.fetch("UPDATE work.job SET tries = 12 WHERE kind IN ('imports.run', 'exports.run')")


async def export(office):
    viewer = await office.viewer()
    async with office.databases.tenant_write(office.company.ref) as write:
        return await start_export(
            write, viewer, record="customer", file_format="CSV", where=EVERYTHING, clock=office.clock
        )


async def one(office, table):
    (row,) = await office.rows(f"SELECT * FROM {table}")
    return row


@pytest.fixture
def broken(monkeypatch):
    """A bug in the middle of every import and export."""

    async def bug(*_args, **_named):
        {}["13800138000"]

    monkeypatch.setattr("kedang_tenants.imports.running._run", bug)
    monkeypatch.setattr("kedang_tenants.imports.exporting._run", bug)


@pytest.mark.requirement("A9")
async def test_an_import_that_fails_at_every_try_is_failed(office, broken):
    import_id = await office.start("customer", CSV)
    await last_try(office)
    await run_jobs(office.databases, settings=office.settings, strict=False)
    row = await one(office, "import")
    assert (row["id"], row["state"], row["error_code"]) == (import_id, "FAILED", "INTERNAL_ERROR")
    assert row["finished_at"] is not None
    assert await office.rows("SELECT id FROM customer") == []


async def test_an_export_that_fails_at_every_try_is_failed(office, broken):
    await export(office)
    await last_try(office)
    await run_jobs(office.databases, settings=office.settings, strict=False)
    row = await one(office, "export")
    assert (row["state"], row["error_code"], row["file_id"]) == ("FAILED", "INTERNAL_ERROR", None)


async def test_before_the_last_try_nothing_is_said(office, broken):
    await office.start("customer", CSV)
    await export(office)
    await run_jobs(office.databases, settings=office.settings, strict=False, clock=FixedClock())
    assert (await one(office, "import"))["state"] == "RUNNING"
    assert (await one(office, "export"))["state"] == "RUNNING"


async def test_what_has_come_to_its_end_stays_as_it_is(office):
    done = await office.imports("customer", CSV)
    assert done.state == "DONE"
    async with office.databases.control() as control:
        await control.fetch(
            "UPDATE work.job SET state = 'waiting', tries = 13, finished_at = NULL WHERE kind = 'imports.run'"
        )
    await run_jobs(office.databases, settings=office.settings, strict=False)
    assert await office.rows("SELECT state, error_code FROM work.job WHERE kind = 'imports.run'") == [
        {"state": "failed", "error_code": "WORKER_LOST"}
    ]
    assert (await office.outcome(done.id)).row == done.row


@pytest.mark.requirement("A9", "O1")
async def test_an_import_whose_worker_is_killed_at_its_last_try_is_failed(
    office, work_processes, work_redis_url
):
    with redis.Redis.from_url(work_redis_url) as client:
        client.flushdb()
    rows = "".join(f"C{n},Customer {n}\n" for n in range(20_000))
    import_id = await office.start("customer", f"number,name\n{rows}")
    await last_try(office)
    work_processes.start(PROCESS, "relay")
    worker = work_processes.start(PROCESS, "product")
    await work_processes.until(
        "SELECT progress_done BETWEEN 500 AND 19999 FROM work.job WHERE kind = 'imports.run'"
    )
    assert work_processes.end(worker, number=signal.SIGKILL) == -signal.SIGKILL
    work_processes.start(PROCESS, "product")
    await work_processes.until("SELECT state = 'failed' FROM work.job WHERE kind = 'imports.run'", seconds=60)
    ended = await office.outcome(import_id)
    assert (ended.state, ended.row["error_code"]) == ("FAILED", "WORKER_LOST")
    assert ended.error["en"] == "The work was broken off each time it was tried."
    taken = ended.row["created"]
    assert 500 <= taken < 20_000
    assert await office.rows("SELECT count(*) FROM customer") == [{"count": taken}]
