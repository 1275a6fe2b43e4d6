"""A file of inputs becomes records; what became of each line stands in another."""

import pytest

from kedang_platform.errors import Forbidden, NotFound
from kedang_tenants.bulk.errors import LONGEST_LINE, MOST_BELOW, NotBulkImportable, TooManyLines
from kedang_tenants.bulk.operations import cancel_bulk_operation, start_bulk_import
from kedang_tenants.bulk.source import count_lines
from kedang_tenants.imports.errors import AlreadyFinished, NotImportable
from tests.bulk.support import BulkOffice, jsonl, lines_of, public


def codes(outcome) -> list[tuple[int, list[tuple[str, str]]]]:
    """Line number → paths and codes of its errors."""
    return [
        (line["line"], [(".".join(error["path"]), error["code"]) for error in line["userErrors"]])
        for line in outcome.lines
        if "userErrors" in line
    ]


async def unaudited(office) -> dict[str, object]:
    """Every row of the archive, and what was told of customers."""
    rows = await office.all_rows()
    told = [entry for entry in rows["audit"] if entry["action"].startswith("customer.")]
    return {**rows, "audit": told}


@pytest.mark.requirement("I1")
async def test_each_line_is_an_input_and_has_its_result(office):
    parent = await office.add("customer", number="P", name="Parent")
    owner = public("mem", office.member.id)
    lines = [
        {"number": "1", "name": "A", "foundedOn": "1952-12-01", "employees": 7, "roles": ["BUYER"]},
        {"number": "2", "name": "B", "parentId": public("cus", parent), "ownerId": owner, "note": None},
        {"number": "P", "name": "Renamed"},
        {"number": "1", "name": "A again"},
    ]
    done = await office.takes_in("customer", lines)
    assert (done.state, done.counts, codes(done)) == ("DONE", (4, 4, 4, 0), [])
    rows = await office.rows(
        "SELECT id, number, name, founded_on::text, employees, roles, parent_id, owner_id FROM customer ORDER BY number"
    )
    assert [tuple(row.values())[1:] for row in rows] == [
        ("1", "A again", "1952-12-01", 7, ["BUYER"], None, None),
        ("2", "B", None, None, [], parent, office.member.id),
        ("P", "Renamed", None, None, [], None, None),
    ]
    ids = {row["number"]: public("cus", row["id"]) for row in rows}
    assert done.lines == [{"line": n, "id": ids[key]} for n, key in enumerate(("1", "2", "P", "1"), 1)]
    (file,) = await office.rows("SELECT name FROM file WHERE attached_to IS NOT NULL")
    assert file["name"] == "Customers.jsonl"
    assert await office.rows("SELECT 1 FROM bulk_result") == []


async def test_what_was_exported_is_imported_without_a_change(office):
    await office.add("customer", number="1", name="A", employees=3)
    done = await office.exports("{ customers { nodes { id version number name employees city roles } } }")
    before = await unaudited(office)
    again = await office.takes_in("customer", done.content, "UPDATE")
    assert (again.state, again.counts) == ("DONE", (1, 1, 1, 0))
    assert await unaudited(office) == before


