"""Over a WebSocket operations are counted as over HTTP; of a subscription it is counted that it began."""

from contextlib import AsyncExitStack

import pytest

from kedang_graphql import throttling
from tests.live.conftest import dial
from tests.operations.conftest import PLANNED, another_gateway, make_house

pytestmark = pytest.mark.requirement("I1", "O3")

WATCH = "subscription Watch { customerChanges { action } }"
CREATE = (
    "mutation Create($input: CreateCustomerInput!) { createCustomer(input: $input) { userErrors { code } } }"
)


async def test_operations_of_a_socket_are_counted(
    databases, database_settings, company, work_redis_url, monkeypatch
):
    monkeypatch.setattr(throttling, "thread_time", lambda: 0.0)
    async with (
        another_gateway(databases, database_settings, redis_url=work_redis_url) as gateway,
        AsyncExitStack() as stack,
    ):
        house = await make_house(gateway, company)
        client = await dial(stack, gateway.url)
        await client.init(house.key)
        await client.watch(WATCH)
        for _ in range(2):
            assert (await client.ask(PLANNED, variables={"first": 1}))["data"]
        assert (await client.ask(CREATE, variables={"input": {"name": "Alfreds"}}))["data"]
        await client.send("subscribe", "bad", {"query": "{ nosuch }"})
        assert isinstance(await client.next("bad"), tuple)
        assert (await house.ask(PLANNED, {"first": 1})).data
        await house.flush()
        hours = await house.hours()
        await gateway.services.buckets.close()
    assert hours["QUERY", "Names"]["count"] == 3
    assert hours["QUERY", "Names"]["sql_count"] == 3
    assert hours["MUTATION", "Create"]["count"] == 1
    watched = hours["SUBSCRIPTION", "Watch"]
    assert (watched["count"], watched["failed"]) == (1, 0)
    assert hours["UNREAD", None]["errors"] == {"GRAPHQL_VALIDATION_FAILED": 1}
