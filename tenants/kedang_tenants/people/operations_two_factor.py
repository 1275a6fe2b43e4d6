"""A company asks its members for a second factor: who may, and that it is noted who did (T7)."""

from __future__ import annotations

from uuid import UUID

from kedang_platform.errors import Forbidden
from kedang_platform.i18n import msg
from kedang_platform.identity import IdentityServices
from kedang_platform.identity.two_factor import require_of_company
from kedang_tenants.changing import audit
from kedang_tenants.reading import Viewer

_MANAGE = frozenset({"OWNER", "ADMIN"})


async def require_two_factor(
    services: IdentityServices, viewer: Viewer, *, person_id: UUID, required: bool
) -> None:
    """Ask every member of the company for a second factor from now on, or no longer; ``person_id`` is who asks.

    Repeating it changes nothing. Raises ``Forbidden``, and ``SecondFactorMissing`` for who has none.
    """
    if not viewer.roles & _MANAGE or viewer.member_id is None:
        raise Forbidden(msg("You may not do this."))
    async with services.databases.control() as control:
        changed = await require_of_company(
            control, company_id=viewer.company.id, person_id=person_id, required=required
        )
        if changed:
            told: dict[str, object] = {"requires_two_factor": [not required, required]}
            async with services.databases.tenant_write(viewer.company) as write:
                entry = ("member", "two_factor_required", viewer.member_id, told)
                await audit(write, viewer, [entry], clock=services.clock)
    services.credentials.forget()
