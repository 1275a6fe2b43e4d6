"""Descriptions that are the same wherever a name stands, and those that the catalogue knows by its labels.

Whoever reads the schema in a client finds a word beside every field, argument and value. What is said
at a definition stays; only what would be silent is filled in, once, when the schema is built.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
)

from kedang_graphql.describing_words import ARGUMENTS, FIELDS, VALUES
from kedang_graphql.engine.aggregate_types import group_keys, key_name
from kedang_graphql.engine.types import Types
from kedang_tenants.catalogue import ChoiceKind, ChoicesKind, RecordType
from kedang_tenants.reading import GroupKey

_ARGUMENTS: Mapping[str, str] = {
    "id": "Its opaque id.",
    "ids": "Opaque ids, of any kinds of record.",
    "input": "What is asked for.",
    "inputs": "What is asked for, one entry for each record.",
    "where": "Only what is so.",
    "orderBy": "The first sorting first; the id decides where they leave a tie.",
    "groupBy": "What the groups have in common.",
    "archived": "Whether archived records are among them.",
    "first": "How many from the start.",
    "after": "Begin behind this cursor.",
}
_OUTPUTS: Mapping[str, str] = {
    "id": "Opaque, and the same for ever.",
    "record": "The record as it is after the change; null where the change was refused.",
    "userErrors": "What is wrong with the input; empty when it was done.",
    "nodes": "The records of the page.",
    "edges": "The records of the page, each with its cursor.",
    "pageInfo": "Where the page lies in its list.",
    "totalPrecision": "Whether the count is exact, or stopped.",
    "cursor": "Where the record stands in the list; begin or end a page there.",
    "node": "The record.",
    "key": "What the rows of the group have in common.",
    "sum": "Sums over the rows of the group.",
    "min": "The smallest values among the rows of the group.",
    "max": "The largest values among the rows of the group.",
    "version": "Grows with every change; say it in an update to change only what you have seen.",
    "createdAt": "When it was made.",
    "updatedAt": "When it was changed last.",
    "archivedAt": "When it was archived; null as long as it is not.",
    "at": "When it happened.",
    "action": "What happened.",
    "count": "How often.",
    "n": "How many answers it is made of.",
    "value": "The figure itself.",
    "low": "The lower end of its confidence interval.",
    "high": "The upper end of its confidence interval.",
}
_INPUTS: Mapping[str, str] = {
    "id": "Its opaque id.",
    "version": "The one last seen; another one refuses the change.",
    "customFields": "The company's own fields, by their key; only those that are named change.",
    "custom": "Filters on the company's own fields, all of which must hold.",
    "AND": "All of these are so.",
    "OR": "At least one of these is so.",
    "NOT": "This is not so.",
    "field": "The field to sort by.",
    "direction": "Upwards if nothing is said.",
    "nulls": "Where records without a value stand: last if nothing is said.",
    "eq": "Equal to this.",
    "ne": "Not equal to this.",
    "in": "One of these.",
    "notIn": "None of these.",
    "lt": "Less than this.",
    "lte": "Less than this, or equal.",
    "gt": "Greater than this.",
    "gte": "Greater than this, or equal.",
    "contains": "With this in it.",
    "startsWith": "With this at its beginning.",
    "endsWith": "With this at its end.",
    "has": "With this among its values.",
    "isNull": "Without a value, or with one.",
}
_KINDS: Mapping[str, str] = {
    "Where": "A filter; what stands beside each other must all be so.",
    "Link": "A filter on the records of a relation to many.",
    "Filter": "A filter on a value; operators beside each other must all hold.",
    "SortField": "What a list can be sorted by.",
    "Sort": "One sorting: a field, or an own field by its key.",
    "GroupBy": "What can be grouped by; dates also by their day, month and year.",
    "BatchPayload": "What became of a batch.",
    "Payload": "What became of a change.",
    "Connection": "A page of a list.",
    "Change": "That a record has changed, and the record as it is now.",
    "Edge": "A record in a list.",
    "Sums": "Sums; null without a value to add.",
    "Averages": "Averages; null without a value.",
    "Extremes": "The smallest or largest values; null without a value.",
    "Input": "What is asked for.",
}
_ACTIONS: Mapping[str, str] = {
    "create": "Make a new {record}.",
    "update": "Change what is named in the input; null empties a field.",
    "archive": "Take it out of the lists; nothing is deleted.",
    "restore": "Bring back what was archived.",
}


def describe(core: GraphQLSchema, types: Types) -> None:
    """Fill in the descriptions that are missing in a schema."""
    for record in types.catalogue:
        _describe_by_labels(core, types, record)
    for chosen, told in VALUES.items():
        _describe_values(core, chosen, told)
    for kind in core.type_map.values():
        if kind.name.startswith("__"):
            continue
        kind.description = kind.description or _of_kind(kind.name)
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for name, field in kind.fields.items():
                field.description = (
                    field.description or FIELDS.get(f"{kind.name}.{name}") or _OUTPUTS.get(name)
                )
                for given, argument in field.args.items():
                    said = ARGUMENTS.get(f"{name}.{given}") or _ARGUMENTS.get(given)
                    argument.description = argument.description or said
        elif isinstance(kind, GraphQLInputObjectType):
            for name, entry in kind.fields.items():
                entry.description = (
                    entry.description or FIELDS.get(f"{kind.name}.{name}") or _INPUTS.get(name)
                )


def _of_kind(name: str) -> str | None:
    return next((text for ending, text in _KINDS.items() if name.endswith(ending)), None)


def _describe_by_labels(core: GraphQLSchema, types: Types, record: RecordType) -> None:
    """Filters, sortings, groups, figures and options by the labels of their fields; changes by the record's."""
    labels = {field.api_name: field.spec.label for field in record.visible_fields}
    where = {**labels, **{relation.api_name: relation.label for relation in record.relations.values()}}
    name = record.api_name
    for kind, told in (
        (f"{name}Where", where),
        *((f"{name}{figures}", labels) for figures in ("Sums", "Averages", "Extremes")),
        (
            f"{name}GroupKey",
            {key_name(record, key): _grouped(record, key) for key in group_keys(record).values()},
        ),
        (f"Create{name}Input", where),
    ):
        _describe_members(core, kind, told)
    _describe_values(
        core, f"{name}SortField", {field.name.upper(): field.spec.label for field in record.visible_fields}
    )
    _describe_values(
        core, f"{name}GroupBy", {code: _grouped(record, key) for code, key in group_keys(record).items()}
    )
    for field in record.visible_fields:
        if isinstance(field.kind, ChoiceKind | ChoicesKind):
            chosen = types.scalar(record, field)
            one = get_args(chosen)[0] if isinstance(field.kind, ChoicesKind) else chosen
            _describe_values(core, one.__name__, {option.code: option.label for option in field.kind.options})
    changes = core.mutation_type
    for action, text in _ACTIONS.items():
        change = changes.fields.get(f"{action}{name}") if changes is not None else None
        if change is not None:
            change.description = change.description or text.format(record=record.labels[0].lower())


def _grouped(record: RecordType, key: GroupKey) -> str:
    label = record.fields[key.field].spec.label
    return f"{label}, by {key.part}" if key.part else label


def _describe_members(core: GraphQLSchema, kind: str, told: Mapping[str, str]) -> None:
    found = core.type_map.get(kind)
    if isinstance(found, GraphQLObjectType | GraphQLInputObjectType):
        for name, field in found.fields.items():
            field.description = field.description or told.get(name)


def _describe_values(core: GraphQLSchema, kind: str, told: Mapping[str, str]) -> None:
    found = core.type_map.get(kind)
    if isinstance(found, GraphQLEnumType):
        for name, value in found.values.items():
            value.description = value.description or told.get(name)
