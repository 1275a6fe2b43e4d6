"""A company with 100,000 customers taken along by the command line and brought in again, or with KEDANG_BENCH_ROWS of them."""

import asyncio
import os
import sys
import time

import orjson
import pytest

from tests.bench.test_imports import peak_megabytes
from tests.support.factories import Factory

pytestmark = pytest.mark.bench

ROWS = int(os.environ.get("KEDANG_BENCH_ROWS", "100000"))
SECONDS = 60 * ROWS / 100_000
MEGABYTES = 300
_AT_ONCE = 2_000


@pytest.fixture
async def full(databases, company):
    factory = Factory(databases, company)
    for start in range(0, ROWS, _AT_ONCE):
        rows = [
            {
                "number": f"C{n}",
                "name": f"上海软件{n}",
                "city": "上海",
                "address": f"{n} Nanjing Road",
                "phone": "021-6321 0000",
                "employees": n % 1_000,
                "note": "Met at the fair; wants an offer. " * 5,
            }
            for n in range(start, min(ROWS, start + _AT_ONCE))
        ]
        await factory.many("customer", rows)
    return company


async def command(environment, *arguments):
    """Run the command line; what it tells, its seconds and the most memory it had."""
    started = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "kedang_workers.cli", *arguments, "--json"),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
    )
    peak, telling = 0.0, asyncio.ensure_future(process.communicate())
    while not telling.done():
        try:
            peak = max(peak, peak_megabytes(process.pid))
        except (FileNotFoundError, TypeError):  # it has just ended
            break
        await asyncio.sleep(0.02)
    output, _ = await telling
    assert process.returncode == 0, output
    return orjson.loads(output), time.perf_counter() - started, peak


async def test_a_large_company_leaves_and_comes(full, work_environment, tmp_path):
    archive = tmp_path / "company.zip"
    told, took, peak = await command(
        work_environment, "company", "export", str(full.id), "--to", str(archive)
    )
    assert told["rows"]["customer"] == ROWS
    assert told["rows"]["audit"] == ROWS
    print(
        f"\ncompany export: {ROWS} customers with their audit in {took:.1f} s (<= {SECONDS:.0f}), {told['bytes'] / 1e6:.0f} MB,"
        f" at most {peak:.0f} MB of memory (<= {MEGABYTES})"
    )
    _, verifying, _ = await command(work_environment, "audit", "verify", str(full.id))
    there, back, memory = await command(work_environment, "company", "import", str(archive))
    assert there["rows"] == told["rows"]
    print(f"company import: {back:.1f} s, at most {memory:.0f} MB; audit verify: {verifying:.1f} s")
    assert took <= SECONDS
    assert peak <= MEGABYTES
