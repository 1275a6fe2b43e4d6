"""Documents inside of documents: queries that are given now and answered later by a job that knows no GraphQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from graphql import GraphQLSchema, OperationDefinitionNode
from graphql.execution.collect_fields import FieldDetails, collect_fields
from graphql.execution.values import VariableValues

from kedang_graphql.engine.operations import Operation, OperationCache
from kedang_graphql.engine.selection import (
    ConnectionNode,
    EdgeNode,
    Own,
    RecordNode,
    SelectionReader,
    ToMany,
    ToOne,
    TypeName,
    Value,
)
from kedang_tenants.catalogue import catalogue
from kedang_tenants.reading import Listing, Select
from kedang_tenants.reading.shown import Shown, What, records_in, select_of

_PAGE_INFO: dict[str, What] = {
    "hasNextPage": "next",
    "hasPreviousPage": "previous",
    "startCursor": "start",
    "endCursor": "end",
}
_COUNTS: dict[str, What] = {"totalCount": "total", "totalPrecision": "precision"}


@dataclass(frozen=True, slots=True)
class StoredQuery:
    """An operation of a valid document, with the values of its variables."""

    schema: GraphQLSchema
    operation: Operation
    definition: OperationDefinitionNode
    variables: VariableValues

    def roots(self) -> list[tuple[str, list[FieldDetails]]]:
        """The root fields of a query by response key."""
        query = self.schema.query_type
        assert query is not None
        fragments = self.operation.fragments
        collected = collect_fields(self.schema, fragments, self.variables, query, self.definition)
        return list(collected.grouped_field_set.items())

    def selections(self) -> SelectionReader:
        return SelectionReader(
            self.schema, catalogue(), self.definition, self.operation.fragments, self.variables
        )


def read_query(schema: GraphQLSchema, text: str, inputs: dict[str, object]) -> StoredQuery:
    """The one operation of a document; raises GraphQLError, DocumentTooLarge, BadUserInput."""
    documents = OperationCache(schema, catalogue(), {})
    operation = documents.get(text)
    if operation.errors:
        raise operation.errors[0]
    definition = operation.definition(None)
    variables = documents.variables(definition, inputs)
    if isinstance(variables, list):
        raise variables[0]
    return StoredQuery(schema, operation, definition, variables)


def shown_of(node: RecordNode, select: Select) -> tuple[Shown, ...]:
    """What is selected of a record in the words of reading; ``select`` has the lists that the selection asks for."""
    return tuple(_output(output, select) for output in node.outputs)


def own_shown(own: Own) -> Shown:
    """Own fields in the words of reading: by their ids, since those stay."""
    inner = (
        Shown(one.key, "type", one.name)
        if isinstance(one, TypeName)
        else Shown(one.key, "own_field" if one.options is None else "own_option", one.field.id)
        for one in own.outputs
    )
    return Shown(own.key, "own", inner=tuple(inner))


def lists_in(node: RecordNode) -> Iterator[ConnectionNode]:
    """Every list that is selected at or below a record."""
    for output in node.outputs:
        if isinstance(output, ToOne):
            yield from lists_in(output.node)
        elif isinstance(output, ToMany):
            yield output.connection
            for inner in output.connection.record_nodes:
                yield from lists_in(inner)


def _output(output: object, select: Select) -> Shown:
    match output:
        case TypeName(key=key):
            return Shown(key, "type")
        case Value(key=key, field=None):
            return Shown(key, "id")
        case Value(key=key, field=str(name)):
            return Shown(key, "field", name)
        case ToOne(key=key, relation=relation, node=inner):
            return Shown(key, "one", relation, shown_of(inner, dict(select.one)[relation]))
        case Own():
            return own_shown(output)
        case ToMany(key=key, connection=connection):
            return _list(key, connection, dict(select.many)[connection.child])
    raise AssertionError(output)


def _list(key: str, connection: ConnectionNode, listing: Listing) -> Shown:
    kind = connection.record.api_name
    parts: list[Shown] = []
    for part, name, inner in connection.outputs:
        if name == "nodes":
            parts.append(Shown(part, "nodes", inner=shown_of(inner, listing.select)))
        elif name == "edges":
            parts.append(Shown(part, "edges", inner=_edge(kind, inner, listing)))
        elif name == "pageInfo":
            told = (Shown(one, _PAGE_INFO.get(info, "type"), "PageInfo") for one, info in inner)
            parts.append(Shown(part, "page", inner=tuple(told)))
        else:
            parts.append(Shown(part, _COUNTS.get(name, "type"), f"{kind}Connection"))
    shown = tuple(parts)
    # The question is read from what is shown, also when it comes out of the store.
    asked = replace(listing, select=select_of(records_in(shown)))
    return Shown(key, "list", connection.child, shown, asked)


def _edge(kind: str, edge: EdgeNode, listing: Listing) -> tuple[Shown, ...]:
    shown: list[Shown] = []
    for key, what in edge.outputs:
        if isinstance(what, RecordNode):
            shown.append(Shown(key, "node", inner=shown_of(what, listing.select)))
        else:
            shown.append(Shown(key, "cursor" if what == "cursor" else "type", f"{kind}Edge"))
    return tuple(shown)
