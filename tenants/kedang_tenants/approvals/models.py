"""What is asked, whose turn it is, what was done about it; how each kind goes, and who stands in for whom."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import (
    ChoiceKind,
    CurrencyKind,
    DayKind,
    DocumentKind,
    FlagKind,
    InstantKind,
    IntegerKind,
    LocalisedKind,
    MoneyKind,
    Option,
    Record,
    ReferenceKind,
    TextKind,
    field,
    relation,
)
from kedang_tenants.people.models import Member

OPEN, RETURNED, APPROVED, REFUSED, WITHDRAWN = "OPEN", "RETURNED", "APPROVED", "REFUSED", "WITHDRAWN"
STATES: Final = (
    Option(OPEN, msg("Open")),
    Option(RETURNED, msg("Returned")),
    Option(APPROVED, msg("Approved")),
    Option(REFUSED, msg("Refused")),
    Option(WITHDRAWN, msg("Withdrawn")),
)
FINAL: Final = frozenset({APPROVED, REFUSED, WITHDRAWN})

ASKED, RESUBMITTED, ESCALATED, NOBODY_ELSE, NO_STEP = (
    "ASKED",
    "RESUBMITTED",
    "ESCALATED",
    "NOBODY_ELSE",
    "NO_STEP",
)
EVENTS: Final = (
    Option(ASKED, msg("Asked")),
    Option(APPROVED, msg("Approved")),
    Option(RETURNED, msg("Returned")),
    Option(REFUSED, msg("Refused")),
    Option(WITHDRAWN, msg("Withdrawn")),
    Option(RESUBMITTED, msg("Submitted again")),
    Option(ESCALATED, msg("Passed on to superiors")),
    Option(NOBODY_ELSE, msg("Nobody else could decide")),
    Option(NO_STEP, msg("No step applies")),
)


class ApprovalFlow(Record):
    """How requests of a kind are decided in this company; where there is none, the kind's default holds."""

    __tablename__ = "approval_flow"
    __prefix__ = "afl"
    __labels__ = (msg("Approval flow"), msg("Approval flows"))
    __order__ = ("kind",)
    __actions__ = frozenset()

    kind: Mapped[str] = field(TextKind(60), label=msg("Kind"), required=True, unique=True, read_only=True)
    steps: Mapped[dict[str, Any]] = field(
        DocumentKind(),
        label=msg("Steps"),
        description=msg("The steps, and up to which amount each role decides."),
        required=True,
        read_only=True,
        exported=False,
    )
    set_by_id: Mapped[UUID | None] = field(
        ReferenceKind("member"), label=msg("Set by"), references="member.id", read_only=True
    )

    set_by: Mapped[Member | None] = relation(
        "Member", label=msg("Set by"), foreign_key="ApprovalFlow.set_by_id"
    )


class ApprovalDeputy(Record):
    """Who decides in a member's place from one day to another, both included, in the company's zone."""

    __tablename__ = "approval_deputy"
    __prefix__ = "adp"
    __labels__ = (msg("Deputy"), msg("Deputies"))
    __plural__ = "approvalDeputies"
    __owner__ = ("member_id",)
    __co_owners__ = (("deputy_id",),)
    __order__ = ("from_day",)
    __actions__ = frozenset()

    member_id: Mapped[UUID] = field(
        ReferenceKind("member"),
        label=msg("Member"),
        required=True,
        references="member.id",
        index=True,
        read_only=True,
    )
    deputy_id: Mapped[UUID] = field(
        ReferenceKind("member"),
        label=msg("Deputy"),
        required=True,
        references="member.id",
        index=True,
        read_only=True,
    )
    from_day: Mapped[date] = field(DayKind(), label=msg("First day"), required=True, read_only=True)
    until_day: Mapped[date] = field(DayKind(), label=msg("Last day"), required=True, read_only=True)
    reason: Mapped[str | None] = field(TextKind(200), label=msg("Reason"), read_only=True)
    set_by_id: Mapped[UUID | None] = field(
        ReferenceKind("member"), label=msg("Set by"), references="member.id", read_only=True
    )

    member: Mapped[Member] = relation("Member", label=msg("Member"), foreign_key="ApprovalDeputy.member_id")
    deputy: Mapped[Member] = relation("Member", label=msg("Deputy"), foreign_key="ApprovalDeputy.deputy_id")
    set_by: Mapped[Member | None] = relation(
        "Member", label=msg("Set by"), foreign_key="ApprovalDeputy.set_by_id"
    )


