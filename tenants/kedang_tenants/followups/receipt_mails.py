"""Minutes on their way to the people of the customer who attended (F4).

A mail is keyed by its receipt, and its link is worked out from the receipt's id: sent again after an unknown
outcome, it has the same Message-ID and the same link.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import orjson

from kedang_platform.clock import Clock
from kedang_platform.database import CompanyRef, TenantRead, TenantWrite
from kedang_platform.i18n import Language, msg, translate
from kedang_platform.ids import new_id
from kedang_platform.mail import Bounced, Outgoing, on_bounce
from kedang_platform.registry import Company
from kedang_platform.secret_links import TOKEN_BYTES, secret_part, token_hash
from kedang_platform.secrets import SecretKey
from kedang_tenants.catalogue.languages import language_code, language_of
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.correspondence import (
    Planned,
    Recipient,
    Sending,
    letter_from_template,
    load_templates,
    plan_sending,
    record_sent,
    sender_of,
)
from kedang_tenants.correspondence.template_kinds import MEETING_MINUTES
from kedang_tenants.customers.consents import SERVICE
from kedang_tenants.followups.meetings import REVIEWED
from kedang_tenants.followups.receipts import SUPERSEDED, UNDELIVERED, WAITING
from kedang_tenants.reading import Viewer

SEND: Final = "meetings.minutes"
"""The kind of job that gives reviewed minutes to the people of the customer who attended."""
LIFETIME: Final = timedelta(days=60)
"""How long a link can be answered by."""
_PURPOSE: Final = "minutes-receipt"
_MAIL: Final = "minutes"
_CHINESE: Final = frozenset({"CN", "HK", "MO", "TW"})

_MEETING: Final = "SELECT * FROM meeting WHERE id = $1 AND archived_at IS NULL FOR UPDATE"
# Whoever has the present minutes gets them once; where they did not arrive and the address is another now, again.
_ATTENDED: Final = """
SELECT k.id AS contact_id, NULLIF(k.email, '') AS email, c.id AS customer_id, c.country,
       r.id AS receipt_id, r.state AS receipt_state, r.recipient
FROM meeting_attendee a JOIN contact k ON k.id = a.contact_id AND k.archived_at IS NULL
JOIN customer c ON c.id = k.customer_id AND c.archived_at IS NULL
LEFT JOIN minutes_receipt r ON r.meeting_id = a.meeting_id AND r.contact_id = k.id AND r.archived_at IS NULL
    AND r.state <> 'SUPERSEDED'
WHERE a.meeting_id = $1 AND a.archived_at IS NULL AND a.attended IS DISTINCT FROM false
  AND (r.id IS NULL OR (r.state = 'UNDELIVERED' AND r.recipient IS DISTINCT FROM NULLIF(k.email, '')))
ORDER BY k.id
"""
_PRESENT: Final = """
SELECT COALESCE(m.name, k.name, a.name) AS name FROM meeting_attendee a
LEFT JOIN member m ON m.id = a.member_id LEFT JOIN contact k ON k.id = a.contact_id
WHERE a.meeting_id = $1 AND a.archived_at IS NULL AND a.attended IS DISTINCT FROM false
ORDER BY a.member_id IS NULL, a.created_at, a.id
"""
_ACTIONS: Final = """
SELECT a.task, a.due_on, m.name FROM meeting_action a JOIN member m ON m.id = a.owner_id
WHERE a.meeting_id = $1 AND a.archived_at IS NULL ORDER BY a.due_on, a.id
"""
_TO_MAIL: Final = """
SELECT r.id, r.recipient, r.language, r.content, k.name AS contact, c.name AS customer, m.subject, m.starts_at,
       w.name AS writer
FROM minutes_receipt r JOIN meeting m ON m.id = r.meeting_id AND m.archived_at IS NULL
JOIN customer c ON c.id = m.customer_id AND c.archived_at IS NULL
JOIN contact k ON k.id = r.contact_id AND k.archived_at IS NULL LEFT JOIN member w ON w.id = m.minutes_by_id
WHERE r.meeting_id = $1 AND r.state = 'WAITING' AND r.archived_at IS NULL AND r.recipient IS NOT NULL
  AND r.expires_at > $2
