"""What each process costs before it has done anything: processor time until it is ready, and memory then."""

import sys
import time

import orjson
import psutil
import pytest
from graphql import get_introspection_query

from tests.bench.load import Target, once, post
from tests.support.database import SECRET
from tests.support.members import make_key, make_member

pytestmark = pytest.mark.bench

LIST = orjson.dumps({"query": "{ customers(first: 1) { nodes { id name } totalCount } }"})
INTROSPECTION = orjson.dumps({"query": get_introspection_query()})


def processor_seconds(process: psutil.Process) -> float:
    used = process.cpu_times()
    return used.user + used.system


def settled(process: psutil.Process) -> float:
    """The processor time of a process, once it has used next to nothing for a second."""
    used = -1.0
    while (now := processor_seconds(process)) - used > 0.1:
        used = now
        time.sleep(1)
    return now


def told(name: str, process: psutil.Process, seconds: float) -> None:
    memory = process.memory_full_info()
    print(f"{name}: {seconds:.2f} s of a processor, {memory.rss >> 20} MB, {memory.pss >> 20} MB of its own")


async def test_the_gateway_starts(databases, company, start):
    member = await make_member(databases, company, "OWNER")
    key = await make_key(databases, member, key=SECRET)
    gateway = start(sys.executable, "-m", "kedang_graphql")
    process = psutil.Process(gateway.pid)
    print()
    told("gateway", process, settled(process))
    for name, body in (("first list", LIST), ("first introspection", INTROSPECTION)):
        before = processor_seconds(process)
        answer = orjson.loads(
            once(
                Target(
                    name, gateway.port, post(gateway.port, "/graphql", body, Authorization=f"Bearer {key}")
                )
            )
        )
        assert "errors" not in answer
        told(name, process, processor_seconds(process) - before)


@pytest.mark.parametrize("module", ["start", "relay", "schedule"])
async def test_a_process_behind_the_gateway_starts(work_processes, module):
    process = psutil.Process(work_processes.start(f"kedang_workers.{module}").pid)
    seconds = settled(process)
    print()
    told(module, process, seconds)
    assert process.is_running()
