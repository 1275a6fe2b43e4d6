"""A bulk operation as a record: what was asked for, how far it is, what came of it (I1)."""

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
from kedang_tenants.imports.models import MODES, STATES, WAITING
from kedang_tenants.people.models import Member

EXPORT, IMPORT = "EXPORT", "IMPORT"
KINDS = (Option(EXPORT, msg("Export")), Option(IMPORT, msg("Import")))
FORMATS = (Option("JSONL", "JSONL"), Option("CSV", "CSV"))
_COUNT = IntegerKind(0)


class BulkOperation(Record):
    """An export of whatever a query lists, or an import of a file of inputs.

    ``question`` is the stored query of an export (``bulk.questions``); it is read with the rights that
    the asker has while it runs.
    """

    __tablename__ = "bulk_operation"
    __prefix__ = "bop"
    __labels__ = (msg("Bulk operation"), msg("Bulk operations"))
    __owner__ = ("started_by_id",)
    __order__ = ("created_at",)
    __actions__ = frozenset()

    started_by_id: Mapped[UUID | None] = field(
        ReferenceKind("member"), label=msg("Started by"), references="member.id", index=True, read_only=True
    )
    kind: Mapped[str] = field(ChoiceKind(KINDS), label=msg("Kind"), required=True, read_only=True)
    record: Mapped[str] = field(TextKind(50), label=msg("Kind of record"), required=True, read_only=True)
    format: Mapped[str] = field(ChoiceKind(FORMATS), label=msg("Format"), required=True, read_only=True)
    mode: Mapped[str | None] = field(ChoiceKind(MODES), label=msg("Mode"), read_only=True)
    source_file_id: Mapped[UUID | None] = field(
        ReferenceKind("file"), label=msg("Imported file"), references="file.id", read_only=True
    )
    state: Mapped[str] = field(
        ChoiceKind(STATES), label=msg("State"), required=True, default=WAITING, read_only=True
    )
    total: Mapped[int | None] = field(
        _COUNT,
        label=msg("Of how many"),
        read_only=True,
        description="Records that the list of the query holds, or lines of the imported file",
    )
    done: Mapped[int] = field(
        _COUNT,
        label=msg("Dealt with"),
        required=True,
        default=0,
        read_only=True,
        description="How many of these have been gone through",
    )
    lines: Mapped[int] = field(
        _COUNT,
        label=msg("Lines written"),
        required=True,
        default=0,
        read_only=True,
        description="Lines in the resulting file, those of nested lists included",
    )
    rejected: Mapped[int] = field(
        _COUNT, label=msg("Rejected"), required=True, default=0, read_only=True, description="Lines refused"
    )
    file_id: Mapped[UUID | None] = field(
        ReferenceKind("file"),
        label=msg("Resulting file"),
        references="file.id",
        read_only=True,
        description="What was exported, or what became of each imported line",
    )
    error_code: Mapped[str | None] = field(TextKind(50), label=msg("Error code"), read_only=True)
    error: Mapped[dict[str, str] | None] = field(LocalisedKind(1000), label=msg("Error"), read_only=True)
    cancel_requested: Mapped[bool] = field(
        FlagKind(), label=msg("Called off"), required=True, default=False, read_only=True
    )
    started_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Started at"), read_only=True)
    finished_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Finished at"), read_only=True)
    question: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    job_id: Mapped[UUID | None] = mapped_column(Uuid)

    started_by: Mapped[Member | None] = relation(
        "Member", label=msg("Started by"), foreign_key="BulkOperation.started_by_id"
    )
    source_file: Mapped[File | None] = relation(
        "File", label=msg("Imported file"), foreign_key="BulkOperation.source_file_id"
    )
    file: Mapped[File | None] = relation(
        "File", label=msg("Resulting file"), foreign_key="BulkOperation.file_id"
    )


class BulkResult(Base):
    """What became of some lines of an import, kept with the step that dealt with them until the file is made."""

    __tablename__ = "bulk_result"

    operation_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey("bulk_operation.id"), primary_key=True)
    line: Mapped[int] = mapped_column(Integer, primary_key=True)
    content: Mapped[str] = mapped_column(Text(collation="C"))
