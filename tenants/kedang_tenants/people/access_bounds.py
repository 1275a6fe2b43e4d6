"""The bounds within which a company edits its access rules: checked on the value, without a database (A11)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final
from uuid import UUID

from kedang_platform.errors import UserError
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import catalogue
from kedang_tenants.people.access_rules import (
    CELLS,
    MOST_ROLES,
    WRITING,
    AccessRules,
    Cell,
    Path,
    RoleRules,
    cell_of,
)
from kedang_tenants.people.policy import DEFAULT_POLICY, INBOX, Table
from kedang_tenants.reading import NO_ACCESS, Access, Scope

FIXED_ROLE: Final = "OWNER"
VIEW_ONLY: Final = "VIEW_ONLY"
_OFFICE: Final = frozenset({"OWNER", "ADMIN"})
_BY_NAME: Final = frozenset({"ADMIN", "GENERAL_MANAGER", "DEPARTMENT_MANAGER", "ARCHIVE_KEEPER", "FINANCE"})
"""Roles with rights that no table tells: seats, invoices, keys, the audit trail, decisions on others' requests."""
_WITHIN_READING: Final = ("update", "archive", "export")


def check_bounds(
    rules: AccessRules,
    *,
    before: AccessRules,
    reach: Table | None,
    used: Collection[str],
    departments: Collection[UUID],
    roles: Collection[str],
) -> list[UserError]:
    """What is wrong with rules that shall follow ``before``, with paths inside of the content.

    ``reach`` are the rights of who edits, None for the product itself, and ``roles`` theirs; ``used`` are the roles of
    the company that somebody has, ``departments`` those that exist.
    """
    errors = [*_numbers(rules), *_dropped(rules, used)]
    for role in rules.roles.values():
        errors += _fixed(role)
        errors += _shapes(rules, role)
        errors += _unknown(role, departments)
        if reach is not None:
            errors += _raised(rules, role, before, reach, roles)
    if reach is not None:
        errors += _chosen(rules, before, reach)
    return errors


def _numbers(rules: AccessRules) -> Iterator[UserError]:
    if len(rules.own_roles) > MOST_ROLES:
        yield UserError(
            "TOO_MANY", msg("At most {limit} entries are allowed here."), ("roles",), {"limit": MOST_ROLES}
        )


def _dropped(rules: AccessRules, used: Collection[str]) -> Iterator[UserError]:
    for code in sorted(set(used) - rules.own_roles):
        message = msg("The role “{role}” cannot be dropped: somebody has it.")
        yield UserError("ROLE_IN_USE", message, ("roles", code), {"role": code})


def _fixed(role: RoleRules) -> Iterator[UserError]:
    """The owner's line, everybody's own notices, and the hands of who may only look."""
    path: Path = ("roles", role.code)
    if role.code == FIXED_ROLE and (role.records or role.departments):
        message = msg("What the owner of the company may do is fixed.")
        yield UserError("OWNER_LINE_FIXED", message, (*path, "records"))
    for record, cells in role.records.items():
        default = DEFAULT_POLICY[role.base].get(record, NO_ACCESS)
        changed = [cell for cell, scope in cells.items() if scope is not cell_of(default, cell)]
        if record in INBOX and changed:
            message = msg("Everybody's notices stay their own.")
            yield UserError("OWN_INBOX_FIXED", message, (*path, "records", record))
        for cell in changed:
            if role.base == VIEW_ONLY and cell in WRITING and cells[cell] > cell_of(default, cell):
                message = msg("A role that may only look never gets a right to write.")
                yield UserError("VIEW_ONLY_WRITES", message, (*path, "records", record, cell))


def _shapes(rules: AccessRules, role: RoleRules) -> Iterator[UserError]:
    """A scope needs an owner to measure it by; and nobody changes, archives or takes away what they do not see."""
    for record, cells in role.records.items():
        default = DEFAULT_POLICY[role.base].get(record, NO_ACCESS)
        path: Path = ("roles", role.code, "records", record)
        limited = [
            cell
            for cell, scope in cells.items()
            if scope not in {Scope.NONE, Scope.ALL} and scope is not cell_of(default, cell)
        ]
        if not catalogue().record(record).owner:
            for cell in limited:
                message = msg("These records have no owner: only everything or nothing can be reached.")
                yield UserError("SCOPE_NEEDS_OWNER", message, (*path, *cell.split(".")))
        access = rules.tables[role.code].get(record, NO_ACCESS)
        seen = max(access.names, access.read)
        for cell in _WITHIN_READING:
            if cell_of(access, cell) > seen and access != default:
                message = msg("This right cannot reach further than reading does.")
                yield UserError("BEYOND_READING", message, (*path, cell))


