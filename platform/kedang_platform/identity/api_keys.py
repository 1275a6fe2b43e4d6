"""API keys: ``kd_<env>_<prefix>_<secret><check>``, told once, kept as a keyed hash.

The six check digits are the CRC-32 of all that stands before them, so that a scanner of source code knows
a key from any other text that ``_SHAPE`` fits, without asking us.
"""

from __future__ import annotations

import hmac
import re
import secrets
import string
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import MAXYEAR, datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import func, insert, select, update

from kedang_platform.database import ControlRead, ControlTransaction
from kedang_platform.errors import NotFound
from kedang_platform.i18n import msg
from kedang_platform.identity.announcing import announce_ended
from kedang_platform.identity.emails import clean_name
from kedang_platform.identity.errors import (
    ExpiryPast,
    InvalidInstant,
    OverlapTooLong,
    ScopeUnknown,
    TooManyKeys,
)
from kedang_platform.identity.tables import api_key
from kedang_platform.ids import new_id
from kedang_platform.secrets import SecretKey

Scope = Literal["read", "write"]
SCOPES: tuple[Scope, ...] = ("read", "write")
_DIGITS = string.digits + string.ascii_letters
_SHAPE = re.compile(r"(kd_[a-z]{1,8}_([0-9A-Za-z]{8})_[0-9A-Za-z]{32})([0-9A-Za-z]{6})")
_MOST_KEYS = 100
LONGEST_OVERLAP = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class ApiKeyInfo:
    """A key as it is listed; the key itself cannot be shown again."""

    id: UUID
    member_id: UUID
    name: str
    prefix: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key at the one moment when its text is known."""

    info: ApiKeyInfo
    text: str


def prefix_of(text: str) -> str | None:
    """The prefix of a well-formed key whose check digits fit, else None: a mistyped key costs no query."""
    match = _SHAPE.fullmatch(text)
    if match is None or not hmac.compare_digest(_check(match[1]), match[3]):
        return None
    return match[2]


def key_hash(key: SecretKey, text: str) -> bytes:
    """What is stored of a key. It cannot be tested without the installation's secret."""
    return key.mac("api_key", text.encode())


def environment_of(base_url: str) -> str:
    """The part of a key that tells where it belongs: ``live`` over https, ``local`` over http."""
    return "live" if base_url.startswith("https://") else "local"


async def create_api_key(
    control: ControlTransaction,
    *,
    company_id: UUID,
    member_id: UUID,
    name: str,
    scopes: Collection[str],
    expires_at: datetime | None,
    environment: str,
    key: SecretKey,
    now: datetime,
) -> NewApiKey:
    """Make a key that acts as the member, for reading or for reading and writing.

    Raises ``NameMissing``, ``ScopeUnknown``, ``InvalidInstant``, ``ExpiryPast``, and ``TooManyKeys``
    beyond 100 living keys of the company.
    """
    if not scopes or not set(scopes) <= set(SCOPES) or "read" not in scopes:
        raise ScopeUnknown
    if expires_at is not None and (expires_at.tzinfo is None or expires_at.year >= MAXYEAR):
        raise InvalidInstant
    if expires_at is not None and expires_at <= now:
        raise ExpiryPast
    await _check_room(control, company_id=company_id, now=now)
    return await _make(
        control,
        company_id=company_id,
        member_id=member_id,
        name=clean_name(name),
        scopes=tuple(scope for scope in SCOPES if scope in scopes),
        expires_at=expires_at,
        environment=environment,
        key=key,
        now=now,
    )


