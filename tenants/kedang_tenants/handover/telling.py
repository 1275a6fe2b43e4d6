"""Who is told of a handover: the customers by mail, the successors and those who sign in their inboxes (A12)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.i18n import msg
from kedang_platform.mail import Letter, Outgoing, Sender
from kedang_platform.registry import Company
from kedang_tenants.correspondence import sender_of
from kedang_tenants.customers.consenting import may_contact, recipient
from kedang_tenants.customers.consents import EMAIL, SERVICE
from kedang_tenants.handover.models import NO_ADDRESS, OPTED_OUT, TOLD
from kedang_tenants.handover.signing import signers
from kedang_tenants.people.notices import HANDOVER
from kedang_tenants.people.telling import Telling, tell
from kedang_tenants.reading import Viewer

LETTERS_A_STEP: Final = 100

_UNTOLD = """
SELECT h.id, h.customer_id, c.name AS customer, s.name AS successor, s.email AS successor_email, l.name AS leaver
FROM handed_customer h JOIN customer c ON c.id = h.customer_id JOIN member s ON s.id = h.successor_id
JOIN handover o ON o.id = h.handover_id JOIN member l ON l.id = o.member_id
WHERE h.handover_id = $1 AND h.told = 'WAITING' AND h.archived_at IS NULL ORDER BY h.id LIMIT $2
"""
_CONTACTS = """
SELECT id, customer_id, name, email FROM contact
WHERE customer_id = ANY($1::uuid[]) AND email IS NOT NULL AND archived_at IS NULL ORDER BY customer_id, created_at, id
"""
_NOTE = """
UPDATE handed_customer h SET told = given.told, told_at = CASE WHEN given.told = 'TOLD' THEN $3::timestamptz END,
       updated_at = $3, version = h.version + 1
FROM unnest($1::uuid[], $2::text[]) AS given (id, told) WHERE h.id = given.id AND h.told = 'WAITING'
"""
_SUCCESSORS = """
SELECT successor_id, count(*) AS customers FROM handed_customer
WHERE handover_id = $1 AND archived_at IS NULL GROUP BY successor_id ORDER BY successor_id
"""
_LEAVER = "SELECT m.id, m.name FROM handover h JOIN member m ON m.id = h.member_id WHERE h.id = $1"

_TAKEN = msg("You have taken over from {leaver}: {customers}")
_TAKEN_BODY = msg(
    "Customers of {leaver} are in your hands now: {customers}. Each has a first-contact task in your worklist."
)
_SIGN = msg("The handover of {leaver} waits to be signed for")
_SIGN_BODY = msg("Everything of {leaver} has been handed over. Please look through it and sign for it.")


@dataclass(frozen=True, slots=True)
class Batch:
    """Letters of some customers, and what each of these is noted as when the letters are on their way."""

    letters: Sequence[Outgoing]
    outcomes: dict[UUID, str]


async def next_letters(read: TenantRead, *, company: Company, handover_id: UUID) -> Batch:
    """The letters to the next customers that have not been told; an empty batch when all have."""
    rows = await read.fetch(_UNTOLD, handover_id, LETTERS_A_STEP)
    reachable = await _reachable(read, [row["customer_id"] for row in rows])
    sender = await sender_of(read, company=company)
    letters: list[Outgoing] = []
    outcomes: dict[UUID, str] = {}
    for row in rows:
        found = reachable.get(row["customer_id"], NO_ADDRESS)
        if isinstance(found, str):
            outcomes[row["id"]] = found
            continue
        letters.append(_letter(company, sender, row, found))
        outcomes[row["id"]] = TOLD
    return Batch(letters, outcomes)


async def _reachable(read: TenantRead, customers: Sequence[UUID]) -> dict[UUID, asyncpg.Record | str]:
    """For each customer its first contact that may be written to, or why there is none."""
    contacts = await read.fetch(_CONTACTS, list(customers))
    refusals = await may_contact(
        read,
        channel=EMAIL,
        purpose=SERVICE,
        recipients=[recipient(contact_id=row["id"], address=row["email"]) for row in contacts],
    )
    found: dict[UUID, asyncpg.Record | str] = {}
    for contact, refusal in zip(contacts, refusals, strict=True):
        if isinstance(found.get(contact["customer_id"], ""), str):
            found[contact["customer_id"]] = contact if refusal is None else OPTED_OUT
    return found


def _letter(company: Company, sender: Sender, row: asyncpg.Record, contact: asyncpg.Record) -> Outgoing:
    letter = Letter(
        subject=msg("{successor} looks after you at {company} now"),
        paragraphs=(
            msg("Hello {name},"),
            msg("{successor} has taken over the care of {customer} from {leaver}."),
            msg("You reach {successor} at {email}, and will soon hear from them."),
        ),
        params={
            "company": company.name,
            "name": contact["name"],
            "customer": row["customer"],
            "successor": row["successor"],
            "leaver": row["leaver"],
            "email": row["successor_email"],
        },
        closing=(msg("You get this mail because {company} has you as a contact of {customer}."),),
    )
    key = f"handover:{company.ref.schema}:{row['id']}"
    return Outgoing(
        letter,
        contact["email"],
        company.language,
        key=key,
        company=company.ref,
        sender=sender,
        kind="letter",
    )


async def note_told(write: TenantWrite, batch: Batch, *, clock: Clock) -> None:
    """Note what became of a batch; a customer is noted once."""
    await write.fetch(_NOTE, list(batch.outcomes), list(batch.outcomes.values()), clock.now())


async def tell_people(write: TenantWrite, viewer: Viewer, *, handover_id: UUID, clock: Clock) -> int:
    """Tell each successor what they took over, and those who can sign that they should; each once."""
    leaver = await write.fetchrow(_LEAVER, handover_id)
    if leaver is None:
        return 0
    about = ("handover", handover_id)
    taken = [
        Telling(
            HANDOVER,
            row["successor_id"],
            f"handover:{handover_id}",
            _TAKEN,
            _TAKEN_BODY,
            {"leaver": leaver["name"], "customers": row["customers"]},
            about,
        )
        for row in await write.fetch(_SUCCESSORS, handover_id)
    ]
    sign = [
        Telling(HANDOVER, member, f"sign:{handover_id}", _SIGN, _SIGN_BODY, {"leaver": leaver["name"]}, about)
        for member in sorted(await signers(write, leaver_id=leaver["id"]))
    ]
    return await tell(write, viewer, [*taken, *sign], clock=clock)
