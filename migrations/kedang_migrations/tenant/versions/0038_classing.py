"""Classes beside grades, regions, routes and segments; where a customer lies, and its place among the buyers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    op.create_table(
        "customer_class",
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("name", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("dimension", sa.Text(collation="C"), nullable=False),
        sa.Column("own_dimension", sa.Text(collation="C"), nullable=True),
        sa.Column("colour", sa.Text(collation="C"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("treatment", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("cycle_days", sa.Integer(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "dimension IN ('VALUE', 'NEED', 'RELATIONSHIP', 'OWN')", name=op.f("ck_customer_class_dimension")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_class")),
    )
    op.create_index(
        "uq_customer_class_code",
        "customer_class",
        ["code"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_table(
        "region",
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("note", sa.Text(collation="C"), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["region.id"], name=op.f("fk_region_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_region")),
    )
    op.create_index(op.f("ix_region_parent_id"), "region", ["parent_id"], unique=False)
    op.create_index(
        "uq_region_name", "region", ["name"], unique=True, postgresql_where=sa.text("archived_at IS NULL")
    )
    op.create_table(
        "route",
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("purpose", sa.Text(collation="C"), nullable=False),
        sa.Column("region_id", sa.Uuid(), nullable=True),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("start_latitude", sa.Numeric(precision=18, scale=6), nullable=True),
        sa.Column("start_longitude", sa.Numeric(precision=18, scale=6), nullable=True),
        sa.Column("note", sa.Text(collation="C"), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("purpose IN ('VISIT', 'SALES', 'DELIVERY')", name=op.f("ck_route_purpose")),
        sa.ForeignKeyConstraint(["owner_id"], ["member.id"], name=op.f("fk_route_owner_id")),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"], name=op.f("fk_route_region_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_route")),
    )
    op.create_index(op.f("ix_route_owner_id"), "route", ["owner_id"], unique=False)
    op.create_index(op.f("ix_route_region_id"), "route", ["region_id"], unique=False)
    op.create_table(
        "segment",
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("note", sa.Text(collation="C"), nullable=True),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("conditions", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column(
            "stored_filter", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("frozen_count", sa.Integer(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("kind IN ('LIVE', 'FROZEN')", name=op.f("ck_segment_kind")),
        sa.ForeignKeyConstraint(["owner_id"], ["member.id"], name=op.f("fk_segment_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segment")),
    )
    op.create_index(op.f("ix_segment_owner_id"), "segment", ["owner_id"], unique=False)
    op.create_table(
        "classified_customer",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("class_id", sa.Uuid(), nullable=False),
        sa.Column("dimension", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["class_id"], ["customer_class.id"], name=op.f("fk_classified_customer_class_id")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_classified_customer_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_classified_customer")),
    )
    op.create_index(
        op.f("ix_classified_customer_class_id"), "classified_customer", ["class_id"], unique=False
    )
    op.create_index(
        "uq_classified_customer_customer_id_dimension",
        "classified_customer",
        ["customer_id", "dimension"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_table(
        "route_stop",
        sa.Column("route_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(collation="C"), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_route_stop_customer_id")),
        sa.ForeignKeyConstraint(["route_id"], ["route.id"], name=op.f("fk_route_stop_route_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_route_stop")),
    )
    op.create_index(op.f("ix_route_stop_customer_id"), "route_stop", ["customer_id"], unique=False)
    op.create_index(
        "uq_route_stop_route_id_customer_id",
        "route_stop",
        ["route_id", "customer_id"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_table(
        "segment_member",
        sa.Column("segment_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_segment_member_customer_id")),
        sa.ForeignKeyConstraint(["segment_id"], ["segment.id"], name=op.f("fk_segment_member_segment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segment_member")),
    )
    op.create_index(op.f("ix_segment_member_customer_id"), "segment_member", ["customer_id"], unique=False)
    op.create_index("ix_segment_member_segment_id", "segment_member", ["segment_id", "id"], unique=False)
    op.create_index(
        "uq_segment_member_segment_id_customer_id",
        "segment_member",
        ["segment_id", "customer_id"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.add_column("customer", sa.Column("region_id", sa.Uuid(), nullable=True))
    op.add_column("customer", sa.Column("latitude", sa.Numeric(precision=18, scale=6), nullable=True))
    op.add_column("customer", sa.Column("longitude", sa.Numeric(precision=18, scale=6), nullable=True))
    op.add_column("customer", sa.Column("rfm_recency", sa.Integer(), nullable=True))
    op.add_column("customer", sa.Column("rfm_frequency", sa.Integer(), nullable=True))
    op.add_column("customer", sa.Column("rfm_monetary", sa.Integer(), nullable=True))
    op.create_index(
        "ix_customer_region_id_name_sort",
        "customer",
        ["region_id", "name_sort", "id"],
        unique=False,
        postgresql_where=sa.text("region_id IS NOT NULL"),
    )
    op.create_foreign_key(
        op.f("fk_customer_region_id"),
        "customer",
        "region",
        ["region_id"],
        ["id"],
        postgresql_not_valid=True,
    )
