"""Rows become answers: plain values under the keys of what is shown, as the API writes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson

from kedang_tenants.catalogue import (
    DecimalKind,
    DocumentKind,
    LocalisedKind,
    RecordType,
    ReferenceKind,
    catalogue,
)
from kedang_tenants.catalogue.kinds import decimal_text
from kedang_tenants.reading.layout import Layout
from kedang_tenants.reading.masks import Mask, mask_of
from kedang_tenants.reading.ordering import sort_signature, write_cursor
from kedang_tenants.reading.planner import TOTAL_LIMIT
from kedang_tenants.reading.reader import ChildKey, PageOfRows, Read
from kedang_tenants.reading.request import Listing
from kedang_tenants.reading.shown import Shown
from kedang_tenants.reading.viewer import Viewer

Row = Any
Value = Callable[[Row], Any]
Path = tuple[str, ...]


class RowShower:
    """Turns the rows of one read into objects; made anew for each read, for its rows have a layout of their own."""

    def __init__(
        self,
        viewer: Viewer,
        shown: Sequence[Shown],
        layout: Layout,
        lists: Mapping[ChildKey, Read] | None = None,
    ) -> None:
        self._own = {
            record: {f.id: f.key for f in viewer.custom_fields if f.record == record}
            for record in {f.record for f in viewer.custom_fields}
        }
        self._own_by_id = {f.id: f for f in viewer.custom_fields}
        self._object = self._reader_of(shown, layout, lists or {}, ())

    def show(self, row: Row) -> dict[str, Any]:
        """The row under the keys of what is shown."""
        made: dict[str, Any] = self._object(row)
        return made

    def _reader_of(
        self, shown: Sequence[Shown], layout: Layout, lists: Mapping[ChildKey, Read], path: Path
    ) -> Value:
        values = [(one.key, self._reader(one, layout, lists, path)) for one in shown]
        return lambda row: {key: value(row) for key, value in values}

    def _reader(self, one: Shown, layout: Layout, lists: Mapping[ChildKey, Read], path: Path) -> Value:
        match one.what:
            case "id":
                return lambda row: _public(layout.record, row[layout.id])
            case "type":
                return lambda _: one.name or layout.record.api_name
            case "one":
                return self._related(one, layout.one[one.name], lists, (*path, one.name))
            case "list":
                return self._list(one, layout, lists[path, one.name])
            case "own":
                return self._own_object(one, layout)
        return self._field(layout.record, one.name, layout.fields[one.name])

    def _related(self, one: Shown, layout: Layout, lists: Mapping[ChildKey, Read], path: Path) -> Value:
        shown = self._reader_of(one.inner, layout, lists, path)
        place = layout.id
        return lambda row: None if row[place] is None else shown(row)

    def _list(self, one: Shown, parent: Layout, read: Read) -> Value:
        assert one.listing is not None
        parts = [(part.key, self._part(part, one.listing, read)) for part in one.inner]
        empty, place = PageOfRows(), parent.id

        def show(row: Row) -> dict[str, Any]:
            page = read.pages.get(row[place], empty)
            return {key: part(page) for key, part in parts}

        return show

    def _part(self, part: Shown, listing: Listing, read: Read) -> Callable[[PageOfRows], Any]:
        """What a key of a list shows of a page."""
        match part.what:
            case "nodes":
                shown = self._reader_of(part.inner, read.layout, read.children, ())
                return lambda page: [shown(row) for row in page.rows]
            case "edges":
                edge = [(inner.key, self._edge(inner, listing, read)) for inner in part.inner]
                return lambda page: [{key: value(row) for key, value in edge} for row in page.rows]
            case "page":
                told = [(inner.key, _page_info(inner, listing, read)) for inner in part.inner]
                return lambda page: {key: value(page) for key, value in told}
            case "total":
                return lambda page: min(page.total, TOTAL_LIMIT)
            case "precision":
                return lambda page: "EXACT" if page.total_is_exact else "AT_LEAST"
        return lambda _: part.name

    def _edge(self, inner: Shown, listing: Listing, read: Read) -> Value:
        match inner.what:
            case "node":
                return self._reader_of(inner.inner, read.layout, read.children, ())
            case "cursor":
                return _cursor(listing, read)
        return lambda _: inner.name

    def _own_object(self, one: Shown, layout: Layout) -> Value:
        """Own fields under the keys they are shown by; what is masked, or a field no more, is null."""
        place = layout.fields.get("custom")
        values = [(inner.key, self._own_value(inner)) for inner in one.inner]

        def show(row: Row) -> dict[str, Any]:
            document = None if place is None else row[place]
            own = {} if document is None else orjson.loads(document)
            return {key: value(own) for key, value in values}

        return show

    def _own_value(self, one: Shown) -> Callable[[Mapping[str, Any]], Any]:
        if one.what == "type":
            return lambda _: one.name
        field = self._own_by_id.get(one.name)
        if field is None:
            return lambda _: None
        if one.what == "own_field":
            return lambda own: own.get(field.id)
        options = {code: code for code, _ in field.options}
        return lambda own: options.get(own.get(field.id, ""))

    def _field(self, record: RecordType, name: str, place: int) -> Value:
        kind = record.fields[name].kind
        if name == "custom":
            keys = self._own.get(record.name, {})
            return lambda row: _own_fields(keys, row[place])
        if isinstance(kind, ReferenceKind):
            target = catalogue().record(kind.target)
            return lambda row: None if row[place] is None else _public(target, row[place])
        if isinstance(kind, DecimalKind):
            return lambda row: None if row[place] is None else decimal_text(row[place])
        if isinstance(kind, DocumentKind | LocalisedKind):
            return lambda row: None if row[place] is None else orjson.loads(row[place])
        return lambda row: row[place]


def masked_in(viewer: Viewer, record: RecordType, shown: Sequence[Shown], path: str) -> Iterator[str]:
    """The paths at which fields are, or may be, masked for this viewer; ``*`` stands for each record of a list."""
    for one in shown:
        here = f"{path}.{one.key}"
        match one.what:
            case "field":
                if mask_of(viewer, record, record.fields[one.name]) is not Mask.OPEN:
                    yield here
            case "own":
                if mask_of(viewer, record, record.fields["custom"]) is not Mask.OPEN:
                    yield from (f"{here}.{inner.key}" for inner in one.inner if inner.what != "type")
            case "one":
                target = catalogue().record(record.relations[one.name].target)
                yield from masked_in(viewer, target, one.inner, here)
            case "list":
                assert one.listing is not None
                yield from masked_in(viewer, catalogue().record(one.listing.record), one.inner, here)
            case "nodes" | "edges":
                yield from masked_in(viewer, record, one.inner, f"{here}.*")
            case "node":
                yield from masked_in(viewer, record, one.inner, here)


def _public(record: RecordType, record_id: UUID) -> str:
    return f"{record.prefix}_{record_id.hex}"


def _own_fields(keys: Mapping[str, str], document: str | None) -> dict[str, Any] | None:
    """A company's own fields by their key, as the API shows them; None where they are masked."""
    if document is None:
        return None
    values = orjson.loads(document)
    return {key: values.get(field_id) for field_id, key in keys.items()}


def _page_info(info: Shown, listing: Listing, read: Read) -> Callable[[PageOfRows], Any]:
    cursor = _cursor(listing, read)
    match info.what:
        case "next":
            return lambda page: page.has_next
        case "previous":
            return lambda page: page.has_previous
        case "start":
            return lambda page: cursor(page.rows[0]) if page.rows else None
        case "end":
            return lambda page: cursor(page.rows[-1]) if page.rows else None
    return lambda _: info.name


def _cursor(listing: Listing, read: Read) -> Callable[[Row], str]:
    signature = sort_signature(read.layout.record, listing.order_by)
    keys = read.layout.keys
    return lambda row: write_cursor(signature, [row[key] for key in keys])
