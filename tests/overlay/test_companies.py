"""An overlay is of one company at one state of its definitions: nothing of it is told to another."""

import asyncio
from dataclasses import replace

import pytest
from graphql import build_schema

from kedang_graphql.overlay.overlays import Overlays
from kedang_graphql.schema import build_gateway
from kedang_tenants.catalogue.custom import CustomField
from tests.overlay.conftest import open_office
from tests.support.gateway import serve
from tests.support.members import viewer_of

FIELDS = '{ __type(name: "CustomerCustom") { fields { name description } } }'
REGION = "{ customers { nodes { custom { sales_region } } } }"


@pytest.fixture
async def others(gateway, two_companies):
    return [await open_office(gateway, company) for company in two_companies]


@pytest.mark.requirement("A4", "I2")
async def test_a_company_does_not_know_the_fields_of_another(others):
    ours, theirs = others
    await ours.define("customer", "sales_region", "CHOICE", options=["NORTH"])
    await theirs.define("customer", "sales_regime", "TEXT")

    assert (await ours.ask(REGION)).data == {"customers": {"nodes": []}}
    refused = await theirs.ask(REGION)
    assert refused.codes == ["GRAPHQL_VALIDATION_FAILED"]
    assert refused.errors[0]["message"] == (
        "Cannot query field 'sales_region' on type 'CustomerCustom'. Did you mean 'sales_regime'?"
    )
    misspelt = await ours.ask("{ customers { nodes { custom { sales_regio } } } }")
    assert "sales_region" in misspelt.errors[0]["message"]
    assert "sales_regime" not in misspelt.errors[0]["message"]


async def test_the_same_text_means_to_each_its_own(others):
    ours, theirs = others
    await ours.define("customer", "tier", "TEXT")
    await theirs.define("customer", "tier", "INTEGER")
    await ours.create("A", tier="gold")
    await theirs.create("B", tier=7)
    query = "{ customers { nodes { name custom { tier } } } }"
    for _ in range(2):
        assert (await ours.ask(query)).data["customers"]["nodes"] == [
            {"name": "A", "custom": {"tier": "gold"}}
        ]
        assert (await theirs.ask(query)).data["customers"]["nodes"] == [{"name": "B", "custom": {"tier": 7}}]


async def test_without_own_fields_or_without_a_name_there_is_nothing_to_know(others, gateway):
    ours, theirs = others
    await ours.define("customer", "tier", "TEXT")
    query = "{ customers { nodes { custom { tier } } } }"
    for stranger in (theirs.client, gateway.client()):
        told = await stranger(query)
        assert told.codes == ["GRAPHQL_VALIDATION_FAILED"]
        assert "tier" not in told.errors[0]["message"]
        assert (await stranger(FIELDS)).data == {"__type": None}


async def test_introspection_shows_the_asker_their_fields(others):
    ours, _ = others
    await ours.define("customer", "tier", "TEXT", label={"en": "Tier", "zh": "层级"})
    assert (await ours.ask(FIELDS)).data == {
        "__type": {"fields": [{"name": "tier", "description": "Tier / 层级"}]}
    }
    deep = await ours.ask(
        "query { ...Schema } fragment Schema on Query { __schema { types { name } } me { person { name } } }"
    )
    assert "CustomerCustom" in [found["name"] for found in deep.data["__schema"]["types"]]


async def test_a_field_is_there_when_defined_told_otherwise_when_renamed_and_gone_when_archived(office):
    query = "{ customers { nodes { custom { tier } } } }"
    assert (await office.ask(query)).codes == ["GRAPHQL_VALIDATION_FAILED"]
    tier = await office.define("customer", "tier", "TEXT", label={"en": "Tier", "zh": "层级"})
    await office.define("customer", "other", "TEXT")
    await office.create("A", tier="gold")
    assert (await office.ask(query)).data["customers"]["nodes"] == [{"custom": {"tier": "gold"}}]

    renamed = await office.ask(
        'mutation ($id: ID!) { updateCustomField(input: {id: $id, label: {en: "Rank"}}) { userErrors { code } } }',
        id=tier,
    )
    assert renamed.data["updateCustomField"]["userErrors"] == []
    assert {"name": "tier", "description": "Rank"} in (await office.ask(FIELDS)).data["__type"]["fields"]

    await office.ask(
        "mutation ($id: ID!) { archiveCustomField(input: {id: $id}) { userErrors { code } } }", id=tier
    )
    assert (await office.ask(query)).codes == ["GRAPHQL_VALIDATION_FAILED"]
    again = await office.define("customer", "tier", "INTEGER")
    assert again != tier
    assert (await office.ask(query)).data["customers"]["nodes"] == [{"custom": {"tier": None}}]


async def test_another_gateway_knows_at_once(office, databases, database_settings, tmp_path, monkeypatch):
    monkeypatch.setattr("kedang_graphql.engine.viewers.REMEMBERED_SECONDS", 3600.0)  # nothing grows old here
    query = "{ customers { nodes { custom { tier } } } }"
    async with serve(databases, database_settings, var=tmp_path) as second:
        ask = second.client(office.key)
        await _until_it_listens(databases)
        assert (await ask(query)).codes == ["GRAPHQL_VALIDATION_FAILED"]
        await office.define("customer", "tier", "TEXT")
        for _ in range(200):
            answer = await ask(query)
            if not answer.errors:
                break
            await asyncio.sleep(0.01)
        assert answer.data == {"customers": {"nodes": []}}
        await ask.http.aclose()


async def _until_it_listens(databases):
    """The gateway of all tests and the one of this."""
    for _ in range(500):
        async with databases.control_read() as read:
            listening = await read.fetchval(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND query LIKE 'LISTEN%kedang_own_fields%'"
            )
        if listening >= 2:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the second gateway never listened")


@pytest.mark.requirement("A4")
async def test_a_field_of_a_kind_that_a_later_release_knows_has_no_type_yet(office, databases):
    known = CustomField("1" * 32, "customer", "floor", "TEXT", "Floor", "楼层")
    later = CustomField("2" * 32, "customer", "place", "POINT", "Place", "地点")  # type: ignore[arg-type]
    viewer = replace(await viewer_of(databases, office.owner), custom_fields=(known, later))
    text = (await Overlays(build_gateway()).printed(viewer)).text.decode()
    assert list(build_schema(text).type_map["CustomerCustom"].fields) == ["floor"]


@pytest.mark.requirement("A4")
async def test_fields_of_which_no_schema_can_be_made_lock_nobody_out(office, databases, caplog):
    broken = CustomField("1" * 32, "customer", "size", "CHOICE", "Size", "大小", options=((1, 1),))  # type: ignore[arg-type]
    viewer = replace(await viewer_of(databases, office.owner), custom_fields=(broken,))
    overlays = Overlays(build_gateway())
    overlay = await overlays.of(viewer)
    assert await overlays.of(viewer) is overlay  # it is not tried again with each request
    assert overlay.operations.get("{ customers { nodes { id customFields } } }").errors == []
    (told,) = overlay.operations.get("{ customers { nodes { custom { size } } } }").errors
    assert told.message.startswith("Cannot query field 'custom' on type 'Customer'.")
    assert (await overlays.printed(viewer)).text == (await overlays.printed(None)).text
    (logged,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert (logged.getMessage(), logged.kedang_facts) == ("overlay.not_made", {"count": 1})
