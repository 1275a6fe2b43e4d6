"""One try of one delivery: prepared in a transaction, sent outside of any, concluded in another.

A worker that dies in between leaves the delivery to be tried again with the same ``webhook-id``: every
receiver is told at least once.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from secrets import SystemRandom
from typing import Final
from uuid import UUID

import asyncpg

from kedang_platform.channel import Outcome
from kedang_platform.database import TenantWrite
from kedang_platform.errors import UserError
from kedang_platform.registry import Company
from kedang_platform.secrets import load_secret_key
from kedang_platform.work import RunningJob
from kedang_tenants.people.viewers import load_viewer, system_viewer
from kedang_tenants.reading import Viewer
from kedang_tenants.webhooks.disabling import disable
from kedang_tenants.webhooks.models import (
    CANCELLED,
    DELIVERED,
    FAILED,
    FAILING,
    GONE,
    OWNER_LEFT,
    SKIPPED,
    UNANSWERABLE,
    WAITING,
)
from kedang_tenants.webhooks.payloads import body_of, body_of_test
from kedang_tenants.webhooks.posting import Answered, Post, WebhookChannel
from kedang_tenants.webhooks.questions import UnanswerableQuery
from kedang_tenants.webhooks.queueing import send_at, send_next
from kedang_tenants.webhooks.signing import secret_of

WAITS: Final = (
    timedelta(seconds=10),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=14),
    timedelta(hours=26),
)
"""The waits after failed tries; each is made up to a quarter longer, so that what failed together is spread."""
TRIES: Final = len(WAITS) + 1
FAILED_IN_A_ROW: Final = 3
"""Deliveries that fail at all their tries, with none that arrives between them, before a webhook is switched off."""
OVERLAP: Final = timedelta(days=1)
"""How long the secret before the last change signs as well."""

_AGAIN: Final = frozenset({Outcome.RETRY, Outcome.UNKNOWN})
LONGEST_ASKED: Final = timedelta(days=1)
"""How long a receiver may put a try off by ``Retry-After``; what it asks for beyond that is not granted."""

_ROW: Final = """
SELECT d.id, d.webhook_id, d.state, d.about, d.sequence, d.body, d.attempts, d.created_at, d.job_id
FROM webhook_delivery d WHERE d.id = $1 FOR UPDATE
"""
_WEBHOOK_OF: Final = """
SELECT * FROM webhook WHERE id = (SELECT webhook_id FROM webhook_delivery WHERE id = $1) FOR NO KEY UPDATE
"""
_TRY: Final = """
UPDATE webhook_delivery SET attempts = attempts + 1, last_try_at = $2, body = $3, updated_at = $2 WHERE id = $1
"""
_TOLD: Final = """
UPDATE webhook_delivery SET state = $2, response_status = $3, error_code = $4, duration_ms = $5, updated_at = $6,
    version = version + 1, job_id = NULL, next_try_at = NULL
WHERE id = $1
"""
_TAKEN: Final = """
UPDATE webhook_delivery SET state = 'DELIVERED', response_status = $2, duration_ms = $3, error_code = NULL,
    updated_at = $4, version = version + 1
