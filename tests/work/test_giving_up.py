"""Jobs that fail for good: whoever waits for them is told why, before they are settled."""

import asyncio
from datetime import timedelta

import pytest

from kedang_platform.errors import BadUserInput, CompanyUpgrading
from kedang_platform.work import NewJob, enqueue, handler, job_status, request_cancel
from kedang_platform.work.claims import claim, sweep
from kedang_platform.work.runner import LAST_WORDS, Outcome


class Ward:
    """One job, run by a handler and told of its end by ``told``."""

    def __init__(self, databases, company, clock, runner, due, expire):
        self.databases = databases
        self.company = company
        self.clock = clock
        self.runner = runner
        self.due = due
        self.expire = expire
        self.told: list[str] = []
        self.reported: list[str] = []

    async def ask(self):
        async with self.databases.tenant_write(self.company.ref) as write:
            (self.job_id,) = await enqueue(write, NewJob("greet"))

    async def run(self, run, *, retries=1, on_give_up=None):
        """Hand the job out and run it once, an hour after the last time."""
        self.clock.move(timedelta(hours=1))
        (job,) = await self.due()
        offered = handler("greet", retries=retries, on_give_up=on_give_up or self.tell)(run)
        worker = self.runner(offered, report=lambda _, error: self.reported.append(type(error).__name__))
        return await worker.run(job.id, job.attempt)

    async def tell(self, job, error):
        async with job.step():
            self.told.append(error.code)

    async def lose(self):
        """A worker takes the job and is never heard of again."""
        self.clock.move(timedelta(hours=1))
        (job,) = await self.due()
        async with self.databases.control() as control:
            assert await claim(control, job.id, job.attempt) is not None
        await self.expire(self.job_id)
        async with self.databases.control() as control:
            await sweep(control, unanswered_after=timedelta(minutes=1))

    async def status(self):
        async with self.databases.tenant_read(self.company.ref) as read:
            found = await job_status(read, self.job_id)
        return found.state, found.error_code


@pytest.fixture
async def ward(databases, company, clock, runner, due, expire):
    one = Ward(databases, company, clock, runner, due, expire)
    await one.ask()
    return one


async def bug(_job):
    {}["13800138000"]


async def away(_job):
    raise CompanyUpgrading("Not now.")


async def plain_no(_job):
    raise BadUserInput("No.")


async def fine(_job):
    pass


async def test_the_last_failure_is_told_once_and_the_earlier_ones_are_not(ward):
    assert await ward.run(bug) is Outcome.AGAIN
    assert ward.told == []
    assert await ward.run(bug) is Outcome.FAILED
    assert (ward.told, await ward.status()) == (["INTERNAL_ERROR"], ("failed", "INTERNAL_ERROR"))
    assert await ward.due() == ()


async def test_what_may_pass_but_does_not_is_told_by_its_own_code(ward):
    assert await ward.run(away, retries=0) is Outcome.FAILED
    assert ward.told == ["COMPANY_UPGRADING"]


async def test_a_plain_no_is_told_at_once(ward):
    assert await ward.run(plain_no, retries=12) is Outcome.FAILED
    assert (ward.told, await ward.status()) == (["BAD_USER_INPUT"], ("failed", "BAD_USER_INPUT"))


async def test_nothing_is_told_of_a_job_that_is_done(ward):
    assert await ward.run(fine) is Outcome.DONE
    assert ward.told == []


@pytest.mark.requirement("O1")
async def test_a_job_whose_worker_was_lost_at_every_try_is_told_of(ward):
    await ward.lose()
    await ward.lose()
    assert await ward.run(fine) is Outcome.FAILED
    assert (ward.told, await ward.status()) == (["WORKER_LOST"], ("failed", "WORKER_LOST"))


async def test_a_worker_that_dies_while_telling_leaves_it_to_the_next(ward):
    async def dies(_job, _error):
        raise asyncio.CancelledError

    assert await ward.run(bug, retries=0, on_give_up=dies) is Outcome.RELEASED
    assert (await ward.status())[0] == "waiting"
    assert await ward.run(bug, retries=0) is Outcome.FAILED
    assert ward.told == ["INTERNAL_ERROR"]


async def test_telling_that_fails_is_tried_again(ward):
    async def cannot(_job, _error):
        raise CompanyUpgrading("Not now.")

    assert await ward.run(bug, retries=0, on_give_up=cannot) is Outcome.AGAIN
    assert ward.reported == ["KeyError", "CompanyUpgrading"]
    assert await ward.run(bug, retries=0) is Outcome.FAILED
    assert ward.told == ["WORKER_LOST"]


async def test_telling_that_never_works_ends_all_the_same(ward):
    async def cannot(_job, _error):
        {}["13800138000"]

    for _ in range(LAST_WORDS):
        assert await ward.run(bug, retries=0, on_give_up=cannot) is Outcome.AGAIN
    assert await ward.run(bug, retries=0, on_give_up=cannot) is Outcome.FAILED
    assert await ward.due() == ()


async def test_who_was_taken_for_dead_tells_nothing(ward):
    async def overtaken(_job):
        await ward.expire(ward.job_id)
        async with ward.databases.control() as control:
            await sweep(control, unanswered_after=timedelta(minutes=1))
        raise BadUserInput("No.")

    assert await ward.run(overtaken) is Outcome.LOST
    assert (ward.told, (await ward.status())[0]) == ([], "waiting")


async def test_it_is_told_though_the_job_is_called_off_meanwhile(ward):
    async def called_off(_job):
        async with ward.databases.tenant_write(ward.company.ref) as write:
            await request_cancel(write, ward.job_id)
        raise BadUserInput("No.")

    assert await ward.run(called_off) is Outcome.FAILED
    assert ward.told == ["BAD_USER_INPUT"]
