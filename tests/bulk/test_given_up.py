"""Operations that are given up, or whose job is called off, say so: none is running for ever, no part is left."""

import pytest

from kedang_tenants.bulk import exporting, importing
from tests.bulk.support import BulkOffice, jsonl
from tests.support.workers import run_jobs

QUERY = "{ customers { nodes { id } } }"
LINES = jsonl([{"number": f"{n}", "name": f"C{n}"} for n in range(4)])


async def run_to_the_last_try(office: BulkOffice) -> None:
    async with office.databases.control() as control:
        await control.fetch("UPDATE work.job SET tries = 12 WHERE kind LIKE 'bulk.%'")
    await run_jobs(office.databases, settings=office.settings, strict=False)


async def test_an_import_that_breaks_half_way_tells_what_it_took(office, monkeypatch):
    monkeypatch.setattr("kedang_tenants.bulk.source.CHUNK_LINES", 2)
    accept = importing.accept_lines

    async def break_at_the_second(write, viewer, record, mode, lines, **said):
        if lines[0].number > 2:
            raise KeyError("13800138000")
        return await accept(write, viewer, record, mode, lines, **said)

    monkeypatch.setattr(importing, "accept_lines", break_at_the_second)
    operation_id = await office.ask_for_import("customer", LINES)
    await run_to_the_last_try(office)
    failed = await office.result(operation_id)
    assert (failed.state, failed.row["error_code"]) == ("FAILED", "INTERNAL_ERROR")
    assert failed.counts == (4, 2, 2, 0)
    assert [line["line"] for line in failed.lines] == [1, 2]
    assert len(await office.rows("SELECT 1 FROM customer")) == 2


async def test_an_export_that_breaks_half_way_leaves_no_file(office, monkeypatch):
    monkeypatch.setattr("kedang_tenants.bulk.exporting.PAGE_ROWS", 1)
    monkeypatch.setattr("kedang_tenants.bulk.exporting.PART_PAGES", 1)
    await office.add_many("customer", [{"number": f"{n}", "name": f"C{n}"} for n in range(4)])
    read = exporting.read_listing

    async def break_at_the_third(tx, viewer, listing):
        if (await office.rows("SELECT done FROM bulk_operation"))[0]["done"] == 2:
            raise KeyError("13800138000")
        return await read(tx, viewer, listing)

    monkeypatch.setattr(exporting, "read_listing", break_at_the_third)
    operation_id = await office.ask_for_export(QUERY)
    await run_to_the_last_try(office)
    failed = await office.result(operation_id)
    assert (failed.state, failed.row["error_code"], failed.row["file_id"]) == (
        "FAILED",
        "INTERNAL_ERROR",
        None,
    )
    assert failed.counts == (4, 2, 2, 0)
    assert office.stored_contents() == 0


@pytest.mark.parametrize("kind", ["export", "import"])
async def test_a_job_that_is_called_off_ends_its_operation(office, kind, monkeypatch):
    module = {"export": exporting, "import": importing}[kind]
    await office.add("customer", number="0", name="C0")
    if kind == "export":
        operation_id = await office.ask_for_export(QUERY)
    else:
        operation_id = await office.ask_for_import("customer", LINES)
    begin = module.record_keeping.begin

    async def begin_and_call_off(job, wanted):
        order = await begin(job, wanted)
        async with office.databases.control() as control:
            await control.fetch("UPDATE work.job SET cancel_requested = true WHERE id = $1", job.id)
        return order

    monkeypatch.setattr(module.record_keeping, "begin", begin_and_call_off)
    await office.work()
    ended = await office.result(operation_id)
    assert ended.state == "CANCELLED"
    assert ended.lines == []
    (job,) = await office.rows_of_jobs(f"bulk.{kind}")
    assert job["state"] == "cancelled"
    assert len(await office.rows("SELECT 1 FROM customer")) == 1
