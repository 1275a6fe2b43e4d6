"""The life of a job in a worker's hands: claim, fence, lease, steps, failures, retries."""

import asyncio
from datetime import timedelta

import pytest

from kedang_platform.errors import BadUserInput, CompanyUpgrading
from kedang_platform.work import (
    JobCancelled,
    JobLost,
    NewJob,
    Progress,
    enqueue,
    handler,
    job_status,
    request_cancel,
)
from kedang_platform.work.claims import claim, sweep
from kedang_platform.work.runner import Outcome
from kedang_platform.work.running import RunningJob


@pytest.fixture(autouse=True)
async def effects(databases, database_superuser_url, company):
    """A table of the company in which handlers leave their effects: one row each, no key."""
    import asyncpg

    owner = await asyncpg.connect(database_superuser_url)
    await owner.execute(f"CREATE TABLE {company.ref.schema}.effect (what text)")
    await owner.execute(f"GRANT SELECT, INSERT ON {company.ref.schema}.effect TO {company.ref.schema}")

    async def read() -> list[str]:
        rows = await owner.fetch(f"SELECT what FROM {company.ref.schema}.effect ORDER BY what")
        return [row["what"] for row in rows]

    yield read
    await owner.execute(f"DROP TABLE {company.ref.schema}.effect")
    await owner.close()


async def leave(write, what: str) -> None:
    await write.fetch("INSERT INTO effect (what) VALUES ($1)", what)


@pytest.fixture
def ask(databases, company):
    async def one(kind="greet", **more):
        async with databases.tenant_write(company.ref) as write:
            (job_id,) = await enqueue(write, NewJob(kind, **more))
            return job_id

    return one


@pytest.fixture
def status(databases, company):
    async def read(job_id):
        async with databases.tenant_read(company.ref) as tenant:
            return await job_status(tenant, job_id)

    return read


@handler("greet")
async def greet(job):
    async with job.finish(result={"greeted": job.payload.get("name")}) as write:
        await leave(write, f"hello {job.payload.get('name')}")


async def test_effect_and_end_are_one(runner, ask, due, status, effects, company):
    job_id = await ask(payload={"name": "Fuller"})
    (job,) = await due()
    assert await runner(greet).run(job.id, job.attempt) is Outcome.DONE
    done = await status(job_id)
    assert (done.state, done.result, done.error_code) == ("done", {"greeted": "Fuller"}, None)
    assert done.finished
    assert await effects() == ["hello Fuller"]


async def test_of_the_same_message_delivered_ten_times_one_is_answered(runner, ask, due, effects):
    await ask()
    (job,) = await due()
    workers = [runner(greet) for _ in range(10)]
    outcomes = await asyncio.gather(*(worker.run(job.id, job.attempt) for worker in workers))
    assert sorted(outcome.value for outcome in outcomes) == ["done"] + ["duplicate"] * 9
    assert await effects() == ["hello None"]


async def test_a_message_of_an_earlier_attempt_is_void(runner, ask, due, databases, effects):
    await ask()
    (first,) = await due()
    async with databases.control() as control:
        assert (await sweep(control, unanswered_after=timedelta(0))).unanswered == 1
    (second,) = await due()
    assert (second.id, second.attempt) == (first.id, first.attempt + 1)
    worker = runner(greet)
    assert await worker.run(first.id, first.attempt) is Outcome.DUPLICATE
    assert await worker.run(second.id, second.attempt) is Outcome.DONE
    assert await effects() == ["hello None"]


