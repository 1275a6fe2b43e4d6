"""API keys of a company: who may make and end them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
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
        return await create(
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


async def revoke_api_key(services: IdentityServices, viewer: Viewer, *, key_id: UUID) -> None:
    """End a key of the company, here at once, in other processes within 5 seconds.

    Raises ``Forbidden`` and ``NotFound``.
    """
    _require(viewer, _MANAGE)
    async with services.databases.control() as control:
        await revoke(control, company_id=viewer.company.id, key_id=key_id, now=services.clock.now())
    services.credentials.forget()


async def list_api_keys(services: IdentityServices, viewer: Viewer) -> list[ApiKeyInfo]:
    """The company's keys, the newest first, ended ones included. Raises ``Forbidden``."""
    _require(viewer, _SEE)
    async with services.databases.control_read() as read:
        return await api_keys_of(read, company_id=viewer.company.id)


def _require(viewer: Viewer, roles: frozenset[str]) -> None:
    if not viewer.roles & roles:
        raise Forbidden(msg("You may not do this."))
