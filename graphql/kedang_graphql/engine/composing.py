"""Rows become the response: for each selection Python code is generated once and run for every row.

A record is one dict display and a page one list comprehension, so a row costs little more than its
values. The code holds response keys and positions, written by ``repr``, and names made here; nothing
of a request's values enters it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from kedang_graphql.engine.selection import (
    ConnectionNode,
    EdgeNode,
    Output,
    Own,
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
Composed = Callable[[Any], dict[str, Any]]
Factory = Callable[[Callable[..., Any], Mapping[str, Any], Mapping[str, Any]], Composed]


class Composer:
    """Makes the response of one request; ``compiled`` keeps the code generated for its selections."""

    def __init__(self, viewer: Viewer, compiled: dict[int, Factory]) -> None:
        self._viewer = viewer
        self._compiled = compiled

    def record(self, node: RecordNode, read: Read, select: Select) -> Composed:
        """The function that turns a row of ``read`` into the response of ``node``."""
        below = dict(_lists_below(node, read, select, ()))
        factory = self._compiled.get(id(node))
        if factory is None:
            factory = self._compiled[id(node)] = _Source(below).record_factory(node, read.layout)
        return factory(self._own_fields, _pages(below), _cursors(below))

    def connection(self, node: ConnectionNode, read: Read, listing: Listing) -> Composed:
        """The function that turns a page of ``read`` into the response of ``node``."""
        below = {node.child: _List(node, read, listing)}
        for inner in node.record_nodes:
            below |= _lists_below(inner, read, listing.select, ())
        factory = self._compiled.get(id(node))
        if factory is None:
            factory = self._compiled[id(node)] = _Source(below).connection_factory(node)
        return factory(self._own_fields, _pages(below), _cursors(below))

    def _own_fields(self, record: str, document: str | None) -> dict[str, Any] | None:
        """The company's own fields of a record by their key; None where they are masked."""
        if document is None:
            return None
        values = orjson.loads(document)
        return {f.key: values.get(f.id) for f in self._viewer.custom_fields if f.record == record}


@dataclass(frozen=True, slots=True)
class _List:
    """A list of the response with what was read for it."""

    node: ConnectionNode
    read: Read
    listing: Listing


def _lists_below(
    node: RecordNode, read: Read, select: Select, path: tuple[str, ...]
) -> Iterator[tuple[str, _List]]:
    """Every list below a record, also below its to-one relations and below those lists, by its name."""
    for output in node.outputs:
        if isinstance(output, ToMany):
            connection = output.connection
            child = read.children[path, connection.child]
            listing = _listing_at(select, path, connection.child)
            yield connection.child, _List(connection, child, listing)
            for inner in connection.record_nodes:
                yield from _lists_below(inner, child, listing.select, ())
        elif isinstance(output, ToOne):
            yield from _lists_below(output.node, read, select, (*path, output.relation))


def _listing_at(select: Select, path: tuple[str, ...], child: str) -> Listing:
    for step in path:
        select = dict(select.one)[step]
    return dict(select.many)[child]


def _pages(lists: Mapping[str, _List]) -> dict[str, dict[Any, PageOfRows]]:
    return {child: found.read.pages for child, found in lists.items()}


def _cursors(lists: Mapping[str, _List]) -> dict[str, Callable[[Row], str]]:
    return {child: _cursor(found) for child, found in lists.items()}


def _cursor(found: _List) -> Callable[[Row], str]:
    signature = sort_signature(found.node.record, found.listing.order_by) if found.listing.cursors else ""
    keys = found.read.layout.keys
    return lambda row: write_cursor(signature, [row[key] for key in keys])


