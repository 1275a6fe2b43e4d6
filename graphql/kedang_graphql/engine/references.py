"""Refs that resolvers return, read together: what one part of a document shows of them is one look-up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from graphql.execution.collect_fields import FieldDetails
from graphql.pyutils import Path


@dataclass(frozen=True, slots=True)
class Ref:
    """What a resolver returns for a record: the engine answers whatever is selected of it."""

    record: str
    id: UUID


Shown = Mapping[UUID, Any]
ReadTogether = Callable[[str, Sequence[UUID], list[FieldDetails], str], Awaitable[Shown]]


@dataclass(slots=True)
class _Batch:
    record: str
    details: list[FieldDetails]
    pattern: str
    ids: dict[UUID, None] = field(default_factory=dict)
    reading: asyncio.Task[Shown] | None = None


class References:
    """Gathers the Refs of one operation that are met before the first of them is awaited.

    graphql-core goes through a list before it awaits anything in it, and hands every item the same
    ``details``: so a field of all items of a list becomes one batch.
    """

    def __init__(self, read: ReadTogether) -> None:
        self._read = read
        self._open: dict[tuple[str, int], _Batch] = {}

    def answer(self, ref: Ref, details: list[FieldDetails], path: Path) -> Awaitable[Any]:
        """The response of a Ref, to be awaited; None when the record is not there for the viewer."""
        key = ref.record, id(details)
        batch = self._open.get(key)
        if batch is None:
            batch = self._open[key] = _Batch(ref.record, details, _pattern(path))
        batch.ids[ref.id] = None
        return self._shown(batch, ref.id)

    async def _shown(self, batch: _Batch, record_id: UUID) -> Any:
        if batch.reading is None:
            del self._open[batch.record, id(batch.details)]
            batch.reading = asyncio.ensure_future(self._read_batch(batch))
        return (await batch.reading).get(record_id)

    async def _read_batch(self, batch: _Batch) -> Shown:
        return await self._read(batch.record, list(batch.ids), batch.details, batch.pattern)


def _pattern(path: Path) -> str:
    """The path of a field in the response, with a star for every place in a list."""
    return ".".join("*" if isinstance(step, int) else step for step in path.as_list())
