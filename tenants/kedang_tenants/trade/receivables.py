"""Receivables (应收, P4): invoices to customers and the payments (回款) that settle them. Finance keeps both."""

from __future__ import annotations

from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import (
    ChoiceKind,
    CurrencyKind,
    DayKind,
    MoneyKind,
    Option,
    Record,
    ReferenceKind,
    TextKind,
    contribute,
    field,
    relation,
)
from kedang_tenants.customers.models import Customer
from kedang_tenants.trade.models import Order

OPEN, PAID, CANCELLED = "OPEN", "PAID", "CANCELLED"
INVOICE_STATES: Final = (
    Option(OPEN, msg("To be paid")),
    Option(PAID, msg("Paid")),
    Option(CANCELLED, msg("Cancelled")),
)
PAYMENT_WAYS: Final = (
    Option("TRANSFER", msg("Bank transfer")),
    Option("BILL", msg("Bill of exchange")),
    Option("CHEQUE", msg("Cheque")),
    Option("CASH", msg("Cash")),
    Option("ONLINE", msg("Online payment")),
    Option("OFFSET", msg("Set off")),
    Option("OTHER", msg("Other")),
)


class Invoice(Record):
    """What a customer owes for what was delivered. ``paid`` is the sum of its payments, ``open_amount`` what is left."""

    __tablename__ = "invoice"
    __prefix__ = "inv"
    __labels__ = (msg("Sales invoice"), msg("Sales invoices"))
    __owner__ = ("customer", "owner_id")
    __key__ = ("number",)
    __order__ = ("issued_on",)

    number: Mapped[str] = field(
        TextKind(40), label=msg("Number"), required=True, unique=True, name_level=True
    )
    customer_id: Mapped[UUID] = field(
        ReferenceKind("customer"),
        label=msg("Customer"),
        required=True,
        references="customer.id",
        create_only=True,
        name_level=True,
    )
    order_id: Mapped[UUID | None] = field(
        ReferenceKind("order"), label=msg("Order"), references="sales_order.id", index=True
    )
    currency: Mapped[str] = field(
        CurrencyKind(),
        label=msg("Currency"),
        required=True,
        default="",  # the rule of receivables puts the company's currency in its place
        create_only=True,
        description="ISO 4217; the company's where none is said",
    )
    amount: Mapped[int] = field(MoneyKind(0), label=msg("Amount"), required=True, currency="currency")
    issued_on: Mapped[date] = field(DayKind(), label=msg("Issued on"), required=True)
    due_on: Mapped[date | None] = field(
        DayKind(),
        label=msg("To be paid by"),
        description="The last day for payment; the day of issue where none is said",
    )
    cancelled_on: Mapped[date | None] = field(
        DayKind(), label=msg("Cancelled on"), description="From that day on nothing is open of it"
    )
    paid: Mapped[int] = field(
        MoneyKind(), label=msg("Paid amount"), required=True, default=0, read_only=True, currency="currency"
    )
    open_amount: Mapped[int] = field(
        MoneyKind(), label=msg("Open amount"), required=True, default=0, read_only=True, currency="currency"
    )
    settled_on: Mapped[date | None] = field(
        DayKind(),
        label=msg("Settled on"),
        read_only=True,
        description="The day of the payment that settled it",
    )
    state: Mapped[str] = field(
        ChoiceKind(INVOICE_STATES), label=msg("State"), required=True, default=OPEN, read_only=True
    )
    note: Mapped[str | None] = field(TextKind(2000, multiline=True), label=msg("Note"), sort=False)

    customer: Mapped[Customer] = relation(
        "Customer", label=msg("Customer"), foreign_key="Invoice.customer_id"
    )
    order: Mapped[Order | None] = relation("Order", label=msg("Order"), foreign_key="Invoice.order_id")
    payments: Mapped[list[Payment]] = relation(
        "Payment", label=msg("Payments"), foreign_key="Payment.invoice_id"
    )

    __table_args__ = (
        Index("ix_invoice_customer_id_issued_on", "customer_id", "issued_on", "id"),
        Index("ix_invoice_issued_on", "issued_on", "id"),
        Index(
            "ix_invoice_open",
            "due_on",
            "id",
            postgresql_where=text("open_amount > 0 AND archived_at IS NULL"),
        ),
    )


class Payment(Record):
    """Money that came in for an invoice (回款), in the invoice's currency; below zero it was given back."""

    __tablename__ = "payment"
    __prefix__ = "pay"
    __labels__ = (msg("Payment"), msg("Payments"))
    __owner__ = ("invoice", "customer", "owner_id")
    __key__ = ("number",)
    __order__ = ("received_on",)

    number: Mapped[str] = field(
        TextKind(40), label=msg("Number"), required=True, unique=True, name_level=True
    )
    invoice_id: Mapped[UUID] = field(
        ReferenceKind("invoice"),
        label=msg("Sales invoice"),
        required=True,
        references="invoice.id",
        create_only=True,
    )
    amount: Mapped[int] = field(MoneyKind(), label=msg("Amount"), required=True, currency="invoice.currency")
    received_on: Mapped[date] = field(DayKind(), label=msg("Received on"), required=True)
    way: Mapped[str] = field(
        ChoiceKind(PAYMENT_WAYS), label=msg("Way of payment"), required=True, default="TRANSFER"
    )
    note: Mapped[str | None] = field(TextKind(2000, multiline=True), label=msg("Note"), sort=False)

    invoice: Mapped[Invoice] = relation(
        "Invoice", label=msg("Sales invoice"), foreign_key="Payment.invoice_id"
    )

    __table_args__ = (
        Index("ix_payment_invoice_id_received_on", "invoice_id", "received_on", "id"),
        Index("ix_payment_received_on", "received_on", "id"),
    )


contribute(
    Customer, "invoices", relation("Invoice", label=msg("Sales invoices"), foreign_key="Invoice.customer_id")
)
contribute(
    Order, "invoices", relation("Invoice", label=msg("Sales invoices"), foreign_key="Invoice.order_id")
)
