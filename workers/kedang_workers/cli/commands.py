"""The commands. Each imports what it runs when it runs, so that help and refusals come at once."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg
from kedang_workers.cli.archive_commands import audit_app
from kedang_workers.cli.calling import AsJson, SettingWrong, failures_told, read_settings
from kedang_workers.cli.company import company_app
from kedang_workers.cli.invoice_commands import invoices_app
from kedang_workers.cli.job_commands import jobs_app
from kedang_workers.cli.mail_commands import mail_app
from kedang_workers.cli.telling import screen

app = typer.Typer(
    help="Kedang: customer archives, grading and follow-ups.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


seats_app = typer.Typer(help="Seats of companies and their orders.", no_args_is_help=True)
app.add_typer(seats_app, name="seats")
app.add_typer(invoices_app, name="invoices")
app.add_typer(company_app, name="company")
app.add_typer(audit_app, name="audit")
app.add_typer(mail_app, name="mail")
app.add_typer(jobs_app, name="jobs")


class OwnServersNeeded(KedangError):
    """A single process was asked for, and no servers were named that it could work with."""


@app.command()
def up() -> None:
    """Start everything on this machine and stay in the foreground; Ctrl-C stops it."""
    from kedang_workers.cli.up import Supervisor

    with failures_told():
        Supervisor(read_settings(), echo=screen()).run()


@app.command()
def down() -> None:
    """Stop what `kedang up` runs in this folder."""
    from kedang_workers.cli.down import down as stop

    with failures_told():
        stop(read_settings(), echo=screen())


@app.command()
def migrate(json: AsJson = False) -> None:
    """Bring the database to this release: roles, shared schemas, every company's schema. Exit code 3: some stayed behind."""
    from kedang_workers.cli.migrate import migrate_all, superuser_url

    with failures_told(as_json=json):
        settings = read_settings()
        url = superuser_url(settings) or _named(settings.database_url, "KEDANG_DATABASE_URL")
        code = asyncio.run(migrate_all(settings, database_url=url, echo=screen(), as_json=json))
    raise typer.Exit(code)


@app.command()
def doctor(json: AsJson = False) -> None:
    """Look for what is wrong: servers, disks, schemas, jobs, backups, clocks, secrets, settings. Exit code 1: something is."""
    from kedang_workers.cli import health

    try:
        settings = read_settings()
    except SettingWrong as wrong:
        raise typer.Exit(health.refuse(wrong, echo=screen(), as_json=json)) from wrong
    with failures_told(as_json=json):
        code = health.show(settings, echo=screen(), as_json=json)
    raise typer.Exit(code)


@app.command()
def backup(
    to: Annotated[
        Path | None, typer.Option("--to", help="Folder for backups instead of KEDANG_BACKUP_DIR.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Save the embedded servers, files and secrets now, while they run; the copy is read back and proven."""
    from kedang_workers.cli import backup as saving

    with failures_told(as_json=json):
        saving.back_up(read_settings(), folder=to, echo=screen(), as_json=json)


@app.command()
def restore(
    source: Annotated[
        Path | None,
        typer.Option("--from", help="Archive to restore from; that of KEDANG_BACKUP_DIR by default."),
    ] = None,
    to_time: Annotated[
        str | None, typer.Option("--to-time", help="Instant to go back to, as 2026-11-22T09:10:00+08:00.")
    ] = None,
    company: Annotated[
        str | None, typer.Option("--company", help="Bring back this company alone, beside the living one.")
    ] = None,
    called: Annotated[
        str | None, typer.Option("--as", help="What the restored company is to be called.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Bring back a whole installation into a new folder (KEDANG_VAR), or one company beside the living one."""
    from kedang_workers.cli import backup as saving

    with failures_told(as_json=json):
        asked = saving.Asked(source=source, to_time=to_time, company=company, called=called)
        saving.bring_back(read_settings(), asked, echo=screen(), as_json=json)


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
    amount: Annotated[
        str | None, typer.Option(help="What has arrived, as 630.00; what is owed by default.")
    ] = None,
    value_date: Annotated[
        str | None, typer.Option(help="The day that the bank says, as 2026-11-22; today by default.")
    ] = None,
    operator: Annotated[
        str | None,
        typer.Option("--operator", "--by", help="Who confirms; the account of the terminal by default."),
    ] = None,
    again: Annotated[
        bool,
        typer.Option("--again", help="A further transfer of an amount and day that was confirmed before."),
    ] = False,
    json: AsJson = False,
) -> None:
    """Note that a bank transfer has arrived: what it pays counts at once. Exit code 4: it was noted before.

    Above the limit of KEDANG_SECOND_OPERATOR_ABOVE it counts when a second operator confirms it, too.
    """
    from kedang_platform.licensing import AlreadyConfirmed
    from kedang_workers.cli import invoices, seats

    with failures_told(as_json=json, codes={AlreadyConfirmed: seats.ALREADY_CONFIRMED}):
        received = invoices.received(reference, amount=amount, value_date=value_date, again=again)
        seats.confirm(read_settings(), received=received, operator=operator, echo=screen(), as_json=json)


@seats_app.command("list")
def list_seats(json: AsJson = False) -> None:
    """Show the seats of every company and the orders that wait for a transfer."""
    from kedang_workers.cli import seats

    with failures_told(as_json=json):
        seats.show(read_settings(), echo=screen(), as_json=json)


def _become(module: str) -> NoReturn:
    """Turn this process into the module's, so that signals reach it directly."""
    with failures_told():
        settings = read_settings()
        _named(settings.database_url, "KEDANG_DATABASE_URL")
        _named(settings.redis_url, "KEDANG_REDIS_URL")
    os.execv(sys.executable, [sys.executable, "-P", "-m", module])  # noqa: S606 - our own module


def _named(url: str | None, setting: str) -> str:
    if url is None:
        raise OwnServersNeeded(
            msg("A single process needs {setting}; `kedang up` brings servers of its own."), setting=setting
        )
    return url