async def test_a_worker_thought_dead_leaves_no_effect(runner, ask, due, databases, effects, expire, row):
    """Its lease ends while it works; another worker does the job; the first one's work is rolled back."""
    reached, go_on = asyncio.Event(), asyncio.Event()

    @handler("greet")
    async def slow_greet(job):
        reached.set()
        await go_on.wait()
        await greet.run(job)

    job_id = await ask()
    (job,) = await due()
    slow = asyncio.create_task(runner(slow_greet).run(job.id, job.attempt))
    await reached.wait()
    await expire(job_id)
    async with databases.control() as control:
        assert (await sweep(control, unanswered_after=timedelta(minutes=1))).expired == 1
    (again,) = await due()
    assert await runner(greet).run(again.id, again.attempt) is Outcome.DONE
    before = await row(job_id)
    go_on.set()
    assert await slow is Outcome.LOST
    assert await effects() == ["hello None"]
    assert await row(job_id) == before


async def test_a_lease_is_renewed_while_the_handler_works_and_ends_when_the_worker_is_gone(
    runner, ask, due, databases
):
    stuck = asyncio.Event()

    @handler("greet")
    async def wait(job):
        await stuck.wait()

    await ask()
    (job,) = await due()
    worker = runner(wait, lease=timedelta(seconds=0.6))
    leases = asyncio.create_task(worker.keep_leases())
    running = asyncio.create_task(worker.run(job.id, job.attempt))
    await asyncio.sleep(1.0)
    async with databases.control() as control:
        assert (await sweep(control, unanswered_after=timedelta(minutes=1))).expired == 0
    leases.cancel()
    await asyncio.sleep(0.8)
    async with databases.control() as control:
        assert (await sweep(control, unanswered_after=timedelta(minutes=1))).expired == 1
    stuck.set()
    assert await running is Outcome.LOST


async def test_steps_keep_progress_and_checkpoint_with_their_effect(runner, ask, due, status, effects):
    seen = []

    @handler("import")
    async def chunks(job):
        start = job.checkpoint["line"] if job.checkpoint else 0
        seen.append(start)
        for line in range(start, 5):
            async with job.step(progress=Progress(line + 1, 5), checkpoint={"line": line + 1}) as write:
                await leave(write, f"line {line}")
                if line == 3 and job.tries == 1:
                    raise ZeroDivisionError

    job_id = await ask("import")
    (job,) = await due()
    worker = runner(chunks, report=lambda *_: None)
    assert await worker.run(job.id, job.attempt) is Outcome.AGAIN
    assert await effects() == ["line 0", "line 1", "line 2"]
    half = await status(job_id)
    assert (half.state, half.progress, half.error_code) == ("waiting", Progress(3, 5), None)
    worker._services.clock.move(timedelta(seconds=2))
    (job,) = await due()
    assert await worker.run(job.id, job.attempt) is Outcome.DONE
    assert seen == [0, 3]
    assert await effects() == [f"line {line}" for line in range(5)]
    assert ((await status(job_id)).state, (await status(job_id)).progress) == ("done", Progress(5, 5))


async def test_what_is_known_only_inside_a_step_is_stored_inside(runner, ask, due, status):
    @handler("import")
    async def chunk(job):
        async with job.step() as write:
            await job.store(write, progress=Progress(7), checkpoint={"accepted": 7})
        assert job.checkpoint == {"accepted": 7}
        with pytest.raises(ZeroDivisionError):
            await fail_inside(job)
        assert job.checkpoint == {"accepted": 7}

    async def fail_inside(job):
        async with job.step() as write:
            await job.store(write, checkpoint={"accepted": 8})
            raise ZeroDivisionError

    job_id = await ask("import")
    (job,) = await due()
    assert await runner(chunk).run(job.id, job.attempt) is Outcome.DONE
    assert (await status(job_id)).progress == Progress(7)


async def test_a_job_called_off_stops_at_its_next_step(runner, ask, due, status, effects, databases, company):
    @handler("import")
    async def chunks(job):
        for line in range(5):
            async with job.step() as write:
                await leave(write, f"line {line}")
            if line == 1:
                async with databases.tenant_write(company.ref) as write:
                    assert await request_cancel(write, job.id) is True
                    assert (await job_status(write, job.id)).state == "running"

    job_id = await ask("import")
    (job,) = await due()
    assert await runner(chunks).run(job.id, job.attempt) is Outcome.CANCELLED
    assert await effects() == ["line 0", "line 1"]
    assert ((await status(job_id)).state, (await status(job_id)).finished) == ("cancelled", True)


