"""Companies and their schemas: tables of the installation, in schema ``platform``."""

from __future__ import annotations

from sqlalchemy import (
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

__all__ = ["company", "revision", "tenant_schema"]
