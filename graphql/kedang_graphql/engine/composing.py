"""Rows become the response: for each selection a Python function is generated once and run for every row.

A generated function is one dict display, so a row costs little more than its values. The names in
it are response keys and positions, written by ``repr``; nothing of a request's values enters it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from kedang_graphql.engine.selection import (
    ConnectionNode,
    EdgeNode,
    RecordNode,
    ToMany,
    ToOne,
    TypeName,
    Value,
)
from kedang_tenants.catalogue import (
    DecimalKind,
    DocumentKind,
    LocalisedKind,
    RecordType,
    ReferenceKind,
    catalogue,
)
from kedang_tenants.catalogue.kinds import decimal_text
from kedang_tenants.reading import PageOfRows, Read, Viewer
from kedang_tenants.reading.layout import Layout
from kedang_tenants.reading.ordering import sort_signature, write_cursor
from kedang_tenants.reading.planner import TOTAL_LIMIT
from kedang_tenants.reading.request import Listing, Select

Row = Any
RowFunction = Callable[[Row], dict[str, Any]]
_EMPTY = PageOfRows()


class Composer:
    """Makes the response of one request; keeps the functions generated for its selections."""

    def __init__(self, viewer: Viewer, compiled: dict[int, Any]) -> None:
        self._viewer = viewer
        self._compiled = compiled

    def record(self, node: RecordNode, read: Read, select: Select) -> RowFunction:
        """The function that turns a row of ``read`` into the response of ``node``."""
        return self._row_function(node, read, read.layout, select, ())

    def connection(
        self, node: ConnectionNode, read: Read, listing: Listing, page: PageOfRows
    ) -> dict[str, Any]:
        """The response of a list field for one page."""
        return self._connection_function(node, read, listing)(page)

    def _connection_function(
        self, node: ConnectionNode, read: Read, listing: Listing
    ) -> Callable[[PageOfRows], dict[str, Any]]:
        signature = sort_signature(node.record, listing.order_by)
        keys = read.layout.keys
        parts: list[tuple[str, Callable[[PageOfRows], Any]]] = []

        def cursor(row: Row) -> str:
            return write_cursor(signature, [row[key] for key in keys])

        for key, name, inner in node.outputs:
            parts.append((key, self._part(node, name, inner, read, listing, cursor)))
        return lambda page: {key: part(page) for key, part in parts}

    def _part(
        self,
        node: ConnectionNode,
        name: str,
        inner: Any,
        read: Read,
        listing: Listing,
        cursor: Callable[[Row], str],
    ) -> Callable[[PageOfRows], Any]:
        match name:
            case "nodes":
                one = self._row_function(inner, read, read.layout, listing.select, ())
                return lambda page: [one(row) for row in page.rows]
            case "edges":
                edge = self._edge_function(node, inner, read, listing, cursor)
                return lambda page: [edge(row) for row in page.rows]
            case "pageInfo":
                return lambda page: {key: _page_info(name, page, cursor) for key, name in inner}
            case "totalCount":
                return lambda page: min(page.total, TOTAL_LIMIT)
            case "totalPrecision":
                return lambda page: "EXACT" if page.total_is_exact else "AT_LEAST"
            case _:
                return lambda page: f"{node.record.api_name}Connection"  # noqa: ARG005

    def _edge_function(
        self,
        node: ConnectionNode,
        edge: EdgeNode,
        read: Read,
        listing: Listing,
        cursor: Callable[[Row], str],
    ) -> RowFunction:
        parts: list[tuple[str, Callable[[Row], Any]]] = []
        for key, what in edge.outputs:
            if isinstance(what, RecordNode):
                parts.append((key, self._row_function(what, read, read.layout, listing.select, ())))
            elif what == "cursor":
                parts.append((key, cursor))
            else:
                parts.append((key, lambda row: f"{node.record.api_name}Edge"))  # noqa: ARG005
        return lambda row: {key: part(row) for key, part in parts}

    def _row_function(
        self, node: RecordNode, read: Read, layout: Layout, select: Select, path: tuple[str, ...]
    ) -> RowFunction:
        factory = self._compiled.get(id(node))
        if factory is None:
            factory = self._compiled[id(node)] = _compile(node, layout)
        lists = {
            child: self._child(inner, read, select, owner)
            for child, (inner, owner) in _lists(node, path).items()
        }
        return factory(self._custom, lists)

    def _child(
        self, connection: ConnectionNode, read: Read, select: Select, path: tuple[str, ...]
    ) -> Callable[[Any], dict[str, Any]]:
        child = read.children[path, connection.child]
        listing = _listing_at(select, path, connection.child)
        page_function = self._connection_function(connection, child, listing)
        pages = child.pages
        return lambda parent: page_function(pages.get(parent, _EMPTY))

    def _custom(self, record: str, document: str | None) -> dict[str, Any] | None:
        """The company's own fields of a record by their key; None where they are masked."""
        if document is None:
            return None
        values = orjson.loads(document)
        return {f.key: values.get(f.id) for f in self._viewer.custom_fields if f.record == record}


