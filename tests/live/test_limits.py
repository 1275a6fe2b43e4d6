"""What a client may take of the gateway: sockets, memory, readings that bring nothing, messages that ask nothing."""

import asyncio
from contextlib import suppress
from contextvars import Context
from datetime import UTC, datetime

import pytest
from websockets.exceptions import ConnectionClosed

from kedang_graphql.live_watching import Wanted
from kedang_graphql.websocket_outbox import Outbox
from kedang_platform.ids import new_id
from kedang_platform.live import LiveEvent
from tests.live.conftest import serve_live
from tests.support.gateway import UNLIMITED

NAMES = "subscription { customerChanges { customer { name } } }"
pytestmark = pytest.mark.requirement("I1")


@pytest.fixture
async def strict(town, databases, database_settings, work_redis_url, tmp_path):
    """A gateway that gives 20 points, once."""
    own = {"var": tmp_path, "redis_url": work_redis_url, "cost_points": 20, "cost_points_per_second": 0.001}
    async with serve_live(databases, database_settings, **own) as gateway:
        yield gateway


async def payer(town, side) -> str:
    return (await town.value("SELECT id FROM platform.api_key WHERE member_id = $1", side.owner.id)).hex


def events(count: int, record_id=None) -> list[LiveEvent]:
    now = datetime.now(UTC)
    return [LiveEvent("customer", record_id or new_id(), "updated", 10**9 + n, now, ()) for n in range(count)]


async def test_reading_what_is_not_told_costs_too(town, side, strict):
    """Else who watches for what never is has the database asked at every change, for nothing."""
    client = await town.client(side.key, strict)
    await client.watch('subscription { customerChanges(where: {city: {eq: "Nowhere"}}) { id } }')
    buckets, key = strict.services.buckets, await payer(town, side)
    for event in events(3):
        held = buckets.give_back(key, 0)
        await town.services.live.publish(side.company.id, [event])
        async with asyncio.timeout(5):
            while buckets.give_back(key, 0) > held - 0.5:  # noqa: ASYNC110 - buckets have no event for it
                await asyncio.sleep(0.01)
        assert buckets.give_back(key, 0) == pytest.approx(held - 1, abs=0.1)
    buckets.spend(key, buckets.give_back(key, 0))
    await town.services.live.publish(side.company.id, events(4)[3:])
    (error,) = await client.next()
    assert error["extensions"]["code"] == "THROTTLED"


async def test_for_whom_has_nothing_left_nothing_more_is_read(town, side, strict, monkeypatch):
    customer = await side.create("customer", name="Often")
    _, other = await side.hire("OWNER")
    await town.work()
    tell, readings = Wanted.tell, []

    async def counted(wanted, tx, viewer, batch):
        readings.append(len(batch))
        return await tell(wanted, tx, viewer, batch)

    monkeypatch.setattr(Wanted, "tell", counted)
    poor, rich = await town.client(side.key, strict), await town.client(other)
    for client in (poor, rich):
        await client.watch(NAMES)
    await town.services.live.publish(side.company.id, events(300, customer))
    for _ in range(300):
        await rich.change()
    while not isinstance(await poor.next(), tuple):
        pass
    assert readings == [100] * 4  # three for the one, and one for the other


async def test_a_batch_that_takes_long_outlives_no_rights(town, side, monkeypatch):
    """Who is suspended while hundreds of changes are told is not told of all of them."""
    monkeypatch.setattr("kedang_graphql.live._RIGHTS_SECONDS", 0)
    nancy, key = await side.hire("OWNER")
    customer = await side.create("customer", name="Often")
    await town.work()
    tell = Wanted.tell

    async def suspended_then(wanted, tx, viewer, batch):
        found = await tell(wanted, tx, viewer, batch)
        await asyncio.create_task(side.update("member", nancy.id, state="SUSPENDED"), context=Context())
        return found

    monkeypatch.setattr(Wanted, "tell", suspended_then)
    client = await town.client(key)
    await client.watch(NAMES)
    await town.services.live.publish(side.company.id, events(300, customer))
    assert await client.closed() == (4403, "Forbidden")


async def test_strangers_of_an_address_are_counted(town, side, databases, database_settings, tmp_path):
    own = {"var": tmp_path, "live_strangers": 2, "cost_points": UNLIMITED}
    async with serve_live(databases, database_settings, **own) as gateway:
        first, second = await town.dial(gateway), await town.dial(gateway)
        await second.send("ping")
        assert await second.receive() == {"type": "pong"}
        third = await town.dial(gateway)
        assert await third.closed() == (1013, "Too many connections")
        await first.init(side.key)  # known now: its place is free
        third = await town.dial(gateway)
        await third.send("ping")
        assert await third.receive() == {"type": "pong"}
        await third.connection.close()
        await second.connection.close()
        for _ in range(100):  # both places are free as soon as the gateway has noticed
            again = [await town.dial(gateway) for _ in range(2)]
            try:
                for client in again:
                    await client.init(side.key)
            except ConnectionClosed:
                await asyncio.sleep(0.05)
            else:
                return
        raise TimeoutError


async def test_what_subscriptions_hold_in_memory_is_bounded(town, side):
    client = await town.client(side.key)
    query = "subscription ($where: CustomerWhere) { customerChanges(where: $where) { id } }"
    long = {"where": {"name": {"eq": "x" * 600_000}}}
    await client.watch(query, "1", long)
    await client.send("subscribe", "2", {"query": query, "variables": long})
    (error,) = await client.next("2")
    assert error["extensions"]["code"] == "TOO_MANY_OPERATIONS"
    await client.send("complete", "1")
    await client.watch(query, "2", long)


async def test_messages_that_ask_nothing_cost_too(town, side, strict):
    client = await town.client(side.key, strict)
    with suppress(ConnectionClosed):
        for _ in range(2_000):
            await client.send("complete", "never heard of")
    assert await client.closed() == (1013, "Throttled")


async def test_an_id_is_free_again_although_the_change_under_it_goes_on(town, side):
    """What comes of the change is told to nobody, and not in place of what bears its id now."""
    client = await town.client(side.key)
    made = 'mutation { createCustomer(input: {name: "Left behind"}) { userErrors { code } } }'
    async with town.databases.owner() as owner, owner.transaction():
        await owner.execute(f'LOCK TABLE "{side.company.ref.schema}".customer IN EXCLUSIVE MODE')
        await client.send("subscribe", "1", {"query": made})
        await client.send("complete", "1")
        await client.watch(NAMES)
    for _ in range(100):
        count = (await client.ask("{ customers { totalCount } }"))["data"]["customers"]["totalCount"]
        if count:
            break
    await client.ask("{ __typename }")
    await town.work()
    assert await client.change() == {"customer": {"name": "Left behind"}}
    await client.nothing()


async def test_nobody_waits_to_write_to_a_socket_that_is_closed():
    """Else a change that is answered to a client that did not read, and went, would never end."""
    outbox = Outbox(10)
    await outbox.put("x" * 20)
    waiting = asyncio.create_task(outbox.put("more"))
    await asyncio.sleep(0)
    assert not waiting.done()
    outbox.close()
    await asyncio.wait_for(waiting, 5)
    await asyncio.wait_for(outbox.put("and more"), 5)
