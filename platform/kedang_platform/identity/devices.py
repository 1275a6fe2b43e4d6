"""Browsers that a person has signed in from before: their guesses are counted apart, so nobody else's lock them out.

A browser holds 256 random bits in a cookie of a year, of which the hash is kept. Several people may be known
in one browser.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from kedang_platform.database import ControlTransaction
from kedang_platform.identity.tables import device
from kedang_platform.identity.tokens import hash_of

LIFETIME: Final = timedelta(days=365)
_LONGEST: Final = 100

_KNOWN = """
SELECT coalesce(bool_or(token_hash = $2), false) AS this, count(*) > 0 AS any
FROM platform.device WHERE person_id = $1 AND expires_at > $3
"""
_ANYBODYS = "SELECT 1 FROM platform.device WHERE token_hash = $1 AND expires_at > $2 LIMIT 1"


def mark_of(token: str | None) -> bytes:
    """What is looked up of a browser's cookie; of none, or of what cannot be one, something nobody has."""
    return hash_of(token) if token and len(token) <= _LONGEST else b""


async def meet(
    control: ControlTransaction, *, person_id: UUID, token: str | None, now: datetime
) -> tuple[str, bool]:
    """Know the browser from now on: its token, and whether it is a new one beside others of this person.

    The first browser of a person is no news.
    """
    mark = mark_of(token)
    known = await control.fetchrow(_KNOWN, person_id, mark, now)
    assert known is not None  # an aggregate always has a row
    if token is None or not (known["this"] or await control.fetchval(_ANYBODYS, mark, now)):
        # What a browser says that nobody is known by was made up, by it or by somebody who planted it there.
        token = secrets.token_urlsafe(32)
    row = {"token_hash": hash_of(token), "person_id": person_id, "created_at": now}
    times = {"last_used_at": now, "expires_at": now + LIFETIME}
    met = insert(device).values(**row, **times)
    await control.execute(
        met.on_conflict_do_update(index_elements=[device.c.token_hash, device.c.person_id], set_=times)
    )
    return token, known["any"] and not known["this"]


async def forget_devices(control: ControlTransaction, *, person_id: UUID, but: str | None = None) -> None:
    """No browser of the person is known any more, except the one with the token ``but``."""
    statement = delete(device).where(device.c.person_id == person_id)
    await control.execute(statement.where(device.c.token_hash != mark_of(but)))


async def forget_old_devices(control: ControlTransaction, *, now: datetime) -> None:
    """Remove browsers that nobody signed in from for a year."""
    await control.execute(delete(device).where(device.c.expires_at <= now))
