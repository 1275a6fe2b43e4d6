"""Inviting people to a survey (V3): whom, at which address, in which language, and whom not again so soon.

The chain: what happens (``occasions``) or somebody (``by_hand``) asks for a job; each of its steps
makes up to ``CHUNK`` invitations here and asks, in the same transaction, for the job that mails
them (``mailing``); that job hands the mails to the way out and asks for the one that follows what
becomes of them. Every link of the chain may be repeated: an invitation is made once for its
``occasion``, a mail once for its key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.i18n import Language
from kedang_platform.ids import new_id
from kedang_platform.secrets import SecretKey
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.catalogue.languages import language_code
from kedang_tenants.changing import audit
from kedang_tenants.customers.consenting import Refusal, may_contact, recipient
from kedang_tenants.customers.consents import EMAIL, SURVEY
from kedang_tenants.reading import Viewer
from kedang_tenants.surveys.links import invitation_token, token_hash
from kedang_tenants.surveys.models import COOLDOWN, NO_ADDRESS, PENDING, SKIPPED

MAIL: Final = "surveys.mail"
CHUNK: Final = 250
"""Invitations that one step makes, and that one job mails."""
_CHINESE: Final = frozenset({"CN", "HK", "MO", "TW"})

# Held against being put to rest while invitations are made; several may make them at once.
_ASKING = """
SELECT id, current_version_id AS version_id, cooldown_days, expires_after_days FROM questionnaire
WHERE active AND archived_at IS NULL AND current_version_id IS NOT NULL
  AND ($1::uuid IS NULL OR id = $1) AND ($2::text IS NULL OR trigger = $2)
ORDER BY id FOR SHARE
"""
_ADDRESSES = """
SELECT asked.n, chosen.id AS contact_id, chosen.email, c.country
FROM unnest($1::uuid[], $2::uuid[], $3::boolean[]) WITH ORDINALITY AS asked (customer_id, contact_id, strict, n)
JOIN customer c ON c.id = asked.customer_id
LEFT JOIN LATERAL (
    SELECT k.id, k.email FROM contact k
    WHERE k.customer_id = asked.customer_id AND k.archived_at IS NULL AND k.email IS NOT NULL
      AND (NOT asked.strict OR k.id = asked.contact_id)
    ORDER BY (k.id = asked.contact_id) IS TRUE DESC, k."primary" DESC, k.created_at, k.id LIMIT 1
) chosen ON TRUE
ORDER BY asked.n
"""
_HOLD = "SELECT id FROM contact WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE"
_MADE = "SELECT occasion FROM survey_invitation WHERE occasion = ANY($1::text[])"
_INVITED = """
SELECT DISTINCT contact_id FROM survey_invitation
WHERE contact_id = ANY($1::uuid[]) AND due_at > $2 AND due_at < $3
  AND state NOT IN ('SKIPPED', 'CANCELLED', 'BOUNCED') AND archived_at IS NULL
"""
_INSERT = """
INSERT INTO survey_invitation (id, version, created_at, updated_at, custom, questionnaire_id, version_id, customer_id,
    contact_id, subject, occasion, channel, recipient, language, state, skipped_because, token_hash, due_at, expires_at)
SELECT id, 1, $10, $10, '{}', $11, $12, customer_id, contact_id, subject, occasion, 'EMAIL', recipient, language,
       CASE WHEN reason IS NULL THEN 'PENDING' ELSE 'SKIPPED' END, reason, hash, $13, $14
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bytea[])
     AS given (id, customer_id, contact_id, subject, occasion, recipient, language, reason, hash)
