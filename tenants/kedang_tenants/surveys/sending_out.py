"""Carrying a sending out: step after step over its audience, each committed with how far it has come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.registry import Company
from kedang_platform.secrets import SecretKey
from kedang_platform.work.parts import Part
from kedang_tenants.correspondence import take_back
from kedang_tenants.people.viewers import load_viewer, system_viewer
from kedang_tenants.reading import Viewer
from kedang_tenants.surveys.audience import Audience, count_audience, invitee_of, next_of_audience
from kedang_tenants.surveys.dispatch import Invited, asking, invite, mail_later
from kedang_tenants.surveys.links import mail_key
from kedang_tenants.surveys.sending import audience_of, set_state
from kedang_tenants.surveys.sending_models import (
    DONE,
    FAILED,
    QUESTIONNAIRE_INACTIVE,
    RUNNING,
    SCHEDULED,
    SENDER_LEFT,
)

STEP: Final = 1_000
"""Invitations that one transaction makes; between two of them a sending can be held or called off."""
_SENDING = """
SELECT id, questionnaire_id, started_by_id, state, send_at, total, audience, place, seen, invited FROM survey_sending
WHERE id = $1 FOR UPDATE
"""
_ADVANCE = """
UPDATE survey_sending SET total = $2, seen = seen + $3, invited = invited + $4, left_out = left_out + $5,
    place = $6::jsonb, updated_at = $7, version = version + 1
