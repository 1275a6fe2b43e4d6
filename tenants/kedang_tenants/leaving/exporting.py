"""Writing an archive of a company: table after table in pieces that are stored, then one ZIP file of all of them.

Tables are read from the bottom of the references upward: what a row refers to existed when the row was read, nothing
of a company is ever removed while it lives, so it is there when its own table is read. Seals are read before the
entries that they seal. A killed worker goes on behind its last stored piece.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast
from uuid import UUID

import asyncpg
import orjson

from kedang_platform.clock import Clock
from kedang_platform.database import CompanyRef, Databases
from kedang_platform.files import FileMissing, FileStore
from kedang_platform.registry import Company
from kedang_platform.work import JSON
from kedang_tenants.leaving.books import book_lines, books, people_lines
from kedang_tenants.leaving.lines import LineWriter, own_keys
from kedang_tenants.leaving.shapes import OwnKeys, Shape, shapes
from kedang_tenants.leaving.zipping import ZipStream, one_piece

FORMAT: Final = "kedang-company"
FORMAT_VERSION: Final = 1
MANIFEST: Final = "manifest.json"
_PAGE_ROWS: Final = 2_000
_PIECE_BYTES: Final = 8 * 1024 * 1024
_CONTENTS = """
SELECT content_id, kind FROM file WHERE content_id > $1 ORDER BY content_id LIMIT $2"""
_FIRST: Final = UUID(int=0)

Keep = Callable[["Progress"], Awaitable[None]]


@dataclass(slots=True)
class Written:
    """What is stored of one table: pieces of both forms in their order, and how many rows they hold."""

    rows: int = 0
    jsonl: list[str] = field(default_factory=list)
    csv: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Progress:
    """How far an export is: the tables that were begun, and the key behind which the last one goes on."""

    tables: dict[str, Written] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    after: list[JSON] = field(default_factory=list)

    @classmethod
    def of(cls, checkpoint: JSON) -> Progress:
        kept = cast("dict[str, Any]", checkpoint or {"tables": {}, "done": [], "after": []})
        tables = {name: Written(**written) for name, written in kept["tables"].items()}
        return cls(tables, kept["done"], kept["after"])

    def as_json(self) -> JSON:
        tables = {
            name: {"rows": written.rows, "jsonl": written.jsonl, "csv": written.csv}
            for name, written in self.tables.items()
        }
        return cast("JSON", {"tables": tables, "done": self.done, "after": self.after})

    @property
    def rows(self) -> int:
        return sum(written.rows for written in self.tables.values())

    @property
    def pieces(self) -> list[UUID]:
        return [
            UUID(hex=piece) for written in self.tables.values() for piece in (*written.jsonl, *written.csv)
        ]


async def collect(
    databases: Databases, company: CompanyRef, *, pieces: FileStore, progress: Progress, keep: Keep
) -> None:
    """Store everything of the company's tables that ``progress`` does not hold yet; ``keep`` is called for each piece.

    Whatever ``keep`` raises ends the work; it goes on from the progress that was kept last.
    """
    async with databases.tenant_read(company) as read:
        own = await own_keys(read)
    for shape in reversed(shapes()):
        if shape.name in progress.done:
            continue
        await _collect_table(databases, company, shape, own, pieces=pieces, progress=progress, keep=keep)


async def _collect_table(
    databases: Databases,
    company: CompanyRef,
    shape: Shape,
    own: OwnKeys,
    *,
    pieces: FileStore,
    progress: Progress,
    keep: Keep,
) -> None:
    writer = LineWriter(shape, own)
    written = progress.tables.setdefault(shape.name, Written())
    after = _key_of(shape, own, progress.after)
    lines, sheets = [], [] if written.csv else [writer.heading()]
    ended = False
    while not ended:
        rows = await _page(databases, company, shape, after)
        ended = len(rows) < _PAGE_ROWS
        if rows:
            text, sheet = await asyncio.to_thread(writer.lines, [tuple(row) for row in rows])
            lines.append(text)
            sheets.append(sheet)
            written.rows += len(rows)
            after = list(rows[-1])[: len(shape.key)]
        if ended or sum(map(len, lines)) >= _PIECE_BYTES:
            written.jsonl += [await _stored(pieces, company, lines)] if lines else []
            written.csv += [await _stored(pieces, company, sheets)] if sheets else []
            lines, sheets = [], []
            progress.after = [] if ended else _told(after)
            progress.done += [shape.name] if ended else []
            await keep(progress)


async def _page(
    databases: Databases, company: CompanyRef, shape: Shape, after: Sequence[Any]
) -> list[asyncpg.Record]:
    async with databases.tenant_read(company) as read:
        return await read.fetch(shape.page if after else shape.first_page, *after, _PAGE_ROWS)


async def _stored(pieces: FileStore, company: CompanyRef, lines: Sequence[bytes]) -> str:
    async def chunks() -> AsyncIterator[bytes]:
        for line in lines:
            yield line

    return (await pieces.put(company, chunks())).content_id.hex


def _told(key: Sequence[Any]) -> list[JSON]:
    return cast(
        "list[JSON]",
        orjson.loads(orjson.dumps([value.hex if isinstance(value, UUID) else value for value in key])),
    )


def _key_of(shape: Shape, own: OwnKeys, told: Sequence[JSON]) -> list[Any]:
    readers = shape.readers(own)[: len(shape.key)]
    return [
        value if read is None else read(value) for (_, read), value in zip(readers, told, strict=bool(told))
    ]


async def pack(
    databases: Databases,
    company: Company,
    *,
    pieces: FileStore,
    files: FileStore,
    progress: Progress,
    product: str,
    clock: Clock,
) -> AsyncIterator[bytes]:
    """The bytes of the archive: what was collected, the company itself, its people, its books, its files, the manifest."""
    stream = ZipStream()
    counts: dict[str, int | None] = {}
    for path, rows, content in await _small_parts(databases, company):
        counts[path] = rows
        async for chunk in stream.add(path, one_piece(content)):
            yield chunk
    for shape in shapes():
        written = progress.tables[shape.name]
        for ending, names in (("jsonl", written.jsonl), ("csv", written.csv)):
            counts[f"{shape.path}.{ending}"] = written.rows
            async for chunk in stream.add(f"{shape.path}.{ending}", _joined(pieces, company.ref, names)):
                yield chunk
    missing: list[str] = []
    async for chunk in _with_contents(databases, company.ref, files, stream, missing):
        yield chunk
    manifest = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "product": product,
        "schemaRevision": company.revision,
        "madeAt": clock.now().isoformat(),
        "parts": [
            {"path": p.path, "rows": counts.get(p.path), "bytes": p.size, "sha256": p.sha256}
            for p in stream.packed
        ],
        "missingFiles": missing,
    }
    async for chunk in stream.add(MANIFEST, one_piece(orjson.dumps(manifest, option=orjson.OPT_INDENT_2))):
        yield chunk
    yield stream.end()


async def _small_parts(databases: Databases, company: Company) -> list[tuple[str, int | None, bytes]]:
    """What the installation knows of the company: itself, who belongs to it, and what it was billed."""
    told = {
        "id": company.id.hex,
        "name": company.name,
        "handle": company.handle,
        "country": company.country,
        "language": company.language,
        "timeZone": company.time_zone,
        "currency": company.currency,
        "createdAt": company.created_at.isoformat(),
    }
    parts: list[tuple[str, int | None, bytes]] = [
        ("company.json", None, orjson.dumps(told, option=orjson.OPT_INDENT_2))
    ]
    async with databases.control_read() as read:
        rows, lines = await people_lines(read, company.id)
        parts.append(("people.jsonl", rows, lines))
        for table in books():
            rows, lines = await book_lines(read, table, company.id)
            parts.append((f"books/{table.name}.jsonl", rows, lines))
    return parts


async def _joined(pieces: FileStore, company: CompanyRef, names: Sequence[str]) -> AsyncIterator[bytes]:
    for name in names:
        async for chunk in pieces.open(company, UUID(hex=name)):
            yield chunk


async def _with_contents(
    databases: Databases, company: CompanyRef, files: FileStore, stream: ZipStream, missing: list[str]
) -> AsyncIterator[bytes]:
    """The contents of all files; one that the store has lost is named instead of ending the export."""
    after: UUID | None = _FIRST
    while after is not None:
        async with databases.tenant_read(company) as read:
            rows = await read.fetch(_CONTENTS, after, _PAGE_ROWS)
        for row in rows:
            try:
                await files.size(company, row["content_id"])
            except FileMissing:
                missing.append(row["content_id"].hex)
                continue
            content = files.open(company, row["content_id"])
            async for chunk in stream.add(
                f"files/{row['content_id'].hex}", content, packs=row["kind"] in _PACKS
            ):
                yield chunk
        after = rows[-1]["content_id"] if len(rows) == _PAGE_ROWS else None


_PACKS: Final = frozenset({"CSV", "JSONL", "TXT"})


async def forget_pieces(pieces: FileStore, company: CompanyRef, progress: Progress) -> None:
    """Throw the pieces away; an archive does not need them any more."""
    for piece in progress.pieces:
        await pieces.delete(company, piece)


def counted(progress: Progress) -> Mapping[str, int]:
    """Rows by the name of their table, as far as they were collected."""
    return {name: written.rows for name, written in progress.tables.items()}
