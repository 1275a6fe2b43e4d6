"""Old workers meet new messages, new workers old ones: nothing is lost and no try is spent."""

import json
import uuid
from functools import partial

import pytest

from kedang_platform.clock import FixedClock
from kedang_platform.work import NewJob, Registry, enqueue, handler
from kedang_platform.work.lanes import Limits, hand_out
from kedang_platform.work.runner import JobRunner
from kedang_workers.broker import FORMAT
from kedang_workers.composition import make_services
from kedang_workers.start import answer

pytestmark = pytest.mark.requirement("T10")


@handler("greet")
async def greet(job):
    async with job.finish(result=job.payload.get("name")):
        pass


@pytest.fixture
def worker(databases, tmp_path):
    """What a worker process does with a message, without its threads."""
    settings = databases.settings.model_copy(update={"var": tmp_path})
    services = make_services(databases=databases, settings=settings, clock=FixedClock())
    runner = JobRunner(services=services, registry=Registry.of(greet))
    return partial(answer, runner)


@pytest.fixture
def message(databases, company):
    """A job that was handed out, and what its message says."""

    async def make(kind="greet", **payload):
        async with databases.tenant_write(company.ref) as write:
            await enqueue(write, NewJob(kind, payload))
        async with databases.control() as control:
            (job,) = (await hand_out(control, now=FixedClock().now(), limits=Limits())).jobs
        return job.id, (str(job.id), job.attempt)

    return make


@pytest.fixture
def row(databases):
    async def read(job_id):
        async with databases.control_read() as control:
            return await control.fetchrow("SELECT * FROM work.job WHERE id = $1", job_id)

    return read


async def test_a_message_of_the_first_release_has_no_number_and_is_understood(worker, message, row):
    job_id, args = await message(name="Fuller")
    await worker(*args)
    assert ((await row(job_id))["state"], (await row(job_id))["result"]) == ("done", '"Fuller"')


async def test_what_a_newer_relay_adds_to_a_message_is_ignored(worker, message, row):
    job_id, args = await message()
    await worker(*args, "eu-west", format=FORMAT, database="main", urgency=[1, 2])
    assert (await row(job_id))["state"] == "done"


async def test_a_message_of_a_newer_format_is_left_to_newer_workers_without_counting_a_try(
    worker, message, row
):
    job_id, args = await message()
    await worker(*args, format=FORMAT + 1, database="other")
    left = await row(job_id)
    assert (left["state"], left["tries"], left["attempt"]) == ("waiting", 0, 1)
    wait = (left["due_at"] - FixedClock().now()).total_seconds()
    assert 1 <= wait <= 2
    await worker(*args)  # the same message once more, however it is read, moves nothing
    assert await row(job_id) == left


async def test_a_kind_of_a_newer_release_waits_for_it_without_counting_a_try(worker, message, row):
    job_id, args = await message("invented.later")
    await worker(*args, format=FORMAT)
    left = await row(job_id)
    assert (left["state"], left["tries"], left["error_code"]) == ("waiting", 0, "UNKNOWN_KIND")


async def test_a_new_worker_answers_a_message_that_lies_in_valkey_since_the_first_release(
    work_processes, valkey, databases, company
):
    """As dramatiq of that release wrote it, byte by byte but for the ids."""
    async with databases.tenant_write(company.ref) as write:
        (job_id,) = await enqueue(write, NewJob("measuring.tidy"))
    async with databases.control() as control:
        await control.fetch("UPDATE work.job SET state = 'queued', attempt = 1, queued_at = now()")
    redis_id = str(uuid.uuid4())
    body = {
        "queue_name": "jobs",
        "actor_name": "run",
        "args": [str(job_id), 1],
        "kwargs": {},
        "options": {"redis_message_id": redis_id},
        "message_id": str(uuid.uuid4()),
        "message_timestamp": 1780000000000,
    }
    valkey.hset("kedang:jobs.msgs", redis_id, json.dumps(body))
    valkey.rpush("kedang:jobs", redis_id)
    work_processes.start("tests.support.work_process", "product")
    await work_processes.until("SELECT bool_and(state = 'done') FROM work.job WHERE kind = 'measuring.tidy'")
