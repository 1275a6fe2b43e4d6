"""Whoever reads the schema finds a word beside every field, argument, input and value."""

from collections.abc import Iterator

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
)

from kedang_graphql.describing_words import ARGUMENTS, FIELDS, VALUES
from kedang_graphql.schema import build_gateway


@pytest.fixture(scope="module")
def core() -> GraphQLSchema:
    return build_gateway().core


def members(core: GraphQLSchema) -> Iterator[tuple[str, str | None]]:
    """Everything that can be named in a document, with its description."""
    for kind in core.type_map.values():
        if kind.name.startswith("__"):
            continue
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for name, field in kind.fields.items():
                yield f"{kind.name}.{name}", field.description
                for argument, given in field.args.items():
                    yield f"{kind.name}.{name}({argument}:)", given.description
        elif isinstance(kind, GraphQLInputObjectType):
            yield from ((f"{kind.name}.{name}", field.description) for name, field in kind.fields.items())
        elif isinstance(kind, GraphQLEnumType):
            yield from ((f"{kind.name}.{name}", value.description) for name, value in kind.values.items())


@pytest.mark.requirement("I1")
def test_everything_that_can_be_named_is_described(core):
    found = list(members(core))
    assert len(found) > 5_000
    assert [name for name, description in found if not description] == []


def test_nothing_is_described_that_is_not_there(core):
    found = {name for name, _ in members(core)}
    assert set(FIELDS) - found == set()
    assert {f"{kind}.{name}" for kind, values in VALUES.items() for name in values} - found == set()
    roots = {name.partition(".")[2] for name in found}
    assert {"{}({}:)".format(*name.split(".")) for name in ARGUMENTS} - roots == set()
