"""A company's own fields as GraphQL types: read in ``custom``, written in ``custom``, filtered and sorted by.

Inputs come out of coercion as the static schema has them (``customFields``, ``where.custom``,
``orderBy.custom``), so nothing behind this knows of two ways of saying the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Final, TypeVar, get_args

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
)

from kedang_graphql.engine.selection import OWN_FIELD
from kedang_graphql.engine.types import OPERATOR_NAMES
from kedang_graphql.overlay.additions import Additions, Coerced, Spec
from kedang_graphql.overlay.naming import (
    are_lawful_values,
    choice_type,
    constant,
    is_lawful_key,
    own_type,
)
from kedang_graphql.overlay.scalars import WHOLE_NUMBER, WHOLE_NUMBER_FILTER, filter_on
from kedang_tenants.catalogue import ChoiceKind, RecordType, catalogue
from kedang_tenants.catalogue.custom import CustomField, CustomKindName
from kedang_tenants.changing import OwnFields

# In inputs and outputs; beside ``where.custom`` and ``orderBy.custom``, whose names are taken.
READ = WRITTEN = "custom"
FILTERED = "customFields"
SORTED = "customField"
_KINDS: Final = frozenset(get_args(CustomKindName))
OWN_FIELDS: Final = "The company's own fields, each in its type."


def additions_of(schema: GraphQLSchema, fields: Sequence[CustomField]) -> Additions:
    """Everything that these fields add to the static schema; one of a kind that only a later release knows, nothing."""
    made = Additions()
    for record in catalogue():
        own = [f for f in fields if f.record == record.name and _has_type(f)]
        if own:
            _Own(schema, made, record, own).add()
    return made


def label_of(field: CustomField) -> str:
    """What a field is called, in both languages where they differ."""
    labels = dict.fromkeys(" ".join(label.split()) for label in (field.label_en, field.label_zh))
    return " / ".join(label for label in labels if label)


Named = TypeVar("Named", bound=GraphQLNamedType)


class _Own:
    """The own fields of one record."""

    def __init__(
        self, schema: GraphQLSchema, made: Additions, record: RecordType, fields: Sequence[CustomField]
    ) -> None:
        self._schema = schema
        self._made = made
        self._record = record
        self._fields = fields
        self._enums = {f.key: self._enum(f) for f in fields if _is_enum(f)}

    def add(self) -> None:
        made, record, name = self._made, self._record, own_type(self._record)
        labels = {field.key: label_of(field) or None for field in self._fields}
        read = GraphQLObjectType(
            name,
            {
                f.key: GraphQLField(self._type(f), description=labels[f.key], extensions={OWN_FIELD: f})
                for f in self._fields
            },
            description=OWN_FIELDS,
        )
        written = GraphQLInputObjectType(
            f"{name}Input",
            {f.key: GraphQLInputField(self._type(f), description=labels[f.key]) for f in self._fields},
        )
        filtered = GraphQLInputObjectType(
            f"{name}Where",
            {f.key: GraphQLInputField(self._filter(f), description=labels[f.key]) for f in self._fields},
        )
        sorted_by = GraphQLEnumType(
            f"{name}SortField",
            {constant(f.key): GraphQLEnumValue(f.key, description=labels[f.key]) for f in self._fields},
        )
        for new in (read, written, filtered, sorted_by):
            made.types[new.name] = new
        made.parts += 4 * len(self._fields)
        made.fields[record.api_name] = {READ: (GraphQLNonNull(read), {"description": OWN_FIELDS})}
        self._extend(f"{record.api_name}Where", FILTERED, filtered, _filters)
        self._extend(f"{record.api_name}Sort", SORTED, sorted_by, _sortings)
        for name in _inputs(self._schema, record):
            self._extend(name, WRITTEN, written, _values)

    def _extend(self, name: str, field: str, wanted: Any, out_type: Any) -> None:
        spec: Spec = (wanted, {"description": OWN_FIELDS})
        self._made.inputs[name] = {field: spec}
        before = self._schema.type_map[name]
        assert isinstance(before, GraphQLInputObjectType)
        assert field not in before.fields, f"{name}.{field}"
        self._made.out_types[name] = partial(out_type, before.out_type)

    def _type(self, field: CustomField) -> Any:
        match field.kind_name:
            case "TEXT":
                return GraphQLString
            case "INTEGER":
                return self._new(WHOLE_NUMBER)
            case "DECIMAL":
                return self._schema.type_map["Decimal"]
            case "DAY":
                return self._schema.type_map["Date"]
            case "FLAG":
                return GraphQLBoolean
            case "CHOICE":
                return self._enums.get(field.key, GraphQLString)

    def _filter(self, field: CustomField) -> Any:
        match field.kind_name:
            case "TEXT":
                return self._schema.type_map["TextFilter"]
            case "INTEGER":
                return self._new(WHOLE_NUMBER_FILTER)
            case "DECIMAL":
                return self._schema.type_map["DecimalFilter"]
            case "DAY":
                return self._schema.type_map["DateFilter"]
            case "FLAG":
                return self._schema.type_map["BooleanFilter"]
            case "CHOICE":
                return self._choice_filter(field)

    def _choice_filter(self, field: CustomField) -> Any:
        enum = self._enums.get(field.key)
        if enum is None:
            return self._schema.type_map["TextFilter"]
        operators = tuple(OPERATOR_NAMES[name] for name in ChoiceKind.operators)
        return self._new(filter_on(f"{enum.name}Filter", enum, operators))

    def _enum(self, field: CustomField) -> GraphQLEnumType:
        values = {code: GraphQLEnumValue(code) for code, _ in field.options}
        self._made.parts += len(values)
        made = GraphQLEnumType(
            choice_type(self._record, field.key), values, description=label_of(field) or None
        )
        return self._new(made)

    def _new(self, made: Named) -> Named:
        self._made.types[made.name] = made
        return made


def _has_type(field: CustomField) -> bool:
    return is_lawful_key(field.key) and field.kind_name in _KINDS


def _is_enum(field: CustomField) -> bool:
    return (
        field.kind_name == "CHOICE"
        and bool(field.options)
        and are_lawful_values(code for code, _ in field.options)
    )


def _inputs(schema: GraphQLSchema, record: RecordType) -> Iterator[str]:
    """The inputs that take own fields of a record, also below another record that brings it along."""
    name = record.api_name
    above = [head for head in catalogue() if any(one.target == record.name for one in head.brings)]
    wanted = [f"Create{head.api_name}{name}Input" for head in above]
    for known in (f"Create{name}Input", f"Update{name}Input", *wanted):
        found = schema.type_map.get(known)
        if isinstance(found, GraphQLInputObjectType) and "customFields" in found.fields:
            yield known


def _values(before: Any, values: Coerced) -> Any:
    typed = values.pop(WRITTEN, None)
    if typed is not None:
        values["customFields"] = OwnFields(typed, beside=values.get("customFields"))
    return before(values)


def _filters(before: Any, values: Coerced) -> Any:
    typed = values.pop(FILTERED, None)
    if typed:
        given = [{"key": key, **compared} for key, compared in typed.items() if compared is not None]
        values["custom"] = [*(values.get("custom") or ()), *given]
    return before(values)


def _sortings(before: Any, values: Coerced) -> Any:
    typed = values.pop(SORTED, None)
    if typed is not None:
        # Two own fields in one entry are as wrong as a field and an own field.
        values = {**values, "field": ""} if values.get("custom") is not None else {**values, "custom": typed}
    return before(values)
