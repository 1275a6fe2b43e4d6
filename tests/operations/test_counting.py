"""What operations took is counted exactly, by the whole operation, and adds up over processes and hours."""

from datetime import UTC, datetime, timedelta

import pytest

from kedang_graphql import throttling
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.measuring.tidying import TIDY
from tests.operations.conftest import PLANNED, another_gateway, make_house
from tests.support.workers import run_jobs

pytestmark = pytest.mark.requirement("I1", "O3")

STOCK = 'query Call { callLookup(number: "030-0074321") { matches { phone } } }'
CREATE = """
mutation Create($input: CreateCustomerInput!) {
  createCustomer(input: $input) { record { name } userErrors { code } }
}"""


@pytest.fixture(autouse=True)
def _reading_takes_no_time(monkeypatch):
    """So that the points are those of the operations alone."""
    monkeypatch.setattr(throttling, "thread_time", lambda: 0.0)


async def test_a_planned_query_is_counted_with_cost_and_sql(house):
    for n in range(3):
        await house.factory.one("customer", name=f"Customer {n}")
    for _ in range(4):
        assert len((await house.ask(PLANNED, {"first": 2})).data["customers"]["nodes"]) == 2
    await house.flush()
    row = (await house.hours())["QUERY", "Names"]
    assert (row["count"], row["failed"], row["refused"], row["errors"]) == (4, 0, 0, {})
    assert (row["sql_count"], row["sql_rows"]) == (4, 12)  # a page looks one row further
    assert (row["charged"], row["refunded"]) == (8, 0)
    assert sum(row["latency"].values()) == 4
    assert row["micros"] >= row["sql_micros"] > 0


async def test_what_a_page_did_not_hold_is_counted_as_refunded(house):
    await house.ask(PLANNED, {"first": 250})
    await house.flush()
    row = (await house.hours())["QUERY", "Names"]
    assert (row["charged"], row["refunded"]) == (4, 3)


async def test_stock_queries_changes_and_refusals_are_counted(house):
    for _ in range(2):
        await house.ask(STOCK)
    assert (await house.ask(CREATE, {"input": {"name": "Alfreds"}})).data["createCustomer"]["record"]
    refused = await house.ask(CREATE, {"input": {"name": ""}})
    (code,) = [error["code"] for error in refused.data["createCustomer"]["userErrors"]]
    await house.flush()
    hours = await house.hours()
    assert hours["QUERY", "Call"]["count"] == 2
    change = hours["MUTATION", "Create"]
    assert (change["count"], change["failed"], change["refused"]) == (2, 0, 1)
    assert change["errors"] == {code: 1}
    # The cycles by which the archive is to be verified, what is created, and what is read of it.
    assert change["sql_count"] == 3
    assert change["charged"] == 20


async def test_errors_are_counted_by_code(house):
    bad = "query Bad($after: String) { customers(after: $after) { nodes { id } } }"
    for after in ("nonsense", "more of it", None):
        await house.ask(bad, {"after": after})
    assert (await house.ask("{ nosuch }")).codes == ["GRAPHQL_VALIDATION_FAILED"]
    assert (await house.ask("query Many($first: Int!) { customers(first: $first) { totalCount } }")).codes
    assert (await house.ask("{ broken")).codes == ["GRAPHQL_VALIDATION_FAILED"]
    await house.flush()
    hours = await house.hours()
    row = hours["QUERY", "Bad"]
    assert (row["count"], row["failed"], row["errors"]) == (3, 2, {"BAD_CURSOR": 2})
    unread = hours["UNREAD", None]
    assert (unread["count"], unread["failed"]) == (3, 3)
    assert unread["errors"] == {"GRAPHQL_VALIDATION_FAILED": 3}
    assert unread["charged"] == 3  # a point each: reading took no time
    assert {row["document"] for row in await house.rows("measured_operation") if row["kind"] == "UNREAD"} == {
        ""
    }


async def test_who_is_throttled_is_counted_once_asked_and_once_unread(databases, database_settings, company):
    async with another_gateway(
        databases, database_settings, cost_points=12, cost_points_per_second=0.001
    ) as gateway:
        house = await make_house(gateway, company)
        assert (await house.ask(CREATE, {"input": {"name": "Alfreds"}})).data["createCustomer"]["record"]
        assert (await house.ask(CREATE, {"input": {"name": "Bon app"}})).codes == ["THROTTLED"]
        assert (await house.ask(PLANNED)).data
        assert (await house.ask(PLANNED)).codes == ["THROTTLED"]  # nothing is left, so nothing is read
        await house.flush()
        hours = await house.hours()
        gateway.services.measurer.forget()
    assert (hours["MUTATION", "Create"]["count"], hours["MUTATION", "Create"]["errors"]) == (
        2,
        {"THROTTLED": 1},
    )
    assert hours["QUERY", "Names"]["count"] == 1
    assert hours["UNREAD", None]["errors"] == {"THROTTLED": 1}


async def test_two_gateways_and_two_writings_add_up(house, databases, database_settings):
    async with another_gateway(databases, database_settings) as other:
        for _ in range(3):
            await house.ask(PLANNED, {"first": 1})
        await other.client(house.key)(PLANNED, {"first": 1})
        await house.flush()
        await house.ask(PLANNED, {"first": 1})
        await house.flush()
    # The other one has written down what it counted when it was shut down.
    row = (await house.hours())["QUERY", "Names"]
    assert (row["count"], row["sql_count"], row["charged"]) == (5, 5, 10)
    assert sum(row["latency"].values()) == 5


