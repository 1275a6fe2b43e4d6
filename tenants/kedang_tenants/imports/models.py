"""Imports and exports as records: what was asked for, how far it is, what came of it (A9)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Integer, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import (
    Base,
    ChoiceKind,
    DocumentKind,
    FlagKind,
    InstantKind,
    IntegerKind,
    LocalisedKind,
    Option,
    Record,
    ReferenceKind,
    TextKind,
    field,
    relation,
)
from kedang_tenants.files.models import File
from kedang_tenants.people.models import Member

WAITING, RUNNING, DONE, FAILED, CANCELLED = "WAITING", "RUNNING", "DONE", "FAILED", "CANCELLED"
STATES = (
    Option(WAITING, msg("Waiting")),
    Option(RUNNING, msg("Running")),
    Option(DONE, msg("Done")),
    Option(FAILED, msg("Failed")),
    Option(CANCELLED, msg("Cancelled")),
)
FORMATS = (Option("CSV", "CSV"), Option("XLSX", "XLSX"))
MODES = (
    Option("CREATE", msg("Only create")),
    Option("UPDATE", msg("Only update")),
    Option("UPSERT", msg("Create or update")),
)
_COUNT = IntegerKind(0)


class Import(Record):
    """A file whose rows become records of one kind. Counts are those of the rows dealt with so far."""

    __tablename__ = "import"
    __prefix__ = "imp"
    __labels__ = (msg("Import"), msg("Imports"))
    __owner__ = ("started_by_id",)
    __order__ = ("created_at",)
    __actions__ = frozenset()

    started_by_id: Mapped[UUID | None] = field(
        ReferenceKind("member"), label=msg("Started by"), references="member.id", index=True, read_only=True
    )
    file_id: Mapped[UUID] = field(
        ReferenceKind("file"), label=msg("File"), required=True, references="file.id", read_only=True
    )
    record: Mapped[str] = field(TextKind(50), label=msg("Kind of record"), required=True, read_only=True)
    mode: Mapped[str] = field(ChoiceKind(MODES), label=msg("Mode"), required=True, read_only=True)
    dry_run: Mapped[bool] = field(
        FlagKind(),
        label=msg("Trial"),
        required=True,
        default=False,
        read_only=True,
        description="Everything is checked and counted, nothing is written",
    )
    mapping: Mapped[dict[str, Any]] = field(
        DocumentKind(), label=msg("Mapping"), required=True, read_only=True, exported=False
    )
    state: Mapped[str] = field(
        ChoiceKind(STATES), label=msg("State"), required=True, default=WAITING, read_only=True
    )
    format: Mapped[str | None] = field(ChoiceKind(FORMATS), label=msg("Format"), read_only=True)
    encoding: Mapped[str | None] = field(TextKind(20), label=msg("Encoding"), read_only=True)
    columns: Mapped[list[str] | None] = field(
        DocumentKind(), label=msg("Columns"), read_only=True, exported=False
    )
    rows_total: Mapped[int | None] = field(_COUNT, label=msg("Rows"), read_only=True)
    rows_done: Mapped[int] = field(
        _COUNT, label=msg("Rows dealt with"), required=True, default=0, read_only=True
    )
    created: Mapped[int] = field(_COUNT, label=msg("Created"), required=True, default=0, read_only=True)
    updated: Mapped[int] = field(_COUNT, label=msg("Updated"), required=True, default=0, read_only=True)
    unchanged: Mapped[int] = field(_COUNT, label=msg("Unchanged"), required=True, default=0, read_only=True)
    rejected: Mapped[int] = field(_COUNT, label=msg("Rejected"), required=True, default=0, read_only=True)
    warnings: Mapped[int] = field(
        _COUNT,
        label=msg("Warnings"),
        required=True,
        default=0,
        read_only=True,
        description="Accepted rows with a remark",
    )
    rejected_file_id: Mapped[UUID | None] = field(
        ReferenceKind("file"), label=msg("Rejected rows"), references="file.id", read_only=True
    )
    warnings_file_id: Mapped[UUID | None] = field(
        ReferenceKind("file"), label=msg("Rows with remarks"), references="file.id", read_only=True
    )
    error_code: Mapped[str | None] = field(TextKind(50), label=msg("Error code"), read_only=True)
    error: Mapped[dict[str, str] | None] = field(LocalisedKind(1000), label=msg("Error"), read_only=True)
    job_id: Mapped[UUID | None] = mapped_column(Uuid)
    cancel_requested: Mapped[bool] = field(
        FlagKind(), label=msg("Called off"), required=True, default=False, read_only=True
    )
    started_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Started at"), read_only=True)
    finished_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Finished at"), read_only=True)

    started_by: Mapped[Member | None] = relation(
        "Member", label=msg("Started by"), foreign_key="Import.started_by_id"
    )
    file: Mapped[File] = relation("File", label=msg("File"), foreign_key="Import.file_id")
    rejected_file: Mapped[File | None] = relation(
        "File", label=msg("Rejected rows"), foreign_key="Import.rejected_file_id"
    )
    warnings_file: Mapped[File | None] = relation(
        "File", label=msg("Rows with remarks"), foreign_key="Import.warnings_file_id"
    )


class ImportRemark(Base):
    """What was wrong with a row, kept with the step that found it, until the files are made of it."""

    __tablename__ = "import_remark"

    import_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey("import.id"), primary_key=True)
    line: Mapped[int] = mapped_column(Integer, primary_key=True)
    verdict: Mapped[str] = mapped_column(Text(collation="C"))
    cells: Mapped[list[str]] = mapped_column(JSONB)
    remarks: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)


class Export(Record):
    """A list of records as a file; what it holds is what its asker may see when the job runs."""

    __tablename__ = "export"
    __prefix__ = "exp"
    __labels__ = (msg("Export"), msg("Exports"))
    __owner__ = ("started_by_id",)
    __order__ = ("created_at",)
    __actions__ = frozenset()

    started_by_id: Mapped[UUID | None] = field(
        ReferenceKind("member"), label=msg("Started by"), references="member.id", index=True, read_only=True
    )
    record: Mapped[str] = field(TextKind(50), label=msg("Kind of record"), required=True, read_only=True)
    format: Mapped[str] = field(ChoiceKind(FORMATS), label=msg("Format"), required=True, read_only=True)
    filter: Mapped[dict[str, Any] | None] = field(
        DocumentKind(), label=msg("Filter"), read_only=True, exported=False
    )
    state: Mapped[str] = field(
        ChoiceKind(STATES), label=msg("State"), required=True, default=WAITING, read_only=True
    )
    rows_done: Mapped[int] = field(_COUNT, label=msg("Rows"), required=True, default=0, read_only=True)
    file_id: Mapped[UUID | None] = field(
        ReferenceKind("file"), label=msg("File"), references="file.id", read_only=True
    )
    error_code: Mapped[str | None] = field(TextKind(50), label=msg("Error code"), read_only=True)
    error: Mapped[dict[str, str] | None] = field(LocalisedKind(1000), label=msg("Error"), read_only=True)
    job_id: Mapped[UUID | None] = mapped_column(Uuid)
    finished_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Finished at"), read_only=True)

    started_by: Mapped[Member | None] = relation(
        "Member", label=msg("Started by"), foreign_key="Export.started_by_id"
    )
    file: Mapped[File | None] = relation("File", label=msg("File"), foreign_key="Export.file_id")
