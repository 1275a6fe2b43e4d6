"""The page for Prometheus: closed without a token, and without any name of a company, person or operation."""

import gc

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import ValidationError

from kedang_graphql import throttling
from kedang_platform.settings import Settings
from tests.operations.conftest import PLANNED, another_gateway, make_house
from tests.support.workers import ROOT

pytestmark = pytest.mark.requirement("O3")

TOKEN = "a token for the metrics of tests"
LABELS = {"kind", "way", "outcome", "le", "result", "database", "pool"} | {
    *("process", "version", "python", "part", "event", "channel", "priority", "state", "step"),
}


@pytest.fixture
async def told(databases, database_settings, company, monkeypatch):
    """A house whose gateway tells metrics, and what it tells."""
    monkeypatch.setattr(throttling, "thread_time", lambda: 0.0)
    async with another_gateway(databases, database_settings, metrics_token=TOKEN) as gateway:
        house = await make_house(gateway, company)

        async def read():
            answer = await house.ask.http.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
            assert answer.status_code == 200
            return {
                (sample.name, *sorted(sample.labels.items())): sample.value
                for family in text_string_to_metric_families(answer.text)
                for sample in family.samples
            }

        yield house, read


async def test_without_a_token_there_is_no_page(house):
    answer = await house.ask.http.get("/metrics")
    assert (answer.status_code, answer.content) == (404, b"")


async def test_the_page_opens_for_its_token_only(told):
    house, read = told
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": f"Bearer {house.key}"}):
        house.ask.http.headers.pop("authorization", None)
        answer = await house.ask.http.get("/metrics", headers=headers)
        assert (answer.status_code, answer.content) == (404, b"")
    assert await read()


def test_a_token_is_no_word():
    with pytest.raises(ValidationError):
        Settings(metrics_token="short")


async def test_operations_are_counted_by_kind_way_and_outcome(told):
    house, read = told
    for _ in range(3):
        await house.ask(PLANNED, {"first": 1})
    await house.ask("query { __typename }")
    await house.ask('{ customers(after: "nonsense") { nodes { id } } }')
    await house.ask("{ nosuch }")
    await house.ask('mutation { createCustomer(input: {name: ""}) { userErrors { code } } }')
    await house.ask.http.post("/graphql", content=b"{", headers={"content-type": "application/json"})
    await house.ask.http.post("/graphql", content=b"{}", headers={"authorization": "Bearer wrong"})
    values = await read()

    def answers(kind, way, outcome):
        return values["kedang_operations_total", ("kind", kind), ("outcome", outcome), ("way", way)]

    assert answers("query", "planned", "OK") == 4
    assert answers("query", "planned", "BAD_CURSOR") == 1
    assert answers("mutation", "stock", "REFUSED") == 1
    assert answers("unread", "stock", "GRAPHQL_VALIDATION_FAILED") == 1
    assert answers("unread", "stock", "BAD_USER_INPUT") == 2  # of nobody known one is counted, too
    planned = (("kind", "query"), ("way", "planned"))
    assert values["kedang_operation_seconds_count", *planned] == 5
    assert values["kedang_sql_statements_total", *planned] == 3
    assert values["kedang_operation_cost_points_sum", *planned] == 5
    assert (
        values["kedang_operation_sql_seconds_bucket", ("kind", "query"), ("le", "30.0"), ("way", "planned")]
        == 5
    )


async def test_cache_pools_loop_and_collections_are_told(told):
    house, read = told
    before = await read()
    for _ in range(3):
        await house.ask(PLANNED, {"first": 1})
    gc.collect()
    values = await read()

    def grown(*key):
        return values[key] - before[key]

    assert grown("kedang_document_cache_requests_total", ("result", "miss")) == 1
    assert grown("kedang_document_cache_requests_total", ("result", "hit")) >= 2
    assert grown("kedang_document_cache_entries") == 1
    assert grown("kedang_document_cache_bytes") > 6_000
    pools = {key[2][1] for key in values if key[0] == "kedang_pool_size"}
    assert pools == {"tenant_reads", "tenant_writes", "control_reads", "control_writes"}
    assert all(values[key] >= 0 for key in values if key[0] == "kedang_pool_used")
    assert grown("kedang_gc_pause_seconds_count") >= 1
    assert ("kedang_event_loop_lag_seconds_count",) in values
    assert any(key[0] == "process_resident_memory_bytes" for key in values)


async def test_labels_have_few_values_and_no_names(told):
    house, read = told
    await house.ask("query Geheim { customers { nodes { id } } }")
    values = await read()
    assert {label for key in values for label, _ in key[1:]} <= LABELS
    text = repr(values)
    for name in ("Geheim", house.company.ref.schema, house.company.id.hex, house.company.name):
        assert name not in text


async def test_the_guide_names_every_metric(told):
    house, read = told
    await house.ask(PLANNED)
    guide = (ROOT / "docs" / "operations.md").read_text()
    families = {name.rpartition("_bucket")[0] for name, *_ in await read() if name.endswith("_bucket")}
    assert len(families) >= 5
    assert {family for family in families if family not in guide} == set()


async def test_no_page_no_probes(house):
    """Where nobody reads metrics, collections are not watched."""
    assert not any("Probes" in repr(callback) for callback in gc.callbacks)
