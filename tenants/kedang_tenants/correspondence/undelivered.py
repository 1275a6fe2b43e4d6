"""Whoever looks after a customer is told that mails do not arrive there any more (T10)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.i18n import msg
from kedang_tenants.changing import Event, subscribe
from kedang_tenants.people.notices import MAIL_UNDELIVERABLE
from kedang_tenants.people.telling import Telling, tell
from kedang_tenants.reading import Viewer

# Not of what somebody put there by hand: they know why.
_CONCERNED: Final = """
SELECT s.id AS suppression_id, k.id AS contact_id, k.name AS contact, c.name AS customer, c.owner_id
FROM mail_suppression s
JOIN contact k ON lower(k.email) = lower(s.address) AND k.archived_at IS NULL
JOIN customer c ON c.id = k.customer_id AND c.archived_at IS NULL AND c.owner_id IS NOT NULL
WHERE s.id = ANY($1::uuid[]) AND s.archived_at IS NULL AND s.reason <> 'BY_HAND'
ORDER BY s.id, k.id
"""


@subscribe("mail_suppression.created")
async def tell_owners(write: TenantWrite, viewer: Viewer, events: Sequence[Event], clock: Clock) -> None:
    """One notice a contact, to the owner of its customer."""
    rows = await write.fetch(_CONCERNED, [event.record_id for event in events])
    await tell(write, viewer, [_telling(row) for row in rows], clock=clock)


def _telling(row: asyncpg.Record) -> Telling:
    contact: UUID = row["contact_id"]
    return Telling(
        kind=MAIL_UNDELIVERABLE,
        member_id=row["owner_id"],
        occasion=f"undeliverable:{row['suppression_id'].hex}:{contact.hex}",
        title=msg("Mails to {contact} ({customer}) do not arrive"),
        body=msg("Nothing more is sent to this address. Please ask {contact} for another one."),
        params={"contact": row["contact"], "customer": row["customer"]},
        about=("contact", contact),
    )
