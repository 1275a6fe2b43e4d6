"""Who stands above whoever writes a daily report: the account manager, the company manager, general managers (F5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from kedang_tenants.people.everybody import Everybody, Person

ACCOUNT_MANAGER: Final = "ACCOUNT_MANAGER"
GENERAL_MANAGER: Final = "GENERAL_MANAGER"
OWNER: Final = "OWNER"
_MANAGING: Final = frozenset({"DEPARTMENT_MANAGER", GENERAL_MANAGER, OWNER})


@dataclass(frozen=True, slots=True)
class Line:
    """Whom a report goes to, and who settles what is urgent in it; None where there is nobody."""

    recipient_id: UUID | None
    manager_id: UUID | None


def line_above(everybody: Everybody, member_id: UUID) -> Line:
    """The line above a member. Who is away is passed over.

    The manager is the nearest above who manages a department, or all; somebody who manages and stands under
    nobody settles what is urgent alone. A report goes to the superior who is an account manager, else to the manager;
    an account manager's own goes to the manager.
    """
    above = [person for person in _above(everybody, member_id) if person.present]
    manager = next((person.id for person in above if person.roles & _MANAGING), None)
    writer = everybody.people.get(member_id)
    if writer is None:
        return Line(None, manager)
    if manager is None and writer.roles & _MANAGING:
        manager = writer.id
    superior = _superior(everybody, writer)
    gathers = superior is not None and superior.present and ACCOUNT_MANAGER in superior.roles
    if superior is not None and gathers and ACCOUNT_MANAGER not in writer.roles:
        return Line(superior.id, manager)
    return Line(manager if manager != member_id else None, manager)


def heads(everybody: Everybody, reporter_id: UUID) -> list[UUID]:
    """Who acknowledges an emergency report: the general managers, where there is none the owners; never the reporter."""
    for group in everybody.general_managers():
        present = [person.id for person in group if person.present and person.id != reporter_id]
        if present:
            return present
    return []


def _above(everybody: Everybody, member_id: UUID) -> Iterator[Person]:
    """The line of superiors, then the managers of the department of the last of them, then who manages all."""
    last, seen = everybody.people.get(member_id), {member_id}
    while (
        last is not None and (superior := _superior(everybody, last)) is not None and superior.id not in seen
    ):
        last = superior
        seen.add(last.id)
        yield last
    for group in everybody.superiors(member_id if last is None else last.id):
        yield from (person for person in group if person.id not in seen)


def _superior(everybody: Everybody, person: Person) -> Person | None:
    return everybody.people.get(person.superior_id) if person.superior_id else None
