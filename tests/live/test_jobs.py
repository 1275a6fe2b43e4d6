"""Watching a job: told how far it is, and when it ends; the subscription ends with it."""

import asyncio

import pytest

from kedang_graphql import live_jobs
from kedang_platform.work import NewJob, enqueue, request_cancel

pytestmark = pytest.mark.requirement("T10", "I1")

WATCH = (
    "subscription ($id: ID!) { job(id: $id) { id kind state done total error { code message } finishedAt } }"
)


@pytest.fixture
def ask_for(databases):
    async def make(company, kind="grading.regrade"):
        async with databases.tenant_write(company.ref) as write:
            (job_id,) = await enqueue(write, NewJob(kind, {"scheme": "none"}))
        return job_id, {"id": f"job_{job_id.hex}"}

    return make


@pytest.fixture
def becomes(databases):
    async def write(job_id, **values):
        sets = ", ".join(f"{name} = ${place}" for place, name in enumerate(values, 2))
        async with databases.control() as control:
            await control.fetch(f"UPDATE work.job SET {sets} WHERE id = $1", job_id, *values.values())

    return write


async def test_progress_is_told_and_the_subscription_ends_with_the_job(
    town, side, ask_for, becomes, databases
):
    job_id, which = await ask_for(side.company)
    client = await town.client(side.key)
    await client.watch(WATCH, variables=which)
    first = await client.change()
    assert (first["id"], first["state"], first["done"]) == (which["id"], "WAITING", 0)
    await becomes(job_id, state="running", progress_done=10, progress_total=20)
    second = await client.change()
    assert (second["state"], second["done"], second["total"]) == ("RUNNING", 10, 20)
    async with databases.control() as control:
        await control.fetch(
            "UPDATE work.job SET state = 'failed', finished_at = now(), error_code = 'BROKEN',"
            " error_message = 'It broke.', error_params = '{}' WHERE id = $1",
            job_id,
        )
    last = await client.change()
    assert (last["state"], last["error"]) == ("FAILED", {"code": "BROKEN", "message": "It broke."})
    assert last["finishedAt"] is not None
    assert await client.next() == "complete"


async def test_what_had_ended_is_told_once(town, side, ask_for, databases):
    job_id, which = await ask_for(side.company)
    async with databases.tenant_write(side.company.ref) as write:
        await request_cancel(write, job_id)
    client = await town.client(side.key)
    await client.watch(WATCH, variables=which)
    assert (await client.change())["state"] == "CANCELLED"
    assert await client.next() == "complete"


async def test_inner_work_and_jobs_of_others_are_not_found(town, side, two_companies, ask_for):
    other = next(each for each in two_companies if each.id != side.company.id)
    client = await town.client(side.key)
    for number, (company, kind) in enumerate([(side.company, "events.fan_out"), (other, "grading.regrade")]):
        _, which = await ask_for(company, kind)
        await client.send("subscribe", f"w{number}", {"query": WATCH, "variables": which})
        (error,) = await client.next(f"w{number}")
        assert error["extensions"]["code"] == "NOT_FOUND"


async def test_many_who_watch_cost_one_look_and_nobody_is_told_what_did_not_change(
    town, side, ask_for, becomes, monkeypatch
):
    looks = []
    looked = live_jobs.statuses_of

    async def counted(read, ids):
        looks.append(len(ids))
        return await looked(read, ids)

    monkeypatch.setattr(live_jobs, "statuses_of", counted)
    monkeypatch.setattr(live_jobs, "_EVERY", 0.1)
    job_id, which = await ask_for(side.company)
    clients = [await town.client(side.key) for _ in range(3)]
    for client in clients:
        await client.watch(WATCH, variables=which)
        assert (await client.change())["state"] == "WAITING"
    begin = len(looks)
    await asyncio.sleep(0.5)
    assert 1 <= len(looks) - begin <= 6
    assert set(looks) == {1}
    for client in clients:
        await client.nothing()
    await becomes(job_id, state="running")
    assert [(await client.change())["state"] for client in clients] == ["RUNNING"] * 3


async def test_a_look_that_breaks_is_followed_by_another(town, side, ask_for, becomes, monkeypatch):
    monkeypatch.setattr(live_jobs, "_EVERY", 0.05)
    job_id, which = await ask_for(side.company)
    client = await town.client(side.key)
    await client.watch(WATCH, variables=which)
    assert (await client.change())["state"] == "WAITING"
    looked, broken = live_jobs.statuses_of, []

    async def breaks_once(read, ids):
        if not broken:
            broken.append(ids)
            raise RuntimeError
        return await looked(read, ids)

    monkeypatch.setattr(live_jobs, "statuses_of", breaks_once)
    await becomes(job_id, state="running")
    assert (await client.change())["state"] == "RUNNING"
    assert len(broken) == 1
