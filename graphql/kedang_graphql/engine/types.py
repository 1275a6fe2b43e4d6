"""The catalogue as GraphQL types: objects, connections, filters, sortings, inputs and payloads.

Nothing here resolves anything: the engine answers these fields from the catalogue's own words, which
``Types`` keeps beside the generated classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from functools import cache
from typing import Any

import strawberry
from strawberry.scalars import JSON
from strawberry.types.field import StrawberryField

from kedang_graphql.engine.building import (
    Argument,
    blank,
    enumeration,
    finish,
    input_field,
    output_field,
)
from kedang_graphql.scalars import DecimalString, LocalisedText, MinorUnits
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import (
    Catalogue,
    ChoiceKind,
    ChoicesKind,
    DayKind,
    DecimalKind,
    DocumentKind,
    Field,
    FlagKind,
    InstantKind,
    IntegerKind,
    Kind,
    LocalisedKind,
    MoneyKind,
    PhoneKind,
    RecordType,
    ReferenceKind,
    Relation,
    TextKind,
    TreeReferenceKind,
    WordsKind,
    catalogue,
)
from kedang_tenants.catalogue.record_types import pascal
from kedang_tenants.reading.kept import keeper_over


@strawberry.interface(description="Anything with an id.")
class Node:
    id: strawberry.ID


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.enum(description="Whether a count is the whole truth.")
class CountPrecision(Enum):
    EXACT = "EXACT"
    AT_LEAST = "AT_LEAST"


@strawberry.enum
class SortDirection(Enum):
    ASC = "ASC"
    DESC = "DESC"


@strawberry.enum(description="Where records without a value stand.")
class NullsPosition(Enum):
    FIRST = "FIRST"
    LAST = "LAST"


@strawberry.enum(description="Whether archived records are in the list.")
class ArchivedRecords(Enum):
    EXCLUDE = "EXCLUDE"
    INCLUDE = "INCLUDE"
    ONLY = "ONLY"


@strawberry.type(description="One thing that is wrong with an input.")
class UserError:
    path: list[str]
    message: str
    code: str


@strawberry.input(description="A filter on one of the company's own fields.")
class CustomFieldFilter:
    key: str
    eq: JSON | None = strawberry.UNSET
    ne: JSON | None = strawberry.UNSET
    lt: JSON | None = strawberry.UNSET
    lte: JSON | None = strawberry.UNSET
    gt: JSON | None = strawberry.UNSET
    gte: JSON | None = strawberry.UNSET
    contains: str | None = strawberry.UNSET
    starts_with: str | None = strawberry.UNSET
    in_: list[JSON] | None = strawberry.field(name="in", default=strawberry.UNSET)
    is_null: bool | None = strawberry.UNSET


# Not in idempotency.py, which knows the request: inputs are made before there is one.
KEY = "idempotencyKey"
OPERATOR_NAMES = {
    "eq": "eq",
    "ne": "ne",
    "in": "in",
    "not_in": "notIn",
    "lt": "lt",
    "lte": "lte",
    "gt": "gt",
    "gte": "gte",
    "contains": "contains",
    "starts_with": "startsWith",
    "has": "has",
    "is_null": "isNull",
    "ending": "endsWith",
    "within": "within",
}
_OPERATOR_HELP = {
    "contains": "Upper and lower case of A to Z are the same",
    "starts_with": "Upper and lower case of A to Z are the same",
    "ending": "The last digits, however the number is written",
    "within": "It, or one that lies in it however deep",
}


@dataclass(frozen=True)
class RecordClasses:
    """The generated classes of one record type, by their role."""

    node: type
    edge: type
    connection: type
    where: type
    sort: type
    sort_field: Any
    link: type
    create: type | None
    update: type | None
    payload: type | None
    batch: type | None


class Types:
    """All generated types of a catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._enums: dict[tuple[str, str], Any] = {}
        self._filters: dict[str, type] = {}
        self.sort_fields: dict[str, dict[str, str]] = {}
        self.of = {record.name: self._blank(record) for record in catalogue}
        for record in catalogue:
            self._fill(record)

    def scalar(self, record: RecordType, field: Field) -> Any:
        """The GraphQL type of a field's values, without nullability."""
        kind = field.kind
        if isinstance(kind, ChoiceKind):
            return self._enum(record, field, kind)
        if isinstance(kind, ChoicesKind):
            return list[self._enum(record, field, kind)]  # type: ignore[misc]
        return _scalar(kind)

    def listing_arguments(self, record: RecordType) -> list[Argument]:
        """The arguments of every list of a record."""
        classes = self.of[record.name]
        return [
            Argument("where", classes.where | None),
            Argument("orderBy", list[classes.sort] | None),  # type: ignore[name-defined]
            Argument(
                "first", int | None, "How many records from the start, at most 250; 50 if nothing is said."
            ),
            Argument("after", str | None, "Begin behind this cursor."),
            Argument("last", int | None, "How many records from the end, at most 250."),
            Argument("before", str | None, "End before this cursor."),
            Argument("archived", ArchivedRecords, default=ArchivedRecords.EXCLUDE),
        ]

    def _blank(self, record: RecordType) -> RecordClasses:
        name = record.api_name
        writable = {"create", "update"} & record.actions
        return RecordClasses(
            node=type(name, (Node,), {"__module__": __name__}),
            edge=blank(f"{name}Edge"),
            connection=blank(f"{name}Connection"),
            where=blank(f"{name}Where"),
            sort=blank(f"{name}Sort"),
            sort_field=self._sort_field(record),
            link=blank(f"{name}Link"),
            create=blank(f"Create{name}Input") if "create" in record.actions else None,
            update=blank(f"Update{name}Input") if "update" in record.actions else None,
            payload=blank(f"{name}Payload") if writable or record.actions else None,
            batch=blank(f"{record.api_name}BatchPayload") if record.actions else None,
        )

    def _sort_field(self, record: RecordType) -> Any:
        names = {field.name.upper(): field.name for field in record.visible_fields if field.spec.sort}
        self.sort_fields[record.name] = names
        return enumeration(f"{record.api_name}SortField", list(names))

    def _fill(self, record: RecordType) -> None:
        classes = self.of[record.name]
        finish(
            classes.node,
            dict(self._node_fields(record)),
            interfaces=[Node],
            description=record.labels[0],
        )
        finish(
            classes.edge,
            {"cursor": output_field("cursor", str), "node": output_field("node", classes.node)},
        )
        finish(classes.connection, dict(self._connection_fields(record)))
        finish(classes.where, dict(self._where_fields(record)), is_input=True)
        finish(classes.link, dict(self._link_fields(record)), is_input=True)
        finish(classes.sort, dict(self._sort_fields(record)), is_input=True)
        if classes.create:
            finish(classes.create, dict(self._create_fields(record)), is_input=True)
        if classes.update:
            finish(classes.update, dict(self._update_fields(record)), is_input=True)
        if classes.payload:
            finish(classes.payload, dict(self._payload_fields(record)))
        if classes.batch:
            finish(classes.batch, dict(self._batch_fields(record)))

    def _node_fields(self, record: RecordType) -> Iterator[tuple[str, StrawberryField]]:
        yield "id", output_field("id", strawberry.ID)
        for field in record.visible_fields:
            annotation = self.scalar(record, field)
            yield (
                field.api_name,
                output_field(
                    field.api_name,
                    annotation if always_there(field) else annotation | None,
                    description=_described(field),
                ),
            )
        yield (
            "customFields",
            output_field(
                "customFields", JSON | None, description=msg("The company's own fields, by their key.")
            ),
        )
        for relation in record.relations.values():
            yield relation.api_name, self._relation_field(relation)

    def _relation_field(self, relation: Relation) -> StrawberryField:
        target = self.catalogue.record(relation.target)
        classes = self.of[target.name]
        if not relation.many:
            return output_field(relation.api_name, classes.node | None, description=relation.label)
        return output_field(
            relation.api_name,
            classes.connection,
            description=relation.label,
            arguments=self.listing_arguments(target),
        )

    def _connection_fields(self, record: RecordType) -> Iterator[tuple[str, StrawberryField]]:
        classes = self.of[record.name]
        yield "nodes", output_field("nodes", list[classes.node])  # type: ignore[name-defined]
        yield "edges", output_field("edges", list[classes.edge])  # type: ignore[name-defined]
        yield "pageInfo", output_field("pageInfo", PageInfo)
        yield (
            "totalCount",
            output_field(
                "totalCount", int, description=msg("How many there are in all; counting stops at 10,000.")
            ),
        )
        yield "totalPrecision", output_field("totalPrecision", CountPrecision)

    def _where_fields(self, record: RecordType) -> Iterator[tuple[str, StrawberryField]]:
        where = self.of[record.name].where
        for word in ("AND", "OR"):
            yield word, input_field(word, list[where] | None, required=False)  # type: ignore[valid-type]
        yield "NOT", input_field("NOT", where | None, required=False)
        if record.searchable:
            looked_into = ", ".join(field.api_name for field in record.visible_fields if field.spec.search)
            help_text = f"Words or parts of words; each must be in one of these: {looked_into}"
            yield "search", input_field("search", str | None, required=False, description=help_text)
        yield (
            "id",
            input_field(
                "id", self._filter("IdFilter", strawberry.ID, ReferenceKind.operators) | None, required=False
            ),
        )
        keeper = keeper_over(record.name)
        if keeper is not None:
            kept = input_field(
                keeper.record, strawberry.ID | None, required=False, description=keeper.description
            )
            yield keeper.record, kept
        for field in record.visible_fields:
            if field.spec.filter:
                yield (
                    field.api_name,
                    input_field(field.api_name, self._filter_of(record, field) | None, required=False),
                )
        yield "custom", input_field("custom", list[CustomFieldFilter] | None, required=False)
        for relation in record.relations.values():
            target = self.of[relation.target]
            annotation = target.link if relation.many else target.where
            yield relation.api_name, input_field(relation.api_name, annotation | None, required=False)

    def _link_fields(self, record: RecordType) -> Iterator[tuple[str, StrawberryField]]:
        where = self.of[record.name].where
        some, none = "At least one of them is so", "Not one of them is so"
        every = "All of them are so, or there are none"
        yield "some", input_field("some", where | None, required=False, description=some)
        yield "none", input_field("none", where | None, required=False, description=none)
        yield "every", input_field("every", where | None, required=False, description=every)

    def _sort_fields(self, record: RecordType) -> Iterator[tuple[str, StrawberryField]]:
        classes = self.of[record.name]
        yield "field", input_field("field", classes.sort_field | None, required=False)
        yield (
            "custom",
            input_field("custom", str | None, required=False, description=msg("The key of an own field.")),
        )
        yield "direction", input_field("direction", SortDirection | None, required=False)
        yield "nulls", input_field("nulls", NullsPosition | None, required=False)

    def _create_fields(self, record: RecordType) -> Iterator[tuple[str, StrawberryField]]:
        for field in writable_fields(record):
            yield field.api_name, self._written(record, field, required=field.required)
        yield "customFields", input_field("customFields", JSON | None, required=False)
        for brought in record.brings:
            below = self._below(record, brought)
            yield brought.api_name, input_field(brought.api_name, list[below] | None, required=False)  # type: ignore[valid-type]
        yield idempotency_key()

    def _below(self, record: RecordType, brought: Relation) -> type:
        """The input of a new record without what it belongs to, which is created with it."""
        below = self.catalogue.record(brought.target)
        fields = {
            field.api_name: self._written(below, field, required=field.required)
            for field in writable_fields(below)
            if field.name != brought.column
        }
        fields["customFields"] = input_field("customFields", JSON | None, required=False)
        name = f"Create{record.api_name}{below.api_name}Input"
        return finish(blank(name), fields, is_input=True)

    def _update_fields(self, record: RecordType) -> Iterator[tuple[str, StrawberryField]]:
        yield "id", input_field("id", strawberry.ID, required=True)
        yield "version", input_field("version", int | None, required=False)
        for field in writable_fields(record):
            if not field.spec.create_only:
                yield field.api_name, self._written(record, field, required=False)
        yield "customFields", input_field("customFields", JSON | None, required=False)
        yield idempotency_key()

    def _written(self, record: RecordType, field: Field, *, required: bool) -> StrawberryField:
        annotation = self.scalar(record, field)
        return input_field(
            field.api_name,
            annotation if required else annotation | None,
            required=required,
            description=_described(field),
        )

    def _payload_fields(self, record: RecordType) -> Iterator[tuple[str, StrawberryField]]:
        yield "record", output_field("record", self.of[record.name].node | None)
        yield "userErrors", output_field("userErrors", list[UserError])

    def _batch_fields(self, record: RecordType) -> Iterator[tuple[str, StrawberryField]]:
        node = self.of[record.name].node
        yield (
            "records",
            output_field(
                "records",
                list[node | None],  # type: ignore[valid-type]
                description="In the order of the inputs; null where nothing was done.",
            ),
        )
        yield "userErrors", output_field("userErrors", list[UserError])

    def _enum(self, record: RecordType, field: Field, kind: ChoiceKind | ChoicesKind) -> Any:
        key = (record.name, field.name)
        if key not in self._enums:
            singular = field.name.removesuffix("s") if isinstance(kind, ChoicesKind) else field.name
            codes = [option.code for option in kind.options]
            labels = ", ".join(f"{option.code}: {option.label}" for option in kind.options)
            self._enums[key] = enumeration(f"{record.api_name}{pascal(singular)}", codes, description=labels)
        return self._enums[key]

    def _filter_of(self, record: RecordType, field: Field) -> type:
        kind = field.kind
        if isinstance(kind, ChoiceKind | ChoicesKind):
            one = self._enum(record, field, kind)
            return self._filter(f"{record.api_name}{pascal(field.name)}Filter", one, kind.operators)
        if isinstance(kind, PhoneKind) and field.spec.derives is None:
            kind = TextKind()
        one = str if isinstance(kind, WordsKind) else _scalar(kind)
        return self._filter(_FILTERS[type(kind)], one, kind.operators)

    def _filter(self, name: str, one: Any, operators: tuple[str, ...]) -> type:
        if name not in self._filters:
            fields = {}
            for operator in operators:
                api_name = OPERATOR_NAMES[operator]
                many = operator in {"in", "not_in"}
                annotation = bool if operator == "is_null" else list[one] if many else one
                fields[api_name] = input_field(
                    api_name, annotation | None, required=False, description=_OPERATOR_HELP.get(operator, "")
                )
            self._filters[name] = finish(blank(name), fields, is_input=True)
        return self._filters[name]


