"""The GraphQL types of groups: for every record its keys, its sums, averages and extremes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from strawberry.types.field import StrawberryField

from kedang_graphql.engine.building import Argument, blank, enumeration, finish, output_field
from kedang_graphql.engine.types import ArchivedRecords, Types
from kedang_graphql.scalars import DecimalString, MinorUnits
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import Field, MoneyKind, RecordType
from kedang_tenants.reading import GroupKey
from kedang_tenants.reading.groups import (
    PARTS,
    currency_path,
    has_parts,
    is_comparable,
    is_groupable,
    is_summable,
)


def group_keys(record: RecordType) -> dict[str, GroupKey]:
    """What a record can be grouped by, by its name in the enum."""
    found: dict[str, GroupKey] = {}
    for field in record.visible_fields:
        if is_groupable(field):
            found[field.name.upper()] = GroupKey(field.name)
        elif has_parts(field):
            for part in PARTS:
                found[f"{field.name}_{part}".upper()] = GroupKey(field.name, part)
    return found


def key_name(record: RecordType, key: GroupKey) -> str:
    """The name of a key among the fields of a group's ``key``: ``state``, ``createdAtMonth``."""
    return record.fields[key.field].api_name + (key.part or "").capitalize()


def aggregates_type(types: Types, record: RecordType) -> type:
    """Make ``CustomerAggregates`` and all types below it."""
    name = record.api_name
    group = finish(
        blank(f"{name}Group"),
        dict(_group_fields(types, record)),
        description=msg("Rows that have their key in common."),
    )
    return finish(
        blank(f"{name}Aggregates"),
        {
            "groups": output_field(
                "groups",
                list[group],  # type: ignore[valid-type]
                description=msg("In the order of their keys, empty ones last; at most 1,000."),
            ),
            "hasMoreGroups": output_field(
                "hasMoreGroups", bool, description=msg("Whether there are more groups than are told.")
            ),
        },
        description=record.labels[1],
    )


def aggregates_arguments(types: Types, record: RecordType) -> list[Argument]:
    """The arguments of ``customerAggregates``."""
    keys: Any = enumeration(f"{record.api_name}GroupBy", list(group_keys(record)))
    return [
        Argument("where", types.of[record.name].where | None),
        Argument(
            "groupBy", list[keys], msg("At most 5 keys; without any, everything is one group."), default=[]
        ),
        Argument("archived", ArchivedRecords, default=ArchivedRecords.EXCLUDE),
    ]


def _group_fields(types: Types, record: RecordType) -> Iterator[tuple[str, StrawberryField]]:
    name = record.api_name
    key = finish(
        blank(f"{name}GroupKey"),
        dict(_key_fields(types, record)),
        description=msg("What the rows have in common; empty where they were not grouped by it, too."),
    )
    yield "key", output_field("key", key)
    yield "count", output_field("count", int, description=msg("How many rows, exactly."))
    if currency_path(record):
        yield (
            "currency",
            output_field(
                "currency",
                str | None,
                description=msg("Groups are parted by currency where it or an amount of money is asked for."),
            ),
        )
    summable = [field for field in record.visible_fields if is_summable(field)]
    if summable:
        sums = finish(blank(f"{name}Sums"), {f.api_name: _figure(f, _sum(f)) for f in summable})
        averages = finish(blank(f"{name}Averages"), {f.api_name: _figure(f, DecimalString) for f in summable})
        yield "sum", output_field("sum", sums)
        yield (
            "avg",
            output_field(
                "avg",
                averages,
                description=msg("Rounded to six digits after the point; of money in its smallest unit."),
            ),
        )
    comparable = [field for field in record.visible_fields if is_comparable(field)]
    extremes = finish(
        blank(f"{name}Extremes"), {f.api_name: _figure(f, types.scalar(record, f)) for f in comparable}
    )
    yield "min", output_field("min", extremes)
    yield "max", output_field("max", extremes)


def _key_fields(types: Types, record: RecordType) -> Mapping[str, StrawberryField]:
    found = {}
    for key in group_keys(record).values():
        field = record.fields[key.field]
        name = key_name(record, key)
        annotation = date if key.part else types.scalar(record, field)
        found[name] = output_field(name, annotation | None)
    return found


def _figure(field: Field, annotation: Any) -> StrawberryField:
    return output_field(field.api_name, annotation | None)


def _sum(field: Field) -> Any:
    return MinorUnits if isinstance(field.kind, MoneyKind) else DecimalString
