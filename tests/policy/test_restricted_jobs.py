"""What jobs do for somebody sees no restricted archive either: exports, imports, reports (A11)."""

import pytest

from kedang_tenants.changing import Change, change_internally
from kedang_tenants.imports.exporting import start_export
from kedang_tenants.people.viewers import system_viewer
from kedang_tenants.reading import EVERYTHING, Viewer
from kedang_tenants.reading.groups import Grouping, read_groups
from kedang_tenants.reading.statement import Statement
from kedang_tenants.reports import asking
from tests.imports.support import Office
from tests.support.factories import Factory
from tests.support.members import make_member


async def numbers(office: Office) -> list[str]:
    """The customers that stand in an export that the office's member has made."""
    async with office.databases.tenant_write(office.company.ref) as write:
        export_id = await start_export(
            write,
            await office.viewer(),
            record="customer",
            file_format="CSV",
            where=EVERYTHING,
            clock=office.clock,
        )
    await office.work()
    (row,) = await office.rows("SELECT * FROM export WHERE id = $1", export_id)
    assert row["state"] == "DONE", row
    return sorted(line["Number"] for line in await office.table(row["file_id"]))


async def figures(office: Office, viewer: Viewer) -> tuple[int, int]:
    """How many customers a report of theirs is about, and how many orders a group of theirs counts."""
    statement = Statement()
    seen = asking.seen(statement, asking.reader(viewer, "customer"), "customer", "c")
    async with office.databases.tenant_read(office.company.ref) as read:
        count = await read.fetchval(f"SELECT count(*) FROM customer c WHERE {seen}", *statement.values)
        groups = await read_groups(read, viewer, Grouping("order"))
    return count, groups.rows[0]["count"]


@pytest.mark.requirement("A11", "A9")
async def test_exports_imports_and_figures_pass_it_by(databases, database_settings, company, tmp_path):
    factory = Factory(databases, company)
    unit = await factory.one("department", name="North")
    office = await Office.open(
        databases, database_settings, company, tmp_path, "DEPARTMENT_MANAGER", department_id=unit
    )
    stranger = await make_member(databases, company, "REPRESENTATIVE", name="stranger")
    made = {}
    for number, owner in (("OPEN", office.member), ("CLOSED", office.member), ("FAR", stranger)):
        made[number] = await factory.one("customer", number=number, name=number.title(), owner_id=owner.id)
        await factory.one("order", customer_id=made[number])
    assert await numbers(office) == ["CLOSED", "OPEN"]
    assert await figures(office, await office.viewer()) == (2, 2)
    async with databases.tenant_write(company.ref) as write:
        product = await system_viewer(write, company=company)
        closed = Change("customer", "update", made["CLOSED"], values={"restricted": True})
        await change_internally(write, product, [closed], clock=office.clock)
    assert await numbers(office) == ["OPEN"]
    assert await figures(office, await office.viewer()) == (1, 1)
    # An upsert by key finds it no more than what lies outside of the scope: both are refused in the same words.
    done = await office.imports("customer", "number,name\nCLOSED,Mine\nFAR,Mine\nOPEN,Mine\n")
    assert done.counts[:2] == (0, 1)
    assert {
        line: reason[1].replace("CLOSED", "?").replace("FAR", "?") for line, reason in done.reasons.items()
    } == {
        2: "number: “?” is taken already.",
        3: "number: “?” is taken already.",
    }
    names = await office.rows("SELECT number, name FROM customer ORDER BY number")
    assert {row["number"]: row["name"] for row in names} == {"CLOSED": "Closed", "FAR": "Far", "OPEN": "Mine"}
