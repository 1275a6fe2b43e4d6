"""Imports and exports as an integrator does them: over HTTP alone."""

import json
from typing import Any

import httpx
import pytest

from tests.imports.test_imports import CUSTOMERS, NORTHWIND
from tests.support.digests import digests
from tests.support.members import make_key, make_member
from tests.support.workers import run_jobs

UPLOAD = """
mutation ($name: String!, $size: Int!) {
  prepareUpload(input: {name: $name, size: $size}) { fileId uploadUrl userErrors { code } }
}"""
PREVIEW = """
query ($file: ID!, $record: String!) {
  previewImport(fileId: $file, record: $record) {
    preview {
      format encoding delimiter columns { column field } fields { path label required }
      rows { line cells problems { path code message } } problems { code message }
    }
    userErrors { path code message }
  }
}"""
START = """
mutation ($input: StartImportInput!) {
  startImport(input: $input) { record { id state record mode dryRun } userErrors { path code message } }
}"""
IMPORT = """
query ($id: ID!) {
  import(id: $id) {
    state rowsTotal rowsDone created updated unchanged rejected warnings errorCode error
    startedBy { name } rejectedFile { id name kind state } warningsFile { name }
  }
}"""
CANCEL = "mutation ($id: ID!) { cancelImport(input: {id: $id}) { record { id } userErrors { path code } } }"
EXPORT = """
mutation ($input: ExportRecordsInput!) {
  exportRecords(input: $input) { record { id state } userErrors { path code message } }
}"""
DOWNLOAD = "query ($id: ID!) { fileDownloadUrl(id: $id) { url } }"


@pytest.fixture
async def ask(gateway, company):
    """The company's owner with an API key."""
    owner = await make_member(gateway.services.databases, company, "OWNER", name="Andrew Fuller")
    return gateway.client(
        await make_key(gateway.services.databases, owner, key=gateway.services.identity.key)
    )


@pytest.fixture
def work(gateway):
    async def work():
        await run_jobs(gateway.services.databases, settings=gateway.services.settings)

    return work


async def upload(ask, content: bytes, name: str = "customers.csv") -> str:
    prepared = (await ask(UPLOAD, {"name": name, "size": len(content)})).data["prepareUpload"]
    assert prepared["userErrors"] == []
    async with httpx.AsyncClient() as anybody:
        assert (await anybody.put(prepared["uploadUrl"], content=content)).status_code == 204
    return prepared["fileId"]


async def download(ask, file_id: str) -> bytes:
    url = (await ask(DOWNLOAD, {"id": file_id})).data["fileDownloadUrl"]["url"]
    async with httpx.AsyncClient() as anybody:
        return (await anybody.get(url)).content


@pytest.mark.requirement("A9", "I1")
async def test_northwinds_customers_come_in_over_http(ask, work):
    content = (NORTHWIND / "customers.csv").read_bytes()
    file_id = await upload(ask, content)
    seen = (await ask(PREVIEW, {"file": file_id, "record": "customer"})).data["previewImport"]
    assert seen["userErrors"] == []
    preview = seen["preview"]
    assert (preview["format"], preview["encoding"], preview["delimiter"]) == ("CSV", "UTF-8", ",")
    assert preview["columns"][0] == {"column": "customer_id", "field": None}
    assert preview["columns"][5] == {"column": "city", "field": "city"}
    assert len(preview["rows"]) == 20
    assert preview["rows"][0]["cells"][:2] == ["ALFKI", "Alfreds Futterkiste"]
    assert [problem["code"] for problem in preview["problems"]] == ["MISSING_COLUMNS"]

    mapping = {
        "columns": [{"column": column, "field": field} for column, field in CUSTOMERS.columns.items()],
        "defaults": [{"field": field, "value": value} for field, value in CUSTOMERS.defaults.items()],
    }
    started = await ask(START, {"input": {"fileId": file_id, "record": "customer", "mapping": mapping}})
    record = started.data["startImport"]["record"]
    import_id = record.pop("id")
    assert record == {"state": "WAITING", "record": "customer", "mode": "UPSERT", "dryRun": False}
    await work()
    done = (await ask(IMPORT, {"id": import_id})).data["import"]
    assert done == {
        "state": "DONE",
        "rowsTotal": 91,
        "rowsDone": 91,
        "created": 91,
        "updated": 0,
        "unchanged": 0,
        "rejected": 0,
        "warnings": 43,
        "errorCode": None,
        "error": None,
        "startedBy": {"name": "Andrew Fuller"},
        "rejectedFile": None,
        "warningsFile": {"name": "customers - warning.csv"},
    }
    ended = (await ask(CANCEL, {"id": import_id})).data["cancelImport"]
    assert ended == {"record": None, "userErrors": [{"path": ["input"], "code": "ALREADY_FINISHED"}]}


