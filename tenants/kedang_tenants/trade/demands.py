"""Demands (商机, P2): what a customer may order, when, for how much and how probably."""

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
    LocalisedKind,
    MoneyKind,
    Option,
    Record,
    ReferenceKind,
    Searchable,
    TextKind,
    WordsKind,
    contribute,
    field,
    relation,
)
from kedang_tenants.customers.models import Customer
from kedang_tenants.people.models import Member
from kedang_tenants.trade.models import Order, Product

OPEN, WON, LOST = "OPEN", "WON", "LOST"
DEMAND_STATES: Final = (
    Option(OPEN, msg("Undecided")),
    Option(WON, msg("Won")),
    Option(LOST, msg("Not won")),
)


class Demand(Record, Searchable):
    """Something that a customer may order (商机). Winning and losing it are verbs; what is known of it is edited."""

    __tablename__ = "demand"
    __prefix__ = "dem"
    __labels__ = (msg("Demand"), msg("Demands"))
    __owner__ = ("owner_id",)
    __co_owners__ = (("customer", "owner_id"),)
    __key__ = ("number",)
    __order__ = ("expected_on",)

    number: Mapped[str | None] = field(
        TextKind(40), label=msg("Number"), unique=True, search=True, name_level=True
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
    need: Mapped[str | None] = field(TextKind(10_000, multiline=True), label=msg("Need"), sort=False)
    product_id: Mapped[UUID | None] = field(
        ReferenceKind("product"), label=msg("Product"), references="product.id", index=True
    )
    owner_id: Mapped[UUID | None] = field(
        ReferenceKind("member"),
        label=msg("Responsible person"),
        references="member.id",
        description="The customer's owner where nobody is said",
    )
    stage: Mapped[str] = field(
        TextKind(40),
        label=msg("Stage"),
        required=True,
        default="",  # the rule of sales processes puts the first stage of the customer's process in its place
        description="The code of a stage of the customer's sales process; the first one where none is said",
    )
    stage_name: Mapped[dict[str, str] | None] = field(
        LocalisedKind(100),
        label=msg("Name of the stage"),
        read_only=True,
        description="As it was called when the demand came to it",
    )
    currency: Mapped[str | None] = field(
        CurrencyKind(), label=msg("Currency"), description="ISO 4217; the company's where none is said"
    )
    amount: Mapped[int | None] = field(MoneyKind(0), label=msg("Amount"), currency="currency")
    probability: Mapped[int | None] = field(
        IntegerKind(0, 100), label=msg("Probability"), description="In percent"
    )
    expected_on: Mapped[date | None] = field(
        DayKind(), label=msg("Expected on"), description="When the customer is expected to decide"
    )
    competitors: Mapped[list[str] | None] = field(WordsKind(20), label=msg("Competitors"))
    recommended_by: Mapped[str | None] = field(TextKind(200), label=msg("Recommended by"))
    state: Mapped[str] = field(
        ChoiceKind(DEMAND_STATES),
        label=msg("State"),
        required=True,
        default=OPEN,
        create_only=True,
        description="Afterwards it is moved by winning and losing the demand",
    )
    closed_on: Mapped[date | None] = field(
        DayKind(), label=msg("Closed on"), create_only=True, description="The day on which it was won or lost"
    )
    reason: Mapped[str | None] = field(
        TextKind(2000, multiline=True),
        label=msg("Reason"),
        create_only=True,
        sort=False,
        description="Why it was won or lost",
    )
    order_id: Mapped[UUID | None] = field(
        ReferenceKind("order"),
        label=msg("Order"),
        references="sales_order.id",
        index=True,
        read_only=True,
        description="What came of it",
    )
    note: Mapped[str | None] = field(TextKind(10_000, multiline=True), label=msg("Note"), sort=False)

    customer: Mapped[Customer] = relation("Customer", label=msg("Customer"), foreign_key="Demand.customer_id")
    owner: Mapped[Member | None] = relation(
        "Member", label=msg("Responsible person"), foreign_key="Demand.owner_id"
    )
    product: Mapped[Product | None] = relation(
        "Product", label=msg("Product"), foreign_key="Demand.product_id"
    )
    order: Mapped[Order | None] = relation("Order", label=msg("Order"), foreign_key="Demand.order_id")

    __table_args__ = (
        Index("ix_demand_customer_id_expected_on", "customer_id", "expected_on", "id"),
        Index("ix_demand_owner_id", "owner_id"),
        Index("ix_demand_expected_on", "expected_on", "id"),
        Index(
            "ix_demand_open",
            "customer_id",
            postgresql_where=text("state = 'OPEN' AND archived_at IS NULL"),
        ),
    )


contribute(Customer, "demands", relation("Demand", label=msg("Demands"), foreign_key="Demand.customer_id"))