async def test_operations_that_differ_in_values_aliases_and_comments_are_one(house):
    for text in (
        'query Q { customers(where: {name: {eq: "Alfreds"}}, first: 3) { nodes { id } } }',
        'query Q { a: customers(where: {name: {eq: "Bon app"}}, first: 7) { n: nodes { id } } } # mine',
        'query   Q { customers(where: {name: {eq: """Block"""}} first: 9) { nodes { id } } }',
    ):
        assert (await house.ask(text)).data
    await house.flush()
    (row,) = await house.rows("measured_operation")
    assert row["document"] == 'query Q { customers(where: { name: { eq: "" } } first: 0) { nodes { id } } }'
    assert (await house.hours())["QUERY", "Q"]["count"] == 3


async def test_lists_of_values_are_one_value_however_long(house):
    for states in ('["a"]', '["a", "b"]', '["a", "b", "c"]'):
        await house.ask(f"query Q {{ customers(where: {{name: {{in: {states}}}}}) {{ nodes {{ id }} }} }}")
    await house.flush()
    (row,) = await house.rows("measured_operation")
    assert row["document"] == 'query Q { customers(where: { name: { in: [""] } }) { nodes { id } } }'


async def test_words_of_the_schema_are_told_and_those_of_nobody_are_not(house):
    own = {"record": "customer", "key": "nick", "kind": "TEXT", "label": {"en": "Nick", "zh": "昵称"}}
    defined = await house.ask(
        "mutation ($input: CreateCustomFieldInput!) { createCustomField(input: $input) { record { key } } }",
        {"input": own},
    )
    assert defined.data["createCustomField"]["record"] == {"key": "nick"}
    house.gateway.services.measurer.forget()
    await house.ask(
        "query Q($deep: Boolean = true) { customers(orderBy: [{field: NAME, direction: DESC}], where: "
        '{archivedAt: {isNull: true}, custom: [{key: "nick", eq: Alfred}], customFields: {nick: {ne: null}}}) '
        "{ nodes { id @include(if: $deep) } } }"
    )
    await house.ask(
        'mutation Q { createCustomer(input: {name: "", customFields: {Bob: 1, nick: Bobby}}) { __typename } }'
    )
    await house.flush()
    assert {row["document"] for row in await house.rows("measured_operation")} == {
        (
            "query Q($deep: Boolean = true) { customers(orderBy: [{ field: NAME direction: DESC }] where: "
            '{ archivedAt: { isNull: true } custom: [{ key: "" eq: _ }] customFields: { nick: { ne: null } } }) '
            "{ nodes { id @include(if: $deep) } } }"
        ),
        'mutation Q { createCustomer(input: { name: "" customFields: { _: 0 _: _ } }) { __typename } }',
    }


async def test_operations_beyond_the_limit_are_counted_together(house, monkeypatch):
    monkeypatch.setattr("kedang_graphql.measuring.measurer.MOST_A_COMPANY", 3)
    for n in range(5):
        await house.ask(f"query Q{n} {{ __typename }}")
    await house.ask("query Q1 { __typename }")
    await house.flush()
    hours = await house.hours()
    assert {key: row["count"] for key, row in hours.items()} == {
        ("QUERY", "Q0"): 1,
        ("QUERY", "Q1"): 2,
        ("QUERY", "Q2"): 1,
        ("OTHERS", None): 2,
    }
    monkeypatch.setattr("kedang_tenants.measuring.storing.MOST_OPERATIONS", 5)
    for n in range(5, 8):
        await house.ask(f"query Q{n} {{ __typename }}")
    await house.flush()
    hours = await house.hours()
    assert len(hours) == 5  # one more had room, and the others went to the rest
    assert hours["OTHERS", None]["count"] == 4


async def test_a_bug_is_counted_as_one(house, monkeypatch):
    async def fail(*_args, **_more):
        raise RuntimeError("inside")

    monkeypatch.setattr("kedang_graphql.http.GraphQLEndpoint._answer", fail)
    assert (await house.ask(PLANNED)).codes == ["INTERNAL_ERROR"]
    await house.flush()
    assert (await house.hours())["QUERY", "Names"]["errors"] == {"INTERNAL_ERROR": 1}


async def test_an_anonymous_operation_is_counted_for_no_company(house, gateway):
    before = (
        gateway.services.measurer.sums["QUERY", "stock"].statements
        if (gateway.services.measurer.sums.get(("QUERY", "stock")))
        else 0
    )
    assert (await gateway.client()("query Anon { __typename }")).data == {"__typename": "Query"}
    assert gateway.services.measurer.sums["QUERY", "stock"].statements == before
    await house.flush()
    assert await house.rows("measured_operation") == []


async def test_hours_are_told_apart_and_forgotten_after_thirty_days(house, databases):
    await house.ask(PLANNED)
    await house.ask(STOCK)
    await house.flush()
    now = datetime.now(UTC)
    async with databases.tenant_write(house.company.ref) as write:
        name = await write.fetchval("SELECT id FROM measured_operation WHERE name = 'Call'")
        for table, column in (("measured_hour", "hour"), ("measured_statement", "day")):
            await write.fetch(
                f"UPDATE {table} SET {column} = $1 WHERE operation_id = $2",
                (now - timedelta(days=32)).date() if column == "day" else now - timedelta(days=31),
                name,
            )
        await write.fetch(
            "UPDATE measured_operation SET last_at = $1 WHERE id = $2", now - timedelta(days=31), name
        )
        await enqueue(write, NewJob(TIDY))
    await run_jobs(databases)
    assert set(await house.hours()) == {("QUERY", "Names")}
    assert {row["name"] for row in await house.rows("measured_operation")} == {"Names"}
    assert len(await house.rows("measured_statement")) == 1
