"""Who a request comes from: a session's cookie or an API key, looked up in one statement.

An answer is remembered for at most 5 seconds, which is how long a revoked credential may live on in
another process; a process that ``listen``s hears of it at once.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import ControlRead, Databases
from kedang_platform.identity.api_keys import SCOPES, key_hash, prefix_of
from kedang_platform.identity.sessions import IDLE
from kedang_platform.identity.tokens import hash_of
from kedang_platform.observing import security
from kedang_platform.registry import Company
from kedang_platform.registry.company import columns_of, company_from
from kedang_platform.secrets import SecretKey

REMEMBERED_SECONDS = 5.0
_MOST_REMEMBERED = 10_000
_LONGEST_COOKIE = 100
_COMPANY = columns_of("c")

_MUST_ENROL = """(c.requires_two_factor AND NOT EXISTS (
    SELECT FROM platform.second_factor f WHERE f.person_id = s.person_id AND f.confirmed_at IS NOT NULL))"""
_SESSION = f"""
SELECT {_COMPANY}, s.id AS credential_id, s.expires_at, m.person_id, m.member_id,
       coalesce(s.authenticated_at, s.created_at) AS authenticated_at,
       {_MUST_ENROL} AS must_enrol
FROM platform.session s
JOIN platform.membership m ON m.company_id = s.company_id AND m.person_id = s.person_id
JOIN platform.company c ON c.id = s.company_id
WHERE s.token_hash = $1 AND s.expires_at > $2 AND s.last_used_at > $3 AND m.state = 'active'
"""
_API_KEY = f"""
SELECT {_COMPANY}, k.id AS credential_id, k.expires_at, k.key_hash, k.scopes, m.person_id, m.member_id,
       NULL::timestamptz AS authenticated_at, false AS must_enrol
FROM platform.api_key k
JOIN platform.membership m ON m.member_id = k.member_id AND m.company_id = k.company_id
JOIN platform.company c ON c.id = k.company_id
WHERE k.prefix = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2)
  AND m.state = 'active'
"""
_LIVING = f"""
SELECT s.id FROM platform.session s
JOIN platform.membership m ON m.company_id = s.company_id AND m.person_id = s.person_id
JOIN platform.company c ON c.id = s.company_id
WHERE s.id = ANY($1::uuid[]) AND s.expires_at > $2 AND s.last_used_at > $3
  AND m.state = 'active' AND c.status = 'active' AND NOT {_MUST_ENROL}
UNION ALL
SELECT k.id FROM platform.api_key k
JOIN platform.membership m ON m.member_id = k.member_id AND m.company_id = k.company_id
JOIN platform.company c ON c.id = k.company_id
WHERE k.id = ANY($1::uuid[]) AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2)
  AND m.state = 'active' AND c.status = 'active'
