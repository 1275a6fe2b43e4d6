"""The relay in this process: what it sends, and what it does when Valkey is away or was emptied."""

import asyncio
import json
from datetime import timedelta

import pytest
from redis.exceptions import RedisError

from kedang_platform.clock import FixedClock
from kedang_platform.embedded import free_port
from kedang_platform.work import NewJob, enqueue
from kedang_platform.work.lanes import Limits, hand_out
from kedang_platform.work.wakeup import Waker
from kedang_workers.relay import Relay, Timing


@pytest.fixture
async def relay(databases, work_redis_url, valkey):
    made = []

    def make(url: str = work_redis_url, **more) -> Relay:
        made.append(Relay(databases=databases, clock=FixedClock(), redis_url=url, **more))
        return made[-1]

    yield make
    for each in made:
        await each.close()


@pytest.fixture
def ask(databases, company):
    async def many(count: int):
        async with databases.tenant_write(company.ref) as write:
            return await enqueue(write, *(NewJob("greet") for _ in range(count)))

    return many


@pytest.fixture
def jobs(databases):
    async def read():
        async with databases.control_read() as control:
            rows = await control.fetch("SELECT id, state, attempt, tries FROM work.job ORDER BY id")
        return [(row["id"], row["state"], row["attempt"], row["tries"]) for row in rows]

    return read


@pytest.fixture
def messages(valkey):
    """What lies in the queue: job and attempt of each message, in order."""

    def read() -> list[tuple[str, int]]:
        ids = valkey.lrange("kedang:jobs", 0, -1)
        bodies = [json.loads(valkey.hget("kedang:jobs.msgs", each)) for each in ids]
        assert all((body["queue_name"], body["actor_name"]) == ("jobs", "run") for body in bodies)
        return [tuple(body["args"]) for body in bodies]

    return read


async def test_a_message_is_a_job_s_id_and_attempt_and_nothing_else(relay, ask, jobs, messages):
    first, second = await ask(2)
    assert await relay().round() == timedelta(seconds=1)
    assert messages() == [(str(first), 1), (str(second), 1)]
    assert await jobs() == [(first, "queued", 1, 0), (second, "queued", 1, 0)]


async def test_where_more_is_due_than_may_go_out_the_next_round_is_soon(relay, ask, messages):
    await ask(5)
    crowded = relay(limits=Limits(queued=3, company=3))
    assert await crowded.round() == timedelta(milliseconds=10)
    assert len(messages()) == 3
    waits = [(await crowded.round()).total_seconds() for _ in range(5)]
    assert waits == [0.02, 0.04, 0.08, 0.1, 0.1]
    assert len(messages()) == 3


async def test_what_valkey_does_not_take_waits_on(relay, ask, jobs):
    (job_id,) = await ask(1)
    away = relay(f"redis://127.0.0.1:{free_port()}/0")
    away._swept_at = float("inf")  # leave out the sweep, which asks Valkey first
    with pytest.raises(RedisError):
        await away.round()
    assert await jobs() == [(job_id, "waiting", 1, 0)]


async def test_a_relay_waits_for_a_valkey_that_is_away_and_goes_on(
    relay, ask, jobs, messages, work_redis_url
):
    await ask(1)
    stop = asyncio.Event()
    away = relay(f"redis://127.0.0.1:{free_port()}/0", timing=Timing(idle=timedelta(seconds=0.1)))
    running = asyncio.create_task(away.run(stop))
    await asyncio.sleep(0.5)
    assert not running.done()
    stop.set()
    await asyncio.wait_for(running, 5)
    assert [state for _, state, *_ in await jobs()] == ["waiting"]
    await relay().round()
    assert len(messages()) == 1


async def test_messages_lost_with_valkey_are_sent_again_within_a_sweep(relay, ask, messages, valkey):
    ids = await ask(3)
    running = relay(limits=Limits(queued=3, company=3), timing=Timing(sweep=timedelta(0)))
    await running.round()
    await running.round()
    assert messages() == [(str(job_id), 1) for job_id in ids]
    valkey.flushdb()
    await running.round()
    assert messages() == [(str(job_id), 2) for job_id in ids]


async def test_a_message_that_nobody_answers_is_sent_again_after_a_while(relay, ask, messages, databases):
    (job_id,) = await ask(1)
    running = relay(timing=Timing(sweep=timedelta(0)))
    await running.round()
    async with databases.control() as control:
        await control.fetch("UPDATE work.job SET queued_at = now() - interval '29 seconds'")
    await running.round()
    assert messages() == [(str(job_id), 1)]
    async with databases.control() as control:
        await control.fetch("UPDATE work.job SET queued_at = now() - interval '31 seconds'")
    await running.round()
    assert messages() == [(str(job_id), 1), (str(job_id), 2)]


@pytest.mark.requirement("T10")
async def test_what_a_killed_relay_handed_out_and_did_not_send_goes_out_as_soon_as_another_begins(
    relay, ask, messages, databases
):
    ids = await ask(3)
    other = relay()
    await other.round()  # it sets the mark that tells an emptied Valkey
    async with databases.control() as control:
        await control.fetch("UPDATE work.job SET state = 'waiting'")
        dying = await hand_out(control, now=FixedClock().now(), limits=Limits())
    assert len(dying.jobs) == 3
    await relay().round()
    assert messages()[3:] == [(str(job_id), 3) for job_id in ids]


async def test_a_message_names_its_format(relay, ask, valkey):
    await ask(1)
    await relay().round()
    (message,) = valkey.lrange("kedang:jobs", 0, -1)
    assert json.loads(valkey.hget("kedang:jobs.msgs", message))["kwargs"] == {"format": 1}


async def test_messages_do_not_pile_up_where_no_worker_runs(relay, ask, messages, databases):
    await ask(5)
    running = relay(limits=Limits(queued=3, company=3), timing=Timing(sweep=timedelta(0)))
    for _ in range(4):
        await running.round()
        async with databases.control() as control:
            await control.fetch("UPDATE work.job SET queued_at = now() - interval '1 hour'")
    assert len(messages()) == 3


async def test_a_wake_up_ends_the_wait(relay, ask, messages, work_redis_url):
    stop, waker = asyncio.Event(), Waker(work_redis_url)
    sleepy = relay(timing=Timing(idle=timedelta(seconds=30)))
    running = asyncio.create_task(sleepy.run(stop))
    await asyncio.sleep(0.3)
    await ask(1)
    assert messages() == []
    waker.wake()
    for _ in range(100):
        if messages():
            break
        await asyncio.sleep(0.02)
    assert len(messages()) == 1
    stop.set()
    await asyncio.wait_for(running, 5)
    await waker.close()


async def test_waking_a_relay_without_valkey_harms_nobody():
    waker = Waker(f"redis://127.0.0.1:{free_port()}/0")
    for _ in range(100):
        waker.wake()
    await asyncio.wait_for(waker.close(), 5)
