"""Visit forms (客户拜访表, F2): a day out with customers, approved before it, compared with what was done after it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import (
    ChoiceKind,
    DayKind,
    FlagKind,
    InstantKind,
    IntegerKind,
    Option,
    Record,
    ReferenceKind,
    TextKind,
    TimeOfDayKind,
    contribute,
    field,
    relation,
)
from kedang_tenants.followups.models import FollowUpPlan
from kedang_tenants.people.models import Member

DRAFT, SUBMITTED, APPROVED, RETURNED = "DRAFT", "SUBMITTED", "APPROVED", "RETURNED"
REFUSED, FINISHED, CALLED_OFF = "REFUSED", "FINISHED", "CALLED_OFF"
VISIT_STATES: Final = (
    Option(DRAFT, msg("Draft")),
    Option(SUBMITTED, msg("Submitted")),
    Option(APPROVED, msg("Approved")),
    Option(RETURNED, msg("Returned")),
    Option(REFUSED, msg("Refused")),
    Option(FINISHED, msg("Finished")),
    Option(CALLED_OFF, msg("Given up")),
)
EDITABLE: Final = frozenset({DRAFT, RETURNED})
"""The states in which its visits and its texts may be changed."""


class VisitForm(Record):
    """One member's day out. Its visits are follow-up plans, in the order of ``visit_position``.

    It is filled in and submitted before leaving, approved by a superior, told to whoever keeps attendance, and
    finished with what came of it; ``planned_visits`` and ``done_visits`` compare plan and deed.
    """

    __tablename__ = "visit_form"
    __prefix__ = "vis"
    __labels__ = (msg("Visit form"), msg("Visit forms"))
    __owner__ = ("member_id",)
    __brings__ = ("plans",)
    __order__ = ("visit_on",)

    member_id: Mapped[UUID | None] = field(
        ReferenceKind("member"),
        label=msg("Visitor"),
        references="member.id",
        create_only=True,
        description="Whoever fills it in where nobody is said",
    )
    visit_on: Mapped[date] = field(DayKind(), label=msg("Day of the visits"), required=True)
    leaves_at: Mapped[str | None] = field(TimeOfDayKind(), label=msg("Leaves at"))
    returns_at: Mapped[str | None] = field(TimeOfDayKind(), label=msg("Returns at"))
    purpose: Mapped[str | None] = field(TextKind(2000, multiline=True), label=msg("Purpose"), sort=False)
    means: Mapped[str | None] = field(TextKind(200), label=msg("Means of travel"))
    state: Mapped[str] = field(
        ChoiceKind(VISIT_STATES), label=msg("State"), required=True, default=DRAFT, read_only=True
    )
    submitted_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Submitted at"), read_only=True)
    decided_by_id: Mapped[UUID | None] = field(
        ReferenceKind("member"), label=msg("Decided by"), references="member.id", read_only=True
    )
    decided_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Decided at"), read_only=True)
    remark: Mapped[str | None] = field(
        TextKind(2000, multiline=True), label=msg("Remark"), read_only=True, sort=False
    )
    result: Mapped[str | None] = field(
        TextKind(5000, multiline=True), label=msg("Result"), read_only=True, sort=False
    )
    finished_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Finished at"), read_only=True)
    planned_visits: Mapped[int] = field(
        IntegerKind(0), label=msg("Visits planned"), required=True, default=0, read_only=True
    )
    done_visits: Mapped[int] = field(
        IntegerKind(0), label=msg("Visits made"), required=True, default=0, read_only=True
    )

    member: Mapped[Member | None] = relation(
        "Member", label=msg("Visitor"), foreign_key="VisitForm.member_id"
    )
    decided_by: Mapped[Member | None] = relation(
        "Member", label=msg("Decided by"), foreign_key="VisitForm.decided_by_id"
    )
    plans: Mapped[list[FollowUpPlan]] = relation(
        "FollowUpPlan", label=msg("Visits"), foreign_key="FollowUpPlan.visit_form_id"
    )

    __table_args__ = (
        Index("ix_visit_form_member_id_visit_on", "member_id", "visit_on", "id"),
        Index("ix_visit_form_visit_on", "visit_on", "id"),
        Index(
            "ix_visit_form_open",
            "visit_on",
            "id",
            postgresql_where=text("state = 'APPROVED' AND archived_at IS NULL"),
        ),
    )


contribute(
    FollowUpPlan,
    "visit_form_id",
    field(
        ReferenceKind("visit_form"),
        label=msg("Visit form"),
        references="visit_form.id",
        index=True,
        description="The day out on which it is to be done",
    ),
)
contribute(
    FollowUpPlan,
    "visit_position",
    field(
        IntegerKind(1, 1000),
        label=msg("Place in the route"),
        description="Proposed by planVisitRoute, moved by hand",
    ),
)
contribute(
    FollowUpPlan,
    "visit_form",
    relation("VisitForm", label=msg("Visit form"), foreign_key="FollowUpPlan.visit_form_id"),
)
contribute(
    Member,
    "keeps_attendance",
    field(
        FlagKind(),
        label=msg("Keeps attendance"),
        required=True,
        default=False,
        server_default="false",
        description="Is told who is out with customers, once a visit form is approved",
    ),
)
