"""Who may decide a step: by what people are at this moment, never by what they were when it was asked."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from kedang_platform.database import TenantRead
from kedang_tenants.approvals.flows import ROLE, Flow, Step

_MEMBERS = """
SELECT id, roles, superior_id, (state = 'ACTIVE' AND seat = 'FULL') AS able FROM member
WHERE archived_at IS NULL ORDER BY id
"""
_DEPUTIES = """
SELECT member_id, deputy_id FROM approval_deputy
WHERE archived_at IS NULL AND from_day <= $1 AND until_day >= $1 ORDER BY member_id, deputy_id
"""
# Who decides where a step finds nobody, in this order: above everybody stand these.
_LAST: Final = ("GENERAL_MANAGER", "OWNER")


@dataclass(frozen=True, slots=True)
class Person:
    """A member; only who is active and holds a full seat is ``able`` to decide anything."""

    id: UUID
    roles: frozenset[str]
    superior_id: UUID | None
    able: bool


@dataclass(frozen=True, slots=True)
class Staff:
    """Everybody in the company, and who stands in for whom today."""

    people: Mapping[UUID, Person]
    deputies: tuple[tuple[UUID, UUID], ...] = ()

    def above(self, member: UUID | None) -> Iterator[Person]:
        """The line upward from a member, who is not in it; a line that closes ends there."""
        seen = {member}
        person = self.people.get(member) if member else None
        while person is not None and person.superior_id not in seen and person.superior_id is not None:
            seen.add(person.superior_id)
            person = self.people.get(person.superior_id)
            if person is not None:
                yield person


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What deciders are sought for. ``barred`` never decide, the asker among them."""

    step: Step
    flow: Flow
    asked_by: UUID | None
    barred: frozenset[UUID]
    amount: int | None
    escalation: int = 0


async def load_staff(read: TenantRead, *, today: date) -> Staff:
    """The company's people as they are now, with the deputies of the day."""
    people = {
        row["id"]: Person(row["id"], frozenset(row["roles"]), row["superior_id"], row["able"])
        for row in await read.fetch(_MEMBERS)
    }
    deputies = await read.fetch(_DEPUTIES, today)
    return Staff(people, tuple((row["member_id"], row["deputy_id"]) for row in deputies))


def who_may_decide(staff: Staff, question: Question) -> dict[UUID, UUID | None]:
    """Who may decide now: in their own right (None), or in the place of the member named.

    Empty where nobody but those who are barred is left.
    """
    own = deciders(staff, question)
    found: dict[UUID, UUID | None] = dict.fromkeys(sorted(own))
    for member, deputy in staff.deputies:
        person = staff.people.get(deputy)
        if member in own and person is not None and person.able and deputy not in question.barred:
            found.setdefault(deputy, member)
    return found


def deciders(staff: Staff, question: Question) -> frozenset[UUID]:
    """Those who may decide in their own right: of the step, or else the general manager, or else an owner.

    With every escalation the superiors of those who should have decided are added.
    """
    found = _of_step(staff, question) or _last_resort(staff, question, frozenset())
    newest = found
    for _ in range(question.escalation):
        newest = _superiors(staff, question, newest) - found
        newest = newest or _last_resort(staff, question, found)
        found |= newest
    return found


def _of_step(staff: Staff, question: Question) -> frozenset[UUID]:
    if question.step.by == ROLE:
        return _with_roles(staff, question, question.step.roles)
    return _first(person for person in staff.above(question.asked_by) if _may(person, question))


def _superiors(staff: Staff, question: Question, members: frozenset[UUID]) -> frozenset[UUID]:
    found: frozenset[UUID] = frozenset()
    for member in members:
        found |= _first(person for person in staff.above(member) if _may(person, question))
    return found


def _last_resort(staff: Staff, question: Question, known: frozenset[UUID]) -> frozenset[UUID]:
    for role in _LAST:
        found = _with_roles(staff, question, (role,)) - known
        if found:
            return found
    return frozenset()


def _with_roles(staff: Staff, question: Question, roles: Collection[str]) -> frozenset[UUID]:
    return frozenset(
        person.id
        for person in staff.people.values()
        if not person.roles.isdisjoint(roles) and _may(person, question)
    )


def _first(people: Iterator[Person]) -> frozenset[UUID]:
    person = next(people, None)
    return frozenset() if person is None else frozenset({person.id})


def _may(person: Person, question: Question) -> bool:
    return person.able and person.id not in question.barred and _within_limits(person, question)


def _within_limits(person: Person, question: Question) -> bool:
    limits, amount = question.flow.limits, question.amount
    if not limits or amount is None or "OWNER" in person.roles:
        return True
    mine = [limits[role] for role in person.roles if role in limits]
    return any(most is None or amount <= most for most in mine)
