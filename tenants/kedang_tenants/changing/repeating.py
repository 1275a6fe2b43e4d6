"""Answers that are kept under the key of their caller, so that a change asked for again is not made again.

The row of a key is written in the transaction of the change: there is either both or neither, whatever
breaks when. It is kept for ``KEPT``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import DateTime, LargeBinary, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.database.errors import DatabaseBusy
from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import Base

KEPT = timedelta(hours=24)
FORGET = "changing.forget_answers"
_AT_ONCE = 5_000


class IdempotencyKeyReused(KedangError):
    """The key was used for another request."""


class IdempotencyInProgress(KedangError):
    """A request with this key is under way; whoever asks again later gets its answer."""

    passing = True


class KeptAnswer(Base):
    """What was answered to a member's request with a key; ``response`` is JSON, None only while it is made."""

    __tablename__ = "kept_answer"

    actor_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    key: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    request: Mapped[bytes] = mapped_column(LargeBinary)
    response: Mapped[str | None] = mapped_column(Text(collation="C"))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks under which key; ``request`` is the SHA-256 of all that is asked."""

    actor_id: UUID
    key: str
    request: bytes


_CLAIM = """
INSERT INTO kept_answer (actor_id, key, request, created_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (actor_id, key) DO UPDATE
  SET request = EXCLUDED.request, response = NULL, created_at = EXCLUDED.created_at
  WHERE kept_answer.created_at <= $5
RETURNING TRUE"""


async def answered_before(write: TenantWrite, asked: Asked, *, clock: Clock) -> str | None:
    """The answer that is kept for this request; None when it is to be made now, in this transaction.

    Waits for another transaction with the same key as long as the database waits for a lock. Raises
    IdempotencyInProgress when it does not end, IdempotencyKeyReused when the key was another request's.
    """
    now = clock.now()
    try:
        new = await write.fetchval(_CLAIM, asked.actor_id, asked.key, asked.request, now, now - KEPT)
    except DatabaseBusy as error:
        raise in_progress() from error
    if new:
        return None
    row = await write.fetchrow(
        "SELECT request, response FROM kept_answer WHERE actor_id = $1 AND key = $2",
        asked.actor_id,
        asked.key,
    )
    if row is None or row["response"] is None:  # removed in between: it was a day old
        raise in_progress()
    if row["request"] != asked.request:
        raise IdempotencyKeyReused(msg("This idempotency key was used for another request."))
    return str(row["response"])


async def keep_answer(write: TenantWrite, asked: Asked, response: str) -> None:
    """Keep the answer beside what was changed, in the transaction that ``answered_before`` was asked in."""
    await write.fetch(
        "UPDATE kept_answer SET response = $3 WHERE actor_id = $1 AND key = $2",
        asked.actor_id,
        asked.key,
        response,
    )


async def forget_answers(write: TenantWrite, *, now: datetime) -> bool:
    """Remove a part of the answers that were kept long enough; whether there may be more."""
    removed = await write.fetch(
        "DELETE FROM kept_answer WHERE (actor_id, key) IN"
        " (SELECT actor_id, key FROM kept_answer WHERE created_at <= $1 LIMIT $2) RETURNING TRUE",
        now - KEPT,
        _AT_ONCE,
    )
    return len(removed) == _AT_ONCE


def in_progress() -> IdempotencyInProgress:
    return IdempotencyInProgress(msg("A request with this idempotency key is under way. Please try again."))
