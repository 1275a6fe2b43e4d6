"""Who people are and where they belong: tables of the installation, in schema ``platform``."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from kedang_platform.database.metadata import platform_metadata

_INSTANT = DateTime(timezone=True)


def _company(*, primary_key: bool = False, nullable: bool = False) -> Column[object]:
    return Column(
        "company_id",
        Uuid,
        ForeignKey("platform.company.id", ondelete="CASCADE"),
        primary_key=primary_key,
        nullable=nullable,
    )


def _person(*, primary_key: bool = False, nullable: bool = False) -> Column[object]:
    return Column(
        "person_id",
        Uuid,
        ForeignKey("platform.person.id", ondelete="CASCADE"),
        primary_key=primary_key,
        nullable=nullable,
    )


# `email` is lower case, see `emails.normalise`. A person who was invited and has not accepted yet
# has neither a password nor `confirmed_at`.
person = Table(
    "person",
    platform_metadata,
    Column("id", Uuid, primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("password_hash", Text),
    Column("language", Text, nullable=False),
    Column("confirmed_at", _INSTANT),
    Column("created_at", _INSTANT, nullable=False),
    CheckConstraint("email = lower(email)", name="email_is_lower_case"),
)

# `member_id` is the id of the person's row in the company's own schema. Until when an invitation
# stands, with the seat that it reserves; since when a member waits for the seat that was lost with the capacity; the
# place in the owner's list of those who keep theirs.
membership = Table(
    "membership",
    platform_metadata,
    _company(primary_key=True),
    _person(primary_key=True),
    Column("member_id", Uuid, nullable=False),
    Column("seat", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", _INSTANT, nullable=False),
    Column("reserved_until", _INSTANT),
    Column("seat_lost_at", _INSTANT),
    Column("keep_rank", Integer),
    CheckConstraint("seat IN ('full', 'none')", name="seat_is_known"),
    CheckConstraint("state IN ('invited', 'active', 'suspended')", name="state_is_known"),
    Index("membership_person", "person_id"),
    # A company that was restored beside the living one has the same members.
    Index("membership_member", "company_id", "member_id", unique=True),
)

session = Table(
    "session",
    platform_metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("id", Uuid, nullable=False, unique=True),
    _person(),
    _company(),
    Column("created_at", _INSTANT, nullable=False),
    Column("last_used_at", _INSTANT, nullable=False),
    Column("expires_at", _INSTANT, nullable=False),
    Column("user_agent", Text, nullable=False),
    # When its person last proved who they are, how, and roughly where from. Sessions of an earlier release
    # have none of the three.
    Column("authenticated_at", _INSTANT),
    Column("signed_in_by", Text),
    Column("network", Text),
    Index("session_person", "person_id"),
    Index("session_expiry", "expires_at"),
)

api_key = Table(
    "api_key",
    platform_metadata,
    Column("id", Uuid, primary_key=True),
    _company(),
    Column("member_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("prefix", Text, nullable=False, unique=True),
    Column("key_hash", LargeBinary, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("created_at", _INSTANT, nullable=False),
    Column("expires_at", _INSTANT),
    Column("last_used_at", _INSTANT),
    Column("revoked_at", _INSTANT),
    Index("api_key_company", "company_id", "member_id"),
)

# Only the hash of what the mail carries is kept. `company_id` of a confirmation is filled when it is used.
one_time_token = Table(
    "one_time_token",
    platform_metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("email", Text, nullable=False),
    _person(nullable=True),
    _company(nullable=True),
    Column("payload", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("created_at", _INSTANT, nullable=False),
    Column("expires_at", _INSTANT, nullable=False),
    Column("used_at", _INSTANT),
    CheckConstraint(
        "purpose IN ('confirm_email', 'invitation', 'password_reset', 'second_factor', 'change_email')",
        name="purpose_is_known",
    ),
    Index("one_time_token_email", "email", "purpose"),
    Index("one_time_token_expiry", "expires_at"),
)

# The app that makes a person's one-time codes (RFC 6238). `sealed` is its secret, encrypted under the installation's;
# `last_step` the time step of the last code that was taken, since no code is taken twice.
second_factor = Table(
    "second_factor",
    platform_metadata,
    _person(primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", _INSTANT, nullable=False),
    Column("confirmed_at", _INSTANT),
    Column("last_step", BigInteger),
)

recovery_code = Table(
    "recovery_code",
    platform_metadata,
    _person(primary_key=True),
    Column("code_hash", LargeBinary, primary_key=True),
    Column("created_at", _INSTANT, nullable=False),
    Column("used_at", _INSTANT),
)

# Browsers from which a person has signed in before; a browser that several people use is known for each of them.
device = Table(
    "device",
    platform_metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    _person(primary_key=True),
    Column("created_at", _INSTANT, nullable=False),
    Column("last_used_at", _INSTANT, nullable=False),
    Column("expires_at", _INSTANT, nullable=False),
    Index("device_person", "person_id"),
    Index("device_expiry", "expires_at"),
)

# How often something was tried in the window that `started_at` opened; the bucket never names a person.
throttle = Table(
    "throttle",
    platform_metadata,
    Column("bucket", Text, primary_key=True),
    Column("spent", Integer, nullable=False),
    Column("started_at", _INSTANT, nullable=False),
    Column("ends_at", _INSTANT, nullable=False),
    Index("throttle_end", "ends_at"),
)

__all__ = [
    "api_key",
    "device",
    "membership",
    "one_time_token",
    "person",
    "recovery_code",
    "second_factor",
    "session",
    "throttle",
]