async def test_a_handler_without_steps_is_told_by_the_renewal_that_it_is_called_off(
    runner, ask, due, databases, company
):
    @handler("draw")
    async def draw(job):
        while not job.cancelled:  # noqa: ASYNC110 - the flag is what is tested
            await asyncio.sleep(0.01)
        raise JobCancelled

    job_id = await ask("draw")
    (job,) = await due()
    worker = runner(draw, lease=timedelta(seconds=0.3))
    leases = asyncio.create_task(worker.keep_leases())
    running = asyncio.create_task(worker.run(job.id, job.attempt))
    await asyncio.sleep(0.05)
    async with databases.tenant_write(company.ref) as write:
        await request_cancel(write, job_id)
    assert await asyncio.wait_for(running, 5) is Outcome.CANCELLED
    leases.cancel()


async def test_a_queued_job_that_is_called_off_is_not_begun(runner, ask, due, databases, company, effects):
    job_id = await ask()
    (job,) = await due()
    async with databases.tenant_write(company.ref) as write:
        await request_cancel(write, job_id)
    assert await runner(greet).run(job.id, job.attempt) is Outcome.DUPLICATE
    assert await effects() == []


async def test_a_job_called_off_while_its_worker_died_is_not_run_again(
    runner, ask, due, databases, company, expire, status, effects
):
    job_id = await ask()
    (job,) = await due()
    async with databases.control() as control:
        await claim(control, job.id, job.attempt)
    async with databases.tenant_write(company.ref) as write:
        await request_cancel(write, job_id)
    await expire(job_id)
    async with databases.control() as control:
        await sweep(control, unanswered_after=timedelta(minutes=1))
    (job,) = await due()
    assert await runner(greet).run(job.id, job.attempt) is Outcome.CANCELLED
    assert (await status(job_id)).state == "cancelled"
    assert await effects() == []
    assert await due() == ()


async def test_the_handler_of_a_job_called_off_while_its_worker_died_says_so(
    runner, ask, due, databases, company, expire, status, effects
):
    @handler("import")
    async def one(job):
        try:
            async with job.step() as write:
                await leave(write, "line 0")
        except JobCancelled:
            async with databases.tenant_write(company.ref) as write:
                await leave(write, "called off")
            raise

    job_id = await ask("import")
    (job,) = await due()
    async with databases.control() as control:
        await claim(control, job.id, job.attempt)
    async with databases.tenant_write(company.ref) as write:
        await request_cancel(write, job_id)
    await expire(job_id)
    async with databases.control() as control:
        await sweep(control, unanswered_after=timedelta(minutes=1))
    (job,) = await due()
    assert await runner(one).run(job.id, job.attempt) is Outcome.CANCELLED
    assert await effects() == ["called off"]


async def test_a_plain_no_fails_at_once_and_tells_why(runner, ask, due, status, effects):
    @handler("greet")
    async def refuse(job):
        async with job.finish() as write:
            await leave(write, "half")
            raise BadUserInput("{count} rows are too many.", count=3)

    job_id = await ask()
    (job,) = await due()
    assert await runner(refuse, report=lambda *_: None).run(job.id, job.attempt) is Outcome.FAILED
    failed = await status(job_id)
    assert (failed.state, failed.error_code, failed.error_message, failed.error_params, failed.finished) == (
        "failed",
        "BAD_USER_INPUT",
        "{count} rows are too many.",
        {"count": 3},
        True,
    )
    assert await effects() == []


