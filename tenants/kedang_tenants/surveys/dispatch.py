"""Inviting people to a survey (V3): whom, at which address, in which language, and whom not again so soon.

The chain: what happens (``occasions``) or somebody (``sending``) asks for a job; each of its steps
makes invitations here and asks, in the same transaction, for the jobs that mail them (``mailing``);
such a job hands the mails to the way out and asks for the one that follows what becomes of them.
Every link of the chain may be repeated: an invitation is made once for its ``occasion``, a mail once
for its key.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.i18n import Language
from kedang_platform.ids import new_id
from kedang_platform.observing import metrics
from kedang_platform.secret_links import token_hash
from kedang_platform.secrets import SecretKey
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.catalogue.languages import language_code
from kedang_tenants.changing import audit
from kedang_tenants.correspondence import Planned, Recipient, Sending, plan_sending, record_sent
from kedang_tenants.customers.consents import SURVEY
from kedang_tenants.reading import Viewer
from kedang_tenants.surveys.links import invitation_token, mail_key
from kedang_tenants.surveys.models import COOLDOWN, MYSTERY_VISIT, NO_ADDRESS, SAME_ADDRESS

MAIL: Final = "surveys.mail"
CHUNK: Final = 250
"""Invitations that one job mails."""
_CHINESE: Final = frozenset({"CN", "HK", "MO", "TW"})

# Held against being put to rest while invitations are made; several may make them at once.
_ASKING = """
SELECT id, current_version_id AS version_id, cooldown_days, expires_after_days, delay_days, request_kinds
FROM questionnaire
WHERE active AND archived_at IS NULL AND current_version_id IS NOT NULL AND trigger <> $3
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
_SENT_TO = """
SELECT recipient FROM survey_invitation WHERE sending_id = $1 AND recipient = ANY($2::text[]) AND state <> 'SKIPPED'
"""
_INVITED = """
SELECT DISTINCT contact_id FROM survey_invitation
WHERE contact_id = ANY($1::uuid[]) AND due_at > $2 AND due_at < $3
  AND state NOT IN ('SKIPPED', 'CANCELLED', 'BOUNCED') AND archived_at IS NULL
"""
_INSERT = """
INSERT INTO survey_invitation (id, version, created_at, updated_at, custom, questionnaire_id, version_id, customer_id,
    contact_id, subject, occasion, channel, recipient, language, state, skipped_because, token_hash, due_at, expires_at,
    reminders, sending_id)
SELECT id, 1, $12, $12, '{}', $13, $14, customer_id, contact_id, subject, occasion, 'EMAIL', recipient, language,
       CASE WHEN reason IS NULL THEN 'PENDING' ELSE 'SKIPPED' END, reason, hash, due_at, expires_at, 0, $15
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bytea[],
            $10::timestamptz[], $11::timestamptz[])
     AS given (id, customer_id, contact_id, subject, occasion, recipient, language, reason, hash, due_at, expires_at)
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
    delay: timedelta = timedelta()
    request_kinds: Sequence[str] | None = None


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
            delay=timedelta(days=row["delay_days"]),
            request_kinds=row["request_kinds"] or None,
        )
        for row in await write.fetch(_ASKING, questionnaire_id, trigger, MYSTERY_VISIT)
    ]


async def invite(
    write: TenantWrite,
    viewer: Viewer,
    asked: Asking,
    invitees: Sequence[Invitee],
    *,
    secret: SecretKey,
    due_at: datetime,
    clock: Clock,
    sending_id: UUID | None = None,
) -> Invited:
    """Make the invitations that are not made yet and have them mailed from ``due_at`` on, outside quiet hours.

    Noted as skipped is whoever has no address, was invited to any survey less than the cooldown before or after,
    may not be written to or was written to often enough (``correspondence``), or has an address that the same
    sending has invited already. The contacts are held, so that of two surveys at once one invites.
    """
    addresses = await _addresses(write, invitees)
    contacts = sorted({row["contact_id"] for row in addresses if row["contact_id"]})
    await write.fetch(_HOLD, contacts)
    made = {row["occasion"] for row in await write.fetch(_MADE, [_occasion(asked, i) for i in invitees])}
    chosen = [
        _Chosen(invitee, address, _occasion(asked, invitee))
        for invitee, address in zip(invitees, addresses, strict=True)
        if _occasion(asked, invitee) not in made
    ]
    refused = _Refusing(
        invited=await _invited(write, asked, contacts, due_at),
        named=await _named(write, sending_id, addresses),
        cooldown=bool(asked.cooldown),
        once_an_address=sending_id is not None,
    )
    reasons = [refused.reason(each.address) for each in chosen]
    planned = await _plan(write, viewer, chosen, reasons, due_at=due_at, clock=clock)
    rows = [
        _row(asked, each, plan, viewer, secret=secret, due_at=plan.at or due_at)
        for each, plan in zip(chosen, planned, strict=True)
    ]
    return await _store(write, viewer, asked, rows, sending_id=sending_id, clock=clock)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Whom to invite, and the address that was found for them."""

    invitee: Invitee
    address: asyncpg.Record
    occasion: str


@dataclass(slots=True)
class _Refusing:
    """What is known of those who are asked already; whoever is let through belongs to them from then on."""

    invited: set[UUID]
    named: set[str]
    cooldown: bool
    once_an_address: bool

    def reason(self, address: asyncpg.Record) -> str | None:
        contact, email = address["contact_id"], address["email"]
        if contact is None:
            return NO_ADDRESS
        if self.once_an_address and email in self.named:
            return SAME_ADDRESS
        if self.cooldown and contact in self.invited:
            return COOLDOWN
        self.invited.add(contact)
        self.named.add(email)
        return None


