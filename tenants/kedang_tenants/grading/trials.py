"""What a rule would do, found out before it does it: dry runs and back-tests, and who would move (G3)."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import (
    ChoiceKind,
    DayKind,
    DecimalKind,
    DocumentKind,
    InstantKind,
    IntegerKind,
    LocalisedKind,
    Option,
    Record,
    ReferenceKind,
    field,
    relation,
)
from kedang_tenants.customers.models import Customer
from kedang_tenants.grading.models import GradeLevel, GradeScheme
from kedang_tenants.grading.versions import GradeRule
from kedang_tenants.people.models import Member

DRY_RUN, BACK_TEST = "DRY_RUN", "BACK_TEST"
KINDS: Final = (Option(DRY_RUN, msg("Dry run")), Option(BACK_TEST, msg("Back-test")))

WAITING, DONE, FAILED = "WAITING", "DONE", "FAILED"
STATES: Final = (
    Option(WAITING, msg("Waiting")),
    Option(DONE, msg("Done")),
    Option(FAILED, msg("Failed")),
)

UP, DOWN, NEW, ENDED = "UP", "DOWN", "NEW", "ENDED"
MOVES: Final = (
    Option(UP, msg("Moved up")),
    Option(DOWN, msg("Moved down")),
    Option(NEW, msg("Newly graded")),
    Option(ENDED, msg("No longer graded")),
)

KEPT_DAYS: Final = 30
"""Days after which a trial and its rows are removed."""


class GradeTrial(Record):
    """One trial of a rule, as its content stood when it was asked for; nobody's grade is touched.

    ``outcome`` of a dry run holds ``levels`` (how many customers each level has now and would have) and ``moves``
    (from which level to which how many would go, those who stay among them); of a back-test both for each month.
    Customers whose grade was given by hand keep it, and are counted in ``kept_by_hand``.
    """

    __tablename__ = "grade_trial"
    __prefix__ = "gtr"
    __labels__ = (msg("Trial of a grade rule"), msg("Trials of grade rules"))
    __order__ = ("created_at",)
    __actions__ = frozenset()

    scheme_id: Mapped[UUID] = field(
        ReferenceKind("grade_scheme"),
        label=msg("Grade scheme"),
        required=True,
        references="grade_scheme.id",
        read_only=True,
        index=True,
    )
    rule_id: Mapped[UUID] = field(
        ReferenceKind("grade_rule"),
        label=msg("Version of a grade rule"),
        required=True,
        references="grade_rule.id",
        read_only=True,
    )
    kind: Mapped[str] = field(ChoiceKind(KINDS), label=msg("Kind"), required=True, read_only=True)
    state: Mapped[str] = field(
        ChoiceKind(STATES), label=msg("State"), required=True, default=WAITING, read_only=True
    )
    content: Mapped[dict[str, Any]] = field(
        DocumentKind(), label=msg("Content"), required=True, read_only=True, exported=False
    )
    as_of: Mapped[date] = field(
        DayKind(),
        label=msg("As of"),
        required=True,
        read_only=True,
        description="The day as of which is graded; of a back-test the last of its months' ends",
    )
    months: Mapped[int | None] = field(
        IntegerKind(1, 24), label=msg("Months"), read_only=True, description="Of a back-test"
    )
    seen: Mapped[int | None] = field(
        IntegerKind(0),
        label=msg("Customers graded"),
        read_only=True,
        description="How many have or would have a grade",
    )
    moved: Mapped[int | None] = field(
        IntegerKind(0), label=msg("Customers that move"), read_only=True, description="Of a back-test: moves"
    )
    kept_by_hand: Mapped[int | None] = field(IntegerKind(0), label=msg("Kept by hand"), read_only=True)
    outcome: Mapped[dict[str, Any] | None] = field(
        DocumentKind(), label=msg("Outcome"), read_only=True, exported=False
    )
    finished_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Finished at"), read_only=True)
    asked_by_id: Mapped[UUID | None] = field(
        ReferenceKind("member"), label=msg("Asked by"), references="member.id", read_only=True
    )

    scheme: Mapped[GradeScheme] = relation(
        "GradeScheme", label=msg("Grade scheme"), foreign_key="GradeTrial.scheme_id"
    )
    rule: Mapped[GradeRule] = relation(
        "GradeRule", label=msg("Version of a grade rule"), foreign_key="GradeTrial.rule_id"
    )
    asked_by: Mapped[Member | None] = relation(
        "Member", label=msg("Asked by"), foreign_key="GradeTrial.asked_by_id"
    )
    rows: Mapped[list[GradeTrialRow]] = relation(
        "GradeTrialRow", label=msg("Who would move"), foreign_key="GradeTrialRow.trial_id"
    )


class GradeTrialRow(Record):
    """One customer that would move, from which level to which, and the figures that say why."""

    __tablename__ = "grade_trial_row"
    __prefix__ = "gtw"
    __labels__ = (msg("Move in a trial"), msg("Moves in trials"))
    __owner__ = ("customer", "owner_id")
    __order__ = ("as_of", "id")
    __actions__ = frozenset()

    trial_id: Mapped[UUID] = field(
        ReferenceKind("grade_trial"),
        label=msg("Trial of a grade rule"),
        required=True,
        references="grade_trial.id",
        read_only=True,
    )
    customer_id: Mapped[UUID] = field(
        ReferenceKind("customer"),
        label=msg("Customer"),
        required=True,
        references="customer.id",
        read_only=True,
        index=True,
    )
    as_of: Mapped[date] = field(DayKind(), label=msg("As of"), required=True, read_only=True)
    move: Mapped[str] = field(ChoiceKind(MOVES), label=msg("Movement"), required=True, read_only=True)
    from_level_id: Mapped[UUID | None] = field(
        ReferenceKind("grade_level"),
        label=msg("From grade"),
        references="grade_level.id",
        read_only=True,
    )
    to_level_id: Mapped[UUID | None] = field(
        ReferenceKind("grade_level"),
        label=msg("To grade"),
        references="grade_level.id",
        read_only=True,
    )
    score: Mapped[Decimal | None] = field(DecimalKind(), label=msg("Score"), read_only=True)
    figures: Mapped[dict[str, Any]] = field(
        DocumentKind(), label=msg("Figures"), required=True, read_only=True, exported=False
    )
    withheld: Mapped[dict[str, Any] | None] = field(
        DocumentKind(),
        label=msg("Figures not for everybody"),
        read_only=True,
        exported=False,
        sensitivity="profit",
        description="What was measured of profit and credit, of which the other figures tell the points alone",
    )
    explanation: Mapped[dict[str, str] | None] = field(
        LocalisedKind(4000), label=msg("Explanation"), read_only=True
    )

    trial: Mapped[GradeTrial] = relation(
        "GradeTrial", label=msg("Trial of a grade rule"), foreign_key="GradeTrialRow.trial_id"
    )
    customer: Mapped[Customer] = relation(
        "Customer", label=msg("Customer"), foreign_key="GradeTrialRow.customer_id"
    )
    from_level: Mapped[GradeLevel | None] = relation(
        "GradeLevel", label=msg("From grade"), foreign_key="GradeTrialRow.from_level_id"
    )
    to_level: Mapped[GradeLevel | None] = relation(
        "GradeLevel", label=msg("To grade"), foreign_key="GradeTrialRow.to_level_id"
    )

    __table_args__ = (
        Index("ix_grade_trial_row_trial_id_as_of", "trial_id", "as_of", "id"),
        Index("ix_grade_trial_row_trial_id_move", "trial_id", "move", "id"),
    )