"""
_USES = """
UPDATE platform.{table} t SET last_used_at = greatest(t.last_used_at, used.at)
FROM unnest($1::uuid[], $2::timestamptz[]) AS used (id, at) WHERE t.id = used.id
"""


@dataclass(frozen=True, slots=True)
class Identified:
    """A person acting in a company, by a session (all scopes) or an API key (its scopes).

    ``authenticated_at`` is when a session's person last proved who they are; None for a key. Who ``must_enrol``
    has no second factor though the company asks for one.
    """

    person_id: UUID
    company: Company
    member_id: UUID
    scopes: tuple[str, ...]
    credential_id: UUID
    kind: Literal["session", "api_key"]
    expires_at: datetime | None
    authenticated_at: datetime | None = None
    must_enrol: bool = False


async def authenticate(
    read: ControlRead,
    *,
    bearer: str | None,
    cookie: str | None,
    now: datetime,
    key: SecretKey,
    idle: timedelta = IDLE,
) -> Identified | None:
    """Whom the credential identifies now; None when it is missing, malformed, unknown, expired or revoked.

    A session that was not used for as long as ``idle`` has ended.

    A bearer, once sent, is what counts: a wrong one is never made good by a cookie. The company may
    be in any status; whoever uses it checks that (``registry.ensure_usable``).
    """
    if bearer is not None:
        return await _by_key(read, bearer, now=now, key=key)
    if cookie is not None and len(cookie) <= _LONGEST_COOKIE:
        return await _by_session(read, cookie, now=now, idle=idle)
    return None


async def living(
    read: ControlRead, credential_ids: Collection[UUID], *, now: datetime, idle: timedelta = IDLE
) -> set[UUID]:
    """Those of the sessions and keys that still let somebody in, into a company that is active."""
    return {row["id"] for row in await read.fetch(_LIVING, list(credential_ids), now, now - idle)}


async def _by_session(read: ControlRead, cookie: str, *, now: datetime, idle: timedelta) -> Identified | None:
    row = await read.fetchrow(_SESSION, hash_of(cookie), now, now - idle)
    return _identified(row, kind="session", scopes=SCOPES) if row is not None else None


async def _by_key(read: ControlRead, bearer: str, *, now: datetime, key: SecretKey) -> Identified | None:
    prefix = prefix_of(bearer)
    if prefix is None:
        return None
    row = await read.fetchrow(_API_KEY, prefix, now)
    if row is None or not hmac.compare_digest(row["key_hash"], key_hash(key, bearer)):
        return None
    return _identified(row, kind="api_key", scopes=tuple(row["scopes"]))


def _identified(row: Any, *, kind: Literal["session", "api_key"], scopes: tuple[str, ...]) -> Identified:
    return Identified(
        person_id=row["person_id"],
        company=company_from(row),
        member_id=row["member_id"],
        scopes=scopes,
        credential_id=row["credential_id"],
        kind=kind,
        expires_at=row["expires_at"],
        authenticated_at=row["authenticated_at"],
        must_enrol=row["must_enrol"],
    )


@dataclass(frozen=True, slots=True)
class _Remembered:
    identified: Identified
    until: float


class Credentials:
    """Identifies requests, remembering each answer for a few seconds, and keeps when each was last used."""

    def __init__(
        self,
        databases: Databases,
        *,
        key: SecretKey,
        clock: Clock,
        seconds: Callable[[], float] = time.monotonic,
        idle: timedelta = IDLE,
    ) -> None:
        self.idle = idle
        self._databases = databases
        self._key = key
        self._clock = clock
        self._seconds = seconds
        self._remembered: dict[bytes, _Remembered] = {}
        self._used: dict[Literal["session", "api_key"], dict[UUID, datetime]] = {"session": {}, "api_key": {}}
        self._generation = 0
        self.when_forgotten: list[Callable[[], None]] = []
        """Called when some credential may have ended, for whoever has let its bearer in for longer than a request."""

    async def identify(
        self, *, bearer: str | None, cookie: str | None, enrolling: bool = False
    ) -> Identified | None:
        """As ``authenticate``, at most 5 seconds old; who must enrol is told only to who asks for them as well."""
        found = await self._identify(bearer=bearer, cookie=cookie)
        return found if found is None or enrolling or not found.must_enrol else None

    async def _identify(self, *, bearer: str | None, cookie: str | None) -> Identified | None:
        if bearer is None and cookie is None:
            return None
        now = self._clock.now()
        mark = hash_of(f"bearer {bearer}" if bearer is not None else f"cookie {cookie}")
        if (known := self._recall(mark, now=now)) is not None:
            return known
        generation = self._generation
        async with self._databases.control_read() as read:
            found = await authenticate(
                read, bearer=bearer, cookie=cookie, now=now, key=self._key, idle=self.idle
            )
        if found is not None:
            self._used[found.kind][found.credential_id] = now
            # Looked up before something was revoked, it may be just what was: it is not kept.
            if generation == self._generation:
                self._remember(mark, found)
        else:
            security.note("credential.refused", by="session" if bearer is None else "api_key")
        return found

    def forget(self) -> None:
        """Look everything up again: something was revoked or changed."""
        self._generation += 1
        self._remembered.clear()
        for call in self.when_forgotten:
            call()

    async def write_uses(self) -> None:
        """Store when sessions and keys were last used since the last call; done about once a minute."""
        for table, uses in self._used.items():
            if uses:
                self._used[table] = {}
                async with self._databases.control() as control:
                    await control.fetch(_USES.format(table=table), list(uses), list(uses.values()))

    def _recall(self, mark: bytes, *, now: datetime) -> Identified | None:
        entry = self._remembered.get(mark)
        if entry is None or entry.until <= self._seconds():
            return None
        expires_at = entry.identified.expires_at
        return entry.identified if expires_at is None or now < expires_at else None

    def _remember(self, mark: bytes, found: Identified) -> None:
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered[mark] = _Remembered(found, self._seconds() + REMEMBERED_SECONDS)
