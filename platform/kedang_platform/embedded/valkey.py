"""The embedded Valkey: an append-only file, a password, one loopback port."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from typing import Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from kedang_platform.embedded.places import Place
from kedang_platform.embedded.processes import Echo, end, end_leftovers, launch, require_port, wait_until

_ENDING: Final = ((signal.SIGTERM, 30.0),)


class ValkeyServer:
    """One server with its data in ``<home>/valkey``; database 0 is the broker's, 1 is for other uses."""

    name = "Valkey"

    def __init__(self, place: Place, *, port: int, password: str, fsync: bool, log: Path) -> None:
        self._place = place
        self._data = place.home / "valkey"
        self._port = port
        self._password = password
        self._fsync = fsync
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Address of logical database 0."""
        return f"redis://:{self._password}@127.0.0.1:{self._port}/0"

    @property
    def home(self) -> Path:
        return self._place.home

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, *, echo: Echo) -> None:
        """Return when the server answers, its append-only file read. Raises PortTaken, ServerFailed."""
        self._place.make_folder(self._data)
        end_leftovers(self._data, program="valkey-server", signals=_ENDING, echo=echo)
        require_port(self._port, setting="KEDANG_VALKEY_PORT")
        self._process = launch(
            [self._place.programs.valkey, "-"],
            account=self._place.account,
            log=self._log,
            cwd=self._data,
            death_signal=signal.SIGTERM,
            stdin=self._configuration().encode(),
        )
        with redis.Redis(port=self._port, password=self._password, retry=Retry(NoBackoff(), 0)) as client:
            wait_until(
                lambda: _answers(client), process=self._process, name=self.name, log=self._log, echo=echo
            )

    def stop(self) -> None:
        """End the server, its file written; harmless when it has ended."""
        if self._process:
            end(self._process, signals=_ENDING)

    def _configuration(self) -> str:
        """Read by the server from its standard input, so that the password stands in no list of processes."""
        values = {
            "bind": "127.0.0.1",
            "port": self._port,
            "requirepass": self._password,
            "dir": "./",
            "appendonly": "yes" if self._fsync else "no",
            "appendfsync": "everysec",
            "save": '""',
            "maxmemory-policy": "noeviction",  # a queue that forgets quietly would be worse than a full one
        }
        return "".join(f"{name} {value}\n" for name, value in values.items())


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except (redis.ConnectionError, redis.BusyLoadingError):
        return False
