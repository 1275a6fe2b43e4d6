"""The public pool (公海, A13): customers that nobody has, when others return to it, and who took or lost which."""

from __future__ import annotations

from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import (
    ChoiceKind,
    DayKind,
    InstantKind,
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

RECYCLED, RELEASED, CLAIMED, SHARED_OUT, VIEWED = "RECYCLED", "RELEASED", "CLAIMED", "SHARED_OUT", "VIEWED"
MOVES: Final = (
    Option(RECYCLED, msg("Returned by the rule")),
    Option(RELEASED, msg("Released")),
    Option(CLAIMED, msg("Claimed")),
    Option(SHARED_OUT, msg("Shared out")),
    Option(VIEWED, msg("Looked at in the pool")),
)
NO_CONTACT, CONTRACT_ENDED, NO_DEAL = "NO_CONTACT", "CONTRACT_ENDED", "NO_DEAL"
CAUSES: Final = (
    Option(NO_CONTACT, msg("No contact for too long")),
    Option(CONTRACT_ENDED, msg("The contract ended")),
    Option(NO_DEAL, msg("No deal for too long")),
)
LONGEST_REASON: Final = 500


class PoolMove(Record):
    """A customer's way into the public pool, out of it, or a look at it there.

    ``member`` is who lost it (recycled, released), who got it (claimed, shared out) or who looked.
    """

    __tablename__ = "pool_move"
    __prefix__ = "pmv"
    __labels__ = (msg("Move of the public pool"), msg("Moves of the public pool"))
    __owner__ = ("customer", "owner_id")
    __order__ = ("moved_on",)
    __actions__ = frozenset()

    customer_id: Mapped[UUID] = field(
        ReferenceKind("customer"),
        label=msg("Customer"),
        required=True,
        references="customer.id",
        read_only=True,
    )
    kind: Mapped[str] = field(ChoiceKind(MOVES), label=msg("Kind"), required=True, read_only=True)
    moved_on: Mapped[date] = field(
        DayKind(),
        label=msg("Day"),
        description="The day in the company's zone, by which limits a day count",
        required=True,
        read_only=True,
    )
    member_id: Mapped[UUID | None] = field(
        ReferenceKind("member"),
        label=msg("Member"),
        description="Who lost the customer, got it, or looked at it",
        references="member.id",
        read_only=True,
    )
    cause: Mapped[str | None] = field(
        ChoiceKind(CAUSES),
        label=msg("Cause"),
        description="By which part of the rule it returned",
        read_only=True,
    )
    reason: Mapped[str | None] = field(
        TextKind(LONGEST_REASON),
        label=msg("Reason"),
        description="Why it was released",
        read_only=True,
        sort=False,
    )
    by_id: Mapped[UUID | None] = field(
        ReferenceKind("member"),
        label=msg("Done by"),
        description="Empty: by itself",
        references="member.id",
        read_only=True,
    )

    customer: Mapped[Customer] = relation(
        "Customer", label=msg("Customer"), foreign_key="PoolMove.customer_id"
    )
    member: Mapped[Member | None] = relation("Member", label=msg("Member"), foreign_key="PoolMove.member_id")
    by: Mapped[Member | None] = relation("Member", label=msg("Done by"), foreign_key="PoolMove.by_id")

    __table_args__ = (
        Index("ix_pool_move_customer_id_moved_on", "customer_id", "moved_on", "id"),
        Index("ix_pool_move_member_id_moved_on", "member_id", "moved_on", "kind"),
    )


contribute(
    Customer,
    "pool_since",
    field(
        InstantKind(),
        label=msg("In the public pool since"),
        description="Since when nobody has it and whoever may can claim it; empty: it is not in the pool",
        read_only=True,
        name_level=True,
    ),
)
contribute(
    Customer,
    "pool_return_on",
    field(
        DayKind(),
        label=msg("Returns to the public pool on"),
        description="By the company's rule, unless something happens before; empty: it does not",
        read_only=True,
    ),
)
contribute(
    Customer,
    "pool_return_why",
    field(
        ChoiceKind(CAUSES),
        label=msg("Why it returns"),
        description="Which part of the rule makes it return first",
        read_only=True,
    ),
)
contribute(
    Customer,
    "pool_warned_on",
    field(DayKind(), label=msg("Owner warned on"), hidden=True),
)
contribute(
    Customer,
    "pool_moves",
    relation("PoolMove", label=msg("Moves of the public pool"), foreign_key="PoolMove.customer_id"),
)
_customer = Customer.__table__.c
Index(
    "ix_customer_pool_since",
    _customer.pool_since,
    _customer.id,
    postgresql_where=_customer.pool_since.is_not(None),
)
Index(
    "ix_customer_pool_return_on",
    _customer.pool_return_on,
    _customer.id,
    postgresql_where=_customer.pool_return_on.is_not(None),
)
Index(  # few, of the many of an owner that return some day
    "ix_customer_pool_warned",
    _customer.owner_id,
    _customer.pool_return_on,
    postgresql_where=_customer.pool_warned_on.is_not(None) & _customer.archived_at.is_(None),
)
