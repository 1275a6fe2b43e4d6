"""Bulk operations as an integrator does them: over HTTP alone."""

import pytest

from kedang_tenants.catalogue import catalogue
from tests.bulk.support import jsonl, lines_of
from tests.imports.test_api import download, upload
from tests.support.factories import Factory
from tests.support.members import make_key, make_member
from tests.support.workers import run_jobs

ASKED = "record { id kind state record format mode } userErrors { path code }"
EXPORT = f"mutation ($input: BulkExportInput!) {{ done: bulkExport(input: $input) {{ {ASKED} }} }}"
IMPORT = f"mutation ($input: BulkImportInput!) {{ done: bulkImport(input: $input) {{ {ASKED} }} }}"
CANCEL = f"mutation ($input: CancelBulkOperationInput!) {{ done: cancelBulkOperation(input: $input) {{ {ASKED} }} }}"
LIST = """{
  bulkOperations { nodes { kind state total done lines rejected errorCode file { id name } sourceFile { name } } }
}"""


async def client_of(gateway, company, *roles):
    member = await make_member(gateway.services.databases, company, *roles)
    return gateway.client(
        await make_key(gateway.services.databases, member, key=gateway.services.identity.key)
    )


@pytest.fixture
def work(gateway):
    async def work():
        await run_jobs(gateway.services.databases, settings=gateway.services.settings)

    return work


@pytest.mark.requirement("I1")
async def test_a_file_comes_in_and_a_query_goes_out(gateway, company, work):
    ask = await client_of(gateway, company, "OWNER")
    content = jsonl([{"number": "1", "name": "Ernst", "city": "Graz"}, {"number": "2"}])
    file_id = await upload(ask, content, "customers.jsonl")
    started = (await ask(IMPORT, {"input": {"fileId": file_id, "record": "customer"}})).data["done"]
    assert started["userErrors"] == []
    told = {"kind": "IMPORT", "state": "WAITING", "record": "customer", "format": "JSONL", "mode": "UPSERT"}
    assert started["record"].items() >= told.items()
    await work()
    (done,) = (await ask(LIST)).data["bulkOperations"]["nodes"]
    counts = {name: done[name] for name in ("state", "total", "done", "lines", "rejected", "errorCode")}
    assert counts == {"state": "DONE", "total": 2, "done": 2, "lines": 2, "rejected": 1, "errorCode": None}
    assert done["sourceFile"] == {"name": "customers.jsonl"}
    first, second = lines_of(await download(ask, done["file"]["id"]))
    assert second["userErrors"] == [
        {"path": ["input", "name"], "message": "This must be filled in.", "code": "REQUIRED"}
    ]

    query = "{ customers { nodes { id name contacts { nodes { name } } } } }"
    started = (await ask(EXPORT, {"input": {"query": query}})).data["done"]
    assert started["userErrors"] == []
    await work()
    _, done = (await ask(LIST)).data["bulkOperations"]["nodes"]
    assert (done["kind"], done["state"], done["total"]) == ("EXPORT", "DONE", 1)
    assert lines_of(await download(ask, done["file"]["id"])) == [{"id": first["id"], "name": "Ernst"}]


@pytest.mark.requirement("I1")
async def test_a_line_holds_what_the_api_answers(gateway, company, work):
    """Every field of orders, their lines and what stands beside them, in the file as in the answer."""
    ask = await client_of(gateway, company, "OWNER")
    factory = Factory(gateway.services.databases, company)
    for number in range(3):
        customer = await factory.one("customer", number=f"C{number}")
        order = await factory.one("order", customer_id=customer)
        await factory.one("order_line", order_id=order, product_id=await factory.one("product"))
    order, line, customer = (
        " ".join(f.api_name for f in catalogue().record(name).visible_fields if f.name != "custom")
        for name in ("order", "order_line", "customer")
    )
    shown = f"id customFields {order} customer {{ id {customer} owner {{ name }} }}"
    lines = f"lines(orderBy: [{{field: POSITION}}]) {{ nodes {{ id {line} product {{ name cost }} }} }}"
    nodes = (await ask(f"{{ orders {{ nodes {{ {shown} {lines} }} }} }}")).data["orders"]["nodes"]
    assert len(nodes) == 3
    await ask(EXPORT, {"input": {"query": f"{{ orders {{ nodes {{ {shown} {lines} }} }} }}"}})
    await work()
    (done,) = (await ask(LIST)).data["bulkOperations"]["nodes"]
    found = lines_of(await download(ask, done["file"]["id"]))
    expected = [{name: value for name, value in node.items() if name != "lines"} for node in nodes]
    expected += [{**inner, "__parentId": node["id"]} for node in nodes for inner in node["lines"]["nodes"]]
    assert found == expected
    assert len(found) == 6


