"""``kedang jobs …``: the work of the installation as its operator sees it."""

from __future__ import annotations

from typing import Annotated

import typer

from kedang_workers.cli.calling import AsJson, failures_told, read_settings
from kedang_workers.cli.telling import screen

jobs_app = typer.Typer(help="Work in the background: lanes, what runs, dead letters.", no_args_is_help=True)
Company = Annotated[
    str | None, typer.Option("--company", help="Only of this company: its id, its schema or its name.")
]
Kind = Annotated[str | None, typer.Option("--kind", help="Only of this kind.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many.")]


@jobs_app.command()
def lanes(json: AsJson = False) -> None:
    """Show each company's work: how much waits, since when, what runs, what has failed for good."""
    from kedang_workers.cli import jobs

    with failures_told(as_json=json):
        jobs.show_lanes(read_settings(), echo=screen(), as_json=json)


@jobs_app.command()
def running(company: Company = None, kind: Kind = None, limit: Limit = 100, json: AsJson = False) -> None:
    """Show the jobs that are handed out or run, the oldest first."""
    _show(("queued", "running"), company=company, kind=kind, limit=limit, as_json=json)


@jobs_app.command()
def waiting(company: Company = None, kind: Kind = None, limit: Limit = 100, json: AsJson = False) -> None:
    """Show the jobs that wait, those first that are due longest."""
    _show(("waiting",), company=company, kind=kind, limit=limit, as_json=json)


@jobs_app.command()
def dead(company: Company = None, kind: Kind = None, limit: Limit = 100, json: AsJson = False) -> None:
    """Show the dead letters: jobs that failed for good, the oldest first. They are kept for 30 days."""
    _show(("failed",), company=company, kind=kind, limit=limit, as_json=json)


@jobs_app.command()
def replay(
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of dead letters.")] = None,
    company: Company = None,
    kind: Kind = None,
    every: Annotated[bool, typer.Option("--all", help="All dead letters of the installation.")] = False,
    json: AsJson = False,
) -> None:
    """Begin dead letters anew: those named, those of a company or kind, or all. They go on behind what they have done."""
    from kedang_workers.cli import jobs

    with failures_told(as_json=json):
        jobs.begin_anew(
            read_settings(),
            ids=ids or [],
            company=company,
            kind=kind,
            every=every,
            echo=screen(),
            as_json=json,
        )


@jobs_app.command()
def cancel(
    job: Annotated[str, typer.Argument(help="The job's id.")],
    json: AsJson = False,
) -> None:
    """Call a job off: at once where nobody works on it, else at its next step."""
    from kedang_workers.cli import jobs

    with failures_told(as_json=json):
        jobs.cancel(read_settings(), job=job, echo=screen(), as_json=json)


def _show(
    states: tuple[str, ...], *, company: str | None, kind: str | None, limit: int, as_json: bool
) -> None:
    from kedang_workers.cli import jobs

    with failures_told(as_json=as_json):
        jobs.show(
            read_settings(),
            states=states,
            company=company,
            kind=kind,
            limit=limit,
            echo=screen(),
            as_json=as_json,
        )
