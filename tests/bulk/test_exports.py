"""A query becomes a file: its shape, its nesting, and what its asker may take away."""

import csv
import io
from datetime import date

import pytest

from kedang_platform.errors import Forbidden
from kedang_tenants.bulk.errors import InvalidBulkQuery, NotFlat
from kedang_tenants.bulk.operations import cancel_bulk_operation
from kedang_tenants.bulk.questions import decode_level, encode_level
from kedang_tenants.reading import MaskedField
from tests.bulk.support import BulkOffice, public


@pytest.mark.requirement("I1")
async def test_nested_lists_are_lines_of_their_own_that_name_their_parent(office):
    wien, graz, lone = [
        await office.add("customer", number=number, name=name, city=city, founded_on=date(1952, 12, 1))
        for number, name, city in (("1", "Ernst", "Wien"), ("2", "Graz AG", "Graz"), ("3", "Lone", "Wien"))
    ]
    await office.add("contact", customer_id=graz, name="Not asked for")
    roland, anna = [await office.add("contact", customer_id=wien, name=name) for name in ("Roland", "Anna")]
    query = """{ customers(where: {city: {eq: "Wien"}}, orderBy: [{field: NUMBER, direction: DESC}]) {
        edges { node { name foundedOn owner { name }
          people: contacts(orderBy: [{field: NAME}]) { nodes { id kind: __typename name } } } } } }"""
    done = await office.exports(query)
    assert (done.state, done.counts) == ("DONE", (2, 2, 4, 0))
    head = {"foundedOn": "1952-12-01", "owner": None}
    assert done.lines == [
        {"id": public("cus", lone), "name": "Lone", **head},
        {"id": public("cus", wien), "name": "Ernst", **head},
        {"id": public("con", anna), "kind": "Contact", "name": "Anna", "__parentId": public("cus", wien)},
        {"id": public("con", roland), "kind": "Contact", "name": "Roland", "__parentId": public("cus", wien)},
    ]
    (file,) = await office.rows("SELECT name, kind, attached_to FROM file")
    assert file == {
        "name": "Customers.jsonl",
        "kind": "JSONL",
        "attached_to": public("bop", done.row["id"]),
    }
    assert office.stored_contents() == 1  # nothing is left of the parts


@pytest.mark.requirement("I1")
async def test_long_lists_are_brought_whole_at_every_level(office, monkeypatch):
    monkeypatch.setattr("kedang_tenants.bulk.exporting.PARENTS", 3)
    monkeypatch.setattr("kedang_tenants.bulk.exporting.PART_BYTES", 400)
    customers = await office.add_many("customer", [{"number": f"{n}", "name": f"C{n}"} for n in range(7)])
    product = await office.add("product", number="P", name="P")
    orders = await office.add_many(
        "order",
        [
            {
                "number": f"{n}",
                "customer_id": customers[n % 2],
                "ordered_on": date(2026, 1, 1),
                "currency": "EUR",
            }
            for n in range(15)
        ],
    )
    lines = await office.add_many(
        "order_line",
        [
            {"order_id": order, "product_id": product, "quantity": 1, "unit_price": 5, "position": position}
            for order in orders[:5]
            for position in range(1, 9)
        ],
    )
    query = "{ customers { nodes { id orders { nodes { number lines { nodes { id position } } } } } } }"
    done = await office.exports(query)
    assert (done.state, done.counts) == ("DONE", (7, 7, 7 + 15 + 40, 0))
    seen: set[str] = set()
    for line in done.lines:
        assert line["id"] not in seen
        assert line.get("__parentId") is None or line["__parentId"] in seen
        seen.add(line["id"])
    expected = {public("cus", one) for one in customers} | {public("ord", one) for one in orders}
    assert expected < seen
    assert {line["id"] for line in done.lines if "position" in line} == seen - expected
    assert len(lines) == 40
    assert office.stored_contents() == 1


