"""Daily reports, their customer cards, and the emergency reports that come of them (F5)."""

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
    LocalisedKind,
    Option,
    Record,
    ReferenceKind,
    TextKind,
    field,
    relation,
    unique_among_living,
)
from kedang_tenants.customers.models import Customer
from kedang_tenants.followups.meetings import Meeting
from kedang_tenants.followups.models import FollowUpRecord
from kedang_tenants.people.models import Member

DAILY, RETURN_VISIT = "DAILY", "RETURN_VISIT"
REPORT_KINDS: Final = (
    Option(DAILY, msg("Daily report")),
    Option(RETURN_VISIT, msg("Daily return-visit report")),
)
DRAFT, SUBMITTED, RETURNED = "DRAFT", "SUBMITTED", "RETURNED"
REPORT_STATES: Final = (
    Option(DRAFT, msg("Draft")),
    Option(SUBMITTED, msg("Submitted")),
    Option(RETURNED, msg("Returned")),
)
OPEN, SETTLED, REPORTED = "OPEN", "SETTLED", "REPORTED"
SETTLEMENTS: Final = (
    Option(OPEN, msg("Waits for the manager")),
    Option(SETTLED, msg("Settled by the manager")),
    Option(REPORTED, msg("Reported upward")),
)
ACKNOWLEDGED: Final = "ACKNOWLEDGED"
EMERGENCY_STATES: Final = (
    Option(REPORTED, msg("Reported upward")),
    Option(ACKNOWLEDGED, msg("Acknowledged")),
)
_LONG: Final = TextKind(5000, multiline=True)


class DailyReport(Record):
    """What a member did with customers on a day: a daily report (日报), of an account manager a 每日回访报告.

    A draft is its writer's to edit; what was submitted stays as it is, unless whoever reads it returns it with a
    reason. A return-visit report gathers the daily reports that were submitted to the account manager.
    """

    __tablename__ = "daily_report"
    __prefix__ = "drp"
    __labels__ = (msg("Daily report"), msg("Daily reports"))
    __owner__ = ("member_id",)
    __co_owners__ = (("recipient_id",), ("manager_id",))
    __order__ = ("day",)
    __actions__ = frozenset({"update"})

    member_id: Mapped[UUID] = field(
        ReferenceKind("member"),
        label=msg("Written by"),
        required=True,
        references="member.id",
        read_only=True,
    )
    day: Mapped[date] = field(DayKind(), label=msg("Day"), required=True, read_only=True)
    kind: Mapped[str] = field(
        ChoiceKind(REPORT_KINDS), label=msg("Kind"), required=True, default=DAILY, read_only=True
    )
    state: Mapped[str] = field(
        ChoiceKind(REPORT_STATES), label=msg("State"), required=True, default=DRAFT, read_only=True
    )
    summary: Mapped[str | None] = field(
        _LONG, label=msg("Summary of the day"), sort=False, description="What the cards do not say"
    )
    made_at: Mapped[datetime | None] = field(
        InstantKind(),
        label=msg("Made at"),
        read_only=True,
        description="When cards were last made from the day's records",
    )
    submitted_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Submitted at"), read_only=True)
    recipient_id: Mapped[UUID | None] = field(
        ReferenceKind("member"),
        label=msg("Submitted to"),
        references="member.id",
        read_only=True,
        index=True,
        description="The account manager above whoever wrote it, else the manager",
    )
    manager_id: Mapped[UUID | None] = field(
        ReferenceKind("member"),
        label=msg("Company manager"),
        references="member.id",
        read_only=True,
        index=True,
        description="Who settles what is urgent, or reports it upward",
    )
    returned_by_id: Mapped[UUID | None] = field(
        ReferenceKind("member"),
        label=msg("Returned by"),
        references="member.id",
        read_only=True,
        description="Who returned it last; it may have been submitted again since",
    )
    returned_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Returned at"), read_only=True)
    returned_why: Mapped[str | None] = field(_LONG, label=msg("Returned because"), read_only=True, sort=False)
    gathered_in_id: Mapped[UUID | None] = field(
        ReferenceKind("daily_report"),
        label=msg("Gathered in"),
        references="daily_report.id",
        read_only=True,
        index=True,
        description="The return-visit report of the account manager to whom it was submitted",
    )

    member: Mapped[Member] = relation("Member", label=msg("Written by"), foreign_key="DailyReport.member_id")
    recipient: Mapped[Member | None] = relation(
        "Member", label=msg("Submitted to"), foreign_key="DailyReport.recipient_id"
    )
    manager: Mapped[Member | None] = relation(
        "Member", label=msg("Company manager"), foreign_key="DailyReport.manager_id"
    )
    returned_by: Mapped[Member | None] = relation(
        "Member", label=msg("Returned by"), foreign_key="DailyReport.returned_by_id"
    )
    gathered_in: Mapped[DailyReport | None] = relation(
        "DailyReport",
        label=msg("Gathered in"),
        foreign_key="DailyReport.gathered_in_id",
        remote_side="DailyReport.id",
    )
    gathered: Mapped[list[DailyReport]] = relation(
        "DailyReport", label=msg("Daily reports gathered in it"), foreign_key="DailyReport.gathered_in_id"
    )
    cards: Mapped[list[DailyReportCard]] = relation(
        "DailyReportCard", label=msg("Customer cards"), foreign_key="DailyReportCard.report_id"
    )

    __table_args__ = (
        Index("ix_daily_report_day", "day", "id"),
        Index("ix_daily_report_member_id_day", "member_id", "day", "id"),
        Index(
            "ix_daily_report_draft",
            "day",
            "member_id",
            postgresql_where=text("state = 'DRAFT' AND archived_at IS NULL"),
        ),
        Index(
            "ix_daily_report_returned",
            "day",
            "member_id",
            postgresql_where=text("state = 'RETURNED' AND archived_at IS NULL"),
        ),
    )


