"""Scalars that only own fields have."""

from __future__ import annotations

from typing import Any, Final

from graphql import (
    GraphQLBoolean,
    GraphQLError,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
)

LARGEST = 10**15


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LARGEST:
        raise GraphQLError(f"WholeNumber is a whole number between -{LARGEST} and {LARGEST}.")
    return value


WHOLE_NUMBER: Final = GraphQLScalarType(
    "WholeNumber",
    description="A whole number of at most 15 digits, written as a number; it may be larger than an Int.",
    parse_value=_whole,
)


def filter_on(name: str, one: Any, operators: tuple[str, ...]) -> GraphQLInputObjectType:
    """The filter on values of a type, with these operators by their names in the API."""
    many, flag = GraphQLList(GraphQLNonNull(one)), GraphQLBoolean
    return GraphQLInputObjectType(
        name,
        {
            operator: GraphQLInputField(
                flag if operator == "isNull" else many if operator in {"in", "notIn"} else one
            )
            for operator in operators
        },
    )


WHOLE_NUMBER_FILTER: Final = filter_on(
    "WholeNumberFilter", WHOLE_NUMBER, ("eq", "ne", "in", "notIn", "isNull", "lt", "lte", "gt", "gte")
)
