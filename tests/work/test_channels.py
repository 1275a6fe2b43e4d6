"""Work that waits for others: it holds up neither its company's other work nor that of others."""

import asyncio

import pytest

from kedang_platform.work import NewJob, Registry, enqueue, handler
from kedang_platform.work.channels import CHANNELS, Channel
from kedang_platform.work.lanes import Limits, hand_out
from kedang_platform.work.runner import Outcome
from kedang_workers import channels as relay_channels
from kedang_workers import handlers

pytestmark = pytest.mark.requirement("T10")


class Receiver:
    """Answers nobody until it is let go."""

    def __init__(self) -> None:
        self.called = 0
        self.answers = asyncio.Event()

    def handler(self):
        @handler("call", channel="webhooks")
        async def call(job):
            self.called += 1
            await self.answers.wait()
            async with job.finish():
                pass

        return call


@handler("greet")
async def greet(job):
    async with job.finish():
        pass


async def until(reached) -> None:
    async with asyncio.timeout(10):
        while not reached():  # noqa: ASYNC110 - what is waited for is in another task's hands
            await asyncio.sleep(0.01)


async def test_a_hanging_receiver_holds_no_place_of_a_worker(company, databases, runner, due, row):
    receiver = Receiver()
    async with databases.tenant_write(company.ref) as write:
        ids = await enqueue(write, *(NewJob("call") for _ in range(3)), NewJob("greet"))
    worker = runner(receiver.handler(), greet, places=1)
    jobs = await due()
    async with asyncio.timeout(10):  # what holds its place would never give it back
        for job in jobs:
            await worker.carry(job.id, job.attempt)
    assert (await row(ids[3]))["state"] == "done"
    await until(lambda: receiver.called == 3)
    assert [(await row(each))["state"] for each in ids[:3]] == ["running"] * 3
    receiver.answers.set()
    await worker.settled()
    assert [(await row(each))["state"] for each in ids[:3]] == ["done"] * 3


async def test_what_waits_outside_is_put_back_when_the_worker_ends(company, databases, runner, due, row):
    receiver = Receiver()
    async with databases.tenant_write(company.ref) as write:
        (job_id,) = await enqueue(write, NewJob("call"))
    worker = runner(receiver.handler())
    (job,) = await due()
    await worker.carry(job.id, job.attempt)
    await until(lambda: receiver.called == 1)
    worker.drain()
    worker.break_off()
    await worker.settled()
    left = await row(job_id)
    assert (left["state"], left["tries"]) == ("waiting", 0)


async def test_a_process_waits_outside_for_so_many_at_a_time_and_turns_others_away_without_counting(
    company, databases, runner, due, row
):
    receiver = Receiver()
    narrow = Channel("webhooks", outside=True, process=1)

    called = receiver.handler()
    object.__setattr__(called, "channel", narrow)
    async with databases.tenant_write(company.ref) as write:
        _, second = await enqueue(write, NewJob("call"), NewJob("call"))
    worker = runner(called)
    first_job, second_job = await due()
    await worker.carry(first_job.id, first_job.attempt)
    assert await worker.run(second_job.id, second_job.attempt) is Outcome.RELEASED
    left = await row(second)
    assert (left["state"], left["tries"]) == ("waiting", 0)
    receiver.answers.set()
    await worker.settled()


async def test_a_company_whose_channel_is_full_has_all_its_other_work_handed_out(
    two_companies, databases, clock
):
    hanging, other = two_companies
    async with databases.tenant_write(hanging.ref) as write:
        await enqueue(write, *(NewJob("webhooks.deliver", priority=10) for _ in range(300)))
        mine = await enqueue(write, *(NewJob("greet") for _ in range(5)))
    async with databases.tenant_write(other.ref) as write:
        theirs = await enqueue(write, NewJob("webhooks.deliver"), NewJob("greet"))
    limits = Limits(channels={"webhooks.deliver": CHANNELS["webhooks"]})
    async with databases.control() as control:
        handed = await hand_out(control, now=clock.now(), limits=limits)
        again = await hand_out(control, now=clock.now(), limits=limits)
        out = await control.fetch(
            "SELECT tenant, kind, count(*) AS count FROM work.job WHERE state = 'queued' GROUP BY tenant, kind"
        )
    counts = {(row["tenant"], row["kind"]): row["count"] for row in out}
    assert counts[hanging.ref.schema, "webhooks.deliver"] == CHANNELS["webhooks"].company == 4
    assert {*mine, *theirs} <= {job.id for job in handed.jobs}
    assert handed.more
    assert (again.jobs, again.more) == ((), True)


async def test_work_of_the_installation_takes_turns_in_its_company_s_lane_which_cannot_see_it(
    company, databases, runner, due, row
):
    done = []

    @handler("letter", installation=True)
    async def letter(job):
        done.append(job.company)
        async with job.finish_control():
            pass

    async with databases.control() as control:
        (job_id,) = await enqueue(control, NewJob("letter", turn_of=company.ref))
    async with databases.tenant_write(company.ref) as write:
        assert await write.fetchval("SELECT count(*) FROM work.job WHERE id = $1", job_id) == 0
        (forged,) = await enqueue(write, NewJob("letter"))
        with pytest.raises(ValueError, match="asks for work of the installation"):
            await enqueue(write, NewJob("letter", turn_of=company.ref))
    worker = runner(letter)
    outcomes = {job.id: await worker.run(job.id, job.attempt) for job in await due()}
    assert outcomes == {job_id: Outcome.DONE, forged: Outcome.AGAIN}
    assert done == [company.ref]
    assert (await row(forged))["error_code"] == "UNKNOWN_KIND"


async def test_the_walk_past_a_full_channel_costs_no_more_with_twenty_thousand_jobs_behind_it(
    databases, clock
):
    """The plan, not the clock: every probe is an index scan that ends after a few rows."""
    limits = Limits(channels={"call": CHANNELS["webhooks"]})
    async with databases.control() as control:
        await control.fetch(
            "INSERT INTO work.job (id, tenant, kind) SELECT gen_random_uuid(), 't_big', 'call'"
            " FROM generate_series(1, 20000)"
        )
        await control.fetch(
            "INSERT INTO work.job (id, tenant, kind) VALUES (gen_random_uuid(), 't_big', 'greet')"
        )
        handed = await hand_out(control, now=clock.now(), limits=limits)
        assert len(handed.jobs) == 5
        before = await control.fetchval("SELECT pg_stat_get_xact_tuples_fetched('work.job'::regclass)")
        await hand_out(control, now=clock.now(), limits=limits)
        after = await control.fetchval("SELECT pg_stat_get_xact_tuples_fetched('work.job'::regclass)")
    assert after - before < 200


def test_only_known_channels_are_named():
    with pytest.raises(ValueError, match="there is no channel"):
        handler("call", channel="pigeons")
    assert Registry.of(Receiver().handler()).channels == {"call": CHANNELS["webhooks"]}
    assert CHANNELS["webhooks"].process > CHANNELS["webhooks"].company


def test_every_channel_has_work_of_the_product_and_what_takes_long_never_fills_a_company():
    channels = handlers.load().channels
    assert channels == relay_channels.CHANNELS
    assert {channel.name for channel in channels.values()} == set(CHANNELS)
    assert {channels[kind].name for kind in ("imports.run", "exports.run", "bulk.import", "bulk.export")} == {
        "imports"
    }
