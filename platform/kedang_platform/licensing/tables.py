"""What a company pays for: a table of the installation, in schema ``platform``."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Integer, Table, Uuid

from kedang_platform.database.metadata import platform_metadata

# `free_seats` is what the operator gave when the company signed up: it is never lowered (T3).
subscription = Table(
    "subscription",
    platform_metadata,
    Column("company_id", Uuid, ForeignKey("platform.company.id", ondelete="CASCADE"), primary_key=True),
    Column("free_seats", Integer, nullable=False),
    Column("paid_seats", Integer, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("free_seats >= 2", name="two_seats_are_free"),
    CheckConstraint("paid_seats >= 0", name="paid_seats_are_counted"),
)
