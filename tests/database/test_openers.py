import asyncio
from uuid import uuid4

import asyncpg
import pytest

from kedang_platform.database import CompanyRef, Databases, WallError
from kedang_platform.database.company import checked_schema, new_schema_name

pytestmark = pytest.mark.requirement("T1")

BAD_NAMES = [
    "",
    "public",
    "platform",
    "work",
    "t_",
    "t_short",
    "T_ABCDEFGH",
    "t_abcdefgh; RESET ROLE",
    't_abcdefgh", public; --',
    "t_abcdefgh\n",
    "t_abc'defgh",
    "t_客户客户客户客户",
    "t_" + "a" * 41,
    None,
    b"t_abcdefgh",
]


@pytest.mark.parametrize("name", BAD_NAMES)
async def test_no_other_name_than_a_schema_of_ours_is_written_into_sql(databases, name):
    company = CompanyRef(uuid4(), name)
    with pytest.raises(WallError):
        async with databases.tenant_read(company):
            pytest.fail("entered")
    with pytest.raises(WallError):
        async with databases.tenant_write(company):
            pytest.fail("entered")


def test_new_names_pass_the_check_and_differ():
    names = {new_schema_name() for _ in range(1000)}
    assert len(names) == 1000
    assert all(checked_schema(name) == name for name in names)


@pytest.mark.parametrize("forgotten", [None, "t_abcdefgh", uuid4()])
async def test_a_forgotten_company_raises_before_any_sql(databases, forgotten):
    with pytest.raises(WallError):
        async with databases.tenant_read(forgotten):
            pytest.fail("entered")
    with pytest.raises(WallError):
        async with databases.tenant_write(forgotten):
            pytest.fail("entered")


async def test_a_company_in_an_unknown_database_raises(databases, company):
    stray = CompanyRef(company.id, company.ref.schema, "elsewhere")
    with pytest.raises(WallError):
        async with databases.tenant_read(stray):
            pytest.fail("entered")


async def test_a_company_without_a_schema_is_an_error_and_the_connection_is_clean_after_it(narrow, probes):
    with pytest.raises(asyncpg.PostgresError, match="does not exist"):
        async with narrow.tenant_read(CompanyRef(uuid4(), "t_nosuchcompany")):
            pytest.fail("entered")
    async with narrow.tenant_read(probes[0]) as read:
        assert await read.fetchval("SELECT mark FROM probe") == probes[0].schema


@pytest.mark.parametrize("outer", ["tenant_read", "tenant_write"])
@pytest.mark.parametrize("inner", ["tenant_read", "tenant_write"])
async def test_a_second_company_inside_the_first_one_raises(databases, probes, outer, inner):
    first, second = probes
    async with getattr(databases, outer)(first):
        with pytest.raises(WallError, match=second.schema):
            async with getattr(databases, inner)(second):
                pytest.fail("entered")


async def test_a_task_started_inside_a_company_is_inside_it_too(databases, probes):
    first, second = probes

    async def enter_second():
        async with databases.tenant_read(second):
            pytest.fail("entered")

    async with databases.tenant_read(first):
        with pytest.raises(WallError):
            await asyncio.create_task(enter_second())


async def test_the_same_company_may_be_entered_again(databases, probes):
    first, _ = probes
    async with databases.tenant_write(first) as write:
        await write.fetch("UPDATE probe SET mark = 'new'")
        async with databases.tenant_read(first) as read:
            assert await read.fetchval("SELECT mark FROM probe") == first.schema


async def test_whoever_means_two_companies_says_so_and_each_keeps_its_own(databases, probes):
    first, second = probes
    async with databases.tenant_write(first) as write:
        async with databases.tenant_read(second, separate=True) as read:
            assert await read.fetchval("SELECT mark FROM probe") == second.schema
            assert await write.fetchval("SELECT mark FROM probe") == first.schema
        assert await write.fetchval("SELECT mark FROM probe") == first.schema


async def test_one_company_after_the_other_is_no_mixture(databases, probes):
    for company in (*probes, *probes):
        async with databases.tenant_read(company) as read:
            assert await read.fetchval("SELECT mark FROM probe") == company.schema


async def test_a_task_that_outlives_a_transaction_may_enter_another_company(databases, probes):
    first, second = probes
    left = asyncio.Event()

    async def later():
        await left.wait()
        async with databases.tenant_read(second) as read:
            return await read.fetchval("SELECT mark FROM probe")

    async with databases.tenant_read(first):
        task = asyncio.create_task(later())
    left.set()
    assert await task == second.schema


async def test_a_transaction_that_has_ended_answers_nothing(databases, probes):
    async with databases.tenant_read(probes[0]) as read:
        pass
    async with databases.tenant_write(probes[0]) as write:
        pass
    async with databases.control_read() as control:
        pass
    for ended in (read, write, control):
        with pytest.raises(WallError):
            await ended.fetch("SELECT 1")


async def test_the_opener_is_one_round_trip(databases, probes):
    sent = []
    pool = (await databases._of("main")).tenant_reads
    connection = await pool._pool.acquire()
    kind = type(connection._con)
    await pool._pool.release(connection)
    original = kind.execute

    async def counting(self, query, *args, **kwargs):
        sent.append(query)
        return await original(self, query, *args, **kwargs)

    kind.execute = counting
    try:
        async with databases.tenant_read(probes[0]) as read:
            await read.fetchval("SELECT mark FROM probe")
        await pool._finishing.settled()
    finally:
        kind.execute = original
    schema = probes[0].schema
    assert sent == [
        f'BEGIN READ ONLY; SET LOCAL ROLE "{schema}"; SET LOCAL search_path TO "{schema}"',
        "COMMIT",
    ]


async def test_another_database_is_reached_when_a_company_of_it_is_first_entered(
    database_settings, databases, probes
):
    urls = databases._address("main")
    several = await Databases.open(database_settings, urls, others={"second": urls})
    try:
        moved = CompanyRef(probes[0].id, probes[0].schema, "second")
        assert list(several._pools) == ["main"]
        async with several.tenant_read(moved) as read:
            assert await read.fetchval("SELECT mark FROM probe") == moved.schema
        assert list(several._pools) == ["main", "second"]
        with pytest.raises(WallError):
            async with several.tenant_write(moved), several.tenant_read(probes[0]):
                pytest.fail("the same schema of another database was taken for the same company")
    finally:
        await several.close()


async def test_closing_waits_for_reads_that_are_just_ending(database_settings, databases, probes):
    closing = await Databases.open(database_settings, databases._address("main"))
    for company in probes:
        async with closing.tenant_read(company) as read:
            await read.fetchval("SELECT mark FROM probe")
    await closing.close()
    async with databases.owner() as owner:
        idle = await owner.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = $1 AND state LIKE 'idle in transaction%'",
            databases.roles().app,
        )
    assert idle == 0
