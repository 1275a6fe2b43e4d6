"""One embedded PostgreSQL and Valkey a test run, fsync off, shared by all workers of the run.

Under xdist the controller starts them before its first worker and hands the addresses on;
without xdist they start when the first test asks. ``KEDANG_TEST_DATABASE_URL`` and
``KEDANG_TEST_REDIS_URL`` run the tests on other servers.
"""

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from kedang_platform import embedded
from kedang_platform.settings import Settings


@dataclass(frozen=True, slots=True)
class ServerUrls:
    database_url: str  # as a superuser
    redis_url: str  # logical database 0


class _TestServers:
    """The servers of one run in a temporary folder; started at the first question for them."""

    def __init__(self):
        self._folder: Path | None = None
        self._running: embedded.RunningServers | None = None

    def urls(self) -> ServerUrls:
        if self._running is None:
            self._folder = Path(tempfile.mkdtemp(prefix="kedang-test-"))
            self._folder.chmod(0o711)  # so that the servers' account gets through when root runs the tests
            self._running = embedded.start(
                Settings(
                    var=self._folder,
                    postgres_port=embedded.free_port(),
                    valkey_port=embedded.free_port(),
                    database_url=os.environ.get("KEDANG_TEST_DATABASE_URL"),
                    redis_url=os.environ.get("KEDANG_TEST_REDIS_URL"),
                ),
                fsync=False,
            )
        return ServerUrls(self._running.database_url, self._running.redis_url)

    def stop(self) -> None:
        if self._running:
            self._running.stop()
            self._running = None
        if self._folder:
            shutil.rmtree(self._folder)
            self._folder = None


_servers = pytest.StashKey[_TestServers]()


def pytest_configure(config):
    config.stash[_servers] = _TestServers()


def pytest_unconfigure(config):
    config.stash[_servers].stop()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    urls = node.config.stash[_servers].urls()
    node.workerinput["kedang_servers"] = (urls.database_url, urls.redis_url)


@pytest.fixture(scope="session")
def servers(request) -> ServerUrls:
    """Addresses of the servers of this run."""
    given = getattr(request.config, "workerinput", {}).get("kedang_servers")
    return ServerUrls(*given) if given else request.config.stash[_servers].urls()
