"""Servers for measurements: processes of their own, as in a real installation."""

import socket
import subprocess
import sys
import time
from dataclasses import dataclass

import pytest

from tests.support.workers import ROOT


@dataclass(frozen=True)
class Server:
    """A server under measurement: where it listens, and its process."""

    port: int
    pid: int


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


@pytest.fixture
def start(work_environment, company):
    """Start a command, its port as last argument, with variables of its own; returns it once it listens."""
    started = []

    def start(*command: str, **own: str) -> Server:
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
        process = subprocess.Popen([*command, str(port)], cwd=ROOT, env=environment)
        started.append(process)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return Server(port, process.pid)
            except OSError:
                time.sleep(0.05)
        raise TimeoutError(command)

    yield start
    for process in started:
        process.terminate()
        process.wait(20)


@pytest.fixture
def serve(start):
    """Start a module of Python as a server; returns its port."""
    return lambda *command, **own: start(sys.executable, "-m", *command, **own).port
