"""A handover and the customers that went over with it (A12)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import (
    ChoiceKind,
    DayKind,
    DocumentKind,
    FlagKind,
    InstantKind,
    IntegerKind,
    Option,
    Record,
    ReferenceKind,
    TextKind,
    field,
    relation,
    unique_among_living,
)
from kedang_tenants.customers.models import Customer
from kedang_tenants.people.models import Member

RUNNING, HANDED_OVER, SIGNED = "RUNNING", "HANDED_OVER", "SIGNED"
STATES: Final = (
    Option(RUNNING, msg("Under way")),
    Option(HANDED_OVER, msg("Handed over")),
    Option(SIGNED, msg("Signed for")),
)
WAITING, TOLD, NO_ADDRESS, OPTED_OUT, NOT_WANTED = "WAITING", "TOLD", "NO_ADDRESS", "OPTED_OUT", "NOT_WANTED"
TELLINGS: Final = (
    Option(WAITING, msg("Not told yet")),
    Option(TOLD, msg("Told by mail")),
    Option(NO_ADDRESS, msg("No contact with an e-mail address")),
    Option(OPTED_OUT, msg("Wants no mails")),
    Option(NOT_WANTED, msg("Not to be told")),
)
_COUNT = IntegerKind(0)


def _counted(label: str) -> Any:
    return field(_COUNT, label=label, required=True, default=0, read_only=True)


class Handover(Record):
    """Everything that a member had in hand, given to others. ``shares`` says who takes which customers by name."""

    __tablename__ = "handover"
    __prefix__ = "hov"
    __labels__ = (msg("Handover"), msg("Handovers"))
    __owner__ = ("member_id",)
    __co_owners__ = (("member", "superior_id"), ("successor_id",))
    __order__ = ("created_at",)
    __actions__ = frozenset()

    member_id: Mapped[UUID] = field(
        ReferenceKind("member"),
        label=msg("Who leaves"),
        required=True,
        references="member.id",
        index=True,
        read_only=True,
    )
    successor_id: Mapped[UUID] = field(
        ReferenceKind("member"),
        label=msg("Successor"),
        required=True,
        references="member.id",
        read_only=True,
        description=msg("Takes everything that is not given to somebody else."),
    )
    asked_by_id: Mapped[UUID | None] = field(
        ReferenceKind("member"), label=msg("Asked by"), references="member.id", read_only=True
    )
    reason: Mapped[str | None] = field(TextKind(500), label=msg("Reason"), read_only=True)
    tell_customers: Mapped[bool] = field(
        FlagKind(), label=msg("Customers are told"), required=True, default=True, read_only=True
    )
    contact_by: Mapped[date] = field(DayKind(), label=msg("First contact by"), required=True, read_only=True)
    state: Mapped[str] = field(
        ChoiceKind(STATES), label=msg("State"), required=True, default=RUNNING, read_only=True
    )
    customers_moved: Mapped[int] = _counted(msg("Customers handed over"))
    plans_moved: Mapped[int] = _counted(msg("Plans handed over"))
    requests_moved: Mapped[int] = _counted(msg("Requests handed over"))
    others_moved: Mapped[int] = _counted(msg("Other things handed over"))
    moved_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Handed over at"), read_only=True)
    department_signed_by_id: Mapped[UUID | None] = field(
        ReferenceKind("member"),
        label=msg("Received for the department by"),
        references="member.id",
        read_only=True,
    )
    department_signed_at: Mapped[datetime | None] = field(
        InstantKind(), label=msg("Received for the department at"), read_only=True
    )
    keeper_signed_by_id: Mapped[UUID | None] = field(
        ReferenceKind("member"),
        label=msg("Received for the archive by"),
        references="member.id",
        read_only=True,
    )
    keeper_signed_at: Mapped[datetime | None] = field(
        InstantKind(), label=msg("Received for the archive at"), read_only=True
    )
    shares: Mapped[dict[str, str]] = field(
        DocumentKind(), label=msg("Given by name"), required=True, default=dict, hidden=True
    )

    member: Mapped[Member] = relation("Member", label=msg("Who leaves"), foreign_key="Handover.member_id")
    successor: Mapped[Member] = relation(
        "Member", label=msg("Successor"), foreign_key="Handover.successor_id"
    )
    asked_by: Mapped[Member | None] = relation(
        "Member", label=msg("Asked by"), foreign_key="Handover.asked_by_id"
    )
    department_signed_by: Mapped[Member | None] = relation(
        "Member", label=msg("Received for the department by"), foreign_key="Handover.department_signed_by_id"
    )
    keeper_signed_by: Mapped[Member | None] = relation(
        "Member", label=msg("Received for the archive by"), foreign_key="Handover.keeper_signed_by_id"
    )
    customers: Mapped[list[HandedCustomer]] = relation(
        "HandedCustomer", label=msg("Customers"), foreign_key="HandedCustomer.handover_id"
    )

    __table_args__ = (
        Index(
            "uq_handover_running",
            "member_id",
            unique=True,
            postgresql_where=text("state = 'RUNNING' AND archived_at IS NULL"),
        ),
    )


class HandedCustomer(Record):
    """A customer that went over, to whom, and whether it was told."""

    __tablename__ = "handed_customer"
    __prefix__ = "hoc"
    __labels__ = (msg("Customer handed over"), msg("Customers handed over"))
    __owner__ = ("handover", "member_id")
    __co_owners__ = (("successor_id",),)
    __order__ = ("created_at",)
    __actions__ = frozenset()

    handover_id: Mapped[UUID] = field(
        ReferenceKind("handover"),
        label=msg("Handover"),
        required=True,
        references="handover.id",
        read_only=True,
    )
    customer_id: Mapped[UUID] = field(
        ReferenceKind("customer"),
        label=msg("Customer"),
        required=True,
        references="customer.id",
        index=True,
        read_only=True,
    )
    successor_id: Mapped[UUID] = field(
        ReferenceKind("member"),
        label=msg("Successor"),
        required=True,
        references="member.id",
        index=True,
        read_only=True,
    )
    told: Mapped[str] = field(
        ChoiceKind(TELLINGS), label=msg("Told"), required=True, default=WAITING, read_only=True
    )
    told_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Told at"), read_only=True)

    handover: Mapped[Handover] = relation(
        "Handover", label=msg("Handover"), foreign_key="HandedCustomer.handover_id"
    )
    customer: Mapped[Customer] = relation(
        "Customer", label=msg("Customer"), foreign_key="HandedCustomer.customer_id"
    )
    successor: Mapped[Member] = relation(
        "Member", label=msg("Successor"), foreign_key="HandedCustomer.successor_id"
    )


unique_among_living(HandedCustomer, ("handover_id", "customer_id"))
