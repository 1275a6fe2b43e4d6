"""dramatiq, reduced to carrying a job's id to a worker: the table owns retries, ages and time limits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import time
from typing import Any

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from kedang_platform.observing import metrics
from kedang_platform.work.lanes import Handed

QUEUE = "jobs"
ACTOR = "run"
FORMAT = 1
"""What a message says: a job's id and its attempt first, in every format. Raise it when a worker that knows only the
one before must not run the job; what it may ignore is said by further arguments. Messages without a number are
of the first format."""
_NAMESPACE = "kedang"
AT_ONCE = AsyncRetry(NoBackoff(), 0)
"""A command that fails tells so at once: whoever sent it tries again in its own time, and Valkey may be swallowing all."""
UNREAD = f"{_NAMESPACE}:{QUEUE}"
"""The list in Valkey that holds what no worker has fetched yet."""


class Observing(dramatiq.Middleware):
    """Counts what workers answer, and how long messages lay between relay and worker; the job's span tells it, too.

    What a message says stays out of it: it is an id. Whence a job was asked for is read from its row (``Claim.trace``),
    so that nothing is lost with Valkey.
    """

    def before_process_message(self, _broker: dramatiq.Broker, message: dramatiq.MessageProxy) -> None:
        metrics.MESSAGE_WAIT.observe(max(time() - message.message_timestamp / 1000, 0.0))

    def after_process_message(
        self,
        _broker: dramatiq.Broker,
        _message: dramatiq.MessageProxy,
        *,
        result: Any = None,  # noqa: ARG002 - the signature of the hook
        exception: BaseException | None = None,
    ) -> None:
        metrics.MESSAGES.labels("answered" if exception is None else "failed").inc()


def make_broker(redis_url: str) -> RedisBroker:
    """A broker that gives a dead worker's unread messages back half a minute after its last heartbeat.

    With dramatiq's own values maintenance happens at one command in a thousand, so that messages of a
    killed worker were still missing after minutes.
    """
    client = redis.Redis.from_url(
        redis_url, socket_connect_timeout=5, socket_timeout=5, retry=Retry(NoBackoff(), 0)
    )
    return RedisBroker(  # type: ignore[no-untyped-call]
        client=client,
        middleware=[Observing()],
        namespace=_NAMESPACE,
        heartbeat_timeout=30_000,
        maintenance_chance=1_000_000,
    )


def declare_run(broker: RedisBroker, run: Callable[..., Awaitable[None]]) -> dramatiq.Actor[..., Any]:
    """Make ``run(job_id, attempt)`` the one actor of the broker."""
    return dramatiq.actor(actor_name=ACTOR, queue_name=QUEUE, broker=broker)(run)


def send(broker: RedisBroker, job: Handed) -> None:
    """Put the message for ``job`` on the queue; raises redis.RedisError when Valkey does not take it."""
    args, kwargs = (str(job.id), job.attempt), {"format": FORMAT}
    broker.enqueue(dramatiq.Message(queue_name=QUEUE, actor_name=ACTOR, args=args, kwargs=kwargs, options={}))
