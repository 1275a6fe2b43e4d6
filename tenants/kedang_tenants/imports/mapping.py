"""The mapping of an import: which column fills what, what holds where the file says nothing, what the key is."""

from __future__ import annotations

from collections.abc import Mapping as Map
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from kedang_tenants.catalogue import RecordType
from kedang_tenants.imports.errors import (
    duplicate_target,
    missing_columns,
    unknown_columns,
)
from kedang_tenants.imports.targets import Target, key_targets, propose_mapping, target_of
from kedang_tenants.reading import Viewer

Mode = Literal["CREATE", "UPDATE", "UPSERT"]


@dataclass(frozen=True, slots=True)
class Mapping:
    """What a person said. All values are paths of targets (see ``targets``).

    ``columns`` maps names of columns; a column that is not in it is passed over. None takes what is
    proposed for the columns of the file. ``defaults`` hold, as text, for every row whose cell is
    empty or that has no such column. ``key`` replaces the record's own key.
    """

    columns: Map[str, str] | None = None
    defaults: Map[str, str] = field(default_factory=dict)
    key: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        columns = dict(self.columns) if self.columns is not None else None
        return {"columns": columns, "defaults": dict(self.defaults), "key": list(self.key)}

    @classmethod
    def from_json(cls, stored: Map[str, Any]) -> Mapping:
        return cls(stored["columns"], stored["defaults"], tuple(stored["key"]))


@dataclass(frozen=True, slots=True)
class Fill:
    """One target of a layout: the position of its column (None without one) and the text by default."""

    target: Target
    position: int | None
    default: str


@dataclass(frozen=True, slots=True)
class Layout:
    """A mapping that fits a file and a record.

    ``key`` are the targets by which a row is known and found again; empty when the rows of this
    import have none.
    """

    record: RecordType
    mode: Mode
    columns: tuple[str, ...]
    fills: tuple[Fill, ...]
    key: tuple[Target, ...]

    def column_of(self, slot: str) -> str | None:
        """The column that fills a target; its path where it has a default alone; None where neither is said."""
        for fill in self.fills:
            if slot_of(fill.target) == slot:
                return self.columns[fill.position] if fill.position is not None else fill.target.path
        return None

    def label_of(self, slot: str) -> str:
        """What a person knows a target by that the file says nothing of: the label of the field, a msgid."""
        field = self.record.fields.get(slot)
        return slot if field is None else field.spec.label


def lay_out(
    viewer: Viewer, record: RecordType, mode: Mode, columns: Sequence[str], mapping: Mapping
) -> Layout:
    """Fit a mapping to the columns of a file.

    Raises UnknownColumns, UnknownField, DuplicateTarget, and MissingColumns when required fields of
    new records or the key of existing ones are filled by no column and no default.
    """
    named = mapping.columns if mapping.columns is not None else propose_mapping(viewer, record, columns)
    strangers = [name for name in named if name not in columns]
    if strangers:
        raise unknown_columns(strangers)
    fills = _fills(viewer, record, columns, named, mapping.defaults)
    key = tuple(target_of(viewer, record, path) for path in mapping.key) or key_targets(viewer, record)
    used = _usable_key(key, fills, mode)
    if mode != "UPDATE":
        _require_fields(viewer, record, set(fills))
    return Layout(record, mode, tuple(columns), tuple(fills.values()), used)


def _fills(
    viewer: Viewer,
    record: RecordType,
    columns: Sequence[str],
    named: Map[str, str],
    defaults: Map[str, str],
) -> dict[str, Fill]:
    """The fills by their slots: a default may stand beside a column, two columns may not fill one field."""
    fills: dict[str, Fill] = {}
    for name, path in named.items():
        target = target_of(viewer, record, path)
        if slot_of(target) in fills:
            raise duplicate_target(path)
        fills[slot_of(target)] = Fill(target, columns.index(name), "")
    for path, text in defaults.items():
        target = target_of(viewer, record, path)
        beside = fills.get(slot_of(target), Fill(target, None, ""))
        if beside.target != target or beside.default:
            raise duplicate_target(path)
        fills[slot_of(target)] = Fill(target, beside.position, text)
    return fills


def slot_of(target: Target) -> str:
    """What a target fills: two targets of one slot cannot both be right."""
    if target.custom is not None:
        return target.path
    assert target.field is not None
    return target.field.name


def _usable_key(key: tuple[Target, ...], fills: Map[str, Fill], mode: Mode) -> tuple[Target, ...]:
    """The key as this file speaks of it; in a file of new records it may be missing."""
    missing = [target.path for target in key if slot_of(target) not in fills]
    if missing and mode == "CREATE":
        return ()
    if missing or (not key and mode != "CREATE"):
        raise missing_columns(missing or ["id"])
    return tuple(fills[slot_of(target)].target for target in key)


def _require_fields(viewer: Viewer, record: RecordType, filled: set[str]) -> None:
    by_column = {r.column: r.api_name for r in record.relations.values() if not r.many}
    missing = [
        by_column.get(field.name, field.api_name)
        for field in record.visible_fields
        if field.required and field.spec.imported and not field.spec.read_only and field.name not in filled
    ]
    missing += [
        f"custom.{custom.key}"
        for custom in viewer.custom_fields
        if custom.record == record.name and custom.always_required and f"custom.{custom.key}" not in filled
    ]
    if missing:
        raise missing_columns(missing)
