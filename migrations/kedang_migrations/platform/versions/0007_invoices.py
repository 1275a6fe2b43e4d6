"""invoices"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "invoice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("series", sa.Text(collation="C"), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(collation="C"), nullable=False),
        sa.Column("purpose", sa.Text(collation="C"), nullable=False),
        sa.Column("corrects", sa.Uuid(), nullable=True),
        sa.Column("reference", sa.Text(collation="C"), nullable=True),
        sa.Column("currency", sa.Text(collation="C"), nullable=False),
        sa.Column("tax_rate", sa.Numeric(precision=7, scale=4), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("gross", sa.BigInteger(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("language", sa.Text(collation="C"), nullable=False),
        sa.Column("time_zone", sa.Text(collation="C"), nullable=False),
        sa.Column("seller", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("buyer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("remark", sa.Text(collation="C"), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("credited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("overdue_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(kind = 'credit_note') = (corrects IS NOT NULL)", name=op.f("ck_invoice_credit_notes_correct")
        ),
        sa.CheckConstraint(
            "(kind = 'invoice') = (due_at IS NOT NULL)", name=op.f("ck_invoice_invoices_are_due")
        ),
        sa.CheckConstraint(
            "(kind = 'invoice') = (reference IS NOT NULL)", name=op.f("ck_invoice_invoices_are_paid")
        ),
        sa.CheckConstraint("kind IN ('invoice', 'credit_note')", name=op.f("ck_invoice_kind_is_known")),
        sa.CheckConstraint(
            "net >= 0 AND gross >= 0 AND gross = net + tax", name=op.f("ck_invoice_amounts_add_up")
        ),
        sa.CheckConstraint("sequence > 0", name=op.f("ck_invoice_numbers_begin_at_one")),
        sa.ForeignKeyConstraint(["corrects"], ["platform.invoice.id"], name=op.f("fk_invoice_corrects")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice")),
        sa.UniqueConstraint("number", name=op.f("uq_invoice_number")),
        sa.UniqueConstraint("reference", name=op.f("uq_invoice_reference")),
        sa.UniqueConstraint("series", "year", "sequence", name=op.f("uq_invoice_series_year_sequence")),
        schema="platform",
    )
    op.create_index(
        "invoice_company", "invoice", ["company_id", "issued_at", "id"], unique=False, schema="platform"
    )
    op.create_index(
        "invoice_due",
        "invoice",
        ["due_at", "id"],
        unique=False,
        schema="platform",
        postgresql_where=sa.text("kind = 'invoice' AND paid_at IS NULL AND credited_at IS NULL"),
    )
    op.create_index("invoice_corrects", "invoice", ["corrects"], unique=False, schema="platform")
    op.create_table(
        "invoice_number",
        sa.Column("series", sa.Text(collation="C"), nullable=False),
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.CheckConstraint("last >= 0", name=op.f("ck_invoice_number_numbers_count_up")),
        sa.PrimaryKeyConstraint("series", "year", name=op.f("pk_invoice_number")),
        schema="platform",
    )
    op.create_table(
        "billing_details",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(collation="C"), nullable=True),
        sa.Column("tax_number", sa.Text(collation="C"), nullable=True),
        sa.Column("address", sa.Text(collation="C"), nullable=True),
        sa.Column("email", sa.Text(collation="C"), nullable=True),
        sa.Column("updated_by", sa.Uuid(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id"],
            ["platform.company.id"],
            name=op.f("fk_billing_details_company_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", name=op.f("pk_billing_details")),
        schema="platform",
    )
    op.create_table(
        "invoice_document",
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("language", sa.Text(collation="C"), nullable=False),
        sa.Column("content_id", sa.Uuid(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(collation="C"), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["platform.invoice.id"], name=op.f("fk_invoice_document_invoice_id")
        ),
        sa.PrimaryKeyConstraint("invoice_id", "language", name=op.f("pk_invoice_document")),
        schema="platform",
    )
    op.create_table(
        "invoice_line",
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(collation="C"), nullable=False),
        sa.Column("params", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=True),
        sa.Column("period_end", sa.Date(), nullable=True),
        sa.Column("share_numerator", sa.BigInteger(), nullable=False),
        sa.Column("share_denominator", sa.BigInteger(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("gross", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(period_start IS NULL) = (period_end IS NULL)",
            name=op.f("ck_invoice_line_periods_have_two_ends"),
        ),
        sa.CheckConstraint("gross = net + tax", name=op.f("ck_invoice_line_amounts_add_up")),
        sa.CheckConstraint("share_denominator > 0", name=op.f("ck_invoice_line_shares_are_fractions")),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["platform.invoice.id"], name=op.f("fk_invoice_line_invoice_id")
        ),
        sa.PrimaryKeyConstraint("invoice_id", "position", name=op.f("pk_invoice_line")),
        schema="platform",
    )
    op.create_table(
        "payment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(collation="C"), nullable=False),
        sa.Column("currency", sa.Text(collation="C"), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("value_date", sa.Date(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_payment_money_arrived")),
        sa.ForeignKeyConstraint(["invoice_id"], ["platform.invoice.id"], name=op.f("fk_payment_invoice_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment")),
        schema="platform",
    )
    op.create_index("payment_company", "payment", ["company_id", "noted_at"], unique=False, schema="platform")
    op.create_index("payment_invoice", "payment", ["invoice_id"], unique=False, schema="platform")
    op.create_table(
        "allocation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("credit_note_id", sa.Uuid(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_allocation_something_moves")),
        sa.CheckConstraint(
            "num_nonnulls(payment_id, credit_note_id) = 1", name=op.f("ck_allocation_one_source")
        ),
        sa.ForeignKeyConstraint(
            ["credit_note_id"], ["platform.invoice.id"], name=op.f("fk_allocation_credit_note_id")
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["platform.invoice.id"], name=op.f("fk_allocation_invoice_id")
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["platform.payment.id"], name=op.f("fk_allocation_payment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allocation")),
        schema="platform",
    )
    op.create_index(
        "allocation_credit_note", "allocation", ["credit_note_id"], unique=False, schema="platform"
    )
    op.create_index("allocation_invoice", "allocation", ["invoice_id"], unique=False, schema="platform")
    op.create_index("allocation_payment", "allocation", ["payment_id"], unique=False, schema="platform")
    op.create_table(
        "payment_step",
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.Text(collation="C"), nullable=False),
        sa.Column("operator", sa.Text(collation="C"), nullable=False),
        sa.Column("remark", sa.Text(collation="C"), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "step IN ('proposed', 'confirmed', 'reversed')", name=op.f("ck_payment_step_step_is_known")
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["platform.payment.id"], name=op.f("fk_payment_step_payment_id")
        ),
        sa.PrimaryKeyConstraint("payment_id", "step", name=op.f("pk_payment_step")),
        schema="platform",
    )
    op.add_column("seat_order", sa.Column("invoice_id", sa.Uuid(), nullable=True), schema="platform")
    op.create_foreign_key(
        op.f("fk_seat_order_invoice_id"),
        "seat_order",
        "invoice",
        ["invoice_id"],
        ["id"],
        source_schema="platform",
        referent_schema="platform",
        postgresql_not_valid=True,
    )
    op.drop_constraint(op.f("ck_seat_order_state_is_known"), "seat_order", schema="platform", type_="check")
    op.execute(
        "ALTER TABLE platform.seat_order ADD CONSTRAINT ck_seat_order_state_is_known"
        " CHECK (state IN ('pending', 'paid', 'withdrawn')) NOT VALID"
    )
