"""``kedang company …``: what an operator does with companies as wholes."""

from __future__ import annotations

import typer

company_app = typer.Typer(help="Companies as wholes.", no_args_is_help=True)
