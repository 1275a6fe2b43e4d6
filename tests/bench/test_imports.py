"""An import of 100,000 customers by a real worker: alone, and beside people who work."""

import asyncio
import csv
import io
import os
import re
import statistics
import subprocess
import threading
import time
from pathlib import Path

import orjson
import pytest
import redis

from tests.bench.load import Connection, post
from tests.bench.test_list import QUERY
from tests.imports.support import Office
from tests.support.database import SECRET
from tests.support.members import make_key, make_member
from tests.support.names import company_names

pytestmark = pytest.mark.bench

ROWS = 100_000
CONNECTIONS = 4
REQUESTS_A_SECOND = 20


@pytest.fixture(scope="module")
def customers() -> bytes:
    """100,000 full names with number, city, address, phone, country, industry, founding day and employees."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(
        ["number", "name", "city", "address", "phone", "country", "industry", "founded_on", "employees"]
    )
    for n, name in enumerate(company_names(ROWS)):
        phone = f"021-{50_000_000 + n}"
        day = f"{1980 + n % 40}-{1 + n % 12:02}-{1 + n % 28:02}"
        writer.writerow([f"C{n:06}", name, name[:2], f"中山路{n}号", phone, "中国", "软件", day, n % 1_000])
    return stream.getvalue().encode()


@pytest.fixture
async def office(databases, database_settings, company, tmp_path) -> Office:
    return await Office.open(databases, database_settings, company, tmp_path)


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


def peak_megabytes(pid: int) -> float:
    """The most memory that a process ever had resident."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024


def processor_seconds(pid: int) -> float:
    """The seconds of a processor that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def import_all(office, work_processes, content: bytes) -> float:
    """Import the file; returns the seconds from the wish to the end of the import."""
    started = time.perf_counter()
    import_id = await office.start("customer", content)
    ended = f"SELECT finished_at IS NOT NULL FROM work.job WHERE payload->>'import_id' = '{import_id}'"
    await work_processes.until(ended, seconds=300)
    took = time.perf_counter() - started
    outcome = await office.outcome(import_id)
    assert (outcome.state, sum(outcome.counts[:3])) == ("DONE", ROWS), work_processes.said()
    return took


async def test_100000_customers_alone(office, work_processes, start_worker, customers):
    worker = start_worker()
    took = await import_all(office, work_processes, customers)
    peak = peak_megabytes(worker.pid)
    print(
        f"\nimport alone: {ROWS} customers in {took:.1f} s (<= 60); the worker used"
        f" {processor_seconds(worker.pid):.1f} s of a processor and at most {peak:.0f} MB (<= 300)"
    )
    started = time.perf_counter()
    await work_processes.until_idle(seconds=120)
    print(f"import alone: the jobs that follow were done {time.perf_counter() - started:.1f} s later")
    assert took <= 60
    assert peak <= 300


class People:
    """Ask for the list of 100 customers at fixed instants, whether the answer before has come or not."""

    def __init__(self, port: int, request: bytes) -> None:
        self._port = port
        self._request = request
        self._stop = threading.Event()
        self.milliseconds: list[float] = []
        self._threads = [threading.Thread(target=self._ask, args=(n,)) for n in range(CONNECTIONS)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, number: int) -> None:
        connection = Connection(self._port)
        interval = CONNECTIONS / REQUESTS_A_SECOND
        due = time.perf_counter() + interval * number / CONNECTIONS
        while not self._stop.wait(max(0.0, due - time.perf_counter())):
            answer = orjson.loads(connection.send(self._request))
            self.milliseconds.append((time.perf_counter() - due) * 1000)  # from when it was due
            assert "errors" not in answer, answer
            due += interval
        connection.close()


async def test_100000_customers_beside_20_requests_a_second(
    office, databases, work_processes, start_worker, serve, customers
):
    member = await make_member(databases, office.company, "OWNER")
    key = await make_key(databases, member, key=SECRET)
    await office.imports("customer", customers[: customers.index(b"\n", 40_000) + 1], mode="CREATE")
    port = serve("kedang_graphql")
    body = orjson.dumps({"query": QUERY, "variables": {"first": 100}})
    request = post(port, "/graphql", body, Authorization=f"Bearer {key}")
    start_worker()
    with People(port, request) as quiet:
        await asyncio.sleep(5)
    with People(port, request) as people:
        took = await import_all(office, work_processes, customers)
    p50, p95, worst = spread(people.milliseconds)
    print(
        f"\nimport beside {REQUESTS_A_SECOND} requests a second: {took:.1f} s (<= 180); list of 100:"
        f" p50 {p50:.1f}, p95 {p95:.1f} (<= 50), worst {worst:.0f} ms of {len(people.milliseconds)};"
        f" before the import p50 {spread(quiet.milliseconds)[0]:.1f}, p95 {spread(quiet.milliseconds)[1]:.1f}"
    )
    assert len(people.milliseconds) >= 0.95 * REQUESTS_A_SECOND * took
    assert took <= 180
    assert p95 <= 50


def spread(values: list[float]) -> tuple[float, float, float]:
    """Median, 95th percentile and worst."""
    return statistics.median(values), statistics.quantiles(values, n=20)[-1], max(values)
