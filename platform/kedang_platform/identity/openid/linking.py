"""Which person an identity of a provider belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert as upsert

from kedang_platform.database import ControlRead, ControlTransaction
from kedang_platform.identity.openid.id_token import Claims
from kedang_platform.identity.openid.tables import openid_identity
from kedang_platform.ids import new_id

_PERSON = """
SELECT i.person_id FROM platform.openid_identity i WHERE i.issuer = $1 AND i.subject = $2
"""
_CONFIRMED = "SELECT id FROM platform.person WHERE email = $1 AND confirmed_at IS NOT NULL FOR UPDATE"
_LINKED = """
SELECT id, issuer, email, created_at, last_used_at FROM platform.openid_identity
WHERE person_id = $1 ORDER BY created_at, id
"""


@dataclass(frozen=True, slots=True)
class LinkedIdentity:
    """An identity of a provider with which a person signs in; ``email`` is the provider's address of them."""

    id: UUID
    issuer: str
    email: str
    created_at: datetime
    last_used_at: datetime


async def person_behind(control: ControlTransaction, claims: Claims, *, now: datetime) -> UUID | None:
    """The person whom the identity is linked to, and note that it was used."""
    person_id: UUID | None = await control.fetchval(_PERSON, claims.issuer, claims.subject)
    if person_id is not None:
        used = {"last_used_at": now} if claims.email is None else {"last_used_at": now, "email": claims.email}
        await control.execute(
            update(openid_identity)
            .where(openid_identity.c.issuer == claims.issuer, openid_identity.c.subject == claims.subject)
            .values(used)
        )
    return person_id


async def person_of_address(control: ControlTransaction, email: str) -> UUID | None:
    """The confirmed person of an address, held until the transaction ends."""
    person_id: UUID | None = await control.fetchval(_CONFIRMED, email)
    return person_id


async def link(control: ControlTransaction, claims: Claims, *, person_id: UUID, now: datetime) -> UUID:
    """Link the identity to the person, unless it is linked; returns whose it is then."""
    values = {
        "issuer": claims.issuer,
        "subject": claims.subject,
        "id": new_id(),
        "person_id": person_id,
        "email": claims.email or "",
        "created_at": now,
        "last_used_at": now,
    }
    await control.execute(upsert(openid_identity).values(values).on_conflict_do_nothing())
    owner: UUID = await control.fetchval(_PERSON, claims.issuer, claims.subject)
    return owner


async def identities_of(read: ControlRead, *, person_id: UUID) -> list[LinkedIdentity]:
    """The person's linked identities, the oldest first."""
    return [LinkedIdentity(**row) for row in await read.fetch(_LINKED, person_id)]


async def unlink(control: ControlTransaction, *, person_id: UUID, identity_id: UUID) -> bool:
    """Take the link away; False where it is not theirs."""
    statement = delete(openid_identity).where(
        openid_identity.c.id == identity_id, openid_identity.c.person_id == person_id
    )
    return (await control.execute(statement)).rowcount == 1
