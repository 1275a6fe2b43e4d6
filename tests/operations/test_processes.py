"""Gateways as processes: figures of two add up, and one that is told to stop writes down what it has."""

import socket
import subprocess
import sys
import time

import pytest

from kedang_platform.embedded import free_port
from tests.operations.conftest import PLANNED
from tests.support.gateway import GraphQLClient
from tests.support.workers import ROOT

pytestmark = pytest.mark.requirement("O3", "O1")


@pytest.fixture
def start(work_environment):
    """Starts a gateway as a process; returns it and its address once it listens."""
    started = []

    def start():
        port = free_port()
        environment = work_environment | {"KEDANG_PORT": str(port)}
        process = subprocess.Popen([sys.executable, "-m", "kedang_graphql"], cwd=ROOT, env=environment)
        started.append(process)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
            except OSError:
                time.sleep(0.05)
            else:
                return process, f"http://127.0.0.1:{port}"
        raise TimeoutError

    yield start
    for process in started:
        process.terminate()
        process.wait(20)


async def test_two_processes_add_up(house, start):
    process, url = start()
    client = GraphQLClient(url, house.key)
    for _ in range(2):
        assert (await client(PLANNED, {"first": 1})).data
    await client.http.aclose()
    assert (await house.ask(PLANNED, {"first": 1})).data
    await house.flush()
    assert (await house.hours())["QUERY", "Names"]["count"] == 1
    process.terminate()
    assert process.wait(20) in {0, -15}
    row = (await house.hours())["QUERY", "Names"]
    assert (row["count"], row["sql_count"]) == (3, 3)
    assert sum(row["latency"].values()) == 3