@pytest.mark.requirement("A9")
async def test_rejected_rows_are_fetched_as_a_file(ask, work):
    file_id = await upload(ask, "number,name,country\n1,A,China\n2,B,Atlantis\n".encode("gb18030"))
    started = await ask(START, {"input": {"fileId": file_id, "record": "customer", "mode": "CREATE"}})
    await work()
    done = (await ask(IMPORT, {"id": started.data["startImport"]["record"]["id"]})).data["import"]
    assert (done["created"], done["rejected"]) == (1, 1)
    rejected = done["rejectedFile"]
    assert (rejected["name"], rejected["kind"], rejected["state"]) == (
        "customers - rejected.csv",
        "CSV",
        "STORED",
    )
    text = (await download(ask, rejected["id"])).decode("utf-8-sig")
    assert text.splitlines()[1] == "3,2,B,Atlantis,UNKNOWN_VALUE,country: “Atlantis” is not a country."


async def test_what_cannot_be_imported_is_told_at_its_place(ask):
    file_id = await upload(ask, b"number,name\n1,A\n")
    for given, path, code in [
        ({"fileId": file_id, "record": "nothing"}, ["input", "record"], "NOT_IMPORTABLE"),
        ({"fileId": "fil_" + "0" * 32, "record": "customer"}, ["input", "fileId"], "NOT_FOUND"),
        (
            {
                "fileId": file_id,
                "record": "customer",
                "mapping": {"columns": [{"column": "name", "field": "nothing"}]},
            },
            ["input", "mapping"],
            "UNKNOWN_FIELD",
        ),
    ]:
        refused = (await ask(START, {"input": given})).data["startImport"]
        assert refused["record"] is None
        assert [(error["path"], error["code"]) for error in refused["userErrors"]] == [(path, code)]
    broken = await upload(ask, b"caf\xe9,name\n")
    seen = (await ask(PREVIEW, {"file": broken, "record": "customer"})).data["previewImport"]
    assert seen["preview"] is None
    assert [error["code"] for error in seen["userErrors"]] == ["WRONG_ENCODING"]


@pytest.mark.requirement("A9", "I1")
async def test_a_filtered_list_is_exported_over_http(ask, work):
    file_id = await upload(ask, b"number,name,city\n1,A,Wien\n2,B,Graz\n3,C,Wien\n")
    await ask(START, {"input": {"fileId": file_id, "record": "customer"}})
    await work()
    wish = {"record": "customer", "where": {"city": {"eq": "Wien"}, "NOT": {"name": {"eq": "C"}}}}
    started = (await ask(EXPORT, {"input": wish})).data["exportRecords"]
    assert started["userErrors"] == []
    await work()
    query = "query ($id: ID!) { export(id: $id) { state rowsDone format file { id name } } }"
    done = (await ask(query, {"id": started["record"]["id"]})).data["export"]
    assert (done["state"], done["rowsDone"], done["format"]) == ("DONE", 1, "CSV")
    assert done["file"]["name"] == "Customers.csv"
    lines = (await download(ask, done["file"]["id"])).decode("utf-8-sig").splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("1,A,COMPANY,")
    wish = {"record": "customer", "where": {"city": {"resembles": "Wien"}}}
    refused = (await ask(EXPORT, {"input": wish})).data["exportRecords"]
    assert refused["record"] is None
    assert [(e["path"], e["code"]) for e in refused["userErrors"]] == [(["input", "where"], "BAD_USER_INPUT")]


def _negated(times: int) -> Any:
    return json.loads('{"NOT":' * times + "{}" + "}" * times)


NO_FILTERS: dict[str, Any] = {
    "bottomless": _negated(900),
    "deeper than meant": _negated(30),
    "a NUL": {"name": {"contains": "\x00"}},
    "an own field that is not there": {"custom": [{"key": "nosuch", "eq": 1}]},
    "beyond the column": {"employees": {"eq": 2**40}},
    "no day": {"foundedOn": {"eq": "0000-00-00"}},
    "a list": ["name"],
    "text": "name",
}


@pytest.mark.parametrize("where", NO_FILTERS.values(), ids=NO_FILTERS)
async def test_what_is_no_filter_exports_nothing(ask, gateway, company, where):
    before = await digests(gateway.services.databases, company.ref)
    body = {"query": EXPORT, "variables": {"input": {"record": "customer", "where": where}}}
    answer = await ask.http.post(
        "/graphql", content=json.dumps(body), headers={"content-type": "application/json"}
    )
    refused = answer.json()["data"]["exportRecords"]
    assert refused["record"] is None
    assert [error["code"] for error in refused["userErrors"]] == ["BAD_USER_INPUT"]
    assert await digests(gateway.services.databases, company.ref) == before
