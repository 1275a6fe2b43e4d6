from kedang_platform.registry import KEEP_SPARES, count_spares
from kedang_platform.work import NewJob, enqueue
from tests.support.database import make_company
from tests.support.workers import run_jobs


async def spares(databases):
    async with databases.control_read() as read:
        return await count_spares(read)


async def test_what_sign_ups_took_is_built_again(databases):
    settings = databases.settings.model_copy(update={"spare_schemas": await spares(databases)})
    taken = [await make_company(databases) for _ in range(3)]
    assert await spares(databases) == settings.spare_schemas - 3
    async with databases.control() as control:
        await enqueue(control, NewJob(KEEP_SPARES), NewJob(KEEP_SPARES))
    await run_jobs(databases, settings=settings)
    assert await spares(databases) == settings.spare_schemas
    schemas = {company.ref.schema for company in (*taken, await make_company(databases))}
    assert len(schemas) == 4
