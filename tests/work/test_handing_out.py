"""Whose turn it is, decided in the database."""

import asyncio
from datetime import timedelta

import pytest

from kedang_platform.work import NewJob, enqueue
from kedang_platform.work.lanes import Limits, hand_out, take_back


@pytest.fixture
def ask(databases):
    async def many(company, count: int, **more):
        async with databases.tenant_write(company.ref) as write:
            return await enqueue(write, *(NewJob("greet", **more) for _ in range(count)))

    return many


@pytest.mark.requirement("O1")
async def test_a_small_company_is_served_beside_a_big_one(two_companies, ask, due):
    big, small = two_companies
    await ask(big, 500)
    (one,) = await ask(small, 1)
    handed = [job.id for job in await due(Limits(queued=64, company=16))]
    assert handed.index(one) <= 1
    assert len(handed) == 17


async def test_one_company_never_has_more_out_than_its_limit(two_companies, ask, due):
    big, _ = two_companies
    await ask(big, 500)
    assert len(await due(Limits(queued=64, company=16))) == 16
    assert await due(Limits(queued=64, company=16)) == ()


async def test_all_together_never_have_more_queued_than_the_limit(two_companies, ask, due):
    for company in two_companies:
        await ask(company, 50)
    limits = Limits(queued=20, company=16)
    assert len(await due(limits)) == 20
    assert await due(limits) == ()


async def test_the_company_that_was_served_longest_ago_is_next(two_companies, ask, due, databases, row):
    first, second = two_companies
    await ask(first, 2)
    limits = Limits(queued=1, company=16)
    (before,) = await due(limits)
    await ask(second, 2)
    async with databases.control() as control:
        await control.fetch("UPDATE work.job SET state = 'running' WHERE state = 'queued'")
    (after,) = await due(limits)
    assert [(await row(job.id))["tenant"] for job in (before, after)] == [first.ref.schema, second.ref.schema]


async def test_urgent_jobs_go_first_within_a_company(company, ask, due):
    (usual,) = await ask(company, 1)
    (late,) = await ask(company, 1, priority=5)
    (urgent,) = await ask(company, 1, priority=-5)
    assert [job.id for job in await due()] == [urgent, usual, late]


async def test_a_future_job_of_high_priority_does_not_hide_what_is_due(company, ask, due, clock):
    await ask(company, 3, priority=-5, due_at=clock.now() + timedelta(hours=1))
    (now,) = await ask(company, 1)
    assert [job.id for job in await due()] == [now]


async def test_what_is_tried_again_goes_where_it_stood_and_not_behind_all_that_came_since(
    company, ask, databases
):
    first, *others = await ask(company, 3)
    async with databases.control() as control:
        await control.fetch(
            "UPDATE work.job SET attempt = 1, tries = 1, due_at = clock_timestamp() WHERE id = $1", first
        )
    async with databases.control() as control:
        handed = await hand_out(control, now=None, limits=Limits(queued=64, company=16))
    assert [job.id for job in handed.jobs] == [first, *others]


@pytest.mark.parametrize(
    ("big", "small", "more"),
    [
        pytest.param(15, 1, False, id="everything went out"),
        pytest.param(17, 1, True, id="one lane is full"),
        pytest.param(17, 0, True, id="the only lane is full"),
    ],
)
async def test_a_round_tells_whether_due_work_stays_behind(
    two_companies, ask, databases, clock, big, small, more
):
    for company, count in zip(two_companies, (big, small), strict=True):
        await ask(company, count)
    async with databases.control() as control:
        handed = await hand_out(control, now=clock.now(), limits=Limits(queued=64, company=16))
    assert (len(handed.jobs), handed.more) == (min(big, 16) + small, more)


async def test_several_relays_at_once_hand_out_each_job_once(two_companies, ask, databases, clock):
    for company in two_companies:
        await ask(company, 100)
    handed = []

    async def relay():
        for _ in range(30):
            async with databases.control() as control:
                handed.extend(
                    (await hand_out(control, now=clock.now(), limits=Limits(queued=300, company=300))).jobs
                )
            await asyncio.sleep(0)

    await asyncio.gather(*(relay() for _ in range(4)))
    assert len(handed) == 200
    assert len({job.id for job in handed}) == 200
    assert {job.attempt for job in handed} == {1}


async def test_a_job_that_somebody_holds_is_passed_over(company, ask, databases, due):
    held, free = await ask(company, 2)
    async with databases.control() as control:
        await control.fetch("SELECT FROM work.job WHERE id = $1 FOR UPDATE", held)
        assert [job.id for job in await due()] == [free]
    assert [job.id for job in await due()] == [held]


async def test_what_could_not_be_sent_is_taken_back(company, ask, databases, due):
    _, second = await ask(company, 2)
    handed = await due()
    async with databases.control() as control:
        await take_back(control, handed[1:])
    again = await due()
    assert [(job.id, job.attempt) for job in again] == [(second, 2)]


async def test_a_thousand_companies_with_one_job_each_are_all_served(databases, clock):
    """The walk over the lanes finds every company, whatever else lies in the table."""
    async with databases.control() as control:
        await control.fetch(
            """
            INSERT INTO work.job (id, tenant, kind, state, finished_at)
            SELECT gen_random_uuid(), 't_' || n, 'greet', 'done', now() FROM generate_series(1, 3000) AS n
            """
        )
        await control.fetch(
            """
            INSERT INTO work.job (id, tenant, kind) SELECT gen_random_uuid(), 't_' || n, 'greet'
            FROM generate_series(1, 1000) AS n
            """
        )

    served = set()
    for expected in (400, 400, 200, 0):
        async with databases.control() as control:
            jobs = (await hand_out(control, now=clock.now(), limits=Limits(queued=400, company=16))).jobs
            await control.fetch("UPDATE work.job SET state = 'done' WHERE state = 'queued'")
        assert len(jobs) == expected
        served |= {job.id for job in jobs}
    assert len(served) == 1_000
