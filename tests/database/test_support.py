async def test_a_company_is_ready(databases, company):
    async with databases.tenant_write(company.ref) as write:
        assert await write.fetchval("SELECT current_user") == company.ref.schema
        await write.fetch(
            "INSERT INTO audit (at, transaction, via, action, record, record_id, changes) SELECT now(), gen_random_uuid(), 'x', 'x', 'x', gen_random_uuid(), '{}' from generate_series(1,10)"
        )


async def test_it_is_empty(databases, company):
    async with databases.tenant_read(company.ref) as read:
        assert await read.fetchval("SELECT count(*) FROM audit") == 0


async def test_two(databases, two_companies):
    a, b = two_companies
    assert a.ref.schema != b.ref.schema
