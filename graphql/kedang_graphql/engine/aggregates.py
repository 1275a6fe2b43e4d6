"""Root fields that answer groups of a record's rows: counts, sums, averages and extremes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, cast

from graphql import GraphQLField
from graphql.execution.collect_fields import FieldDetails

from kedang_graphql.engine.aggregate_types import group_keys, key_name
from kedang_graphql.engine.arguments import archived_of, filter_of
from kedang_graphql.engine.requests import Binding
from kedang_graphql.engine.selection import Arguments, SelectionReader
from kedang_platform.database import TenantRead
from kedang_platform.errors import BadUserInput, KedangError
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import DecimalKind, Field, MoneyKind, RecordType, ReferenceKind, catalogue
from kedang_tenants.catalogue.kinds import decimal_text
from kedang_tenants.reading import Figure, Grouping, Groups, Viewer, read_groups
from kedang_tenants.reading.groups import MOST_GROUPS, Measure
from kedang_tenants.reading.masks import Mask, mask_of

MOST_KEYS = 5
_LARGEST_AMOUNT = 2**53 - 1
_MEASURES = frozenset({"sum", "avg", "min", "max"})


class SumTooLarge(KedangError):
    """A sum of money is beyond what a client can hold as a number; groups have to be smaller."""

    code: ClassVar[str] = "SUM_TOO_LARGE"


@dataclass(frozen=True, slots=True)
class AggregatesNode:
    """What is selected of a record's groups.

    Outputs are response keys with names; those of a group also with what is below: of ``key`` names of keys, of
    measures names of fields, in the order of the response.
    """

    record: RecordType
    arguments: Arguments
    outputs: tuple[tuple[str, str, tuple[GroupOutput, ...]], ...]

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Every figure that is shown, once."""
        found = {
            Figure(cast("Measure", output.name), field.name): None
            for output in self._of_groups()
            if output.name in _MEASURES
            for _, field in output.fields(self.record)
        }
        return tuple(found)

    @property
    def shows_currency(self) -> bool:
        return any(output.name == "currency" for output in self._of_groups())

    def _of_groups(self) -> Iterator[GroupOutput]:
        for _, _, inner in self.outputs:
            yield from inner

    def grouping(self, binding: Binding) -> Grouping:
        """The groups that a request asks for. Raises BadUserInput and QueryTooLarge."""
        arguments = self.arguments.values(binding.variables)
        known = group_keys(self.record)
        asked = arguments["groupBy"]
        if len(asked) > MOST_KEYS:
            raise BadUserInput(msg("At most {limit} entries are allowed here."), limit=MOST_KEYS)
        keys = dict.fromkeys(known[str(getattr(name, "value", name))] for name in asked)
        binding.budget.spend(MOST_GROUPS if keys else 1)
        return Grouping(
            record=self.record.name,
            where=filter_of(binding.viewer, self.record, arguments.get("where")),
            archived=archived_of(arguments),
            keys=tuple(keys),
            figures=self.figures,
            by_currency=self.shows_currency,
        )

    def compose(self, groups: Groups, grouping: Grouping) -> dict[str, Any]:
        """The response. Raises SumTooLarge."""
        shown: dict[str, Any] = {}
        for key, name, inner in self.outputs:
            if name == "groups":
                composers = [(output.key, output.composer(self.record, grouping)) for output in inner]
                shown[key] = [{part: compose(row) for part, compose in composers} for row in groups.rows]
            elif name == "hasMoreGroups":
                shown[key] = groups.more
            else:
                shown[key] = f"{self.record.api_name}Aggregates"
        return shown

    def masked(self, viewer: Viewer, path: str) -> Iterator[str]:
        for key, _, inner in self.outputs:
            for output in inner:
                for place, field in output.fields(self.record):
                    if mask_of(viewer, self.record, field) is not Mask.OPEN:
                        yield f"{path}.{key}.*.{output.key}.{place}"


