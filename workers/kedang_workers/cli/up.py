"""``kedang up``: one foreground process that starts everything, looks after it and stops it in order."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from importlib.resources import files
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from kedang_platform import embedded
from kedang_platform.backups import embedded_source
from kedang_platform.backups.wal import drop_slot
from kedang_platform.embedded import Echo, FolderLock, RunningServers
from kedang_platform.embedded.processes import require_port
from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg
from kedang_platform.settings import Settings
from kedang_workers.cli.children import INSTANCE, Child, Program, end_all, end_orphans
from kedang_workers.cli.stopping import Stopping, StopRequested
from kedang_workers.cli.telling import COMPANIES_BEHIND

GATEWAY: Final = Program("gateway", "kedang_graphql")
RELAY: Final = Program("relay", "kedang_workers.relay")
SCHEDULER: Final = Program("scheduler", "kedang_workers.schedule")
WORKER: Final = "kedang_workers.start"
BOUNCES: Final = Program("bounces", "kedang_workers.bounces")
BACKUP: Final = Program("backup", "kedang_workers.backing_up")
MIGRATE: Final = Program("migrate", "kedang_workers.cli", ("migrate",), on_screen=True)
DEMO: Final = Program("demo", "kedang_workers.demo", ("build",), on_screen=True)

DRAIN_SECONDS: Final = 60.0  # a draining worker takes up to 50


class ChildFailed(KedangError):
    """A step that has to succeed once, as the migration, did not."""


def lock_of(settings: Settings) -> FolderLock:
    """The lock that the supervisor of this folder holds as long as it lives."""
    return FolderLock(settings.var.absolute() / "up.lock")


class Supervisor:
    """Everything that runs for one installation on this machine."""

    def __init__(self, settings: Settings, *, echo: Echo) -> None:
        self._settings = settings.model_copy(update={"var": settings.var.absolute()})
        self._echo = echo
        self._stopping = Stopping()
        self._servers: RunningServers | None = None
        self._children: list[Child] = []
        self._once: list[Child] = []
        self._servers_due = 0.0

    def run(self) -> None:
        """Run until Ctrl-C, SIGTERM or ``kedang down``, then stop everything and return.

        Raises AlreadyRunning when the folder has a supervisor, and what starting can raise:
        ChildFailed, FolderUnreachable, PortTaken, SecretLost, ServerFailed. Nothing stays running.
        """
        lock = lock_of(self._settings)
        lock.acquire()
        try:
            with self._stopping:
                self._run_until_stopped()
        finally:
            lock.release()

    def _run_until_stopped(self) -> None:
        try:
            self._bring_up()
            self._watch()
        except StopRequested:
            self._echo(msg("\nStopping ..."))
        finally:
            self._stopping.begin()
            self._take_down()
        self._echo(msg("Everything has been stopped; the data stay in {folder}."), folder=self._settings.var)

    def _bring_up(self) -> None:
        settings = self._settings
        end_orphans(self._instance, echo=self._echo)
        require_port(settings.port, host=settings.host, setting="KEDANG_PORT")
        self._servers = embedded.start(settings, echo=self._echo)
        self._echo(msg("Migrating the database ..."))
        self._run_once(MIGRATE, self._environment(self._servers, self._servers.database_url))
        environment = self._environment(self._servers, without_login(self._servers.database_url))
        workers = [Program(f"worker-{number}", WORKER) for number in range(1, settings.workers + 1)]
        returned = [BOUNCES] if settings.bounce_listen else []
        self._begin(GATEWAY, environment)
        for program in (RELAY, SCHEDULER, *workers, *returned):
            self._begin(program, environment | self._told_at(program))
        self._begin_backups()
        self._wait_for_gateway()
        self._tell_where()
        if settings.demo and not demo_told(settings).get("built"):
            self._echo(msg("Building the demonstration company ..."))
            self._begin_once(DEMO, environment)

    def _begin(self, program: Program, environment: Mapping[str, str]) -> None:
        self._echo(msg("Starting {name} ..."), name=program.name)
        child = Child(program, logs=self._settings.var / "log", environment=environment)
        self._children.append(child)
        child.start()

    def _told_at(self, program: Program) -> dict[str, str]:
        """Where the process tells its figures and health, if it is to: each at a port of its own."""
        port = told_ports(self._settings).get(program.name)
        return {} if port is None else {"KEDANG_METRICS_PORT": str(port)}

    def _begin_backups(self) -> None:
        """Save our own PostgreSQL all the time; without a folder for it, see that nothing waits to be saved."""
        settings = self._settings
        if settings.database_url:
            return
        if settings.backup_dir is None:
            asyncio.run(drop_slot(embedded_source(settings)))
            return
        ours = {name: value for name, value in os.environ.items() if name != "KEDANG_REDIS_URL"}
        self._begin(BACKUP, ours | {"KEDANG_VAR": str(settings.var), INSTANCE: self._instance})

    def _environment(self, servers: RunningServers, database_url: str) -> dict[str, str]:
        return os.environ | {
            "KEDANG_VAR": str(self._settings.var),
            "KEDANG_DATABASE_URL": database_url,
            "KEDANG_REDIS_URL": servers.redis_url,
            "PYTHONUNBUFFERED": "1",
            INSTANCE: self._instance,
        }

    @property
    def _instance(self) -> str:
        return str(self._settings.var.resolve())

    def _begin_once(self, program: Program, environment: Mapping[str, str]) -> Child:
        child = Child(program, logs=self._settings.var / "log", environment=environment)
        self._once.append(child)
        child.start()
        return child

    def _run_once(self, program: Program, environment: Mapping[str, str]) -> None:
        child = self._begin_once(program, environment)
        while child.running:
            time.sleep(0.05)
        if child.exit_code not in {0, COMPANIES_BEHIND}:
            raise ChildFailed(msg("{name} failed with code {code}."), name=program.name, code=child.exit_code)
        self._once.remove(child)

    def _wait_for_gateway(self) -> None:
        while not gateway_ready(self._settings):
            self._look_after_all()
            time.sleep(0.1)

    def _watch(self) -> None:
        while True:
            self._look_after_all()
            time.sleep(0.2)

    def _look_after_all(self) -> None:
        self._look_after_servers()
        for child in self._children:
            child.tell_errors(echo=self._echo)
            child.look_after(echo=self._echo)
        for child in [child for child in self._once if not child.running]:
            self._once.remove(child)
            if child.exit_code != 0:
                self._echo(
                    msg("{name} failed with code {code}; the next start tries again."),
                    name=child.program.name,
                    code=child.exit_code,
                )
            elif child.program == DEMO:
                self._tell_demo()

    def _look_after_servers(self) -> None:
        assert self._servers is not None
        dead = self._servers.dead()
        if dead and time.monotonic() >= self._servers_due:
            self._echo(msg("{names} ended unasked; starting again ..."), names=", ".join(dead))
            self._servers_due = time.monotonic() + 10
            try:
                self._servers.start(echo=self._echo)
            except KedangError as failure:
                self._echo(failure.message, **failure.params)

    def _take_down(self) -> None:
        """Whatever writes is ended before what it writes to."""
        try:
            end_all(
                [*self._once, *self._children],
                patience=DRAIN_SECONDS,
                hurry=lambda: self._stopping.hurry,
                echo=self._echo,
            )
            end_orphans(self._instance, echo=self._echo)
        finally:
            if self._servers:
                self._servers.stop()

    def _tell_where(self) -> None:
        base = self._settings.base_url
        self._echo(msg("\nKedang is running."))
        if graphiql_built():
            self._echo(msg("  GraphiQL       {url}"), url=f"{base}/graphql")
        else:
            self._echo(
                msg(
                    "  GraphiQL       missing: it is built with Node 20, then `make web`; the API is at {url}"
                ),
                url=f"{base}/graphql",
            )
        self._echo(msg("  Sign up        {url}"), url=f"{base}/sign-up")
        self._echo(msg("  Mail page      {url}"), url=f"{base}/mail")
        for name, port in told_ports(self._settings).items():
            self._echo(
                msg("  Figures        of {name}: http://{host}:{port}/metrics"),
                name=name,
                host=self._settings.metrics_host,
                port=port,
            )
        self._tell_demo()
        self._echo(msg("  Data and logs  {folder}"), folder=self._settings.var)
        home = self._servers.home if self._servers else None
        if home and not home.is_relative_to(self._settings.var):
            self._echo(msg("  Database       {folder}"), folder=home)
        self._echo(msg("Ctrl-C or `make down` stops everything.\n"))

    def _tell_demo(self) -> None:
        told = demo_told(self._settings)
        if told.get("built"):
            self._echo(msg("  Demonstration  {company}: sign in as {email}, password {password}"), **told)
            self._echo(msg("                 an integrator's key, for reading: {reading_key}"), **told)


def without_login(database_url: str) -> str:
    """Where the database is, for processes that log in by roles of their own: only migrations need the superuser."""
    parts = urlsplit(database_url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def demo_told(settings: Settings) -> dict[str, object]:
    """What the builder of the demonstration company left: company, email, password, built."""
    file = settings.var / "demo.json"
    return dict(json.loads(file.read_text())) if file.exists() else {}


def graphiql_built() -> bool:
    return (files("kedang_graphql") / "static" / "graphiql" / "index.html").is_file()


def gateway_ready(settings: Settings) -> bool:
    """Whether the gateway says at ``/readyz`` that it can serve."""
    return ready_at(settings.host, settings.port)


def told_ports(settings: Settings) -> dict[str, int]:
    """Where the processes beside the gateway tell their health under ``kedang up``; none without a port for it."""
    if settings.metrics_port is None:
        return {}
    names = [RELAY.name, SCHEDULER.name, *(f"worker-{number}" for number in range(1, settings.workers + 1))]
    if settings.bounce_listen:
        names.append(BOUNCES.name)
    return {name: settings.metrics_port + number for number, name in enumerate(names)}


def ready_at(host: str, port: int) -> bool:
    """Whether the process that listens there says at ``/readyz`` that it can do its work."""
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound
    connection = HTTPConnection(everywhere.get(host, host), port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
