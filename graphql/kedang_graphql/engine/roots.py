"""The root fields that the engine answers: lists, single records, any node."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from graphql import GraphQLField, GraphQLSchema, OperationDefinitionNode
from graphql.execution.collect_fields import FieldDetails, FragmentDetails
from graphql.execution.values import VariableValues

from kedang_graphql.engine.aggregates import AggregatesNode, aggregates_node, answer_groups
from kedang_graphql.engine.arguments import LARGEST_PAGE
from kedang_graphql.engine.composing import Composer
from kedang_graphql.engine.ids import split_id
from kedang_graphql.engine.requests import Binding, masked_connection_paths, masked_paths
from kedang_graphql.engine.selection import Arguments, ConnectionNode, RecordNode, SelectionReader
from kedang_platform.database import TenantRead
from kedang_platform.errors import BadUserInput
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import Catalogue, RecordType, catalogue
from kedang_tenants.reading import Lookup, Viewer, read_listing, read_lookup


class Root(ABC):
    """A root field, planned: it reads inside a transaction and gives its part of the response."""

    @abstractmethod
    async def answer(self, tx: TenantRead, binding: Binding, composer: Composer) -> Any: ...

    @abstractmethod
    def masked(self, viewer: Viewer, key: str) -> list[str]:
        """Where in the response fields are masked for this viewer."""


@dataclass(frozen=True, slots=True)
class ListRoot(Root):
    connection: ConnectionNode

    async def answer(self, tx: TenantRead, binding: Binding, composer: Composer) -> Any:
        listing = binding.listing(self.connection)
        read = await read_listing(tx, binding.viewer, listing)
        return composer.connection(self.connection, read, listing)(read.page)

    def masked(self, viewer: Viewer, key: str) -> list[str]:
        return list(masked_connection_paths(viewer, self.connection, key))


@dataclass(frozen=True, slots=True)
class RecordRoot(Root):
    """One record by its id, of one kind or of whichever kind the id is of."""

    nodes: Mapping[str, RecordNode]
    arguments: Arguments

    async def answer(self, tx: TenantRead, binding: Binding, composer: Composer) -> Any:
        found = split_id(self.arguments.values(binding.variables)["id"])
        if found is None or found[0] not in self.nodes:
            return None
        return await answer_record(tx, binding, composer, self.nodes[found[0]], found[1])

    def masked(self, viewer: Viewer, key: str) -> list[str]:
        paths = [path for node in self.nodes.values() for path in masked_paths(viewer, node, key)]
        return sorted(set(paths))


@dataclass(frozen=True, slots=True)
class NodesRoot(Root):
    """Records of any kinds by their ids, in the order of the ids; one look-up for each kind."""

    nodes: Mapping[str, RecordNode]
    arguments: Arguments

    async def answer(self, tx: TenantRead, binding: Binding, composer: Composer) -> list[Any]:
        wanted = self.arguments.values(binding.variables)["ids"]
        if len(wanted) > LARGEST_PAGE:
            raise BadUserInput(msg("At most {limit} entries are allowed here."), limit=LARGEST_PAGE)
        binding.budget.spend(len(wanted))
        found = [split_id(public) for public in wanted]
        by_kind: dict[str, dict[UUID, None]] = {}
        for known in found:
            if known is not None:
                by_kind.setdefault(known[0], {})[known[1]] = None
        shown = {
            kind: await answer_records(tx, binding, composer, self.nodes[kind], tuple(ids))
            for kind, ids in by_kind.items()
        }
        return [known and shown[known[0]].get(known[1]) for known in found]

    def masked(self, viewer: Viewer, key: str) -> list[str]:
        paths = [path for node in self.nodes.values() for path in masked_paths(viewer, node, f"{key}.*")]
        return sorted(set(paths))


@dataclass(frozen=True, slots=True)
class AggregatesRoot(Root):
    """Groups of a record's rows."""

    node: AggregatesNode

    async def answer(self, tx: TenantRead, binding: Binding, composer: Composer) -> Any:  # noqa: ARG002 - as of every root
        return await answer_groups(tx, binding, self.node)

    def masked(self, viewer: Viewer, key: str) -> list[str]:
        return list(self.node.masked(viewer, key))


async def answer_record(
    tx: TenantRead, binding: Binding, composer: Composer, node: RecordNode, record_id: object
) -> dict[str, Any] | None:
    """The response of a selection on one record; None when it is not there for this viewer."""
    return (await answer_records(tx, binding, composer, node, (record_id,))).get(record_id)


async def answer_records(
    tx: TenantRead, binding: Binding, composer: Composer, node: RecordNode, ids: Sequence[object]
) -> dict[Any, dict[str, Any]]:
    """The responses of a selection on several records by their ids; who is not there for this viewer is missing."""
    select = binding.select([node], len(ids))
    read = await read_lookup(tx, binding.viewer, Lookup(node.record.name, tuple(ids), select))
    compose = composer.record(node, read, select)
    return {row[read.layout.id]: compose(row) for row in read.page.rows}


@dataclass(frozen=True, slots=True)
class RootReader:
    """What is needed to plan the root fields of one operation."""

    schema: GraphQLSchema
    catalogue: Catalogue
    operation: OperationDefinitionNode
    fragments: Mapping[str, FragmentDetails]
    variables: VariableValues

    def selections(self) -> SelectionReader:
        return SelectionReader(self.schema, self.catalogue, self.operation, self.fragments, self.variables)


MakeRoot = Callable[[RootReader, GraphQLField, list[FieldDetails]], Root]
Roots = Mapping[str, MakeRoot]


def make_roots() -> Roots:
    """The engine's root fields by their names in the API."""
    roots: dict[str, MakeRoot] = {
        "node": partial(_record_root, tuple(catalogue())),
        "nodes": partial(_nodes_root, tuple(catalogue())),
    }
    for record in catalogue():
        roots[record.api_plural] = partial(_list_root, record)
        roots[singular(record)] = partial(_record_root, (record,))
        roots[aggregates(record)] = partial(_aggregates_root, record)
    return roots


def singular(record: RecordType) -> str:
    """The root field that finds one record: the type's name with a small first letter."""
    return record.api_name[0].lower() + record.api_name[1:]


def aggregates(record: RecordType) -> str:
    """The root field that puts rows of a record into groups."""
    return f"{singular(record)}Aggregates"


def _aggregates_root(
    record: RecordType, reader: RootReader, definition: GraphQLField, details: list[FieldDetails]
) -> Root:
    return AggregatesRoot(aggregates_node(record, reader.selections(), definition, details))


def _list_root(
    record: RecordType, reader: RootReader, definition: GraphQLField, details: list[FieldDetails]
) -> Root:
    return ListRoot(reader.selections().connection_node(record, definition, details))


def _record_root(
    records: Iterable[RecordType], reader: RootReader, definition: GraphQLField, details: list[FieldDetails]
) -> Root:
    nodes, arguments = _selected_of_each(records, reader, definition, details)
    return RecordRoot(nodes, arguments)


def _nodes_root(
    records: Iterable[RecordType], reader: RootReader, definition: GraphQLField, details: list[FieldDetails]
) -> Root:
    nodes, arguments = _selected_of_each(records, reader, definition, details)
    return NodesRoot(nodes, arguments)


def _selected_of_each(
    records: Iterable[RecordType], reader: RootReader, definition: GraphQLField, details: list[FieldDetails]
) -> tuple[Mapping[str, RecordNode], Arguments]:
    selections = reader.selections()
    nodes = {record.name: selections.record_node(record, details) for record in records}
    return nodes, selections.arguments(definition, details[0].node)
