import asyncio

import asyncpg
import pytest
from sqlalchemy import column, insert, select, table, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError

from kedang_platform.database import DatabaseBusy, StatementTimeout

probe = table("probe", column("id"), column("mark"), column("data", JSONB))


async def marks(databases, company):
    async with databases.tenant_read(company) as read:
        rows = await read.fetch("SELECT id, mark FROM probe ORDER BY id")
    return [tuple(row) for row in rows]


async def test_what_a_block_writes_is_there_when_it_has_ended(databases, probes):
    first, second = probes
    async with databases.tenant_write(first) as write:
        await write.execute(insert(probe), [{"id": 2, "mark": "b"}, {"id": 3, "mark": "c"}])
        await write.fetch("UPDATE probe SET mark = $1 WHERE id = 1", "a")
    assert await marks(databases, first) == [(1, "a"), (2, "b"), (3, "c")]
    assert await marks(databases, second) == [(1, second.schema)]


async def test_nothing_of_a_block_is_there_that_ended_with_an_error(databases, probes):
    first, _ = probes

    async def fail():
        async with databases.tenant_write(first) as write:
            await write.execute(insert(probe).values(id=2, mark="b"))
            await write.fetch("DELETE FROM probe WHERE id = 1")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await marks(databases, first) == [(1, first.schema)]


async def test_core_and_fetch_are_in_the_same_transaction_of_the_same_backend(databases, probes):
    async with databases.tenant_write(probes[0]) as write:
        await write.execute(update(probe).values(mark="unseen outside"))
        assert await write.fetchval("SELECT mark FROM probe") == "unseen outside"
        by_core = (await write.execute(text("SELECT pg_backend_pid(), pg_current_xact_id()::text"))).one()
        by_fetch = await write.fetchrow("SELECT pg_backend_pid(), pg_current_xact_id()::text")
        assert tuple(by_core) == tuple(by_fetch)
        assert await marks(databases, probes[0]) == [(1, probes[0].schema)]


async def test_jsonb_is_text_to_fetch_over_both_pools_and_a_value_to_core(databases, probes):
    query = "SELECT data FROM probe WHERE id = 1"
    async with databases.tenant_read(probes[0]) as read:
        assert await read.fetchval(query) == '{"a": [1]}'
    async with databases.tenant_write(probes[0]) as write:
        assert await write.fetchval(query) == '{"a": [1]}'
        assert (await write.execute(select(probe.c.data))).scalar_one() == {"a": [1]}
        await write.execute(update(probe).values(data={"名": None, "b": [True, 1.5]}))
        assert (await write.execute(select(probe.c.data))).scalar_one() == {"名": None, "b": [True, 1.5]}
        assert await write.fetchval("SELECT data ->> '名' IS NULL AND data -> 'b' = '[true, 1.5]' FROM probe")


async def test_a_savepoint_undoes_its_part_alone(databases, probes):
    first, _ = probes

    async def fail_in_part(write):
        async with write.savepoint():
            await write.execute(insert(probe).values(id=3, mark="undone"))
            await write.execute(insert(probe).values(id=2, mark="twice"))

    async with databases.tenant_write(first) as write:
        await write.execute(insert(probe).values(id=2, mark="kept"))
        with pytest.raises(IntegrityError):
            await fail_in_part(write)
        async with write.savepoint():
            await write.execute(insert(probe).values(id=4, mark="kept too"))
            with pytest.raises(asyncpg.UniqueViolationError):
                async with write.savepoint():
                    await write.fetch("INSERT INTO probe VALUES (4, 'twice')")
    assert await marks(databases, first) == [(1, first.schema), (2, "kept"), (4, "kept too")]


async def test_a_broken_constraint_is_left_to_whoever_knows_it(databases, probes):
    with pytest.raises(asyncpg.UniqueViolationError):
        async with databases.tenant_write(probes[0]) as write:
            await write.fetch("INSERT INTO probe VALUES (1, 'twice')")
    with pytest.raises(IntegrityError):
        async with databases.tenant_write(probes[0]) as write:
            await write.execute(insert(probe).values(id=1, mark="twice"))


async def test_a_statement_of_core_that_takes_too_long_is_told_the_same_way(databases, probes):
    async def sleep():
        async with databases.tenant_write(probes[0]) as write:
            await write.execute(text("SET LOCAL statement_timeout = '20ms'"))
            await write.execute(text("SELECT pg_sleep(5)"))

    with pytest.raises(StatementTimeout) as told:
        await sleep()
    assert told.value.code == "STATEMENT_TIMEOUT"


async def test_two_that_cannot_be_put_in_an_order_are_told_as_busy(databases, probes):
    both = asyncio.Barrier(2)

    async def copy(number):
        async with databases.tenant_write(probes[0]) as write:
            await write.execute(text("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"))
            count = await write.fetchval("SELECT count(*) FROM probe")
            await both.wait()
            await write.execute(insert(probe).values(id=10 + number, mark=str(count)))

    ends = await asyncio.gather(copy(1), copy(2), return_exceptions=True)
    assert sorted(type(end).__name__ for end in ends) == [DatabaseBusy.__name__, "NoneType"]


async def test_control_reads_and_writes_the_shared_schemas_by_their_full_names(databases, company):
    async with databases.control() as control:
        await control.fetch("UPDATE platform.company SET name = 'Other' WHERE id = $1", company.id)
        assert await control.fetchval("SELECT name FROM platform.company") == "Other"
        with pytest.raises(asyncpg.UndefinedTableError):
            async with control.savepoint():
                await control.fetch("SELECT name FROM company")
    async with databases.control_read() as read:
        assert await read.fetchval("SELECT name FROM platform.company") == "Other"


async def test_the_answer_of_a_read_does_not_wait_for_its_end(databases, probes):
    pool = (await databases._of("main")).tenant_reads
    async with databases.tenant_read(probes[0]) as read:
        await read.fetchval("SELECT mark FROM probe")
        assert not pool._finishing._tasks
    assert len(pool._finishing._tasks) == 1
    await pool._finishing.settled()
    assert not pool._finishing._tasks
