"""The audit trail, which is also the stream of events (design 6): append-only, one row per record changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Identity, Index, LargeBinary, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kedang_tenants.catalogue import Base


class Audit(Base):
    """Who did what to which record: ``changes`` maps a field to ``[old, new]``.

    ``digest`` is the SHA-256 of ``salt`` and ``changes``. An erasure takes values and salt away and leaves the
    digest, so that nothing can be guessed from it and the chain of seals still holds (``AuditSeal``). Nobody but
    the owner of the schema may change or delete a row.
    """

    __tablename__ = "audit"

    sequence: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    transaction: Mapped[UUID] = mapped_column(Uuid, index=True)
    actor_id: Mapped[UUID | None] = mapped_column(Uuid)
    via: Mapped[str] = mapped_column(Text(collation="C"))
    action: Mapped[str] = mapped_column(Text(collation="C"))
    record: Mapped[str] = mapped_column(Text(collation="C"))
    record_id: Mapped[UUID] = mapped_column(Uuid)
    changes: Mapped[dict[str, Any]] = mapped_column(JSONB)

    # Both are missing in rows that a release without seals wrote while this one was being rolled out.
    salt: Mapped[bytes | None] = mapped_column(LargeBinary)
    digest: Mapped[bytes | None] = mapped_column(LargeBinary)

    __table_args__ = (
        Index("ix_audit_record_record_id_sequence", "record", "record_id", "sequence"),
        Index("ix_audit_actor_id_sequence", "actor_id", "sequence"),
    )


class AuditSeal(Base):
    """The entries after the seal before, up to ``last_sequence``, chained to everything before them.

    ``minute`` is the one in which they were made; entries that became visible late are sealed with a later minute's.
    ``body`` is the SHA-256 of their digests in order, ``chain`` that of this seal and the chain before it.
    """

    __tablename__ = "audit_seal"

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    minute: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
    first_sequence: Mapped[int] = mapped_column(BigInteger)
    last_sequence: Mapped[int] = mapped_column(BigInteger)
    count: Mapped[int] = mapped_column(BigInteger)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    chain: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
