"""Bulk operations in tests: a query or a file goes in, the record and the file of the operation come out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from kedang_graphql.bulk import read_question
from kedang_graphql.schema import build_gateway
from kedang_tenants.bulk.operations import start_bulk_export, start_bulk_import
from kedang_tenants.changing import Change, change_internally
from tests.imports.support import Office


def lines_of(content: bytes) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in content.splitlines()]


def jsonl(lines: Sequence[Any]) -> bytes:
    return b"".join(orjson.dumps(line) + b"\n" for line in lines)


@dataclass
class Outcome:
    """An operation after its job."""

    row: dict[str, Any]
    content: bytes | None

    @property
    def state(self) -> str:
        return self.row["state"]

    @property
    def counts(self) -> tuple[int | None, int, int, int]:
        """Total, done, lines, rejected."""
        return tuple(self.row[name] for name in ("total", "done", "lines", "rejected"))

    @property
    def lines(self) -> list[dict[str, Any]]:
        return lines_of(self.content or b"")


@dataclass
class BulkOffice(Office):
    """An office that works in bulk."""

    async def add(self, record: str, **values: Any) -> UUID:
        viewer = await self.viewer()
        async with self.databases.tenant_write(self.company.ref) as write:
            change = Change(record, "create", values=values)
            (done,) = await change_internally(write, viewer, [change], clock=self.clock)
        return done.id

    async def add_many(self, record: str, rows: Sequence[dict[str, Any]]) -> list[UUID]:
        viewer = await self.viewer()
        async with self.databases.tenant_write(self.company.ref) as write:
            changes = [Change(record, "create", values=values) for values in rows]
            done = await change_internally(write, viewer, changes, clock=self.clock)
        return [one.id for one in done]

    async def ask_for_export(self, query: str, file_format: str = "JSONL") -> UUID:
        viewer = await self.viewer()
        question = read_question(build_gateway().core, viewer, query)
        async with self.databases.tenant_write(self.company.ref) as write:
            return await start_bulk_export(
                write, viewer, question=question, file_format=file_format, clock=self.clock
            )

    async def ask_for_import(self, record: str, content: bytes, mode: Any = "UPSERT") -> UUID:
        file_id = await self.keep(content, "lines.jsonl")
        viewer = await self.viewer()
        async with self.databases.tenant_write(self.company.ref) as write:
            return await start_bulk_import(
                write, viewer, file_id=file_id, record=record, mode=mode, clock=self.clock
            )

    async def result(self, operation_id: UUID) -> Outcome:
        (row,) = await self.rows("SELECT * FROM bulk_operation WHERE id = $1", operation_id)
        content = await self.content(row["file_id"]) if row["file_id"] else None
        return Outcome(row, content)

    async def exports(self, query: str, file_format: str = "JSONL") -> Outcome:
        operation_id = await self.ask_for_export(query, file_format)
        await self.work()
        return await self.result(operation_id)

    async def takes_in(self, record: str, lines: Sequence[Any] | bytes, mode: Any = "UPSERT") -> Outcome:
        content = lines if isinstance(lines, bytes) else jsonl(lines)
        operation_id = await self.ask_for_import(record, content, mode)
        await self.work()
        return await self.result(operation_id)

    async def rows_of_jobs(self, kind: str) -> list[dict[str, Any]]:
        async with self.databases.control_read() as read:
            return [dict(row) for row in await read.fetch("SELECT * FROM work.job WHERE kind = $1", kind)]

    def stored_contents(self) -> int:
        """How many contents lie in the store."""
        return sum(1 for path in (self.settings.var / "files").rglob("*") if path.is_file())


def public(prefix: str, record_id: UUID) -> str:
    return f"{prefix}_{record_id.hex}"
