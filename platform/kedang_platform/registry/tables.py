"""Companies and their schemas: tables of the installation, in schema ``platform``."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    text,
)

from kedang_platform.database.metadata import platform_metadata

_INSTANT = DateTime(timezone=True)
_SPARE = text("state = 'spare'")

# The revision that a shared schema stands at; `component` is platform or work, work once a database.
revision = Table(
    "revision",
    platform_metadata,
    Column("component", Text, primary_key=True),
    Column("database", Text, primary_key=True),
    Column("revision", Text, nullable=False),
    Column("migrated_at", _INSTANT, nullable=False),
)

company = Table(
    "company",
    platform_metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("schema_name", Text, nullable=False, unique=True),
    # Names the company in links that its customers get; random, so that nobody can guess or list companies.
    Column("handle", Text, nullable=False, unique=True),
    Column("database", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("revision", Text, nullable=False),
    Column("created_at", _INSTANT, nullable=False),
    # Whether every member has to sign in with a second factor.
    Column("requires_two_factor", Boolean, nullable=False, server_default=text("false")),
    # Why an operator suspended it, and since when; kept until it is resumed.
    Column("suspended_reason", Text),
    Column("suspended_at", _INSTANT),
    # One that was restored beside another: its recurring rules rest until an operator resumes it.
    Column("quiet", Boolean, nullable=False, server_default=text("false")),
    CheckConstraint("status IN ('opening', 'active', 'suspended', 'deleting')", name="status_is_known"),
)

# Every schema of a company or kept for one, and how its migration stands: the runner continues from here.
tenant_schema = Table(
    "tenant_schema",
    platform_metadata,
    Column("name", Text, primary_key=True),
    Column("database", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("company_id", Uuid, ForeignKey("platform.company.id"), unique=True),
    Column("revision", Text, nullable=False),
    Column("error", Text),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("migrated_at", _INSTANT, nullable=False),
    Column("created_at", _INSTANT, nullable=False),
    CheckConstraint("state IN ('spare', 'claimed')", name="state_is_known"),
    CheckConstraint("(state = 'claimed') = (company_id IS NOT NULL)", name="claimed_by_a_company"),
    Index("tenant_schema_spare", "database", "created_at", "name", postgresql_where=_SPARE),
)

# A company that its owner let go; it is taken back by removing the row before `due_at`.
company_deletion = Table(
    "company_deletion",
    platform_metadata,
    Column("company_id", Uuid, ForeignKey("platform.company.id", ondelete="CASCADE"), primary_key=True),
    Column("requested_by", Uuid),
    Column("requested_at", _INSTANT, nullable=False),
    Column("due_at", _INSTANT, nullable=False),
    Column("status_before", Text, nullable=False),
    Index("company_deletion_due", "due_at"),
)

# An archive of everything a company has, made for its owner; here and not in the company, since the next one
# would hold it, and since it can be fetched while the company itself is closed.
company_export = Table(
    "company_export",
    platform_metadata,
    Column("id", Uuid, primary_key=True),
    Column("company_id", Uuid, ForeignKey("platform.company.id", ondelete="CASCADE"), nullable=False),
    Column("requested_by", Uuid),
    Column("job_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", _INSTANT, nullable=False),
    Column("finished_at", _INSTANT),
    Column("rows", BigInteger),
    Column("content_id", Uuid),
    Column("size", BigInteger),
    Column("sha256", Text),
    CheckConstraint("state IN ('running', 'done', 'failed')", name="state_is_known"),
    CheckConstraint("(state = 'done') = (content_id IS NOT NULL)", name="done_with_content"),
    Index("company_export_company", "company_id", "created_at"),
)

__all__ = ["company", "company_deletion", "company_export", "revision", "tenant_schema"]
