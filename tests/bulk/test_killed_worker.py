"""kill -9 of the worker in the middle of an export and of an import: every line once."""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import redis

from tests.bulk.support import jsonl

ROWS = 12_000
PROCESS = "tests.support.work_process"


@pytest.fixture(autouse=True)
def _valkey_is_empty(work_redis_url):
    with redis.Redis.from_url(work_redis_url) as client:
        client.flushdb()
        yield
        client.flushdb()


# Whoever holds the advisory lock stops a job at the mark that follows its first one, so that however
# fast the machine is, the worker is in the middle of the job when it is killed.
_GATE = 4_711
_PLANT = f"""
CREATE FUNCTION work.wait_at_the_gate() RETURNS trigger LANGUAGE plpgsql
    AS 'BEGIN PERFORM pg_advisory_xact_lock_shared({_GATE}); RETURN NEW; END';
GRANT EXECUTE ON FUNCTION work.wait_at_the_gate() TO PUBLIC;
CREATE TRIGGER gate BEFORE UPDATE ON work.job FOR EACH ROW
    WHEN (OLD.progress_done > 0 AND NEW.progress_done > OLD.progress_done)
    EXECUTE FUNCTION work.wait_at_the_gate();
"""
_UPROOT = "DROP TRIGGER gate ON work.job; DROP FUNCTION work.wait_at_the_gate();"


@asynccontextmanager
async def closed_gate(office) -> AsyncIterator[None]:
    async with office.databases.owner() as connection:
        await connection.execute(_PLANT)
        await connection.execute(f"SELECT pg_advisory_lock({_GATE})")
        try:
            yield
        finally:
            await connection.execute(f"SELECT pg_advisory_unlock({_GATE})")
            await connection.execute(_UPROOT)


async def kill_midway(office, work_processes, kind: str) -> None:
    """Start a worker, and kill it when its job stands at its gate, between the first mark and the second."""
    async with closed_gate(office):
        worker = work_processes.start(PROCESS, "product")
        await work_processes.until(
            f"SELECT progress_done BETWEEN 1 AND {ROWS - 1} FROM work.job WHERE kind = '{kind}'"
        )
        assert work_processes.end(worker, number=signal.SIGKILL) == -signal.SIGKILL


@pytest.mark.requirement("I1", "O1")
async def test_an_import_and_an_export_survive_killed_workers(office, work_processes):
    lines = [
        {"number": f"{n}", "name": f"C{n}", "city": 7 if n % 1_000 == 9 else "Wien"} for n in range(ROWS)
    ]
    import_id = await office.ask_for_import("customer", jsonl(lines))
    work_processes.start(PROCESS, "relay")
    await kill_midway(office, work_processes, "bulk.import")
    work_processes.start(PROCESS, "product")
    await work_processes.until("SELECT state = 'done' FROM work.job WHERE kind = 'bulk.import'", seconds=60)
    done = await office.result(import_id)
    assert (done.state, done.counts) == ("DONE", (ROWS, ROWS, ROWS, ROWS // 1_000))
    assert [line["line"] for line in done.lines] == list(range(1, ROWS + 1))
    (found,) = await office.rows("SELECT count(*), count(DISTINCT number) AS numbers FROM customer")
    assert found == {"count": ROWS - 12, "numbers": ROWS - 12}
    taken = {row["id"].hex for row in await office.rows("SELECT id FROM customer")}
    assert {line["id"][4:] for line in done.lines if "id" in line} == taken
    work_processes.end_all()

    export_id = await office.ask_for_export("{ customers { nodes { id number } } }")
    work_processes.start(PROCESS, "relay")
    await kill_midway(office, work_processes, "bulk.export")
    work_processes.start(PROCESS, "product")
    await work_processes.until("SELECT state = 'done' FROM work.job WHERE kind = 'bulk.export'", seconds=60)
    done = await office.result(export_id)
    assert (done.state, done.counts) == ("DONE", (ROWS - 12, ROWS - 12, ROWS - 12, 0))
    exported = [line["id"][4:] for line in done.lines]
    assert len(exported) == ROWS - 12
    assert set(exported) == taken
    tries = await office.rows("SELECT kind, tries FROM work.job WHERE kind LIKE 'bulk.%' ORDER BY kind")
    assert [row["tries"] for row in tries] == [2, 2]