async def test_a_table_has_a_column_for_each_key_and_no_formulas(office):
    parent = await office.add("customer", number="0", name="Parent")
    await office.add(
        "customer", number="1", name="=1+1", parent_id=parent, founded_on=date(1952, 12, 1), employees=-5 + 12
    )
    query = "{ customers(orderBy: [{field: NUMBER}]) { nodes { number name parent { name n: number } foundedOn employees } } }"
    done = await office.exports(query, "CSV")
    assert done.content is not None
    assert list(csv.reader(io.StringIO(done.content.decode("utf-8-sig"), newline=""))) == [
        ["number", "name", "parent.name", "parent.n", "foundedOn", "employees"],
        ["0", "Parent", "", "", "", ""],
        ["1", "'=1+1", "Parent", "0", "1952-12-01", "7"],
    ]
    assert (done.state, done.counts) == ("DONE", (2, 2, 2, 0))
    with pytest.raises(NotFlat):
        await office.exports("{ customers { nodes { contacts { nodes { name } } } } }", "CSV")


async def test_an_empty_list_is_an_empty_file(office):
    done = await office.exports("{ customers { nodes { id } } }")
    assert (done.state, done.content, done.counts) == ("DONE", b"", (0, 0, 0, 0))


@pytest.mark.parametrize(
    "query",
    [
        "{ customers { nodes { id } ",
        "{ nothing { nodes { id } } }",
        "{ me { id } }",
        "{ __typename }",
        "{ customer(id: 1) { id } }",
        "{ customers { nodes { id } } contacts { nodes { id } } }",
        "mutation { signOut { userErrors { code } } }",
        "query ($n: String!) { customers(where: {number: {eq: $n}}) { nodes { id } } }",
        "{ customers(first: 5) { nodes { id } } }",
        '{ customers(after: "x") { nodes { id } } }',
        "{ customers { nodes { id contacts(last: 2) { nodes { id } } } } }",
        "{ customers { totalCount } }",
        "{ customers { nodes { id } totalCount } }",
        "{ customers { edges { cursor node { id } } } }",
        "{ customers { nodes { id } edges { node { id } } } }",
        "{ customers { nodes { id: name contacts { nodes { id } } } } }",
        "{ customers { nodes { __parentId: name } } }",
        "{ contacts { nodes { customer { contacts { nodes { id } } } } } }",
    ],
)
async def test_a_query_that_is_no_one_list_is_refused(office, query):
    with pytest.raises(InvalidBulkQuery) as refused:
        await office.ask_for_export(query)
    assert refused.value.path == ("input", "query")
    assert await office.rows("SELECT 1 FROM bulk_operation") == []


async def test_three_levels_of_nested_lists_are_one_too_many(office):
    query = "{ gradeSchemes { nodes { levels { nodes { customers { nodes { id %s } } } } } } }"
    await office.ask_for_export(query % "")
    with pytest.raises(InvalidBulkQuery, match="levels"):
        await office.ask_for_export(query % "contacts { nodes { id } }")


async def test_a_question_survives_being_stored(office):
    from kedang_graphql.bulk import read_question
    from kedang_graphql.schema import build_gateway

    query = """{ customers(where: {OR: [{city: {eq: "Wien"}}, {contacts: {some: {name: {contains: "x"}}}}]},
      orderBy: [{field: CITY, direction: DESC, nulls: FIRST}], archived: INCLUDE) {
      nodes { name owner { name department { name } } contacts(where: {name: {eq: "A"}}) { nodes { id } } } } }"""
    question = read_question(build_gateway().core, await office.viewer(), query)
    assert decode_level(encode_level(question)) == question


@pytest.mark.requirement("I1", "A11")
async def test_everybody_takes_away_only_what_they_may(office, databases, database_settings, tmp_path):
    sales = await office.add("department", name="Sales", branch=False)

    async def office_of(*roles, **member):
        return await BulkOffice.open(databases, database_settings, office.company, tmp_path, *roles, **member)

    manager = await office_of("DEPARTMENT_MANAGER", department_id=sales)
    manager_id = manager.member.id
    ours = await office.add("customer", number="1", name="Ours", owner_id=manager_id, employees=700)
    theirs = await office.add("customer", number="2", name="Theirs", employees=900)
    for customer in (ours, theirs):
        await office.add("contact", customer_id=customer, name="Maria", phone="+43 1 5350100")
    query = (
        "{ customers(orderBy: [{field: NUMBER}]) { nodes { id employees contacts { nodes { phone } } } } }"
    )
    full = [
        {"id": public("cus", ours), "employees": 700},
        {"phone": "+43 1 5350100", "__parentId": public("cus", ours)},
    ]
    assert (await manager.exports(query)).lines == full
    everything = (await office.exports(query)).lines
    assert [line for line in everything if "id" in line] == [
        full[0],
        {"id": public("cus", theirs), "employees": 900},
    ]
    general = await office_of("GENERAL_MANAGER")
    assert len((await general.exports(query)).lines) == 4
    for role in ("REPRESENTATIVE", "SERVICE_AGENT", "FINANCE", "MARKETER", "VIEW_ONLY"):
        with pytest.raises(Forbidden):
            await (await office_of(role)).ask_for_export(query)
    # A nested list needs the right to export, too.
    with pytest.raises(Forbidden):
        await general.ask_for_export("{ customers { nodes { id orders { nodes { id } } } } }")
    assert len(await office.rows("SELECT 1 FROM bulk_operation")) == 3


