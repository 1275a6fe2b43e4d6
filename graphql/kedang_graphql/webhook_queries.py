"""The query of a webhook: one record by ``$id``, compiled for each kind of record that events are of."""

from __future__ import annotations

from typing import Final

from graphql import GraphQLError, GraphQLSchema, OperationType, VariableNode, print_ast
from graphql.execution.collect_fields import FieldDetails

from kedang_graphql.engine.arguments import LARGEST_PAGE
from kedang_graphql.engine.requests import Binding, Budget, QueryTooLarge
from kedang_graphql.engine.roots import singular
from kedang_graphql.engine.selection import RecordNode
from kedang_graphql.stored_queries import StoredQuery, lists_in, read_query, shown_of
from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import catalogue
from kedang_tenants.reading import Select, Viewer
from kedang_tenants.webhooks.models import TOLD_RECORDS
from kedang_tenants.webhooks.operations import QUERY
from kedang_tenants.webhooks.questions import MOST_LISTS, MOST_RECORDS, InvalidWebhookQuery, Question

_VARIABLE: Final = "id"


def read_webhook_query(
    schema: GraphQLSchema, viewer: Viewer, text: str, *, largest_page: int = LARGEST_PAGE
) -> Question:
    """The question that a document asks of the record of an event.

    Raises InvalidWebhookQuery, DocumentTooLarge, QueryTooLarge, and what is wrong with its filters; all at ``query``.
    """
    try:
        return _question(read_query(schema, text, {_VARIABLE: ""}), viewer, largest_page)
    except GraphQLError as error:
        raise _refused(msg("This query cannot be answered: {reason}"), reason=error.message) from None
    except KedangError as error:
        raise type(error)(error.message, path=QUERY, **error.params) from None


def _question(query: StoredQuery, viewer: Viewer, largest_page: int) -> Question:
    _check_variable(query)
    roots = query.roots()
    if len(roots) != 1:
        raise _refused(msg("A webhook's query has exactly one field at its root."))
    key, details = roots[0]
    only = _only(details)
    reader = query.selections()
    shown = {}
    for name in TOLD_RECORDS if only is None else (only,):
        node = reader.record_node(catalogue().record(name), details)
        if (
            node.outputs or only is not None
        ):  # a query may leave everything out and still ask whether it is there
            _check_lists(node)
            binding = Binding(viewer, query.variables, Budget(MOST_RECORDS, largest_page))
            shown[name] = shown_of(node, _select(node, binding))
    return Question(key, shown, only)


def _select(node: RecordNode, binding: Binding) -> Select:
    try:
        return binding.select([node])
    except QueryTooLarge:
        raise QueryTooLarge(
            msg("The lists of a webhook's query may hold at most {limit} records together."),
            limit=MOST_RECORDS,
        ) from None


def _check_variable(query: StoredQuery) -> None:
    if query.definition.operation is not OperationType.QUERY:
        raise _refused(msg("A webhook takes a query."))
    named = [
        (v.variable.name.value, print_ast(v.type), v.default_value is None)
        for v in query.definition.variable_definitions or ()
    ]
    if named != [(_VARIABLE, "ID!", True)]:
        raise _refused(msg("A webhook's query has the variable $id: ID! and no other."))


def _only(details: list[FieldDetails]) -> str | None:
    """The kind of record that the root field brings, None where it brings any; it is asked for by the variable."""
    root = details[0].node
    singulars = {singular(catalogue().record(name)): name for name in TOLD_RECORDS}
    name = root.name.value
    if name != "node" and name not in singulars:
        raise _refused(
            msg("The root of a webhook's query is node(id: $id), or the record of its events by its id.")
        )
    if not all(isinstance(a.value, VariableNode) for a in root.arguments or ()):
        raise _refused(msg("The root of a webhook's query takes its id from the variable $id."))
    return singulars.get(name)


def _check_lists(node: RecordNode) -> None:
    lists = list(lists_in(node))
    if len(lists) > MOST_LISTS:
        raise QueryTooLarge(msg("A webhook's query has at most {limit} lists."), limit=MOST_LISTS)
    if any(connection.arguments.constant is None for connection in lists):
        raise _refused(msg("Only the root of a webhook's query takes the variable $id."))


def _refused(message: str, **params: object) -> InvalidWebhookQuery:
    return InvalidWebhookQuery(message, path=QUERY, **params)
