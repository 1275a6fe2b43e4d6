"""The member's row in the company's schema, which follows the platform's membership."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import Databases, TenantWrite
from kedang_platform.identity import memberships
from kedang_platform.registry import Company
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.people.viewers import system_viewer
from kedang_tenants.reading import Viewer

_SEATS = {"full": "FULL", "none": "VIEW_ONLY"}


@dataclass(frozen=True, slots=True)
class NewRow:
    """What the company keeps of a member beside what the platform decides; clean already."""

    name: str
    email: str
    roles: tuple[str, ...]
    language: str
    department_id: UUID | None = None
    own_roles: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """For the payload of a job."""
        department = str(self.department_id) if self.department_id else None
        return {
            **asdict(self),
            "roles": list(self.roles),
            "own_roles": list(self.own_roles),
            "department_id": department,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> NewRow:
        department = value.get("department_id")  # a job of an earlier release has none
        return cls(
            name=value["name"],
            email=value["email"],
            roles=tuple(value["roles"]),
            language=value["language"],
            department_id=UUID(department) if department else None,
            own_roles=tuple(value.get("own_roles", ())),
        )


async def follow(
    databases: Databases,
    *,
    company: Company,
    member_id: UUID,
    clock: Clock,
    new: NewRow | None = None,
    reset_roles: bool = False,
    viewer: Viewer | None = None,
) -> None:
    """Bring the member's row to what the platform says now; repeating it changes nothing.

    ``new`` is what a row is made of that does not exist yet; with ``reset_roles`` an existing one gets
    its roles, too. The membership is held meanwhile, so of several that follow it the last one writes
    its last state.
    """
    async with databases.control() as control:
        member = await memberships.membership_of(
            control, company_id=company.id, member_id=member_id, hold=True
        )
        if member is None:
            return
        async with databases.tenant_write(company.ref) as write:
            actor = viewer or await system_viewer(write, company=company)
            await write_row(write, actor, member=member, new=new, reset_roles=reset_roles, clock=clock)


async def write_row(
    write: TenantWrite,
    viewer: Viewer,
    *,
    member: memberships.Member,
    new: NewRow | None,
    clock: Clock,
    reset_roles: bool = False,
) -> None:
    """Create or update the row; see ``follow``."""
    exists = await write.fetchval("SELECT id FROM member WHERE id = $1", member.member_id) is not None
    if exists:
        roles = _roles(new) if new and reset_roles else {}
        values = _decided(seat=member.seat, state=member.state) | roles
        changes = [Change("member", "update", id=member.member_id, values=values)]
    else:
        changes = [creation(member.member_id, new, seat=member.seat, state=member.state)] if new else []
    await change_internally(write, viewer, changes, clock=clock)


def creation(member_id: UUID, new: NewRow, *, seat: memberships.Seat, state: memberships.State) -> Change:
    """The change that makes the row of a membership."""
    own = {
        "name": new.name,
        "email": new.email,
        **_roles(new),
        "language": new.language,
        "department_id": new.department_id,
    }
    return Change("member", "create", id=member_id, values=own | _decided(seat=seat, state=state))


def _roles(new: NewRow) -> dict[str, object]:
    return {"roles": list(new.roles), "own_roles": list(new.own_roles) or None}


def _decided(*, seat: memberships.Seat, state: memberships.State) -> dict[str, object]:
    """What the platform decides, in the words of the company's schema."""
    return {"state": state.upper(), "seat": _SEATS[seat]}
