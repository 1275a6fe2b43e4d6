"""A file as a record: what it is called, who sent it, what it belongs to, and whether its content has arrived."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Uuid
from sqlalchemy.orm import Mapped, mapped_column

from kedang_platform.files import KINDS
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import (
    ChoiceKind,
    IntegerKind,
    Option,
    Record,
    ReferenceKind,
    TextKind,
    field,
    relation,
)

PENDING, STORED = "PENDING", "STORED"


class File(Record):
    """A file. It comes into being without its content, which follows over a signed link.

    One that belongs to a record is for those to see who see the record (A17).
    """

    __tablename__ = "file"
    __prefix__ = "fil"
    __labels__ = (msg("File"), msg("Files"))
    __owner__ = ("uploaded_by_id",)
    __follows__ = "attached_to"
    __order__ = ("created_at",)
    __actions__ = frozenset({"archive", "restore"})

    name: Mapped[str] = field(TextKind(200), label=msg("Name"), required=True, read_only=True)
    kind: Mapped[str] = field(
        ChoiceKind(tuple(Option(name, name) for name in KINDS)),
        label=msg("Kind"),
        required=True,
        read_only=True,
    )
    content_type: Mapped[str] = field(TextKind(100), label=msg("Content type"), required=True, read_only=True)
    size: Mapped[int] = field(
        IntegerKind(0), label=msg("Size"), required=True, read_only=True, description="bytes"
    )
    sha256: Mapped[str | None] = field(
        TextKind(64), label=msg("Checksum"), read_only=True, description="SHA-256, hexadecimal"
    )
    state: Mapped[str] = field(
        ChoiceKind((Option(PENDING, msg("Awaited")), Option(STORED, msg("Stored")))),
        label=msg("State"),
        required=True,
        default=PENDING,
        read_only=True,
    )
    uploaded_by_id: Mapped[UUID | None] = field(
        ReferenceKind("member"), label=msg("Sent by"), references="member.id", index=True, read_only=True
    )
    attached_to: Mapped[str | None] = field(
        TextKind(36),
        label=msg("Attached to"),
        index=True,
        read_only=True,
        description="The public id of a record of any kind",
    )
    content_id: Mapped[UUID | None] = mapped_column(Uuid)

    # Typed Any because members are a higher feature; the relation finds the class by its name.
    uploaded_by: Mapped[Any] = relation("Member", label=msg("Sent by"), foreign_key="File.uploaded_by_id")
