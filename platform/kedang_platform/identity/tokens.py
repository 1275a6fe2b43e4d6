"""Links that are sent by mail and work once: 256 random bits, of which only the hash is kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import orjson
from sqlalchemy import delete, select, update

from kedang_platform.database import ControlRead, ControlTransaction
from kedang_platform.identity.errors import LinkExpired, LinkUnknown, LinkUsed
from kedang_platform.identity.tables import one_time_token

Purpose = Literal["confirm_email", "invitation", "password_reset", "second_factor", "change_email"]
LIFETIMES: Mapping[Purpose, timedelta] = {
    "confirm_email": timedelta(days=2),
    "invitation": timedelta(days=7),
    "password_reset": timedelta(hours=1),
    "second_factor": timedelta(minutes=10),
    "change_email": timedelta(days=1),
}
# How long after it was used a link does the same again: a double click, a reloaded page, a lost answer.
REPEATABLE = timedelta(minutes=5)
# What leads into an account or changes how one gets in. Whoever changes how they sign in voids all of it: it may
# have been begun by somebody who knew how it was before.
WAYS_IN: tuple[Purpose, ...] = ("password_reset", "second_factor", "change_email")
_KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Token:
    """A link that was looked up and is locked until the end of the transaction."""

    hash: bytes
    email: str
    person_id: UUID | None
    company_id: UUID | None
    payload: Mapping[str, Any]
    used: bool


def hash_of(secret: str) -> bytes:
    """What is stored of a secret that is random enough to need no salt (session, one-time link)."""
    return hashlib.sha256(secret.encode()).digest()


_ISSUE = """
INSERT INTO platform.one_time_token (token_hash, purpose, email, person_id, company_id, payload, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_WITHDRAW = """
DELETE FROM platform.one_time_token
WHERE email = $1 AND purpose = $2 AND used_at IS NULL AND ($3::uuid IS NULL OR company_id = $3)
"""


async def issue(
    control: ControlTransaction,
    purpose: Purpose,
    *,
    email: str,
    now: datetime,
    person_id: UUID | None = None,
    company_id: UUID | None = None,
    payload: Mapping[str, Any] | None = None,
) -> str:
    """Store a new token and return its text for the link; it is told to nobody else."""
    secret = secrets.token_urlsafe(32)
    await control.fetch(
        _ISSUE,
        hash_of(secret),
        purpose,
        email,
        person_id,
        company_id,
        orjson.dumps(dict(payload or {})).decode(),
        now,
        now + LIFETIMES[purpose],
    )
    return secret


async def look_up(control: ControlTransaction, purpose: Purpose, secret: str, *, now: datetime) -> Token:
    """The token, locked. One used a moment ago is returned with ``used``, so that a double click works.

    Raises ``LinkUnknown``, ``LinkExpired`` or ``LinkUsed``.
    """
    table = one_time_token.c
    statement = (
        select(
            table.token_hash,
            table.email,
            table.person_id,
            table.company_id,
            table.payload,
            table.expires_at,
            table.used_at,
        )
        .where(table.token_hash == hash_of(secret), table.purpose == purpose)
        .with_for_update()
    )
    row = (await control.execute(statement)).one_or_none()
    if row is None:
        raise LinkUnknown
    check_life(expires_at=row.expires_at, used_at=row.used_at, now=now)
    return Token(
        hash=row.token_hash,
        email=row.email,
        person_id=row.person_id,
        company_id=row.company_id,
        payload=row.payload,
        used=row.used_at is not None,
    )


async def peek(
    read: ControlRead, purpose: Purpose, secret: str, *, now: datetime, repeatable: bool = True
) -> Mapping[str, Any]:
    """What the link carries, without using it; empty when it was used a moment ago. Raises as ``look_up``.

    One that is not ``repeatable`` leads nowhere as soon as it was used (``LinkUsed``).
    """
    row = await read.fetchrow(
        """SELECT payload, expires_at, used_at FROM platform.one_time_token
           WHERE token_hash = $1 AND purpose = $2""",
        hash_of(secret),
        purpose,
    )
    if row is None:
        raise LinkUnknown
    check_life(expires_at=row["expires_at"], used_at=row["used_at"], now=now)
    if row["used_at"] is not None and not repeatable:
        raise LinkUsed
    payload: Mapping[str, Any] = orjson.loads(row["payload"])
    return payload


def check_life(*, expires_at: datetime, used_at: datetime | None, now: datetime) -> None:
    """Raise ``LinkUsed`` or ``LinkExpired`` for a link that leads nowhere any more."""
    if used_at is not None and now - used_at > REPEATABLE:
        raise LinkUsed
    if used_at is None and now >= expires_at:
        raise LinkExpired


async def mark_used(
    control: ControlTransaction, token: Token, *, now: datetime, company_id: UUID | None = None
) -> None:
    """Use the token up, and drop what it carried: from now on it only says where it led."""
    await control.execute(
        update(one_time_token)
        .where(one_time_token.c.token_hash == token.hash)
        .values(used_at=now, company_id=company_id or token.company_id, payload={})
    )


async def withdraw(
    control: ControlTransaction,
    purpose: Purpose,
    *,
    email: str,
    company_id: UUID | None = None,
) -> None:
    """Remove the unused tokens of an address (those of one company when it is named)."""
    await control.fetch(_WITHDRAW, email, purpose, company_id)


async def forget_old_tokens(control: ControlTransaction, *, now: datetime) -> None:
    """Remove tokens that expired a month ago; until then they can say that they have expired."""
    await control.execute(delete(one_time_token).where(one_time_token.c.expires_at < now - _KEPT))


async def withdraw_of(control: ControlTransaction, *purposes: Purpose, person_id: UUID) -> None:
    """Remove the unused tokens of a person, to whichever address they were sent."""
    table = one_time_token.c
    await control.execute(
        delete(one_time_token).where(
            table.person_id == person_id, table.purpose.in_(purposes), table.used_at.is_(None)
        )
    )
