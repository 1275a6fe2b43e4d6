"""A sign-in that is under way at a provider: begun by one browser, ended by it once, within ten minutes."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, insert

from kedang_platform.database import ControlTransaction
from kedang_platform.identity.openid.errors import AttemptUnknown
from kedang_platform.identity.openid.tables import openid_attempt
from kedang_platform.identity.tokens import hash_of

LIFETIME: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Begun:
    """``browser`` goes into the browser's cookie, the others to the provider; none of them is kept as it is."""

    state: str
    browser: str
    nonce: str
    challenge: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was remembered of a sign-in. ``person_id`` is who links an identity to themselves."""

    provider: str
    nonce: str
    verifier: str
    person_id: UUID | None


async def begin_attempt(
    control: ControlTransaction, *, provider: str, person_id: UUID | None, now: datetime
) -> Begun:
    """Remember a sign-in for ten minutes."""
    state, browser, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(4))
    await control.execute(
        insert(openid_attempt).values(
            state_hash=hash_of(state),
            browser_hash=hash_of(browser),
            provider=provider,
            nonce=nonce,
            verifier=verifier,
            person_id=person_id,
            expires_at=now + LIFETIME,
        )
    )
    return Begun(state=state, browser=browser, nonce=nonce, challenge=challenge_of(verifier))


async def take_attempt(
    control: ControlTransaction, *, provider: str, state: str, browser: str, now: datetime
) -> Attempt:
    """The sign-in, which is over for whoever else brings its state. Raises ``AttemptUnknown``.

    One that another browser brings stays for the browser that began it.
    """
    table = openid_attempt.c
    statement = (
        delete(openid_attempt)
        .where(
            table.state_hash == hash_of(state),
            table.provider == provider,
            table.browser_hash == hash_of(browser),
            table.expires_at > now,
        )
        .returning(table.provider, table.nonce, table.verifier, table.person_id)
    )
    row = (await control.execute(statement)).one_or_none()
    if row is None:
        raise AttemptUnknown
    return Attempt(provider=row.provider, nonce=row.nonce, verifier=row.verifier, person_id=row.person_id)


async def forget_old_attempts(control: ControlTransaction, *, now: datetime) -> None:
    """Remove sign-ins that nobody ended."""
    await control.execute(delete(openid_attempt).where(openid_attempt.c.expires_at <= now))


def challenge_of(verifier: str) -> str:
    """The challenge of PKCE's method S256 (RFC 7636, 4.2)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
