"""Demands, quotations, receivables, price steps; costs and profits of what is sold."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0043"
down_revision = "0042"


def upgrade() -> None:
    op.create_table(
        "demand",
        sa.Column("number", sa.Text(collation="C"), nullable=True),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(collation="C"), nullable=False),
        sa.Column("need", sa.Text(collation="C"), nullable=True),
        sa.Column("product_id", sa.Uuid(), nullable=True),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("stage", sa.Text(collation="C"), nullable=False),
        sa.Column("currency", sa.Text(collation="C"), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("probability", sa.Integer(), nullable=True),
        sa.Column("expected_on", sa.Date(), nullable=True),
        sa.Column("competitors", sa.ARRAY(sa.Text(collation="C")), nullable=True),
        sa.Column("recommended_by", sa.Text(collation="C"), nullable=True),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("reason", sa.Text(collation="C"), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("note", sa.Text(collation="C"), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("name_sort", sa.Text(collation="C"), nullable=True),
        sa.Column("search_text", sa.Text(collation="C"), nullable=True),
        sa.Column("search_tokens", postgresql.ARRAY(sa.Text(collation="C")), nullable=True),
        sa.CheckConstraint(
            "stage IN ('CONTACT', 'NEED', 'SOLUTION', 'QUOTED', 'NEGOTIATION', 'CLOSING')",
            name=op.f("ck_demand_stage"),
        ),
        sa.CheckConstraint("state IN ('OPEN', 'WON', 'LOST')", name=op.f("ck_demand_state")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_demand_customer_id")),
        sa.ForeignKeyConstraint(["order_id"], ["sales_order.id"], name=op.f("fk_demand_order_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["member.id"], name=op.f("fk_demand_owner_id")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_demand_product_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_demand")),
    )
    op.create_index(
        "ix_demand_customer_id_expected_on", "demand", ["customer_id", "expected_on", "id"], unique=False
    )
    op.create_index("ix_demand_expected_on", "demand", ["expected_on", "id"], unique=False)
    op.create_index(
        "ix_demand_open",
        "demand",
        ["customer_id"],
        unique=False,
        postgresql_where=sa.text("state = 'OPEN' AND archived_at IS NULL"),
    )
    op.create_index(op.f("ix_demand_order_id"), "demand", ["order_id"], unique=False)
    op.create_index("ix_demand_owner_id", "demand", ["owner_id"], unique=False)
    op.create_index(op.f("ix_demand_product_id"), "demand", ["product_id"], unique=False)
    op.create_index(
        "ix_demand_search_tokens", "demand", ["search_tokens"], unique=False, postgresql_using="gin"
    )
    op.create_index(
        "uq_demand_number", "demand", ["number"], unique=True, postgresql_where=sa.text("archived_at IS NULL")
    )
    op.create_table(
        "invoice",
        sa.Column("number", sa.Text(collation="C"), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("currency", sa.Text(collation="C"), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("cancelled_on", sa.Date(), nullable=True),
        sa.Column("paid", sa.BigInteger(), nullable=False),
        sa.Column("open_amount", sa.BigInteger(), nullable=False),
        sa.Column("settled_on", sa.Date(), nullable=True),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("note", sa.Text(collation="C"), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("state IN ('OPEN', 'PAID', 'CANCELLED')", name=op.f("ck_invoice_state")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_invoice_customer_id")),
        sa.ForeignKeyConstraint(["order_id"], ["sales_order.id"], name=op.f("fk_invoice_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice")),
    )
    op.create_index(
        "ix_invoice_customer_id_issued_on", "invoice", ["customer_id", "issued_on", "id"], unique=False
    )
    op.create_index("ix_invoice_issued_on", "invoice", ["issued_on", "id"], unique=False)
    op.create_index(
        "ix_invoice_open",
        "invoice",
        ["due_on", "id"],
        unique=False,
        postgresql_where=sa.text("open_amount > 0 AND archived_at IS NULL"),
    )
    op.create_index(op.f("ix_invoice_order_id"), "invoice", ["order_id"], unique=False)
    op.create_index(
        "uq_invoice_number",
        "invoice",
        ["number"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_table(
        "price_step",
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("from_quantity", sa.Numeric(precision=18, scale=6), nullable=False),
        sa.Column("unit_price", sa.Numeric(precision=18, scale=6), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("grade_level_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["grade_level_id"], ["grade_level.id"], name=op.f("fk_price_step_grade_level_id")
        ),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_price_step_product_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_step")),
    )
    op.create_index("ix_price_step_grade_level_id", "price_step", ["grade_level_id"], unique=False)
    op.create_index(
        "ix_price_step_product_id_from_quantity",
        "price_step",
        ["product_id", "from_quantity", "id"],
        unique=False,
    )
    op.create_table(
        "payment",
        sa.Column("number", sa.Text(collation="C"), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("way", sa.Text(collation="C"), nullable=False),
        sa.Column("note", sa.Text(collation="C"), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "way IN ('TRANSFER', 'BILL', 'CHEQUE', 'CASH', 'ONLINE', 'OFFSET', 'OTHER')",
            name=op.f("ck_payment_way"),
        ),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_payment_invoice_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment")),
    )
    op.create_index(
        "ix_payment_invoice_id_received_on", "payment", ["invoice_id", "received_on", "id"], unique=False
    )
    op.create_index("ix_payment_received_on", "payment", ["received_on", "id"], unique=False)
    op.create_index(
        "uq_payment_number",
        "payment",
        ["number"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_table(
        "quotation",
        sa.Column("number", sa.Text(collation="C"), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("demand_id", sa.Uuid(), nullable=True),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("currency", sa.Text(collation="C"), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("sent_on", sa.Date(), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("answered_on", sa.Date(), nullable=True),
        sa.Column("note", sa.Text(collation="C"), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("name_sort", sa.Text(collation="C"), nullable=True),
        sa.Column("search_text", sa.Text(collation="C"), nullable=True),
        sa.Column("search_tokens", postgresql.ARRAY(sa.Text(collation="C")), nullable=True),
        sa.CheckConstraint(
            "state IN ('DRAFT', 'SENT', 'ACCEPTED', 'DECLINED')", name=op.f("ck_quotation_state")
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_quotation_customer_id")),
        sa.ForeignKeyConstraint(["demand_id"], ["demand.id"], name=op.f("fk_quotation_demand_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["member.id"], name=op.f("fk_quotation_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quotation")),
    )
    op.create_index(
        "ix_quotation_customer_id_sent_on", "quotation", ["customer_id", "sent_on", "id"], unique=False
    )
    op.create_index(op.f("ix_quotation_demand_id"), "quotation", ["demand_id"], unique=False)
    op.create_index("ix_quotation_owner_id", "quotation", ["owner_id"], unique=False)
    op.create_index(
        "ix_quotation_search_tokens", "quotation", ["search_tokens"], unique=False, postgresql_using="gin"
    )
    op.create_index(
        "ix_quotation_waiting",
        "quotation",
        ["sent_on", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'SENT' AND archived_at IS NULL"),
    )
    op.create_index(
        "uq_quotation_number",
        "quotation",
        ["number"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.add_column("order_line", sa.Column("unit_cost", sa.Numeric(precision=18, scale=6), nullable=True))
    op.add_column("order_line", sa.Column("profit", sa.BigInteger(), nullable=True))
    op.add_column("product", sa.Column("floor_price", sa.Numeric(precision=18, scale=6), nullable=True))
    op.add_column("product", sa.Column("margin", sa.Numeric(precision=18, scale=6), nullable=True))
    op.add_column("product", sa.Column("profit_tier", sa.Text(collation="C"), nullable=True))
    op.add_column("product", sa.Column("promotion", sa.Text(collation="C"), nullable=True))
    op.add_column("product", sa.Column("features", sa.Text(collation="C"), nullable=True))
    op.add_column("product", sa.Column("cautions", sa.Text(collation="C"), nullable=True))
    op.add_column("product", sa.Column("conditions_of_use", sa.Text(collation="C"), nullable=True))
    op.add_column("product", sa.Column("care_points", sa.Text(collation="C"), nullable=True))
    op.add_column("sales_order", sa.Column("profit", sa.BigInteger(), nullable=True))
    op.execute(
        "ALTER TABLE product ADD CONSTRAINT ck_product_profit_tier"
        " CHECK (profit_tier IN ('HIGH', 'MEDIUM', 'LOW', 'LOSS')) NOT VALID"
    )
    op.execute(
        "ALTER TABLE product ADD CONSTRAINT ck_product_promotion"
        " CHECK (promotion IN ('PROMOTE', 'RESTRICT')) NOT VALID"
    )