async def _addresses(read: TenantRead, invitees: Sequence[Invitee]) -> list[asyncpg.Record]:
    return await read.fetch(
        _ADDRESSES,
        [each.customer_id for each in invitees],
        [each.contact_id for each in invitees],
        [each.only for each in invitees],
    )


async def _invited(read: TenantRead, asked: Asking, contacts: Sequence[UUID], due_at: datetime) -> set[UUID]:
    if not asked.cooldown:
        return set()
    since, until = due_at - asked.cooldown, due_at + asked.cooldown
    return {row["contact_id"] for row in await read.fetch(_INVITED, contacts, since, until)}


async def _named(read: TenantRead, sending_id: UUID | None, addresses: Sequence[asyncpg.Record]) -> set[str]:
    """The addresses that the same sending has invited already: a mailbox that two customers share gets one mail."""
    if sending_id is None:
        return set()
    emails = [row["email"] for row in addresses if row["email"]]
    return {row["recipient"] for row in await read.fetch(_SENT_TO, sending_id, emails)}


async def _plan(
    write: TenantWrite,
    viewer: Viewer,
    chosen: Sequence[_Chosen],
    reasons: Sequence[str | None],
    *,
    due_at: datetime,
    clock: Clock,
) -> list[Planned]:
    """When each is written to, or why not: the reason that is known already, or the one that correspondence has."""
    open_ones = [each for each, reason in zip(chosen, reasons, strict=True) if reason is None]
    recipients = [
        Recipient(each.invitee.customer_id, each.address["email"], each.address["contact_id"])
        for each in open_ones
    ]
    found = await plan_sending(write, viewer, recipients, kind=SURVEY, clock=clock, not_before=due_at)
    plans = iter(found)
    return [Planned(None, reason) if reason else next(plans) for reason in reasons]


def _occasion(asked: Asking, invitee: Invitee) -> str:
    return f"{asked.id.hex}:{invitee.occasion}"


class _Row(NamedTuple):
    """One row, its values in the order in which the statement takes them."""

    id: UUID
    customer_id: UUID
    contact_id: UUID | None
    subject: str | None
    occasion: str
    recipient: str | None
    language: str
    reason: str | None
    hash: bytes
    due_at: datetime
    expires_at: datetime


def _row(
    asked: Asking, chosen: _Chosen, plan: Planned, viewer: Viewer, *, secret: SecretKey, due_at: datetime
) -> _Row:
    invitation_id = new_id()
    address, invitee = chosen.address, chosen.invitee
    return _Row(
        invitation_id,
        invitee.customer_id,
        address["contact_id"],
        invitee.subject,
        chosen.occasion,
        address["email"],
        language_code(_language(address["country"], viewer.language)),
        plan.refusal,
        token_hash(invitation_token(secret, invitation_id)),
        due_at,
        end_of_day(due_at + asked.lifetime, ZoneInfo(viewer.time_zone)),
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
    rows: Sequence[_Row],
    *,
    sending_id: UUID | None,
    clock: Clock,
) -> Invited:
    if not rows:
        return Invited()
    columns = [list(column) for column in zip(*rows, strict=True)]
    made = await write.fetch(_INSERT, *columns, clock.now(), asked.id, asked.version_id, sending_id)
    noted = [("survey_invitation", "created", row["id"], _noted(asked, row["state"])) for row in made]
    await audit(write, viewer, noted, clock=clock)
    stored = {row["id"] for row in made}
    going = [row for row in rows if row.reason is None and row.id in stored]
    await _count(write, going)
    await mail_later(write, {row.id: row.due_at for row in going})
    skipped = Counter(row.reason for row in rows if row.reason and row.id in stored)
    return Invited(len(going), dict(skipped))


async def _count(write: TenantWrite, rows: Sequence[_Row]) -> None:
    """Let the mails count among all that these people are sent."""
    sendings = [
        Sending(
            Recipient(row.customer_id, row.recipient or "", row.contact_id),
            mail_key(write.company, row.id),
            row.due_at,
        )
        for row in rows
    ]
    await record_sent(write, sendings, kind=SURVEY)
    metrics.INVITATIONS.labels("invited").inc(len(sendings))


def end_of_day(moment: datetime, zone: ZoneInfo) -> datetime:
    """The end of the day of a moment: the mail names the day until which one can answer, and means all of it."""
    day = moment.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _noted(asked: Asking, state: str) -> Mapping[str, object]:
    return {"questionnaire_id": [None, asked.id.hex], "state": [None, state]}


async def mail_later(write: TenantWrite, due: Mapping[UUID, datetime], *, reminder: int = 0) -> None:
    """Ask for the mails of these invitations at their times, ``CHUNK`` a job; ``reminder`` counts from 1."""
    together: dict[datetime, list[str]] = defaultdict(list)
    for invitation_id, due_at in due.items():
        together[due_at].append(str(invitation_id))
    jobs = [
        NewJob(MAIL, {"invitations": ids[begin : begin + CHUNK], "reminder": reminder}, due_at=due_at)
        for due_at, ids in together.items()
        for begin in range(0, len(ids), CHUNK)
    ]
    await enqueue(write, *jobs)
