"""Where the API takes an id: every argument and every field of an input, counted in the printed schema."""

from collections.abc import Iterator
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    GraphQLInputObjectType,
    GraphQLSchema,
    InputObjectTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    TypeNode,
    get_named_type,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
    parse,
)

# What takes ids in a filter, by its type.
_OPERATORS = ("eq", "ne", "in", "notIn")
FILTERS = {"IdFilter": _OPERATORS, "TreeIdFilter": (*_OPERATORS, "within")}


@dataclass(frozen=True)
class Position:
    """An id as an argument of a field, or as a field of an input type; of a filter also the operator."""

    holder: str
    name: str
    operator: str = ""

    def __str__(self) -> str:
        return f"{self.holder}.{self.name}" + (f".{self.operator}" if self.operator else "")


def positions(sdl: str) -> set[Position]:
    """All positions that the text of a schema has."""
    found: set[Position] = set()
    document: DocumentNode = parse(sdl)
    for definition in document.definitions:
        if isinstance(definition, InputObjectTypeDefinitionNode) and definition.name.value not in FILTERS:
            for value in definition.fields or ():
                found |= _of_value(definition.name.value, value.name.value, value.type)
        elif isinstance(definition, ObjectTypeDefinitionNode):
            for field in definition.fields or ():
                for value in field.arguments or ():
                    holder = f"{definition.name.value}.{field.name.value}"
                    found |= _of_value(holder, value.name.value, value.type)
    return found


def _of_value(holder: str, name: str, of: TypeNode) -> set[Position]:
    while hasattr(of, "type"):
        of = of.type
    kind = of.name.value  # type: ignore[attr-defined]
    if kind in FILTERS:
        return {Position(holder, name, operator) for operator in FILTERS[kind]}
    return {Position(holder, name)} if kind == "ID" else set()


@dataclass(frozen=True)
class Place:
    """A position as a mutation reaches it: the way of names and list indices from its input."""

    way: tuple[str | int, ...]
    position: Position


def places(schema: GraphQLSchema, mutation: str) -> Iterator[Place]:
    """Every place in the arguments of a mutation where an id stands."""
    assert schema.mutation_type is not None
    for name, argument in schema.mutation_type.fields[mutation].args.items():
        kind = get_named_type(argument.type)
        assert kind.name != "ID", f"{mutation} takes an id beside its input"
        if is_input_object_type(kind):
            plain = argument.type.of_type if is_non_null_type(argument.type) else argument.type
            yield from _places(kind, (name, 0) if is_list_type(plain) else (name,))


def _places(kind: GraphQLInputObjectType, way: tuple[str | int, ...]) -> Iterator[Place]:
    for name, field in kind.fields.items():
        inner = get_named_type(field.type)
        plain = field.type.of_type if is_non_null_type(field.type) else field.type
        here = (*way, name, 0) if is_list_type(plain) else (*way, name)
        if is_input_object_type(inner):
            yield from _places(inner, here)
        elif inner.name == "ID":
            yield Place(here, Position(kind.name, name))


def selection(schema: GraphQLSchema, payload: str) -> str:
    """Everything simple that a payload tells, and the ids of what it brings."""
    parts = []
    for name, field in schema.type_map[payload].fields.items():  # type: ignore[attr-defined]
        kind = get_named_type(field.type)
        if name == "userErrors":
            parts.append("userErrors { path code message }")
        elif is_object_type(kind):
            parts.append(f"{name} {{ {'id' if 'id' in kind.fields else '__typename'} }}")
        else:
            parts.append(name)
    return " ".join(parts)
