"""Servers for measurements: processes of their own, as in a real installation."""

import socket
import subprocess
import sys
import time

import pytest

from tests.support.workers import ROOT


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


@pytest.fixture
def serve(work_environment, company):
    """Start a server as a process of its own; returns its port once it listens."""
    started = []

    def start(*command: str, **own: str) -> int:
        port = free_port()
        environment = (
            work_environment
            | {
                "KEDANG_PORT": str(port),
                "KEDANG_COST_POINTS": "1000000000",
                "KEDANG_COST_POINTS_PER_SECOND": "1000000000",
                "BENCH_COMPANY": str(company.id),
                "BENCH_SCHEMA": company.ref.schema,
            }
            | own
        )
        started.append(
            subprocess.Popen([sys.executable, "-m", *command, str(port)], cwd=ROOT, env=environment)
        )
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return port
            except OSError:
                time.sleep(0.05)
        raise TimeoutError(command)

    yield start
    for process in started:
        process.terminate()
        process.wait(20)
