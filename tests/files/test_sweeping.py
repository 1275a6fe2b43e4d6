"""What a killed process left in the store is forgotten once it is days old, and nothing that anything names."""

import os
from datetime import UTC, datetime, timedelta

import pytest

from kedang_platform.clock import FixedClock
from kedang_platform.files import FileMissing, LocalFiles
from kedang_platform.ids import new_id
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.files import keep_file
from kedang_tenants.files.sweeping import SAFE_AGE, sweep_part
from kedang_tenants.people.viewers import system_viewer
from kedang_workers.handlers.files import SWEEP
from tests.support.members import make_member
from tests.support.workers import run_jobs

pytestmark = pytest.mark.requirement("T10", "T11")

CLOCK = FixedClock(datetime(2026, 11, 22, 4, 20, tzinfo=UTC))
OLD, YOUNG = SAFE_AGE + timedelta(minutes=1), SAFE_AGE - timedelta(minutes=1)


@pytest.fixture
def settings(databases, tmp_path):
    return databases.settings.model_copy(update={"var": tmp_path})


@pytest.fixture
def store(settings) -> LocalFiles:
    return LocalFiles(settings.var / "files")


@pytest.fixture
def put(store):
    """Stores a content, ``ago`` before now."""

    async def chunks():
        yield b"content"

    async def stored(company, ago=OLD):
        made = await store.put(company.ref, chunks())
        written(store, company, made.content_id, ago)
        return made

    return stored


def path_of(store, company, content_id):
    return store._path(company.ref, content_id)


def written(store, company, content_id, ago):
    at = (CLOCK.now() - ago).timestamp()
    os.utime(path_of(store, company, content_id), (at, at))


async def is_there(store, company, content_id) -> bool:
    try:
        return await store.size(company.ref, content_id) == len(b"content")
    except FileMissing:
        return False


@pytest.fixture
def sweep(databases, settings):
    async def run(company):
        async with databases.control() as control:
            (job_id,) = await enqueue(control, NewJob(SWEEP, company=company.ref))
        drained = await run_jobs(databases, clock=CLOCK, settings=settings)
        assert (drained.done, drained.failures) == (1, [])
        async with databases.control_read() as read:
            return await read.fetchval("SELECT result FROM work.job WHERE id = $1", job_id)

    return run


async def job_at(databases, company, state, checkpoint, *, tenant=None) -> None:
    """A job that has come as far as ``checkpoint`` and is not taken up during the test."""
    async with databases.control() as control:
        await control.fetch(
            "INSERT INTO work.job (id, company, tenant, kind, state, checkpoint, due_at, finished_at, lease_until)"
            " VALUES ($1, $2, $3, 'bulk.export', $4, $5, '2100-01-01',"
            " CASE WHEN $4 IN ('done', 'failed', 'cancelled') THEN now() END, '2100-01-01')",
            new_id(),
            company.id if tenant is None else None,
            company.ref.schema if tenant is None else tenant,
            state,
            checkpoint,
        )


async def test_what_nothing_names_goes_when_it_is_old_and_in_this_company_only(
    store, two_companies, put, sweep
):
    own, other = two_companies
    orphan, fresh, foreign = await put(own), await put(own, YOUNG), await put(other)
    assert await sweep(own) == '{"seen": 1, "changed": 1}'
    assert not await is_there(store, own, orphan.content_id)
    assert await is_there(store, own, fresh.content_id)
    assert await is_there(store, other, foreign.content_id)


async def test_what_a_record_names_stays_archived_or_not(databases, store, company, put, sweep):
    await make_member(databases, company, "OWNER")
    kept = [await put(company) for _ in range(2)]
    async with databases.tenant_write(company.ref) as write:
        viewer = await system_viewer(write, company=company)
        ids = [
            await keep_file(write, viewer, name="a.csv", stored=each, member_id=None, clock=CLOCK)
            for each in kept
        ]
        await write.fetch("UPDATE file SET archived_at = now() WHERE id = $1", ids[0])
    async with databases.control() as control:
        await control.fetch("DELETE FROM work.job")
    orphan = await put(company)
    assert await sweep(company) == '{"seen": 3, "changed": 1}'
    assert [await is_there(store, company, each.content_id) for each in (*kept, orphan)] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize("state", ["waiting", "queued", "running", "failed"])
async def test_parts_of_work_that_may_go_on_stay(databases, store, company, put, sweep, state):
    parts = [await put(company) for _ in range(3)]
    await job_at(databases, company, state, f'{{"parts": ["{parts[0].content_id}"]}}')
    pieces = f'{{"tables": {{"customer": {{"jsonl": ["{parts[1].content_id.hex}"]}}}}}}'
    await job_at(databases, company, state, pieces, tenant="")
    assert await sweep(company) == '{"seen": 3, "changed": 1}'
    assert [await is_there(store, company, each.content_id) for each in parts] == [True, True, False]


@pytest.mark.parametrize("state", ["done", "cancelled"])
async def test_parts_of_work_that_has_ended_go(databases, store, company, put, sweep, state):
    part = await put(company)
    await job_at(databases, company, state, f'["{part.content_id}"]')
    await sweep(company)
    assert not await is_there(store, company, part.content_id)


async def test_an_archive_of_the_company_stays(databases, store, company, put, sweep):
    archive = await put(company)
    async with databases.control() as control:
        await control.fetch(
            "INSERT INTO platform.company_export (id, company_id, job_id, state, created_at, content_id)"
            " VALUES ($1, $2, $1, 'done', now(), $3)",
            new_id(),
            company.id,
            archive.content_id,
        )
    await sweep(company)
    there = await is_there(store, company, archive.content_id)
    async with databases.control() as control:
        await control.fetch("DELETE FROM platform.company_export")
    assert there


async def test_what_was_never_finished_goes_when_it_is_old(store, company, put, sweep):
    left = []
    for ago in (OLD, YOUNG):
        made = await put(company, ago)
        path = path_of(store, company, made.content_id)
        left.append(path.rename(path.with_name(f"{path.name}.part")))
    assert await sweep(company) == '{"seen": 0, "changed": 1}'
    assert [path.exists() for path in left] == [False, True]


async def test_many_are_gone_through_in_parts_and_none_is_passed_over(
    databases, store, company, put, monkeypatch
):
    from kedang_tenants.files import sweeping

    monkeypatch.setattr(sweeping, "_CHUNK", 3)
    made = {(await put(company)).content_id for _ in range(8)}
    kept = max(made)
    await job_at(databases, company, "waiting", f'["{kept}"]')
    after, counts = None, []
    while True:
        part = await sweep_part(databases, store, company.ref, after=after, clock=CLOCK)
        counts.append((part.seen, part.changed))
        after = part.last
        if after is None:
            break
    assert counts == [(3, 3), (3, 3), (2, 1)]
    assert [each for each in made if await is_there(store, company, each)] == [kept]


async def test_a_company_without_files_has_nothing_to_sweep(company, sweep):
    assert await sweep(company) == '{"seen": 0, "changed": 0}'