def _page_info(name: str, page: PageOfRows, cursor: Callable[[Row], str]) -> Any:
    match name:
        case "hasNextPage":
            return page.has_next
        case "hasPreviousPage":
            return page.has_previous
        case "startCursor":
            return cursor(page.rows[0]) if page.rows else None
        case "endCursor":
            return cursor(page.rows[-1]) if page.rows else None
        case _:
            return "PageInfo"


def _lists(node: RecordNode, path: tuple[str, ...]) -> dict[str, tuple[ConnectionNode, tuple[str, ...]]]:
    """Every list below a record, also below its to-one relations, with the way to its parent."""
    found: dict[str, tuple[ConnectionNode, tuple[str, ...]]] = {}
    for output in node.outputs:
        if isinstance(output, ToMany):
            found[output.connection.child] = (output.connection, path)
        elif isinstance(output, ToOne):
            found |= _lists(output.node, (*path, output.relation))
    return found


def _listing_at(select: Select, path: tuple[str, ...], child: str) -> Listing:
    for step in path:
        select = dict(select.one)[step]
    return dict(select.many)[child]


def _compile(node: RecordNode, layout: Layout) -> Callable[..., RowFunction]:
    """Generate the function of a selection, wrapped so that each request can hand in its lists."""
    names: dict[str, Any] = {"decimal": decimal_text, "loads": orjson.loads}
    body = _expression(node, layout, names)
    unpacked = "".join(f"    list_{child} = lists[{child!r}]\n" for child in _lists(node, ()))
    source = f"def factory(own, lists):\n{unpacked}    def compose(r):\n        return {body}\n    return compose\n"
    exec(compile(source, "<composed>", "exec"), names)  # noqa: S102 - generated from the catalogue, see above
    factory: Callable[..., RowFunction] = names["factory"]
    return factory


def _expression(node: RecordNode, layout: Layout, names: dict[str, Any]) -> str:
    entries = [f"{output.key!r}: {_value(node.record, output, layout, names)}" for output in node.outputs]
    return "{" + ", ".join(entries) + "}"


def _value(
    record: RecordType, output: Value | TypeName | ToOne | ToMany, layout: Layout, names: dict[str, Any]
) -> str:
    match output:
        case TypeName(name=name):
            return repr(name)
        case Value(field=None):
            return f"{record.prefix + '_'!r} + r[{layout.id}].hex"
        case Value(field="custom"):
            return f"own({record.name!r}, r[{layout.fields['custom']}])"
        case Value(field=str(name)):
            return _field_value(record, name, f"r[{layout.fields[name]}]")
        case ToOne(relation=relation, node=inner):
            below = layout.one[relation]
            return f"None if r[{below.id}] is None else {_expression(inner, below, names)}"
        case ToMany(connection=connection):
            return f"list_{connection.child}(r[{layout.id}])"
    raise AssertionError(output)


def _field_value(record: RecordType, name: str, value: str) -> str:
    kind = record.fields[name].kind
    if isinstance(kind, ReferenceKind):
        prefix = catalogue().record(kind.target).prefix + "_"
        return f"None if {value} is None else {prefix!r} + {value}.hex"
    if isinstance(kind, DecimalKind):
        return f"None if {value} is None else decimal({value})"
    if isinstance(kind, DocumentKind | LocalisedKind):
        return f"None if {value} is None else loads({value})"
    return value
