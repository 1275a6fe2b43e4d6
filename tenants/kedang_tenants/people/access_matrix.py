"""The access rules laid out: role × record × action as in force, and what a draft would change for whom (A11)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from kedang_platform.database import TenantRead
from kedang_platform.errors import Forbidden, Refused, UserError
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import catalogue
from kedang_tenants.people.access import check_access_rules
from kedang_tenants.people.access_rules import CELLS, AccessRules, Cell, Reader, cell_of
from kedang_tenants.people.access_standing import rules_in_force
from kedang_tenants.people.policy import DEFAULT_POLICY, Table, access_of
from kedang_tenants.people.roles import ROLES
from kedang_tenants.reading import NO_ACCESS, Scope, Viewer

_NUMBER = "SELECT number FROM rule_version WHERE id = $1"
_MEMBERS = """
SELECT id, roles, own_roles, seat FROM member WHERE state = 'ACTIVE' AND archived_at IS NULL ORDER BY name, id
"""
MOST_MEMBERS: Final = 1_000


@dataclass(frozen=True, slots=True)
class MatrixCell:
    """One right of a role; ``default`` is the product's, or that of the role which it is based on."""

    record: str
    cell: Cell
    scope: Scope
    default: Scope


@dataclass(frozen=True, slots=True)
class MatrixRole:
    """A role with its rights. ``base`` is None for a default one."""

    code: str
    base: str | None
    departments: tuple[UUID, ...]
    cells: tuple[MatrixCell, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """The rules in force; ``version`` is None where the product's own hold."""

    version_id: UUID | None
    version: int | None
    rules: AccessRules
    roles: tuple[MatrixRole, ...]


@dataclass(frozen=True, slots=True)
class RightChange:
    """A right that somebody would gain or lose."""

    record: str
    cell: Cell
    before: Scope
    after: Scope


@dataclass(frozen=True, slots=True)
class MemberChanges:
    """What a draft would change for one member."""

    member_id: UUID
    changes: tuple[RightChange, ...]
    departments_added: tuple[UUID, ...]
    departments_removed: tuple[UUID, ...]


async def access_matrix(
    read: TenantRead,
    viewer: Viewer,
    *,
    roles: Collection[str] | None = None,
    records: Collection[str] | None = None,
) -> Matrix:
    """Every right of every role as in force, of some roles or records where these are named.

    For everybody who may read the company's rules; raises Forbidden.
    """
    if viewer.on("rule_version").read is not Scope.ALL:
        raise Forbidden(msg("You may not do this."))
    version_id, rules = await rules_in_force(read)
    number = await read.fetchval(_NUMBER, version_id) if version_id else None
    codes = [role.code for role in ROLES] + sorted(rules.own_roles)
    told = tuple(
        _role(rules, code, records)
        for code in codes
        if code in rules.tables and (roles is None or code in roles)
    )
    return Matrix(version_id, number, rules, told)


def _role(rules: AccessRules, code: str, records: Collection[str] | None) -> MatrixRole:
    said = rules.roles.get(code)
    base = rules.base_of(code)
    cells = tuple(_cells(rules.tables[code], DEFAULT_POLICY[base], records))
    return MatrixRole(code, None if base == code else base, said.departments if said else (), cells)


def _cells(table: Table, default: Table, records: Collection[str] | None) -> Iterator[MatrixCell]:
    for record in catalogue():
        if records is not None and record.name not in records:
            continue
        access, usual = table.get(record.name, NO_ACCESS), default.get(record.name, NO_ACCESS)
        for cell in CELLS:
            yield MatrixCell(record.name, cell, cell_of(access, cell), cell_of(usual, cell))


async def preview_access_rules(
    read: TenantRead, viewer: Viewer, content: Mapping[str, Any]
) -> tuple[MemberChanges, ...]:
    """Which active members would gain or lose what if these rules were in force; at most ``MOST_MEMBERS`` of them.

    Raises Forbidden for whoever may draft no rules, and Refused with all that is wrong with the content.
    """
    if viewer.on("rule_version").create is Scope.NONE:
        raise Forbidden(msg("You may not do this."))
    if not isinstance(content, Mapping):
        message = msg("The content of a rule is an object.")
        raise Refused([UserError("INVALID_CONTENT", message, ("content",))])
    errors = await check_access_rules(read, viewer, content)
    if errors:
        raise Refused([UserError(e.code, e.message, ("content", *e.path), e.params) for e in errors])
    _, before = await rules_in_force(read)
    after = Reader(content).rules()
    known: dict[tuple[frozenset[str], bool], tuple[RightChange, ...]] = {}
    found = []
    for row in await read.fetch(_MEMBERS):
        held, seat = frozenset({*row["roles"], *(row["own_roles"] or ())}), row["seat"] == "FULL"
        if (held, seat) not in known:
            known[held, seat] = tuple(_changes(before, after, held, full_seat=seat))
        now, then = before.departments_of(held), after.departments_of(held)
        if known[held, seat] or now != then:
            added, removed = tuple(sorted(then - now)), tuple(sorted(now - then))
            found.append(MemberChanges(row["id"], known[held, seat], added, removed))
    return tuple(found[:MOST_MEMBERS])


def _changes(
    before: AccessRules, after: AccessRules, roles: Collection[str], *, full_seat: bool
) -> Iterator[RightChange]:
    now = access_of(roles, full_seat=full_seat, tables=before.tables)
    then = access_of(roles, full_seat=full_seat, tables=after.tables)
    for record in sorted({*now, *then}):
        for cell in CELLS:
            former, coming = (cell_of(table.get(record, NO_ACCESS), cell) for table in (now, then))
            if former is not coming:
                yield RightChange(record, cell, former, coming)
