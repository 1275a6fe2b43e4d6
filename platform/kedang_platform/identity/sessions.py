"""Sessions of the browser: a random token in a cookie, its hash in the database, ended at once when revoked."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, insert

from kedang_platform.database import ControlRead, ControlTransaction
from kedang_platform.identity.announcing import announce_ended
from kedang_platform.identity.tables import session
from kedang_platform.identity.tokens import hash_of
from kedang_platform.ids import new_id

LIFETIME = timedelta(days=30)
_AGENT_LENGTH = 200


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A session as its person sees it in the list."""

    id: UUID
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    user_agent: str


def cookie_name(base_url: str) -> str:
    """The session cookie's name: bound to the host over https (``__Host-``, RFC 6265bis), plain over http."""
    return "__Host-kedang" if base_url.startswith("https://") else "kedang"


async def start_session(
    control: ControlTransaction, *, person_id: UUID, company_id: UUID, user_agent: str, now: datetime
) -> str:
    """Open a session of 30 days and return its token, which is kept nowhere."""
    token = secrets.token_urlsafe(32)
    await control.execute(
        insert(session).values(
            token_hash=hash_of(token),
            id=new_id(),
            person_id=person_id,
            company_id=company_id,
            created_at=now,
            last_used_at=now,
            authenticated_at=now,
            expires_at=now + LIFETIME,
            user_agent=user_agent[:_AGENT_LENGTH],
        )
    )
    return token


async def sessions_of(read: ControlRead, *, person_id: UUID, now: datetime) -> list[SessionInfo]:
    """The person's living sessions in all companies, the latest used first."""
    rows = await read.fetch(
        """SELECT id, created_at, last_used_at, expires_at, user_agent FROM platform.session
           WHERE person_id = $1 AND expires_at > $2 ORDER BY last_used_at DESC, id DESC""",
        person_id,
        now,
    )
    return [SessionInfo(**row) for row in rows]


async def end_session(control: ControlTransaction, *, person_id: UUID, session_id: UUID) -> bool:
    """End one session of the person; False when it is not (or no longer) theirs."""
    statement = delete(session).where(session.c.id == session_id, session.c.person_id == person_id)
    ended = (await control.execute(statement)).rowcount == 1
    await announce_ended(control, session_id)
    return ended


async def end_sessions(
    control: ControlTransaction, *, person_id: UUID, company_id: UUID | None = None
) -> None:
    """End all sessions of a person, or those in one company."""
    statement = delete(session).where(session.c.person_id == person_id).returning(session.c.id)
    if company_id is not None:
        statement = statement.where(session.c.company_id == company_id)
    for ended in (await control.execute(statement)).scalars().all():
        await announce_ended(control, ended)


async def forget_old_sessions(control: ControlTransaction, *, now: datetime) -> None:
    """Remove sessions whose 30 days are over."""
    await control.execute(delete(session).where(session.c.expires_at <= now))
