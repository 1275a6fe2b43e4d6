"""dramatiq, reduced to carrying a job's id to a worker: the table owns retries, ages and time limits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker

from kedang_platform.work.lanes import Handed

QUEUE = "jobs"
ACTOR = "run"
_NAMESPACE = "kedang"
UNREAD = f"{_NAMESPACE}:{QUEUE}"
"""The list in Valkey that holds what no worker has fetched yet."""


def make_broker(redis_url: str) -> RedisBroker:
    """A broker that gives a dead worker's unread messages back half a minute after its last heartbeat.

    With dramatiq's own values maintenance happens at one command in a thousand, so that messages of a
    killed worker were still missing after minutes.
    """
    client = redis.Redis.from_url(redis_url, socket_connect_timeout=5, socket_timeout=10)
    return RedisBroker(  # type: ignore[no-untyped-call]
        client=client,
        middleware=[],
        namespace=_NAMESPACE,
        heartbeat_timeout=30_000,
        maintenance_chance=1_000_000,
    )


def declare_run(broker: RedisBroker, run: Callable[..., Awaitable[None]]) -> dramatiq.Actor[..., Any]:
    """Make ``run(job_id, attempt)`` the one actor of the broker."""
    return dramatiq.actor(actor_name=ACTOR, queue_name=QUEUE, broker=broker)(run)


def send(broker: RedisBroker, job: Handed) -> None:
    """Put the message for ``job`` on the queue; raises redis.RedisError when Valkey does not take it."""
    args = (str(job.id), job.attempt)
    broker.enqueue(dramatiq.Message(queue_name=QUEUE, actor_name=ACTOR, args=args, kwargs={}, options={}))