ORDER BY r.id
"""
_CAME_BACK: Final = """
UPDATE minutes_receipt SET state = 'UNDELIVERED', updated_at = $2, version = version + 1
WHERE id = $1 AND state = 'WAITING'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """What the mails need beside the receipts."""

    company: Company
    secret: SecretKey
    base_url: str


def receipt_token(secret: SecretKey, receipt_id: UUID) -> bytes:
    """The 160 bits that open a receipt; nobody can work them out without the secret."""
    return secret.mac(_PURPOSE, receipt_id.bytes)[:TOKEN_BYTES]


def receipt_path(secret: SecretKey, *, company: Company, receipt_id: UUID) -> str:
    """The path of the page on which minutes are confirmed."""
    return f"/m/{secret_part(company, receipt_token(secret, receipt_id))}"


def mail_key(company: CompanyRef, receipt_id: UUID) -> str:
    """The key of a receipt's mail: one a receipt."""
    return f"{_MAIL}:{company.schema}:{receipt_id}"


async def make_receipts(
    write: TenantWrite, viewer: Viewer, *, meeting_id: UUID, secret: SecretKey, clock: Clock
) -> int:
    """Make a receipt of reviewed minutes for each person of the customer who attended and has none; how many.

    Who has no address, or wants no mails, gets one that says so. Of minutes that are not reviewed there are none.
    """
    held = await write.fetchrow(_MEETING, meeting_id)
    if held is None or held["minutes_state"] != REVIEWED:
        return 0
    row = dict(held)
    people = [dict(found) for found in await write.fetch(_ATTENDED, meeting_id)]
    content = await content_of(write, row)
    reached = [person for person in people if person["email"]]
    recipients = [Recipient(one["customer_id"], one["email"], one["contact_id"]) for one in reached]
    plans = await plan_sending(write, viewer, recipients, kind=SERVICE, clock=clock)
    planned = dict(zip((one["contact_id"] for one in reached), plans, strict=True))
    changes = [
        Change("minutes_receipt", "update", one["receipt_id"], values={"state": SUPERSEDED})
        for one in people
        if one["receipt_id"] is not None
    ]
    made = {new_id(): person for person in people}
    for receipt_id, person in made.items():
        values = _receipt(row, person, planned.get(person["contact_id"]), content, viewer, clock)
        changes.append(Change("minutes_receipt", "create", receipt_id, values=values))
    changes.sort(key=lambda one: one.action, reverse=True)
    await change_internally(write, viewer, changes, clock=clock)
    await _open(write, made, secret)
    await record_sent(write, _sendings(write.company, made, planned), kind=SERVICE)
    return len(made)


async def content_of(read: TenantRead, row: Mapping[str, Any]) -> dict[str, object]:
    """What the people of the customer get of a meeting: it stays what they confirmed, whatever is mended later."""
    actions = await read.fetch(_ACTIONS, row["id"])
    return {
        "minutes": row["minutes"] or "",
        "decisions": row["decisions"] or "",
        "actions": [
            {"task": one["task"], "name": one["name"], "dueOn": one["due_on"].isoformat()} for one in actions
        ],
        "attendees": [one["name"] for one in await read.fetch(_PRESENT, row["id"]) if one["name"]],
    }


def _receipt(
    row: Mapping[str, Any],
    person: Mapping[str, Any],
    planned: Planned | None,
    content: dict[str, object],
    viewer: Viewer,
    clock: Clock,
) -> dict[str, object]:
    goes = planned is not None and planned.refusal is None
    return {
        "meeting_id": row["id"],
        "contact_id": person["contact_id"],
        "recipient": person["email"],
        "language": language_code(_language(person["country"], viewer.language)),
        "state": WAITING if goes else UNDELIVERED,
        "content": content,
        "expires_at": clock.now() + LIFETIME,
    }


def _language(country: str | None, own: str) -> Language:
    """The language to write in to a customer: that of its country, the company's own where none is known."""
    chinese = own == "zh-CN" if country is None else country in _CHINESE
    return "zh-CN" if chinese else "en"


