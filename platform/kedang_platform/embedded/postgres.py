"""The embedded PostgreSQL 18: made once, started, recovered, stopped."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import psutil

from kedang_platform.embedded.processes import (
    Echo,
    ServerFailed,
    end_leftovers,
    launch,
    require_port,
    server_environment,
    wait_until,
    working_in,
)
from kedang_platform.embedded.server import EmbeddedServer
from kedang_platform.i18n import msg

SUPERUSER: Final = "postgres"
DATABASE: Final = "kedang"
_MB: Final = 1024 * 1024
# Backends without their postmaster have nothing left to write down.
_ENDING_HEADLESS: Final = ((signal.SIGQUIT, 2.0),)


class PostgresServer(EmbeddedServer):
    """One cluster in ``<home>/postgres``, on one loopback port, without sockets in the file system."""

    name = "PostgreSQL"
    _folder = "postgres"
    # Fast shutdown takes a checkpoint; immediate leaves the rest to the next recovery.
    _ending = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0))

    @property
    def url(self) -> str:
        """Address of the database as the superuser."""
        return f"postgresql://{SUPERUSER}:{self._password}@127.0.0.1:{self._port}/{DATABASE}"

    def start(self, *, echo: Echo, recovery: Mapping[str, str] | None = None) -> None:
        """Return when the cluster takes connections; made first when there is none.

        What a killed supervisor left running is ended before. ``recovery`` are further values of the
        configuration, for bringing a backup up to date. Raises PortTaken, ServerFailed.
        """
        self._end_leftovers(echo=echo)
        require_port(self._port, setting="KEDANG_POSTGRES_PORT")
        if not self._data.exists():
            echo(msg("Making the database cluster ..."))
            self._make()
        # Nobody works in the folder (looked up above), so a pid file is a dead one's; PostgreSQL
        # itself would trust the number and refuse to start once another process has it.
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        (self._data / "postgresql.conf").write_text(self._configuration(recovery or {}))
        self._process = launch(
            [self._program("postgres"), "-D", self._data, "-p", str(self._port)],
            account=self._place.account,
            log=self._log,
            cwd=self._place.home,
            death_signal=signal.SIGINT,
        )
        wait_until(self._ready, process=self._process, name=self.name, log=self._log, echo=echo)

    def _end_leftovers(self, *, echo: Echo) -> None:
        pids = {process.pid for process in working_in(self._data, program="postgres")}
        signals = self._ending if self._written_pid() in pids else _ENDING_HEADLESS
        end_leftovers(self._data, program="postgres", signals=signals, echo=echo)

    def _written_pid(self) -> int | None:
        lines = self._pid_file()
        return int(lines[0]) if lines and lines[0].isdigit() else None

    def _pid_file(self) -> list[str]:
        try:
            return (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _ready(self) -> bool:
        """What the postmaster itself tells in its pid file (line 1: who, line 8: how it is)."""
        lines = self._pid_file()
        return len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def _make(self) -> None:
        """Make the cluster and its database beside the final place, then move it there in one step."""
        unfinished = self._data.with_name("postgres.unfinished")
        secret = self._place.home / "superuser"
        shutil.rmtree(unfinished, ignore_errors=True)
        self._place.write_secret(secret, self._password)
        try:
            self._run(
                self._program("initdb"),
                *("-D", unfinished, "-U", SUPERUSER, f"--pwfile={secret}", "-A", "scram-sha-256"),
                *("-E", "UTF8", "--locale=C.UTF-8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                *(() if self._fsync else ("--no-sync",)),
            )
        finally:
            secret.unlink()
        self._run(
            self._program("postgres"),
            *("--single", "-D", unfinished, "template1"),
            stdin=f"CREATE DATABASE {DATABASE}\n".encode(),
        )
        unfinished.rename(self._data)

    def _run(self, program: Path, *arguments: str | Path, stdin: bytes = b"") -> None:
        account = self._place.account
        done = subprocess.run(  # noqa: S603 - the programs of our own wheel
            [program, *arguments],
            check=False,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self._place.home,
            env=server_environment(),
            **(account.popen() if account else {}),
        )
        if done.returncode != 0:
            raise ServerFailed(
                msg("{name} ended with code {code}: {text}"),
                name=program.name,
                code=done.returncode,
                text=done.stdout.decode(errors="replace")[-2000:],
            )

    def _program(self, name: str) -> Path:
        return self._place.programs.postgres / name

    def _configuration(self, further: Mapping[str, str]) -> str:
        """The whole postgresql.conf; an operator's own values stand above it by ALTER SYSTEM."""
        memory = psutil.virtual_memory().total
        values = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",  # a socket's path ends at 107 bytes, ours may be longer
            "max_connections": "200",
            "shared_buffers": f"{min(max(memory // 8, 128 * _MB), 1024 * _MB) // _MB}MB",
            "effective_cache_size": f"{max(memory // 2, 256 * _MB) // _MB}MB",
            "work_mem": "8MB",
            "maintenance_work_mem": "128MB",
            "max_wal_size": "2GB",
            # Backups receive the log over a slot: one whose folder is away must not fill this disk.
            "max_slot_wal_keep_size": "8GB",
            "wal_compression": "pglz",
            "random_page_cost": "1.1",
            "max_locks_per_transaction": "256",  # a migration or a deletion touches whole schemas
            "jit": "off",
            "recovery_init_sync_method": "syncfs",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_line_prefix": "%m [%p] %u ",
            # What a statement is refused for names its values; who asked for it tells code and place of it (ADR 37).
            "log_min_messages": "log",
            "log_min_error_statement": "panic",
        }
        if not self._fsync:
            values |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
            values |= {"shared_buffers": "128MB"}
        values |= further
        lines = [f"{name} = '{value}'" for name, value in values.items()]
        return (
            "# Written at every start. Values of your own: ALTER SYSTEM SET ...\n" + "\n".join(lines) + "\n"
        )