unique_among_living(DailyReport, ("member_id", "day"))


class DailyReportCard(Record):
    """A customer card (客户卡) of a daily report: what a customer said and what came of it.

    Cards are made from the day's follow-up records and meetings, or written by hand. One that somebody has
    edited is not made anew.
    """

    __tablename__ = "daily_report_card"
    __prefix__ = "drc"
    __labels__ = (msg("Customer card"), msg("Customer cards"))
    __owner__ = ("report", "member_id")
    __co_owners__ = (("report", "recipient_id"), ("report", "manager_id"))
    __order__ = ("at",)

    report_id: Mapped[UUID] = field(
        ReferenceKind("daily_report"),
        label=msg("Daily report"),
        required=True,
        references="daily_report.id",
        create_only=True,
    )
    customer_id: Mapped[UUID] = field(
        ReferenceKind("customer"),
        label=msg("Customer"),
        required=True,
        references="customer.id",
        create_only=True,
    )
    at: Mapped[datetime] = field(InstantKind(), label=msg("Time"), required=True)
    wishes: Mapped[str | None] = field(_LONG, label=msg("Problems and wishes"), sort=False)
    matters: Mapped[str | None] = field(_LONG, label=msg("Important matters and their outcome"), sort=False)
    market: Mapped[str | None] = field(_LONG, label=msg("Market and competitors"), sort=False)
    reaction: Mapped[str | None] = field(_LONG, label=msg("Reaction of the customer"), sort=False)
    other: Mapped[str | None] = field(_LONG, label=msg("Other matters"), sort=False)
    urgent: Mapped[bool] = field(
        FlagKind(),
        label=msg("Urgent"),
        required=True,
        default=False,
        description="Waits for the company manager once the report is submitted",
    )
    settlement: Mapped[str | None] = field(
        ChoiceKind(SETTLEMENTS),
        label=msg("What became of it"),
        read_only=True,
        description="Of an urgent card that was submitted",
    )
    settled_how: Mapped[str | None] = field(_LONG, label=msg("Settled how"), read_only=True, sort=False)
    settled_by_id: Mapped[UUID | None] = field(
        ReferenceKind("member"), label=msg("Settled by"), references="member.id", read_only=True
    )
    settled_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Settled at"), read_only=True)
    edited: Mapped[bool] = field(
        FlagKind(),
        label=msg("Edited by hand"),
        required=True,
        default=False,
        read_only=True,
        description="Such a card is left alone when cards are made anew",
    )
    follow_up_record_id: Mapped[UUID | None] = field(
        ReferenceKind("follow_up_record"),
        label=msg("Follow-up record"),
        references="follow_up_record.id",
        read_only=True,
        index=True,
        description="What the card was made from",
    )
    meeting_id: Mapped[UUID | None] = field(
        ReferenceKind("meeting"),
        label=msg("Meeting"),
        references="meeting.id",
        read_only=True,
        index=True,
        description="What the card was made from",
    )

    report: Mapped[DailyReport] = relation(
        "DailyReport", label=msg("Daily report"), foreign_key="DailyReportCard.report_id"
    )
    customer: Mapped[Customer] = relation(
        "Customer", label=msg("Customer"), foreign_key="DailyReportCard.customer_id"
    )
    settled_by: Mapped[Member | None] = relation(
        "Member", label=msg("Settled by"), foreign_key="DailyReportCard.settled_by_id"
    )
    follow_up_record: Mapped[FollowUpRecord | None] = relation(
        "FollowUpRecord", label=msg("Follow-up record"), foreign_key="DailyReportCard.follow_up_record_id"
    )
    meeting: Mapped[Meeting | None] = relation(
        "Meeting", label=msg("Meeting"), foreign_key="DailyReportCard.meeting_id"
    )

    __table_args__ = (
        Index("ix_daily_report_card_report_id", "report_id", "at", "id"),
        Index("ix_daily_report_card_customer_id_at", "customer_id", "at", "id"),
        Index("ix_daily_report_card_at", "at", "id"),
        Index(
            "ix_daily_report_card_open",
            "report_id",
            postgresql_where=text("settlement = 'OPEN' AND archived_at IS NULL"),
        ),
    )


