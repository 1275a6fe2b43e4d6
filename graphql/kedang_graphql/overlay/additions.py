"""What an extension adds to a schema, in graphql-core's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLNamedType

Coerced = dict[str, Any]
OutType = Callable[[Coerced], Any]
# The type of a field, and what else graphql-core is told of it.
Spec = tuple[Any, Mapping[str, Any]]


@dataclass(slots=True)
class Additions:
    """New types, and by the names of types that there are their new fields and inputs.

    ``out_types`` say what becomes of an input's values. A spec may name a type that the extension itself replaces.
    """

    types: dict[str, GraphQLNamedType] = field(default_factory=dict)
    fields: dict[str, dict[str, Spec]] = field(default_factory=dict)
    inputs: dict[str, dict[str, Spec]] = field(default_factory=dict)
    out_types: dict[str, OutType] = field(default_factory=dict)
    parts: int = 0

    @property
    def extended(self) -> frozenset[str]:
        """The names of the types that are extended."""
        return frozenset([*self.fields, *self.inputs])
