"""Telling whoever keeps account of views what was read: sensitive fields, restricted archives, reads by API keys (T7).

Nobody is told unless a watcher was set for the task; reading itself writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import TypeAlias
from uuid import UUID

import asyncpg

from kedang_tenants.catalogue import RecordType
from kedang_tenants.reading.layout import NOWHERE, Layout
from kedang_tenants.reading.masks import Mask, mask_of
from kedang_tenants.reading.viewer import Viewer

Watcher: TypeAlias = Callable[[Viewer, RecordType, frozenset[str], list[UUID]], None]
"""Gets who read which kind of record, the sensitive fields among what was read, and which rows, if any need telling."""

_watcher: ContextVar[Watcher | None] = ContextVar("kedang_watcher", default=None)
_known: dict[str, frozenset[str]] = {}


def watch(watcher: Watcher) -> None:
    """Have ``watcher`` told of everything that this task reads from now on."""
    _watcher.set(watcher)


def tell(viewer: Viewer, layout: Layout, pages: Iterable[list[asyncpg.Record]]) -> None:
    """Tell the task's watcher, if there is one, of rows that were read, and of those beside them."""
    watcher = _watcher.get()
    if watcher is None or viewer.member_id is None:
        return
    _tell(watcher, viewer, layout, list(pages))


def _tell(watcher: Watcher, viewer: Viewer, layout: Layout, pages: list[list[asyncpg.Record]]) -> None:
    record = layout.record
    seen = frozenset(
        name for name in _sensitive(record) & layout.fields.keys() if _readable(viewer, record, name)
    )
    told = layout.id != NOWHERE and (seen or (record.restricts and not _only_names(record, layout)))
    ids = [row[layout.id] for rows in pages for row in rows if row[layout.id] is not None] if told else []
    if ids or viewer.via == "api_key":
        watcher(viewer, record, seen, ids)
    for below in layout.one.values():
        _tell(watcher, viewer, below, pages)


def _sensitive(record: RecordType) -> frozenset[str]:
    found = _known.get(record.name)
    if found is None:
        found = frozenset(name for name, field in record.fields.items() if field.spec.sensitivity is not None)
        _known[record.name] = found
    return found


def _readable(viewer: Viewer, record: RecordType, name: str) -> bool:
    return mask_of(viewer, record, record.fields[name]) is not Mask.CLOSED


def _only_names(record: RecordType, layout: Layout) -> bool:
    """Whether nothing was read but what everybody knows who knows the record."""
    return all(name in record.fields and record.fields[name].spec.name_level for name in layout.fields)
