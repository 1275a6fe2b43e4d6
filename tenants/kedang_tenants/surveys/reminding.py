"""Reminding of surveys that are not answered, once, and ending those that nobody answered in time (V3)."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.work.parts import Part
from kedang_tenants.surveys.dispatch import CHUNK, mail_later

REMIND: Final = "surveys.remind"
EXPIRE: Final = "surveys.expire"
EXPIRED_A_STEP: Final = 1_000

_DUE = """
FROM survey_invitation i JOIN questionnaire q ON q.id = i.questionnaire_id AND q.active
JOIN customer c ON c.id = i.customer_id AND c.archived_at IS NULL LEFT JOIN contact k ON k.id = i.contact_id
WHERE i.state IN ('SENT', 'OPENED') AND i.channel = 'EMAIL' AND i.reminded_at IS NULL AND i.archived_at IS NULL
  AND k.archived_at IS NULL AND i.expires_at > $1 AND i.sent_at <= $1 - make_interval(days => q.remind_after_days)
"""
_COUNT = f"SELECT count(*) {_DUE}"
_REMIND = f"""
UPDATE survey_invitation SET reminded_at = $1, updated_at = $1, version = version + 1
WHERE id IN (
    SELECT i.id {_DUE} AND ($2::uuid IS NULL OR i.id > $2) ORDER BY i.id LIMIT $3 FOR UPDATE OF i
)
RETURNING id
"""
_LATE = "FROM survey_invitation WHERE state IN ('PENDING', 'SENT', 'OPENED') AND expires_at <= $1"
_COUNT_LATE = f"SELECT count(*) {_LATE}"
_EXPIRE = f"""
UPDATE survey_invitation SET state = 'EXPIRED', updated_at = $1, version = version + 1
WHERE id IN (SELECT id {_LATE} AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3 FOR UPDATE)
RETURNING id
"""


async def count_unanswered(read: TenantRead, *, clock: Clock) -> int:
    """How many invitations a reminder is due for."""
    return int(await read.fetchval(_COUNT, clock.now()))


async def remind_part(write: TenantWrite, *, after: UUID | None, clock: Clock) -> Part:
    """Remind of the next ``CHUNK`` unanswered invitations behind the id ``after``: noted and asked for at once."""
    rows = await write.fetch(_REMIND, clock.now(), after, CHUNK)
    ids = sorted(row["id"] for row in rows)
    await mail_later(write, ids, reminder=True)
    return _part(ids, CHUNK)


async def count_late(read: TenantRead, *, clock: Clock) -> int:
    """How many invitations have run out of time."""
    return int(await read.fetchval(_COUNT_LATE, clock.now()))


async def expire_part(write: TenantWrite, *, after: UUID | None, clock: Clock) -> Part:
    """End the next invitations behind the id ``after`` that nobody answered in time."""
    rows = await write.fetch(_EXPIRE, clock.now(), after, EXPIRED_A_STEP)
    return _part(sorted(row["id"] for row in rows), EXPIRED_A_STEP)


def _part(ids: list[UUID], limit: int) -> Part:
    return Part(last=ids[-1] if len(ids) == limit else None, seen=len(ids), changed=len(ids))
