"""Everybody in a company at once: what each may see, who is away, who stands above whom.

For what the product tells many people by itself. A single member who asks is a ``Viewer``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import Final
from uuid import UUID

import asyncpg

from kedang_platform.database import TenantRead
from kedang_tenants.people.access_standing import rules_in_force
from kedang_tenants.people.policy import Table, access_of
from kedang_tenants.reading import NO_ACCESS, Scope

_MEMBERS: Final = """
SELECT m.id, m.name, m.roles, m.own_roles, m.seat, m.state, m.department_id, m.superior_id,
       EXISTS (SELECT 1 FROM approval_deputy d WHERE d.member_id = m.id AND d.archived_at IS NULL
               AND d.from_day <= $1 AND d.until_day >= $1) AS away
FROM member m WHERE m.archived_at IS NULL ORDER BY m.id
"""
_DEPARTMENTS: Final = "SELECT id, parent_id FROM department"
_GENERAL_MANAGER, _DEPARTMENT_MANAGER, _OWNER = "GENERAL_MANAGER", "DEPARTMENT_MANAGER", "OWNER"
_NOBODY: Final[frozenset[UUID]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A member. Who is ``present`` is active and has named no deputy for the day; ``reach`` holds, by how far a
    right goes, whose records it covers beside one's own.
    """

    id: UUID
    name: str
    roles: frozenset[str]
    department_id: UUID | None
    superior_id: UUID | None
    present: bool
    access: Table
    reach: Mapping[Scope, frozenset[UUID]]

    def sees(self, record: str) -> Scope:
        """How far they see that records of a kind exist, and by which names."""
        access = self.access.get(record, NO_ACCESS)
        return max(access.names, access.read)

    def reads(self, record: str) -> Scope:
        """How far they read records of a kind."""
        return self.access.get(record, NO_ACCESS).read

    def covers(self, scope: Scope, owner: UUID | None, *, lent: bool = False) -> bool:
        """Whether a right that goes so far covers a record of ``owner``; ``lent`` says that it is shared with them."""
        if scope in {Scope.NONE, Scope.ALL}:
            return scope is Scope.ALL
        return lent or (owner is not None and (owner == self.id or owner in self.reach[scope]))


@dataclass(frozen=True, slots=True)
class Everybody:
    """The members of a company who are not archived, by id, and the department above each department."""

    people: Mapping[UUID, Person]
    parents: Mapping[UUID, UUID | None]

    def superiors(self, member: UUID) -> Iterator[list[Person]]:
        """Who stands above a member, the nearest first, as far as the general managers and the owners.

        The line of superiors; where a member has none, the managers of their department and of those above it.
        """
        person = self.people.get(member)
        if person is not None:
            yield from self._line(person) if person.superior_id else self._managers(person.department_id)
        yield from self.general_managers()

    def general_managers(self) -> Iterator[list[Person]]:
        """The general managers, then the owners."""
        for role in (_GENERAL_MANAGER, _OWNER):
            yield [person for person in self.people.values() if role in person.roles]

    def _line(self, person: Person) -> Iterator[list[Person]]:
        seen = {person.id}
        above = self.people.get(person.superior_id) if person.superior_id else None
        while above is not None and above.id not in seen:
            seen.add(above.id)
            yield [above]
            above = self.people.get(above.superior_id) if above.superior_id else None

    def _managers(self, department: UUID | None) -> Iterator[list[Person]]:
        seen: set[UUID] = set()
        while department is not None and department not in seen:
            seen.add(department)
            yield [
                person
                for person in self.people.values()
                if person.department_id == department and _DEPARTMENT_MANAGER in person.roles
            ]
            department = self.parents.get(department)


async def load_everybody(read: TenantRead, *, day: date) -> Everybody:
    """Everybody with the rights of this moment; away is who has a deputy on ``day``."""
    _, rules = await rules_in_force(read)
    parents = {row["id"]: row["parent_id"] for row in await read.fetch(_DEPARTMENTS)}
    rows = await read.fetch(_MEMBERS, day)
    below = _members_below(rows, parents)
    mates = {
        unit: frozenset(row["id"] for row in group)
        for unit, group in groupby(sorted(rows, key=_unit), key=itemgetter("department_id"))
        if unit is not None
    }
    people: dict[UUID, Person] = {}
    for row in rows:
        held = (*row["roles"], *(row["own_roles"] or ()))
        unit = row["department_id"]
        colleagues = below(unit) if unit is not None else _NOBODY
        chosen = colleagues
        if not rules.choosing.isdisjoint(held):
            chosen = colleagues.union(*map(below, rules.departments_of(held)))
        people[row["id"]] = Person(
            id=row["id"],
            name=row["name"],
            roles=frozenset({*held, *map(rules.base_of, held)}),
            department_id=unit,
            superior_id=row["superior_id"],
            present=row["state"] == "ACTIVE" and not row["away"],
            access=access_of(held, full_seat=row["seat"] == "FULL", tables=rules.tables),
            reach={
                Scope.OWN: _NOBODY,
                Scope.DEPARTMENT_ONLY: mates.get(unit, _NOBODY),
                Scope.DEPARTMENT: colleagues,
                Scope.CHOSEN: chosen,
            },
        )
    return Everybody(people, parents)


def _unit(row: asyncpg.Record) -> str:
    return str(row["department_id"])


def _members_below(
    rows: list[asyncpg.Record], parents: Mapping[UUID, UUID | None]
) -> Callable[[UUID], frozenset[UUID]]:
    """Who is in a department or in one below it; worked out once a department."""
    members: dict[UUID, set[UUID]] = defaultdict(set)
    for row in rows:
        department, seen = row["department_id"], set[UUID]()
        while department is not None and department not in seen:
            seen.add(department)
            members[department].add(row["id"])
            department = parents.get(department)
    known: dict[UUID, frozenset[UUID]] = {}

    def below(department: UUID) -> frozenset[UUID]:
        if department not in known:
            known[department] = frozenset(members[department])
        return known[department]

    return below
