"""Hot customers and the public pool: marks, moves, and what the customer shows of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    op.create_table(
        "hot_mark",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("origin", sa.Text(collation="C"), nullable=False),
        sa.Column("reason", sa.Text(collation="C"), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("marked_by_id", sa.Uuid(), nullable=True),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("ending", sa.Text(collation="C"), nullable=True),
        sa.Column("ended_by_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "ending IN ('CLEARED', 'EXPIRED', 'WON', 'LOST', 'CONTRACT_SIGNED', 'GIVEN_UP')",
            name=op.f("ck_hot_mark_ending"),
        ),
        sa.CheckConstraint(
            "origin IN ('BY_HAND', 'BY_DEMAND', 'BY_APPROVAL')", name=op.f("ck_hot_mark_origin")
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_hot_mark_customer_id")),
        sa.ForeignKeyConstraint(["ended_by_id"], ["member.id"], name=op.f("fk_hot_mark_ended_by_id")),
        sa.ForeignKeyConstraint(["marked_by_id"], ["member.id"], name=op.f("fk_hot_mark_marked_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hot_mark")),
    )
    op.create_index("ix_hot_mark_customer_id_since", "hot_mark", ["customer_id", "since", "id"], unique=False)
    op.create_index(
        "uq_hot_mark_open",
        "hot_mark",
        ["customer_id"],
        unique=True,
        postgresql_where=sa.text("ended_on IS NULL"),
    )
    op.create_table(
        "pool_move",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("moved_on", sa.Date(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("cause", sa.Text(collation="C"), nullable=True),
        sa.Column("reason", sa.Text(collation="C"), nullable=True),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "cause IN ('NO_CONTACT', 'CONTRACT_ENDED', 'NO_DEAL')", name=op.f("ck_pool_move_cause")
        ),
        sa.CheckConstraint(
            "kind IN ('RECYCLED', 'RELEASED', 'CLAIMED', 'SHARED_OUT', 'VIEWED')",
            name=op.f("ck_pool_move_kind"),
        ),
        sa.ForeignKeyConstraint(["by_id"], ["member.id"], name=op.f("fk_pool_move_by_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_pool_move_customer_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_pool_move_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pool_move")),
    )
    op.create_index(
        "ix_pool_move_customer_id_moved_on", "pool_move", ["customer_id", "moved_on", "id"], unique=False
    )
    op.create_index(
        "ix_pool_move_member_id_moved_on", "pool_move", ["member_id", "moved_on", "kind"], unique=False
    )
    op.add_column("customer", sa.Column("hot_since", sa.Date(), nullable=True))
    op.add_column("customer", sa.Column("hot_until", sa.Date(), nullable=True))
    op.add_column("customer", sa.Column("hot_reason", sa.Text(collation="C"), nullable=True))
    op.add_column("customer", sa.Column("pool_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("customer", sa.Column("pool_return_on", sa.Date(), nullable=True))
    op.add_column("customer", sa.Column("pool_return_why", sa.Text(collation="C"), nullable=True))
    op.add_column("customer", sa.Column("pool_warned_on", sa.Date(), nullable=True))
    op.create_index(
        "ix_customer_hot_since",
        "customer",
        ["hot_since", "id"],
        unique=False,
        postgresql_where=sa.text("hot_since IS NOT NULL"),
    )
    op.create_index(
        "ix_customer_pool_return_on",
        "customer",
        ["pool_return_on", "id"],
        unique=False,
        postgresql_where=sa.text("pool_return_on IS NOT NULL"),
    )
    op.create_index(
        "ix_customer_pool_since",
        "customer",
        ["pool_since", "id"],
        unique=False,
        postgresql_where=sa.text("pool_since IS NOT NULL"),
    )
    op.create_check_constraint(
        op.f("ck_customer_pool_return_why"),
        "customer",
        "pool_return_why IN ('NO_CONTACT', 'CONTRACT_ENDED', 'NO_DEAL')",
        postgresql_not_valid=True,
    )
