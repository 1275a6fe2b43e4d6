"""Who is watched, at which end and why, and what an archive says of a coming insolvency (A18)."""

from __future__ import annotations

from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import (
    ChoiceKind,
    DayKind,
    DocumentKind,
    IntegerKind,
    LocalisedKind,
    Option,
    Record,
    ReferenceKind,
    contribute,
    field,
    relation,
)
from kedang_tenants.customers.models import Customer
from kedang_tenants.grading.criteria_models import CREDIT_RATINGS

BEST, RISK = "BEST", "RISK"
SIDES: Final = (Option(BEST, msg("Best customers")), Option(RISK, msg("Customers at risk")))
RESTRUCTURING, BANKRUPTCY = "RESTRUCTURING", "BANKRUPTCY"
INSOLVENCIES: Final = (
    Option(RESTRUCTURING, msg("Restructuring ahead")),
    Option(BANKRUPTCY, msg("Bankruptcy ahead")),
)


class WatchEntry(Record):
    """A customer's stay on the watch list, at the one end or the other.

    ``reasons`` has, by the name of each reason, what was measured (``value``) and the ``threshold`` that it
    reached; ``withheld`` has those that tell of credit. ``points`` is how many reasons there are of both.
    """

    __tablename__ = "watch_entry"
    __prefix__ = "wat"
    __labels__ = (msg("Entry of the watch list"), msg("Watch list"))
    __plural__ = "watchEntries"
    __owner__ = ("customer", "owner_id")
    __order__ = ("since_on",)
    __actions__ = frozenset()

    customer_id: Mapped[UUID] = field(
        ReferenceKind("customer"),
        label=msg("Customer"),
        required=True,
        references="customer.id",
        read_only=True,
    )
    side: Mapped[str] = field(ChoiceKind(SIDES), label=msg("End of the list"), required=True, read_only=True)
    reasons: Mapped[dict[str, Any]] = field(
        DocumentKind(), label=msg("Reasons"), required=True, read_only=True, exported=False
    )
    why: Mapped[dict[str, str]] = field(
        LocalisedKind(2000, multiline=True), label=msg("Why"), required=True, read_only=True
    )
    withheld: Mapped[dict[str, Any] | None] = field(
        DocumentKind(),
        label=msg("Reasons not for everybody"),
        read_only=True,
        exported=False,
        sensitivity="credit",
        description="Arrears, a drop of the credit rating, an insolvency ahead",
    )
    why_withheld: Mapped[dict[str, str] | None] = field(
        LocalisedKind(2000, multiline=True),
        label=msg("Why, not for everybody"),
        read_only=True,
        sensitivity="credit",
    )
    points: Mapped[int] = field(
        IntegerKind(0, 100), label=msg("Number of reasons"), required=True, read_only=True
    )
    since_on: Mapped[date] = field(DayKind(), label=msg("On the list since"), required=True, read_only=True)
    seen_on: Mapped[date] = field(
        DayKind(),
        label=msg("Reasons as of"),
        required=True,
        read_only=True,
        description="The day on which the reasons last changed",
    )
    ended_on: Mapped[date | None] = field(DayKind(), label=msg("On the list until"), read_only=True)
    told_on: Mapped[date | None] = field(DayKind(), label=msg("Told on"), hidden=True)
    """When owner and manager were told of the reasons; empty while that is still to be done."""

    customer: Mapped[Customer] = relation(
        "Customer", label=msg("Customer"), foreign_key="WatchEntry.customer_id"
    )

    __table_args__ = (
        Index("ix_watch_entry_customer_id_since_on", "customer_id", "since_on", "id"),
        Index("ix_watch_entry_since_on", "since_on", "id"),
        Index(
            "uq_watch_entry_open",
            "side",
            "customer_id",
            unique=True,
            postgresql_where=text("ended_on IS NULL AND archived_at IS NULL"),
        ),
        Index(
            "ix_watch_entry_untold",
            "id",
            postgresql_where=text("told_on IS NULL AND ended_on IS NULL AND archived_at IS NULL"),
        ),
    )


contribute(
    Customer,
    "insolvency",
    field(
        ChoiceKind(INSOLVENCIES),
        label=msg("Insolvency ahead"),
        sensitivity="credit",
        description="Puts the customer on the watch list at once",
    ),
)
contribute(
    Customer,
    "credit_before",
    field(
        ChoiceKind(CREDIT_RATINGS),
        label=msg("Credit rating before the drop"),
        sensitivity="credit",
        read_only=True,
        description="Until the rating is as good again",
    ),
)
contribute(
    Customer,
    "credit_dropped_on",
    field(
        DayKind(),
        label=msg("Credit rating dropped on"),
        sensitivity="credit",
        read_only=True,
        description="The day on which it dropped last",
    ),
)
contribute(
    Customer,
    "watch_entries",
    relation("WatchEntry", label=msg("Watch list"), foreign_key="WatchEntry.customer_id"),
)