@dataclass(frozen=True, slots=True)
class GroupOutput:
    """A response key of a group: ``name`` is that of the schema, ``below`` what is selected of it."""

    key: str
    name: str
    below: tuple[tuple[str, str], ...]

    def fields(self, record: RecordType) -> Iterator[tuple[str, Field]]:
        """The fields whose values are told below, by response key; parts of a time as the time."""
        keys = {key_name(record, key): key for key in group_keys(record).values()}
        for place, name in self.below:
            if name == "__typename":
                continue
            if self.name == "key":
                yield place, record.fields[keys[name].field]
            else:
                field = record.field_by_api_name(name)
                assert field is not None
                yield place, field

    def composer(self, record: RecordType, grouping: Grouping) -> Callable[[Any], Any]:
        """What turns a group's row into the response."""
        name = self.name
        if name in {"count", "currency"}:
            return lambda row: row[name]
        if name == "__typename":
            return lambda _: f"{record.api_name}Group"
        parts = [(place, self._value(record, grouping, below)) for place, below in self.below]
        return lambda row: {place: value(row) for place, value in parts}

    def _value(self, record: RecordType, grouping: Grouping, name: str) -> Callable[[Any], Any]:
        if name == "__typename":
            return lambda _: f"{record.api_name}{_TYPES[self.name]}"
        if self.name == "key":
            return self._key_value(record, grouping, name)
        field = record.field_by_api_name(name)
        assert field is not None
        column = f"f{grouping.figures.index(Figure(cast('Measure', self.name), field.name))}"
        if self.name == "sum" and isinstance(field.kind, MoneyKind):
            return lambda row: _amount(row[column])
        if self.name in {"sum", "avg"} or isinstance(field.kind, DecimalKind):
            return lambda row: None if row[column] is None else decimal_text(row[column])
        return lambda row: row[column]

    def _key_value(self, record: RecordType, grouping: Grouping, name: str) -> Callable[[Any], Any]:
        place = next((n for n, key in enumerate(grouping.keys) if key_name(record, key) == name), None)
        if place is None:
            return lambda _: None
        column, kind = f"k{place}", record.fields[grouping.keys[place].field].kind
        if isinstance(kind, ReferenceKind):
            prefix = catalogue().record(kind.target).prefix
            return lambda row: None if row[column] is None else f"{prefix}_{row[column].hex}"
        return lambda row: row[column]


_TYPES: Mapping[str, str] = {
    "key": "GroupKey",
    "sum": "Sums",
    "avg": "Averages",
    "min": "Extremes",
    "max": "Extremes",
}


def _amount(total: Decimal | None) -> int | None:
    if total is None:
        return None
    if abs(total) > _LARGEST_AMOUNT:
        raise SumTooLarge(msg("This sum of money is too large. Ask for smaller groups."))
    return int(total)


def aggregates_node(
    record: RecordType, selections: SelectionReader, definition: GraphQLField, details: list[FieldDetails]
) -> AggregatesNode:
    """The selection under a root field that answers groups."""
    name = record.api_name
    outputs = []
    for key, inner in selections.fields_of(f"{name}Aggregates", details):
        part = inner[0].node.name.value
        below = tuple(_group_outputs(name, selections, inner)) if part == "groups" else ()
        outputs.append((key, part, below))
    return AggregatesNode(record, selections.arguments(definition, details[0].node), tuple(outputs))


def _group_outputs(
    name: str, selections: SelectionReader, details: list[FieldDetails]
) -> Iterator[GroupOutput]:
    for key, inner in selections.fields_of(f"{name}Group", details):
        part = inner[0].node.name.value
        below = selections.fields_of(f"{name}{_TYPES[part]}", inner) if part in _TYPES else ()
        yield GroupOutput(key, part, tuple((place, found[0].node.name.value) for place, found in below))


async def answer_groups(tx: TenantRead, binding: Binding, node: AggregatesNode) -> dict[str, Any]:
    """The response of a root field that answers groups."""
    grouping = node.grouping(binding)
    return node.compose(await read_groups(tx, binding.viewer, grouping), grouping)