@pytest.mark.requirement("I1")
async def test_bad_lines_are_told_one_by_one_and_the_others_taken(office):
    bad = [
        b"not json",
        b"[1, 2]",
        b'{"number": "10"}',
        b'{"number": "11", "name": 7}',
        b'{"number": "12", "name": "A", "foundedOn": "yesterday"}',
        b'{"number": "13", "name": "A", "parentId": "cus_x"}',
        b'{"number": "14", "name": "A", "parentId": "con_00000000000000000000000000000001"}',
        b'{"number": "15", "name": "A", "colour": "red"}',
        b'{"number": "16", "name": "A", "createdAt": "2020-01-01T00:00:00Z"}',
        b'{"number": "17", "name": "A", "customFields": {"none": 1}}',
        b'{"number": "18", "name": "A", "customFields": [1]}',
        b'{"id": "cus_00000000000000000000000000000001", "name": "Nobody"}',
        b'{"number": "19", "name": "\\ud800"}',
        b'{"number": "20", "name": "A", "state": {"x": 1}, "employees": 1e400}',
        b'{"number": "21", "name": "' + b"x" * LONGEST_LINE + b'"}',
        b'{"number": "22", "name": "A", "version": "1"}',
        b"\xff\xfe\x00",
    ]
    content = b"\xef\xbb\xbf" + jsonl([{"number": "1", "name": "First"}]) + b"\n  \n" + b"\n".join(bad)
    content += b"\r\n" + jsonl([{"number": "2", "name": "Last"}])[:-1]
    done = await office.takes_in("customer", content)
    assert (done.state, done.counts) == ("DONE", (19, 19, 19, 17))
    assert [line["line"] for line in done.lines] == [1, *range(4, 22)]
    assert codes(done) == [
        (4, [("", "INVALID_JSON")]),
        (5, [("", "INVALID_JSON")]),
        (6, [("input.name", "REQUIRED")]),
        (7, [("input.name", "INVALID_TEXT")]),
        (8, [("input.foundedOn", "INVALID_DATE")]),
        (9, [("input.parentId", "NOT_FOUND")]),
        (10, [("input.parentId", "NOT_FOUND")]),
        (11, [("input.colour", "UNKNOWN_FIELD")]),
        (12, [("input.createdAt", "UNKNOWN_FIELD")]),
        (13, [("input.customFields.none", "UNKNOWN_FIELD")]),
        (14, [("input.customFields", "INVALID_VALUE")]),
        (15, [("input.id", "NOT_FOUND")]),
        (16, [("", "INVALID_JSON")]),
        (17, [("", "INVALID_JSON")]),
        (18, [("", "LINE_TOO_LONG")]),
        (19, [("input.version", "INVALID_NUMBER")]),
        (20, [("", "INVALID_JSON")]),
    ]
    assert [row["number"] for row in await office.rows("SELECT number FROM customer ORDER BY number")] == [
        "1",
        "2",
    ]


async def brought(office) -> list[tuple[str, str]]:
    """Customers with their contacts."""
    rows = await office.rows(
        "SELECT u.name, o.name AS contact FROM customer u LEFT JOIN contact o ON o.customer_id = u.id"
        " ORDER BY u.name, o.name"
    )
    return [(row["name"], row["contact"]) for row in rows]


@pytest.mark.requirement("I1")
async def test_a_line_brings_new_records_along_wholly_or_not_at_all(office):
    lines = [
        {"number": "1", "name": "A", "contacts": [{"name": "Maria", "primary": True}, {"name": "Thomas"}]},
        {"number": "2", "name": "B", "contacts": [{"name": "Hanna"}, {"name": "", "primary": 7}]},
        {"number": "3", "name": "C", "contacts": []},
        {"number": "4", "contacts": [{"name": "Nobody's"}]},
        {"number": "5", "name": "E", "contacts": [{"name": "Ann", "customerId": "x"}]},
        {"number": "6", "name": "F", "contacts": {"name": "Ann"}},
        {"number": "7", "name": "G", "contacts": [{"name": str(n)} for n in range(MOST_BELOW + 1)]},
        {"number": "8", "name": "H", "contacts": [{"name": "Yang", "colour": "red"}]},
        {"number": "1", "name": "A again", "contacts": [{"name": "Late"}]},
    ]
    done = await office.takes_in("customer", lines)
    assert codes(done) == [
        (2, [("input.contacts.1.name", "REQUIRED"), ("input.contacts.1.primary", "INVALID_FLAG")]),
        (4, [("input.name", "REQUIRED")]),
        (5, [("input.contacts.0.customerId", "UNKNOWN_FIELD")]),
        (6, [("input.contacts", "INVALID_VALUE")]),
        (7, [("input.contacts", "BAD_USER_INPUT")]),
        (8, [("input.contacts.0.colour", "UNKNOWN_FIELD")]),
        (9, [("input.contacts", "UNKNOWN_FIELD")]),
    ]
    assert await brought(office) == [("A", "Maria"), ("A", "Thomas"), ("C", None)]
    lines = [{"number": "1", "name": "B", "contacts": [{"name": "Late"}]}]
    for mode in ("UPDATE", "UPSERT"):
        done = await office.takes_in("customer", lines, mode)
        assert codes(done) == [(1, [("input.contacts", "UNKNOWN_FIELD")])]
    assert await brought(office) == [("A", "Maria"), ("A", "Thomas"), ("C", None)]


