"""What a company pays for: tables of the installation, in schema ``platform``."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from kedang_platform.database.metadata import platform_metadata

# A price list as it was in force from a moment on: [[currency, a month, a year], …], minor units of one seat.
# A version is never changed; a new list makes the next one.
plan_version = Table(
    "plan_version",
    platform_metadata,
    Column("id", Uuid, primary_key=True),
    Column("plan", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("in_force_from", DateTime(timezone=True), nullable=False),
    Column("prices", JSONB, nullable=False),
    UniqueConstraint("plan", "number"),
)

# `free_seats` is what the operator gave when the company signed up: it is never lowered (T3). Days are of the
# company's zone and periods half open; `anchor` is the day that every period's end falls on, where the month has it.
# A free one with paid seats was paid under a release without periods: `lifecycle.advance` gives it one.
subscription = Table(
    "subscription",
    platform_metadata,
    Column("company_id", Uuid, ForeignKey("platform.company.id", ondelete="CASCADE"), primary_key=True),
    Column("free_seats", Integer, nullable=False),
    Column("paid_seats", Integer, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("state", Text, nullable=False, server_default="free"),
    Column("interval", Text),
    Column("currency", Text),
    Column("plan_version_id", Uuid, ForeignKey("platform.plan_version.id")),
    Column("anchor", Date),
    Column("period_start", Date),
    Column("period_end", Date),
    Column("seats_at_renewal", Integer),
    Column("interval_at_renewal", Text),
    Column("past_due_since", DateTime(timezone=True)),
    Column("restricted_since", DateTime(timezone=True)),
    CheckConstraint("free_seats >= 2", name="two_seats_are_free"),
    CheckConstraint("paid_seats >= 0", name="paid_seats_are_counted"),
    CheckConstraint("state IN ('free', 'active', 'past_due', 'restricted')", name="state_is_known"),
    CheckConstraint(
        "CASE WHEN state = 'free'"
        " THEN num_nonnulls(interval, currency, anchor, period_start, period_end) = 0"
        " ELSE paid_seats > 0 AND num_nulls(interval, currency, anchor, period_start, period_end) = 0 END",
        name="paid_by_periods",
    ),
    CheckConstraint(
        "interval IN ('month', 'year') AND interval_at_renewal IN ('month', 'year')", name="interval_is_known"
    ),
    CheckConstraint("period_start < period_end", name="period_is_some_time"),
    CheckConstraint("seats_at_renewal >= 0 AND seats_at_renewal < paid_seats", name="fewer_at_renewal"),
    CheckConstraint(
        "(state IN ('past_due', 'restricted')) = (past_due_since IS NOT NULL)"
        " AND (state = 'restricted') = (restricted_since IS NOT NULL)",
        name="dues_have_a_beginning",
    ),
)

# What became of a company's seats, who saw to it and why. Rows are only added: see `database.provision`.
seat_history = Table(
    "seat_history",
    platform_metadata,
    Column("id", Uuid, primary_key=True),
    Column("company_id", Uuid, ForeignKey("platform.company.id", ondelete="CASCADE"), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("event", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("member_id", Uuid),
    Column("seats", Integer),
    Column("by_member_id", Uuid),
    Column("by_operator", Text),
    Index("seat_history_company", "company_id", "at", "id"),
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
    # Null in orders of the first release until their transfer is confirmed.
    Column("invoice_id", Uuid, ForeignKey("platform.invoice.id")),
    CheckConstraint("seats > 0", name="seats_are_bought"),
    CheckConstraint("interval IN ('month', 'year')", name="interval_is_known"),
    CheckConstraint("amount = seats * unit_price AND amount > 0", name="amount_is_of_the_seats"),
    CheckConstraint("state IN ('pending', 'paid', 'withdrawn')", name="state_is_known"),
    CheckConstraint(
        "(state = 'paid') = (confirmed_by IS NOT NULL) AND (state = 'paid') = (confirmed_at IS NOT NULL)",
        name="paid_by_confirmation",
    ),
    Index("seat_order_company", "company_id", "ordered_at"),
)