ON CONFLICT (occasion) DO NOTHING
RETURNING id, state, skipped_because
"""


@dataclass(frozen=True, slots=True)
class Asking:
    """A questionnaire that is sent out, with the version that new invitations ask."""

    id: UUID
    version_id: UUID
    cooldown: timedelta
    lifetime: timedelta


@dataclass(frozen=True, slots=True)
class Invited:
    """How many were invited, and how many were not, by the reason."""

    mailed: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: Invited) -> Invited:
        reasons = Counter(self.skipped) + Counter(other.skipped)
        return Invited(self.mailed + other.mailed, dict(reasons))


@dataclass(frozen=True, slots=True)
class Invitee:
    """Whom to invite for what: a customer, by ``contact_id`` if possible, or by nobody else (``only``).

    ``occasion`` names what it is for among all invitations to the questionnaire.
    """

    customer_id: UUID
    occasion: str
    contact_id: UUID | None = None
    only: bool = False
    subject: str | None = None


async def asking(write: TenantWrite, *, questionnaire_id: UUID | None, trigger: str | None) -> list[Asking]:
    """The active questionnaires with that id or trigger; they stay active until this transaction ends."""
    return [
        Asking(
            id=row["id"],
            version_id=row["version_id"],
            cooldown=timedelta(days=row["cooldown_days"]),
            lifetime=timedelta(days=row["expires_after_days"]),
        )
        for row in await write.fetch(_ASKING, questionnaire_id, trigger)
    ]


async def is_asked(read: TenantRead, trigger: str) -> bool:
    """Whether anything is sent out on that trigger at all."""
    return bool(
        await read.fetchval(
            "SELECT EXISTS (SELECT 1 FROM questionnaire WHERE active AND archived_at IS NULL AND trigger = $1)",
            trigger,
        )
    )


async def invite(
    write: TenantWrite,
    viewer: Viewer,
    asked: Asking,
    invitees: Sequence[Invitee],
    *,
    secret: SecretKey,
    due_at: datetime,
    clock: Clock,
) -> Invited:
    """Make the invitations that are not made yet and have them mailed at ``due_at``.

    Whoever was invited to any survey less than the cooldown before or after, who has no address, and who
    may not be written to (T9), is noted as skipped. The contacts are held, so that of two surveys at once one invites.
    """
    addresses = await write.fetch(
        _ADDRESSES,
        [each.customer_id for each in invitees],
        [each.contact_id for each in invitees],
        [each.only for each in invitees],
    )
    contacts = sorted({row["contact_id"] for row in addresses if row["contact_id"]})
    await write.fetch(_HOLD, contacts)
    made = {row["occasion"] for row in await write.fetch(_MADE, [_occasion(asked, i) for i in invitees])}
    invited = await _invited(write, asked, contacts, due_at)
    refusals = await _refusals(write, addresses)
    rows = []
    for invitee, address, refusal in zip(invitees, addresses, refusals, strict=True):
        if _occasion(asked, invitee) in made:
            continue
        made.add(_occasion(asked, invitee))
        reason = _reason(asked, address, refusal, invited)
        if reason is None:
            invited.add(address["contact_id"])
        rows.append(_row(asked, invitee, address, reason, viewer.language, secret))
    return await _store(write, viewer, asked, rows, due_at, clock)


async def _invited(
    read: TenantRead, asked: Asking, contacts: Sequence[UUID], due_at: datetime
) -> set[UUID | None]:
    if not asked.cooldown:
        return set()
    since, until = due_at - asked.cooldown, due_at + asked.cooldown
    return {row["contact_id"] for row in await read.fetch(_INVITED, contacts, since, until)}


async def _refusals(read: TenantRead, addresses: Sequence[asyncpg.Record]) -> list[Refusal | None]:
    """Who may not be sent surveys by mail, and why."""
    return await may_contact(
        read,
        channel=EMAIL,
        purpose=SURVEY,
        recipients=[recipient(contact_id=row["contact_id"], address=row["email"]) for row in addresses],
    )


def _reason(
    asked: Asking, address: asyncpg.Record, refusal: Refusal | None, invited: set[UUID | None]
) -> str | None:
    if address["contact_id"] is None:
        return NO_ADDRESS
    if refusal is not None:
        return refusal
    return COOLDOWN if asked.cooldown and address["contact_id"] in invited else None


def _occasion(asked: Asking, invitee: Invitee) -> str:
    return f"{asked.id.hex}:{invitee.occasion}"


def _row(
    asked: Asking,
    invitee: Invitee,
    address: asyncpg.Record,
    reason: str | None,
    language: str,
    secret: SecretKey,
) -> tuple[object, ...]:
    invitation_id = new_id()
    return (
        invitation_id,
        invitee.customer_id,
        address["contact_id"],
        invitee.subject,
        _occasion(asked, invitee),
        address["email"],
        language_code(_language(address["country"], language)),
        reason,
        token_hash(invitation_token(secret, invitation_id)),
    )


def _language(country: str | None, own: str) -> Language:
    """The language to write in to a customer: that of its country, the company's own where none is known."""
    if country is None:
        return "zh-CN" if own == "zh-CN" else "en"
    return "zh-CN" if country in _CHINESE else "en"


async def _store(
    write: TenantWrite,
    viewer: Viewer,
    asked: Asking,
    rows: Sequence[tuple[object, ...]],
    due_at: datetime,
    clock: Clock,
) -> Invited:
    if not rows:
        return Invited()
    columns = [list(column) for column in zip(*rows, strict=True)]
    expires_at = _end_of(due_at + asked.lifetime, ZoneInfo(viewer.time_zone))
    made = await write.fetch(_INSERT, *columns, clock.now(), asked.id, asked.version_id, due_at, expires_at)
    noted = [("survey_invitation", "created", row["id"], _noted(asked, row["state"])) for row in made]
    await audit(write, viewer, noted, clock=clock)
    pending = [row["id"] for row in made if row["state"] == PENDING]
    await mail_later(write, pending, due_at=due_at)
    skipped = Counter(row["skipped_because"] for row in made if row["state"] == SKIPPED)
    return Invited(len(pending), dict(skipped))


def _end_of(moment: datetime, zone: ZoneInfo) -> datetime:
    """The end of the day of a moment: the mail names the day until which one can answer, and means all of it."""
    day = moment.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _noted(asked: Asking, state: str) -> Mapping[str, object]:
    assert state in {PENDING, SKIPPED}
    return {"questionnaire_id": [None, asked.id.hex], "state": [None, state]}


async def mail_later(
    write: TenantWrite, invitations: Sequence[UUID], *, due_at: datetime | None = None, reminder: bool = False
) -> None:
    """Ask for the mails of these invitations, ``CHUNK`` a job."""
    for begin in range(0, len(invitations), CHUNK):
        ids = [str(each) for each in invitations[begin : begin + CHUNK]]
        await enqueue(write, NewJob(MAIL, {"invitations": ids, "reminder": reminder}, due_at=due_at))
