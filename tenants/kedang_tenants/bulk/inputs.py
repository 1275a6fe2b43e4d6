"""Lines of an imported file: JSON objects with the names of the API become what a change takes.

A line is what stands in ``input`` of the record's create or update. Whatever is wrong with it is noted
beside it; values that no kind takes are refused by the change itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import UUID

import orjson

from kedang_platform.errors import UserError
from kedang_tenants.bulk.errors import (
    MOST_BELOW,
    line_too_long,
    no_fields,
    no_list,
    no_object,
    own_fields_twice,
    too_many_below,
    unknown_field,
    wrong_version,
)
from kedang_tenants.catalogue import (
    DayKind,
    Field,
    InstantKind,
    InvalidValue,
    Kind,
    MoneyKind,
    RecordType,
    ReferenceKind,
    Relation,
    catalogue,
)
from kedang_tenants.catalogue.custom import CustomField
from kedang_tenants.changing import OwnFields
from kedang_tenants.imports.mapping import Mode
from kedang_tenants.reading import Viewer

Key = tuple[object, ...]
NOBODY: Final = UUID(int=0)
_OWN: Final = frozenset({OwnFields.told_as, "customFields"})


@dataclass(frozen=True, slots=True)
class Below:
    """A new record that a line brings along, without what it belongs to."""

    by: Relation
    number: int
    values: Mapping[str, object]
    custom: Mapping[str, object]


@dataclass(slots=True)
class Line:
    """One line with all that is known of it so far; ``key`` are the values by which its record is found."""

    number: int
    id: UUID | None = None
    version: int | None = None
    values: dict[str, object] = field(default_factory=dict)
    custom: Mapping[str, object] = field(default_factory=dict)
    own: str | None = None
    """The name under which ``custom`` stands in the line."""
    below: list[Below] = field(default_factory=list)
    key: Key | None = None
    errors: list[UserError] = field(default_factory=list)


def read_line(viewer: Viewer, record: RecordType, mode: Mode, number: int, raw: bytes | None) -> Line:
    """The line with its values; ``raw`` None is a line that was too long to be read."""
    line = Line(number)
    if raw is None:
        line.errors.append(line_too_long())
        return line
    given = _object(raw)
    if given is None:
        line.errors.append(no_object())
        return line
    for name, value in given.items():
        _take(viewer, record, mode, line, name, value)
    line.key = _key(record, line.values)
    return line


def _object(raw: bytes) -> dict[str, Any] | None:
    try:
        given = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return given if isinstance(given, dict) else None


def _take(viewer: Viewer, record: RecordType, mode: Mode, line: Line, name: str, value: Any) -> None:
    if name == "id" and mode != "CREATE":
        line.id = None if value is None else id_inside(record, value)
    elif name == "version" and mode != "CREATE":
        _take_version(line, value)
    elif name in _OWN:
        _take_custom(viewer, record, line, name, value)
    elif (brought := _brought(record, name)) is not None and mode != "UPDATE":
        _take_below(viewer, brought, line, value)
    else:
        found = record.field_by_api_name(name)
        if found is None or found.spec.hidden or found.spec.read_only:
            line.errors.append(unknown_field(name))
        else:
            line.values[found.name] = _value(found, value)


def _brought(record: RecordType, name: str) -> Relation | None:
    return next((brought for brought in record.brings if brought.api_name == name), None)


def _take_below(viewer: Viewer, by: Relation, line: Line, value: Any) -> None:
    """The new records that stand in a line under the name of their relation."""
    if value is None:
        return
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        line.errors.append(no_list(by.api_name))
        return
    if len(value) > MOST_BELOW:
        line.errors.append(too_many_below(by.api_name))
        return
    record = catalogue().record(by.target)
    parent = record.fields[by.column].api_name
    for number, given in enumerate(value):
        taken = Line(line.number)
        for name, inner in given.items():
            if name == parent:
                taken.errors.append(unknown_field(name))
            else:
                _take(viewer, record, "CREATE", taken, name, inner)
        head = ("input", by.api_name, number)
        line.errors += [replace(error, path=(*head, *error.path[1:])) for error in taken.errors]
        line.below.append(Below(by, number, taken.values, taken.custom))


def _take_version(line: Line, value: Any) -> None:
    if value is not None and (type(value) is not int or not 0 <= value < 2**31):
        line.errors.append(wrong_version())
    else:
        line.version = value


def _take_custom(viewer: Viewer, record: RecordType, line: Line, name: str, value: Any) -> None:
    """Own fields, in ``custom`` as a typed export has them, or in ``customFields``; null is as if it were not there."""
    if value is None:
        return
    if not isinstance(value, dict):
        line.errors.append(no_fields(name))
        return
    if line.own is not None:
        line.errors.append(own_fields_twice())
        return
    line.own = name
    taken: dict[str, object] = {}
    for key, given in value.items():
        custom: CustomField | None = viewer.custom_field(record.name, key)
        taken[key] = given if custom is None else _of_kind(custom.kind, given)
    line.custom = OwnFields(taken) if name == OwnFields.told_as else taken


def id_inside(record: RecordType, text: object) -> UUID:
    """The id inside a public id of this kind of record; nobody's where it is none."""
    prefix = f"{record.prefix}_"
    if isinstance(text, str) and text.startswith(prefix) and len(text) == len(prefix) + 32:
        try:
            return UUID(hex=text[len(prefix) :])
        except ValueError:
            pass
    return NOBODY


def _value(field: Field, value: Any) -> object:
    if value is not None and isinstance(field.kind, ReferenceKind):
        return id_inside(catalogue().record(field.kind.target), value)
    return _of_kind(field.kind, value)


def _of_kind(kind: Kind, value: Any) -> object:
    """A value of JSON as the API's input would have it; what it cannot be stays as it is, to be refused."""
    if not isinstance(value, str):
        return value
    try:
        if isinstance(kind, DayKind):
            return date.fromisoformat(value)
        if isinstance(kind, InstantKind):
            moment = datetime.fromisoformat(value)
            return moment.astimezone(UTC) if moment.tzinfo is not None else moment
        if isinstance(kind, MoneyKind):
            return int(value) if value.lstrip("-").isdecimal() and len(value) < _LONGEST_AMOUNT else value
    except (ValueError, OverflowError):
        pass
    return value


_LONGEST_AMOUNT = 20


def _key(record: RecordType, values: Mapping[str, object]) -> Key | None:
    """The values of the record's own key as they are stored; None when one is missing or wrong."""
    parts: list[object] = []
    for name in record.key:
        try:
            value = record.fields[name].kind.check(values[name])
        except (InvalidValue, KeyError):
            return None
        if value is None:
            return None
        parts.append(value)
    return tuple(parts) or None
