"""Asking for work, in the transaction of the change."""

from datetime import timedelta

import asyncpg
import pytest

from kedang_platform.database import WallError
from kedang_platform.errors import NotFound
from kedang_platform.ids import new_id
from kedang_platform.work import NewJob, Progress, enqueue, job_status, request_cancel


async def count_jobs(databases) -> int:
    async with databases.control_read() as control:
        return await control.fetchval("SELECT count(*) FROM work.job")


async def ask_and_fail(opened) -> None:
    async with opened as tx:
        await enqueue(tx, NewJob("greet"))
        raise ZeroDivisionError


async def test_a_job_exists_when_its_transaction_commits_and_never_did_when_it_does_not(databases, company):
    async with databases.tenant_write(company.ref) as write:
        (kept,) = await enqueue(write, NewJob("greet", {"name": "Fuller"}))
    with pytest.raises(ZeroDivisionError):
        await ask_and_fail(databases.tenant_write(company.ref))
    assert await count_jobs(databases) == 1
    async with databases.tenant_read(company.ref) as read:
        status = await job_status(read, kept)
    assert (status.kind, status.state, status.progress) == ("greet", "waiting", Progress(0))
    assert not status.finished


async def test_several_jobs_get_their_ids_in_order(databases, company, row):
    async with databases.tenant_write(company.ref) as write:
        ids = await enqueue(write, *(NewJob("greet", {"number": number}) for number in range(5)))
        assert await enqueue(write) == []
    assert [(await row(job_id))["payload"] for job_id in ids] == [f'{{"number": {n}}}' for n in range(5)]


async def test_a_second_job_of_the_same_key_is_the_first(databases, company, row):
    async with databases.tenant_write(company.ref) as write:
        (first,) = await enqueue(write, NewJob("greet", {"name": "Fuller"}, key="greet:2"))
    async with databases.tenant_write(company.ref) as write:
        other, again = await enqueue(
            write, NewJob("greet"), NewJob("greet", {"name": "Peacock"}, key="greet:2")
        )
    assert again == first != other
    assert (await row(first))["payload"] == '{"name": "Fuller"}'
    assert await count_jobs(databases) == 2


async def test_one_key_asked_for_twice_in_one_call_is_one_job(databases, company):
    async with databases.tenant_write(company.ref) as write:
        ids = await enqueue(write, NewJob("a", key="k"), NewJob("b", key="k"))
    assert ids[0] == ids[1]
    assert await count_jobs(databases) == 1


async def test_the_same_key_in_two_companies_is_two_jobs(databases, two_companies):
    ids = set()
    for company in two_companies:
        async with databases.tenant_write(company.ref) as write:
            ids |= set(await enqueue(write, NewJob("greet", key="greet:2")))
    async with databases.control() as control:
        ids |= set(await enqueue(control, NewJob("greet", key="greet:2")))
    assert len(ids) == 3


async def test_the_control_transaction_asks_for_work_in_a_company(databases, company, row):
    async with databases.control() as control:
        own, of_company = await enqueue(control, NewJob("a"), NewJob("b", company=company.ref))
    assert ((await row(own))["company"], (await row(own))["tenant"]) == (None, "")
    assert ((await row(of_company))["company"], (await row(of_company))["tenant"]) == (
        company.id,
        company.ref.schema,
    )
    async with databases.tenant_read(company.ref) as read:
        assert (await job_status(read, of_company)).kind == "b"


async def test_a_company_cannot_ask_for_work_in_another(databases, two_companies):
    ours, theirs = two_companies
    with pytest.raises(ValueError, match="asks for work in"):
        async with databases.tenant_write(ours.ref) as write:
            await enqueue(write, NewJob("greet", company=theirs.ref))
    assert await count_jobs(databases) == 0


async def test_the_database_refuses_a_job_of_a_foreign_company(databases, two_companies):
    ours, theirs = two_companies
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with databases.tenant_write(ours.ref) as write:
            await write.fetch(
                "INSERT INTO work.job (id, company, tenant, kind) VALUES ($1, $2, $3, 'greet')",
                new_id(),
                theirs.id,
                theirs.ref.schema,
            )
    assert await count_jobs(databases) == 0


async def test_a_foreign_company_s_job_is_not_found_and_cannot_be_called_off(databases, two_companies, row):
    ours, theirs = two_companies
    async with databases.tenant_write(theirs.ref) as write:
        (job_id,) = await enqueue(write, NewJob("greet"))
    before = await row(job_id)
    async with databases.tenant_write(ours.ref) as write:
        with pytest.raises(NotFound):
            await job_status(write, job_id)
        with pytest.raises(NotFound):
            await request_cancel(write, job_id)
        assert await write.fetch("UPDATE work.job SET state = 'done' RETURNING id") == []
    assert await row(job_id) == before


@pytest.mark.parametrize("column", ["attempt", "tenant", "company", "kind", "payload", "key", "tries"])
async def test_a_company_cannot_rewrite_what_its_job_is(databases, company, column):
    async with databases.tenant_write(company.ref) as write:
        await enqueue(write, NewJob("greet"))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with databases.tenant_write(company.ref) as write:
            await write.fetch(f"UPDATE work.job SET {column} = {column}")


async def test_nobody_but_the_control_role_removes_jobs_or_sees_lanes(databases, company):
    for statement in ("DELETE FROM work.job", "SELECT * FROM work.lane", "SELECT * FROM work.occurrence"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with databases.tenant_write(company.ref) as write:
                await write.fetch(statement)


async def test_a_waiting_job_is_called_off_at_once_and_never_runs(databases, company, due):
    async with databases.tenant_write(company.ref) as write:
        (job_id,) = await enqueue(write, NewJob("greet"))
    async with databases.tenant_write(company.ref) as write:
        assert await request_cancel(write, job_id) is True
    assert await due() == ()
    async with databases.tenant_write(company.ref) as write:
        status = await job_status(write, job_id)
        assert (status.state, status.finished) == ("cancelled", True)
        assert await request_cancel(write, job_id) is False


async def test_the_job_of_a_future_day_waits_for_it(databases, company, clock, due):
    async with databases.tenant_write(company.ref) as write:
        (job_id,) = await enqueue(write, NewJob("greet", due_at=clock.now() + timedelta(days=1)))
    assert await due() == ()
    clock.move(timedelta(days=1, microseconds=-1))
    assert await due() == ()
    clock.move(timedelta(microseconds=1))
    assert [job.id for job in await due()] == [job_id]


async def test_the_relay_is_woken_after_the_commit_and_only_then(databases, company, monkeypatch):
    woken = []
    monkeypatch.setattr(databases, "wake_relay", lambda: woken.append(1))
    async with databases.tenant_write(company.ref) as write:
        await enqueue(write, NewJob("greet"))
        assert woken == []
    assert woken == [1]
    with pytest.raises(ZeroDivisionError):
        await ask_and_fail(databases.control())
    async with databases.tenant_write(company.ref):
        pass
    assert woken == [1]


async def test_a_transaction_that_has_ended_takes_no_job(databases, company):
    async with databases.tenant_write(company.ref) as write:
        pass
    with pytest.raises(WallError):
        await enqueue(write, NewJob("greet"))