async def rotate_api_key(
    control: ControlTransaction,
    *,
    company_id: UUID,
    member_id: UUID,
    key_id: UUID,
    overlap: timedelta,
    environment: str,
    key: SecretKey,
    now: datetime,
) -> NewApiKey:
    """A new key like a living one of the member's own, which ends ``overlap`` later, at most 7 days.

    The new one lives as long as the old one was made for. Another member's key is not found: whoever
    got its successor could act as that member. Raises ``NotFound``, ``OverlapTooLong``, ``TooManyKeys``.
    """
    if not timedelta() <= overlap <= LONGEST_OVERLAP:
        raise OverlapTooLong(hours=LONGEST_OVERLAP // timedelta(hours=1))
    living = select(api_key).where(
        api_key.c.id == key_id,
        api_key.c.company_id == company_id,
        api_key.c.member_id == member_id,
        api_key.c.revoked_at.is_(None),
        func.coalesce(api_key.c.expires_at > now, True),
    )
    old = (await control.execute(living.with_for_update())).one_or_none()
    if old is None:
        raise NotFound(msg("There is no such key."))
    ends_at = now + overlap if old.expires_at is None else min(now + overlap, old.expires_at)
    await control.execute(update(api_key).where(api_key.c.id == key_id).values(expires_at=ends_at))
    await announce_ended(control, key_id)
    await _check_room(control, company_id=company_id, now=now)
    return await _make(
        control,
        company_id=company_id,
        member_id=member_id,
        name=old.name,
        scopes=tuple(old.scopes),
        expires_at=now + (old.expires_at - old.created_at) if old.expires_at else None,
        environment=environment,
        key=key,
        now=now,
    )


async def _make(
    control: ControlTransaction,
    *,
    company_id: UUID,
    member_id: UUID,
    name: str,
    scopes: tuple[str, ...],
    expires_at: datetime | None,
    environment: str,
    key: SecretKey,
    now: datetime,
) -> NewApiKey:
    prefix = _random(8)
    text = _with_check(f"kd_{environment}_{prefix}_{_random(32)}")
    info = ApiKeyInfo(
        id=new_id(),
        member_id=member_id,
        name=name,
        prefix=prefix,
        scopes=scopes,
        created_at=now,
        expires_at=expires_at,
        last_used_at=None,
        revoked_at=None,
    )
    await control.execute(
        insert(api_key).values(
            id=info.id,
            company_id=company_id,
            member_id=member_id,
            name=name,
            prefix=prefix,
            key_hash=key_hash(key, text),
            scopes=list(scopes),
            created_at=now,
            expires_at=expires_at,
        )
    )
    return NewApiKey(info, text)


async def revoke_api_key(
    control: ControlTransaction, *, company_id: UUID, key_id: UUID, now: datetime
) -> ApiKeyInfo | None:
    """End a key of the company, which is returned; a repeated call changes nothing (None). Raises ``NotFound``."""
    its = (api_key.c.id == key_id, api_key.c.company_id == company_id)
    found = (await control.execute(select(api_key).where(*its).with_for_update())).one_or_none()
    if found is None:
        raise NotFound(msg("There is no such key."))
    if found.revoked_at is not None:
        return None
    await control.execute(update(api_key).where(*its).values(revoked_at=now))
    await announce_ended(control, key_id)
    return ApiKeyInfo(
        id=found.id,
        member_id=found.member_id,
        name=found.name,
        prefix=found.prefix,
        scopes=tuple(found.scopes),
        created_at=found.created_at,
        expires_at=found.expires_at,
        last_used_at=found.last_used_at,
        revoked_at=now,
    )


async def revoke_keys_of(
    control: ControlTransaction, *, company_id: UUID, member_id: UUID, now: datetime
) -> None:
    """End all keys that act as the member."""
    statement = (
        update(api_key)
        .where(
            api_key.c.company_id == company_id,
            api_key.c.member_id == member_id,
            api_key.c.revoked_at.is_(None),
        )
        .values(revoked_at=now)
        .returning(api_key.c.id)
    )
    for ended in (await control.execute(statement)).scalars().all():
        await announce_ended(control, ended)


async def api_keys_of(read: ControlRead, *, company_id: UUID) -> list[ApiKeyInfo]:
    """The company's keys, the newest first, ended ones included."""
    rows = await read.fetch(
        """SELECT id, member_id, name, prefix, scopes, created_at, expires_at, last_used_at, revoked_at
           FROM platform.api_key WHERE company_id = $1 ORDER BY id DESC""",
        company_id,
    )
    return [ApiKeyInfo(**{**row, "scopes": tuple(row["scopes"])}) for row in rows]


async def _check_room(control: ControlTransaction, *, company_id: UUID, now: datetime) -> None:
    living = (
        select(func.count())
        .select_from(api_key)
        .where(
            api_key.c.company_id == company_id,
            api_key.c.revoked_at.is_(None),
            func.coalesce(api_key.c.expires_at > now, True),
        )
    )
    if (await control.execute(living)).scalar_one() >= _MOST_KEYS:
        raise TooManyKeys(most=_MOST_KEYS)


def _random(length: int) -> str:
    return "".join(secrets.choice(_DIGITS) for _ in range(length))


def _with_check(body: str) -> str:
    return body + _check(body)


def _check(body: str) -> str:
    """CRC-32 of the key so far in six base-62 digits."""
    rest, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        rest, digit = divmod(rest, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits
