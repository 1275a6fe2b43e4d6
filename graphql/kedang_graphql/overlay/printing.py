"""Schemas as text, for whoever generates code from them; only what an overlay changes is printed anew."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from graphql import GraphQLSchema, is_introspection_type, is_specified_scalar_type
from graphql.utilities.print_schema import print_type


@dataclass(frozen=True, slots=True)
class Printed:
    """The text of a schema in UTF-8, with a tag that is equal for equal texts."""

    text: bytes
    tag: str

    @classmethod
    def of(cls, types: dict[str, str]) -> Printed:
        """The text of types by their names, in the order of these."""
        text = ("\n\n".join(types[name] for name in sorted(types)) + "\n").encode()
        return cls(text, f'"{sha256(text).hexdigest()[:32]}"')


class Printer:
    """Prints a schema, and those that extend it."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema

    @cached_property
    def base(self) -> Printed:
        """The text of the schema itself."""
        return Printed.of(self._types)

    def extended(self, schema: GraphQLSchema, changed: frozenset[str]) -> Printed:
        """The text of a schema that differs from this one in the types called ``changed``."""
        return Printed.of({**self._types, **_printed(schema, changed)})

    @cached_property
    def _types(self) -> dict[str, str]:
        return _printed(self._schema, self._schema.type_map)


def _printed(schema: GraphQLSchema, names: Iterable[str]) -> dict[str, str]:
    types = {name: schema.type_map[name] for name in names}
    return {
        name: print_type(made)
        for name, made in types.items()
        if not is_introspection_type(made) and not is_specified_scalar_type(made)
    }