async def test_refusals_are_user_errors_and_nothing_is_begun(gateway, company):
    ask = await client_of(gateway, company, "OWNER")
    for query, code, path in (
        ("{ nothing }", "INVALID_BULK_QUERY", ["input", "query"]),
        ("{ customers(first: 1) { nodes { id } } }", "INVALID_BULK_QUERY", ["input", "query"]),
        ("{ a: customers { nodes { id } } b: customers { nodes { id } } }", "INVALID_BULK_QUERY", ["input", "query"]),
        ("query A { customers { nodes { id } } } query B { customers { nodes { id } } }", "BAD_USER_INPUT", ["input", "query"]),
        ('{ customers(where: {createdAt: {gt: "2020-01-01T00:00:00"}}) { nodes { id } } }', "BAD_USER_INPUT", ["input", "query"]),
    ):  # fmt: skip
        answer = (await ask(EXPORT, {"input": {"query": query}})).data["done"]
        assert answer == {"record": None, "userErrors": [{"path": path, "code": code}]}, query
    nested = {"query": "{ customers { nodes { contacts { nodes { id } } } } }", "format": "CSV"}
    answer = (await ask(EXPORT, {"input": nested})).data["done"]
    assert answer["userErrors"] == [{"path": ["input", "format"], "code": "NOT_FLAT"}]
    csv = await upload(ask, b"number,name\n1,A\n", "x.csv")
    answer = (await ask(IMPORT, {"input": {"fileId": csv, "record": "customer"}})).data["done"]
    assert answer["userErrors"] == [{"path": ["input", "fileId"], "code": "NOT_BULK_IMPORTABLE"}]
    assert (await ask(LIST)).data["bulkOperations"]["nodes"] == []


@pytest.mark.requirement("I1", "A11")
async def test_the_list_holds_ones_own(gateway, company, work):
    owner, manager, other = [
        await client_of(gateway, company, role)
        for role in ("OWNER", "DEPARTMENT_MANAGER", "DEPARTMENT_MANAGER")
    ]
    started = await manager(EXPORT, {"input": {"query": "{ customers { nodes { id } } }"}})
    operation = started.data["done"]["record"]["id"]
    assert (await other(LIST)).data["bulkOperations"]["nodes"] == []
    refused = (await other(CANCEL, {"input": {"id": operation}})).data["done"]
    assert refused == {"record": None, "userErrors": [{"path": ["input", "id"], "code": "NOT_FOUND"}]}
    called_off = (await manager(CANCEL, {"input": {"id": operation}})).data["done"]
    assert called_off["userErrors"] == []
    await work()
    assert [node["state"] for node in (await manager(LIST)).data["bulkOperations"]["nodes"]] == ["CANCELLED"]
    assert len((await owner(LIST)).data["bulkOperations"]["nodes"]) == 1


@pytest.mark.requirement("G6")
async def test_a_segment_is_exported_as_it_is_when_the_file_is_written(gateway, company, work):
    ask = await client_of(gateway, company, "OWNER")
    factory = Factory(gateway.services.databases, company)
    create = "mutation ($input: CreateSegmentInput!) { createSegment(input: $input) { record { id } } }"
    given = {"name": "Graz", "where": {"city": {"eq": "Graz"}}}
    segment = (await ask(create, {"input": given})).data["createSegment"]["record"]["id"]
    query = f'{{ customers(where: {{segment: "{segment}"}}) {{ nodes {{ name }} }} }}'
    assert (await ask(EXPORT, {"input": {"query": query}})).data["done"]["userErrors"] == []
    for name, city in (("Ernst", "Graz"), ("Piccolo", "Salzburg")):
        await factory.one("customer", name=name, city=city)
    await work()
    (done,) = (await ask(LIST)).data["bulkOperations"]["nodes"]
    assert lines_of(await download(ask, done["file"]["id"])) == [{"name": "Ernst"}]
    assert (await ask(EXPORT, {"input": {"query": query}})).data["done"]["userErrors"] == []
    archive = "mutation ($id: ID!) { archiveSegment(input: {id: $id}) { userErrors { code } } }"
    await ask(archive, {"id": segment})
    await work()
    _, failed = (await ask(LIST)).data["bulkOperations"]["nodes"]
    assert (failed["state"], failed["errorCode"], failed["file"]) == ("FAILED", "NOT_FOUND", None)
    told = (await ask(EXPORT, {"input": {"query": query}})).data["done"]
    assert [error["code"] for error in told["userErrors"]] == ["NOT_FOUND"]
