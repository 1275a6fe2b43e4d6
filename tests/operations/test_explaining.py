"""Slow operations explain themselves: real plans of real statements, in plain words, without any value."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from kedang_platform.database.noting import Noted
from kedang_platform.ids import new_id
from kedang_tenants.measuring.explaining import Slow, explain
from kedang_tenants.measuring.findings import TEXTS
from tests.operations.conftest import another_gateway, make_house

pytestmark = pytest.mark.requirement("I1", "O3")

ROWS = 3_000


@pytest.fixture
async def full(databases, database_settings, company):
    """A gateway to which everything is slow, and a company with 3,000 customers and their contacts."""
    async with another_gateway(databases, database_settings, slow_sql_seconds=0.000001) as gateway:
        house = await make_house(gateway, company)
        one = await house.factory.one("customer", name="Alfreds Futterkiste")
        await house.factory.one("contact", customer_id=one)
        schema = company.ref.schema
        async with databases.owner() as owner:
            for table, values in (
                (
                    "customer",
                    "id = gen_random_uuid(), name = 'N' || n, name_sort = 'n' || n, number = 'N' || n",
                ),
                ("contact", "id = gen_random_uuid(), name = 'C' || n"),
            ):
                said = dict(pair.split(" = ", 1) for pair in values.split(", "))
                columns = [
                    row["attname"]
                    for row in await owner.fetch(
                        "SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0"
                        " AND NOT attisdropped",
                        f"{schema}.{table}",
                    )
                ]
                outputs = ", ".join(said.get(column, f't."{column}"') for column in columns)
                names = ", ".join(f'"{column}"' for column in columns)
                await owner.execute(
                    f"INSERT INTO {schema}.{table} ({names}) SELECT {outputs} FROM {schema}.{table} t,"
                    f" generate_series(1, {ROWS - 1}) n"
                )
                await owner.execute(f"ANALYZE {schema}.{table}")
        yield house


async def reasons(house, query, variables=None, language=None):
    """Why the operation was slow, by code, as the owner is told."""
    client = house.ask if language is None else house.gateway.client(house.key, language)
    house.gateway.services.measurer.forget()
    answer = await house.ask(query, variables)
    assert answer.data
    await house.flush()
    ask = "{ operations(where: {explained: true}) { nodes { name slowest { statement plan rows reasons { code message } } } } }"
    nodes = (await client(ask)).data["operations"]["nodes"]
    (one,) = [node["slowest"] for node in nodes if node["name"] == "Slow"]
    return {reason["code"]: reason["message"] for reason in one["reasons"]}, one


async def test_a_filter_without_an_index_reads_the_whole_table(full):
    found, slowest = await reasons(
        full, 'query Slow { customers(where: {address: {contains: "street"}}, first: 5) { totalCount } }'
    )
    assert found["FILTER_WITHOUT_INDEX"] == (
        "All 3000 rows of customers are read one after the other, since no index finds those with the wanted address."
    )
    assert found["TOTAL_COUNT"] == TEXTS["TOTAL_COUNT"]
    assert "street" not in orjson.dumps(slowest).decode()
    assert any("Seq Scan on customer" in line for line in slowest["plan"])


async def test_an_order_without_an_index_sorts_everything_for_each_page(full):
    found, slowest = await reasons(
        full, "query Slow { customers(orderBy: [{field: ADDRESS}], first: 5) { nodes { id } } }"
    )
    assert found["ORDER_WITHOUT_INDEX"] == (
        "Every page sorts about 3000 rows to find the first of them: no index has the order by address."
    )
    assert slowest["plan"][0].startswith("Limit")


async def test_groups_go_through_all_rows(full):
    found, _ = await reasons(full, "query Slow { customerAggregates(groupBy: [CITY]) { groups { count } } }")
    assert found["GROUPS"] == "About 3000 rows are gone through to make groups and figures of them."


async def test_a_cheap_plan_says_that_it_waited_for_something_else(full):
    one = (await full.rows("customer"))[0]["id"]
    found, _ = await reasons(
        full, "query Slow($id: ID!) { customer(id: $id) { name } }", {"id": f"cus_{one.hex}"}
    )
    assert list(found) == ["CHEAP_PLAN"]


async def test_a_slow_change_is_explained_without_its_parameters(full):
    found, slowest = await reasons(
        full,
        "mutation Slow($input: CreateCustomerInput!) { createCustomer(input: $input) { userErrors { code } } }",
        {"input": {"name": "Kanarienvogel"}},
    )
    assert "NO_PLAN" not in found
    assert slowest["plan"]
    assert "Kanarienvogel" not in orjson.dumps(slowest).decode()


async def test_it_is_explained_once_an_hour_by_whichever_process_comes_first(full, databases):
    query = "query Slow { customers(first: 5) { nodes { id } } }"
    await reasons(full, query)
    (before,) = [row for row in await full.rows("measured_operation") if row["name"] == "Slow"]
    slow = Slow(before["id"], datetime.now(UTC), 2.0, 1.5, 1, Noted("SELECT 1", (), 1.5, 1))
    later = Slow(slow.operation_id, slow.at + timedelta(hours=1), 2.0, 1.5, 1, slow.statement)
    async with databases.tenant_write(full.company.ref) as write:
        assert not await explain(write, slow)
        assert await explain(write, later)
        assert not await explain(write, Slow(new_id(), slow.at, 2.0, 1.5, 1, slow.statement))
    (after,) = [row for row in await full.rows("measured_operation") if row["name"] == "Slow"]
    assert (after["slowest"]["statement"], after["slowest"]["plan"]) == (
        "SELECT ?",
        ["Result (rows 1, cost 0)"],
    )
    assert before["slowest"]["statement"] != "SELECT ?"


async def test_what_has_no_plan_says_so(full, databases):
    await reasons(full, "query Slow { customers(first: 5) { nodes { id } } }")
    (known,) = [row for row in await full.rows("measured_operation") if row["name"] == "Slow"]
    at = datetime.now(UTC) + timedelta(hours=2)
    async with databases.tenant_write(full.company.ref) as write:
        assert await explain(write, Slow(known["id"], at, 2, 2, 1, Noted("nonsense $1", ("x",), 2, 0)))
    (known,) = [row for row in await full.rows("measured_operation") if row["name"] == "Slow"]
    assert known["slowest"]["findings"] == [{"code": "NO_PLAN", "params": {}}]


async def test_reasons_are_told_in_the_language_of_the_asker(full):
    found, _ = await reasons(
        full,
        'query Slow { customers(where: {address: {contains: "street"}}, first: 5) { nodes { id } } }',
        language="zh-CN",
    )
    assert "3000" in found["FILTER_WITHOUT_INDEX"] or "WALKED" in found
