"""A GraphQL selection on a record as a tree in the catalogue's words.

Fields are collected by graphql-core itself (fragments, directives, merging, order), so what is
selected is exactly what the reference would execute. A tree depends on the document and on the
variables that directives name, on nothing else; it is made once and kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    get_named_type,
)
from graphql.execution.collect_fields import FieldDetails, FragmentDetails, collect_subfields
from graphql.execution.values import VariableValues, get_argument_values

from kedang_tenants.catalogue import Catalogue, RecordType
from kedang_tenants.catalogue.custom import CustomField

# Where a field of the schema says which of the company's own fields it shows.
OWN_FIELD = "kedang-own-field"


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of a field, to be coerced with each request's variables; at once when there are none."""

    definition: GraphQLField
    node: FieldNode
    constant: Mapping[str, Any] | None

    def values(self, variables: VariableValues) -> Mapping[str, Any]:
        if self.constant is not None:
            return self.constant
        return get_argument_values(self.definition, self.node, variables)


@dataclass(frozen=True, slots=True)
class Value:
    """A response key that shows a field; ``field`` is None for the id, ``custom`` for the own fields."""

    key: str
    field: str | None


@dataclass(frozen=True, slots=True)
class TypeName:
    key: str
    name: str


@dataclass(frozen=True, slots=True)
class ToOne:
    key: str
    relation: str
    node: RecordNode


@dataclass(frozen=True, slots=True)
class ToMany:
    key: str
    connection: ConnectionNode


@dataclass(frozen=True, slots=True)
class OwnValue:
    """A response key that shows one of the company's own fields; ``options`` are the values of its enum, if it has one."""

    key: str
    field: CustomField
    options: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Own:
    """A response key with the company's own fields in types of their own, which an overlay of the schema gives them."""

    key: str
    outputs: tuple[OwnValue | TypeName, ...]

    @property
    def values(self) -> tuple[OwnValue, ...]:
        return tuple(output for output in self.outputs if isinstance(output, OwnValue))


Output = Value | TypeName | ToOne | ToMany | Own


@dataclass(slots=True)
class RecordNode:
    """What is selected of one record, in the order of the response."""

    record: RecordType
    outputs: list[Output] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class EdgeNode:
    """What is selected of an edge: response keys with "cursor", "__typename" or a record."""

    outputs: tuple[tuple[str, str | RecordNode], ...]


@dataclass(slots=True)
class ConnectionNode:
    """What is selected of a list. ``child`` names it among the lists of one request."""

    record: RecordType
    child: str
    relation: str | None
    arguments: Arguments
    outputs: list[tuple[str, str, Any]] = field(default_factory=list)

    @property
    def record_nodes(self) -> list[RecordNode]:
        """Every selection on the records of the page."""
        found: list[RecordNode] = []
        for _, part, inner in self.outputs:
            if part == "nodes":
                found.append(inner)
            elif part == "edges":
                found += [node for _, node in inner.outputs if isinstance(node, RecordNode)]
        return found

    @property
    def wants_cursors(self) -> bool:
        """Whether any cursor of the page is shown."""
        return any(
            (part == "edges" and any(what == "cursor" for _, what in inner.outputs))
            or (part == "pageInfo" and any(name.endswith("Cursor") for _, name in inner))
            for _, part, inner in self.outputs
        )

    def wants(self, *parts: str) -> bool:
        return any(part in parts for _, part, _ in self.outputs)


