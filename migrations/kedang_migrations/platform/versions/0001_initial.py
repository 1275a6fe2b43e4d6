"""initial"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "company",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("schema_name", sa.Text(), nullable=False),
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("database", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("revision", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('opening', 'active', 'suspended', 'deleting')",
            name=op.f("ck_company_status_is_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_company")),
        sa.UniqueConstraint("handle", name=op.f("uq_company_handle")),
        sa.UniqueConstraint("schema_name", name=op.f("uq_company_schema_name")),
        schema="platform",
    )
    op.create_table(
        "mail",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("recipient", sa.Text(collation="C"), nullable=False),
        sa.Column("subject", sa.Text(collation="C"), nullable=False),
        sa.Column("text", sa.Text(collation="C"), nullable=False),
        sa.Column("html", sa.Text(collation="C"), nullable=False),
        sa.Column("language", sa.Text(collation="C"), nullable=False),
        sa.Column("message_id", sa.Text(collation="C"), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("unknowns", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(collation="C"), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'sending', 'sent', 'rejected', 'unknown')", name=op.f("ck_mail_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail")),
        sa.UniqueConstraint("key", name=op.f("uq_mail_key")),
        schema="platform",
        comment="Mails on their way out; one row and one Message-ID each, however often one is tried.",
    )
    op.create_index("mail_created", "mail", ["created_at"], unique=False, schema="platform")
    op.create_table(
        "person",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_person_email_is_lower_case")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("email", name=op.f("uq_person_email")),
        schema="platform",
    )
    op.create_table(
        "revision",
        sa.Column("component", sa.Text(), nullable=False),
        sa.Column("database", sa.Text(), nullable=False),
        sa.Column("revision", sa.Text(), nullable=False),
        sa.Column("migrated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("component", "database", name=op.f("pk_revision")),
        schema="platform",
    )
    op.create_table(
        "throttle",
        sa.Column("bucket", sa.Text(), nullable=False),
        sa.Column("spent", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("bucket", name=op.f("pk_throttle")),
        schema="platform",
    )
    op.create_index("throttle_end", "throttle", ["ends_at"], unique=False, schema="platform")
    op.create_table(
        "api_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["company_id"], ["platform.company.id"], name=op.f("fk_api_key_company_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("prefix", name=op.f("uq_api_key_prefix")),
        schema="platform",
    )
    op.create_index(
        "api_key_company", "api_key", ["company_id", "member_id"], unique=False, schema="platform"
    )
    op.create_table(
        "membership",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("seat", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("seat IN ('full', 'none')", name=op.f("ck_membership_seat_is_known")),
        sa.CheckConstraint(
            "state IN ('invited', 'active', 'suspended')", name=op.f("ck_membership_state_is_known")
        ),
        sa.ForeignKeyConstraint(
            ["company_id"], ["platform.company.id"], name=op.f("fk_membership_company_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["platform.person.id"], name=op.f("fk_membership_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("company_id", "person_id", name=op.f("pk_membership")),
        sa.UniqueConstraint("member_id", name=op.f("uq_membership_member_id")),
        schema="platform",
    )
    op.create_index("membership_person", "membership", ["person_id"], unique=False, schema="platform")
    op.create_table(
        "one_time_token",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("company_id", sa.Uuid(), nullable=True),
        sa.Column(
            "payload",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "purpose IN ('confirm_email', 'invitation', 'password_reset')",
            name=op.f("ck_one_time_token_purpose_is_known"),
        ),
        sa.ForeignKeyConstraint(
            ["company_id"],
            ["platform.company.id"],
            name=op.f("fk_one_time_token_company_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["platform.person.id"],
            name=op.f("fk_one_time_token_person_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_one_time_token")),
        schema="platform",
    )
    op.create_index(
        "one_time_token_email", "one_time_token", ["email", "purpose"], unique=False, schema="platform"
    )
    op.create_index(
        "one_time_token_expiry", "one_time_token", ["expires_at"], unique=False, schema="platform"
    )
    op.create_table(
        "seat_order",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("seats", sa.Integer(), nullable=False),
        sa.Column("interval", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("ordered_by", sa.Uuid(), nullable=False),
        sa.Column("ordered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_by", sa.Text(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'paid') = (confirmed_by IS NOT NULL) AND (state = 'paid') = (confirmed_at IS NOT NULL)",
            name=op.f("ck_seat_order_paid_by_confirmation"),
        ),
        sa.CheckConstraint("interval IN ('month', 'year')", name=op.f("ck_seat_order_interval_is_known")),
        sa.CheckConstraint("state IN ('pending', 'paid')", name=op.f("ck_seat_order_state_is_known")),
        sa.CheckConstraint(
            "amount = seats * unit_price AND amount > 0", name=op.f("ck_seat_order_amount_is_of_the_seats")
        ),
        sa.CheckConstraint("seats > 0", name=op.f("ck_seat_order_seats_are_bought")),
        sa.ForeignKeyConstraint(
            ["company_id"], ["platform.company.id"], name=op.f("fk_seat_order_company_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seat_order")),
        sa.UniqueConstraint("reference", name=op.f("uq_seat_order_reference")),
        schema="platform",
    )
    op.create_index(
        "seat_order_company", "seat_order", ["company_id", "ordered_at"], unique=False, schema="platform"
    )
    op.create_table(
        "session",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id"], ["platform.company.id"], name=op.f("fk_session_company_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["platform.person.id"], name=op.f("fk_session_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_session")),
        sa.UniqueConstraint("id", name=op.f("uq_session_id")),
        schema="platform",
    )
    op.create_index("session_expiry", "session", ["expires_at"], unique=False, schema="platform")
    op.create_index("session_person", "session", ["person_id"], unique=False, schema="platform")
    op.create_table(
        "subscription",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("free_seats", sa.Integer(), nullable=False),
        sa.Column("paid_seats", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("free_seats >= 2", name=op.f("ck_subscription_two_seats_are_free")),
        sa.CheckConstraint("paid_seats >= 0", name=op.f("ck_subscription_paid_seats_are_counted")),
        sa.ForeignKeyConstraint(
            ["company_id"],
            ["platform.company.id"],
            name=op.f("fk_subscription_company_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", name=op.f("pk_subscription")),
        schema="platform",
    )
    op.create_table(
        "tenant_schema",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("database", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("migrated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(state = 'claimed') = (company_id IS NOT NULL)",
            name=op.f("ck_tenant_schema_claimed_by_a_company"),
        ),
        sa.CheckConstraint("state IN ('spare', 'claimed')", name=op.f("ck_tenant_schema_state_is_known")),
        sa.ForeignKeyConstraint(
            ["company_id"], ["platform.company.id"], name=op.f("fk_tenant_schema_company_id")
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_tenant_schema")),
        sa.UniqueConstraint("company_id", name=op.f("uq_tenant_schema_company_id")),
        schema="platform",
    )
    op.create_index(
        "tenant_schema_spare",
        "tenant_schema",
        ["database", "created_at", "name"],
        unique=False,
        schema="platform",
        postgresql_where=sa.text("state = 'spare'"),
    )
