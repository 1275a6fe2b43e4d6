"""Bulk import and export of 100,000 customers by a real worker, or of as many as KEDANG_BENCH_ROWS says."""

import os
import subprocess
import time
from collections.abc import Iterator

import orjson
import pytest
import redis

from tests.bench.test_imports import peak_megabytes, processor_seconds
from tests.bulk.support import BulkOffice

pytestmark = pytest.mark.bench

ROWS = int(os.environ.get("KEDANG_BENCH_ROWS", "100000"))
SECONDS = 120 * ROWS / 100_000
MEGABYTES = 300
FIELDS = "id number name city address phone country industry foundedOn employees"


def lines() -> Iterator[bytes]:
    """Customers in few bytes: a million of them are to fit into one file."""
    for n in range(ROWS):
        yield orjson.dumps(
            {"number": f"C{n}", "name": f"上海软件{n}", "city": "上海", "employees": n % 1_000}
        )
        yield b"\n"


@pytest.fixture
async def office(databases, database_settings, company, tmp_path) -> BulkOffice:
    return await BulkOffice.open(databases, database_settings, company, tmp_path)


@pytest.fixture
def start_worker(work_processes, work_redis_url):
    """Starts a relay and one worker of the product; gives the worker's process."""

    def start() -> subprocess.Popen[bytes]:
        work_processes.start("kedang_workers.relay")
        return work_processes.start("kedang_workers.start")

    with redis.Redis.from_url(work_redis_url) as client:
        client.flushdb()
        yield start
        work_processes.end_all()
        client.flushdb()


async def measure(office, work_processes, worker, operation_id, what: str) -> None:
    """Wait for the operation; print what it cost."""
    used, started = processor_seconds(worker.pid), time.perf_counter()
    ended = f"SELECT finished_at IS NOT NULL FROM work.job WHERE payload->>'operation_id' = '{operation_id}'"
    await work_processes.until(ended, seconds=10 * SECONDS)
    took = time.perf_counter() - started
    done = await office.rows(
        "SELECT state, done, lines, rejected FROM bulk_operation WHERE id = $1", operation_id
    )
    assert done == [{"state": "DONE", "done": ROWS, "lines": ROWS, "rejected": 0}], work_processes.said()
    peak = peak_megabytes(worker.pid)
    print(
        f"\nbulk {what}: {ROWS} records in {took:.1f} s (<= {SECONDS:.0f}); the worker used"
        f" {processor_seconds(worker.pid) - used:.1f} s of a processor and at most {peak:.0f} MB (<= {MEGABYTES})"
    )
    assert took <= SECONDS
    assert peak <= MEGABYTES


async def test_import_and_export(office, work_processes, start_worker):
    import_id = await office.ask_for_import("customer", b"".join(lines()), "CREATE")
    await measure(office, work_processes, start_worker(), import_id, "import")
    work_processes.end_all()
    async with office.databases.control() as control:  # what follows from new customers is not measured here
        await control.fetch("DELETE FROM work.job WHERE state <> 'running'")
    export_id = await office.ask_for_export(f"{{ customers {{ nodes {{ {FIELDS} }} }} }}")
    await measure(office, work_processes, start_worker(), export_id, "export")
