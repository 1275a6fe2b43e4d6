"""Run with ``-p tests.catalogue.added_field``: the field that is said once is found everywhere."""

import csv
import io
import os

import orjson
import pytest

from kedang_graphql.schema import build_gateway
from kedang_platform.settings import Settings
from tests.imports.test_api import EXPORT, IMPORT, PREVIEW, START, download, upload
from tests.support.factories import Factory
from tests.support.members import make_key, make_member
from tests.support.workers import run_jobs

CREATE = """
mutation ($input: CreateCustomerInput!) {
  createCustomer(input: $input) { record { id favouriteDrink } userErrors { path code } }
}"""
UPDATE = """
mutation ($input: UpdateCustomerInput!) {
  updateCustomer(input: $input) { record { id favouriteDrink } userErrors { path code } }
}"""
LIST = """
query ($where: CustomerWhere, $orderBy: [CustomerSort!]) {
  customers(where: $where, orderBy: $orderBy) { nodes { name favouriteDrink } }
}"""


@pytest.fixture(scope="session")
def database_settings() -> Settings:
    """A database beside that of the run which started this one."""
    return Settings(role_prefix=f"kedang_added_{os.getpid()}")


@pytest.fixture
async def asking(gateway, company):
    """Clients by role, in a company whose table has the column that a release would have added."""
    databases = gateway.services.databases
    async with databases.owner() as owner:
        await owner.execute(
            f'ALTER TABLE "{company.ref.schema}".customer ADD COLUMN IF NOT EXISTS favourite_drink text COLLATE "C"'
        )

    async def client(role: str):
        member = await make_member(databases, company, role)
        return gateway.client(await make_key(databases, member, key=gateway.services.identity.key))

    return client


async def test_in_the_printed_schema():
    text = build_gateway().schema.as_str()
    # the node, the inputs that create and update, the key of groups
    assert text.count("favouriteDrink: String\n") == 4
    assert text.count("favouriteDrink: TextFilter\n") == 1
    assert text.count("  FAVOURITE_DRINK\n") == 2  # what to sort by, what to group by
    assert text.count('"""Favourite drink. What to pour"""') == 3


async def test_written_filtered_and_sorted_by(asking):
    ask = await asking("OWNER")
    for name, drink in (("A", "Tea"), ("B", "Ale"), ("C", None)):
        made = await ask(CREATE, {"input": {"name": name, "favouriteDrink": drink}})
        assert made.data["createCustomer"]["record"]["favouriteDrink"] == drink
    changed = {"id": made.data["createCustomer"]["record"]["id"], "favouriteDrink": " Wine "}
    answer = (await ask(UPDATE, {"input": changed})).data["updateCustomer"]
    assert answer["record"]["favouriteDrink"] == "Wine"
    refused = await ask(UPDATE, {"input": changed | {"favouriteDrink": "x" * 41}})
    assert refused.data["updateCustomer"]["userErrors"] == [
        {"path": ["input", "favouriteDrink"], "code": "TOO_LONG"}
    ]
    found = await ask(LIST, {"where": {"favouriteDrink": {"startsWith": "a"}}})
    assert [node["name"] for node in found.data["customers"]["nodes"]] == ["B"]
    found = await ask(LIST, {"orderBy": [{"field": "FAVOURITE_DRINK", "direction": "DESC"}]})
    assert [node["favouriteDrink"] for node in found.data["customers"]["nodes"]] == ["Wine", "Tea", "Ale"]


async def test_in_the_audit(asking, gateway, company):
    ask = await asking("OWNER")
    made = await ask(CREATE, {"input": {"name": "A", "favouriteDrink": "Tea"}})
    record = made.data["createCustomer"]["record"]["id"]
    await ask(UPDATE, {"input": {"id": record, "favouriteDrink": "Ale"}})
    async with gateway.services.databases.tenant_read(company.ref) as read:
        rows = await read.fetch("SELECT changes FROM audit WHERE record = 'customer' ORDER BY sequence")
    told = [orjson.loads(row["changes"])["favourite_drink"] for row in rows]
    assert told == [[None, "Tea"], ["Tea", "Ale"]]


async def test_imported_and_exported(asking, gateway):
    ask = await asking("OWNER")
    content = b"Number,Name,Favourite drink\n1,A,Tea\n2,B,\n"
    file_id = await upload(ask, content)
    preview = (await ask(PREVIEW, {"file": file_id, "record": "customer"})).data["previewImport"]["preview"]
    assert preview["columns"][2] == {"column": "Favourite drink", "field": "favouriteDrink"}
    started = await ask(START, {"input": {"fileId": file_id, "record": "customer"}})
    await run_jobs(gateway.services.databases, settings=gateway.services.settings)
    done = await ask(IMPORT, {"id": started.data["startImport"]["record"]["id"]})
    assert (done.data["import"]["state"], done.data["import"]["created"]) == ("DONE", 2)
    found = await ask(LIST)
    assert [node["favouriteDrink"] for node in found.data["customers"]["nodes"]] == ["Tea", None]

    asked = await ask(EXPORT, {"input": {"record": "customer"}})
    await run_jobs(gateway.services.databases, settings=gateway.services.settings)
    exported = asked.data["exportRecords"]["record"]["id"]
    file = await ask("query ($id: ID!) { export(id: $id) { file { id } } }", {"id": exported})
    text = (await download(ask, file.data["export"]["file"]["id"])).decode("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [line["Favourite drink"] for line in lines] == ["Tea", ""], text


async def test_under_the_mask(asking, gateway, company):
    """Said to be as sensitive as a telephone number, it is masked for who may see none of these."""
    factory = Factory(gateway.services.databases, company)
    ask = await asking("MARKETER")
    await factory.one("customer", name="A", favourite_drink="Tea")
    answer = await ask("{ customers { nodes { name favouriteDrink } } }")
    assert answer.data["customers"]["nodes"] == [{"name": "A", "favouriteDrink": None}]
    assert answer.masked == ["customers.nodes.*.favouriteDrink"]
    for refused in (
        await ask(LIST, {"where": {"favouriteDrink": {"eq": "Tea"}}}),
        await ask(LIST, {"orderBy": [{"field": "FAVOURITE_DRINK"}]}),
    ):
        assert refused.codes == ["BAD_USER_INPUT"]
