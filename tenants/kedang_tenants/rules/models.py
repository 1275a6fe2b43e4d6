"""One version of a rule: what it says, who drafted and who approved it, from when to when it was in force."""

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
    WordsKind,
    field,
    relation,
    unique_among_living,
)

DRAFT, SUBMITTED, APPROVED, IN_FORCE = "DRAFT", "SUBMITTED", "APPROVED", "IN_FORCE"
SUPERSEDED, REPEALED, REFUSED = "SUPERSEDED", "REPEALED", "REFUSED"

STATES: Final = (
    Option(DRAFT, msg("Draft")),
    Option(SUBMITTED, msg("Submitted")),
    Option(APPROVED, msg("Approved")),
    Option(IN_FORCE, msg("In force")),
    Option(SUPERSEDED, msg("Superseded")),
    Option(REPEALED, msg("Repealed")),
    Option(REFUSED, msg("Refused")),
)


class RuleVersion(Record):
    """One version of one of the company's rules; of each kind at most one is open and one in force.

    ``in_force_from`` is the first day, in the company's zone; without it the version is in force as
    soon as it is approved. A draft that is thrown away is archived, every other version stays.
    """

    __tablename__ = "rule_version"
    __prefix__ = "rul"
    __labels__ = (msg("Version of a rule"), msg("Versions of rules"))
    __owner__ = ("drafted_by_id",)
    __order__ = ("kind", "number")
    __actions__ = frozenset()

    kind: Mapped[str] = field(
        TextKind(40),
        label=msg("Kind"),
        description=msg("Which rule it is: “access”, “retention” and so on."),
        required=True,
        read_only=True,
        name_level=True,
    )
    number: Mapped[int] = field(
        IntegerKind(1),
        label=msg("Number of the version"),
        description=msg("Counts the versions of a kind."),
        required=True,
        read_only=True,
        name_level=True,
    )
    state: Mapped[str] = field(
        ChoiceKind(STATES), label=msg("State"), required=True, default=DRAFT, read_only=True, name_level=True
    )
    content: Mapped[dict[str, Any]] = field(
        DocumentKind(),
        label=msg("Content"),
        description=msg("What the rule says, in the form of its kind."),
        required=True,
        read_only=True,
        exported=False,
    )
    reason: Mapped[str | None] = field(
        TextKind(2000, multiline=True),
        label=msg("Reason"),
        description=msg("What changes, and why."),
        read_only=True,
    )
    in_force_from: Mapped[date | None] = field(
        DayKind(),
        label=msg("In force from"),
        description=msg("The first day; empty: as soon as it is approved."),
        read_only=True,
    )
    in_force_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Put in force at"), read_only=True)
    ended_at: Mapped[datetime | None] = field(
        InstantKind(),
        label=msg("Ended at"),
        description=msg("When another version took its place, or when it was repealed or refused."),
        read_only=True,
    )
    based_on_id: Mapped[UUID | None] = field(
        ReferenceKind("rule_version"),
        label=msg("Based on"),
        description=msg("The version that was in force when this one was drafted."),
        references="rule_version.id",
        read_only=True,
    )
    department_id: Mapped[UUID | None] = field(
        ReferenceKind("department"),
        label=msg("Drafted by the department"),
        references="department.id",
        read_only=True,
    )
    drafted_by_id: Mapped[UUID | None] = field(
        ReferenceKind("member"), label=msg("Drafted by"), references="member.id", index=True, read_only=True
    )
    submitted_by_id: Mapped[UUID | None] = field(
        ReferenceKind("member"), label=msg("Submitted by"), references="member.id", read_only=True
    )
    submitted_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Submitted at"), read_only=True)
    approved_by_id: Mapped[UUID | None] = field(
        ReferenceKind("member"), label=msg("Approved by"), references="member.id", read_only=True
    )
    decided_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Decided at"), read_only=True)
    nobody_else: Mapped[bool] = field(
        FlagKind(),
        label=msg("Nobody else could decide"),
        description=msg("It was approved at once, because there was no second person who may approve it."),
        required=True,
        default=False,
        read_only=True,
    )
    remark: Mapped[str | None] = field(
        TextKind(2000, multiline=True),
        label=msg("Remark"),
        description=msg("What was said when it was approved, returned, refused or repealed."),
        read_only=True,
    )

    editors: Mapped[list[str] | None] = field(WordsKind(), label=msg("Edited by"), hidden=True)

    based_on: Mapped[RuleVersion | None] = relation(
        "RuleVersion",
        label=msg("Based on"),
        foreign_key="RuleVersion.based_on_id",
        remote_side="RuleVersion.id",
    )
    # Typed Any because people are a higher feature; the relations find the classes by their names.
    department: Mapped[Any] = relation(
        "Department", label=msg("Drafted by the department"), foreign_key="RuleVersion.department_id"
    )
    drafted_by: Mapped[Any] = relation(
        "Member", label=msg("Drafted by"), foreign_key="RuleVersion.drafted_by_id"
    )
    submitted_by: Mapped[Any] = relation(
        "Member", label=msg("Submitted by"), foreign_key="RuleVersion.submitted_by_id"
    )
    approved_by: Mapped[Any] = relation(
        "Member", label=msg("Approved by"), foreign_key="RuleVersion.approved_by_id"
    )

    __table_args__ = (
        Index("uq_rule_version_in_force", "kind", unique=True, postgresql_where=text("state = 'IN_FORCE'")),
        Index(
            "uq_rule_version_open",
            "kind",
            unique=True,
            postgresql_where=text("state IN ('DRAFT', 'SUBMITTED') AND archived_at IS NULL"),
        ),
    )


unique_among_living(RuleVersion, ("kind", "number"))
