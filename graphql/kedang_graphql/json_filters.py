"""Filters that a verb takes as JSON, in the shape of the ``where`` of a record's list."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from graphql import GraphQLError, GraphQLInputType, GraphQLSchema
from graphql.utilities import coerce_input_value, validate_input_value

from kedang_graphql.engine.arguments import DEEPEST_FILTER, filter_of
from kedang_platform.errors import BadUserInput
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import catalogue
from kedang_tenants.reading import EVERYTHING, Filter, Viewer

DEEPEST_JSON = 4 * DEEPEST_FILTER
"""Levels of JSON: a filter over a list of records has three of them (the relation, some, its conditions)."""


def filter_in_json(
    core: GraphQLSchema, viewer: Viewer, record: str, where: Any, *, argument: str = "where"
) -> Filter:
    """The filter, checked and read as if it stood in a query; raises BadUserInput for what is none."""
    if where is None or record not in catalogue():
        return EVERYTHING
    _bound(where, argument)
    kind = catalogue().record(record)
    shape: Any = core.type_map[f"{kind.api_name}Where"]
    _check(where, shape, argument)
    return filter_of(viewer, kind, coerce_input_value(where, shape))


def _bound(where: Any, argument: str) -> None:
    """Refuse what lies too deep before anything goes down there, and a text that no JSON of the database keeps."""
    level = [where]
    for _ in range(DEEPEST_JSON):
        if any(isinstance(one, str) and "\0" in one for one in level):
            raise BadUserInput(msg("This text cannot be searched for."), path=("input", argument))
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return
    raise BadUserInput(msg("This filter is nested too deeply."), path=("input", argument))


def _inside(one: Any) -> Iterable[Any]:
    if isinstance(one, dict):
        return one.values()
    return one if isinstance(one, list) else ()


def _check(where: Any, shape: GraphQLInputType, argument: str) -> None:
    errors: list[GraphQLError] = []
    validate_input_value(where, shape, lambda error, _: errors.append(error))
    if errors:
        raise BadUserInput(
            msg("This is not a filter for these records: {reason}"),
            path=("input", argument),
            reason=errors[0].message,
        )
