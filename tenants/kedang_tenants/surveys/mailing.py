"""The mails of a survey: what an invitation and its reminder say, and what became of them (V3).

A mail is keyed by its invitation, and its link is worked out from the invitation's id: sent again
after an unknown outcome, it has the same Message-ID and the same link.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.i18n import msg, translate
from kedang_platform.mail import Bounced, Letter, Outgoing, on_bounce
from kedang_platform.registry import Company
from kedang_platform.secrets import SecretKey
from kedang_tenants.catalogue.languages import language_of
from kedang_tenants.correspondence import (
    Recipient,
    Templates,
    letter_from_template,
    load_templates,
    may_write,
    sender_of,
    take_back,
)
from kedang_tenants.correspondence.template_kinds import SURVEY_INVITATION, SURVEY_REMINDER
from kedang_tenants.customers import consenting
from kedang_tenants.customers.consents import SURVEY
from kedang_tenants.customers.unsubscribing import Unsubscription, unsubscribe_link
from kedang_tenants.surveys.links import invitation_of, mail_key, survey_link
from kedang_tenants.surveys.models import (
    BOUNCED,
    CANCELLED,
    DELIVERY_MADE,
    MAINTENANCE_DONE,
    MAINTENANCE_DUE,
    NO_ADDRESS,
    OPTED_OUT,
    ORDER_PLACED,
    PUT_AWAY,
    REQUEST_CLOSED,
    SENT,
    SKIPPED,
    SUPPRESSED,
)
from kedang_tenants.surveys.sheets import last_day
from kedang_tenants.surveys.subjects import names_of

FOLLOW: Final = "surveys.follow_mails"
"""The kind of job that notes what became of the mails of ``invitations``, asked for again until that is known."""
_Outcome: TypeAlias = tuple[str, str | None]
"""The state of an invitation, and the reason where its mail was not sent."""
_FIRST_LOOK: Final = timedelta(seconds=5)
_LONGEST_WAIT: Final = timedelta(minutes=10)
_LOOKS: Final = 300  # about two days: by then no mail is tried again

_TO_MAIL = """
SELECT i.id, i.recipient, i.language, i.subject, i.expires_at, q.trigger, c.name AS customer, k.name AS contact,
       i.contact_id, i.customer_id, i.sending_id, c.archived_at IS NOT NULL OR k.archived_at IS NOT NULL AS put_away
FROM survey_invitation i
JOIN questionnaire q ON q.id = i.questionnaire_id
JOIN customer c ON c.id = i.customer_id
LEFT JOIN contact k ON k.id = i.contact_id
LEFT JOIN survey_sending s ON s.id = i.sending_id
WHERE i.id = ANY($1::uuid[]) AND i.archived_at IS NULL AND i.expires_at > $2 AND i.state = ANY($3::text[])
  AND q.active AND (s.id IS NULL OR s.state NOT IN ('PAUSED', 'CANCELLED'))
ORDER BY i.id
"""
# Whoever opened the link was faster than this note; the mail was sent all the same. A mail may come back days later.
# One that had left when it was called off has arrived: it may be answered.
_NOTE = """
UPDATE survey_invitation i SET
    state = CASE WHEN i.state = 'PENDING' OR (i.state = 'SENT' AND given.state = 'BOUNCED')
                     OR (i.state = 'CANCELLED' AND given.state = 'SENT') THEN given.state
                 ELSE i.state END,
    sent_at = CASE WHEN given.state = 'SENT' THEN coalesce(i.sent_at, $4) ELSE i.sent_at END,
    skipped_because = CASE WHEN i.state = 'PENDING' THEN given.reason ELSE i.skipped_because END,
    updated_at = $4, version = i.version + 1
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS given (id, state, reason)
WHERE i.id = given.id AND i.state NOT IN ('BOUNCED', 'SKIPPED')
  AND (i.sent_at IS NULL OR (given.state = 'BOUNCED' AND i.state = 'SENT'))
