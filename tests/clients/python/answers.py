"""Whether an answer is what the schema promises for a document (GraphQL October 2021, sections 6 and 7).

A reader of its own: it shares no code with the gateway, and only types and syntax with graphql-core.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    is_abstract_type,
    is_leaf_type,
    is_object_type,
    parse,
    type_from_ast,
)

KINDS: Mapping[str, tuple[type, ...]] = {
    "Boolean": (bool,),
    "Date": (str,),
    "DateTime": (str,),
    "Decimal": (str,),
    "Float": (int, float),
    "ID": (str,),
    "Int": (int,),
    "LocalisedText": (dict,),
    "MinorUnits": (int,),
    "String": (str,),
}
MOST = 2**31 - 1


def problems(schema: GraphQLSchema, query: str, body: Any) -> list[str]:
    """Everything in which the body differs from what the schema promises; nothing when it is right."""
    if not isinstance(body, dict) or not body.keys() <= {"data", "errors", "extensions"}:
        return ["the answer is no GraphQL response"]
    errors = body.get("errors")
    if "errors" in body and not (isinstance(errors, list) and errors):
        return ["errors stand there and are none"]
    found = [wrong for error in errors or () for wrong in _error(error)]
    if "data" not in body:
        return found if errors else [*found, "neither data nor errors"]
    if body["data"] is None:
        return found if errors else [*found, "data is null and nothing says why"]
    return [*found, *_Reader(schema, parse(query)).read(body["data"])]


def _error(error: Any) -> Iterator[str]:
    if not isinstance(error, dict) or not error.keys() <= {"message", "locations", "path", "extensions"}:
        yield f"no error as the specification has it: {error}"
        return
    if not isinstance(error.get("message"), str) or not error["message"]:
        yield "an error without a message"
    if not isinstance(error.get("extensions", {}).get("code"), str):
        yield "an error without a code"


class _Reader:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema = schema
        self._operation = next(d for d in document.definitions if isinstance(d, OperationDefinitionNode))
        self._fragments = {
            d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)
        }

    def read(self, data: Any) -> Iterator[str]:
        root = self._schema.get_root_type(self._operation.operation)
        yield from self._object(root, [self._operation.selection_set], data, [])

    def _value(
        self, kind: Any, selections: list[SelectionSetNode], value: Any, path: list[Any]
    ) -> Iterator[str]:
        if isinstance(kind, GraphQLNonNull):
            if value is None:
                yield f"{_said(path)} is null, and {kind} is not"
            else:
                yield from self._value(kind.of_type, selections, value, path)
        elif value is None:
            return
        elif isinstance(kind, GraphQLList):
            if not isinstance(value, list):
                yield f"{_said(path)} is no list"
                return
            for place, item in enumerate(value):
                yield from self._value(kind.of_type, selections, item, [*path, place])
        elif is_leaf_type(kind):
            yield from _leaf(kind, value, path)
        else:
            yield from self._object(kind, selections, value, path)

    def _object(
        self, kind: Any, selections: list[SelectionSetNode], value: Any, path: list[Any]
    ) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{_said(path)} is no {kind}"
            return
        if is_abstract_type(kind):
            kind = self._schema.type_map.get(value.get("__typename", ""))
            if kind is None:  # a selection on an interface that did not ask which type it met
                return
        asked = self._collected(kind, selections)
        if list(value) != list(asked):
            yield f"{_said(path)} has {list(value)}, asked was {list(asked)}"
            return
        for key, nodes in asked.items():
            name = nodes[0].name.value
            if name == "__typename":
                if value[key] != kind.name:
                    yield f"{_said(path)} says that it is {value[key]} and not {kind}"
                continue
            below = [node.selection_set for node in nodes if node.selection_set]
            yield from self._value(kind.fields[name].type, below, value[key], [*path, key])

    def _collected(self, kind: Any, selections: list[SelectionSetNode]) -> dict[str, list[FieldNode]]:
        asked: dict[str, list[FieldNode]] = {}
        for selection in selections:
            for node in selection.selections:
                if isinstance(node, FieldNode):
                    asked.setdefault((node.alias or node.name).value, []).append(node)
                    continue
                fragment = self._fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
                assert isinstance(fragment, FragmentDefinitionNode | InlineFragmentNode)
                if self._applies(kind, fragment):
                    for key, nodes in self._collected(kind, [fragment.selection_set]).items():
                        asked.setdefault(key, []).extend(nodes)
        return asked

    def _applies(self, kind: Any, fragment: FragmentDefinitionNode | InlineFragmentNode) -> bool:
        if fragment.type_condition is None:
            return True
        on = type_from_ast(self._schema, fragment.type_condition)
        return on is kind or (
            is_object_type(kind) and is_abstract_type(on) and self._schema.is_sub_type(on, kind)
        )


def _leaf(kind: Any, value: Any, path: list[Any]) -> Iterator[str]:
    if isinstance(kind, GraphQLEnumType):
        if value not in kind.values:
            yield f"{_said(path)} is {value!r}, no {kind}"
        return
    if kind.name == "JSON":
        return
    right = isinstance(value, KINDS[kind.name]) and (kind.name == "Boolean" or not isinstance(value, bool))
    if not right or (kind.name == "Int" and abs(value) > MOST):
        yield f"{_said(path)} is {value!r}, no {kind}"


def _said(path: list[Any]) -> str:
    return ".".join(map(str, path)) or "data"
