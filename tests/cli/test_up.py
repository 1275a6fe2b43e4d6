"""`kedang up` as a person lives it: it runs, heals, stops, and comes back after kill -9 of everything."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

import psutil
import pytest

from kedang_platform.embedded import free_port
from kedang_platform.embedded.processes import working_in
from kedang_workers.cli.children import INSTANCE
from tests.embedded.support import until

PROCESSES = {"kedang_graphql", "kedang_workers.relay", "kedang_workers.schedule", "kedang_workers.start"}


class Installation:
    """An installation in a folder of its own, driven by the command line."""

    def __init__(self, folder, *, demo=False, **settings):
        self.folder = folder
        self.port = free_port()
        self.output = folder / "output"
        self._ups = []
        clean = {name: value for name, value in os.environ.items() if not name.startswith("KEDANG_")}
        self._environment = clean | {
            "KEDANG_VAR": str(folder / "var"),
            "KEDANG_PORT": str(self.port),
            "KEDANG_POSTGRES_PORT": str(free_port()),
            "KEDANG_VALKEY_PORT": str(free_port()),
            "KEDANG_DEMO": str(demo).lower(),
            "KEDANG_SPARE_SCHEMAS": "1",
            **settings,
        }

    def up(self):
        """Start it and wait until it says that it runs."""
        with self.output.open("w") as output:
            started = subprocess.Popen(
                self._command("up"), env=self._environment, stdout=output, stderr=output
            )
        self._ups.append(started)
        until(lambda: "Kedang is running." in self.said() or started.poll() is not None, seconds=90)
        assert started.poll() is None, self.said()
        return started

    def run(self, *command):
        return subprocess.run(
            self._command(*command), env=self._environment, check=False, capture_output=True, text=True
        )

    def demo(self, verb):
        """Build or check the demonstration company."""
        command = [sys.executable, "-P", "-m", "kedang_workers.demo", verb]
        return subprocess.run(command, env=self._environment, check=False, capture_output=True, text=True)

    def said(self):
        return self.output.read_text()

    def answers(self):
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer,
        ):
            return answer.status == 200
        return False

    def processes(self):
        """The living processes of the product, by the module that each runs."""
        found = {}
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get(INSTANCE) == str((self.folder / "var").resolve()):
                    found[process.cmdline()[3]] = process
        return found

    def servers(self):
        home = self.folder / "var" / "servers"
        postgres = working_in(home / "postgres", program="postgres")
        return postgres + working_in(home / "valkey", program="valkey-server")

    def clean_up(self):
        for started in self._ups:
            if started.poll() is None:
                started.terminate()
                started.wait(timeout=90)

    def _command(self, *command):
        return [sys.executable, "-P", "-m", "kedang_workers.cli", *command]


@pytest.fixture
def installation():
    folder = Path(tempfile.mkdtemp(prefix="kedang-up-"))
    folder.chmod(0o755)
    made = Installation(folder)
    yield made
    made.clean_up()
    shutil.rmtree(folder)


@pytest.mark.requirement("O1", "O2")
def test_everything_runs_heals_and_stops(installation):
    supervisor = installation.up()
    assert installation.answers()
    assert installation.processes().keys() == PROCESSES
    for address in ("graphql", "sign-up", "mail"):
        assert f"http://127.0.0.1:{installation.port}/{address}" in installation.said()

    second = installation.run("up")
    assert second.returncode == 1
    assert second.stderr.startswith(f"Already running here as process {supervisor.pid} (")
    assert installation.answers()

    before = installation.processes()["kedang_graphql"]
    before.kill()
    until(lambda: not before.is_running())
    until(installation.answers, seconds=30)
    assert "gateway ended with code -9; starting it again in 1 s" in installation.said()

    down = installation.run("down")
    assert down.returncode == 0
    assert down.stdout.endswith("Stopped.\n")
    assert supervisor.wait(timeout=10) == 0
    assert installation.processes() == {}
    assert installation.servers() == []
    assert not installation.answers()


@pytest.mark.requirement("O1")
def test_it_comes_back_after_kill_9_of_everything(installation):
    supervisor = installation.up()
    everything = [*installation.processes().values(), *installation.servers(), supervisor]
    for process in everything:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    supervisor.wait()

    supervisor = installation.up()
    assert installation.answers()
    supervisor.send_signal(signal.SIGINT)
    assert supervisor.wait(timeout=90) == 0
    assert "Everything has been stopped" in installation.said()
    assert installation.processes() == {}
    assert installation.servers() == []
