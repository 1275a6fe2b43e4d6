"""The commands. Each imports what it runs when it runs, so that help and refusals come at once."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, NoReturn

import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError

from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg
from kedang_platform.settings import Settings
from kedang_workers.cli.company import company_app
from kedang_workers.cli.telling import complain, complain_as_json, screen

app = typer.Typer(
    help="Kedang: customer archives, grading and follow-ups.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


seats_app = typer.Typer(help="Seats of companies and their orders.", no_args_is_help=True)
app.add_typer(seats_app, name="seats")
app.add_typer(company_app, name="company")

AsJson = Annotated[bool, typer.Option("--json", help="Tell it as JSON, for a program.")]


class SettingWrong(KedangError):
    """An environment variable has a value that cannot be used."""


class OwnServersNeeded(KedangError):
    """A single process was asked for, and no servers were named that it could work with."""


@contextmanager
def _failures_told(
    *, as_json: bool = False, codes: Mapping[type[KedangError], int] | None = None
) -> Iterator[None]:
    """An expected failure becomes one message and its exit code, 1 by default; a bug keeps its traceback."""
    try:
        yield
    except KedangError as failure:
        (complain_as_json if as_json else complain)(failure)
        raise typer.Exit((codes or {}).get(type(failure), 1)) from failure


@app.command()
def up() -> None:
    """Start everything on this machine and stay in the foreground; Ctrl-C stops it."""
    from kedang_workers.cli.up import Supervisor

    with _failures_told():
        Supervisor(_settings(), echo=screen()).run()


@app.command()
def down() -> None:
    """Stop what `kedang up` runs in this folder."""
    from kedang_workers.cli.down import down as stop

    with _failures_told():
        stop(_settings(), echo=screen())


@app.command()
def migrate() -> None:
    """Bring the database to this release: roles, shared schemas, every company's schema."""
    from kedang_workers.cli.migrate import migrate_all

    with _failures_told():
        settings = _settings()
        url = _named(settings.database_url, "KEDANG_DATABASE_URL")
        code = asyncio.run(migrate_all(settings, database_url=url, echo=screen()))
    raise typer.Exit(code)


@app.command()
def serve() -> None:
    """Run the gateway alone."""
    _become("kedang_graphql")


@app.command()
def relay() -> None:
    """Run the relay alone: it hands due jobs to the workers."""
    _become("kedang_workers.relay")


@app.command()
def schedule() -> None:
    """Run the scheduler alone: it makes the recurring jobs."""
    _become("kedang_workers.schedule")


@app.command()
def worker() -> None:
    """Run one worker process alone."""
    _become("kedang_workers.start")


@seats_app.command("confirm-transfer")
def confirm_transfer(
    reference: Annotated[str, typer.Argument(help="As it stands in the transfer: KD-...")],
    operator: Annotated[
        str | None, typer.Option("--by", help="Who confirms; the account of the terminal by default.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Note that the bank transfer of an order has arrived: its seats count at once. Exit code 4: it was noted before."""
    from kedang_platform.licensing import AlreadyConfirmed
    from kedang_workers.cli import seats

    with _failures_told(as_json=json, codes={AlreadyConfirmed: seats.ALREADY_CONFIRMED}):
        seats.confirm(_settings(), reference=reference, operator=operator, echo=screen(), as_json=json)


@seats_app.command("list")
def list_seats(json: AsJson = False) -> None:
    """Show the seats of every company and the orders that wait for a transfer."""
    from kedang_workers.cli import seats

    with _failures_told(as_json=json):
        seats.show(_settings(), echo=screen(), as_json=json)


def _settings() -> Settings:
    """The settings; raises SettingWrong, naming the variable without repeating its value."""
    try:
        return Settings()
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False)[0]
        variable = f"KEDANG_{first['loc'][0]}".upper()
        raise SettingWrong(
            msg("{setting} cannot be used: {reason}."), setting=variable, reason=first["msg"]
        ) from problem
    except SettingsError as problem:  # names the setting, never its value
        raise SettingWrong(
            msg("A setting is not written as JSON: {reason}."), reason=str(problem)
        ) from problem


def _become(module: str) -> NoReturn:
    """Turn this process into the module's, so that signals reach it directly."""
    with _failures_told():
        settings = _settings()
        _named(settings.database_url, "KEDANG_DATABASE_URL")
        _named(settings.redis_url, "KEDANG_REDIS_URL")
    os.execv(sys.executable, [sys.executable, "-P", "-m", module])  # noqa: S606 - our own module


def _named(url: str | None, setting: str) -> str:
    if url is None:
        raise OwnServersNeeded(
            msg("A single process needs {setting}; `kedang up` brings servers of its own."), setting=setting
        )
    return url
