"""Both servers together: found or made, started, stopped; own servers of the operator left alone."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from kedang_platform.embedded.lock import FolderLock
from kedang_platform.embedded.places import choose_home, find_place
from kedang_platform.embedded.postgres import PostgresServer
from kedang_platform.embedded.processes import Echo, silent
from kedang_platform.embedded.valkey import ValkeyServer
from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg
from kedang_platform.settings import Settings

_INSIDE: Final = "servers"


class SecretLost(KedangError):
    """There are data, but the file with the servers' passwords is gone."""


@dataclass(frozen=True, slots=True)
class Installation:
    """What ``var/servers.json`` (mode 0600) remembers: made once, kept as long as the data."""

    home: str  # relative to var when the data lie inside it, so that the folder can be moved
    postgres_password: str
    valkey_password: str


class RunningServers:
    """The servers that one installation runs on, as long as ``stop`` has not been called."""

    def __init__(
        self,
        *,
        settings: Settings,
        postgres: PostgresServer | None,
        valkey: ValkeyServer | None,
        lock: FolderLock,
    ) -> None:
        self._settings = settings
        self._postgres = postgres
        self._valkey = valkey
        self._lock = lock

    @property
    def database_url(self) -> str:
        """PostgreSQL, as a role that may create roles and schemas."""
        return self._settings.database_url or (self._postgres.url if self._postgres else "")

    @property
    def redis_url(self) -> str:
        """Valkey or Redis, logical database 0."""
        return self._settings.redis_url or (self._valkey.url if self._valkey else "")

    @property
    def home(self) -> Path | None:
        """Where the data of our own servers lie; None when both are the operator's."""
        return next((server.home for server in self._own()), None)

    @property
    def pids(self) -> Mapping[str, int]:
        """Process ids of the servers we run ourselves, by name."""
        return {server.name: server.pid for server in self._own() if server.pid}

    def start(self, *, echo: Echo) -> None:
        """Start whichever of our own servers is not running; raises PortTaken, ServerFailed."""
        for server in self._own():
            if not server.alive:
                echo(msg("Starting {name} ..."), name=server.name)
                server.start(echo=echo)

    def dead(self) -> list[str]:
        """Names of our own servers that have ended without being asked."""
        return [server.name for server in self._own() if not server.alive]

    def stop(self) -> None:
        """End our own servers cleanly, PostgreSQL last; harmless when called again."""
        for server in reversed(self._own()):
            server.stop()
        self._lock.release()

    def _own(self) -> list[PostgresServer | ValkeyServer]:
        return [server for server in (self._postgres, self._valkey) if server]


def start(settings: Settings, *, fsync: bool = True, echo: Echo = silent) -> RunningServers:
    """Start the servers that ``settings`` does not name itself, and return when they answer.

    Call it from the main thread: the servers end with the thread that started them. ``fsync``
    off is for tests alone, whose data may vanish. Raises AlreadyRunning, FolderUnreachable,
    PortTaken, SecretLost, ServerFailed; whatever was started by then has been stopped.
    """
    var = settings.var.absolute()
    lock = FolderLock(var / "servers.lock")
    if settings.database_url and settings.redis_url:
        return RunningServers(settings=settings, postgres=None, valkey=None, lock=lock)
    var.mkdir(parents=True, exist_ok=True)
    lock.acquire()
    running: RunningServers | None = None
    try:
        running = _servers(settings, var=var, fsync=fsync, lock=lock)
        running.start(echo=echo)
    except BaseException:  # Ctrl-C while a recovery goes on included
        if running:
            running.stop()
        lock.release()
        raise
    return running


def _servers(settings: Settings, *, var: Path, fsync: bool, lock: FolderLock) -> RunningServers:
    installation = _installation(var)
    place = find_place(var / installation.home)
    postgres = PostgresServer(
        place,
        port=settings.postgres_port or settings.port + 1,
        password=installation.postgres_password,
        fsync=fsync,
        log=var / "log" / "postgres.log",
    )
    valkey = ValkeyServer(
        place,
        port=settings.valkey_port or settings.port + 2,
        password=installation.valkey_password,
        fsync=fsync,
        log=var / "log" / "valkey.log",
    )
    return RunningServers(
        settings=settings,
        postgres=None if settings.database_url else postgres,
        valkey=None if settings.redis_url else valkey,
        lock=lock,
    )


def known_installation(var: Path) -> Installation | None:
    """What is remembered of the servers in this folder; None when it has none."""
    file = var / "servers.json"
    return Installation(**json.loads(file.read_text())) if file.exists() else None


def remember_installation(var: Path, installation: Installation) -> None:
    """Write down what a restored folder has; it must have nothing yet."""
    _write_once(var / "servers.json", json.dumps(asdict(installation), indent=1))


def _installation(var: Path) -> Installation:
    """The installation of this folder, remembered before anything of it is made."""
    file = var / "servers.json"
    if known := known_installation(var):
        return known
    if (var / _INSIDE).exists():
        raise SecretLost(
            msg("{folder} holds data, but {file} with their passwords is gone; bring it back from a backup."),
            folder=str(var / _INSIDE),
            file=str(file),
        )
    home = choose_home(var)
    made = Installation(
        home=_INSIDE if home.parent == var else str(home),
        postgres_password=secrets.token_hex(24),
        valkey_password=secrets.token_hex(24),
    )
    remember_installation(var, made)
    return made


def _write_once(file: Path, text: str) -> None:
    """Write a private file so that after a crash it is either whole or not there."""
    unfinished = file.with_suffix(".unfinished")
    number = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(number, "w") as output:
        output.write(text)
        output.flush()
        os.fsync(output.fileno())
    unfinished.rename(file)
