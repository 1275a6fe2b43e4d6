"""Contracts (合同, P4): what was agreed with a customer, from when to when, and by when notice must be given."""

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
    IntegerKind,
    MoneyKind,
    Option,
    Record,
    ReferenceKind,
    Searchable,
    TextKind,
    contribute,
    field,
    relation,
)
from kedang_tenants.customers.models import Customer
from kedang_tenants.people.models import Member
from kedang_tenants.trade.models import Order

DRAFT, IN_FORCE, ENDED, TERMINATED = "DRAFT", "IN_FORCE", "ENDED", "TERMINATED"
CONTRACT_STATES: Final = (
    Option(DRAFT, msg("Draft")),
    Option(IN_FORCE, msg("In force")),
    Option(ENDED, msg("Ended")),
    Option(TERMINATED, msg("Terminated")),
)
CONTRACT_KINDS: Final = (
    Option("SALES", msg("Sales contract")),
    Option("SUPPLY", msg("Supply contract")),
    Option("FRAMEWORK", msg("Framework contract")),
    Option("QUALITY", msg("Quality agreement")),
    Option("SERVICE", msg("Service contract")),
    Option("MAINTENANCE", msg("Maintenance contract")),
    Option("AGENCY", msg("Agency contract")),
    Option("LEASE", msg("Lease")),
    Option("CONFIDENTIALITY", msg("Confidentiality agreement")),
    Option("OTHER", msg("Other contract")),
)


class Contract(Record, Searchable):
    """A contract with a customer (合同). ``notice_on`` is the last day on which notice can be given before it ends.

    What a contract says is changed like any record; whether it is in force is moved by signing, ending
    and terminating it.
    """

    __tablename__ = "contract"
    __prefix__ = "ctr"
    __labels__ = (msg("Contract"), msg("Contracts"))
    __owner__ = ("owner_id",)
    __co_owners__ = (("customer", "owner_id"),)
    __key__ = ("number",)
    __order__ = ("number",)

    number: Mapped[str] = field(
        TextKind(40), label=msg("Number"), required=True, unique=True, search=True, name_level=True
    )
    customer_id: Mapped[UUID] = field(
        ReferenceKind("customer"),
        label=msg("Customer"),
        required=True,
        references="customer.id",
        create_only=True,
        name_level=True,
    )
    title: Mapped[str] = field(TextKind(200), label=msg("Title"), required=True, search=True)
    kind: Mapped[str] = field(ChoiceKind(CONTRACT_KINDS), label=msg("Kind"), required=True, default="SALES")
    state: Mapped[str] = field(
        ChoiceKind(CONTRACT_STATES),
        label=msg("State"),
        required=True,
        default=DRAFT,
        create_only=True,
        description="Afterwards it is moved by signing, ending and terminating the contract",
    )
    owner_id: Mapped[UUID | None] = field(
        ReferenceKind("member"),
        label=msg("Responsible person"),
        references="member.id",
        description="The customer's owner is reminded where nobody is said",
    )
    order_id: Mapped[UUID | None] = field(
        ReferenceKind("order"), label=msg("Order"), references="sales_order.id", index=True
    )
    currency: Mapped[str | None] = field(
        CurrencyKind(), label=msg("Currency"), description="ISO 4217; the company's where none is said"
    )
    amount: Mapped[int | None] = field(MoneyKind(0), label=msg("Amount"), currency="currency")
    signed_on: Mapped[date | None] = field(DayKind(), label=msg("Signed on"))
    starts_on: Mapped[date | None] = field(DayKind(), label=msg("Starts on"))
    ends_on: Mapped[date | None] = field(
        DayKind(), label=msg("Ends on"), description="The last day on which it holds; empty: without an end"
    )
    notice_days: Mapped[int | None] = field(
        IntegerKind(0, 3650),
        label=msg("Days of notice"),
        description="How many days before its end notice of renewal or termination must be given at the latest",
    )
    notice_on: Mapped[date | None] = field(
        DayKind(),
        label=msg("Notice by"),
        read_only=True,
        description="The last day for a notice: the end, less the days of notice",
    )
    terminated_on: Mapped[date | None] = field(
        DayKind(),
        label=msg("Terminated on"),
        read_only=True,
        description="The last day on which a contract that was terminated held",
    )
    termination_reason: Mapped[str | None] = field(
        TextKind(2000, multiline=True), label=msg("Reason of the termination"), read_only=True, sort=False
    )
    note: Mapped[str | None] = field(TextKind(10_000, multiline=True), label=msg("Note"), sort=False)

    customer: Mapped[Customer] = relation(
        "Customer", label=msg("Customer"), foreign_key="Contract.customer_id"
    )
    owner: Mapped[Member | None] = relation(
        "Member", label=msg("Responsible person"), foreign_key="Contract.owner_id"
    )
    order: Mapped[Order | None] = relation("Order", label=msg("Order"), foreign_key="Contract.order_id")

    __table_args__ = (
        Index("ix_contract_customer_id_starts_on", "customer_id", "starts_on", "id"),
        Index("ix_contract_owner_id", "owner_id"),
        Index("ix_contract_ends_on", "ends_on", "id"),
        Index(
            "ix_contract_notice_due",
            "notice_on",
            "id",
            postgresql_where=text("state = 'IN_FORCE' AND archived_at IS NULL"),
        ),
    )


contribute(
    Customer, "contracts", relation("Contract", label=msg("Contracts"), foreign_key="Contract.customer_id")
)
