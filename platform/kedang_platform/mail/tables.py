"""Mails on their way out, rendered before they are sent."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, DateTime, Index, Integer, Table, Text, Uuid

from kedang_platform.database.metadata import platform_metadata

_INSTANT = DateTime(timezone=True)

# `text`, `html` and `unsubscribe` are emptied when the mail has been taken over: they carry links that need no password.
mail = Table(
    "mail",
    platform_metadata,
    Column("id", Uuid, primary_key=True),
    Column("key", Text(collation="C"), nullable=False, unique=True),
    Column("recipient", Text(collation="C"), nullable=False),
    Column("subject", Text(collation="C"), nullable=False),
    Column("text", Text(collation="C"), nullable=False),
    Column("html", Text(collation="C"), nullable=False),
    Column("language", Text(collation="C"), nullable=False),
    Column("message_id", Text(collation="C"), nullable=False),
    Column("state", Text(collation="C"), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("unknowns", Integer, nullable=False),
    Column("error", Text(collation="C")),
    Column("created_at", _INSTANT, nullable=False),
    Column("sent_at", _INSTANT),
    Column("unsubscribe", Text(collation="C")),
    # Of a mail of a company: whose it is, of which kind, and who it comes from. Empty for those of people's accounts.
    Column("company_id", Uuid),
    Column("kind", Text(collation="C")),
    Column("sender", Text(collation="C")),
    Column("reply_to", Text(collation="C")),
    CheckConstraint(
        "state IN ('queued', 'sending', 'sent', 'rejected', 'unknown', 'withheld', 'suppressed', 'bounced')",
        name="state",
    ),
    Index("mail_created", "created_at"),
    comment="Mails on their way out; one row and one Message-ID each, however often one is tried.",
)
