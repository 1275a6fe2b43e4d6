"""``GET /graphql/schema.graphql``: the schema of who asks, for whoever generates code from it."""

import httpx
import pytest
from graphql import GraphQLEnumType, build_schema, parse, validate, validate_schema

from kedang_graphql.schema import build_gateway
from tests.overlay.conftest import open_office
from tests.support.gateway import serve
from tests.support.members import make_key, make_member

STATIC = build_gateway().schema.as_str() + "\n"
PATH = "/graphql/schema.graphql"


@pytest.fixture
async def nobody(gateway):
    async with httpx.AsyncClient(base_url=gateway.url, timeout=30) as client:
        yield client


@pytest.mark.requirement("I2")
async def test_everybody_may_read_the_static_schema(nobody):
    answer = await nobody.get(PATH)
    assert answer.status_code == 200
    assert answer.text == STATIC
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["vary"] == "Authorization, Cookie"


async def test_a_company_without_own_fields_has_the_static_schema(office):
    assert (await office.client.http.get(PATH)).text == STATIC


@pytest.mark.requirement("A4", "I2")
async def test_a_company_reads_its_own_schema(described):
    answer = await described.client.http.get(PATH)
    schema = build_schema(answer.text)
    assert validate_schema(schema) == []
    kinds = {name: str(field.type) for name, field in schema.type_map["CustomerCustom"].fields.items()}
    assert kinds == {
        "nickname": "String",
        "seats": "WholeNumber",
        "share": "Decimal",
        "founded": "Date",
        "is_listed": "Boolean",
        "sales_region": "CustomerCustomSalesRegionChoice",
        "mood": "String",
    }
    regions = schema.type_map["CustomerCustomSalesRegionChoice"]
    assert isinstance(regions, GraphQLEnumType)
    assert list(regions.values) == ["NORTH", "SOUTH"]
    assert schema.type_map["CustomerCustom"].fields["seats"].description == "Seats / 字段seats"
    written = parse(
        """mutation ($own: CustomerCustomInput) {
          createCustomer(input: {name: "x", custom: $own}) { record { custom { share } } } }"""
    )
    assert validate(schema, written) == []
    assert "custom" not in schema.type_map["Order"].fields


async def test_members_of_a_company_have_the_same_and_companies_their_own(described, gateway, two_companies):
    colleague = await make_member(gateway.services.databases, described.owner.company, "REPRESENTATIVE")
    key = await make_key(gateway.services.databases, colleague, key=gateway.services.identity.key)
    other = await open_office(gateway, two_companies[1])
    await other.define("customer", "their_secret", "TEXT")

    own = await described.client.http.get(PATH)
    hers = await gateway.client(key).http.get(PATH)
    theirs = await other.client.http.get(PATH)

    assert hers.text == own.text
    assert hers.headers["etag"] == own.headers["etag"]
    assert "their_secret" not in own.text
    assert "nickname" not in theirs.text
    assert theirs.headers["etag"] != own.headers["etag"]


async def test_who_has_it_already_is_told_so_until_it_changes(described):
    http = described.client.http
    first = await http.get(PATH)
    tag = first.headers["etag"]
    assert tag.startswith('"')
    assert tag.endswith('"')
    for given in (tag, f"W/{tag}", f'"old", {tag}', "*"):
        again = await http.get(PATH, headers={"if-none-match": given})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
        assert again.headers["cache-control"] == "private, no-cache"
    assert (await http.get(PATH, headers={"if-none-match": '"old"'})).text == first.text

    await described.define("customer", "later", "TEXT")
    changed = await http.get(PATH, headers={"if-none-match": tag})
    assert changed.status_code == 200
    assert "  later: String" in changed.text
    assert changed.headers["etag"] != tag


async def test_head_tells_what_get_would(described):
    got = await described.client.http.get(PATH)
    told = await described.client.http.head(PATH)
    assert (told.status_code, told.content) == (200, b"")
    assert told.headers["etag"] == got.headers["etag"]
    assert told.headers["content-length"] == got.headers["content-length"]


async def test_a_wrong_key_gets_nothing(gateway, nobody):
    answer = await nobody.get(PATH, headers={"authorization": "Bearer kd_test_wrong"})
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert "etag" not in answer.headers


async def test_it_is_paid_for(described, databases, database_settings, tmp_path):
    async with serve(
        databases, database_settings, var=tmp_path, cost_points=25, cost_points_per_second=1
    ) as small:
        client = small.client(described.key).http
        statuses = [(await client.get(PATH)).status_code for _ in range(3)]
        await client.aclose()
    assert statuses == [200, 200, 429]