class ApprovalRequest(Record):
    """Something that waits for a decision, or was decided on.

    ``stage`` counts up whenever the request moves: whoever decides says which one they mean. ``steps``
    is the flow as it was when it was asked; ``step`` is the one that is open, from 1. ``barred`` holds
    who may not decide beside the asker, ``payload`` what the kind needs to do what was approved.
    """

    __tablename__ = "approval_request"
    __prefix__ = "apr"
    __labels__ = (msg("Approval request"), msg("Approval requests"))
    __owner__ = ("asked_by_id",)
    __co_owners__ = (("turns", "member_id"),)
    __order__ = ("created_at",)
    __actions__ = frozenset()

    kind: Mapped[str] = field(
        TextKind(60),
        label=msg("Kind"),
        description=msg("What is asked for: “rule.version” and so on."),
        required=True,
        read_only=True,
    )
    summary: Mapped[dict[str, str]] = field(
        LocalisedKind(300), label=msg("Summary"), required=True, read_only=True
    )
    about: Mapped[str | None] = field(
        TextKind(40),
        label=msg("About"),
        description=msg("The id of the record that the request is about."),
        index=True,
        read_only=True,
    )
    amount: Mapped[int | None] = field(MoneyKind(0), label=msg("Amount"), currency="currency", read_only=True)
    currency: Mapped[str | None] = field(CurrencyKind(), label=msg("Currency"), read_only=True)
    asked_by_id: Mapped[UUID | None] = field(
        ReferenceKind("member"), label=msg("Asked by"), references="member.id", read_only=True
    )
    state: Mapped[str] = field(
        ChoiceKind(STATES), label=msg("State"), required=True, default=OPEN, read_only=True
    )
    stage: Mapped[int] = field(
        IntegerKind(1),
        label=msg("Stage"),
        description=msg("Counts up whenever the request moves; whoever decides says which stage they mean."),
        required=True,
        default=1,
        read_only=True,
    )
    step: Mapped[int] = field(
        IntegerKind(1),
        label=msg("Step"),
        description=msg("The step of the flow that is open, from 1."),
        required=True,
        default=1,
        read_only=True,
    )
    steps: Mapped[dict[str, Any]] = field(
        DocumentKind(),
        label=msg("Steps"),
        description=msg("The flow as it was when this was asked."),
        required=True,
        default=dict,
        read_only=True,
        exported=False,
    )
    flow_version: Mapped[int] = field(
        IntegerKind(0),
        label=msg("Version of the flow"),
        description=msg("0 is the product's own flow."),
        required=True,
        default=0,
        read_only=True,
    )
    waiting_since: Mapped[date | None] = field(
        DayKind(),
        label=msg("Waiting since"),
        description=msg("The day on which those who may decide now were asked."),
        read_only=True,
    )
    escalation: Mapped[int] = field(
        IntegerKind(0, 100),
        label=msg("Times passed on"),
        description=msg("How often the open step was passed on to superiors."),
        required=True,
        default=0,
        read_only=True,
    )
    decided_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Decided at"), read_only=True)
    decided_by_id: Mapped[UUID | None] = field(
        ReferenceKind("member"), label=msg("Decided by"), references="member.id", read_only=True
    )
    nobody_else: Mapped[bool] = field(
        FlagKind(), label=msg("Nobody else could decide"), required=True, default=False, read_only=True
    )
    remark: Mapped[str | None] = field(
        TextKind(2000, multiline=True),
        label=msg("Remark"),
        description=msg("What was said with the last decision."),
        read_only=True,
    )
    payload: Mapped[dict[str, Any]] = field(
        DocumentKind(), label=msg("Payload"), required=True, default=dict, hidden=True
    )
    barred: Mapped[dict[str, Any]] = field(
        DocumentKind(), label=msg("May not decide"), required=True, default=dict, hidden=True
    )

    asked_by: Mapped[Member | None] = relation(
        "Member", label=msg("Asked by"), foreign_key="ApprovalRequest.asked_by_id"
    )
    decided_by: Mapped[Member | None] = relation(
        "Member", label=msg("Decided by"), foreign_key="ApprovalRequest.decided_by_id"
    )
    turns: Mapped[list[ApprovalTurn]] = relation(
        "ApprovalTurn", label=msg("Whose turn it is"), foreign_key="ApprovalTurn.request_id"
    )
    events: Mapped[list[ApprovalEvent]] = relation(
        "ApprovalEvent", label=msg("History"), foreign_key="ApprovalEvent.request_id"
    )

    __table_args__ = (
        Index("ix_approval_request_asked_by_id_created_at", "asked_by_id", "created_at", "id"),
        Index("ix_approval_request_created_at", "created_at", "id"),
        Index("ix_approval_request_open", "id", postgresql_where=text("state = 'OPEN'")),
        Index(
            "uq_approval_request_unsettled",
            "kind",
            "about",
            "asked_by_id",
            unique=True,
            postgresql_where=text("state IN ('OPEN', 'RETURNED') AND archived_at IS NULL"),
        ),
    )


