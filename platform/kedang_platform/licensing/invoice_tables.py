"""The books of the installation: invoices, what was paid, and what was paid with what.

None of these rows hangs on the company: an invoice that went with its company would leave a gap in the numbers,
and books are kept longer than customers. What was written is never changed: the product's own role may update
the few columns that ``database.append_only`` names and deletes nothing.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from kedang_platform.database.metadata import platform_metadata

_INSTANT = DateTime(timezone=True)
_TEXT = Text(collation="C")
_OWED = text("kind = 'invoice' AND paid_at IS NULL AND credited_at IS NULL")

# The last number of a series and year. Its row is locked until the invoice that took the number is committed.
invoice_number = Table(
    "invoice_number",
    platform_metadata,
    Column("series", _TEXT, primary_key=True),
    Column("year", Integer, primary_key=True, autoincrement=False),
    Column("last", Integer, nullable=False),
    CheckConstraint("last >= 0", name="numbers_count_up"),
)

# Amounts of a credit note are positive: it takes them off the invoice that it corrects. `paid_at` is set when
# nothing is owed any more, `credited_at` when all of it was credited.
invoice = Table(
    "invoice",
    platform_metadata,
    Column("id", Uuid, primary_key=True),
    Column("company_id", Uuid, nullable=False),
    Column("kind", _TEXT, nullable=False),
    Column("series", _TEXT, nullable=False),
    Column("year", Integer, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("number", _TEXT, nullable=False, unique=True),
    Column("purpose", _TEXT, nullable=False),
    Column("corrects", Uuid, ForeignKey("platform.invoice.id")),
    Column("reference", _TEXT, unique=True),
    Column("currency", _TEXT, nullable=False),
    Column("tax_rate", Numeric(7, 4), nullable=False),
    Column("net", BigInteger, nullable=False),
    Column("tax", BigInteger, nullable=False),
    Column("gross", BigInteger, nullable=False),
    Column("issued_at", _INSTANT, nullable=False),
    Column("issued_on", Date, nullable=False),
    Column("due_at", _INSTANT),
    Column("language", _TEXT, nullable=False),
    Column("time_zone", _TEXT, nullable=False),
    Column("seller", JSONB, nullable=False),
    Column("buyer", JSONB, nullable=False),
    Column("remark", _TEXT),
    Column("paid_at", _INSTANT),
    Column("credited_at", _INSTANT),
    Column("overdue_at", _INSTANT),
    CheckConstraint("kind IN ('invoice', 'credit_note')", name="kind_is_known"),
    CheckConstraint("(kind = 'credit_note') = (corrects IS NOT NULL)", name="credit_notes_correct"),
    CheckConstraint("(kind = 'invoice') = (reference IS NOT NULL)", name="invoices_are_paid"),
    CheckConstraint("(kind = 'invoice') = (due_at IS NOT NULL)", name="invoices_are_due"),
    CheckConstraint("net >= 0 AND gross >= 0 AND gross = net + tax", name="amounts_add_up"),
    CheckConstraint("sequence > 0", name="numbers_begin_at_one"),
    UniqueConstraint("series", "year", "sequence"),
    Index("invoice_company", "company_id", "issued_at", "id"),
    Index("invoice_corrects", "corrects"),
    Index("invoice_due", "due_at", "id", postgresql_where=_OWED),
)

invoice_line = Table(
    "invoice_line",
    platform_metadata,
    Column("invoice_id", Uuid, ForeignKey("platform.invoice.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("text", _TEXT, nullable=False),
    Column("params", JSONB, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("unit_price", BigInteger, nullable=False),
    Column("period_start", Date),
    Column("period_end", Date),
    Column("share_numerator", BigInteger, nullable=False),
    Column("share_denominator", BigInteger, nullable=False),
    Column("net", BigInteger, nullable=False),
    Column("tax", BigInteger, nullable=False),
    Column("gross", BigInteger, nullable=False),
    CheckConstraint("gross = net + tax", name="amounts_add_up"),
    CheckConstraint("share_denominator > 0", name="shares_are_fractions"),
    CheckConstraint("(period_start IS NULL) = (period_end IS NULL)", name="periods_have_two_ends"),
)

# The PDF of an invoice in one language, made when it is first asked for and the same ever after.
invoice_document = Table(
    "invoice_document",
    platform_metadata,
    Column("invoice_id", Uuid, ForeignKey("platform.invoice.id"), primary_key=True),
    Column("language", _TEXT, primary_key=True),
    Column("content_id", Uuid, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", _TEXT, nullable=False),
    Column("made_at", _INSTANT, nullable=False),
)

# Money that arrived, under the reference of an invoice. What became of it is told by its steps.
payment = Table(
    "payment",
    platform_metadata,
    Column("id", Uuid, primary_key=True),
    Column("company_id", Uuid, nullable=False),
    Column("invoice_id", Uuid, ForeignKey("platform.invoice.id"), nullable=False),
    Column("provider", _TEXT, nullable=False),
    Column("currency", _TEXT, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("value_date", Date, nullable=False),
    Column("noted_at", _INSTANT, nullable=False),
    CheckConstraint("amount > 0", name="money_arrived"),
    Index("payment_company", "company_id", "noted_at"),
    Index("payment_invoice", "invoice_id"),
)

payment_step = Table(
    "payment_step",
    platform_metadata,
    Column("payment_id", Uuid, ForeignKey("platform.payment.id"), primary_key=True),
    Column("step", _TEXT, primary_key=True),
    Column("operator", _TEXT, nullable=False),
    Column("remark", _TEXT),
    Column("at", _INSTANT, nullable=False),
    CheckConstraint("step IN ('proposed', 'confirmed', 'reversed')", name="step_is_known"),
)

# Which money, or which credit note, paid how much of which invoice. A negative row takes back an earlier one.
allocation = Table(
    "allocation",
    platform_metadata,
    Column("id", Uuid, primary_key=True),
    Column("invoice_id", Uuid, ForeignKey("platform.invoice.id"), nullable=False),
    Column("payment_id", Uuid, ForeignKey("platform.payment.id")),
    Column("credit_note_id", Uuid, ForeignKey("platform.invoice.id")),
    Column("amount", BigInteger, nullable=False),
    Column("at", _INSTANT, nullable=False),
    CheckConstraint("amount <> 0", name="something_moves"),
    CheckConstraint("num_nonnulls(payment_id, credit_note_id) = 1", name="one_source"),
    Index("allocation_invoice", "invoice_id"),
    Index("allocation_payment", "payment_id"),
    Index("allocation_credit_note", "credit_note_id"),
)

# What the company wants to stand on its next invoices; those that were issued keep what stood then.
billing_details = Table(
    "billing_details",
    platform_metadata,
    Column("company_id", Uuid, ForeignKey("platform.company.id", ondelete="CASCADE"), primary_key=True),
    Column("title", _TEXT),
    Column("tax_number", _TEXT),
    Column("address", _TEXT),
    Column("email", _TEXT),
    Column("updated_by", Uuid, nullable=False),
    Column("updated_at", _INSTANT, nullable=False),
)
