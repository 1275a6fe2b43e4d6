"""Hot customers (热点客户, A5): the mark that puts a customer at the top for a time, and the marks it had before."""

from __future__ import annotations

from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import (
    ChoiceKind,
    DayKind,
    Option,
    Record,
    ReferenceKind,
    TextKind,
    contribute,
    field,
    relation,
)
from kedang_tenants.customers.models import Customer
from kedang_tenants.people.models import Member

BY_HAND, BY_DEMAND, BY_APPROVAL = "BY_HAND", "BY_DEMAND", "BY_APPROVAL"
ORIGINS: Final = (
    Option(BY_HAND, msg("Set by hand")),
    Option(BY_DEMAND, msg("By an opened demand")),
    Option(BY_APPROVAL, msg("Over the cap, approved")),
)
CLEARED, EXPIRED, WON, LOST = "CLEARED", "EXPIRED", "WON", "LOST"
CONTRACT_SIGNED, GIVEN_UP = "CONTRACT_SIGNED", "GIVEN_UP"
ENDINGS: Final = (
    Option(CLEARED, msg("Cleared by hand")),
    Option(EXPIRED, msg("Expired")),
    Option(WON, msg("The last open demand was won")),
    Option(LOST, msg("The last open demand was lost")),
    Option(CONTRACT_SIGNED, msg("A contract was signed")),
    Option(GIVEN_UP, msg("The customer was given up or archived")),
)
LONGEST_REASON: Final = 500


class HotMark(Record):
    """One time of a customer as a hot one, from ``since`` until it ended; at most one of a customer is open."""

    __tablename__ = "hot_mark"
    __prefix__ = "hot"
    __labels__ = (msg("Hot mark"), msg("Hot marks"))
    __owner__ = ("customer", "owner_id")
    __order__ = ("since",)
    __actions__ = frozenset()

    customer_id: Mapped[UUID] = field(
        ReferenceKind("customer"),
        label=msg("Customer"),
        required=True,
        references="customer.id",
        read_only=True,
    )
    origin: Mapped[str] = field(
        ChoiceKind(ORIGINS), label=msg("Origin"), required=True, default=BY_HAND, read_only=True
    )
    reason: Mapped[str] = field(
        TextKind(LONGEST_REASON), label=msg("Reason"), required=True, read_only=True, sort=False
    )
    since: Mapped[date] = field(DayKind(), label=msg("Hot since"), required=True, read_only=True)
    until: Mapped[date | None] = field(
        DayKind(),
        label=msg("Hot until"),
        description="The last day of the mark, after which it expires; empty: without an end",
        read_only=True,
    )
    marked_by_id: Mapped[UUID | None] = field(
        ReferenceKind("member"),
        label=msg("Marked by"),
        description="Empty: by itself",
        references="member.id",
        read_only=True,
    )
    ended_on: Mapped[date | None] = field(DayKind(), label=msg("Ended on"), read_only=True)
    ending: Mapped[str | None] = field(ChoiceKind(ENDINGS), label=msg("Ended by"), read_only=True)
    ended_by_id: Mapped[UUID | None] = field(
        ReferenceKind("member"),
        label=msg("Cleared by"),
        description="Empty: by itself",
        references="member.id",
        read_only=True,
    )

    customer: Mapped[Customer] = relation(
        "Customer", label=msg("Customer"), foreign_key="HotMark.customer_id"
    )
    marked_by: Mapped[Member | None] = relation(
        "Member", label=msg("Marked by"), foreign_key="HotMark.marked_by_id"
    )
    ended_by: Mapped[Member | None] = relation(
        "Member", label=msg("Cleared by"), foreign_key="HotMark.ended_by_id"
    )

    __table_args__ = (
        Index("ix_hot_mark_customer_id_since", "customer_id", "since", "id"),
        Index("uq_hot_mark_open", "customer_id", unique=True, postgresql_where=text("ended_on IS NULL")),
    )


contribute(
    Customer,
    "hot_since",
    field(
        DayKind(),
        label=msg("Hot since"),
        description="Since when the customer is a hot one; empty: it is none",
        read_only=True,
        name_level=True,
    ),
)
contribute(
    Customer,
    "hot_until",
    field(
        DayKind(),
        label=msg("Hot until"),
        description="The last day of the mark, after which it expires; empty: without an end",
        read_only=True,
    ),
)
contribute(
    Customer,
    "hot_reason",
    field(TextKind(LONGEST_REASON), label=msg("Why it is hot"), read_only=True, sort=False),
)
contribute(
    Customer, "hot_marks", relation("HotMark", label=msg("Hot marks"), foreign_key="HotMark.customer_id")
)
_customer = Customer.__table__.c
Index(
    "ix_customer_hot_since",
    _customer.hot_since,
    _customer.id,
    postgresql_where=_customer.hot_since.is_not(None),
)
Index(
    "ix_customer_hot_until",
    _customer.owner_id,
    _customer.hot_until,
    postgresql_where=_customer.hot_since.is_not(None) & _customer.archived_at.is_(None),
)
