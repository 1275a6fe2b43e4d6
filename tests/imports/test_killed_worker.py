"""kill -9 of the worker in the middle of an import: every row once."""

import signal

import pytest
import redis

from tests.support.names import company_names

ROWS = 20_000
PROCESS = "tests.support.work_process"


@pytest.fixture(autouse=True)
def _valkey_is_empty(work_redis_url):
    with redis.Redis.from_url(work_redis_url) as client:
        client.flushdb()
        yield
        client.flushdb()


@pytest.mark.requirement("A9", "O1")
async def test_an_import_of_20000_rows_survives_two_killed_workers(office, work_processes):
    names = company_names(ROWS)
    text = "number,name,country,phone\n" + "".join(
        f"C{n},{name},{'Atlantis' if n % 1_000 == 7 else '中国'},021-{50_000_000 + n}\n"
        for n, name in enumerate(names)
    )
    import_id = await office.start("customer", text)
    work_processes.start(PROCESS, "relay")
    for reached in (2_000, 9_000):
        worker = work_processes.start(PROCESS, "product")
        done = (
            f"SELECT progress_done BETWEEN {reached} AND {ROWS - 1} FROM work.job WHERE kind = 'imports.run'"
        )
        await work_processes.until(done)
        assert work_processes.end(worker, number=signal.SIGKILL) == -signal.SIGKILL
    work_processes.start(PROCESS, "product")
    await work_processes.until("SELECT state = 'done' FROM work.job WHERE kind = 'imports.run'", seconds=60)

    done = await office.outcome(import_id)
    assert (done.state, done.row["rows_done"]) == ("DONE", ROWS)
    assert done.counts == (ROWS - 20, 0, 0, 20, 0)
    assert set(done.reasons) == {n + 2 for n in range(7, ROWS, 1_000)}
    (found,) = await office.rows("SELECT count(*), count(DISTINCT number) AS numbers FROM customer")
    assert found == {"count": ROWS - 20, "numbers": ROWS - 20}
    (audited,) = await office.rows(
        "SELECT count(*), count(DISTINCT record_id) AS records FROM audit WHERE action = 'customer.created'"
    )
    assert audited == {"count": ROWS - 20, "records": ROWS - 20}
    tries = await office.rows("SELECT attempt, tries FROM work.job WHERE kind = 'imports.run'")
    assert tries[0]["tries"] == 3