WHERE id = $1
"""


@dataclass(frozen=True, slots=True)
class _Place:
    """Everybody of the parts before ``part``, and of it up to the id ``after``, is behind us."""

    part: int = 0
    after: str | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, stored: str | None) -> _Place:
        return cls(**orjson.loads(stored)) if stored else cls()

    def beyond(self, found: Sequence[tuple[UUID, UUID]], invited: Invited) -> _Place:
        """The place behind those who were found now."""
        left_out = dict(Counter(self.left_out) + Counter(invited.skipped))
        if len(found) < STEP:
            return _Place(self.part + 1, None, left_out)
        return _Place(self.part, str(found[-1][0]), left_out)


@dataclass(frozen=True, slots=True)
class Stepped:
    """How far a sending is in all; ``over`` when there is nothing more to do for this job."""

    over: bool
    seen: int
    total: int
    invited: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)


async def send_part(
    write: TenantWrite, *, company: Company, sending_id: UUID, secret: SecretKey, clock: Clock
) -> Stepped:
    """Invite the next ``STEP`` of the audience. Repeating a step that was lost invites nobody twice."""
    row = await write.fetchrow(_SENDING, sending_id)
    if row is None:
        return Stepped(over=True, seen=0, total=0)
    if row["state"] not in {SCHEDULED, RUNNING}:
        return _ended(row)
    product = await system_viewer(write, company=company)
    sender = await _sender(write, company, row["started_by_id"], clock)
    if sender is None:
        return await _fail(write, product, row, SENDER_LEFT, clock)
    asked = await asking(write, questionnaire_id=row["questionnaire_id"], trigger=None)
    if not asked:
        return await _fail(write, product, row, QUESTIONNAIRE_INACTIVE, clock)
    if row["state"] == SCHEDULED:
        await set_state(write, product, sending_id, {"state": RUNNING}, clock=clock)
    parts, place = audience_of(row["audience"]), _Place.of(row["place"])
    total = row["total"]
    if total is None:
        total = sum([await count_audience(write, sender, part) for part in parts])
    found = await _next(write, sender, parts, place)
    invited = await invite(
        write,
        product,
        asked[0],
        [invitee_of(parts[place.part], *each, sending_id=sending_id) for each in found],
        secret=secret,
        due_at=max(row["send_at"], clock.now()),
        clock=clock,
        sending_id=sending_id,
    )
    place = place.beyond(found, invited)
    await _advance(write, sending_id, total, len(found), invited, place, clock)
    over = place.part >= len(parts)
    if over:
        values: dict[str, object] = {"state": DONE, "finished_at": clock.now()}
        await set_state(write, product, sending_id, values, clock=clock)
    seen = row["seen"] + len(found)
    return Stepped(over, seen, max(total, seen), row["invited"] + invited.mailed, place.left_out)


async def _next(
    read: TenantRead, sender: Viewer, parts: Sequence[Audience], place: _Place
) -> list[tuple[UUID, UUID]]:
    if place.part >= len(parts):
        return []
    after = UUID(place.after) if place.after else None
    return await next_of_audience(read, sender, parts[place.part], after=after, most=STEP)


async def _sender(read: TenantRead, company: Company, member_id: UUID | None, clock: Clock) -> Viewer | None:
    if member_id is None:
        return await system_viewer(read, company=company)
    return await load_viewer(read, company=company, member_id=member_id, clock=clock)


async def _advance(
    write: TenantWrite, sending_id: UUID, total: int, seen: int, invited: Invited, place: _Place, clock: Clock
) -> None:
    kept: dict[str, Any] = {"part": place.part, "after": place.after, "left_out": dict(place.left_out)}
    await write.fetch(
        _ADVANCE,
        sending_id,
        total,
        seen,
        invited.mailed,
        sum(invited.skipped.values()),
        orjson.dumps(kept).decode(),
        clock.now(),
    )


async def _fail(
    write: TenantWrite, viewer: Viewer, row: asyncpg.Record, reason: str, clock: Clock
) -> Stepped:
    await fail_sending(write, viewer, sending_id=row["id"], reason=reason, clock=clock)
    return _ended(row)


def _ended(row: asyncpg.Record) -> Stepped:
    return Stepped(
        over=True,
        seen=row["seen"],
        total=row["total"] or 0,
        invited=row["invited"],
        left_out=_Place.of(row["place"]).left_out,
    )


async def fail_sending(
    write: TenantWrite, viewer: Viewer, *, sending_id: UUID, reason: str, clock: Clock
) -> None:
    """Note why a sending ended before its end; what was sent stays sent."""
    row = await write.fetchrow(_SENDING, sending_id)
    if row is not None and row["state"] in {SCHEDULED, RUNNING}:
        values: dict[str, object] = {
            "state": FAILED,
            "failed_because": reason,
            "finished_at": clock.now(),
        }
        await set_state(write, viewer, sending_id, values, clock=clock)


REMINDED_WITHIN: Final = timedelta(days=14)
"""How long ago a reminder may have been due that is made up for when a sending goes on."""
_WAITING = """
SELECT id, CASE WHEN state = 'PENDING' THEN 0 ELSE reminders END AS reminder FROM survey_invitation
WHERE sending_id = $1 AND ($3::uuid IS NULL OR id > $3) AND (
    (state = 'PENDING' AND due_at <= $2)
    OR (state IN ('SENT', 'OPENED') AND reminders > 0 AND reminded_at BETWEEN $5 AND $2)
)
ORDER BY id LIMIT $4
"""


async def mail_again(write: TenantWrite, *, sending_id: UUID, after: UUID | None, clock: Clock) -> Part:
    """Ask once more for mails of a sending that were passed by, or kept back, while it was held.

    Asking for what has left already sends nothing: a mail is known by its key.
    """
    now = clock.now()
    rows = await write.fetch(_WAITING, sending_id, now, after, STEP, now - REMINDED_WITHIN)
    for reminder in sorted({row["reminder"] for row in rows}):
        due = {row["id"]: now for row in rows if row["reminder"] == reminder}
        await mail_later(write, due, reminder=reminder)
    last = rows[-1]["id"] if len(rows) == STEP else None
    return Part(last=last, seen=len(rows), changed=len(rows))


_CANCEL = """
UPDATE survey_invitation SET state = 'CANCELLED', updated_at = $2, version = version + 1
WHERE id IN (
    SELECT id FROM survey_invitation WHERE sending_id = $1 AND state = 'PENDING' ORDER BY id LIMIT $3 FOR UPDATE
)
RETURNING id
"""


async def cancel_part(write: TenantWrite, *, sending_id: UUID, clock: Clock) -> Part:
    """End the next invitations of a sending that have not left; nobody counts them as written to."""
    ids = [row["id"] for row in await write.fetch(_CANCEL, sending_id, clock.now(), STEP)]
    await take_back(write, [mail_key(write.company, each) for each in ids])
    return Part(last=ids[-1] if len(ids) == STEP else None, seen=len(ids), changed=len(ids))
