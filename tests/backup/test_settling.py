"""Who is let into a company that was restored beside the living one."""

from datetime import UTC, datetime

import pytest

from kedang_platform.clock import FixedClock
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.people.viewers import system_viewer
from kedang_workers.beside.lifting import LiftedMember
from kedang_workers.beside.settling import settle
from tests.support.members import make_member

THEN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.requirement("O4", "T3")
async def test_whom_the_living_company_has_let_go_since_does_not_come_back(databases, two_companies):
    living, restored = two_companies
    people = [
        await make_member(databases, living, role, name=role)
        for role in ("SALES_REPRESENTATIVE", "SALES_REPRESENTATIVE", "OWNER")
    ]
    dismissed, left_out, stays = people
    async with databases.tenant_write(restored.ref) as write:
        viewer = await system_viewer(write, company=restored)
        values = {"name": "Then", "roles": ["OWNER"], "state": "ACTIVE", "seat": "FULL"}
        changes = [
            Change("member", "create", member.id, values=values | {"email": f"{member.id.hex}@x.example"})
            for member in people
        ]
        await change_internally(write, viewer, changes, clock=FixedClock())
    async with databases.control() as control:
        await control.fetch(
            "UPDATE platform.membership SET state = 'suspended' WHERE member_id = $1", dismissed.id
        )
        await control.fetch("DELETE FROM platform.membership WHERE member_id = $1", left_out.id)
    settled = await settle(
        databases,
        company_id=restored.id,
        taken_from=living.id,
        members=[
            LiftedMember(each.id, each.person_id, "", "active", full=True, owner=True, created_at=THEN)
            for each in people
        ],
        free_seats=2,
        told={},
        clock=FixedClock(),
    )
    assert (settled.members, settled.seats, settled.missing) == (3, 1, ())
    async with databases.control_read() as read:
        rows = await read.fetch(
            "SELECT member_id, state, seat FROM platform.membership WHERE company_id = $1", restored.id
        )
    async with databases.tenant_read(restored.ref) as read:
        own = await read.fetch("SELECT id, state FROM member")
    assert {row["member_id"]: (row["state"], row["seat"]) for row in rows} == {
        dismissed.id: ("suspended", "none"),
        left_out.id: ("suspended", "none"),
        stays.id: ("active", "full"),
    }
    assert {row["id"]: row["state"] for row in own} == {
        dismissed.id: "SUSPENDED",
        left_out.id: "SUSPENDED",
        stays.id: "ACTIVE",
    }
