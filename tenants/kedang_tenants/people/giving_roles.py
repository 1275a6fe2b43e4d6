"""Giving roles: which there are in a company, and that nobody gives more than they have (T2, A11)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from kedang_platform.database import Databases, TenantRead
from kedang_platform.errors import BadUserInput, Forbidden
from kedang_platform.i18n import msg
from kedang_tenants.people.access_bounds import bears_more, may_give
from kedang_tenants.people.access_standing import rules_in_force
from kedang_tenants.people.policy import DEFAULT_POLICY
from kedang_tenants.reading import Viewer

_HELD = "SELECT roles, own_roles FROM member WHERE id = $1"


class RoleUnknown(BadUserInput):
    def __init__(self) -> None:
        super().__init__(msg("A member needs at least one of the known roles."), path=("roles",))


@dataclass(frozen=True, slots=True)
class GivenRoles:
    """Roles as a member's row keeps them: the default ones, and those of the company."""

    default: tuple[str, ...]
    own: tuple[str, ...]

    def values(self) -> dict[str, object]:
        """The fields of the row."""
        return {"roles": list(self.default), "own_roles": list(self.own) or None}


async def roles_to_give(
    databases: Databases,
    viewer: Viewer,
    *,
    roles: Collection[str] | None,
    own_roles: Collection[str] | None,
    member_id: UUID | None = None,
) -> GivenRoles:
    """All roles that a member (a new one without ``member_id``) has from now on; None leaves those that there are.

    What the member has already is not given. Raises RoleUnknown where none is left or one is not known, and
    Forbidden for a role that reaches further in anything than the viewer does, or bears rights by its name that
    the viewer's roles do not.
    """
    async with databases.tenant_read(viewer.company) as read:
        _, rules = await rules_in_force(read)
        before = await _roles_of(read, member_id)
        giver = await _roles_of(read, viewer.member_id)
    default = set(before.default if roles is None else roles)
    own = set(before.own if own_roles is None else own_roles)
    if (
        not (default | own)
        or not default <= set(DEFAULT_POLICY)
        or not own - set(before.own) <= rules.own_roles
    ):
        raise RoleUnknown
    for code in (default | own) - {*before.default, *before.own}:
        # What the viewer has, not what it is based on: a role of the company may have less than its base.
        held = {*giver.default, *giver.own}
        more = bears_more(rules.base_of(code), viewer.roles)
        if more or not may_give(rules, code, roles=held, reach=viewer.access):
            raise Forbidden(msg("You may not do this."))
    return GivenRoles(tuple(sorted(default)), tuple(sorted(own)))


async def _roles_of(read: TenantRead, member_id: UUID | None) -> GivenRoles:
    row = await read.fetchrow(_HELD, member_id) if member_id is not None else None
    return GivenRoles(tuple(row["roles"]), tuple(row["own_roles"] or ())) if row else GivenRoles((), ())
