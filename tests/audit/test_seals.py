"""Seals over the trail: made once, by however many, and broken by whoever alters what was noted."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import count

import asyncpg
import pytest

from kedang_platform.clock import FixedClock
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.changing import Change
from kedang_tenants.changing.erasing import forget
from kedang_tenants.changing.sealing import seal
from kedang_tenants.changing.verifying import Broken, verify
from tests.support.workers import run_jobs

pytestmark = pytest.mark.requirement("T7")
LATER = FixedClock(datetime(2026, 3, 2, 12, tzinfo=UTC))


names = (f"Ana Trujillo {number}" for number in count())


async def rename(world, times=1, *, person="representative"):
    for _ in range(times):
        change = Change("contact", "update", world.contacts[person], values={"name": next(names)})
        await world.change(person, change)


async def sealed(world, clock=LATER):
    return await seal(world.databases, world.factory.company.ref, clock=clock)


async def found(world):
    async with world.databases.tenant_read(world.factory.company.ref) as read:
        return await verify(read)


async def rows(world, table, order):
    async with world.databases.tenant_read(world.factory.company.ref) as read:
        return [dict(row) for row in await read.fetch(f"SELECT * FROM {table} ORDER BY {order}")]


async def meddle(world, url, statement, *values):
    """What somebody with every right in the database does to the trail."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f'SET search_path TO "{world.factory.company.ref.schema}"')
        assert await connection.execute(statement, *values) != "UPDATE 0"
    finally:
        await connection.close()


@pytest.fixture
async def trail(world):
    """The world's own entries, and three of a later minute; sealed as two minutes. Returns the sequences of the three."""
    world.factory.clock.move(timedelta(minutes=5))
    await rename(world, 2)
    async with world.databases.tenant_write(world.factory.company.ref) as write:
        await write.fetchval(
            "SELECT nextval('audit_sequence_seq')"
        )  # as a transaction that was undone leaves it
    await rename(world)
    world.factory.clock.move(timedelta(minutes=5))
    assert await sealed(world) == 2
    return [row["sequence"] for row in await rows(world, "audit", "sequence")][-3:]


async def test_minutes_are_sealed_once_and_chained(world, trail):
    first, second = seals = await rows(world, "audit_seal", "number")
    assert [(seal["number"], seal["count"]) for seal in seals] == [(1, 25), (2, 3)]
    assert [seal["last_sequence"] for seal in seals] == [trail[0] - 1, trail[2]]
    assert second["minute"] - first["minute"] == timedelta(minutes=5)
    assert await sealed(world) == 0
    assert await rows(world, "audit_seal", "number") == seals
    verified = await found(world)
    assert verified.intact
    assert (verified.seals, verified.sealed, verified.unsealed, verified.erased) == (2, 28, 0, 0)
    assert (verified.until, verified.chain) == (second["minute"], second["chain"])


async def test_the_minute_that_is_not_over_waits(world, trail):
    await rename(world)
    assert await sealed(world, world.factory.clock) == 0
    assert (await found(world)).unsealed == 1
    assert await sealed(world) == 1


async def test_several_processes_make_the_same_seals(world):
    made = await asyncio.gather(*(sealed(world) for _ in range(5)))
    assert sorted(made)[:4] == [0, 0, 0, 0]
    assert max(made) == 1
    assert (await found(world)).sealed == 25


async def test_an_entry_that_commits_late_is_waited_for(world):
    """Its number is lower than one that is visible already: a seal without it would be broken by its arrival."""
    ref = world.factory.company.ref
    async with world.databases.tenant_write(ref) as write:
        await write.fetch(
            "INSERT INTO audit (at, transaction, via, action, record, record_id, changes)"
            " VALUES ($1, $2, 'api', 'contact.updated', 'contact', $2, '{}')",
            world.factory.clock.now(),
            write.transaction_id,
        )
        overtaking = asyncio.create_task(rename(world, person="manager"))
        await overtaking
        sealing = asyncio.create_task(sealed(world))
        await asyncio.sleep(0.4)
        assert not sealing.done()
        assert await rows(world, "audit_seal", "number") == []
    assert await sealing == 1
    verified = await found(world)
    assert (verified.intact, verified.sealed, verified.unsealed) == (True, 27, 0)


