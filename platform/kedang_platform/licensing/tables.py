"""What a company pays for: tables of the installation, in schema ``platform``."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
)

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

# An order is never changed after it was confirmed: who bought and who confirmed stays told (T7). What
# a seat cost then stands in it, so that the price list may move on.
seat_order = Table(
    "seat_order",
    platform_metadata,
    Column("id", Uuid, primary_key=True),
    Column("company_id", Uuid, ForeignKey("platform.company.id", ondelete="CASCADE"), nullable=False),
    Column("reference", Text, nullable=False, unique=True),
    Column("seats", Integer, nullable=False),
    Column("interval", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("unit_price", BigInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("ordered_by", Uuid, nullable=False),
    Column("ordered_at", DateTime(timezone=True), nullable=False),
    Column("confirmed_by", Text),
    Column("confirmed_at", DateTime(timezone=True)),
    CheckConstraint("seats > 0", name="seats_are_bought"),
    CheckConstraint("interval IN ('month', 'year')", name="interval_is_known"),
    CheckConstraint("amount = seats * unit_price AND amount > 0", name="amount_is_of_the_seats"),
    CheckConstraint("state IN ('pending', 'paid')", name="state_is_known"),
    CheckConstraint(
        "(state = 'paid') = (confirmed_by IS NOT NULL) AND (state = 'paid') = (confirmed_at IS NOT NULL)",
        name="paid_by_confirmation",
    ),
    Index("seat_order_company", "company_id", "ordered_at"),
)
