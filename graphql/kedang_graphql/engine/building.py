"""Making Strawberry types out of data: classes first, their fields later, so that types may name each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a generated field; without ``default`` it may be left out and is then absent."""

    name: str
    annotation: Any
    description: str = ""
    default: Any = strawberry.UNSET


def argument(spec: Argument) -> StrawberryArgument:
    return StrawberryArgument(
        python_name=spec.name,
        graphql_name=spec.name,
        type_annotation=_annotation(spec.annotation),
        default=spec.default,
        description=spec.description or None,
    )


def output_field(
    name: str, annotation: Any, *, description: str = "", arguments: Sequence[Argument] = ()
) -> StrawberryField:
    """A field without a resolver: the engine answers it, or it is an attribute of what a resolver returned."""
    made = StrawberryField(
        python_name=name,
        graphql_name=name,
        type_annotation=_annotation(annotation),
        description=description or None,
    )
    made.arguments = [argument(spec) for spec in arguments]
    return made


def input_field(name: str, annotation: Any, *, required: bool, description: str = "") -> StrawberryField:
    return StrawberryField(
        python_name=name,
        graphql_name=name,
        type_annotation=_annotation(annotation),
        description=description or None,
        **({} if required else {"default": strawberry.UNSET}),
    )


def blank(name: str) -> type:
    """A class to be filled by ``finish``; other types may name it before."""
    return type(name, (), {"__module__": __name__})


def finish(
    cls: type,
    fields: Mapping[str, StrawberryField],
    *,
    is_input: bool = False,
    interfaces: Sequence[type] = (),
    description: str = "",
) -> type:
    """Give a blank class its fields and make it a GraphQL type.

    The definition is written down without Strawberry's decorators, which would make a dataclass of each of the
    two thousand types: no instance of them is ever made. An input comes as the mapping that was sent.
    """
    cls.__strawberry_definition__ = StrawberryObjectDefinition(  # type: ignore[attr-defined]
        name=cls.__name__,
        is_input=is_input,
        is_interface=False,
        origin=cls,
        description=description or None,
        interfaces=[interface.__strawberry_definition__ for interface in interfaces],  # type: ignore[attr-defined]
        extend=False,
        directives=(),
        is_type_of=None,
        resolve_type=None,
        fields=list(fields.values()),
        from_input=_as_sent if is_input else None,
    )
    return cls


def _as_sent(_cls: type, value: Mapping[str, Any], _context: object) -> Mapping[str, Any]:
    return value


@cache
def _annotation(annotation: Any) -> StrawberryAnnotation:
    """One for all fields of a type, so that it is looked into once; a namespace would have it looked into again."""
    return StrawberryAnnotation(annotation, namespace={})


def enumeration(name: str, codes: Sequence[str], *, description: str = "") -> Any:
    made: Any = Enum(name, {code: code for code in codes})  # type: ignore[misc]
    return strawberry.enum(made, description=description or None)
