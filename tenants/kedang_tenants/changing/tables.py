"""The audit trail, which is also the stream of events (design 6): append-only, one row per record changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Identity, Index, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kedang_tenants.catalogue import Base


class Audit(Base):
    """Who did what to which record: ``changes`` maps a field to ``[old, new]``."""

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

    __table_args__ = (Index("ix_audit_record_record_id_sequence", "record", "record_id", "sequence"),)
