"""The catalogue itself: the mapped classes, read once and frozen into the words that all readers share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import import_module
from types import MappingProxyType
from typing import Any

from sqlalchemy import Table
from sqlalchemy.orm import RelationshipDirection, configure_mappers

from kedang_tenants.catalogue.base import Base, Record
from kedang_tenants.catalogue.fields import FieldSpec, RelationSpec
from kedang_tenants.catalogue.kinds import Kind, ReferenceKind


def camel(name: str) -> str:
    """``owner_id`` as the API writes it: ``ownerId``."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def pascal(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


_BOOKKEEPING = frozenset({"created_at", "updated_at"})


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record, as everything outside the models sees it."""

    name: str
    api_name: str
    spec: FieldSpec
    nullable: bool
    has_default: bool
    unique: bool

    @property
    def kind(self) -> Kind:
        return self.spec.kind

    @property
    def required(self) -> bool:
        """Whether a new record must be given a value."""
        return not self.nullable and not self.has_default

    @property
    def target(self) -> str | None:
        """The record type that a reference points to."""
        return self.spec.kind.target if isinstance(self.spec.kind, ReferenceKind) else None


@dataclass(frozen=True, slots=True)
class Relation:
    """A way from a record to others. ``column`` is on this side of a to-one, on the other of a to-many."""

    name: str
    api_name: str
    label: str
    target: str
    many: bool
    column: str


@dataclass(frozen=True)
class RecordType:
    """A kind of record: what it is called, what it holds, who owns it, how it is found again."""

    name: str
    api_name: str
    api_plural: str
    prefix: str
    labels: tuple[str, str]
    model: type[Record]
    table: Table
    fields: Mapping[str, Field]
    relations: Mapping[str, Relation]
    owner: tuple[str, ...]
    co_owners: tuple[tuple[str, ...], ...]
    follows: str | None
    restricts: str | None
    about: str | None
    apart: bool
    key: tuple[str, ...]
    brings: tuple[Relation, ...]
    order: tuple[str, ...]
    actions: frozenset[str]
    searchable: bool

    @property
    def visible_fields(self) -> list[Field]:
        """The fields that leave the product, in the order in which they are declared."""
        return [found for found in self.fields.values() if not found.spec.hidden]

    @cached_property
    def references(self) -> tuple[Field, ...]:
        """The fields that point to other records."""
        return tuple(found for found in self.fields.values() if found.target is not None)

    @cached_property
    def filled_in(self) -> tuple[tuple[Field, object], ...]:
        """The fields that a new record has even where it is not said: with the column's default, or None where it must be."""
        defaults = [(found, self.table.c[found.name].default) for found in self.fields.values()]
        return tuple(
            (found, default)
            for found, default in defaults
            if default is not None
            or (found.required and found.name not in _BOOKKEEPING and not found.spec.read_only)
        )

    @cached_property
    def searched(self) -> tuple[Field, ...]:
        """The fields that are found by their words."""
        return tuple(found for found in self.fields.values() if found.spec.search)

    @cached_property
    def deriving(self) -> tuple[Field, ...]:
        """The fields that other columns follow from: a number in its international form, people's order."""
        return tuple(found for found in self.fields.values() if found.spec.derives or found.spec.sort_key)

    @property
    def owners(self) -> tuple[tuple[str, ...], ...]:
        """Every path to a member who owns a record of this type."""
        return (self.owner, *self.co_owners) if self.owner else ()

    def field_by_api_name(self, api_name: str) -> Field | None:
        return next((found for found in self.fields.values() if found.api_name == api_name), None)