async def test_an_order_is_imported_with_its_lines(office):
    customer = public("cus", await office.add("customer", number="1", name="A"))
    tea = public("pro", await office.add("product", number="T", name="Tea"))
    line = {"productId": tea, "quantity": "2", "unitPrice": "1.5"}
    order = {"customerId": customer, "orderedOn": "2026-03-01"}
    lines = [
        {**order, "number": "1", "lines": [line, {**line, "quantity": "4"}]},
        {**order, "number": "2", "lines": [{**line, "productId": "pro_x"}]},
        {**order, "number": "3", "lines": [line]},
    ]
    done = await office.takes_in("order", lines)
    assert codes(done) == [(2, [("input.lines.0.productId", "NOT_FOUND")])]
    rows = await office.rows(
        "SELECT number, total, position, amount FROM sales_order o JOIN order_line l ON l.order_id = o.id ORDER BY 1, 3"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("1", 900, 1, 300),
        ("1", 900, 2, 600),
        ("3", 300, 1, 300),
    ]


async def test_modes_allow_what_they_are_called_after(office):
    known = await office.add("customer", number="1", name="Known")
    lines = [
        {"number": "1", "name": "Other"},
        {"number": "2", "name": "New"},
        {"id": public("cus", known), "name": "By id"},
        {"name": "Without a key"},
    ]
    updated = await office.takes_in("customer", lines, "UPDATE")
    assert codes(updated) == [(2, [("input.number", "NOT_FOUND")]), (4, [("input.number", "REQUIRED")])]
    assert await office.rows("SELECT name FROM customer") == [{"name": "By id"}]
    created = await office.takes_in("customer", lines, "CREATE")
    assert codes(created) == [(1, [("input.number", "ALREADY_EXISTS")]), (3, [("input.id", "UNKNOWN_FIELD")])]
    names = await office.rows("SELECT name FROM customer ORDER BY name")
    assert [row["name"] for row in names] == ["By id", "New", "Without a key"]


async def test_a_version_that_is_no_longer_so_is_refused(office):
    known = await office.add("customer", number="1", name="Known")
    line = {"id": public("cus", known), "version": 1, "name": "Changed"}
    done = await office.takes_in("customer", [line, line], "UPDATE")
    assert [(n, code) for n, [(_, code)] in codes(done)] == [(2, "VERSION_CONFLICT")]
    assert await office.rows("SELECT name, version FROM customer") == [{"name": "Changed", "version": 2}]


@pytest.mark.requirement("I1", "A11")
async def test_an_import_does_what_its_asker_may(office, databases, database_settings, tmp_path):
    async def office_of(*roles):
        return await BulkOffice.open(databases, database_settings, office.company, tmp_path, *roles)

    theirs = await office.add("customer", number="1", name="Theirs")
    representative = await office_of("REPRESENTATIVE")
    lines = [
        {"id": public("cus", theirs), "name": "Taken"},
        {"number": "2", "name": "Mine"},
        {"number": "3", "name": "For another", "ownerId": public("mem", office.member.id)},
    ]
    done = await representative.takes_in("customer", lines)
    assert [number for number, _ in codes(done)] == [1, 3]
    rows = await office.rows("SELECT number, name, owner_id FROM customer ORDER BY number")
    assert [tuple(row.values()) for row in rows] == [
        ("1", "Theirs", None),
        ("2", "Mine", representative.member.id),
    ]
    before = await office.rows("SELECT id FROM bulk_operation")
    for role in ("SERVICE_AGENT", "FINANCE", "VIEW_ONLY"):
        with pytest.raises(Forbidden):
            await (await office_of(role)).ask_for_import("customer", b"{}")
    with pytest.raises(NotImportable):
        await office.ask_for_import("nothing", b"{}")
    with pytest.raises(NotImportable):
        await office.ask_for_import("survey_answer", b"{}")
    assert await office.rows("SELECT id FROM bulk_operation") == before


