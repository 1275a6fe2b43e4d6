"""Access rules (查阅权限) of a company: changes to the default policy, and roles of its own (A11).

Everything here is pure: what a rule of the kind ``access`` says, read, compiled and printed. Its content is

    {"roles": {"REPRESENTATIVE": {"label": {"en": …, "zh": …}, "departments": ["dep_…"],
                                  "records": {"customer": {"read": "DEPARTMENT", "sensitive": {"phone": "ALL"}}}},
               "KEY_ACCOUNT": {"base": "REPRESENTATIVE", "label": {"en": "Key accounts"}}}}

and names only what differs from the role it is about, or from the role that it is based on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final, TypeAlias
from uuid import UUID

from kedang_platform.errors import UserError
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import catalogue
from kedang_tenants.people.policy import DEFAULT_POLICY, Table
from kedang_tenants.reading import NO_ACCESS, Access, Scope

KIND: Final = "access"
ACTIONS: Final = ("names", "read", "create", "update", "archive", "export")
WRITING: Final = ("create", "update", "archive")
CLASSES: Final = ("phone", "credit", "bank", "profit", "cost", "respondent")
MOST_ROLES: Final = 50
MOST_DEPARTMENTS: Final = 100
_LONGEST_LABEL: Final = 60
_CODE = re.compile(r"[A-Z][A-Z0-9_]{1,39}")
_DEPARTMENT = re.compile(r"dep_[0-9a-f]{32}")
_LANGUAGES: Final = ("en", "zh")

Cell: TypeAlias = str
"""An action, or a class of sensitive fields as ``sensitive.phone``."""
Path: TypeAlias = tuple[str | int, ...]
CELLS: Final[tuple[Cell, ...]] = (*ACTIONS, *(f"sensitive.{name}" for name in CLASSES))


@dataclass(frozen=True, slots=True)
class RoleRules:
    """What the rules say of a role. ``base`` is the default role that it starts from: itself for a default one.

    ``records`` are the cells that are said, by record; ``departments`` what CHOSEN reaches for the role.
    """

    code: str
    base: str
    label: Mapping[str, str] = field(default_factory=dict)
    departments: tuple[UUID, ...] = ()
    records: Mapping[str, Mapping[Cell, Scope]] = field(default_factory=dict)

    @property
    def is_own(self) -> bool:
        """Whether the company made the role."""
        return self.code != self.base


@dataclass(frozen=True, slots=True)
class AccessRules:
    """All roles that the rules say something of, and what every role may do, compiled.

    ``choosing`` are the roles with a right that reaches chosen departments.
    """

    roles: Mapping[str, RoleRules]
    tables: Mapping[str, Table]
    choosing: frozenset[str]

    @property
    def own_roles(self) -> frozenset[str]:
        return frozenset(code for code, role in self.roles.items() if role.is_own)

    def base_of(self, code: str) -> str:
        """The default role that a role starts from; the role itself where nothing is said of it."""
        return self.roles[code].base if code in self.roles else code

    def departments_of(self, codes: Iterable[str]) -> frozenset[UUID]:
        """The departments that CHOSEN reaches for whoever has these roles."""
        return frozenset(d for code in codes if code in self.roles for d in self.roles[code].departments)


def cell_of(access: Access, cell: Cell) -> Scope:
    """How far a right reaches."""
    name, _, sensitivity = cell.partition(".")
    found = access.sensitive.get(sensitivity, Scope.NONE) if sensitivity else getattr(access, name)
    assert isinstance(found, Scope)
    return found


def with_cells(access: Access, cells: Mapping[Cell, Scope]) -> Access:
    """The rights with these cells instead."""
    actions: dict[str, Any] = {name: scope for name, scope in cells.items() if "." not in name}
    classes = {name.partition(".")[2]: scope for name, scope in cells.items() if "." in name}
    if classes:
        actions["sensitive"] = MappingProxyType({**access.sensitive, **classes})
    return replace(access, **actions)


def compiled(roles: Iterable[RoleRules]) -> AccessRules:
    """The tables that follow from what is said of the roles; default roles of which nothing is said stay as they are."""
    said = {role.code: role for role in roles}
    tables = {code: _table(role) for code, role in said.items()}
    choosing = frozenset(code for code, table in tables.items() if _chooses(table))
    return AccessRules(MappingProxyType(said), MappingProxyType({**DEFAULT_POLICY, **tables}), choosing)


def _chooses(table: Table) -> bool:
    return any(cell_of(access, cell) is Scope.CHOSEN for access in table.values() for cell in CELLS)


def _table(role: RoleRules) -> Table:
    base = DEFAULT_POLICY[role.base]
    said = {record: with_cells(base.get(record, NO_ACCESS), cells) for record, cells in role.records.items()}
    changed = {r: access for r, access in said.items() if access != base.get(r, NO_ACCESS)}
    return MappingProxyType({**base, **changed})


DEFAULT_RULES: Final = compiled(())
"""What holds where a company has no rules of its own."""


def rules_of(content: Mapping[str, Any]) -> AccessRules:
    """The rules that a checked content says; what an earlier release knew and this one does not is passed by."""
    return Reader(content).rules()


def printed(rules: AccessRules) -> dict[str, Any]:
    """The content that says these rules, in one order and without what goes without saying."""
    return {"roles": {code: _printed_role(rules.roles[code]) for code in sorted(rules.roles)}}


def _printed_role(role: RoleRules) -> dict[str, Any]:
    told: dict[str, Any] = {"base": role.base} if role.is_own else {}
    if role.label:
        told["label"] = dict(role.label)
    if role.departments:
        told["departments"] = [f"dep_{department.hex}" for department in sorted(role.departments)]
    base = DEFAULT_POLICY[role.base]
    records = {
        record: _printed_cells(base.get(record, NO_ACCESS), role.records[record])
        for record in sorted(role.records)
    }
    if any(records.values()):
        told["records"] = {record: cells for record, cells in records.items() if cells}
    return told


def _printed_cells(base: Access, cells: Mapping[Cell, Scope]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for cell in CELLS:
        scope = cells.get(cell)
        if scope is None or scope is cell_of(base, cell):
            continue
        name, _, sensitivity = cell.partition(".")
        if sensitivity:
            told.setdefault(name, {})[sensitivity] = scope.name
        else:
            told[name] = scope.name
    return told


class Reader:
    """Reads a content and notes, by path, whatever cannot be understood in it."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.errors: list[UserError] = []
        self._content = content

    def rules(self) -> AccessRules:
        """The rules as far as they are understood."""
        self._only(self._content, {"roles"}, ())
        roles = self._mapping(self._content.get("roles"), ("roles",))
        return compiled([role for code, said in roles.items() for role in self._role(code, said)])

    def refuse(self, code: str, message: str, path: Path, **params: object) -> None:
        self.errors.append(UserError(code, message, path, params))

    def _role(self, code: str, said: object) -> Iterator[RoleRules]:
        path: Path = ("roles", code)
        given = self._mapping(said, path)
        self._only(given, {"base", "label", "departments", "records"}, path)
        base = self._base(code, given, path)
        if base is None:
            return
        label = self._label(given.get("label"), (*path, "label"))
        if base != code and not label:
            self.refuse("REQUIRED", msg("This must be filled in."), (*path, "label"))
        yield RoleRules(
            code,
            base,
            label,
            self._departments(given.get("departments"), (*path, "departments")),
            MappingProxyType(dict(self._records(given.get("records"), (*path, "records")))),
        )

    def _base(self, code: str, given: Mapping[str, Any], path: Path) -> str | None:
        base = given.get("base")
        if code in DEFAULT_POLICY and base in {None, code}:
            return code
        if code in DEFAULT_POLICY or not _CODE.fullmatch(code):
            message = msg(
                "The code of a role is made of capital letters, digits and underscores, and is not taken."
            )
            self.refuse("INVALID_ROLE_CODE", message, path)
        elif not isinstance(base, str) or base not in DEFAULT_POLICY or base == "OWNER":
            message = msg(
                "A role of the company is based on one of the default roles, but not on the owner's."
            )
            self.refuse("ROLE_BASE_UNKNOWN", message, (*path, "base"))
        else:
            return base
        return None

    def _label(self, said: object, path: Path) -> Mapping[str, str]:
        given = {} if said is None else self._mapping(said, path)
        self._only(given, set(_LANGUAGES), path)
        label = {}
        for language in _LANGUAGES:
            text = given.get(language)
            if text is None:
                continue
            if not isinstance(text, str) or not 0 < len(text.strip()) <= _LONGEST_LABEL:
                message = msg("A name has between 1 and {limit} characters.")
                self.refuse("INVALID_LABEL", message, (*path, language), limit=_LONGEST_LABEL)
            else:
                label[language] = text.strip()
        return MappingProxyType(label)

    def _departments(self, said: object, path: Path) -> tuple[UUID, ...]:
        if said is None:
            return ()
        if not isinstance(said, list) or len(said) > MOST_DEPARTMENTS:
            message = msg("At most {limit} entries are allowed here.")
            self.refuse("TOO_MANY", message, path, limit=MOST_DEPARTMENTS)
            return ()
        found: dict[UUID, None] = {}
        for place, public in enumerate(said):
            if isinstance(public, str) and _DEPARTMENT.fullmatch(public):
                found[UUID(hex=public[4:])] = None
            else:
                self.refuse("NOT_FOUND", msg("There is no such record."), (*path, place))
        return tuple(found)

    def _records(self, said: object, path: Path) -> Iterator[tuple[str, Mapping[Cell, Scope]]]:
        for record, cells in ({} if said is None else self._mapping(said, path)).items():
            if record not in catalogue():
                self.refuse(
                    "RECORD_UNKNOWN",
                    msg("There are no records of the kind “{record}”."),
                    (*path, record),
                    record=record[:60],
                )
                continue
            yield record, MappingProxyType(dict(self._cells(cells, (*path, record))))

    def _cells(self, said: object, path: Path) -> Iterator[tuple[Cell, Scope]]:
        for name, value in self._mapping(said, path).items():
            if name == "sensitive":
                for sensitivity, reach in self._mapping(value, (*path, name)).items():
                    yield from self._cell(f"{name}.{sensitivity}", reach, (*path, name, sensitivity))
            else:
                yield from self._cell(name, value, (*path, name))

    def _cell(self, cell: Cell, value: object, path: Path) -> Iterator[tuple[Cell, Scope]]:
        if cell not in CELLS:
            self.refuse("ACTION_UNKNOWN", msg("There is no right “{action}”."), path, action=cell[:60])
        elif not isinstance(value, str) or value not in Scope.__members__:
            self.refuse(
                "UNKNOWN_VALUE", msg("“{value}” is not one of the choices."), path, value=str(value)[:60]
            )
        else:
            yield cell, Scope[value]

    def _mapping(self, said: object, path: Path) -> Mapping[str, Any]:
        if isinstance(said, Mapping):
            return said
        self.refuse("INVALID_CONTENT", msg("An object belongs here."), path)
        return {}

    def _only(self, said: Mapping[str, Any], known: set[str], path: Path) -> None:
        for name in said:
            if name not in known:
                message = msg("There is no field “{field}”.")
                self.refuse("UNKNOWN_FIELD", message, (*path, name), field=name[:60])
