"""Who answers a request: the department of its kind, and in it the one who has least to do (S1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self, cast
from uuid import UUID

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.i18n import msg
from kedang_tenants.changing import Draft
from kedang_tenants.people.policy import access_of
from kedang_tenants.reading import Scope

HANDLERS: Final = frozenset({"SERVICE_AGENT"})
"""The roles whose members requests are shared out to."""
HEADS: Final = frozenset({"DEPARTMENT_MANAGER"})
"""The role of a department's head, who has what nobody else there can take."""

CANNOT_ANSWER: Final = (
    "CANNOT_BE_RESPONSIBLE",
    msg("Only an active member with a full seat whose roles answer requests can be responsible for one."),
)

_RULES: Final = """
SELECT kind, department_id, member_id FROM service_assignment WHERE archived_at IS NULL ORDER BY created_at, id
"""
# A subquery each: by its index, how many open requests a member has, and when the last one was given to them.
_STAFF: Final = """
SELECT m.id, m.department_id, m.roles,
       (SELECT count(*) FROM service_request r
        WHERE r.owner_id = m.id AND r.state IN ('NEW', 'IN_PROGRESS', 'WAITING') AND r.archived_at IS NULL
       ) AS open,
       (SELECT max(r.assigned_at) FROM service_request r WHERE r.owner_id = m.id) AS last_given
FROM member m
WHERE m.state = 'ACTIVE' AND m.seat = 'FULL' AND m.archived_at IS NULL
  AND (m.roles && $1::text[] OR m.id = ANY($2::uuid[]))
ORDER BY m.id
"""
_CUSTOMER_OWNERS: Final = (
    "SELECT id, owner_id FROM customer WHERE id = ANY($1::uuid[]) AND owner_id IS NOT NULL"
)
_ABLE: Final = """
SELECT id, department_id, roles FROM member
WHERE id = ANY($1::uuid[]) AND state = 'ACTIVE' AND seat = 'FULL' AND archived_at IS NULL
"""


@dataclass(slots=True)
class _Colleague:
    """A member whom requests may be given to, and what they have already."""

    id: UUID
    department_id: UUID | None
    roles: frozenset[str]
    open: int
    last_given: datetime | None

    @classmethod
    def of(cls, row: asyncpg.Record) -> Self:
        return cls(row["id"], row["department_id"], frozenset(row["roles"]), row["open"], row["last_given"])

    @property
    def turn(self) -> tuple[int, float, UUID]:
        """Fewest open requests first, then who has waited longest for one; then by id, so that it is never chance."""
        return self.open, self.last_given.timestamp() if self.last_given else float("-inf"), self.id


@dataclass(frozen=True, slots=True)
class Desk:
    """The rules of assignment and everybody they may give requests to."""

    rules: Sequence[asyncpg.Record]
    staff: Sequence[_Colleague]

    def departments_of(self, kind: str) -> list[UUID]:
        """The departments that answer a kind, in the order of their rules."""
        return list(dict.fromkeys(rule["department_id"] for rule in self._rules_of(kind)))

    def choose(self, kind: str) -> _Colleague | None:
        """Whose turn it is for a kind of request, by the rules; None when they find nobody."""
        rules = self._rules_of(kind)
        named = {rule["member_id"] for rule in rules} - {None}
        open_to_all = {rule["department_id"] for rule in rules if rule["member_id"] is None}
        found = [each for each in self.staff if each.id in named]
        found += [each for each in self._in(open_to_all, HANDLERS) if each.id not in named]
        return self._next(found) or self._next(self._in(self.departments_of(kind), HEADS))

    def choose_in(self, department_id: UUID) -> _Colleague | None:
        """Whose turn it is in a department; its head where nobody else there takes requests."""
        return self._next(self._in({department_id}, HANDLERS)) or self._next(self._in({department_id}, HEADS))

    def given(self, colleague: _Colleague, now: datetime) -> None:
        """Note that one more was given, so that the next goes to another."""
        colleague.open += 1
        colleague.last_given = now

    def _rules_of(self, kind: str) -> list[asyncpg.Record]:
        own = [rule for rule in self.rules if rule["kind"] == kind]
        return own or [rule for rule in self.rules if rule["kind"] is None]

    def _in(self, departments: Iterable[UUID], roles: frozenset[str]) -> list[_Colleague]:
        wanted = set(departments)
        return [each for each in self.staff if each.department_id in wanted and each.roles & roles]

    @staticmethod
    def _next(found: Sequence[_Colleague]) -> _Colleague | None:
        return min(found, key=lambda each: each.turn, default=None)


