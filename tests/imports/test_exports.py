from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from kedang_platform.errors import Forbidden
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.imports.errors import NotExportable
from kedang_tenants.imports.exporting import start_export
from kedang_tenants.imports.source import open_source
from kedang_tenants.reading import EVERYTHING, All, AnyOf, Compare, Not, Related, Search
from kedang_tenants.reading.stored import decode_filter, encode_filter
from tests.imports.support import Office
from tests.imports.test_imports import CUSTOMERS, NORTHWIND


async def exported(office, record, *, file_format="CSV", where=EVERYTHING):
    """The record of an export that was waited for, and the content of its file."""
    async with office.databases.tenant_write(office.company.ref) as write:
        export_id = await start_export(
            write,
            await office.viewer(),
            record=record,
            file_format=file_format,
            where=where,
            clock=office.clock,
        )
    await office.work()
    (row,) = await office.rows("SELECT * FROM export WHERE id = $1", export_id)
    return row, await office.content(row["file_id"]) if row["file_id"] else None


def data_of(rows):
    """What an import can change: without the columns that the product keeps."""
    kept = {"id", "created_at", "updated_at", "version"}
    return [{name: value for name, value in row.items() if name not in kept} for row in rows]


@pytest.mark.requirement("A9")
@pytest.mark.parametrize("file_format", ["CSV", "XLSX"])
async def test_what_is_exported_is_imported_without_a_change(office, file_format):
    await office.imports("customer", (NORTHWIND / "customers.csv").read_bytes(), mapping=CUSTOMERS)
    email = f"{office.member.id.hex}@northwind.example"
    more = (
        "number,name,owner,parent,phone,note,founded_on,employees,roles,direct,country\n"
        f'O1,\'=SUM(1),{email},ALFKI,+86 21 5555 1234,"two\nlines",1952-12-01,12,BUYER;DEALER,no,China\n'
        "O2,''=twice,,O1,'-1-2,,1890-01-02,0,,yes,\n"
    )
    assert (await office.imports("customer", more)).counts[:4] == (2, 0, 0, 0)
    before = await office.all_rows()

    row, content = await exported(office, "customer", file_format=file_format)
    assert (row["state"], row["rows_done"]) == ("DONE", 93)
    again = await office.imports("customer", content, name=f"customers.{file_format.lower()}")
    assert (again.state, again.counts[:4], again.reasons) == ("DONE", (0, 0, 93, 0), {})
    assert await office.all_rows() == before


@pytest.mark.requirement("A9")
async def test_an_export_fills_another_company_with_the_same(
    databases, database_settings, two_companies, tmp_path
):
    ours, theirs = [
        await Office.open(databases, database_settings, company, tmp_path) for company in two_companies
    ]
    await ours.imports("customer", (NORTHWIND / "customers.csv").read_bytes(), mapping=CUSTOMERS)
    _, content = await exported(ours, "customer")
    assert (await theirs.imports("customer", content)).counts == (91, 0, 0, 0, 43)
    sql = "SELECT * FROM customer ORDER BY number"
    assert data_of(await theirs.rows(sql)) == data_of(await ours.rows(sql))


async def test_money_days_choices_and_references_are_exported_as_people_write_them(office):
    await office.imports("customer", "number,name\nALFKI,Alfreds Futterkiste\n")
    text = "number,customer,ordered_on,currency,freight,state\n1,ALFKI,1996-07-04,EUR,32.3,OPEN\n2,ALFKI,1996-07-05,JPY,50,OPEN\n"
    await office.imports("order", text)
    _, content = await exported(office, "order")
    header, *lines = content.decode("utf-8-sig").splitlines()
    cells = [dict(zip(header.split(","), line.split(","), strict=True)) for line in lines]
    told = [
        (row["Number"], row["Customer"], row["Ordered on"], row["Currency"], row["Freight"], row["Total"])
        for row in cells
    ]
    assert told == [
        ("1", "ALFKI", "1996-07-04", "EUR", "32.30", "0.00"),
        ("2", "ALFKI", "1996-07-05", "JPY", "50", "0"),
    ]
    assert cells[0]["Created at"].endswith("+08:00")


