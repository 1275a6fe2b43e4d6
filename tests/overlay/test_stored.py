"""Queries that are given now and answered later by a job: exports and webhooks that name own fields by their types."""

import csv
import io

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


async def exported(office: BulkOffice, file_format: str) -> bytes:
    viewer = await office.viewer()
    schema = await Overlays(build_gateway()).schema_for(viewer)
    async with office.databases.tenant_write(office.company.ref) as write:
        question = read_question(schema, viewer, EXPORT)
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
