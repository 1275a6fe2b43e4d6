"""``kedang company …``: what an operator does with companies as wholes."""

from __future__ import annotations

from typing import Annotated

import typer

from kedang_workers.cli.calling import AsJson, failures_told, read_settings
from kedang_workers.cli.telling import screen

company_app = typer.Typer(help="Companies as wholes.", no_args_is_help=True)


Company = Annotated[str, typer.Argument(help="Its name, or its id.")]
Operator = Annotated[
    str | None,
    typer.Option("--operator", "--by", help="Who does it; the account of the terminal by default."),
]


@company_app.command("list")
def list_companies(json: AsJson = False) -> None:
    """Every company, with its state and its seats."""
    from kedang_workers.cli import companies

    with failures_told(as_json=json):
        companies.show_all(read_settings(), echo=screen(), as_json=json)


@company_app.command()
def show(company: Company, json: AsJson = False) -> None:
    """What the installation knows of a company: people, seats, jobs, schema."""
    from kedang_workers.cli import companies

    with failures_told(as_json=json):
        companies.show(read_settings(), name=company, echo=screen(), as_json=json)


@company_app.command()
def suspend(
    company: Company,
    reason: Annotated[
        str, typer.Option("--reason", help="Why; kept with the company and in its audit trail.")
    ],
    operator: Operator = None,
    json: AsJson = False,
) -> None:
    """End a company's sessions and refuse sign-in, API keys, links and jobs at once; nothing is lost."""
    from kedang_workers.cli import companies

    with failures_told(as_json=json):
        companies.suspend(
            read_settings(), name=company, reason=reason, operator=operator, echo=screen(), as_json=json
        )


@company_app.command()
def resume(company: Company, operator: Operator = None, json: AsJson = False) -> None:
    """Bring a suspended company back, or let the rules of a restored one run."""
    from kedang_workers.cli import companies

    with failures_told(as_json=json):
        companies.resume(read_settings(), name=company, operator=operator, echo=screen(), as_json=json)
