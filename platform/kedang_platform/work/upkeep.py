"""Keeping the table small: ended jobs are removed after a while."""

from __future__ import annotations

from datetime import timedelta

from kedang_platform.database import ControlTransaction

KEEP_ENDED = timedelta(days=7)
KEEP_FAILED = timedelta(days=30)
BATCH = 5_000

_REMOVE = """
DELETE FROM work.job WHERE id IN (
    SELECT id FROM work.job
    WHERE finished_at < now() - $1::interval AND (state <> 'failed' OR finished_at < now() - $2::interval)
    LIMIT $3 FOR UPDATE SKIP LOCKED
)
RETURNING id
"""


async def remove_ended(tx: ControlTransaction) -> int:
    """Remove up to ``BATCH`` jobs that ended long ago (failed ones are kept longer); returns how many."""
    return len(await tx.fetch(_REMOVE, KEEP_ENDED, KEEP_FAILED, BATCH))
