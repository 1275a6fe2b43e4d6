"""What an operation costs, known before it runs and counted again in its answer.

A point is a root field, or a hundred records that a page could hold at the most; a change is ten. The measure is read
once from a document: after that an operation's cost is arithmetic on the page sizes in its variables.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    OperationType,
    ValueNode,
    VariableNode,
    get_named_type,
)
from graphql.execution.collect_fields import FragmentDetails
from graphql.language import FragmentSpreadNode, InlineFragmentNode, SelectionSetNode

from kedang_graphql.engine.arguments import DEFAULT_PAGE, LARGEST_PAGE

NODES_PER_POINT = 100
CHANGE = 10
# Whatever is worked out over all records of a list, or about the schema, costs as much as a change.
SUMMARY = 10


@dataclass(frozen=True, slots=True)
class Count:
    """A number that stands in the document, or in a variable: the variable itself, or a list's length."""

    fixed: int = 0
    variable: str | None = None

    def of(self, variables: Mapping[str, Any]) -> int:
        if self.variable is None:
            return self.fixed
        value = variables.get(self.variable)
        if isinstance(value, list):
            return len(value)
        return value if isinstance(value, int) and not isinstance(value, bool) else self.fixed


@dataclass(frozen=True, slots=True)
class Pages:
    """A list of records: where it stands in the answer, how long it may be, and the lists in each record.

    One without ``rows`` tells of its page only where it begins or ends, which takes reading all of it.
    """

    path: tuple[str, ...]
    rows: tuple[str, ...]
    size: Count
    below: tuple[Pages, ...]

    def most(self, variables: Mapping[str, Any], largest: int) -> int:
        """How many records the list and those below it may hold, where no page holds more than ``largest``."""
        return self._size(variables, largest) * (
            1 + sum(inner.most(variables, largest) for inner in self.below)
        )

    def held(self, parents: Sequence[Any], variables: Mapping[str, Any], largest: int) -> int:
        """How many they hold in an answer, below all of these objects."""
        pages = _at(parents, self.path)
        count = 0 if self.rows else len(pages) * self._size(variables, largest)
        for key in self.rows:
            rows = [row for page in pages for row in page.get(key) or () if row is not None]
            count += len(rows) + sum(inner.held(rows, variables, largest) for inner in self.below)
        return count

    def _size(self, variables: Mapping[str, Any], largest: int) -> int:
        return min(max(self.size.of(variables), 0), largest)


@dataclass(frozen=True, slots=True)
class Measure:
    """The cost of an operation: what each of its fields costs in any case, batches, and lists of records."""

    base: int
    batches: tuple[Count, ...]
    pages: tuple[Pages, ...]
    largest_page: int = LARGEST_PAGE
    about_schema: bool = False
    """Whether nothing is asked for but what the schema itself has."""

    def requested(self, variables: Mapping[str, Any]) -> int:
        """The points that the operation costs at the most."""
        return self._fixed(variables) + _points(
            sum(pages.most(variables, self.largest_page) for pages in self.pages)
        )

    def actual(self, variables: Mapping[str, Any], data: Any) -> int:
        """The points of what was answered; an operation that was refused costs 1."""
        if data is None:
            return 1
        return self._fixed(variables) + _points(
            sum(pages.held([data], variables, self.largest_page) for pages in self.pages)
        )

    def _fixed(self, variables: Mapping[str, Any]) -> int:
        return self.base + sum(count.of(variables) for count in self.batches)


def _points(nodes: int) -> int:
    return math.ceil(nodes / NODES_PER_POINT)


def _at(objects: Sequence[Any], path: tuple[str, ...]) -> Sequence[Any]:
    """The objects at a path below these, which are alike: none where null stands, several where a list does."""
    found = objects
    for step in path:
        found = [below for one in found if (below := one.get(step)) is not None]
        if found and isinstance(found[0], list):
            found = [entry for below in found for entry in below if entry is not None]
    return found


