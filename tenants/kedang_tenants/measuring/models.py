"""Operations that a company's people and programs asked for, and what they took hour by hour.

No records of the archive: figures are added up, never changed by anybody, and forgotten after 30 days. Nothing
here holds a value that somebody sent: documents and statements stand without literals, parameters are not kept.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Date, DateTime, ForeignKey, Index, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kedang_tenants.catalogue import Base


class MeasuredOperation(Base):
    """A document that was asked for. ``slowest`` tells of the slowest statement seen last, and why it was slow."""

    __tablename__ = "measured_operation"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    kind: Mapped[str] = mapped_column(Text(collation="C"))
    name: Mapped[str | None] = mapped_column(Text(collation="C"))
    document: Mapped[str] = mapped_column(Text(collation="C"))
    first_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    last_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
    explained_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    slowest: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class MeasuredHour(Base):
    """What an operation took in an hour (its beginning), asked with one API key or with any session (the nil UUID).

    ``latency`` counts answers by the number of their span in ``SPANS``, ``errors`` by code; times are microseconds.
    """

    __tablename__ = "measured_hour"

    hour: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    operation_id: Mapped[UUID] = mapped_column(ForeignKey("measured_operation.id"), primary_key=True)
    credential_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
    failed: Mapped[int] = mapped_column(BigInteger)
    refused: Mapped[int] = mapped_column(BigInteger)
    errors: Mapped[dict[str, int]] = mapped_column(JSONB)
    charged: Mapped[int] = mapped_column(BigInteger)
    refunded: Mapped[int] = mapped_column(BigInteger)
    micros: Mapped[int] = mapped_column(BigInteger)
    latency: Mapped[dict[str, int]] = mapped_column(JSONB)
    sql_count: Mapped[int] = mapped_column(BigInteger)
    sql_micros: Mapped[int] = mapped_column(BigInteger)
    sql_rows: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (Index("ix_measured_hour_operation_id_hour", "operation_id", "hour"),)


class MeasuredStatement(Base):
    """What a statement of an operation took in a day (UTC); ``text`` has ``?`` where a literal stood."""

    __tablename__ = "measured_statement"

    operation_id: Mapped[UUID] = mapped_column(ForeignKey("measured_operation.id"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    statement_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    text: Mapped[str] = mapped_column(Text(collation="C"))
    count: Mapped[int] = mapped_column(BigInteger)
    micros: Mapped[int] = mapped_column(BigInteger)
    slowest_micros: Mapped[int] = mapped_column(BigInteger)
    rows: Mapped[int] = mapped_column(BigInteger)
