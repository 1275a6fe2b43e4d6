"""Making Strawberry types out of data: classes first, their fields later, so that types may name each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from keyword import iskeyword
from typing import Any

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
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
        type_annotation=StrawberryAnnotation(spec.annotation),
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
        type_annotation=StrawberryAnnotation(annotation),
        description=description or None,
    )
    made.arguments = [argument(spec) for spec in arguments]
    return made


def input_field(name: str, annotation: Any, *, required: bool, description: str = "") -> StrawberryField:
    return StrawberryField(
        python_name=name,
        graphql_name=name,
        type_annotation=StrawberryAnnotation(annotation),
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
    decorate: Callable[..., Any] = strawberry.type,
    description: str = "",
) -> type:
    """Give a blank class its fields and make it a GraphQL type."""
    cls.__annotations__ = {}
    for name, made in fields.items():
        assert made.type_annotation is not None
        attribute = f"{name}_" if iskeyword(name) else name
        cls.__annotations__[attribute] = made.type_annotation.annotation
        setattr(cls, attribute, made)
    return decorate(cls, name=cls.__name__, description=description or None)  # type: ignore[no-any-return]


def enumeration(name: str, codes: Sequence[str], *, description: str = "") -> Any:
    made: Any = Enum(name, {code: code for code in codes})  # type: ignore[misc]
    return strawberry.enum(made, description=description or None)