async def _open(write: TenantWrite, receipts: Mapping[UUID, object], secret: SecretKey) -> None:
    """Let the links open what they are to open; what opens them stands in no trail."""
    hashes = [token_hash(receipt_token(secret, receipt)) for receipt in receipts]
    await write.fetch(
        "UPDATE minutes_receipt r SET token_hash = given.hash"
        " FROM unnest($1::uuid[], $2::bytea[]) AS given (id, hash) WHERE r.id = given.id",
        list(receipts),
        hashes,
    )


def _sendings(
    company: CompanyRef, made: Mapping[UUID, Mapping[str, Any]], planned: Mapping[UUID, Planned]
) -> list[Sending]:
    found = []
    for receipt_id, person in made.items():
        plan = planned.get(person["contact_id"])
        if plan is not None and plan.at is not None:
            whom = Recipient(person["customer_id"], person["email"], person["contact_id"])
            found.append(Sending(whom, mail_key(company, receipt_id), plan.at))
    return found


async def minutes_mails(
    read: TenantRead, office: Office, *, meeting_id: UUID, clock: Clock
) -> list[Outgoing]:
    """The mails of a meeting's receipts that wait for an answer; each leaves once, by its key."""
    rows = await read.fetch(_TO_MAIL, meeting_id, clock.now())
    if not rows:
        return []
    templates = await load_templates(read, MEETING_MINUTES)
    sender = await sender_of(read, company=office.company)
    return [
        Outgoing(
            letter_from_template(
                templates, language=language_of(row["language"]), values=_values(office, row)
            ),
            row["recipient"],
            language_of(row["language"]),
            key=mail_key(read.company, row["id"]),
            company=read.company,
            sender=sender,
            kind="letter",
        )
        for row in rows
    ]


def _values(office: Office, row: asyncpg.Record) -> dict[str, object]:
    language, content = language_of(row["language"]), orjson.loads(row["content"])
    begins = row["starts_at"].astimezone(ZoneInfo(office.company.time_zone))
    path = receipt_path(office.secret, company=office.company, receipt_id=row["id"])
    return {
        "company": office.company.name,
        "name": row["contact"],
        "customer": row["customer"],
        "meeting": row["subject"],
        "day": begins.date().isoformat(),
        "minutes": _said(content, language),
        "actions": "\n".join(action_line(action, language) for action in content["actions"]),
        "writer": row["writer"] or "",
        "link": office.base_url.rstrip("/") + path,
    }


def _said(content: Mapping[str, Any], language: Language) -> str:
    if not content["decisions"]:
        return str(content["minutes"])
    decided = translate(msg("Decisions: {text}"), language, {"text": content["decisions"]})
    return f"{content['minutes']}\n{decided}"


def action_line(action: Mapping[str, str], language: Language) -> str:
    """Who does what until when, in one line."""
    params = {"name": action["name"], "day": action["dueOn"], "task": action["task"]}
    return translate(msg("{name} until {day}: {task}"), language, params)


async def supersede(write: TenantWrite, viewer: Viewer, *, meeting_id: UUID, clock: Clock) -> None:
    """Let all receipts of a meeting be of former minutes: their links open nothing to answer any more."""
    rows: Sequence[asyncpg.Record] = await write.fetch(
        "SELECT id FROM minutes_receipt WHERE meeting_id = $1 AND state <> 'SUPERSEDED' AND archived_at IS NULL"
        " ORDER BY id FOR UPDATE",
        meeting_id,
    )
    changes = [Change("minutes_receipt", "update", row["id"], values={"state": SUPERSEDED}) for row in rows]
    await change_internally(write, viewer, changes, clock=clock)


@on_bounce("minutes:")
async def note_bounce(write: TenantWrite, bounced: Bounced, clock: Clock) -> None:
    """Note that minutes came back for good, also days after they were sent."""
    receipt = bounced.key.rpartition(":")[2]
    if bounced.hard:
        await write.fetch(_CAME_BACK, UUID(receipt), clock.now())
