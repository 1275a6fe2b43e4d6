"""The embedded Valkey: an append-only file, a password, one loopback port."""

from __future__ import annotations

import signal

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from kedang_platform.embedded.processes import Echo, end_leftovers, launch, require_port, wait_until
from kedang_platform.embedded.server import EmbeddedServer


class ValkeyServer(EmbeddedServer):
    """One server with its data in ``<home>/valkey``; database 0 is the broker's, 1 is for other uses."""

    name = "Valkey"
    _folder = "valkey"
    _ending = ((signal.SIGTERM, 30.0),)

    @property
    def url(self) -> str:
        """Address of logical database 0."""
        return f"redis://:{self._password}@127.0.0.1:{self._port}/0"

    def start(self, *, echo: Echo) -> None:
        """Return when the server answers, its append-only file read. Raises PortTaken, ServerFailed."""
        self._place.make_folder(self._data)
        end_leftovers(self._data, program="valkey-server", signals=self._ending, echo=echo)
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