"""
_WAITING: Final = frozenset({"queued", "sending"})
# A mail whose outcome stays unknown was most likely taken: it was handed over twice.
_OUTCOMES: Final[Mapping[str, _Outcome]] = {
    "sent": (SENT, None),
    "unknown": (SENT, None),
    "rejected": (BOUNCED, None),
    "bounced": (BOUNCED, None),
    "suppressed": (SKIPPED, SUPPRESSED),
}
_WITHHELD: Final = "withheld"
_LEAVE_OUT = """
UPDATE survey_invitation i SET state = 'SKIPPED', skipped_because = given.reason, updated_at = $3, version = i.version + 1
FROM unnest($1::uuid[], $2::text[]) AS given (id, reason)
WHERE i.id = given.id AND i.state = 'PENDING'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """What the mails of a company's surveys need beside the invitations."""

    company: Company
    secret: SecretKey
    base_url: str


async def survey_mails(
    read: TenantRead, office: Office, invitations: Sequence[UUID], *, reminder: int, clock: Clock
) -> list[Outgoing]:
    """The mails of those invitations that still wait for one: not answered, cancelled, held or expired meanwhile.

    Whoever was put away meanwhile, or whose customer was, or who wants no more surveys, gets none. They are worded
    by the company's templates and come from its sender.
    """
    rows = [row for row, refusal in await _waiting(read, invitations, reminder, clock) if refusal is None]
    if not rows:
        return []
    abouts = await names_of(read, [row["subject"] for row in rows if row["subject"]])
    templates = await load_templates(read, SURVEY_REMINDER if reminder else SURVEY_INVITATION)
    sender = await sender_of(read, company=office.company)
    return [
        Outgoing(
            _letter(office, templates, row, abouts.get(row["subject"], "")),
            row["recipient"],
            language_of(row["language"]),
            key=mail_key(read.company, row["id"], reminder=reminder),
            company=read.company,
            sender=sender,
            kind="survey",
        )
        for row in rows
    ]


async def pass_over(write: TenantWrite, invitations: Sequence[UUID], *, clock: Clock) -> None:
    """Note who gets no mail any more although they were to when they were invited, and why."""
    refused = {
        row["id"]: refusal
        for row, refusal in await _waiting(write, invitations, reminder=0, clock=clock)
        if refusal is not None
    }
    if refused:
        await write.fetch(_LEAVE_OUT, list(refused), list(refused.values()), clock.now())
        await take_back(write, [mail_key(write.company, each) for each in refused])


async def _waiting(
    read: TenantRead, invitations: Sequence[UUID], reminder: int, clock: Clock
) -> list[tuple[asyncpg.Record, str | None]]:
    """The invitations whose mail is due, each with what forbids it."""
    states = ["SENT", "OPENED"] if reminder else ["PENDING"]
    rows = await read.fetch(_TO_MAIL, list(invitations), clock.now(), states)
    reached = [row for row in rows if row["recipient"] and not row["put_away"]]
    refusals = dict(zip((row["id"] for row in reached), await _refusals(read, reached), strict=True))
    return [(row, _reason(row, refusals)) for row in rows]


def _reason(row: asyncpg.Record, refusals: Mapping[UUID, str | None]) -> str | None:
    if row["put_away"]:
        return PUT_AWAY
    return refusals[row["id"]] if row["recipient"] else NO_ADDRESS


async def _refusals(read: TenantRead, rows: Sequence[asyncpg.Record]) -> list[str | None]:
    recipients = [Recipient(row["customer_id"], row["recipient"], row["contact_id"]) for row in rows]
    return await may_write(read, recipients, kind=SURVEY)


_STILL_ASKED = """
SELECT TRUE FROM survey_invitation i
JOIN questionnaire q ON q.id = i.questionnaire_id
JOIN customer c ON c.id = i.customer_id
LEFT JOIN contact k ON k.id = i.contact_id
LEFT JOIN survey_sending s ON s.id = i.sending_id
WHERE i.id = $1 AND i.archived_at IS NULL AND i.expires_at > $2 AND i.state = ANY($3::text[]) AND q.active
  AND c.archived_at IS NULL AND k.archived_at IS NULL AND (s.id IS NULL OR s.state NOT IN ('PAUSED', 'CANCELLED'))
"""
# Kept back only for as long as their sending is held.
_HELD = """
SELECT i.id FROM survey_invitation i JOIN survey_sending s ON s.id = i.sending_id
WHERE i.id = ANY($1::uuid[]) AND i.state = 'PENDING' AND s.state = 'PAUSED'
"""


async def still_asked(read: TenantRead, invitation_id: UUID, reminder: bool, *, clock: Clock) -> bool:
    """Whether a mail that is about to leave is still wanted: its invitation not answered, held, called off or over (V3)."""
    states = ["SENT", "OPENED"] if reminder else ["PENDING"]
    return bool(await read.fetchval(_STILL_ASKED, invitation_id, clock.now(), states))