def _unknown(role: RoleRules, departments: Collection[UUID]) -> Iterator[UserError]:
    for place, department in enumerate(role.departments):
        if department not in departments:
            path: Path = ("roles", role.code, "departments", place)
            yield UserError("NOT_FOUND", msg("There is no such record."), path)


def _raised(
    rules: AccessRules, role: RoleRules, before: AccessRules, reach: Table, roles: Collection[str]
) -> Iterator[UserError]:
    """Nobody gives a role more than they may."""
    former = before.tables.get(role.code, {})
    for record, access in rules.tables[role.code].items():
        for cell in raised_cells(former.get(record, NO_ACCESS), access):
            if cell_of(access, cell) > _limit(rules, role.code, record, cell, reach=reach, roles=roles):
                message = msg("You cannot give a right that you do not have yourself.")
                path: Path = ("roles", role.code, "records", record, *cell.split("."))
                yield UserError("BEYOND_YOUR_OWN", message, path)


def _limit(
    rules: AccessRules, code: str, record: str, cell: Cell, *, reach: Table, roles: Collection[str]
) -> Scope:
    """How far somebody may let a role reach: as far as they do themselves.

    Owners and administrators appoint accountants and sellers without being any: for them it is also as far as the
    role's base reaches by default.
    """
    own = cell_of(reach.get(record, NO_ACCESS), cell)
    if _OFFICE.isdisjoint(roles):
        return own
    return max(own, cell_of(DEFAULT_POLICY[rules.base_of(code)].get(record, NO_ACCESS), cell))


def raised_cells(former: Access, access: Access) -> Iterator[Cell]:
    """The cells that reach further than formerly."""
    for cell in CELLS:
        if cell_of(access, cell) > cell_of(former, cell):
            yield cell


def _chosen(rules: AccessRules, before: AccessRules, reach: Table) -> Iterator[UserError]:
    """Departments are given by who reaches everything where they count: all roles of a member share theirs."""
    counts = {
        (record, cell)
        for role in rules.tables.values()
        for record, access in role.items()
        for cell in CELLS
        if cell_of(access, cell) is Scope.CHOSEN
    }
    short = any(cell_of(reach.get(record, NO_ACCESS), cell) is not Scope.ALL for record, cell in counts)
    for code, role in rules.roles.items():
        former = before.roles.get(code)
        added = set(role.departments) - set(former.departments if former else ())
        newly = any(_chosen_newly(rules.tables[code], before.tables.get(code, {})))
        if short and (added or newly):
            message = msg("Only who reaches all records themselves chooses departments for others.")
            yield UserError("BEYOND_YOUR_OWN", message, ("roles", code, "departments"))


def _chosen_newly(table: Table, former: Mapping[str, Access]) -> Iterator[bool]:
    for record, access in table.items():
        for cell in CELLS:
            if cell_of(access, cell) is Scope.CHOSEN:
                yield cell_of(former.get(record, NO_ACCESS), cell) < Scope.CHOSEN


def bears_more(base: str, roles: Collection[str]) -> bool:
    """Whether a role based on ``base`` bears rights by its name that whoever has ``roles`` does not have by theirs."""
    return base in _BY_NAME and _OFFICE.isdisjoint(roles) and base not in roles


def check_bases(rules: AccessRules, *, before: AccessRules, roles: Collection[str]) -> Iterator[UserError]:
    """What is wrong with what own roles are newly based on, for an editor with ``roles``: no table tells these rights."""
    for code in sorted(rules.own_roles):
        base = rules.base_of(code)
        if (code not in before.roles or before.base_of(code) != base) and bears_more(base, roles):
            message = msg("You cannot give a right that you do not have yourself.")
            yield UserError("BEYOND_YOUR_OWN", message, ("roles", code, "base"))


def may_give(rules: AccessRules, code: str, *, roles: Collection[str], reach: Table) -> bool:
    """Whether somebody with these roles and rights may give a role: the owner's only an owner, others within their own.

    A role that chooses departments is given only by who has it, or reaches everything where it counts.
    """
    if code == FIXED_ROLE:
        return FIXED_ROLE in roles
    if code in roles:
        return True
    table = rules.tables.get(code)
    if table is None:
        return False
    return all(
        cell_of(access, cell) <= _limit(rules, code, record, cell, reach=reach, roles=roles)
        and (
            cell_of(access, cell) is not Scope.CHOSEN
            or cell_of(reach.get(record, NO_ACCESS), cell) is Scope.ALL
        )
        for record, access in table.items()
        for cell in CELLS
    )
