"""``kedang mail …``: what the mail server of the operator hands over."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from kedang_platform.errors import KedangError
from kedang_workers.cli.calling import failures_told, read_settings

mail_app = typer.Typer(help="Mails that came back.", no_args_is_help=True)
TRY_AGAIN = 75
"""Exit code by which a mail server keeps a message and hands it over again later (EX_TEMPFAIL of sysexits.h)."""


@mail_app.callback()
def _mail() -> None:
    """One command so far, which is called by its name all the same."""


@mail_app.command()
def bounce(
    recipient: Annotated[
        str | None, typer.Option(help="The address that it came to, where the message does not tell.")
    ] = None,
) -> None:
    """Take in a message from standard input that came to a return address. Exit code 75: hand it over again later."""
    from kedang_workers.cli.bounces import take

    with failures_told():
        try:
            take(read_settings(), sys.stdin.buffer, recipient=recipient)
        except (KedangError, OSError) as error:
            sys.stderr.write(f"{error.code if isinstance(error, KedangError) else type(error).__name__}\n")
            raise typer.Exit(TRY_AGAIN) from error
