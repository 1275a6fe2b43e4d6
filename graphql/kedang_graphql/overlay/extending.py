"""A schema with fields added to some of its types; whatever does not lead to these stays the same objects.

graphql-core's ``extend_schema`` copies everything: 3.8 MB and 40-60 ms for a schema of 940 types, and what
Strawberry's enums know of their Python classes is lost in it. Here only types are made anew that are
extended, or name one that is; scalars, enums, filters, figures and plain fields are shared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
)

from kedang_graphql.overlay.additions import Additions

_Fielded = GraphQLObjectType | GraphQLInterfaceType


@dataclass(slots=True)
class Extended:
    """What came of an extension: the schema, the names of the types whose text differs, and how much was made."""

    schema: GraphQLSchema
    changed: frozenset[str]
    parts: int


class Base:
    """A schema to be extended many times; what leads to what in it is found out once."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self.schema = schema
        self._named_by: dict[str, set[str]] = {}
        for name, made in schema.type_map.items():
            for named in _named_in(made):
                self._named_by.setdefault(named, set()).add(name)

    def extended(self, additions: Additions) -> Extended:
        """The schema with the additions; the original is left as it is."""
        return _Extension(self.schema, additions, self._leading_to(additions.extended)).done()

    def _leading_to(self, names: frozenset[str]) -> frozenset[str]:
        found, pending = set(names), list(names)
        while pending:
            for name in self._named_by.get(pending.pop(), ()):
                if name not in found:
                    found.add(name)
                    pending.append(name)
        return frozenset(found)


def _named_in(made: GraphQLNamedType) -> Iterator[str]:
    """The names of the types that the fields and arguments of a type are of."""
    if isinstance(made, _Fielded):
        for field in made.fields.values():
            yield get_named_type(field.type).name
            for argument in field.args.values():
                yield get_named_type(argument.type).name
    elif isinstance(made, GraphQLInputObjectType):
        for entry in made.fields.values():
            yield get_named_type(entry.type).name


class _Extension:
    """One extension: types made anew, in which everything that names them does so anew."""

    def __init__(self, schema: GraphQLSchema, additions: Additions, anew: frozenset[str]) -> None:
        self._schema = schema
        self._additions = additions
        self._types: dict[str, GraphQLNamedType] = dict(additions.types)
        self._parts = additions.parts
        for name in anew:
            self._types[name] = self._copy(schema.type_map[name])

    def done(self) -> Extended:
        schema = self._schema
        made = {**schema.type_map, **self._types}
        config: dict[str, Any] = dict(schema.to_kwargs())
        config |= {
            "query": self._root(schema.query_type),
            "mutation": self._root(schema.mutation_type),
            "subscription": self._root(schema.subscription_type),
            "types": list(made.values()),
            "assume_valid": True,
        }
        extended = GraphQLSchema(**config)
        # Where Strawberry's resolvers look for their schema.
        strawberry_schema = getattr(schema, "_strawberry_schema", None)
        if strawberry_schema is not None:
            extended._strawberry_schema = strawberry_schema  # type: ignore[attr-defined]  # noqa: SLF001 - see above
        changed = self._additions.extended | self._additions.types.keys()
        return Extended(extended, frozenset(changed), self._parts)

    def _root(self, root: GraphQLObjectType | None) -> GraphQLObjectType | None:
        found = self._types.get(root.name, root) if root is not None else None
        assert found is None or isinstance(found, GraphQLObjectType)
        return found

    def _copy(self, made: GraphQLNamedType) -> GraphQLNamedType:
        config: dict[str, Any] = dict(made.to_kwargs())
        self._parts += 1
        if isinstance(made, GraphQLInputObjectType):
            config["fields"] = lambda: self._inputs(made)
            config["out_type"] = self._additions.out_types.get(made.name, made.out_type)
            return GraphQLInputObjectType(**config)
        assert isinstance(made, _Fielded), made
        config["fields"] = lambda: self._fields(made)
        return type(made)(**config)

    def _fields(self, made: _Fielded) -> dict[str, GraphQLField]:
        fields = {name: self._field(field) for name, field in made.fields.items()}
        for name, (wanted, config) in self._additions.fields.get(made.name, {}).items():
            fields[name] = GraphQLField(self._anew(wanted), **config)
        return fields

    def _field(self, field: GraphQLField) -> GraphQLField:
        if self._same(field.type) and all(self._same(argument.type) for argument in field.args.values()):
            return field
        arguments = {
            name: argument
            if self._same(argument.type)
            else GraphQLArgument(**{**argument.to_kwargs(), "type_": self._anew(argument.type)})
            for name, argument in field.args.items()
        }
        self._parts += 1 + len(arguments)
        return GraphQLField(**{**field.to_kwargs(), "type_": self._anew(field.type), "args": arguments})

    def _inputs(self, made: GraphQLInputObjectType) -> dict[str, GraphQLInputField]:
        fields = {
            name: entry
            if self._same(entry.type)
            else GraphQLInputField(**{**entry.to_kwargs(), "type_": self._anew(entry.type)})
            for name, entry in made.fields.items()
        }
        for name, (wanted, config) in self._additions.inputs.get(made.name, {}).items():
            fields[name] = GraphQLInputField(self._anew(wanted), **config)
        self._parts += sum(entry is not made.fields.get(name) for name, entry in fields.items())
        return fields

    def _same(self, wanted: Any) -> bool:
        return get_named_type(wanted).name not in self._types

    def _anew(self, wanted: Any) -> Any:
        """A type with the named type in it replaced by the one that this extension has made."""
        if isinstance(wanted, GraphQLNonNull):
            return GraphQLNonNull(self._anew(wanted.of_type))
        if isinstance(wanted, GraphQLList):
            return GraphQLList(self._anew(wanted.of_type))
        return self._types.get(wanted.name, wanted)
