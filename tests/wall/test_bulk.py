"""Bulk operations neither bring another company's records nor reach them."""

import pytest

from tests.bulk.support import jsonl, lines_of
from tests.bulk.test_api import EXPORT, IMPORT, LIST
from tests.imports.test_api import download, upload
from tests.support.digests import digests
from tests.support.workers import run_jobs


@pytest.mark.requirement("T5", "I1")
async def test_bulk_operations_stay_on_their_side(gateway, sides):
    own, other = sides
    databases, settings = gateway.services.databases, gateway.services.settings
    await run_jobs(databases, settings=settings)
    before = await digests(databases, other.factory.company.ref, besides=())
    theirs = other.ids["cus"]
    query = (
        f'{{ customers(where: {{OR: [{{id: {{in: ["{theirs}"]}}}}, {{parentId: {{eq: "{theirs}"}}}}]}}) {{ nodes {{'
        " id contacts { nodes { id } } } } }"
    )
    asked = await own.ask(EXPORT, {"input": {"query": query}})
    assert asked.data["done"]["userErrors"] == []
    lines = [
        {"id": theirs, "name": "Reached"},
        {"name": "Child", "parentId": theirs},
        {"name": "Owned", "ownerId": other.ids["mem"]},
    ]
    file_id = await upload(own.ask, jsonl(lines), "lines.jsonl")
    asked = await own.ask(IMPORT, {"input": {"fileId": file_id, "record": "customer"}})
    assert asked.data["done"]["userErrors"] == []
    await run_jobs(databases, settings=settings)
    done = (await own.ask(LIST)).data["bulkOperations"]["nodes"][-2:]
    assert [(one["kind"], one["state"]) for one in done] == [("EXPORT", "DONE"), ("IMPORT", "DONE")]
    assert await download(own.ask, done[0]["file"]["id"]) == b""
    told = lines_of(await download(own.ask, done[1]["file"]["id"]))
    assert [[error["code"] for error in line["userErrors"]] for line in told] == [["NOT_FOUND"]] * 3
    assert await digests(databases, other.factory.company.ref, besides=()) == before
    foreign = await upload(other.ask, jsonl(lines), "lines.jsonl")
    refused = await own.ask(IMPORT, {"input": {"fileId": foreign, "record": "customer"}})
    assert refused.data["done"]["userErrors"] == [{"path": ["input", "fileId"], "code": "NOT_FOUND"}]