class Catalogue:
    """All record types of the installation; the same for every company."""

    def __init__(self, types: Mapping[str, RecordType]) -> None:
        self._types = MappingProxyType(dict(types))
        self._by_prefix = {found.prefix: found for found in types.values()}
        self._ways = MappingProxyType(_ways_to_archives(self._types))

    def record(self, name: str) -> RecordType:
        """The record type called ``name``; raises KeyError for an unknown one."""
        return self._types[name]

    def by_prefix(self, prefix: str) -> RecordType | None:
        return self._by_prefix.get(prefix)

    def way_to_archive(self, name: str) -> tuple[str, ...] | None:
        """The relations that lead from a record to the archive below which it lies.

        Empty for the archive itself, None for what lies below none. A record lies below an archive when it
        cannot be without it, or when its owner is found through it; the shortest way counts.
        """
        return self._ways.get(name)

    def __iter__(self) -> Iterator[RecordType]:
        return iter(self._types.values())

    def __contains__(self, name: str) -> bool:
        return name in self._types


def _ways_to_archives(types: Mapping[str, RecordType]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {name: () for name, record in types.items() if record.restricts}
    reached = set(found)
    while reached:
        nearer = {
            name: (relation.name, *found[relation.target])
            for name, record in types.items()
            if name not in found and not record.apart
            for relation in record.relations.values()
            if not relation.many and relation.target in reached and _leads(record, relation)
        }
        found |= nearer
        reached = set(nearer)
    return found


def _leads(record: RecordType, relation: Relation) -> bool:
    through = {path[0] for path in record.owners if len(path) > 1}
    return relation.name in through or not record.fields[relation.column].nullable


@cache
def catalogue() -> Catalogue:
    """The catalogue of all features' models, read at the first use and never changed."""
    # The catalogue lies below the features whose models it reads; it knows their collector by name only.
    import_module("kedang_tenants.records")
    configure_mappers()
    return build_catalogue(Base)


def build_catalogue(base: type[Base]) -> Catalogue:
    models = [m.class_ for m in base.registry.mappers if issubclass(m.class_, Record)]
    ordered = sorted(models, key=record_name)
    types = {record_name(model): _record_type(model) for model in ordered}
    return Catalogue(types)


def record_name(model: type[Record]) -> str:
    return model.__record__ or str(model.__tablename__)


def _record_type(model: type[Record]) -> RecordType:
    name = record_name(model)
    table = model.__table__
    assert isinstance(table, Table)
    relations = dict(_relations(model))
    return RecordType(
        name=name,
        api_name=pascal(name),
        api_plural=model.__plural__ or camel(name) + "s",
        prefix=model.__prefix__,
        labels=model.__labels__,
        model=model,
        table=table,
        fields=MappingProxyType(dict(_fields(table))),
        relations=MappingProxyType(relations),
        owner=model.__owner__,
        co_owners=model.__co_owners__,
        follows=model.__follows__,
        restricts=model.__restricts__,
        about=model.__about__,
        apart=model.__apart__,
        key=model.__key__,
        brings=tuple(relations[name] for name in model.__brings__),
        order=model.__order__,
        actions=model.__actions__,
        searchable="search_tokens" in table.columns,
    )


def _fields(table: Table) -> Iterator[tuple[str, Field]]:
    """Its own in the order of its definition, then what higher features contribute, whichever was imported first."""
    for column in sorted(table.columns, key=lambda c: c.name if c.info.get("contributed") else ""):
        spec = column.info.get("field")
        if isinstance(spec, FieldSpec):
            yield (
                column.name,
                Field(
                    name=column.name,
                    api_name=camel(column.name),
                    spec=spec,
                    nullable=bool(column.nullable),
                    has_default=column.default is not None,
                    unique=bool(column.info.get("unique")),
                ),
            )


def _relations(model: type[Record]) -> Iterator[tuple[str, Relation]]:
    mapper: Any = model.__mapper__
    for relationship in sorted(mapper.relationships, key=lambda r: r.key):
        spec = relationship.info.get("relation")
        if not isinstance(spec, RelationSpec):
            continue
        many = relationship.direction is not RelationshipDirection.MANYTOONE
        local, remote = relationship.local_remote_pairs[0]
        yield (
            relationship.key,
            Relation(
                name=relationship.key,
                api_name=camel(relationship.key),
                label=spec.label,
                target=record_name(relationship.mapper.class_),
                many=many,
                column=(remote if many else local).name,
            ),
        )
