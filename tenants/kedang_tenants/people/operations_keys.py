"""API keys of a company: who may make, renew and end them, and that it is noted who did (T7).

The note stands in the company's audit trail, beside the member as whom the key acts. It is written before the
key's own transaction ends, so there is no key that nobody is known to have made.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from kedang_platform.errors import Forbidden
from kedang_platform.i18n import msg
from kedang_platform.identity import (
    ApiKeyInfo,
    IdentityServices,
    NewApiKey,
    api_keys_of,
    environment_of,
)
from kedang_platform.identity import create_api_key as create
from kedang_platform.identity import revoke_api_key as revoke
from kedang_platform.identity import rotate_api_key as rotate
from kedang_tenants.changing import audit
from kedang_tenants.reading import Viewer

_MANAGE = frozenset({"OWNER", "ADMIN"})
_SEE = _MANAGE | {"GENERAL_MANAGER"}


async def create_api_key(
    services: IdentityServices,
    viewer: Viewer,
    *,
    name: str,
    scopes: Collection[str],
    expires_at: datetime | None,
) -> NewApiKey:
    """Make a key that acts as the viewer; its text is told this once.

    Raises ``Forbidden``, ``NameMissing``, ``ScopeUnknown``, ``ExpiryPast``, ``TooManyKeys``.
    """
    _require(viewer, _MANAGE)
    assert viewer.member_id is not None
    async with services.databases.control() as control:
        made = await create(
            control,
            company_id=viewer.company.id,
            member_id=viewer.member_id,
            name=name,
            scopes=scopes,
            expires_at=expires_at,
            environment=environment_of(services.settings.base_url),
            key=services.key,
            now=services.clock.now(),
        )
        await _note(services, viewer, "api_key_made", made.info)
    return made


async def rotate_api_key(
    services: IdentityServices, viewer: Viewer, *, key_id: UUID, overlap: timedelta
) -> NewApiKey:
    """Make a key like one of the viewer's own, which ends when ``overlap`` is over; the new text is told this once.

    Raises ``Forbidden``, ``NotFound``, ``OverlapTooLong``, ``TooManyKeys``.
    """
    _require(viewer, _MANAGE)
    assert viewer.member_id is not None
    async with services.databases.control() as control:
        made = await rotate(
            control,
            company_id=viewer.company.id,
            member_id=viewer.member_id,
            key_id=key_id,
            overlap=overlap,
            environment=environment_of(services.settings.base_url),
            key=services.key,
            now=services.clock.now(),
        )
        await _note(services, viewer, "api_key_rotated", made.info, before=key_id)
    services.credentials.forget()
    return made


async def revoke_api_key(services: IdentityServices, viewer: Viewer, *, key_id: UUID) -> None:
    """End a key of the company: here at once, in other processes as soon as they hear of it (milliseconds).

    Who cannot listen (PgBouncer in transaction mode) notices within 5 seconds.

    Raises ``Forbidden`` and ``NotFound``.
    """
    _require(viewer, _MANAGE)
    async with services.databases.control() as control:
        ended = await revoke(control, company_id=viewer.company.id, key_id=key_id, now=services.clock.now())
        if ended is not None:
            await _note(services, viewer, "api_key_revoked", ended)
    services.credentials.forget()


async def list_api_keys(services: IdentityServices, viewer: Viewer) -> list[ApiKeyInfo]:
    """The company's keys, the newest first, ended ones included. Raises ``Forbidden``."""
    _require(viewer, _SEE)
    async with services.databases.control_read() as read:
        return await api_keys_of(read, company_id=viewer.company.id)


async def _note(
    services: IdentityServices, viewer: Viewer, event: str, key: ApiKeyInfo, *, before: UUID | None = None
) -> None:
    """Who did what with which key; what makes it a key is told nowhere."""
    expires_at = key.expires_at.isoformat() if key.expires_at else None
    told: dict[str, object] = {
        "api_key": [before.hex if before else None, key.id.hex],
        "name": [None, key.name],
        "prefix": [None, key.prefix],
        "scopes": [None, list(key.scopes)],
        "expires_at": [None, expires_at],
    }
    async with services.databases.tenant_write(viewer.company) as write:
        await audit(write, viewer, [("member", event, key.member_id, told)], clock=services.clock)


def _require(viewer: Viewer, roles: frozenset[str]) -> None:
    if not viewer.roles & roles:
        raise Forbidden(msg("You may not do this."))
