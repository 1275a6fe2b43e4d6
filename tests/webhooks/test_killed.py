"""kill -9 of the worker while a receiver thinks: it is told again, with the same webhook-id."""

import asyncio
import signal
import time

import pytest
import redis

from kedang_platform.clock import SystemClock

PROCESS = "tests.support.work_process"


@pytest.fixture(autouse=True)
def _valkey_is_empty(work_redis_url):
    with redis.Redis.from_url(work_redis_url) as client:
        client.flushdb()
        yield
        client.flushdb()


async def until(work_processes, held, *, seconds=30):
    deadline = time.monotonic() + seconds
    while not held():
        if time.monotonic() > deadline:
            raise TimeoutError(work_processes.said())
        await asyncio.sleep(0.05)


@pytest.mark.requirement("I1", "O1")
async def test_a_killed_worker_loses_no_delivery(shop, hooks, receiver, work_environment, work_processes):
    work_environment["KEDANG_OUTGOING_ALLOWED"] = "127.0.0.1/32"
    shop.clock = SystemClock()
    await hooks.make("CUSTOMER_CREATED")
    receiver.slow = 60
    customers = await shop.create_many("customer", [{"name": f"Customer {n}"} for n in range(3)])
    work_processes.start(PROCESS, "relay")
    worker = work_processes.start(PROCESS, "product")
    await until(work_processes, lambda: len(receiver.got) == 3)
    assert work_processes.end(worker, number=signal.SIGKILL) == -signal.SIGKILL
    receiver.slow = 0
    work_processes.start(PROCESS, "product")
    await work_processes.until(
        "SELECT bool_and(state = 'done') FROM work.job WHERE kind = 'webhooks.deliver'"
    )
    assert await hooks.states() == ["DELIVERED"] * 3
    rows = await hooks.deliveries()
    assert {got.id for got in receiver.got} == {f"whd_{row['id'].hex}" for row in rows}
    assert len({(got.id, got.body) for got in receiver.got}) == 3
    assert [row["attempts"] for row in rows] == [2, 2, 2]
    assert {row["about"] for row in rows} == {f"cus_{customer.hex}" for customer in customers}