async def test_a_failure_that_may_pass_is_tried_again_later_and_its_trace_is_gone_when_it_succeeds(
    runner, ask, due, status, clock
):
    @handler("greet")
    async def upgrading_at_first(job):
        if job.tries < 3:
            raise CompanyUpgrading("not now")

    job_id = await ask()
    worker = runner(upgrading_at_first, report=lambda *_: None)
    outcomes = []
    for wait in (2, 4, 8):
        (job,) = await due()
        outcomes.append(await worker.run(job.id, job.attempt))
        assert await due() == ()  # not at once
        clock.move(timedelta(seconds=wait))
    assert outcomes == [Outcome.AGAIN, Outcome.AGAIN, Outcome.DONE]
    done = await status(job_id)
    assert (done.state, done.error_code) == ("done", None)


async def test_what_fails_every_time_ends_as_a_dead_letter(runner, ask, due, status, clock, row):
    reports = []

    @handler("greet", retries=2)
    async def broken(job):
        {}["13800138000"]

    job_id = await ask()
    worker = runner(broken, report=lambda claim, error: reports.append((claim.tries, type(error))))
    outcomes = []
    for _ in range(3):
        (job,) = await due()
        outcomes.append(await worker.run(job.id, job.attempt))
        clock.move(timedelta(hours=1))
    assert outcomes == [Outcome.AGAIN, Outcome.AGAIN, Outcome.FAILED]
    assert reports == [(1, KeyError), (2, KeyError), (3, KeyError)]
    assert await due() == ()
    failed = await status(job_id)
    assert (failed.state, failed.error_code) == ("failed", "INTERNAL_ERROR")
    assert (await row(job_id))["error_detail"].startswith("KeyError in broken:")


async def test_a_job_that_kills_its_worker_every_time_is_given_up(
    runner, ask, due, databases, expire, status
):
    @handler("greet", retries=1)
    async def fine(job):
        pass

    job_id = await ask()
    for _ in range(2):
        (job,) = await due()
        async with databases.control() as control:
            assert await claim(control, job.id, job.attempt) is not None
        await expire(job_id)
        async with databases.control() as control:
            await sweep(control, unanswered_after=timedelta(minutes=1))
    (job,) = await due()
    assert await runner(fine, report=lambda *_: None).run(job.id, job.attempt) is Outcome.FAILED
    assert (await status(job_id)).error_code == "WORKER_LOST"


async def test_a_handler_that_takes_too_long_is_stopped_and_tried_again(runner, ask, due, effects):
    @handler("greet", timeout=timedelta(seconds=0.1))
    async def endless(job):
        async with job.step() as write:
            await leave(write, "never")
            await asyncio.sleep(30)

    await ask()
    (job,) = await due()
    assert await runner(endless, report=lambda *_: None).run(job.id, job.attempt) is Outcome.AGAIN
    assert await effects() == []


async def test_work_of_a_newer_release_waits_for_a_worker_that_knows_it(runner, ask, due, clock):
    await ask("of tomorrow")
    (job,) = await due()
    assert await runner(greet, report=lambda *_: None).run(job.id, job.attempt) is Outcome.AGAIN

    @handler("of tomorrow")
    async def known(job):
        pass

    clock.move(timedelta(seconds=2))
    (job,) = await due()
    assert await runner(known).run(job.id, job.attempt) is Outcome.DONE


async def test_a_draining_worker_stops_between_steps_and_another_goes_on(runner, ask, due, effects):
    reached, go_on = asyncio.Event(), asyncio.Event()

    @handler("import")
    async def chunks(job):
        for line in range(job.checkpoint or 0, 4):
            async with job.step(checkpoint=line + 1) as write:
                await leave(write, f"line {line}")
            if line == 1:
                reached.set()
                await go_on.wait()

    await ask("import")
    (job,) = await due()
    worker = runner(chunks)
    running = asyncio.create_task(worker.run(job.id, job.attempt))
    await reached.wait()
    worker.drain()
    go_on.set()
    assert await running is Outcome.RELEASED
    (job,) = await due()
    assert await worker.run(job.id, job.attempt) is Outcome.RELEASED  # it begins nothing more
    (job,) = await due()
    other = runner(chunks)
    assert await other.run(job.id, job.attempt) is Outcome.DONE
    assert await effects() == [f"line {line}" for line in range(4)]