class ApprovalTurn(Record):
    """Whose turn it is, or was, to decide on a request: a member's own, or as the deputy of another."""

    __tablename__ = "approval_turn"
    __prefix__ = "atu"
    __labels__ = (msg("Turn to decide"), msg("Turns to decide"))
    __owner__ = ("member_id",)
    __co_owners__ = (("request", "asked_by_id"), ("request", "turns", "member_id"))
    __order__ = ("created_at",)
    __actions__ = frozenset()

    request_id: Mapped[UUID] = field(
        ReferenceKind("approval_request"),
        label=msg("Approval request"),
        required=True,
        references="approval_request.id",
        read_only=True,
    )
    member_id: Mapped[UUID] = field(
        ReferenceKind("member"), label=msg("Member"), required=True, references="member.id", read_only=True
    )
    for_member_id: Mapped[UUID | None] = field(
        ReferenceKind("member"),
        label=msg("In place of"),
        description=msg("Whom the deputy stands in for."),
        references="member.id",
        read_only=True,
    )
    stage: Mapped[int] = field(IntegerKind(1), label=msg("Stage"), required=True, default=1, read_only=True)
    open: Mapped[bool] = field(FlagKind(), label=msg("Open"), required=True, default=True, read_only=True)

    request: Mapped[ApprovalRequest] = relation(
        "ApprovalRequest", label=msg("Approval request"), foreign_key="ApprovalTurn.request_id"
    )
    member: Mapped[Member] = relation("Member", label=msg("Member"), foreign_key="ApprovalTurn.member_id")
    for_member: Mapped[Member | None] = relation(
        "Member", label=msg("In place of"), foreign_key="ApprovalTurn.for_member_id"
    )

    __table_args__ = (
        Index("ix_approval_turn_request_id_member_id", "request_id", "member_id"),
        Index("ix_approval_turn_member_id_created_at", "member_id", "created_at", "id"),
    )


class ApprovalEvent(Record):
    """One thing that happened to a request; written once, never changed."""

    __tablename__ = "approval_event"
    __prefix__ = "aev"
    __labels__ = (msg("Event of an approval"), msg("Events of approvals"))
    __owner__ = ("request", "asked_by_id")
    __co_owners__ = (("request", "turns", "member_id"),)
    __order__ = ("created_at",)
    __actions__ = frozenset()

    request_id: Mapped[UUID] = field(
        ReferenceKind("approval_request"),
        label=msg("Approval request"),
        required=True,
        references="approval_request.id",
        read_only=True,
    )
    kind: Mapped[str] = field(ChoiceKind(EVENTS), label=msg("What happened"), required=True, read_only=True)
    stage: Mapped[int] = field(IntegerKind(1), label=msg("Stage"), required=True, read_only=True)
    step: Mapped[int] = field(IntegerKind(1), label=msg("Step"), required=True, read_only=True)
    member_id: Mapped[UUID | None] = field(
        ReferenceKind("member"), label=msg("By"), references="member.id", read_only=True
    )
    for_member_id: Mapped[UUID | None] = field(
        ReferenceKind("member"), label=msg("In place of"), references="member.id", read_only=True
    )
    remark: Mapped[str | None] = field(TextKind(2000, multiline=True), label=msg("Remark"), read_only=True)

    request: Mapped[ApprovalRequest] = relation(
        "ApprovalRequest", label=msg("Approval request"), foreign_key="ApprovalEvent.request_id"
    )
    member: Mapped[Member | None] = relation("Member", label=msg("By"), foreign_key="ApprovalEvent.member_id")
    for_member: Mapped[Member | None] = relation(
        "Member", label=msg("In place of"), foreign_key="ApprovalEvent.for_member_id"
    )

    __table_args__ = (
        Index("ix_approval_event_request_id_created_at", "request_id", "created_at", "id"),
        # What moves a request on happens once in a stage, whatever runs side by side.
        Index(
            "uq_approval_event_request_id_stage",
            "request_id",
            "stage",
            unique=True,
            postgresql_where=text("kind IN ('APPROVED', 'RETURNED', 'REFUSED', 'WITHDRAWN')"),
        ),
    )
