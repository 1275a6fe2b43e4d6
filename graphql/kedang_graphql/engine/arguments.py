"""Arguments of the API as the read planner's words: filters, sortings, pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, cast
from uuid import UUID

from kedang_graphql.engine.ids import split_id
from kedang_graphql.engine.types import OPERATOR_NAMES
from kedang_platform.errors import BadUserInput
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import Field, InvalidValue, RecordType, ReferenceKind, catalogue
from kedang_tenants.catalogue.custom import CustomField
from kedang_tenants.changing import OwnFields
from kedang_tenants.reading import (
    EVERYTHING,
    All,
    AnyOf,
    Compare,
    Filter,
    Kept,
    Not,
    Order,
    Page,
    Related,
    Search,
    Viewer,
)
from kedang_tenants.reading.kept import keeper_over
from kedang_tenants.reading.request import Archived, Operator

DEFAULT_PAGE = 50
LARGEST_PAGE = 250
DEEPEST_FILTER = 10
LONGEST_LIST = 1000
MOST_SORTS = 10
LONGEST_SEARCH = 200

_OPERATORS = {api_name: name for name, api_name in OPERATOR_NAMES.items()}
_NOBODY = UUID(int=0)


def page_of(arguments: Mapping[str, Any], *, largest: int = LARGEST_PAGE) -> Page:
    """The page that ``first/after/last/before`` ask for; raises BadUserInput."""
    first, last = arguments.get("first"), arguments.get("last")
    if first is not None and last is not None:
        raise BadUserInput(msg("Ask for either first or last, not for both."))
    limit = first if first is not None else last if last is not None else DEFAULT_PAGE
    if not 0 <= limit <= largest:
        raise BadUserInput(msg("A page holds between 0 and {limit} records."), limit=largest)
    return Page(limit, arguments.get("after"), arguments.get("before"), backward=last is not None)


def archived_of(arguments: Mapping[str, Any]) -> Archived:
    return cast("Archived", _plain(arguments.get("archived") or "EXCLUDE"))


def orders_of(record: RecordType, arguments: Mapping[str, Any]) -> tuple[Order, ...]:
    """The sorting that ``orderBy`` asks for; raises BadUserInput."""
    entries = _bounded(arguments.get("orderBy"), most=MOST_SORTS)
    return tuple(_order(record, entry) for entry in entries)


def _order(record: RecordType, entry: Mapping[str, Any]) -> Order:
    name, custom = entry.get("field"), entry.get("custom")
    if (name is None) == (custom is None):
        raise BadUserInput(msg("Sort by either a field or an own field."))
    descending = _plain(entry.get("direction") or "ASC") == "DESC"
    nulls_last = _plain(entry.get("nulls") or "LAST") == "LAST"
    if custom is not None:
        return Order(custom, descending, nulls_last, custom=True)
    field = record.fields[str(_plain(name)).lower()]
    return Order(field.name, descending, nulls_last)


def filter_of(viewer: Viewer, record: RecordType, where: Mapping[str, Any] | None, depth: int = 0) -> Filter:
    """The filter that ``where`` asks for; raises BadUserInput for what cannot be meant."""
    if not where:
        return EVERYTHING
    if depth > DEEPEST_FILTER:
        raise BadUserInput(msg("This filter is nested too deeply."))
    parts = [
        part
        for name, value in where.items()
        if value is not None
        for part in _parts(viewer, record, name, value, depth + 1)
    ]
    return parts[0] if len(parts) == 1 else All(tuple(parts))


def _parts(viewer: Viewer, record: RecordType, name: str, value: Any, depth: int) -> list[Filter]:
    if name in {"AND", "OR"}:
        inner = tuple(filter_of(viewer, record, entry, depth) for entry in _bounded(value))
        return [All(inner) if name == "AND" else AnyOf(inner)]
    if name == "NOT":
        return [Not(filter_of(viewer, record, value, depth))]
    if name == "search":
        return _search(value)
    if name == "custom":
        return [part for entry in _bounded(value) for part in _custom(viewer, record, entry)]
    keeper = keeper_over(record.name)
    if keeper is not None and name == keeper.record:
        return [Kept(keeper.over, _value(value, reference=True, target=keeper.record))]
    relation = next((r for r in record.relations.values() if r.api_name == name), None)
    if relation is not None:
        target = catalogue().record(relation.target)
        if not relation.many:
            return [Related(relation.name, filter_of(viewer, target, value, depth))]
        return _linked(viewer, target, relation.name, value, depth)
    field = None if name == "id" else record.field_by_api_name(name)
    return [_compare(field, operator, operand) for operator, operand in value.items()]


def _search(text: str) -> list[Filter]:
    if len(text) > LONGEST_SEARCH:
        raise BadUserInput(msg("A search has at most {limit} characters."), limit=LONGEST_SEARCH)
    return [Search(text)] if text.strip() else []


def _linked(
    viewer: Viewer, target: RecordType, relation: str, value: Mapping[str, Any], depth: int
) -> list[Filter]:
    found: list[Filter] = []
    if value.get("some") is not None:
        found.append(Related(relation, filter_of(viewer, target, value["some"], depth)))
    if value.get("none") is not None:
        found.append(Not(Related(relation, filter_of(viewer, target, value["none"], depth))))
    if value.get("every") is not None:
        found.append(Not(Related(relation, Not(filter_of(viewer, target, value["every"], depth)))))
    return found


def _compare(field: Field | None, api_operator: str, operand: Any) -> Filter:
    operator = cast("Operator", _OPERATORS[api_operator])
    name = "id" if field is None else field.name
    kind = ReferenceKind() if field is None else field.kind
    if operand is None:
        return _compare_with_null(name, operator)
    if operator == "is_null":
        return Compare(name, operator, operand)
    reference = isinstance(kind, ReferenceKind)
    target = kind.target if isinstance(kind, ReferenceKind) else ""
    if operator in {"in", "not_in"}:
        values = [_value(entry, reference=reference, target=target) for entry in _bounded(operand)]
        if None in values:
            raise BadUserInput(msg("A list to compare with cannot contain null."))
        return Compare(name, operator, values)
    return Compare(name, operator, _value(operand, reference=reference, target=target))


def _compare_with_null(name: str, operator: Operator, *, custom: bool = False) -> Filter:
    if operator not in {"eq", "ne"}:
        raise BadUserInput(msg("Nothing can be compared with null but by eq and ne."))
    return Compare(name, "is_null", operator == "eq", custom=custom)


def _value(value: Any, *, reference: bool, target: str) -> Any:
    if reference:
        found = split_id(value)
        known = found is not None and (not target or found[0] == target)
        return found[1] if found is not None and known else _NOBODY
    if isinstance(value, datetime):
        return _instant(value)
    return _text(_plain(value))


def _text(value: Any) -> Any:
    if isinstance(value, str) and "\x00" in value:
        raise BadUserInput(msg("This text cannot be searched for."))
    return value


def _instant(value: datetime) -> datetime:
    """A moment in UTC; raises BadUserInput for one without a zone or beyond the calendar."""
    if value.tzinfo is None:
        raise BadUserInput(msg("This must be a time with its zone."))
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise BadUserInput(msg("This must be a time with its zone.")) from None


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


def _bounded(values: Sequence[Any] | None, *, most: int = LONGEST_LIST) -> Sequence[Any]:
    found = values or ()
    if len(found) > most:
        raise BadUserInput(msg("At most {limit} entries are allowed here."), limit=most)
    return found


def _custom(viewer: Viewer, record: RecordType, entry: Mapping[str, Any]) -> list[Filter]:
    key = entry["key"]
    field = viewer.custom_field(record.name, key)
    if field is None:
        raise BadUserInput(msg("There is no field “{field}”."), field=key)
    return [_compare_custom(field, name, value) for name, value in entry.items() if name != "key"]


def _compare_custom(field: CustomField, api_operator: str, operand: Any) -> Filter:
    operator = cast("Operator", _OPERATORS[api_operator])
    if operand is None:
        return _compare_with_null(field.key, operator, custom=True)
    if operator == "is_null":
        return Compare(field.key, "is_null", operand, custom=True)
    if operator in {"contains", "starts_with"}:
        if field.sql_type != "text":
            raise BadUserInput(msg("Only text can be searched by its parts."))
        return Compare(field.key, operator, _text(operand), custom=True)
    if operator in {"in", "not_in"}:
        entries = operand if isinstance(operand, list) else [operand]
        values = [_custom_value(field, one) for one in _bounded(entries)]
        return Compare(field.key, operator, values, custom=True)
    return Compare(field.key, operator, _custom_value(field, operand), custom=True)


def _custom_value(field: CustomField, value: Any) -> Any:
    """A JSON value as the kind of the field has it."""
    if isinstance(value, list | dict):  # their text may be nested without end
        raise BadUserInput(msg("This value does not fit the field “{field}”."), field=field.key)
    try:
        if field.kind_name == "DAY":
            return field.kind.check(value if isinstance(value, date) else date.fromisoformat(value))
        if field.kind_name == "DECIMAL":
            return field.kind.check(Decimal(str(value)))
        if field.kind_name == "TEXT" and isinstance(value, str):
            return _text(value)
        return field.kind.check(value)
    except (InvalidValue, ValueError, TypeError, ArithmeticError):
        raise BadUserInput(msg("This value does not fit the field “{field}”."), field=field.key) from None


def values_of(record: RecordType, given: Mapping[str, Any]) -> dict[str, object]:
    """An input's fields by the catalogue's names, their values in its kinds; ids that mean nothing are nobody's."""
    values: dict[str, object] = {}
    for name, value in given.items():
        field = record.field_by_api_name(name)
        if field is not None:
            values[field.name] = _written(field, value)
    return values


def _written(field: Field, value: Any) -> object:
    if value is None:
        return None
    if isinstance(field.kind, ReferenceKind):
        return _value(value, reference=True, target=field.kind.target)
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    return _plain(value)


def custom_of(viewer: Viewer, record: RecordType, given: Any) -> dict[str, object]:
    """The own fields of an input by their key; what is wrong with them is told by the change itself."""
    typed = isinstance(given, OwnFields)
    if typed and given.beside is not None:
        raise BadUserInput(
            msg("Own fields stand either in custom or in customFields."), path=("input", "custom")
        )
    if not given:
        return {}
    if not isinstance(given, dict):
        raise BadUserInput(
            msg("Own fields are an object of keys and values."), path=("input", "customFields")
        )
    values = {
        key: _custom_given(viewer.custom_field(record.name, key), value) for key, value in given.items()
    }
    return OwnFields(values) if typed else values


def _custom_given(field: CustomField | None, value: Any) -> object:
    if field is None or value is None or not isinstance(value, str):
        return value
    if field.kind_name == "DAY":
        try:
            return date.fromisoformat(value)
        except ValueError:
            return value
    return value
