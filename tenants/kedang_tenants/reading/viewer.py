"""Who is looking, and what the policy lets them see: compiled once, obeyed by every read and write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import IntEnum
from types import MappingProxyType
from uuid import UUID

from kedang_platform.clock import Clock, today_in
from kedang_platform.database import CompanyRef
from kedang_tenants.catalogue.custom import CustomField


class Scope(IntEnum):
    """How far a right reaches, each as far as the one before it and further (A11).

    What one owns or has a living share in; one's department; with the departments below it; with the
    departments that the company's rules choose for one's roles; everything.
    """

    NONE = 0
    OWN = 1
    DEPARTMENT_ONLY = 2
    DEPARTMENT = 3
    CHOSEN = 4
    ALL = 5


@dataclass(frozen=True, slots=True)
class Access:
    """The rights of a viewer on one kind of record.

    ``names`` reaches the rows of which the name-level fields may be read; ``read`` those of which
    every field may be read that no sensitivity masks; ``sensitive`` says how far each class of
    sensitive fields is readable. ``fields`` limits an update to some fields (None: no limit).
    """

    names: Scope = Scope.NONE
    read: Scope = Scope.NONE
    create: Scope = Scope.NONE
    update: Scope = Scope.NONE
    archive: Scope = Scope.NONE
    export: Scope = Scope.NONE
    sensitive: Mapping[str, Scope] = field(default_factory=lambda: MappingProxyType({}))
    fields: frozenset[str] | None = None


NO_ACCESS = Access()


@dataclass(frozen=True, slots=True)
class Viewer:
    """One member at one moment, or the product itself (``member_id`` None) doing its own work.

    ``known_masks`` remembers what ``masks`` found out about fields. ``fingerprint`` is equal for viewers whose rights reach equally far.
    ``department_members`` are the ids of all members of the viewer's department and those below, ``unit_members`` of the
    department alone, ``chosen_members`` those of the first and of the chosen departments.

    ``shared`` are archives that count as the viewer's own for reading, ``shared_to_write`` for changing as well. Where ``closed``,
    the company's restricted archives are not there for the viewer, but for those in ``opened``. ``until`` is the instant at
    which the first of these rights ends.
    """

    company: CompanyRef
    member_id: UUID | None
    roles: frozenset[str]
    department_members: tuple[UUID, ...]
    access: Mapping[str, Access]
    language: str
    time_zone: str
    currency: str
    country: str
    fingerprint: str
    via: str = "api"
    custom_fields: tuple[CustomField, ...] = ()
    known_masks: dict[tuple[str, str], object] = field(default_factory=dict, compare=False, repr=False)
    unit_members: tuple[UUID, ...] = ()
    chosen_members: tuple[UUID, ...] = ()
    shared: tuple[UUID, ...] = ()
    shared_to_write: tuple[UUID, ...] = ()
    closed: bool = False
    opened: tuple[UUID, ...] = ()
    until: datetime | None = None

    def custom_field(self, record: str, key: str) -> CustomField | None:
        """The company's own field called ``key`` on a kind of record."""
        return next((f for f in self.custom_fields if f.record == record and f.key == key), None)

    def on(self, record: str) -> Access:
        """The viewer's rights on a kind of record; none for a kind the policy does not name."""
        return self.access.get(record, NO_ACCESS)

    def today(self, clock: Clock) -> date:
        return today_in(clock, self.time_zone)

    def members_within(self, scope: Scope) -> tuple[UUID, ...]:
        """The owners whose records a limited scope reaches."""
        if self.member_id is None:
            return ()
        others = {
            Scope.DEPARTMENT_ONLY: self.unit_members,
            Scope.DEPARTMENT: self.department_members,
            Scope.CHOSEN: self.chosen_members,
        }.get(scope, ())
        return (*others, self.member_id)

    def reaches(self, scope: Scope, member_id: UUID | None) -> bool:
        """Whether the scope holds for what is that member's, or with None nobody's."""
        return scope is Scope.ALL or (scope is not Scope.NONE and member_id in self.members_within(scope))
