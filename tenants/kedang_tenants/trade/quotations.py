"""Quotations (报价, P3): what was offered to a customer, until when it holds, and what they said."""

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
    Searchable,
    TextKind,
    contribute,
    field,
    relation,
)
from kedang_tenants.customers.models import Customer
from kedang_tenants.people.models import Member
from kedang_tenants.trade.demands import Demand

DRAFT, SENT, ACCEPTED, DECLINED = "DRAFT", "SENT", "ACCEPTED", "DECLINED"
QUOTATION_STATES: Final = (
    Option(DRAFT, msg("Draft")),
    Option(SENT, msg("Sent")),
    Option(ACCEPTED, msg("Accepted")),
    Option(DECLINED, msg("Declined")),
)


class Quotation(Record, Searchable):
    """An offer to a customer (报价). While it is sent, it waits for an answer."""

    __tablename__ = "quotation"
    __prefix__ = "quo"
    __labels__ = (msg("Quotation"), msg("Quotations"))
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
    demand_id: Mapped[UUID | None] = field(
        ReferenceKind("demand"), label=msg("Demand"), references="demand.id", index=True
    )
    owner_id: Mapped[UUID | None] = field(
        ReferenceKind("member"),
        label=msg("Responsible person"),
        references="member.id",
        description="The customer's owner where nobody is said",
    )
    state: Mapped[str] = field(ChoiceKind(QUOTATION_STATES), label=msg("State"), required=True, default=DRAFT)
    currency: Mapped[str | None] = field(
        CurrencyKind(), label=msg("Currency"), description="ISO 4217; the company's where none is said"
    )
    amount: Mapped[int | None] = field(MoneyKind(0), label=msg("Amount"), currency="currency")
    sent_on: Mapped[date | None] = field(
        DayKind(), label=msg("Sent on"), description="Today, where it is sent and nothing is said"
    )
    valid_until: Mapped[date | None] = field(
        DayKind(), label=msg("Valid until"), description="The last day on which it holds"
    )
    answered_on: Mapped[date | None] = field(
        DayKind(), label=msg("Answered on"), description="Today, where it is answered and nothing is said"
    )
    note: Mapped[str | None] = field(TextKind(10_000, multiline=True), label=msg("Note"), sort=False)

    customer: Mapped[Customer] = relation(
        "Customer", label=msg("Customer"), foreign_key="Quotation.customer_id"
    )
    demand: Mapped[Demand | None] = relation("Demand", label=msg("Demand"), foreign_key="Quotation.demand_id")
    owner: Mapped[Member | None] = relation(
        "Member", label=msg("Responsible person"), foreign_key="Quotation.owner_id"
    )

    __table_args__ = (
        Index("ix_quotation_customer_id_sent_on", "customer_id", "sent_on", "id"),
        Index("ix_quotation_owner_id", "owner_id"),
        Index(
            "ix_quotation_waiting",
            "sent_on",
            "id",
            postgresql_where=text("state = 'SENT' AND archived_at IS NULL"),
        ),
    )


contribute(
    Customer,
    "quotations",
    relation("Quotation", label=msg("Quotations"), foreign_key="Quotation.customer_id"),
)
contribute(
    Demand, "quotations", relation("Quotation", label=msg("Quotations"), foreign_key="Quotation.demand_id")
)
