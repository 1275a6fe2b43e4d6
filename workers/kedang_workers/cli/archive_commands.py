"""``kedang company export|import|delete`` and ``kedang audit``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kedang_workers.cli.calling import AsJson, failures_told, read_settings
from kedang_workers.cli.company import company_app
from kedang_workers.cli.telling import screen

audit_app = typer.Typer(help="The audit trails of companies.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The company's name or id.")]


@company_app.command("export")
def export_company(
    name: Name,
    to: Annotated[Path, typer.Option("--to", help="The file to write, a ZIP archive.")],
    json: AsJson = False,
) -> None:
    """Write everything that a company has into one file, whatever its status (docs/company-export.md)."""
    from kedang_workers.cli import archives

    with failures_told(as_json=json):
        archives.export(read_settings(), name=name, to=to, echo=screen(), as_json=json)


@company_app.command("import")
def import_company(
    file: Annotated[Path, typer.Argument(help="An archive that `kedang company export` or an owner made.")],
    json: AsJson = False,
) -> None:
    """Make a company of an archive; its people are invited, no password comes along."""
    from kedang_workers.cli import archives

    with failures_told(as_json=json):
        archives.import_(read_settings(), file=file, echo=screen(), as_json=json)


@company_app.command("delete")
def delete_company(
    name: Name,
    confirm: Annotated[str, typer.Option("--confirm", help="The company's name, typed once more.")] = "",
    now: Annotated[bool, typer.Option("--now", help="At once, without the days of grace.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Take a deletion back.")] = False,
    json: AsJson = False,
) -> None:
    """Close a company and remove it with everything when its days of grace are over."""
    from kedang_workers.cli import archives

    with failures_told(as_json=json):
        if keep:
            archives.keep(read_settings(), name=name, echo=screen(), as_json=json)
        else:
            archives.delete(read_settings(), name=name, confirm=confirm, now=now, echo=screen(), as_json=json)


@audit_app.command("verify")
def verify_audit(name: Name, json: AsJson = False) -> None:
    """Compare every entry of a company's audit trail with its seals. Exit code 5: it was meddled with."""
    from kedang_workers.cli import archives

    with failures_told(as_json=json):
        code = archives.verify_audit(read_settings(), name=name, echo=screen(), as_json=json)
    raise typer.Exit(code)
