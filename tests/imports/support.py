"""Imports in tests: a file's way through the store, the job and the record that tells of it."""

import csv
import io
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from kedang_platform.clock import Clock, SystemClock
from kedang_platform.database import Databases
from kedang_platform.files import FileStore, LocalFiles
from kedang_platform.registry import Company
from kedang_platform.settings import Settings
from kedang_tenants.files import keep_file, stored_content
from kedang_tenants.imports.mapping import Mapping as ColumnMapping
from kedang_tenants.imports.mapping import Mode
from kedang_tenants.imports.operations import start_import
from kedang_tenants.reading import Viewer
from tests.support.members import TestMember, make_member, viewer_of
from tests.support.workers import run_jobs

COUNTS = ("created", "updated", "unchanged", "rejected", "warnings")


@dataclass(frozen=True)
class Outcome:
    """An import after its job: its record, and what its files say."""

    row: Mapping[str, Any]
    rejected: list[dict[str, str]]
    warnings: list[dict[str, str]]

    @property
    def id(self) -> UUID:
        return self.row["id"]

    @property
    def state(self) -> str:
        return self.row["state"]

    @property
    def counts(self) -> tuple[int, ...]:
        """Created, updated, unchanged, rejected, warned."""
        return tuple(self.row[name] for name in COUNTS)

    @property
    def error(self) -> dict[str, str]:
        return orjson.loads(self.row["error"])

    @property
    def reasons(self) -> dict[int, tuple[str, str]]:
        """Row number → (codes, reasons) of the rejected rows; for a member who reads English."""
        return {int(row["Row number"]): (row["Error code"], row["Reason"]) for row in self.rejected}


@dataclass
class Office:
    """A company with one member at work, its files and jobs."""

    databases: Databases
    company: Company
    member: TestMember
    settings: Settings
    clock: Clock = field(default_factory=SystemClock)
    files: FileStore = field(init=False)

    def __post_init__(self) -> None:
        self.files = LocalFiles(self.settings.var / "files")

    @classmethod
    async def open(cls, databases, settings, company, var, *roles: str, **member: Any) -> "Office":
        made = await make_member(databases, company, *(roles or ("OWNER",)), **member)
        return cls(databases, company, made, settings.model_copy(update={"var": var}))

    async def viewer(self) -> Viewer:
        return await viewer_of(self.databases, self.member)

    async def keep(self, content: str | bytes, name: str = "file.csv") -> UUID:
        """A stored file of the member."""
        data = content if isinstance(content, bytes) else content.encode()

        async def chunks() -> AsyncIterator[bytes]:
            yield data

        stored = await self.files.put(self.company.ref, chunks())
        async with self.databases.tenant_write(self.company.ref) as write:
            return await keep_file(
                write,
                await self.viewer(),
                name=name,
                stored=stored,
                member_id=self.member.id,
                clock=self.clock,
            )

    async def start(
        self,
        record: str,
        content: str | bytes,
        *,
        name: str = "file.csv",
        mode: Mode = "UPSERT",
        mapping: ColumnMapping | None = None,
        dry_run: bool = False,
    ) -> UUID:
        file_id = await self.keep(content, name)
        viewer = await self.viewer()
        async with self.databases.tenant_write(self.company.ref) as write:
            return await start_import(
                write,
                viewer,
                file_id=file_id,
                record=record,
                mode=mode,
                mapping=mapping or ColumnMapping(),
                dry_run=dry_run,
                clock=self.clock,
            )

    async def work(self) -> None:
        await run_jobs(self.databases, settings=self.settings)

    async def imports(self, record: str, content: str | bytes, **said: Any) -> Outcome:
        """Import a file and wait for it; without a mapping by the one that is proposed for its columns."""
        import_id = await self.start(record, content, **said)
        await self.work()
        return await self.outcome(import_id)

    async def outcome(self, import_id: UUID) -> Outcome:
        (row,) = await self.rows("SELECT * FROM import WHERE id = $1", import_id)
        rejected = await self.table(row["rejected_file_id"])
        return Outcome(row, rejected, await self.table(row["warnings_file_id"]))

    async def table(self, file_id: UUID | None) -> list[dict[str, str]]:
        """The rows of a stored CSV file by the names of its columns; none when there is no file."""
        if file_id is None:
            return []
        text = (await self.content(file_id)).decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text, newline="")))

    async def content(self, file_id: UUID) -> bytes:
        async with self.databases.tenant_read(self.company.ref) as read:
            content = await stored_content(read, file_id=file_id)
        return b"".join([piece async for piece in self.files.open(self.company.ref, content.content_id)])

    async def rows(self, sql: str, *args: object) -> list[dict[str, Any]]:
        async with self.databases.tenant_read(self.company.ref) as read:
            return [dict(row) for row in await read.fetch(sql, *args)]

    async def all_rows(self) -> dict[str, list[dict[str, Any]]]:
        """Every row of the company's archive and trade, and how much was audited, to see that nothing changed."""
        tables = ("customer", "contact", "tag", "customer_tag", "product", "sales_order", "order_line")
        found = {table: await self.rows(f"SELECT * FROM {table} ORDER BY id") for table in tables}
        audited = "SELECT sequence, action FROM audit WHERE record NOT IN ('import', 'export', 'file')"
        return found | {"audit": await self.rows(f"{audited} ORDER BY sequence")}
