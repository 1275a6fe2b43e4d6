"""The versions of a scheme's rule: drafted, scheduled, in force, superseded (T8, G3)."""

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
    InstantKind,
    IntegerKind,
    Option,
    Record,
    ReferenceKind,
    TextKind,
    contribute,
    field,
    relation,
    unique_among_living,
)
from kedang_tenants.grading.models import GradeScheme
from kedang_tenants.people.models import Member

DRAFT, SCHEDULED, IN_FORCE, SUPERSEDED = "DRAFT", "SCHEDULED", "IN_FORCE", "SUPERSEDED"
STATES: Final = (
    Option(DRAFT, msg("Draft")),
    Option(SCHEDULED, msg("Scheduled")),
    Option(IN_FORCE, msg("In force")),
    Option(SUPERSEDED, msg("Superseded")),
)


class GradeRule(Record):
    """One version of the rule by which a scheme gives its grades.

    Of a scheme at most one version is a draft, one is scheduled and one in force. A draft is changed under
    its record version until it is published; one that is thrown away is archived, every other version stays.
    """

    __tablename__ = "grade_rule"
    __prefix__ = "gru"
    __labels__ = (msg("Version of a grade rule"), msg("Versions of grade rules"))
    __order__ = ("scheme_id", "number")
    __actions__ = frozenset()

    scheme_id: Mapped[UUID] = field(
        ReferenceKind("grade_scheme"),
        label=msg("Grade scheme"),
        required=True,
        references="grade_scheme.id",
        read_only=True,
    )
    number: Mapped[int] = field(
        IntegerKind(1),
        label=msg("Number of the version"),
        required=True,
        read_only=True,
        description="Counts the versions of a scheme's rule; grades name the one they were given under",
    )
    state: Mapped[str] = field(
        ChoiceKind(STATES), label=msg("State"), required=True, default=DRAFT, read_only=True
    )
    content: Mapped[dict[str, Any]] = field(
        DocumentKind(),
        label=msg("Content"),
        required=True,
        read_only=True,
        exported=False,
        description="What is measured, and which level it gives",
    )
    reason: Mapped[str | None] = field(
        TextKind(2000, multiline=True),
        label=msg("Reason"),
        read_only=True,
        description="What changes, and why",
    )
    in_force_from: Mapped[date | None] = field(
        DayKind(),
        label=msg("In force from"),
        read_only=True,
        description="The first day, in the company's zone; empty: it came in force when it was published",
    )
    in_force_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Put in force at"), read_only=True)
    ended_at: Mapped[datetime | None] = field(
        InstantKind(),
        label=msg("Ended at"),
        read_only=True,
        description="When another version took its place",
    )
    drafted_by_id: Mapped[UUID | None] = field(
        ReferenceKind("member"), label=msg("Drafted by"), references="member.id", read_only=True
    )
    changed_by_id: Mapped[UUID | None] = field(
        ReferenceKind("member"),
        label=msg("Last changed by"),
        references="member.id",
        read_only=True,
    )
    published_by_id: Mapped[UUID | None] = field(
        ReferenceKind("member"), label=msg("Published by"), references="member.id", read_only=True
    )

    scheme: Mapped[GradeScheme] = relation(
        "GradeScheme", label=msg("Grade scheme"), foreign_key="GradeRule.scheme_id"
    )
    drafted_by: Mapped[Member | None] = relation(
        "Member", label=msg("Drafted by"), foreign_key="GradeRule.drafted_by_id"
    )
    changed_by: Mapped[Member | None] = relation(
        "Member", label=msg("Last changed by"), foreign_key="GradeRule.changed_by_id"
    )
    published_by: Mapped[Member | None] = relation(
        "Member", label=msg("Published by"), foreign_key="GradeRule.published_by_id"
    )

    __table_args__ = (
        Index(
            "uq_grade_rule_draft",
            "scheme_id",
            unique=True,
            postgresql_where=text("state = 'DRAFT' AND archived_at IS NULL"),
        ),
        Index(
            "uq_grade_rule_scheduled",
            "scheme_id",
            unique=True,
            postgresql_where=text("state = 'SCHEDULED' AND archived_at IS NULL"),
        ),
        Index(
            "uq_grade_rule_in_force",
            "scheme_id",
            unique=True,
            postgresql_where=text("state = 'IN_FORCE'"),
        ),
    )


unique_among_living(GradeRule, ("scheme_id", "number"))

contribute(
    GradeScheme,
    "rules",
    relation("GradeRule", label=msg("Versions of the rule"), foreign_key="GradeRule.scheme_id"),
)