@pytest.mark.requirement("A11")
async def test_beside_a_listed_record_stands_only_the_name_of_one_that_may_not_be_exported(
    office, databases, database_settings, tmp_path
):
    manager = await BulkOffice.open(databases, database_settings, office.company, tmp_path, "GENERAL_MANAGER")
    await office.add("customer", number="1", name="A", owner_id=manager.member.id)
    query = "{ customers { nodes { owner { name seat } } } }"
    (line,) = (await office.exports(query)).lines
    owner = line["owner"]
    assert None not in owner.values()
    (line,) = (await manager.exports(query)).lines  # who reads all people, and exports none
    assert line["owner"] == {"name": owner["name"], "seat": None}


@pytest.mark.requirement("A11")
async def test_what_is_masked_is_null_in_the_file_and_no_filter(
    office, databases, database_settings, tmp_path
):
    manager = await BulkOffice.open(
        databases, database_settings, office.company, tmp_path, "DEPARTMENT_MANAGER"
    )
    await office.add("product", number="1", name="Chai", cost=900, list_price=1800)
    query = "{ products { nodes { listPrice cost } } }"
    assert (await office.exports(query)).lines == [{"listPrice": "1800", "cost": "900"}]
    assert (await manager.exports(query)).lines == [{"listPrice": "1800", "cost": None}]
    with pytest.raises(MaskedField):
        await manager.ask_for_export("{ products(where: {cost: {gt: 1}}) { nodes { id } } }")
    assert len(await office.rows("SELECT 1 FROM bulk_operation")) == 2


@pytest.mark.requirement("A11")
async def test_rights_are_those_of_the_moment_in_which_a_page_is_read(
    office, databases, database_settings, tmp_path
):
    manager = await BulkOffice.open(
        databases, database_settings, office.company, tmp_path, "DEPARTMENT_MANAGER"
    )
    await office.add("customer", number="1", name="Ours", owner_id=manager.member.id)
    operation_id = await manager.ask_for_export("{ customers { nodes { id } } }")
    async with databases.tenant_write(office.company.ref) as write:
        await write.fetch("UPDATE member SET roles = '{REPRESENTATIVE}' WHERE id = $1", manager.member.id)
    await office.work()
    failed = await office.result(operation_id)
    assert (failed.state, failed.row["error_code"], failed.content) == ("FAILED", "FORBIDDEN", None)


async def test_an_export_is_called_off_before_and_on_its_way(office, monkeypatch):
    monkeypatch.setattr("kedang_tenants.bulk.exporting.PAGE_ROWS", 2)
    monkeypatch.setattr("kedang_tenants.bulk.exporting.PART_PAGES", 1)
    await office.add_many("customer", [{"number": f"{n}", "name": f"C{n}"} for n in range(9)])
    query = "{ customers { nodes { id } } }"

    async def call_off(operation_id):
        viewer = await office.viewer()
        async with office.databases.tenant_write(office.company.ref) as write:
            await cancel_bulk_operation(write, viewer, operation_id=operation_id, clock=office.clock)

    before = await office.ask_for_export(query)
    await call_off(before)
    await office.work()
    ended = await office.result(before)
    assert (ended.state, ended.row["file_id"], ended.counts) == ("CANCELLED", None, (None, 0, 0, 0))

    midway = await office.ask_for_export(query)
    from kedang_tenants.bulk import exporting

    store = exporting.store_part

    async def store_and_call_off(*args):
        if (await office.result(midway)).row["done"] == 4:
            await call_off(midway)
        return await store(*args)

    monkeypatch.setattr(exporting, "store_part", store_and_call_off)
    await office.work()
    ended = await office.result(midway)
    assert (ended.state, ended.row["file_id"], ended.counts) == ("CANCELLED", None, (9, 6, 6, 0))
    assert office.stored_contents() == 0