async def test_a_workbook_has_numbers_and_days_of_its_own_and_no_formulas(office, tmp_path):
    await office.imports("customer", "number,name,founded_on,employees\n7,'=1+1,1996-07-04,12\n")
    _, content = await exported(office, "customer", file_format="XLSX")
    path = tmp_path / "export.xlsx"
    path.write_bytes(content)
    source = open_source(path)
    (row,) = source.rows()
    cells = dict(zip(source.columns, row.cells, strict=True))
    source.close()
    assert row.faults == {}
    assert (cells["Name"], cells["Founded on"], cells["Employees"]) == ("=1+1", "1996-07-04", "12")


async def test_own_fields_are_exported_and_imported(office):
    kinds = {"fleet": "INTEGER", "score": "DECIMAL", "since": "DAY", "vip": "FLAG", "remark": "TEXT"}
    async with office.databases.tenant_write(office.company.ref) as write:
        for key, kind in kinds.items():
            values = {"record": "customer", "key": key, "kind": kind, "label": {"en": key.title(), "zh": key}}
            change = Change("custom_field", "create", values=values)
            await change_internally(write, await office.viewer(), [change], clock=office.clock)
    text = "number,name,fleet,score,since,vip,remark\n1,A,7,1.50,1996-07-04,yes,x\n2,B,,,,,\n3,C,,,,no,\n"
    assert (await office.imports("customer", text)).counts == (3, 0, 0, 0, 0)
    _, content = await exported(office, "customer")
    assert ",7,x,1.50,1996-07-04,true\r\n" in content.decode("utf-8-sig")
    assert (await office.imports("customer", content)).counts == (0, 0, 3, 0, 0)


@pytest.mark.requirement("A9", "A11")
async def test_an_export_holds_what_its_asker_may_take_away(office, databases, database_settings, tmp_path):
    async with office.databases.tenant_write(office.company.ref) as write:
        values = {"name": "Sales", "branch": False}
        change = Change("department", "create", values=values)
        (sales,) = await change_internally(write, await office.viewer(), [change], clock=office.clock)
    manager = await Office.open(
        databases,
        database_settings,
        office.company,
        tmp_path,
        "DEPARTMENT_MANAGER",
        department_id=sales.id,
    )
    email = f"{manager.member.id.hex}@northwind.example"
    await office.imports("customer", f"number,name,owner\n1,Ours,{email}\n2,Theirs,\n")
    row, content = await exported(manager, "customer")
    assert (row["state"], row["rows_done"]) == ("DONE", 1)
    assert "Ours" in content.decode()
    assert "Theirs" not in content.decode()
    agent = await Office.open(databases, database_settings, office.company, tmp_path, "SERVICE_AGENT")
    with pytest.raises(Forbidden):
        await exported(agent, "customer")
    with pytest.raises(NotExportable):
        await exported(office, "nothing")
    assert len(await office.rows("SELECT 1 FROM export")) == 1


async def test_a_filter_chooses_what_is_exported(office):
    rows = "".join(f"{n},Customer {n},{'Wien' if n % 3 else 'Graz'}\n" for n in range(2_500))
    await office.imports("customer", "number,name,city\n" + rows)
    row, content = await exported(office, "customer", where=Compare("city", "eq", "Wien"))
    numbers = [line.split(",")[0] for line in content.decode("utf-8-sig").splitlines()[1:]]
    assert row["rows_done"] == 1_666
    assert sorted(numbers, key=int) == [str(n) for n in range(2_500) if n % 3]


def test_filters_survive_being_stored():
    where = All(
        (
            AnyOf((Compare("city", "eq", "Wien"), Compare("number", "in", ["1", "2"]))),
            Not(Related("contacts", Search("maria"))),
            Compare("owner_id", "eq", UUID(int=7)),
            Compare("founded_on", "gte", date(1952, 12, 1)),
            Compare("created_at", "lt", datetime(2026, 3, 2, 1, tzinfo=UTC)),
            Compare("score", "lt", Decimal("1.50"), custom=True),
            Compare("archived_at", "is_null", True),
        )
    )
    assert decode_filter(encode_filter(where)) == where
    assert decode_filter(encode_filter(EVERYTHING)) == EVERYTHING
