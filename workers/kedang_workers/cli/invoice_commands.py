"""``kedang invoices …``: what was invoiced and paid, credit notes, and undoing what was confirmed by mistake."""

from __future__ import annotations

from typing import Annotated

import typer

from kedang_workers.cli.calling import AsJson, failures_told, read_settings
from kedang_workers.cli.telling import screen

invoices_app = typer.Typer(help="Invoices, credit notes and payments.", no_args_is_help=True)

Number = Annotated[str, typer.Argument(help="The number of an invoice, as INV-2026-000001.")]
Remark = Annotated[str, typer.Option("--because", help="Why; it is kept and printed.")]
Operator = Annotated[
    str | None,
    typer.Option("--operator", "--by", help="Who does it; the account of the terminal by default."),
]


@invoices_app.command("list")
def list_invoices(
    company: Annotated[str | None, typer.Option(help="Of this company only, by its id.")] = None,
    owed: Annotated[bool, typer.Option("--open", help="Only those of which something is owed.")] = False,
    json: AsJson = False,
) -> None:
    """Show the newest 1000 invoices and credit notes of all companies; of those owed, what is due first first."""
    from kedang_workers.cli import invoices

    with failures_told(as_json=json):
        invoices.show_all(read_settings(), company=company, owed=owed, echo=screen(), as_json=json)


@invoices_app.command("show")
def show(number: Number, json: AsJson = False) -> None:
    """Show one with its lines, its payments and who confirmed them."""
    from kedang_workers.cli import invoices

    with failures_told(as_json=json):
        invoices.show(read_settings(), number=number, echo=screen(), as_json=json)


@invoices_app.command("credit")
def credit(
    number: Number,
    because: Remark,
    amount: Annotated[
        str | None,
        typer.Option(help="What is credited, tax included, as 630.00; all that is left by default."),
    ] = None,
    json: AsJson = False,
) -> None:
    """Issue a credit note that corrects an invoice, in whole or in part."""
    from kedang_workers.cli import invoices

    with failures_told(as_json=json):
        invoices.credit(
            read_settings(), number=number, amount=amount, remark=because, echo=screen(), as_json=json
        )


@invoices_app.command("reverse-payment")
def reverse_payment(
    payment: Annotated[str, typer.Argument(help="The payment, by the id that `kedang invoices show` tells.")],
    because: Remark,
    operator: Operator = None,
    json: AsJson = False,
) -> None:
    """Undo a payment that was confirmed, or only proposed, by mistake: what it paid is owed again."""
    from kedang_workers.cli import invoices

    with failures_told(as_json=json):
        invoices.reverse_payment(
            read_settings(), payment=payment, operator=operator, remark=because, echo=screen(), as_json=json
        )