class SelectionReader:
    """Reads selections of one operation, with the variables that its directives name already known."""

    def __init__(
        self,
        schema: GraphQLSchema,
        catalogue: Catalogue,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDetails],
        variables: VariableValues,
    ) -> None:
        self._schema = schema
        self._catalogue = catalogue
        self._operation = operation
        self._fragments = dict(fragments)
        self._variables = variables
        self._children = 0

    def record_node(self, record: RecordType, details: list[FieldDetails]) -> RecordNode:
        """The selection under fields that return one record."""
        graphql_type = self._object(record.api_name)
        node = RecordNode(record)
        for key, inner in self._collected(graphql_type, details).items():
            node.outputs.append(self._output(record, graphql_type, key, inner))
        return node

    def connection_node(
        self,
        record: RecordType,
        definition: GraphQLField,
        details: list[FieldDetails],
        relation: str | None = None,
    ) -> ConnectionNode:
        """The selection under fields that return a list of records; ``relation`` is the column to the parent."""
        self._children += 1
        connection = ConnectionNode(
            record, str(self._children), relation, self.arguments(definition, details[0].node)
        )
        graphql_type = self._object(f"{record.api_name}Connection")
        for key, inner in self._collected(graphql_type, details).items():
            name = inner[0].node.name.value
            connection.outputs.append((key, name, self._part(record, name, inner)))
        return connection

    def arguments(self, definition: GraphQLField, node: FieldNode) -> Arguments:
        constant = None
        if not _names_variables(node):
            constant = get_argument_values(definition, node, self._variables)
        return Arguments(definition, node, constant)

    def fields_of(self, name: str, details: list[FieldDetails]) -> list[tuple[str, list[FieldDetails]]]:
        """What is selected of the type called ``name``, by response key in the order of the response."""
        return list(self._collected(self._object(name), details).items())

    def _part(self, record: RecordType, name: str, details: list[FieldDetails]) -> Any:
        if name == "nodes":
            return self.record_node(record, details)
        if name == "edges":
            edges = self._collected(self._object(f"{record.api_name}Edge"), details)
            return EdgeNode(tuple((key, self._edge_part(record, inner)) for key, inner in edges.items()))
        if name == "pageInfo":
            infos = self._collected(self._object("PageInfo"), details)
            return tuple((key, inner[0].node.name.value) for key, inner in infos.items())
        return None

    def _edge_part(self, record: RecordType, details: list[FieldDetails]) -> str | RecordNode:
        name = details[0].node.name.value
        return self.record_node(record, details) if name == "node" else name

    def _output(
        self, record: RecordType, graphql_type: GraphQLObjectType, key: str, details: list[FieldDetails]
    ) -> Output:
        name = details[0].node.name.value
        if name == "__typename":
            return TypeName(key, record.api_name)
        if name == "id":
            return Value(key, None)
        if name == "customFields":
            return Value(key, "custom")
        if name == "custom":
            return Own(key, tuple(self._own(graphql_type, details)))
        relation = next((r for r in record.relations.values() if r.api_name == name), None)
        if relation is None:
            found = record.field_by_api_name(name)
            assert found is not None
            return Value(key, found.name)
        target = self._catalogue.record(relation.target)
        if not relation.many:
            return ToOne(key, relation.name, self.record_node(target, details))
        definition = graphql_type.fields[name]
        return ToMany(key, self.connection_node(target, definition, details, relation.column))

    def _own(self, of: GraphQLObjectType, details: list[FieldDetails]) -> Iterator[OwnValue | TypeName]:
        graphql_type = self._object(get_named_type(of.fields["custom"].type).name)
        for key, inner in self._collected(graphql_type, details).items():
            name = inner[0].node.name.value
            if name == "__typename":
                yield TypeName(key, graphql_type.name)
                continue
            shown = graphql_type.fields[name]
            named = get_named_type(shown.type)
            options = tuple(named.values) if isinstance(named, GraphQLEnumType) else None
            yield OwnValue(key, shown.extensions[OWN_FIELD], options)

    def _collected(
        self, graphql_type: GraphQLObjectType, details: list[FieldDetails]
    ) -> dict[str, list[FieldDetails]]:
        collected = collect_subfields(
            self._schema, self._fragments, self._variables, self._operation, graphql_type, details
        )
        return collected.grouped_field_set

    def _object(self, name: str) -> GraphQLObjectType:
        found = self._schema.get_type(name)
        assert isinstance(found, GraphQLObjectType)
        return found


def _names_variables(node: Any) -> bool:
    """Whether the arguments of a field mention any variable."""
    pending: list[Any] = [argument.value for argument in node.arguments or ()]
    while pending:
        value = pending.pop()
        if value.kind == "variable":
            return True
        pending += getattr(value, "values", None) or ()
        pending += [entry.value for entry in getattr(value, "fields", None) or ()]
    return False
