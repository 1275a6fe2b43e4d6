"""Filters that a verb takes as JSON, in the shape of the ``where`` of a record's list."""

from __future__ import annotations

from typing import Any

from graphql import GraphQLError, GraphQLInputType, GraphQLSchema
from graphql.utilities import coerce_input_value, validate_input_value

from kedang_graphql.engine.arguments import filter_of
from kedang_platform.errors import BadUserInput
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import catalogue
from kedang_tenants.reading import EVERYTHING, Filter, Viewer


def filter_in_json(
    core: GraphQLSchema, viewer: Viewer, record: str, where: Any, *, argument: str = "where"
) -> Filter:
    """The filter, checked and read as if it stood in a query; raises BadUserInput for what is none."""
    if not where or record not in catalogue():
        return EVERYTHING
    kind = catalogue().record(record)
    shape: Any = core.type_map[f"{kind.api_name}Where"]
    _check(where, shape, argument)
    return filter_of(viewer, kind, coerce_input_value(where, shape))


def _check(where: Any, shape: GraphQLInputType, argument: str) -> None:
    errors: list[GraphQLError] = []
    validate_input_value(where, shape, lambda error, _: errors.append(error))
    if errors:
        raise BadUserInput(
            msg("This is not a filter for these records: {reason}"),
            path=("input", argument),
            reason=errors[0].message,
        )
