"""Reminding of surveys that are not answered, and ending those that nobody answered in time (V3)."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.observing import metrics
from kedang_platform.work.parts import Part
from kedang_tenants.correspondence import Planned, Recipient, Sending, plan_sending, record_sent
from kedang_tenants.customers.consents import SURVEY
from kedang_tenants.reading import Viewer
from kedang_tenants.surveys.dispatch import CHUNK, mail_later
from kedang_tenants.surveys.links import mail_key

REMIND: Final = "surveys.remind"
EXPIRE: Final = "surveys.expire"
EXPIRED_A_STEP: Final = 1_000

# Those from before reminders were counted were reminded once. An hour's grace keeps the time of the day from wandering.
_TIMES = "greatest(i.reminders, (i.reminded_at IS NOT NULL)::int)"
_DUE = f"""
FROM survey_invitation i JOIN questionnaire q ON q.id = i.questionnaire_id AND q.active
JOIN customer c ON c.id = i.customer_id AND c.archived_at IS NULL LEFT JOIN contact k ON k.id = i.contact_id
LEFT JOIN survey_sending s ON s.id = i.sending_id
WHERE i.state IN ('SENT', 'OPENED') AND i.channel = 'EMAIL' AND i.archived_at IS NULL AND i.recipient IS NOT NULL
  AND k.archived_at IS NULL AND i.expires_at > $1 AND s.state IS DISTINCT FROM 'CANCELLED'
  AND s.state IS DISTINCT FROM 'PAUSED' AND {_TIMES} < q.reminders_at_most
  AND coalesce(i.reminded_at - interval '1 hour', i.sent_at) <= $1 - make_interval(days => q.remind_after_days)
"""
_COUNT = f"SELECT count(*) {_DUE}"
_FIND = f"""
SELECT i.id, i.customer_id, i.contact_id, i.recipient, i.expires_at, {_TIMES} + 1 AS number
{_DUE} AND ($2::uuid IS NULL OR i.id > $2) ORDER BY i.id LIMIT $3 FOR UPDATE OF i
"""
_REMIND = """
UPDATE survey_invitation i SET reminded_at = given.at, reminders = given.number, updated_at = $4, version = i.version + 1
FROM unnest($1::uuid[], $2::timestamptz[], $3::int[]) AS given (id, at, number) WHERE i.id = given.id
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


async def remind_part(write: TenantWrite, viewer: Viewer, *, after: UUID | None, clock: Clock) -> Part:
    """Remind of the next ``CHUNK`` unanswered invitations behind the id ``after``: noted and asked for at once.

    A reminder counts like any mail to that person, and goes outside quiet hours; who may not be written to, or
    not again so soon, is looked at anew the next day.
    """
    rows = await write.fetch(_FIND, clock.now(), after, CHUNK)
    recipients = [Recipient(row["customer_id"], row["recipient"], row["contact_id"]) for row in rows]
    planned = await plan_sending(write, viewer, recipients, kind=SURVEY, clock=clock)
    going = [
        (row, plan)
        for row, plan in zip(rows, planned, strict=True)
        if plan.at is not None and plan.at < row["expires_at"]
    ]
    await _note(write, going, clock)
    ids = [row["id"] for row in rows]
    return Part(last=ids[-1] if len(ids) == CHUNK else None, seen=len(ids), changed=len(going))


async def _note(write: TenantWrite, going: list[tuple[asyncpg.Record, Planned]], clock: Clock) -> None:
    if not going:
        return
    times = {row["id"]: plan.at or clock.now() for row, plan in going}
    numbers = [row["number"] for row, _ in going]
    await write.fetch(_REMIND, list(times), list(times.values()), numbers, clock.now())
    sendings = [
        Sending(
            Recipient(row["customer_id"], row["recipient"], row["contact_id"]),
            mail_key(write.company, row["id"], reminder=row["number"]),
            times[row["id"]],
        )
        for row, _ in going
    ]
    await record_sent(write, sendings, kind=SURVEY)
    metrics.INVITATIONS.labels("reminded").inc(len(sendings))
    for number in sorted(set(numbers)):
        due = {row["id"]: times[row["id"]] for row, _ in going if row["number"] == number}
        await mail_later(write, due, reminder=number)


async def count_late(read: TenantRead, *, clock: Clock) -> int:
    """How many invitations have run out of time."""
    return int(await read.fetchval(_COUNT_LATE, clock.now()))


async def expire_part(write: TenantWrite, *, after: UUID | None, clock: Clock) -> Part:
    """End the next invitations behind the id ``after`` that nobody answered in time."""
    rows = await write.fetch(_EXPIRE, clock.now(), after, EXPIRED_A_STEP)
    ids = sorted(row["id"] for row in rows)
    return Part(last=ids[-1] if len(ids) == EXPIRED_A_STEP else None, seen=len(ids), changed=len(ids))