async def test_what_is_broken_off_is_put_back_without_counting_as_a_try(runner, ask, due, row, effects):
    reached = asyncio.Event()

    @handler("greet")
    async def endless(job):
        async with job.step() as write:
            await leave(write, "never")
            reached.set()
            await asyncio.sleep(30)

    job_id = await ask()
    (job,) = await due()
    worker = runner(endless)
    running = asyncio.create_task(worker.run(job.id, job.attempt))
    await reached.wait()
    worker.break_off()
    assert await running is Outcome.RELEASED
    kept = await row(job_id)
    assert (kept["state"], kept["tries"]) == ("waiting", 0)
    assert await effects() == []


async def test_slow_work_never_takes_the_last_place(runner, ask, due, clock, row):
    go_on = asyncio.Event()

    @handler("import", slow=True)
    async def slow(job):
        await go_on.wait()

    for _ in range(2):
        await ask("import")
    await ask()
    worker = runner(slow, greet, places=2)
    first, second, quick = await due()
    running = asyncio.create_task(worker.run(first.id, first.attempt))
    await asyncio.sleep(0.1)
    assert await worker.run(second.id, second.attempt) is Outcome.RELEASED
    assert await worker.run(quick.id, quick.attempt) is Outcome.DONE
    assert (await row(second.id))["due_at"] == clock.now() + timedelta(seconds=1)
    go_on.set()
    assert await running is Outcome.DONE


async def test_a_job_that_ended_in_the_middle_of_a_step_loses_the_step(
    runner, ask, due, effects, expire, databases
):
    @handler("import")
    async def chunks(job):
        async with job.step() as write:
            await leave(write, "line 0")
        await expire(job.id)
        async with databases.control() as control:
            await sweep(control, unanswered_after=timedelta(minutes=1))
        with pytest.raises(JobLost):
            async with job.step() as write:
                await leave(write, "line 1")
        with pytest.raises(JobLost):
            async with job.finish() as write:
                await leave(write, "line 2")
        raise JobLost

    await ask("import")
    (job,) = await due()
    assert await runner(chunks).run(job.id, job.attempt) is Outcome.LOST
    assert await effects() == ["line 0"]


async def test_a_long_step_comes_out_of_it_with_a_whole_lease(ask, due, databases, services):
    await ask("import")
    (handed,) = await due()
    async with databases.control() as control:
        claimed = await claim(control, handed.id, handed.attempt, lease=timedelta(seconds=0.4))
    job = RunningJob.of(claimed, services=services, lease=timedelta(seconds=0.4))
    async with job.step():
        await asyncio.sleep(0.5)
    async with databases.control() as control:
        assert (await sweep(control, unanswered_after=timedelta(minutes=1))).expired == 0


async def test_a_job_of_the_installation_works_on_platform(runner, databases, due, row):
    @handler("upkeep")
    async def upkeep(job):
        assert job.company is None
        with pytest.raises(RuntimeError, match="belongs to no company"):
            job.finish()
        with pytest.raises(RuntimeError, match="belongs to no company"):
            job.step()
        async with job.step_control(progress=Progress(1, 2)) as control:
            assert await control.fetchval("SELECT count(*) FROM platform.company") == 1
        async with job.finish_control(result="tidy"):
            pass
        with pytest.raises(RuntimeError, match="finished twice"):
            async with job.finish_control():
                pass

    async with databases.control() as control:
        (job_id,) = await enqueue(control, NewJob("upkeep"))
    (job,) = await due()
    assert await runner(upkeep).run(job.id, job.attempt) is Outcome.DONE
    kept = await row(job_id)
    assert (kept["state"], kept["result"], kept["progress_done"], kept["progress_total"]) == (
        "done",
        '"tidy"',
        1,
        2,
    )
