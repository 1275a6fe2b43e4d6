"""The gateway's memory over many requests of 10,000 different documents: flat once its caches are full."""

import os
from pathlib import Path

import orjson
import pytest

from tests.bench.gateway.archive import department_with_customers
from tests.bench.gateway.reporting import header, row
from tests.bench.gateway.wrk import Asked
from tests.support.database import SECRET
from tests.support.members import make_key

pytestmark = [pytest.mark.bench, pytest.mark.gateway_bench]
DOCUMENTS = 10_000
OFTEN = 500
SHAPES = (
    "{{ q{n}: customers(first: 5) {{ nodes {{ id name owner {{ name }} }} }} }}",
    "{{ q{n}: contacts(first: 5) {{ totalCount nodes {{ id name customer {{ name }} }} }} }}",
    "query ($first: Int = 3) {{ q{n}: customers(first: $first) {{ edges {{ cursor node {{ id }} }} }} }}",
    "{{ q{n}: customers(first: 3) {{ nodes {{ id contacts(first: 2) {{ nodes {{ name }} }} }} }} }}",
    "{{ q{n}: wrong }}",
)


def resident(pid: int) -> float:
    """Megabytes of memory that a process occupies."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


async def test_memory_is_flat(databases, company, start_python, wrk):
    wanted = int(os.environ.get("BENCH_REQUESTS") or 50_000)
    archive = await department_with_customers(databases, company)
    bearer = await make_key(databases, archive.asker, key=SECRET)
    server = start_python("kedang_graphql")
    documents = [SHAPES[n % len(SHAPES)].format(n=n) for n in range(DOCUMENTS)]
    requests = [(orjson.dumps({"query": document}), bearer) for document in documents]
    asked = Asked(server.port, server.pid, requests, often=OFTEN)

    print(f"\n\n{wanted:,} requests of {DOCUMENTS:,} documents, at the start {resident(server.pid):.0f} MB\n")
    print("\n".join(header("requests", "resident MB", "requests a second", "CPU ms a request")))
    done = 0
    for tenth in range(1, 11):
        while done < wanted * tenth / 10:
            load = wrk.run(asked, seconds=5 if wanted < 200_000 else 30, connections=4)
            done += load.requests
        print(
            row(
                f"{done:,}", f"{resident(server.pid):.0f}", f"{load.throughput:.0f}", f"{load.server_cpu:.2f}"
            ),
            flush=True,
        )
