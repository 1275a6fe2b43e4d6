"""Overlays: for a company the static schema with its own fields in it, made when first asked for.

They are kept by company and definitions, so whoever knows a company's fields of now never meets a schema of
before; what they take of memory is bounded, the documents that are remembered with them among it.
"""

from __future__ import annotations

import asyncio
import sys
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING
from uuid import UUID

import structlog
from graphql import GraphQLSchema

from kedang_graphql.engine.arguments import LARGEST_PAGE
from kedang_graphql.engine.operations import OperationCache
from kedang_graphql.measuring.signatures import vocabulary
from kedang_graphql.overlay.extending import Base
from kedang_graphql.overlay.printing import Printed, Printer
from kedang_graphql.overlay.types import additions_of
from kedang_tenants.catalogue import catalogue
from kedang_tenants.catalogue.custom import CustomField
from kedang_tenants.reading import Viewer

if TYPE_CHECKING:
    from kedang_graphql.schema import Gateway

OVERLAY_BYTES = 64 * 1024 * 1024
# Of the documents of one company; with the 32 MB of the static schema's beside them.
OPERATION_BYTES = 4 * 1024 * 1024
# Bytes of memory, measured and rounded up: of any overlay, and of each part (type, field, argument, value) made for it.
_BYTES = 50_000
_BYTES_A_PART = 500

log = structlog.get_logger(__name__)

_Key = tuple[UUID, tuple[CustomField, ...]]


@dataclass(slots=True)
class Overlay:
    """The schema of one company at one state of its definitions, and the documents that are valid in it only."""

    schema: GraphQLSchema
    operations: OperationCache
    weight: int
    changed: frozenset[str]
    printed: Printed | None = field(default=None)

    @property
    def held_bytes(self) -> int:
        """What it takes of memory, by estimate."""
        text = len(self.printed.text) if self.printed is not None else 0
        return self.weight + self.operations.held_bytes + text


class Overlays:
    """The overlays of a process, at most ``most_bytes`` of them by estimate; the least recently used go first."""

    def __init__(
        self, gateway: Gateway, *, largest_page: int = LARGEST_PAGE, most_bytes: int = OVERLAY_BYTES
    ) -> None:
        self._gateway = gateway
        self._schema = gateway.core
        self._largest_page = largest_page
        self._most_bytes = most_bytes
        self._overlays: OrderedDict[_Key, Overlay] = OrderedDict()
        self._making: dict[_Key, asyncio.Task[Overlay]] = {}

    async def of(self, viewer: Viewer) -> Overlay | None:
        """The overlay of a viewer's company as its fields stand for the viewer; None where there are no own fields.

        All members of a company have the same. Making one takes tens of milliseconds, in a thread.
        """
        if not viewer.custom_fields:
            return None
        key = viewer.company.id, viewer.custom_fields
        found = self._overlays.get(key)
        if found is None:
            making = self._making.get(key)
            if making is None:
                making = self._making[key] = asyncio.ensure_future(self._make(key))
            found = await asyncio.shield(making)
        else:
            self._overlays.move_to_end(key)
        self._bound()
        return found

    async def schema_for(self, viewer: Viewer) -> GraphQLSchema:
        """The schema with the own fields of a viewer's company in it."""
        overlay = await self.of(viewer)
        return overlay.schema if overlay is not None else self._schema

    async def printed(self, viewer: Viewer | None) -> Printed:
        """The text of the schema that a viewer is answered by; without one, of that which all companies share."""
        overlay = await self.of(viewer) if viewer is not None else None
        if overlay is None:
            return await asyncio.to_thread(lambda: self._printer.base)
        if overlay.printed is None:
            overlay.printed = await asyncio.to_thread(self.text_of, overlay)
            self._bound()
        return overlay.printed

    @property
    def entries(self) -> int:
        """How many overlays are kept."""
        return len(self._overlays)

    @property
    def held_bytes(self) -> int:
        """What they take of memory, by estimate."""
        return sum(overlay.held_bytes for overlay in self._overlays.values())

    @cached_property
    def _base(self) -> Base:
        return Base(self._schema)

    @cached_property
    def _printer(self) -> Printer:
        return Printer(self._schema)

    async def _make(self, key: _Key) -> Overlay:
        try:
            made = await asyncio.to_thread(self._built, key[1])
            self._overlays[key] = made
            return made
        finally:
            del self._making[key]

    def _built(self, fields: tuple[CustomField, ...]) -> Overlay:
        """The overlay with these fields, or where none can be made of them that of no fields: nobody is locked out."""
        try:
            return self.build(fields)
        except Exception:
            log.exception("overlay.not_made", count=len(fields))
            return self.build(())

    def build(self, fields: tuple[CustomField, ...]) -> Overlay:
        """An overlay with these fields, kept nowhere."""
        extended = self._base.extended(additions_of(self._schema, fields))
        words = vocabulary(extended.schema, extended.changed)
        operations = OperationCache(
            extended.schema,
            catalogue(),
            self._gateway.roots,
            most_bytes=min(OPERATION_BYTES, self._most_bytes),
            largest_page=self._largest_page,
            words=(self._gateway.words, words),
        )
        weight = _BYTES + extended.parts * _BYTES_A_PART + sys.getsizeof(words)
        return Overlay(extended.schema, operations, weight, extended.changed)

    def text_of(self, overlay: Overlay) -> Printed:
        """The text of an overlay's schema."""
        return self._printer.extended(overlay.schema, overlay.changed)

    def _bound(self) -> None:
        held = self.held_bytes
        while held > self._most_bytes and len(self._overlays) > 1:
            _, gone = self._overlays.popitem(last=False)
            held -= gone.held_bytes
