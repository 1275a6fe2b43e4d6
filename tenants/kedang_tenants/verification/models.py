"""Verification (核实): how often an archive is to be confirmed or corrected, and until when it must be next (A7)."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import (
    ChoiceKind,
    DayKind,
    IntegerKind,
    Record,
    ReferenceKind,
    contribute,
    field,
    relation,
)
from kedang_tenants.customers.models import STATES, Customer
from kedang_tenants.grading.models import GradeLevel

MOST_MONTHS: Final = 120


class VerificationCycle(Record):
    """How many months an archive may go unverified, by the customer's grade and state.

    The most exact cycle counts: grade and state, grade, state, neither. Without any that fits nothing is due.
    """

    __tablename__ = "verification_cycle"
    __prefix__ = "vcy"
    __labels__ = (msg("Verification cycle"), msg("Verification cycles"))

    grade_level_id: Mapped[UUID | None] = field(
        ReferenceKind("grade_level"),
        label=msg("Grade"),
        references="grade_level.id",
        description="Empty: for every grade",
    )
    state: Mapped[str | None] = field(
        ChoiceKind(STATES), label=msg("State"), description="Empty: for every state"
    )
    months: Mapped[int] = field(IntegerKind(1, MOST_MONTHS), label=msg("Months"), required=True)

    grade_level: Mapped[GradeLevel | None] = relation(
        "GradeLevel", label=msg("Grade"), foreign_key="VerificationCycle.grade_level_id"
    )


contribute(
    Customer,
    "verified_on",
    field(
        DayKind(),
        label=msg("Verified on"),
        read_only=True,
        description="When the archive was last confirmed or corrected as a whole",
    ),
)
contribute(
    Customer,
    "verify_by",
    field(
        DayKind(),
        label=msg("Verify by"),
        read_only=True,
        description="The last verification, else the opening of the archive, and the months of the cycle",
    ),
)
_customer = Customer.__table__.c
Index(
    "ix_customer_verify_by",
    _customer.verify_by,
    _customer.id,
    postgresql_where=_customer.verify_by.is_not(None),
)