_OCCASIONS = {
    REQUEST_CLOSED: msg("you asked us for help (request {about}), which is done now. How was it?"),
    DELIVERY_MADE: msg("you have received a delivery from us ({about}). How satisfied are you?"),
    ORDER_PLACED: msg("you have ordered from us ({about}). How satisfied are you?"),
    MAINTENANCE_DONE: msg("we have maintained your product ({about}). How was it?"),
    MAINTENANCE_DUE: msg("maintenance of your product is due ({about}). How satisfied are you with it?"),
}
_BY_HAND = msg("we would like to know how satisfied you are with us.")


def _letter(office: Office, templates: Templates, row: asyncpg.Record, about: str) -> Letter:
    company, language = office.company, language_of(row["language"])
    asks = _OCCASIONS.get(row["trigger"], _BY_HAND) if about else _BY_HAND
    whom = consenting.recipient(contact_id=row["contact_id"], address=row["recipient"])
    values = {
        "company": company.name,
        "name": row["contact"] or "",
        "customer": row["customer"],
        "occasion": translate(asks, language, {"about": about}),
        "day": last_day(row["expires_at"], ZoneInfo(company.time_zone)).isoformat(),
        "link": survey_link(
            office.secret, base_url=office.base_url, company=company, invitation_id=row["id"]
        ),
    }
    unsubscribe = unsubscribe_link(
        office.secret,
        base_url=office.base_url,
        company=company,
        unsubscription=Unsubscription(whom, SURVEY),
    )
    return letter_from_template(templates, language=language, values=values, unsubscribe=unsubscribe)


@on_bounce("survey:")
async def note_bounce(write: TenantWrite, bounced: Bounced, clock: Clock) -> None:
    """Note that an invitation came back for good, also days after it was sent."""
    invited = invitation_of(bounced.key)
    if invited is not None and bounced.hard:
        await write.fetch(_NOTE, [invited[0]], [BOUNCED], [None], clock.now())


async def note_outcomes(
    write: TenantWrite, invitations: Sequence[UUID], states: Mapping[str, str], *, clock: Clock
) -> list[UUID]:
    """Note which mails were taken or refused, by ``states`` of their keys; returns those that are still open.

    A mail that nobody knows (any more) is not waited for.
    """
    known = {each: states.get(mail_key(write.company, each)) for each in invitations}
    told = {each: _OUTCOMES[state] for each, state in known.items() if state and state in _OUTCOMES}
    told |= await _withheld(write, [each for each, state in known.items() if state == _WITHHELD], clock)
    if told:
        # In one order with whoever else changes several invitations at once.
        ids = sorted(told)
        await write.fetch(
            "SELECT id FROM survey_invitation WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE", ids
        )
        outcomes = [told[each] for each in ids]
        await write.fetch(
            _NOTE, ids, [state for state, _ in outcomes], [reason for _, reason in outcomes], clock.now()
        )
        gone = [each for each, (state, _) in told.items() if state in {SKIPPED, CANCELLED}]
        await take_back(write, [mail_key(write.company, each) for each in gone])
    return [each for each, state in known.items() if state in _WAITING]


async def _withheld(read: TenantRead, invitations: Sequence[UUID], clock: Clock) -> dict[UUID, _Outcome]:
    """What mails that were kept back in the last moment were kept back for.

    Those of a sending that is held, or that goes on now, still wait: they are asked for once more.
    """
    if not invitations:
        return {}
    held = {row["id"] for row in await read.fetch(_HELD, list(invitations))}
    found: dict[UUID, _Outcome] = {each: (CANCELLED, None) for each in invitations if each not in held}
    for row, refusal in await _waiting(read, list(found), 0, clock):
        if refusal is None and row["sending_id"] is not None:
            del found[row["id"]]
        else:
            found[row["id"]] = (SKIPPED, refusal or OPTED_OUT)
    return found


def wait_before_look(look: int) -> timedelta | None:
    """How long to wait before the ``look``-th look (1, 2, …) at open mails; None when it is not worth another."""
    if look > _LOOKS:
        return None
    doubled: timedelta = _FIRST_LOOK * 2 ** min(look - 1, 10)
    return min(doubled, _LONGEST_WAIT)
