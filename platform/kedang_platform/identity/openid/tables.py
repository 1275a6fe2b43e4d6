"""Identities of providers, and sign-ins that are under way: tables of the installation, in schema ``platform``."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, ForeignKey, Index, LargeBinary, Table, Text, Uuid

from kedang_platform.database.metadata import platform_metadata

_INSTANT = DateTime(timezone=True)

openid_identity = Table(
    "openid_identity",
    platform_metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("id", Uuid, nullable=False, unique=True),
    Column("person_id", Uuid, ForeignKey("platform.person.id", ondelete="CASCADE"), nullable=False),
    Column("email", Text, nullable=False),
    Column("created_at", _INSTANT, nullable=False),
    Column("last_used_at", _INSTANT, nullable=False),
    Index("openid_identity_person", "person_id"),
)

# Of state and cookie only the hashes are kept. `person_id` is who links an identity to themselves.
openid_attempt = Table(
    "openid_attempt",
    platform_metadata,
    Column("state_hash", LargeBinary, primary_key=True),
    Column("browser_hash", LargeBinary, nullable=False),
    Column("provider", Text, nullable=False),
    Column("nonce", Text, nullable=False),
    Column("verifier", Text, nullable=False),
    Column("person_id", Uuid, ForeignKey("platform.person.id", ondelete="CASCADE")),
    Column("expires_at", _INSTANT, nullable=False),
    Index("openid_attempt_expiry", "expires_at"),
)

__all__ = ["openid_attempt", "openid_identity"]