@pytest.mark.parametrize(
    ("statement", "kind", "exact"),
    [
        ("UPDATE audit SET changes = jsonb_set(changes, '{name,1}', '\"Nobody\"') WHERE sequence = $1", "ENTRY_CHANGED", True),
        ("UPDATE audit SET changes = '{}', salt = NULL WHERE sequence = $1", "ENTRY_CHANGED", True),
        ("UPDATE audit SET actor_id = NULL WHERE sequence = $1", "ENTRY_REWRITTEN", False),
        ("UPDATE audit SET at = at + interval '1 microsecond' WHERE sequence = $1", "ENTRY_REWRITTEN", False),
        (
            "UPDATE audit SET changes = '{}', digest = sha256(salt || convert_to('{}', 'UTF8')) WHERE sequence = $1",
            "ENTRY_REWRITTEN",
            False,
        ),
        ("UPDATE audit SET changes = '{}', salt = NULL, digest = NULL WHERE sequence = $1", "ENTRY_REWRITTEN", False),
        ("DELETE FROM audit WHERE sequence = $1", "ENTRIES_MISSING", False),
        (
            (
                "INSERT INTO audit (sequence, at, transaction, via, action, record, record_id, changes)"
                " OVERRIDING SYSTEM VALUE SELECT sequence + 1, at, transaction, via, action, record, record_id, changes"
                " FROM audit WHERE sequence = $1"
            ),
            "ENTRIES_ADDED",
            False,
        ),
        ("UPDATE audit_seal SET count = 4 WHERE last_sequence = $1 + 2", "SEAL_CHANGED", False),
        ("DELETE FROM audit_seal WHERE number = 1 AND $1 > 0", "SEAL_MISSING", False),
    ],
)  # fmt: skip
async def test_whoever_alters_what_was_sealed_is_found(
    world, trail, database_superuser_url, statement, kind, exact
):
    await meddle(world, database_superuser_url, statement, trail[1])
    broken = (await found(world)).broken
    assert broken is not None
    assert broken.kind == kind
    if exact:
        assert (broken.first_sequence, broken.last_sequence) == (trail[1], trail[1])
    elif kind != "SEAL_MISSING":
        assert broken == Broken(kind, world.factory.clock.now() - timedelta(minutes=5), trail[0], trail[2])


async def test_an_entry_that_waits_for_its_seal_is_compared_with_its_digest(
    world, trail, database_superuser_url
):
    await rename(world)
    last = (await rows(world, "audit", "sequence"))[-1]["sequence"]
    assert (await found(world)).intact
    await meddle(world, database_superuser_url, "UPDATE audit SET changes = '{}' WHERE sequence = $1", last)
    assert (await found(world)).broken == Broken("ENTRY_CHANGED", None, last, last)


@pytest.mark.requirement("T9")
async def test_the_chain_holds_after_an_erasure_and_guards_what_it_left(world, trail, database_superuser_url):
    ref, contact = world.factory.company.ref, world.contacts["representative"]
    assert await forget(world.databases, ref, records={"contact": [contact]}, clock=world.factory.clock) == 4
    verified = await found(world)
    assert (verified.intact, verified.seals, verified.sealed, verified.erased, verified.unsealed) == (
        True,
        2,
        28,
        4,
        1,
    )
    assert await sealed(world) == 1
    assert (await found(world)).intact
    statement = 'UPDATE audit SET changes = \'{"name": [null, "Ana"]}\' WHERE sequence = $1'
    await meddle(world, database_superuser_url, statement, trail[1])
    broken = (await found(world)).broken
    assert broken is not None
    assert (broken.kind, broken.first_sequence, broken.last_sequence) == ("ENTRY_CHANGED", trail[1], trail[1])


async def test_the_job_seals_where_something_happened(world):
    databases = world.databases
    async with databases.control() as control:
        await control.fetch(
            "UPDATE work.job SET state = 'done', finished_at = now() WHERE kind <> 'events.fan_out'"
        )
        await enqueue(control, NewJob("changing.seal_all", {"occurrence": "2026-03-02T12:00:00+00:00"}))
    assert (await found(world)).unsealed == 25
    await run_jobs(databases, settings=databases.settings, clock=LATER)
    verified = await found(world)
    assert (verified.intact, verified.sealed, verified.unsealed) == (True, 25, 0)