async def load_desk(read: TenantRead) -> Desk:
    """The desk as it is in this transaction."""
    rules = await read.fetch(_RULES)
    named = [rule["member_id"] for rule in rules if rule["member_id"] is not None]
    staff = await read.fetch(_STAFF, [*HANDLERS, *HEADS], named)
    return Desk(rules, [_Colleague.of(row) for row in staff])


async def able(read: TenantRead, member_ids: Iterable[UUID]) -> dict[UUID, UUID | None]:
    """Who of these members can be responsible for a request, with their departments.

    That takes an active member with a full seat whose roles let them open requests themselves.
    """
    rows = await read.fetch(_ABLE, list(member_ids))
    return {row["id"]: row["department_id"] for row in rows if _may_answer(row["roles"])}


def _may_answer(roles: Sequence[str]) -> bool:
    access = access_of(roles, full_seat=True).get("service_request")
    return access is not None and access.create is not Scope.NONE


async def assign_new(write: TenantWrite, drafts: Sequence[Draft], clock: Clock) -> None:
    """Give every new request its one responsible person and its department.

    Whom its maker named, if they can be; else whose turn it is in the department that was named, or by
    the rules for its kind; else the customer's owner. A request may be left without anybody.
    """
    desk = await load_desk(write)
    fallback = await _customer_owners(write, [draft for draft in drafts if not draft.values.get("owner_id")])
    named = {cast("UUID", d.values["owner_id"]) for d in drafts if d.values.get("owner_id")}
    departments = await able(write, named | set(fallback.values()))
    for draft in drafts:
        if draft.values.get("owner_id") is None:
            _choose(draft, desk, fallback, departments, clock.now())
        elif draft.values["owner_id"] not in departments:
            draft.refuse("owner_id", *CANNOT_ANSWER)
        elif draft.values.get("department_id") is None:
            draft.values["department_id"] = departments[cast("UUID", draft.values["owner_id"])]
        if draft.values.get("owner_id") is not None:
            draft.values["assigned_at"] = clock.now()


def _choose(
    draft: Draft,
    desk: Desk,
    fallback: dict[UUID, UUID],
    departments: dict[UUID, UUID | None],
    now: datetime,
) -> None:
    kind, department = str(draft.values["kind"]), cast("UUID | None", draft.values.get("department_id"))
    answering = next(iter(desk.departments_of(kind)), None)
    chosen = desk.choose_in(department) if department else desk.choose(kind)
    if chosen is not None:
        desk.given(chosen, now)
        draft.values["owner_id"] = chosen.id
        draft.values["department_id"] = department or chosen.department_id or answering
        return
    draft.values["department_id"] = department or answering
    owner = fallback.get(cast("UUID", draft.values["customer_id"]))
    if owner in departments:
        draft.values["owner_id"] = owner
        draft.values["department_id"] = draft.values["department_id"] or departments[owner]


async def _customer_owners(read: TenantRead, drafts: Sequence[Draft]) -> dict[UUID, UUID]:
    customers = list({cast("UUID", draft.values["customer_id"]) for draft in drafts})
    rows = await read.fetch(_CUSTOMER_OWNERS, customers) if customers else []
    return {row["id"]: row["owner_id"] for row in rows}