def idempotency_key() -> tuple[str, StrawberryField]:
    """The field of an input under whose value the change is made once, however often it is asked for."""
    return KEY, input_field(
        KEY,
        str | None,
        required=False,
        description="Asked for again under this key within 24 hours, it is done once.",
    )


def always_there(field: Field) -> bool:
    """Whether a field has a value for everybody who sees the record: it is filled and never masked."""
    return not field.nullable and field.spec.name_level and field.spec.sensitivity is None


def writable_fields(record: RecordType) -> list[Field]:
    return [field for field in record.visible_fields if not field.spec.read_only]


def _described(field: Field) -> str:
    return ". ".join(part for part in (field.spec.label, field.spec.description) if part)


def _scalar(kind: Kind) -> Any:
    for known, scalar in _SCALARS:
        if isinstance(kind, known):
            return scalar
    return str


_SCALARS: tuple[tuple[type[Kind], Any], ...] = (
    (MoneyKind, MinorUnits),
    (IntegerKind, int),
    (DecimalKind, DecimalString),
    (FlagKind, bool),
    (DayKind, date),
    (InstantKind, datetime),
    (ReferenceKind, strawberry.ID),
    (LocalisedKind, LocalisedText),
    (DocumentKind, JSON),
    (WordsKind, list[str]),
)


class _FilterNames(dict[type, str]):
    """The name of the filter type of each kind; kinds of text share one."""

    def __missing__(self, kind: type) -> str:
        return "TextFilter"


_FILTERS = _FilterNames(
    {
        IntegerKind: "IntFilter",
        MoneyKind: "MinorUnitsFilter",
        DecimalKind: "DecimalFilter",
        FlagKind: "BooleanFilter",
        DayKind: "DateFilter",
        InstantKind: "DateTimeFilter",
        ReferenceKind: "IdFilter",
        TreeReferenceKind: "TreeIdFilter",
        LocalisedKind: "LocalisedTextFilter",
        DocumentKind: "DocumentFilter",
        WordsKind: "WordsFilter",
        PhoneKind: "PhoneFilter",
    }
)


@cache
def generated_types() -> Types:
    """The types of the product's catalogue, made once a process; features name them in their verbs."""
    return Types(catalogue())
