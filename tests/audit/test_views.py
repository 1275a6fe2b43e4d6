"""Who saw what is sensitive or closed, and which keys read: noted beside, once in a quarter of an hour."""

from datetime import UTC, datetime, timedelta

import pytest

from kedang_platform.clock import FixedClock
from kedang_platform.identity.sessions import start_session
from tests.support.members import make_key

pytestmark = pytest.mark.requirement("T7", "A11")
PHONES = "{ contacts { nodes { id name phone customer { id name phone } } } }"
NAMES = "{ customers { nodes { id name city } } }"
WHOLE = "query ($id: ID!) { customer(id: $id) { id note } }"


@pytest.fixture
def clock(gateway, monkeypatch):
    """The time of what is seen from now on; what the tests before have looked at is forgotten."""
    clock = FixedClock(datetime.now(UTC))
    monkeypatch.setattr(gateway.services.views, "_clock", clock)
    monkeypatch.setattr(gateway.services.views, "_companies", {})
    return clock


@pytest.fixture
async def looking(world, gateway, clock):
    """Asks as a person at a browser, or with a key; and what is noted of it afterwards."""

    async def ask(person, query, *, key=False, **variables):
        member = world.people[person]
        client = gateway.client()
        if key:
            text = await make_key(world.databases, member, key=gateway.services.identity.key)
            client.http.headers["authorization"] = f"Bearer {text}"
        else:
            async with world.databases.control() as control:
                token = await start_session(
                    control,
                    person_id=member.person_id,
                    company_id=member.company.id,
                    user_agent="",
                    now=datetime.now(UTC),
                )
            client.http.headers["cookie"] = f"kedang={token}"
        return (await client(query, variables)).data

    return ask


@pytest.fixture
async def noted(world, gateway):
    async def flush():
        await gateway.services.views.flush(world.databases)
        async with world.databases.tenant_read(world.factory.company.ref) as read:
            rows = await read.fetch(
                "SELECT action, actor_id, via, record_id, changes::jsonb AS changes, salt, digest FROM audit"
                " WHERE action LIKE '%.viewed' OR action LIKE 'api_read.%' ORDER BY sequence"
            )
        names = {member.id: name for name, member in world.people.items()}
        return [
            (row["action"], names[row["actor_id"]], row["via"], row["record_id"], row["changes"])
            for row in rows
        ]

    return flush


async def test_sensitive_fields_that_were_seen_are_noted_once(world, looking, noted, clock):
    await looking("representative", PHONES)
    await looking("representative", PHONES)
    mine = (
        "contact.viewed",
        "representative",
        "session",
        world.contacts["representative"],
        '{"fields": [null, ["phone"]]}',
    )
    first = await noted()
    assert mine in first
    assert {entry[:3] for entry in first} == {mine[:3]}
    clock.move(timedelta(minutes=14))
    await looking("representative", PHONES)
    assert await noted() == first
    clock.move(timedelta(minutes=2))
    await looking("representative", PHONES)
    assert await noted() == [*first, *first]


async def test_what_is_not_sensitive_is_nobodys_business(world, looking, noted):
    await looking("representative", NAMES)
    await looking("representative", WHOLE, id=f"cus_{world.customers['representative'].hex}")
    await looking("onlooker", PHONES)  # for whom they are masked
    assert await noted() == []


async def test_a_restricted_archive_that_was_opened_is_noted(world, looking, noted):
    customer = world.customers["stranger"]
    await world.factory.update("customer", customer, restricted=True)
    await looking("owner", NAMES)
    assert await noted() == []
    await looking("owner", WHOLE, id=f"cus_{customer.hex}")
    expected = '{"fields": [null, []], "restricted": [null, true]}'
    assert await noted() == [("customer.viewed", "owner", "session", customer, expected)]


async def test_reads_with_a_key_are_noted_by_kind(world, looking, noted, clock):
    await looking("finance", NAMES, key=True)
    await looking("finance", NAMES, key=True)
    read = (
        "api_read.made",
        "finance",
        "api_key",
        world.people["finance"].id,
        '{"records": [null, ["Customer"]]}',
    )
    assert await noted() == [read]
    await looking("finance", NAMES, key=True)
    await looking("finance", "{ products { nodes { id } } }", key=True)
    assert await noted() == [read, (*read[:4], '{"records": [null, ["Product"]]}')]
    clock.move(timedelta(minutes=16))
    await looking("finance", NAMES, key=True)
    assert (await noted())[2:] == [read]
