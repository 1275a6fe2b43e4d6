import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from kedang_platform.errors import CompanyUpgrading, NotFound
from kedang_platform.ids import new_id
from kedang_platform.registry import (
    CompanyInactive,
    NewCompany,
    NoSpareSchema,
    active_companies,
    claim_schema,
    count_spares,
    ensure_usable,
    find_company,
    set_status,
)
from kedang_tenants.revision import REVISION
from tests.support.database import SPARES, make_company

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
NEW = NewCompany("客档贸易", country="CN", language="zh-CN", time_zone="Asia/Shanghai", currency="CNY")


async def claim(databases, **more):
    async with databases.control() as control:
        return await claim_schema(control, company_id=new_id(), company=NEW, now=NOW, **more)


async def spares(databases):
    async with databases.control_read() as read:
        return await count_spares(read)


async def test_a_claimed_schema_is_a_company_that_is_being_opened(databases):
    before = await spares(databases)
    company = await claim(databases, revision=REVISION)
    assert (company.name, company.status, company.country, company.language) == (
        "客档贸易",
        "opening",
        "CN",
        "zh-CN",
    )
    assert (company.time_zone, company.currency, company.revision) == ("Asia/Shanghai", "CNY", REVISION)
    assert await spares(databases) == before - 1
    async with databases.control_read() as read:
        assert await find_company(read, company_id=company.id) == company
        assert await active_companies(read) == []
    async with databases.tenant_write(company.ref) as write:
        assert await write.fetchval("SELECT current_user") == company.ref.schema
        assert await write.fetchval("SELECT count(*) FROM customer") == 0


async def test_sign_ups_at_once_take_different_schemas_and_do_not_wait(databases):
    before = await spares(databases)
    assert before >= SPARES
    async with databases.control() as slow:
        first = await claim_schema(slow, company_id=new_id(), company=NEW, now=NOW)
        others = await asyncio.wait_for(asyncio.gather(*(claim(databases) for _ in range(SPARES - 1))), 3)
    schemas = {company.ref.schema for company in (first, *others)}
    assert len(schemas) == SPARES
    assert await spares(databases) == before - SPARES


async def test_a_sign_up_that_fails_leaves_its_schema_a_spare(databases):
    before = await spares(databases)

    async def fail():
        async with databases.control() as control:
            await claim_schema(control, company_id=new_id(), company=NEW, now=NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await spares(databases) == before
    async with databases.control_read() as read:
        assert await read.fetchval("SELECT count(*) FROM platform.company") == 0


async def test_with_no_spare_left_a_sign_up_is_asked_to_wait_and_nothing_is_registered(databases):
    for _ in range(await spares(databases)):
        await claim(databases)
    async with databases.control_read() as read:
        registered = await read.fetchval("SELECT count(*) FROM platform.company")
    with pytest.raises(NoSpareSchema) as refused:
        await claim(databases)
    assert refused.value.code == "NO_SPARE_SCHEMA"
    async with databases.control_read() as read:
        assert await read.fetchval("SELECT count(*) FROM platform.company") == registered


async def test_a_spare_that_is_behind_the_release_is_not_taken(databases):
    with pytest.raises(NoSpareSchema):
        await claim(databases, revision="9999")


async def test_only_active_companies_are_listed_the_oldest_first(databases):
    made = [await make_company(databases, name=name) for name in ("One", "Two", "Three")]
    async with databases.control() as control:
        await set_status(control, company_id=made[1].id, status="suspended")
    async with databases.control_read() as read:
        assert [company.name for company in await active_companies(read)] == ["One", "Three"]
        assert (await find_company(read, company_id=made[1].id)).status == "suspended"


async def test_an_unknown_company_is_not_found(databases):
    async with databases.control() as control:
        with pytest.raises(NotFound):
            await find_company(control, company_id=uuid4())
        with pytest.raises(NotFound):
            await set_status(control, company_id=uuid4(), status="active")


async def test_a_company_is_entered_only_when_it_is_active_and_not_behind(databases, company):
    ensure_usable(company, revision=REVISION)
    ensure_usable(company, revision="")
    with pytest.raises(CompanyUpgrading):
        ensure_usable(company, revision="9999")
    async with databases.control() as control:
        await set_status(control, company_id=company.id, status="suspended")
        suspended = await find_company(control, company_id=company.id)
    with pytest.raises(CompanyInactive):
        ensure_usable(suspended, revision=REVISION)


async def test_code_serves_the_release_after_its_own(databases, company):
    async with databases.control() as control:
        await control.fetch("UPDATE platform.company SET revision = '9999' WHERE id = $1", company.id)
        ensure_usable(await find_company(control, company_id=company.id), revision=REVISION)