class EmergencyReport(Record):
    """An emergency report (走访应急报告): what a manager cannot settle alone, until somebody above acknowledges it."""

    __tablename__ = "emergency_report"
    __prefix__ = "emr"
    __labels__ = (msg("Emergency report"), msg("Emergency reports"))
    __owner__ = ("reporter_id",)
    __co_owners__ = (("customer", "owner_id"), ("card", "report", "member_id"))
    __order__ = ("reported_at",)
    __actions__ = frozenset()

    reporter_id: Mapped[UUID] = field(
        ReferenceKind("member"),
        label=msg("Reported by"),
        required=True,
        references="member.id",
        read_only=True,
    )
    customer_id: Mapped[UUID | None] = field(
        ReferenceKind("customer"),
        label=msg("Customer"),
        references="customer.id",
        read_only=True,
        index=True,
        description="Empty where it concerns no single one",
    )
    card_id: Mapped[UUID | None] = field(
        ReferenceKind("daily_report_card"),
        label=msg("Customer card"),
        references="daily_report_card.id",
        read_only=True,
        index=True,
        description="The urgent card that it comes from",
    )
    kind: Mapped[str] = field(
        TextKind(40),
        label=msg("Kind"),
        required=True,
        read_only=True,
        description="The code of one of the company's kinds of emergency",
    )
    kind_name: Mapped[dict[str, str]] = field(
        LocalisedKind(100),
        label=msg("Name of the kind"),
        required=True,
        read_only=True,
        description="As it was called when it was reported",
    )
    subject: Mapped[str] = field(TextKind(200), label=msg("Subject"), required=True, read_only=True)
    content: Mapped[str] = field(
        TextKind(20_000, multiline=True),
        label=msg("What happened"),
        required=True,
        read_only=True,
        sort=False,
    )
    proposal: Mapped[str | None] = field(_LONG, label=msg("What is proposed"), read_only=True, sort=False)
    state: Mapped[str] = field(
        ChoiceKind(EMERGENCY_STATES), label=msg("State"), required=True, default=REPORTED, read_only=True
    )
    reported_at: Mapped[datetime] = field(
        InstantKind(), label=msg("Reported at"), required=True, read_only=True
    )
    acknowledged_by_id: Mapped[UUID | None] = field(
        ReferenceKind("member"), label=msg("Acknowledged by"), references="member.id", read_only=True
    )
    acknowledged_at: Mapped[datetime | None] = field(
        InstantKind(), label=msg("Acknowledged at"), read_only=True
    )
    instruction: Mapped[str | None] = field(
        _LONG, label=msg("What is to be done"), read_only=True, sort=False
    )

    reporter: Mapped[Member] = relation(
        "Member", label=msg("Reported by"), foreign_key="EmergencyReport.reporter_id"
    )
    customer: Mapped[Customer | None] = relation(
        "Customer", label=msg("Customer"), foreign_key="EmergencyReport.customer_id"
    )
    card: Mapped[DailyReportCard | None] = relation(
        "DailyReportCard", label=msg("Customer card"), foreign_key="EmergencyReport.card_id"
    )
    acknowledged_by: Mapped[Member | None] = relation(
        "Member", label=msg("Acknowledged by"), foreign_key="EmergencyReport.acknowledged_by_id"
    )

    __table_args__ = (
        Index("ix_emergency_report_reporter_id_reported_at", "reporter_id", "reported_at", "id"),
        Index("ix_emergency_report_reported_at", "reported_at", "id"),
        Index(
            "ix_emergency_report_open",
            "reported_at",
            postgresql_where=text("state = 'REPORTED' AND archived_at IS NULL"),
        ),
    )


_contacts = FollowUpRecord.__table__.c
Index("ix_follow_up_record_member_id_at", _contacts.member_id, _contacts.at, _contacts.id)
