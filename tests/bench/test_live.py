"""Live updates: how soon a watcher is told after a change, through real processes, and what a connection takes."""

import asyncio
import statistics
import sys
import time
from contextlib import AsyncExitStack

import psutil
import pytest

from tests.live.conftest import dial
from tests.support.database import SECRET
from tests.support.members import make_key, make_member

pytestmark = pytest.mark.bench

WATCH = "subscription { customerChanges { action customer { id name } } }"
CREATE = "mutation ($name: String!) { createCustomer(input: {name: $name}) { record { id } } }"
CHANGES = 40
CONNECTIONS = 500


@pytest.fixture
async def key(databases, company) -> str:
    return await make_key(databases, await make_member(databases, company, "OWNER"), key=SECRET)


async def test_from_the_answer_to_a_change_until_a_watcher_is_told(serve, work_processes, key):
    port = serve("kedang_graphql")
    for module in ("kedang_workers.relay", "kedang_workers.start"):
        work_processes.start(module)
    async with AsyncExitStack() as stack:
        watcher, writer = [await dial(stack, f"http://127.0.0.1:{port}") for _ in range(2)]
        for client in (watcher, writer):
            await client.init(key)
        await watcher.watch(WATCH)
        took = []
        for number in range(CHANGES):
            assert (await writer.ask(CREATE, variables={"name": f"Customer {number}"}))["data"]
            began = time.perf_counter()
            told = await watcher.change()
            took.append((time.perf_counter() - began) * 1000)
            assert told["customer"]["name"] == f"Customer {number}"
            await asyncio.sleep(0.05)
    p50, p95 = statistics.median(took), statistics.quantiles(took, n=20)[-1]
    print(f"\ntold after a change was answered: p50 {p50:.0f} ms, p95 {p95:.0f} ms ({CHANGES} changes)")


async def test_memory_of_500_connections_that_watch(start, key):
    limits = {"KEDANG_LIVE_CONNECTIONS": str(CONNECTIONS + 1)}
    gateway = start(sys.executable, "-m", "kedang_graphql", **limits)
    process = psutil.Process(gateway.pid)
    async with AsyncExitStack() as stack:

        async def open_one() -> None:
            client = await dial(stack, f"http://127.0.0.1:{gateway.port}")
            await client.init(key)
            await client.watch(WATCH)

        await open_one()
        before = process.memory_info().rss
        for _ in range(CONNECTIONS // 50):
            await asyncio.gather(*(open_one() for _ in range(50)))
        after = process.memory_info().rss
    print(
        f"\n{CONNECTIONS} connections: {(after - before) / 1e6:.0f} MB more,"
        f" {(after - before) / CONNECTIONS / 1024:.0f} KB each"
    )
