"""Root fields that features add to the engine's: objects that are no records, with records below them.

A feature makes the object as a class of the API; what is selected of it is read once a document, and all of it is composed
in one go. Field by field, as graphql-core goes through what a resolver returned, a page of fifty lines takes longer
than reading it from the database does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    get_named_type,
    get_nullable_type,
    is_list_type,
)
from graphql.execution.collect_fields import FieldDetails

from kedang_graphql.engine.composing import Composer
from kedang_graphql.engine.references import Ref, Shown
from kedang_graphql.engine.requests import Binding, masked_paths
from kedang_graphql.engine.roots import MakeRoot, Root, RootReader, answer_records
from kedang_graphql.engine.selection import Arguments, RecordNode, SelectionReader
from kedang_platform.database import TenantRead
from kedang_tenants.catalogue import catalogue
from kedang_tenants.reading import Viewer

# Where Strawberry keeps, beside a field of the schema, what it was made of.
_MADE_OF = "strawberry-definition"
_ShownOf = Mapping[int, Shown]


@dataclass(frozen=True, slots=True)
class _Constant:
    """A response key with the type's name."""

    key: str
    value: str

    def of(self, _made: object, _shown: _ShownOf) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class _Attribute:
    """A response key that shows an attribute as its scalar says."""

    key: str
    name: str
    scalar: GraphQLScalarType

    def of(self, made: object, _shown: _ShownOf) -> Any:
        value = getattr(made, self.name)
        return None if value is None else self.scalar.coerce_output_value(value)


@dataclass(frozen=True, slots=True)
class _Record:
    """A response key that shows the record of a Ref, of one kind or of whichever kind it is."""

    key: str
    name: str
    nodes: Mapping[str, RecordNode]

    def of(self, made: object, shown: _ShownOf) -> Any:
        ref: Ref | None = getattr(made, self.name)
        return None if ref is None else shown[id(self.nodes[ref.record])].get(ref.id)


@dataclass(frozen=True, slots=True)
class _Inner:
    """A response key that shows an object, or ``many``."""

    key: str
    name: str
    node: ObjectNode
    many: bool

    def of(self, made: object, shown: _ShownOf) -> Any:
        value = getattr(made, self.name)
        if self.many:
            return [self.node.of(each, shown) for each in value]
        return None if value is None else self.node.of(value, shown)

    def refs(self, made: object) -> Iterator[tuple[RecordNode, UUID]]:
        value = getattr(made, self.name)
        for each in value if self.many else () if value is None else (value,):
            yield from self.node.refs(each)


_Output = _Constant | _Attribute | _Record | _Inner


@dataclass(frozen=True, slots=True)
class ObjectNode:
    """What is selected of an object, in the order of the response."""

    outputs: tuple[_Output, ...]

    def shows(self, name: str) -> bool:
        """Whether an attribute of the object is shown at all."""
        return any(not isinstance(output, _Constant) and output.name == name for output in self.outputs)

    def of(self, made: object, shown: _ShownOf) -> dict[str, Any]:
        """The response of an object, with what is ``shown`` of records by their selection and id."""
        return {output.key: output.of(made, shown) for output in self.outputs}

    def refs(self, made: object) -> Iterator[tuple[RecordNode, UUID]]:
        """Every record below an object, with what is selected of it."""
        for output in self.outputs:
            if isinstance(output, _Inner):
                yield from output.refs(made)
            elif isinstance(output, _Record):
                ref: Ref | None = getattr(made, output.name)
                if ref is not None:
                    yield output.nodes[ref.record], ref.id

    def masked(self, viewer: Viewer, path: str) -> Iterator[str]:
        """The paths at which fields of records are, or may be, masked for this viewer."""
        for output in self.outputs:
            if isinstance(output, _Record):
                for node in output.nodes.values():
                    yield from masked_paths(viewer, node, f"{path}.{output.key}")
            elif isinstance(output, _Inner):
                yield from output.node.masked(viewer, f"{path}.{output.key}{'.*' if output.many else ''}")


ReadObject = Callable[[TenantRead, Binding, Mapping[str, Any], ObjectNode], Awaitable[object | None]]
"""Makes the object of a root field in the transaction of the operation, from the field's arguments; None where it is not there."""


@dataclass(frozen=True, slots=True)
class ObjectRoot(Root):
    """An object that a feature makes, the records below it read in the same transaction."""

    node: ObjectNode
    arguments: Arguments
    read: ReadObject

    async def answer(self, tx: TenantRead, binding: Binding, composer: Composer) -> Any:
        made = await self.read(tx, binding, self.arguments.values(binding.variables), self.node)
        if made is None:
            return None
        wanted: dict[int, tuple[RecordNode, dict[UUID, None]]] = {}
        for node, record_id in self.node.refs(made):
            wanted.setdefault(id(node), (node, {}))[1][record_id] = None
        shown = {
            key: await answer_records(tx, binding, composer, node, tuple(ids))
            for key, (node, ids) in wanted.items()
        }
        return self.node.of(made, shown)

    def masked(self, viewer: Viewer, key: str) -> list[str]:
        return sorted(set(self.node.masked(viewer, key)))


def object_root(read: ReadObject, *, kinds: Callable[[], Collection[str]]) -> MakeRoot:
    """A root field whose object ``read`` makes; what it shows as any node is a record of these ``kinds``."""
    return partial(_object_root, read, kinds)


def _object_root(
    read: ReadObject,
    kinds: Callable[[], Collection[str]],
    reader: RootReader,
    definition: GraphQLField,
    details: list[FieldDetails],
) -> Root:
    objects = _ObjectReader(reader, reader.selections(), kinds())
    node = objects.node(get_named_type(definition.type).name, details)
    return ObjectRoot(node, objects.selections.arguments(definition, details[0].node), read)


@dataclass(frozen=True, slots=True)
class _ObjectReader:
    """Reads what is selected of objects."""

    root: RootReader
    selections: SelectionReader
    kinds: Collection[str]

    def node(self, type_name: str, details: list[FieldDetails]) -> ObjectNode:
        """The selection under fields that return an object of a type."""
        fields = self.selections.fields_of(type_name, details)
        return ObjectNode(tuple(self._output(type_name, key, inner) for key, inner in fields))

    def _output(self, type_name: str, key: str, details: list[FieldDetails]) -> _Output:
        name = details[0].node.name.value
        if name == "__typename":
            return _Constant(key, type_name)
        of = self.root.schema.get_type(type_name)
        assert isinstance(of, GraphQLObjectType)
        shown = of.fields[name]
        attribute: str = shown.extensions[_MADE_OF].python_name
        named = get_named_type(shown.type)
        if isinstance(named, GraphQLScalarType):
            return _Attribute(key, attribute, named)
        if isinstance(named, GraphQLInterfaceType):
            return _Record(key, attribute, {kind: self._record(kind, details) for kind in self.kinds})
        record = next((record.name for record in catalogue() if record.api_name == named.name), None)
        if record is not None:
            return _Record(key, attribute, {record: self._record(record, details)})
        many = is_list_type(get_nullable_type(shown.type))
        return _Inner(key, attribute, self.node(named.name, details), many=many)

    def _record(self, kind: str, details: list[FieldDetails]) -> RecordNode:
        return self.selections.record_node(catalogue().record(kind), details)