WHERE id = $1 AND state = 'CANCELLED'
"""
_FAILURES: Final = "UPDATE webhook SET failures = $2 WHERE id = $1 AND failures <> $2"


async def deliver(job: RunningJob, company: Company) -> None:
    """Try the delivery that the job is of, and end the job with what came of it."""
    delivery_id = UUID(str(job.payload["delivery"]))
    async with job.step() as write:
        post = await _prepare(write, job, company, delivery_id)
    if post is None:
        async with job.finish():
            return
    channel = WebhookChannel(job.services.outgoing, clock=job.clock)
    came = await channel.send(post, key=f"whd_{delivery_id.hex}")
    async with job.finish() as write:
        await _conclude(write, job, company, delivery_id, came)


async def give_up(job: RunningJob, error: UserError) -> None:
    """The product itself failed at the delivery: it is told as failed, and the next one goes its way."""
    async with job.step() as write:
        held = await _hold(write, job, UUID(str(job.payload["delivery"])))
        if held is not None:
            await _end(write, held[1], FAILED, _untried(error.code), job.clock.now())


_Held = tuple[asyncpg.Record, asyncpg.Record]


async def _hold(write: TenantWrite, job: RunningJob, delivery_id: UUID) -> _Held | None:
    """The webhook and the delivery, locked in this order; None where nothing is on its way by this job.

    What was called off and is sent again has another job; the one of before may still be to come.
    """
    webhook = await write.fetchrow(_WEBHOOK_OF, delivery_id)
    row = await write.fetchrow(_ROW, delivery_id) if webhook else None
    if webhook is None or row is None or (row["state"], row["job_id"]) != (WAITING, job.id):
        return None
    return webhook, row


async def _prepare(write: TenantWrite, job: RunningJob, company: Company, delivery_id: UUID) -> Post | None:
    """Settle what is sent and count the try; None where there is nothing to send any more."""
    held = await _hold(write, job, delivery_id)
    if held is None:
        return None
    webhook, row = held
    now = job.clock.now()
    if not webhook["active"] or webhook["archived_at"] is not None:
        await _end(write, row, CANCELLED, None, now)
        return None
    viewer = await load_viewer(write, company=company, member_id=webhook["owner_id"], via="webhook")
    if viewer is None:
        product = await system_viewer(write, company=company)
        await disable(write, product, webhook, OWNER_LEFT, clock=job.clock)
        return None
    try:
        body = row["body"] or await _body(write, viewer, webhook, row)
    except UnanswerableQuery as error:
        await _end(write, row, FAILED, _untried(error.code), now)
        product = await system_viewer(write, company=company)
        await disable(write, product, webhook, UNANSWERABLE, clock=job.clock)
        return None
    if body is None:
        await _end(write, row, SKIPPED, None, now)
        return None
    await write.fetch(_TRY, delivery_id, now, body)
    return Post(webhook["url"], body.encode(), _secrets(job, company, webhook, now))


async def _body(
    write: TenantWrite, viewer: Viewer, webhook: asyncpg.Record, row: asyncpg.Record
) -> str | None:
    question = webhook["question"]
    if row["sequence"] is None:
        at = row["created_at"].isoformat()
        return await body_of_test(write, viewer, about=row["about"], at=at, question=question)
    return await body_of(write, viewer, sequence=row["sequence"], question=question)


def _secrets(job: RunningJob, company: Company, webhook: asyncpg.Record, now: datetime) -> tuple[str, ...]:
    """The newest first."""
    number, rotated = webhook["secret_number"], webhook["rotated_at"]
    overlaps = rotated is not None and now < rotated + OVERLAP
    key = load_secret_key(job.settings)
    return tuple(
        secret_of(key, company_id=company.id, webhook_id=webhook["id"], number=one)
        for one in ([number, number - 1] if overlaps else [number])
    )


async def _conclude(
    write: TenantWrite, job: RunningJob, company: Company, delivery_id: UUID, came: Answered
) -> None:
    held = await _hold(write, job, delivery_id)
    now = job.clock.now()
    if held is None:
        if came.outcome is Outcome.ACCEPTED:  # it was called off while the receiver was taking it
            await write.fetch(_TAKEN, delivery_id, came.status, came.milliseconds, now)
        return
    webhook, row = held
    if came.outcome in _AGAIN and row["attempts"] < TRIES:
        await _told(write, row, WAITING, came, now)
        at = now + _wait(row["attempts"], came.retry_after)
        await send_at(write, [delivery_id], at=at, due_at=at)
        return
    await _end(write, row, DELIVERED if came.outcome is Outcome.ACCEPTED else FAILED, came, now)
    failures = 0 if came.outcome is Outcome.ACCEPTED else webhook["failures"] + 1
    await write.fetch(_FAILURES, webhook["id"], failures)
    gone = came.outcome is Outcome.REJECTED
    if gone or failures >= FAILED_IN_A_ROW:
        product = await system_viewer(write, company=company)
        await disable(write, product, webhook, GONE if gone else FAILING, clock=job.clock)


def _wait(attempts: int, asked: timedelta | None) -> timedelta:
    """How long to wait after so many tries, longer where the receiver asks for it, with a share of chance."""
    planned = WAITS[attempts - 1]
    waited = max(planned, min(asked, LONGEST_ASKED)) if asked is not None else planned
    return waited * SystemRandom().uniform(1.0, 1.25)


def _untried(code: str) -> Answered:
    """Nothing was sent, for a reason of our own."""
    return Answered(Outcome.REJECTED, code)


async def _end(
    write: TenantWrite, row: asyncpg.Record, state: str, came: Answered | None, now: datetime
) -> None:
    """The delivery has come to its end; what waited for it goes."""
    await _told(write, row, state, came or _untried(""), now)
    await send_next(write, webhook_id=row["webhook_id"], about=row["about"], now=now)


async def _told(write: TenantWrite, row: asyncpg.Record, state: str, came: Answered, now: datetime) -> None:
    await write.fetch(_TOLD, row["id"], state, came.status, came.detail or None, came.milliseconds, now)