@dataclass(slots=True)
class _Source:
    """The Python source of a selection: a function for each of its lists, innermost first."""

    lists: Mapping[str, _List]
    functions: list[str] = field(default_factory=list)

    def record_factory(self, node: RecordNode, layout: Layout) -> Factory:
        body = self._record(node, layout)
        self.functions.append(f"def compose(r):\n    return {body}")
        return self._factory()

    def connection_factory(self, node: ConnectionNode) -> Factory:
        name = self._connection(node)
        self.functions.append(f"compose = {name}")
        return self._factory()

    def _factory(self) -> Factory:
        lines = [line for function in self.functions for line in function.split("\n")]
        body = "\n".join(f"    {line}" for line in (*lines, "return compose"))
        names: dict[str, Any] = {
            "decimal": decimal_text,
            "loads": orjson.loads,
            "EMPTY": PageOfRows(),
            "nothing": {}.get,
            "TOTAL_LIMIT": TOTAL_LIMIT,
        }
        source = f"def factory(own, pages, cursors):\n{body}\n"
        exec(compile(source, "<composed>", "exec"), names)  # noqa: S102 - generated from the catalogue, see above
        factory: Factory = names["factory"]
        return factory

    def _connection(self, node: ConnectionNode) -> str:
        """Add the function of a list, from a page to its response; returns the function's name."""
        layout = self.lists[node.child].read.layout
        entries = [f"{key!r}: {self._part(node, name, inner, layout)}" for key, name, inner in node.outputs]
        name = f"list_{node.child}"
        self.functions.append(
            f"cursor_{node.child} = cursors[{node.child!r}]\n"
            f"get_{node.child} = pages[{node.child!r}].get\n"
            f"def {name}(p):\n    return {{{', '.join(entries)}}}"
        )
        return name

    def _part(self, node: ConnectionNode, name: str, inner: Any, layout: Layout) -> str:
        match name:
            case "nodes":
                return f"[{self._record(inner, layout)} for r in p.rows]"
            case "edges":
                return f"[{self._edge(node, inner, layout)} for r in p.rows]"
            case "pageInfo":
                shown = [f"{key!r}: {_page_info(info, node.child)}" for key, info in inner]
                return "{" + ", ".join(shown) + "}"
            case "totalCount":
                return "min(p.total, TOTAL_LIMIT)"
            case "totalPrecision":
                return "'EXACT' if p.total_is_exact else 'AT_LEAST'"
            case _:
                return repr(f"{node.record.api_name}Connection")

    def _edge(self, node: ConnectionNode, edge: EdgeNode, layout: Layout) -> str:
        entries = []
        for key, what in edge.outputs:
            if isinstance(what, RecordNode):
                shown = self._record(what, layout)
            elif what == "cursor":
                shown = f"cursor_{node.child}(r)"
            else:
                shown = repr(f"{node.record.api_name}Edge")
            entries.append(f"{key!r}: {shown}")
        return "{" + ", ".join(entries) + "}"

    def _record(self, node: RecordNode, layout: Layout) -> str:
        entries = [f"{output.key!r}: {self._value(node.record, output, layout)}" for output in node.outputs]
        return "{" + ", ".join(entries) + "}"

    def _value(self, record: RecordType, output: Output, layout: Layout) -> str:
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
                return f"None if r[{below.id}] is None else {self._record(inner, below)}"
            case ToMany(connection=connection):
                name = self._connection(connection)
                return f"{name}(get_{connection.child}(r[{layout.id}], EMPTY))"
            case Own():
                return self._own(output, layout)
        raise AssertionError(output)

    def _own(self, own: Own, layout: Layout) -> str:
        """Add the function of a record's own fields, from their document to the response; returns the call of it.

        What is masked is null field by field. A value that is no option of its choice any more is null in an enum.
        """
        if "custom" not in layout.fields:  # nothing but __typename is asked for
            shown = (
                f"{output.key!r}: {output.name!r}" for output in own.outputs if isinstance(output, TypeName)
            )
            return "{" + ", ".join(shown) + "}"
        name = f"own_{len(self.functions)}"
        constants: list[str] = []
        entries: list[str] = []
        for output in own.outputs:
            if isinstance(output, TypeName):
                entries.append(f"{output.key!r}: {output.name!r}")
                continue
            value = f"get({output.field.id!r})"
            if output.options is not None:
                option = f"{name}_{len(constants)}"
                constants.append(
                    f"{option} = {dict(zip(output.options, output.options, strict=True))!r}.get\n"
                )
                value = f"{option}({value})"
            entries.append(f"{output.key!r}: {value}")
        self.functions.append(
            f"{''.join(constants)}def {name}(d):\n"
            f"    get = nothing if d is None else loads(d).get\n    return {{{', '.join(entries)}}}"
        )
        return f"{name}(r[{layout.fields['custom']}])"


def _page_info(name: str, child: str) -> str:
    match name:
        case "hasNextPage":
            return "p.has_next"
        case "hasPreviousPage":
            return "p.has_previous"
        case "startCursor":
            return f"cursor_{child}(p.rows[0]) if p.rows else None"
        case "endCursor":
            return f"cursor_{child}(p.rows[-1]) if p.rows else None"
        case _:
            return "'PageInfo'"


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
