"""Queries that are given now and answered later by a job: exports and webhooks that name own fields by their types."""

import csv
import io

import orjson
import pytest

from kedang_graphql.bulk import read_question
from kedang_graphql.overlay.overlays import Overlays
from kedang_graphql.schema import build_gateway
from kedang_tenants.bulk.operations import start_bulk_export
from kedang_tenants.changing import Change, change
from tests.bulk.support import BulkOffice
from tests.overlay.conftest import open_office

EXPORT = "{ customers { nodes { name own: custom { type: __typename seats region: sales_region } } } }"


@pytest.fixture
async def bulk(databases, database_settings, company, tmp_path) -> BulkOffice:
    """An office that exports customers with two own fields."""
    office = await BulkOffice.open(databases, database_settings, company, tmp_path)
    own = {"record": "customer", "label": {"en": "Own"}}
    seats = {"key": "seats", "kind": "INTEGER"}
    regions = {"key": "sales_region", "kind": "CHOICE", "options": ["NORTH", "SOUTH"]}
    await office.add_many("custom_field", [own | seats, own | regions])
    viewer = await office.viewer()
    async with databases.tenant_write(company.ref) as write:
        values = {"name": "A"}, {"name": "B"}
        filled = {"seats": 7, "sales_region": "NORTH"}, {}
        changes = [
            Change("customer", "create", values=given, custom=custom)
            for given, custom in zip(values, filled, strict=True)
        ]
        await change(write, viewer, changes, clock=office.clock)
    return office


async def exported(office: BulkOffice, file_format: str, query: str = EXPORT) -> bytes:
    viewer = await office.viewer()
    schema = await Overlays(build_gateway()).schema_for(viewer)
    async with office.databases.tenant_write(office.company.ref) as write:
        question = read_question(schema, viewer, query)
        started = await start_bulk_export(
            write, viewer, question=question, file_format=file_format, clock=office.clock
        )
    await office.work()
    result = await office.result(started)
    assert result.state == "DONE"
    return result.content


@pytest.mark.requirement("A4", "I2")
async def test_an_export_brings_them_as_the_api_shows_them(bulk):
    outcome = await exported(bulk, "JSONL")
    assert outcome.decode() == (
        '{"name":"A","own":{"type":"CustomerCustom","seats":7,"region":"NORTH"}}\n'
        '{"name":"B","own":{"type":"CustomerCustom","seats":null,"region":null}}\n'
    )


@pytest.mark.requirement("A4", "I1")
async def test_what_was_exported_with_types_is_imported_as_it_is(bulk):
    seats = "SELECT number, name, custom FROM customer ORDER BY number"
    query = "{ customers { nodes { id name custom { seats sales_region } } } }"
    outcome = await exported(bulk, "JSONL", query)
    before = await bulk.rows(seats)
    again = await bulk.takes_in("customer", outcome, "UPDATE")
    assert (again.state, again.counts) == ("DONE", (2, 2, 2, 0))
    assert await bulk.rows(seats) == before
    other = await bulk.takes_in(
        "customer", outcome.replace(b"NORTH", b"SOUTH").replace(b":7", b":8"), "UPDATE"
    )
    assert other.counts == (2, 2, 2, 0)
    assert orjson.loads((await exported(bulk, "JSONL", query)).splitlines()[0])["custom"] == {
        "seats": 8,
        "sales_region": "SOUTH",
    }


@pytest.mark.requirement("A4", "I1")
async def test_a_line_has_them_in_one_way_and_is_told_there(bulk):
    lines = [
        {"number": "1", "name": "C", "custom": {"seats": 1}, "customFields": {"seats": 2}},
        {"number": "2", "name": "D", "custom": {}, "customFields": {"seats": 2}},
        {"number": "3", "name": "E", "custom": {"sales_region": "EAST"}},
        {"number": "4", "name": "F", "custom": [1]},
        {"number": "5", "name": "G", "custom": None, "customFields": {"seats": 5}},
        {"number": "6", "name": "H", "customFields": None, "custom": {"seats": 6}},
    ]
    done = await bulk.takes_in("customer", lines)
    assert done.counts == (6, 6, 6, 4)
    told = [
        [(error["path"], error["code"]) for error in line["userErrors"]]
        for line in done.lines
        if "userErrors" in line
    ]
    assert told == [
        [(["input", "custom"], "BAD_USER_INPUT")],
        [(["input", "custom"], "BAD_USER_INPUT")],
        [(["input", "custom", "sales_region"], "UNKNOWN_VALUE")],
        [(["input", "custom"], "INVALID_VALUE")],
    ]
    rows = await bulk.rows("SELECT name, custom FROM customer WHERE number IS NOT NULL ORDER BY number")
    assert [(row["name"], list(orjson.loads(row["custom"]).values())) for row in rows] == [
        ("G", [5]),
        ("H", [6]),
    ]


async def test_a_table_gives_each_of_them_a_column(bulk):
    rows = list(csv.reader(io.StringIO((await exported(bulk, "CSV")).decode("utf-8-sig"))))
    assert rows == [
        ["name", "own.type", "own.seats", "own.region"],
        ["A", "CustomerCustom", "7", "NORTH"],
        ["B", "CustomerCustom", "", ""],
    ]


async def test_the_verbs_know_the_fields_of_the_asker_and_of_nobody_else(gateway, two_companies):
    ours, theirs = [await open_office(gateway, company) for company in two_companies]
    await ours.define("customer", "tier", "TEXT")
    await theirs.define("customer", "tiger", "TEXT")
    export = """mutation ($q: String!) { bulkExport(input: {query: $q}) { record { state } userErrors { path code } } }"""
    query = "{ customers { nodes { custom { tier } } } }"
    done = (await ours.ask(export, q=query)).data["bulkExport"]
    assert done == {"record": {"state": "WAITING"}, "userErrors": []}
    refused = (await theirs.ask(export, q=query)).data["bulkExport"]
    assert refused["record"] is None
    assert refused["userErrors"] == [{"path": ["input", "query"], "code": "INVALID_BULK_QUERY"}]

    hook = """mutation ($q: String!) { createWebhook(input: {
      name: "H", url: "https://example.com/hook", events: [CUSTOMER_CREATED], query: $q
    }) { record { query } userErrors { path code message } } }"""
    query = "query ($id: ID!) { customer(id: $id) { custom { tier } } }"
    made = (await ours.ask(hook, q=query)).data["createWebhook"]
    assert made == {"record": {"query": query}, "userErrors": []}
    refused = (await theirs.ask(hook, q=query)).data["createWebhook"]
    assert [(error["path"], error["code"]) for error in refused["userErrors"]] == [
        (["input", "query"], "INVALID_WEBHOOK_QUERY")
    ]
    assert "tiger" in refused["userErrors"][0]["message"]
