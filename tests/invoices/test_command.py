"""`kedang seats confirm-transfer` and `kedang invoices`: what an operator types (O2)."""

import asyncio
import json

import pytest
from typer.testing import CliRunner

from kedang_workers.cli import app


@pytest.fixture
def kedang(work_environment):
    """The command in this process: starting one for each call would take longer than all the rest."""

    async def run(*arguments, **environment):
        runner = CliRunner(env=work_environment | environment)
        done = await asyncio.to_thread(runner.invoke, app, arguments)
        return done.exit_code, done.stdout, done.stderr

    return run


async def told(kedang, *arguments, **environment):
    code, output, errors = await kedang(*arguments, "--json", **environment)
    assert errors == ""
    return code, json.loads(output)


@pytest.mark.requirement("T4", "O2")
async def test_parts_a_second_operator_and_undoing_at_the_terminal(books, kedang):
    order = await books.order(7, "year")
    confirm = ("seats", "confirm-transfer", order.reference)
    part = await kedang(*confirm, "--amount", "1000.00", "--operator", "lin", "--value-date", "2026-11-20")
    assert part == (
        0,
        f"Noted: {order.reference}, 1000.00 CNY. Still owed of invoice INV-2026-000001: 2430.00 CNY.\n",
        "",
    )
    limit = {"KEDANG_SECOND_OPERATOR_ABOVE": '{"CNY": 200000}'}
    code, first = await told(kedang, *confirm, "--operator", "lin", **limit)
    assert (code, first["state"], first["amount"], first["owed"]) == (0, "proposed", 243000, 243000)
    assert (first["proposedBy"], first["confirmedBy"]) == ("lin", None)
    code, refused = await told(kedang, *confirm, "--operator", "lin", **limit)
    assert (code, refused["error"]["code"]) == (1, "SAME_OPERATOR")
    code, second = await told(kedang, *confirm, "--operator", "wei", **limit)
    assert (code, second["state"], second["owed"], second["confirmedBy"]) == (0, "paid", 0, "wei")

    code, shown = await told(kedang, "invoices", "show", "inv-2026-000001")
    assert [(one["amount"], one["state"], one["valueDate"]) for one in shown["payments"]] == [
        (100000, "confirmed", "2026-11-20"),
        (243000, "confirmed", second["valueDate"]),
    ]
    assert (code, shown["state"], shown["credit"]) == (0, "paid", 0)
    undo = ("invoices", "reverse-payment", second["payment"], "--because", "Not ours", "--operator", "wei")
    code, undone = await told(kedang, *undo)
    assert (code, undone["state"], undone["owed"]) == (0, "reversed", 243000)
    code, refused = await told(kedang, *undo)
    assert (code, refused["error"]["code"]) == (1, "PAYMENT_REVERSED")


@pytest.mark.requirement("T4", "O2")
async def test_invoices_are_listed_shown_and_credited(books, kedang):
    invoice = await books.issue(1000)
    await books.receive(await books.issue(500))
    _, open_ones = await told(kedang, "invoices", "list", "--open")
    assert [(one["number"], one["owed"], one["state"]) for one in open_ones] == [
        (invoice.number, 1000, "open")
    ]
    assert await kedang(
        "invoices", "credit", invoice.number, "--amount", "3.00", "--because", "Two weeks"
    ) == (
        0,
        "Credit note CN-2026-000001: 3.00 CNY.\n",
        "",
    )
    code, output, _ = await kedang("invoices", "list", "--company", str(books.company.id))
    assert code == 0
    assert output.splitlines()[0].startswith("CN-2026-000001 of ")
    assert output.splitlines()[0].endswith("Northwind Traders: 3.00 CNY, owed 0.00, credit_note")
    assert "INV-2026-000001 of 2026-11-22, Northwind Traders: 10.00 CNY, owed 7.00, open\n" in output
    _, output, _ = await kedang("invoices", "show", invoice.number)
    assert "  1 x Further seats, by the month: 10.00\n" in output
    assert "  credit note CN-2026-000001: 3.00 CNY\n" in output


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("invoices", "show", "INV-2026-000009"), "UNKNOWN_INVOICE"),
        (("invoices", "credit", "INV-2026-000001", "--because", " "), "REMARK_MISSING"),
        (
            ("invoices", "credit", "INV-2026-000001", "--because", "x", "--amount", "10.01"),
            "CREDIT_TOO_LARGE",
        ),
        (("invoices", "credit", "INV-2026-000001", "--because", "x", "--amount", "ten"), "OPTION_WRONG"),
        (("invoices", "reverse-payment", "1", "--because", "x"), "UNKNOWN_PAYMENT"),
        (("seats", "confirm-transfer", "{reference}", "--amount", "1.001"), "AMOUNT_WRONG"),
        (("seats", "confirm-transfer", "{reference}", "--value-date", "yesterday"), "OPTION_WRONG"),
        (("seats", "confirm-transfer", "{reference}", "--value-date", "2999-01-01"), "VALUE_DATE_WRONG"),
    ],
)
async def test_refusals_are_told_by_code_and_change_nothing(books, kedang, arguments, code):
    invoice = await books.issue(1000)
    before = await books.all_there_is()
    given = [one.format(reference=invoice.reference) for one in arguments]
    exit_code, refused = await told(kedang, *given)
    assert (exit_code, refused["error"]["code"]) == (1, code)
    assert await books.all_there_is() == before