def measure(
    schema: GraphQLSchema,
    fragments: Mapping[str, FragmentDetails],
    operation: OperationDefinitionNode,
    *,
    largest_page: int = LARGEST_PAGE,
) -> Measure:
    """The measure of an operation of a valid document."""
    root = {
        OperationType.QUERY: schema.query_type,
        OperationType.MUTATION: schema.mutation_type,
        OperationType.SUBSCRIPTION: schema.subscription_type,
    }[operation.operation]
    assert root is not None
    reader = _Reader(schema, fragments)
    base, batches, names = 0, [], set()
    for node, _ in reader.fields(root, operation.selection_set):
        names.add(node.name.value)
        if operation.operation is OperationType.MUTATION:
            base += CHANGE
            batches += [_length(a.value) for a in node.arguments or () if a.name.value == "inputs"]
        else:
            base += _price(root, node)
    pages = tuple(reader.pages(root, operation.selection_set, ()))
    about_schema = names <= _INTROSPECTION and names != {"__typename"}
    return Measure(max(base, 1), tuple(batches), pages, largest_page, about_schema)


_INTROSPECTION = frozenset({"__schema", "__type", "__typename"})


def _price(root: GraphQLObjectType, node: FieldNode) -> int:
    name = node.name.value
    if name.startswith("__"):
        return SUMMARY if name == "__schema" else 1
    summary = get_named_type(root.fields[name].type).name.endswith(
        ("Aggregate", "Aggregates", "Group", "Figures")
    )
    return SUMMARY if summary else 1


def _length(value: ValueNode) -> Count:
    if isinstance(value, VariableNode):
        return Count(variable=value.name.value)
    return Count(len(value.values) if isinstance(value, ListValueNode) else 1)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the lists of records out of selections, fragments written out, whatever @skip may say."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDetails]

    def fields(
        self, parent: GraphQLNamedType, selections: SelectionSetNode
    ) -> Iterator[tuple[FieldNode, GraphQLNamedType]]:
        """The fields of a selection with the type that each is a field of."""
        for node in selections.selections:
            if isinstance(node, FieldNode):
                yield node, parent
            elif isinstance(node, InlineFragmentNode):
                yield from self.fields(self._on(node.type_condition, parent), node.selection_set)
            elif isinstance(node, FragmentSpreadNode):
                definition = self.fragments[node.name.value].definition
                yield from self.fields(self._on(definition.type_condition, parent), definition.selection_set)

    def pages(
        self, parent: GraphQLNamedType, selections: SelectionSetNode, path: tuple[str, ...]
    ) -> Iterator[Pages]:
        """The lists of records at or below a selection that stands at ``path``."""
        for node, owner in self.fields(parent, selections):
            named = _type_of(owner, node)
            if node.selection_set is None or named is None:
                continue
            here = (*path, node.alias.value if node.alias else node.name.value)
            ids = next((a.value for a in node.arguments or () if a.name.value == "ids"), None)
            if ids is not None and owner is not self.schema.subscription_type:
                below = tuple(self.pages(named, node.selection_set, ()))
                yield Pages(path, here[-1:], _length(ids), below)
            elif named.name.endswith("Connection"):
                yield from self._connection(node, named, here)
            else:
                yield from self.pages(named, node.selection_set, here)

    def _connection(self, node: FieldNode, named: GraphQLNamedType, path: tuple[str, ...]) -> Iterator[Pages]:
        rows: list[str] = []
        below: list[Pages] = []
        ends = False
        assert node.selection_set is not None
        for inner, owner in self.fields(named, node.selection_set):
            ends = ends or inner.name.value == "pageInfo"
            row = _type_of(owner, inner)
            if inner.name.value not in {"nodes", "edges"} or inner.selection_set is None or row is None:
                continue
            rows.append(inner.alias.value if inner.alias else inner.name.value)
            below += self.pages(row, inner.selection_set, ())
        if rows or ends:
            yield Pages(path, tuple(rows), _page_size(node), tuple(below))

    def _on(self, condition: Any, otherwise: GraphQLNamedType) -> GraphQLNamedType:
        found = self.schema.get_type(condition.name.value) if condition is not None else None
        return found or otherwise


def _type_of(owner: GraphQLNamedType, node: FieldNode) -> GraphQLNamedType | None:
    """The named type of a field; None for those of introspection."""
    if not isinstance(owner, GraphQLObjectType | GraphQLInterfaceType):
        return None
    definition = owner.fields.get(node.name.value)
    return get_named_type(definition.type) if definition is not None else None


def _page_size(node: FieldNode) -> Count:
    for argument in node.arguments or ():
        if argument.name.value in {"first", "last"}:
            if isinstance(argument.value, VariableNode):
                return Count(DEFAULT_PAGE, argument.value.name.value)
            if isinstance(argument.value, IntValueNode):
                return Count(int(argument.value.value))
    return Count(DEFAULT_PAGE)
