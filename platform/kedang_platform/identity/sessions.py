"""Sessions of the browser: a random token in a cookie, its hash in the database, ended at once when revoked."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, cast
from uuid import UUID

import asyncpg
from sqlalchemy import delete, insert, or_, update

from kedang_platform.database import ControlRead, ControlTransaction
from kedang_platform.errors import NotFound
from kedang_platform.i18n import msg
from kedang_platform.identity import throttle
from kedang_platform.identity.announcing import announce_ended
from kedang_platform.identity.browsers import place_of
from kedang_platform.identity.tables import session
from kedang_platform.identity.tokens import hash_of
from kedang_platform.ids import new_id

LIFETIME = timedelta(days=30)
IDLE = timedelta(days=7)
_AGENT_LENGTH = 200

# How a person proved who they are: with the password, at an OpenID provider, or by a link in their mailbox.
Method = Literal["password", "openid", "link"]
_WITH_CODE = "+code"


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A session as its person sees it in the list.

    ``place`` is roughly the network where it was opened; it and ``method`` are None for sessions of an earlier
    release. ``second_factor`` says whether a one-time code was given as well.
    """

    id: UUID
    company_id: UUID
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    user_agent: str
    place: str | None
    method: Method | None
    second_factor: bool


def cookie_name(base_url: str) -> str:
    """The session cookie's name: bound to the host over https (``__Host-``, RFC 6265bis), plain over http."""
    return "__Host-kedang" if base_url.startswith("https://") else "kedang"


async def start_session(
    control: ControlTransaction,
    *,
    person_id: UUID,
    company_id: UUID,
    user_agent: str,
    now: datetime,
    address: str = "",
    method: Method = "password",
    second_factor: bool = False,
    lifetime: timedelta = LIFETIME,
) -> str:
    """Open a session and return its token, which is kept nowhere."""
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
            expires_at=now + lifetime,
            user_agent=user_agent[:_AGENT_LENGTH],
            signed_in_by=method + (_WITH_CODE if second_factor else ""),
            network=place_of(address),
        )
    )
    return token


async def renew_token(
    control: ControlTransaction, *, session_id: UUID, proved_at: datetime | None = None
) -> str:
    """Another token for a living session, so that one that was copied before is worth nothing now.

    ``proved_at`` is when its person has just proved again who they are. Raises ``NotFound`` for one that has ended.
    """
    token = secrets.token_urlsafe(32)
    values: dict[str, object] = {"token_hash": hash_of(token)}
    if proved_at is not None:
        values["authenticated_at"] = proved_at
    await _change(control, session_id, values)
    await announce_ended(control, session_id)
    return token


async def move_session(control: ControlTransaction, *, session_id: UUID, company_id: UUID) -> str:
    """The session in another company, under another id and token: what was let in by the old one goes.

    What was guessed within it stays counted. Raises ``NotFound`` for one that has ended.
    """
    token, moved = secrets.token_urlsafe(32), new_id()
    await _change(control, session_id, {"token_hash": hash_of(token), "id": moved, "company_id": company_id})
    await throttle.carry(control, throttle.PROVE_SESSION, str(session_id), to=str(moved))
    await announce_ended(control, session_id)
    return token


async def _change(control: ControlTransaction, session_id: UUID, values: dict[str, object]) -> None:
    changed = await control.execute(update(session).where(session.c.id == session_id).values(**values))
    if changed.rowcount != 1:
        raise NotFound(msg("There is no such record."), path=("id",))


async def sessions_of(
    read: ControlRead, *, person_id: UUID, now: datetime, idle: timedelta = IDLE
) -> list[SessionInfo]:
    """The person's living sessions in all companies, the latest used first."""
    rows = await read.fetch(
        """SELECT id, company_id, created_at, last_used_at, expires_at, user_agent, network, signed_in_by
           FROM platform.session WHERE person_id = $1 AND expires_at > $2 AND last_used_at > $3
           ORDER BY last_used_at DESC, id DESC""",
        person_id,
        now,
        now - idle,
    )
    return [_info(row) for row in rows]


def _info(row: asyncpg.Record) -> SessionInfo:
    method, with_code, _ = cast("str", row["signed_in_by"] or "").partition(_WITH_CODE)
    return SessionInfo(
        id=row["id"],
        company_id=row["company_id"],
        created_at=row["created_at"],
        last_used_at=row["last_used_at"],
        expires_at=row["expires_at"],
        user_agent=row["user_agent"],
        place=row["network"],
        method=cast("Method", method) if method else None,
        second_factor=bool(with_code),
    )


async def end_session(control: ControlTransaction, *, person_id: UUID, session_id: UUID) -> bool:
    """End one session of the person; False when it is not (or no longer) theirs."""
    statement = delete(session).where(session.c.id == session_id, session.c.person_id == person_id)
    ended = (await control.execute(statement)).rowcount == 1
    await announce_ended(control, session_id)
    return ended


async def end_sessions(
    control: ControlTransaction,
    *,
    person_id: UUID,
    company_id: UUID | None = None,
    but: UUID | None = None,
) -> int:
    """End all sessions of a person, or those in one company, except the one with the id ``but``; how many."""
    statement = delete(session).where(session.c.person_id == person_id).returning(session.c.id)
    if company_id is not None:
        statement = statement.where(session.c.company_id == company_id)
    if but is not None:
        statement = statement.where(session.c.id != but)
    ended = (await control.execute(statement)).scalars().all()
    for one in ended:
        await announce_ended(control, one)
    return len(ended)


async def forget_old_sessions(control: ControlTransaction, *, now: datetime, idle: timedelta = IDLE) -> None:
    """Remove sessions whose time is over, and those that nobody used for too long."""
    over = or_(session.c.expires_at <= now, session.c.last_used_at <= now - idle)
    await control.execute(delete(session).where(over))