async def test_the_file_must_be_jsonl_and_ones_own(office, databases, database_settings, tmp_path):
    other = await BulkOffice.open(databases, database_settings, office.company, tmp_path, "REPRESENTATIVE")
    viewer = await other.viewer()
    cases = (
        (await other.keep(b"number\n", "x.csv"), NotBulkImportable),
        (
            await office.keep(b"{}", "x.jsonl"),
            NotFound,
        ),
    )
    for file_id, error in cases:
        async with databases.tenant_write(office.company.ref) as write:
            with pytest.raises(error) as refused:
                await start_bulk_import(
                    write, viewer, file_id=file_id, record="customer", mode="UPSERT", clock=office.clock
                )
        assert refused.value.path == ("input", "fileId")
    assert await office.rows("SELECT 1 FROM bulk_operation") == []


async def test_rights_that_end_while_it_waits_end_the_import(office, databases):
    operation_id = await office.ask_for_import("customer", jsonl([{"number": "1", "name": "A"}]))
    async with databases.tenant_write(office.company.ref) as write:
        await write.fetch("UPDATE member SET state = 'SUSPENDED' WHERE id = $1", office.member.id)
    await office.work()
    (row,) = await office.rows("SELECT state, error_code FROM bulk_operation WHERE id = $1", operation_id)
    assert row == {"state": "FAILED", "error_code": "FORBIDDEN"}
    assert await office.rows("SELECT 1 FROM customer") == []


async def test_an_import_is_called_off_between_chunks_and_tells_what_it_took(office, monkeypatch):
    monkeypatch.setattr("kedang_tenants.bulk.source.CHUNK_LINES", 2)
    lines = [{"number": f"{n}", "name": f"C{n}"} for n in range(9)]
    operation_id = await office.ask_for_import("customer", jsonl(lines))
    from kedang_tenants.bulk import importing

    accept = importing.accept_lines

    async def accept_and_call_off(write, *args, **said):
        changed = await accept(write, *args, **said)
        if await write.fetchval("SELECT count(*) FROM customer") == 4:
            sql = "UPDATE bulk_operation SET cancel_requested = true WHERE id = $1"
            await write.fetch(sql, operation_id)
        return changed

    monkeypatch.setattr(importing, "accept_lines", accept_and_call_off)
    await office.work()
    ended = await office.result(operation_id)
    assert (ended.state, ended.counts) == ("CANCELLED", (9, 4, 4, 0))
    assert [line["line"] for line in lines_of(ended.content)] == [1, 2, 3, 4]
    assert len(await office.rows("SELECT 1 FROM customer")) == 4
    viewer = await office.viewer()
    async with office.databases.tenant_write(office.company.ref) as write:
        with pytest.raises(AlreadyFinished):
            await cancel_bulk_operation(write, viewer, operation_id=operation_id, clock=office.clock)


async def test_nobody_calls_off_what_is_anothers(office, databases, database_settings, tmp_path):
    other = await BulkOffice.open(databases, database_settings, office.company, tmp_path, "REPRESENTATIVE")
    operation_id = await office.ask_for_export("{ customers { nodes { id } } }")
    viewer = await other.viewer()
    async with databases.tenant_write(office.company.ref) as write:
        with pytest.raises(NotFound):
            await cancel_bulk_operation(write, viewer, operation_id=operation_id, clock=office.clock)
    assert await office.rows("SELECT cancel_requested FROM bulk_operation") == [{"cancel_requested": False}]


def test_a_file_of_too_many_lines_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("kedang_tenants.bulk.source.MOST_LINES", 3)
    path = tmp_path / "file"
    path.write_bytes(b"{}\n\n{}\n{}")
    assert count_lines(path) == 3
    path.write_bytes(b"{}\n" * 4)
    with pytest.raises(TooManyLines):
        count_lines(path)
