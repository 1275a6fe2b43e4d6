"""A restored company among the living: its people, its seats, and quiet until an operator says otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import ControlTransaction, Databases
from kedang_platform.licensing.seats import subscribe
from kedang_platform.registry import Company, find_company, set_status
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.changing.trail import note_action
from kedang_tenants.people.member_rows import follow
from kedang_tenants.people.viewers import system_viewer
from kedang_workers.beside.lifting import LiftedMember

# The same person as then; one who has gone meanwhile and came back is known by the address.
_PERSON: Final = "SELECT id FROM platform.person WHERE id = $1 OR email = $2 ORDER BY id <> $1 LIMIT 1"
# Whom the living company has let go since comes back nowhere: what was theirs then is not theirs any more.
_STILL_IN: Final = """
SELECT NOT EXISTS (SELECT FROM platform.company WHERE id = $1) OR EXISTS (
    SELECT FROM platform.membership WHERE company_id = $1 AND person_id = $2 AND state = 'active')
"""
_JOIN: Final = """
INSERT INTO platform.membership (company_id, person_id, member_id, seat, state, created_at)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING
"""
_CALLED_OFF: Final = """
UPDATE webhook_delivery SET state = 'CANCELLED', job_id = NULL, next_try_at = NULL, version = version + 1
WHERE state = 'WAITING'
"""


@dataclass(frozen=True, slots=True)
class Settled:
    """Who is a member of the restored company, and how many of them hold a seat."""

    members: int
    seats: int
    missing: tuple[str, ...]  # addresses of members whose persons are gone


async def settle(
    databases: Databases,
    *,
    company_id: UUID,
    taken_from: UUID,
    members: Sequence[LiftedMember],
    free_seats: int,
    told: dict[str, list[object]],
    clock: Clock,
) -> Settled:
    """Let the members in, as far as its free seats go with a seat, see that nothing is sent, and open it.

    Whom ``taken_from``, the living company, has suspended or left out since comes as a suspended member.
    """
    async with databases.control() as control:
        await subscribe(control, company_id=company_id, free_seats=free_seats, now=clock.now())
        settled = await _join(control, company_id, taken_from, members, free_seats=free_seats)
        company = await find_company(control, company_id=company_id)
    for member in members:
        await follow(databases, company=company, member_id=member.member_id, clock=clock)
    await _hush(databases, company, told, clock=clock)
    async with databases.control() as control:
        await set_status(control, company_id=company_id, status="active")
    return settled


async def _join(
    control: ControlTransaction,
    company_id: UUID,
    taken_from: UUID,
    members: Sequence[LiftedMember],
    *,
    free_seats: int,
) -> Settled:
    missing, joining = [], []
    for member in members:
        person = await control.fetchval(_PERSON, member.person_id, member.email)
        if person is None:
            missing.append(member.email)
            continue
        # An invitation's link stays with the living company.
        able = member.state == "active" and await control.fetchval(_STILL_IN, taken_from, person)
        joining.append((replace(member, state="active" if able else "suspended"), person))
    seated = set(_seated([member for member, _ in joining], free_seats=free_seats))
    for member, person in joining:
        seat = "full" if member.member_id in seated else "none"
        await control.fetch(
            _JOIN, company_id, person, member.member_id, seat, member.state, member.created_at
        )
    return Settled(len(joining), len(seated), tuple(missing))


def _seated(members: Sequence[LiftedMember], *, free_seats: int) -> Iterator[UUID]:
    """Who holds the free seats: owners first, then the longest-standing of those who held one."""
    able = [member for member in members if member.state == "active" and member.full]
    for member in sorted(able, key=_rank)[:free_seats]:
        yield member.member_id


def _rank(member: LiftedMember) -> tuple[bool, datetime]:
    return not member.owner, member.created_at


async def _hush(
    databases: Databases, company: Company, told: dict[str, list[object]], *, clock: Clock
) -> None:
    """Switch webhooks off and call off what was on its way: the living company has told it, or will."""
    async with databases.tenant_write(company.ref) as write:
        viewer = await system_viewer(write, company=company, via="operator")
        active = await write.fetch("SELECT id FROM webhook WHERE active")
        values: dict[str, Any] = {"active": False}
        changes = [Change("webhook", "update", row["id"], values=values) for row in active]
        await change_internally(write, viewer, changes, clock=clock)
        await write.fetch(_CALLED_OFF)
        await note_action(write, viewer, "company", "restored", company.id, dict(told), clock=clock)
