"""`kedang seats`: what an operator types, on the real database and, once, as a process."""

import asyncio
import json
import sys

import pytest
from typer.testing import CliRunner

from kedang_platform.licensing import Seats
from kedang_platform.licensing.references import new_reference
from kedang_workers.cli import app


@pytest.fixture
def kedang(work_environment):
    """The command in this process: starting one for each call would take longer than all the rest."""

    async def run(*arguments, **environment):
        runner = CliRunner(env=work_environment | environment)
        done = await asyncio.to_thread(runner.invoke, app, ("seats", *arguments))
        return done.exit_code, done.stdout, done.stderr

    return run


@pytest.fixture
def started(work_environment):
    """The command as a process of its own."""

    async def run(*arguments, **environment):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "kedang_workers.cli", "seats", *arguments),
            env=work_environment | environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate()
        return process.returncode, output.decode(), errors.decode()

    return run


@pytest.mark.requirement("T4")
async def test_a_transfer_is_confirmed_once(counter, kedang):
    order = await counter.buy(7, "year")
    first = await kedang("confirm-transfer", order.reference.lower(), "--by", "lin")
    assert first == (
        0,
        f"Confirmed: {order.reference}, 630.00 USD. Further seats of the company: 7.\n",
        "",
    )
    assert await counter.seats() == Seats(free=2, paid=7, taken=1)
    (paid,) = await counter.orders()
    assert (paid.state, paid.confirmed_by) == ("paid", "lin")

    code, output, errors = await kedang("confirm-transfer", order.reference)
    assert (code, output) == (4, "")
    assert errors.startswith(f"The transfer {order.reference} was confirmed already on ")
    code, output, errors = await kedang("confirm-transfer", order.reference, "--json")
    assert (code, json.loads(output)["error"]["code"], errors) == (4, "ALREADY_CONFIRMED", "")
    assert await counter.seats() == Seats(free=2, paid=7, taken=1)


async def test_programs_read_json(counter, kedang):
    order = await counter.buy(3, "month")
    code, output, _ = await kedang("list", "--json")
    (listed,) = json.loads(output)
    assert code == 0
    assert listed["name"] == "Northwind Traders"
    assert (listed["free"], listed["paid"], listed["taken"], listed["capacity"]) == (2, 0, 1, 2)
    assert [pending["reference"] for pending in listed["pending"]] == [order.reference]
    code, output, _ = await kedang("confirm-transfer", order.reference, "--by", "lin", "--json")
    told = json.loads(output)
    assert code == 0
    assert (told["reference"], told["state"], told["seats"], told["amount"], told["confirmedBy"]) == (
        order.reference,
        "paid",
        3,
        2700,
        "lin",
    )
    assert json.loads((await kedang("list", "--json"))[1])[0]["pending"] == []


async def test_people_read_lines(counter, started):
    order = await counter.buy(3, "month")
    _, output, _ = await started("list")
    assert output == (
        "Northwind Traders: seats taken 1 of 2, paid 0\n"
        f"  {order.reference}: seats 3, 27.00 USD, ordered on {order.ordered_at.date().isoformat()}\n"
    )


async def test_wrong_references_confirm_nothing(counter, kedang):
    await counter.buy()
    before = await counter.all_there_is()
    unknown = new_reference()
    assert await kedang("confirm-transfer", unknown) == (1, "", f"No order has the reference {unknown}.\n")
    code, output, _ = await kedang("confirm-transfer", "KD-222-222-223", "--json")
    assert (code, json.loads(output)["error"]["code"]) == (1, "MISREAD_REFERENCE")
    assert await counter.all_there_is() == before


async def test_where_nothing_is_installed_nothing_is_made(kedang, work_environment, tmp_path):
    del work_environment["KEDANG_DATABASE_URL"]
    empty = tmp_path / "empty"
    code, output, errors = await kedang("list", KEDANG_VAR=str(empty))
    assert (code, output) == (1, "")
    assert errors == (
        f"There is no installation in {empty}; KEDANG_VAR or KEDANG_DATABASE_URL names another.\n"
    )
    assert not empty.exists()
