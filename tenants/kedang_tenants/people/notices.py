"""Notices (提醒): what the product tells a member, kept in their inbox, and how each wants to be told (T10)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import (
    ChoiceKind,
    DocumentKind,
    FlagKind,
    InstantKind,
    LocalisedKind,
    Option,
    Record,
    ReferenceKind,
    TextKind,
    TimeOfDayKind,
    field,
    relation,
    unique_among_living,
)
from kedang_tenants.people.models import Member

FOLLOW_UPS_DUE = "FOLLOW_UPS_DUE"
SEATS_CONFIRMED = "SEATS_CONFIRMED"
SUBSCRIPTION = "SUBSCRIPTION"
REQUEST_ASSIGNED = "REQUEST_ASSIGNED"
REQUEST_OVERDUE = "REQUEST_OVERDUE"
REQUEST_ANSWERED_BY_CUSTOMER = "REQUEST_ANSWERED_BY_CUSTOMER"
UNHAPPY_ANSWER = "UNHAPPY_ANSWER"
REPORT_READY = "REPORT_READY"
REPORT_FAILED = "REPORT_FAILED"
WEBHOOK_DISABLED = "WEBHOOK_DISABLED"
APPROVAL_WAITING = "APPROVAL_WAITING"
APPROVAL_DECIDED = "APPROVAL_DECIDED"
HANDOVER = "HANDOVER"
OVERDUE_ESCALATED = "OVERDUE_ESCALATED"
CALENDAR_MISSING = "CALENDAR_MISSING"
MAIL_UNDELIVERABLE = "MAIL_UNDELIVERABLE"
MINUTES_WAITING = "MINUTES_WAITING"
MEETING = "MEETING"
GRADE_CHANGED = "GRADE_CHANGED"
GRADE_ENDING = "GRADE_ENDING"
POOL = "POOL"
HOT_CUSTOMER = "HOT_CUSTOMER"
DAILY_REPORT = "DAILY_REPORT"
EMERGENCY_REPORT = "EMERGENCY_REPORT"
WATCH_LIST = "WATCH_LIST"
MINUTES_ANSWERED = "MINUTES_ANSWERED"

KINDS: Final = (
    Option(FOLLOW_UPS_DUE, msg("Follow-ups are due")),
    Option(SEATS_CONFIRMED, msg("Seats were paid")),
    Option(SUBSCRIPTION, msg("The subscription changes")),
    Option(REQUEST_ASSIGNED, msg("A service request was assigned")),
    Option(REQUEST_OVERDUE, msg("A service request is overdue")),
    Option(REQUEST_ANSWERED_BY_CUSTOMER, msg("A customer answered in a service request")),
    Option(UNHAPPY_ANSWER, msg("A customer is not satisfied")),
    Option(REPORT_READY, msg("A report is ready")),
    Option(REPORT_FAILED, msg("A report failed")),
    Option(WEBHOOK_DISABLED, msg("A webhook was switched off")),
    Option(APPROVAL_WAITING, msg("An approval waits for you")),
    Option(APPROVAL_DECIDED, msg("What you asked for was decided")),
    Option(HANDOVER, msg("A handover concerns you")),
    Option(OVERDUE_ESCALATED, msg("Your people are behind")),
    Option(CALENDAR_MISSING, msg("The calendar of next year is missing")),
    Option(MAIL_UNDELIVERABLE, msg("Mails to a customer do not arrive")),
    Option(MINUTES_WAITING, msg("Minutes wait for your review")),
    Option(MEETING, msg("A meeting concerns you")),
    Option(GRADE_CHANGED, msg("The grade of a customer changed")),
    Option(GRADE_ENDING, msg("A grade given by hand is about to end")),
    Option(POOL, msg("The public pool concerns you")),
    Option(HOT_CUSTOMER, msg("A hot customer concerns you")),
    Option(DAILY_REPORT, msg("A daily report waits for you")),
    Option(EMERGENCY_REPORT, msg("An emergency report concerns you")),
    Option(WATCH_LIST, msg("A customer on the watch list needs you")),
    Option(MINUTES_ANSWERED, msg("A customer answered to minutes")),
)

DIGEST_AT: Final = "08:30"
"""When the mail of the day leaves for who has chosen no time; after the reminders of eight o'clock."""

EMAIL, DIGEST, INBOX = "EMAIL", "DIGEST", "INBOX"
CHANNELS: Final = (
    Option(EMAIL, msg("By mail at once")),
    Option(DIGEST, msg("In the mail of the day")),
    Option(INBOX, msg("In the inbox only")),
)

QUEUED, SENT, REJECTED, UNKNOWN, NOT_SENT = "QUEUED", "SENT", "REJECTED", "UNKNOWN", "NOT_SENT"
MAIL_STATES: Final = (
    Option(QUEUED, msg("On its way")),
    Option(SENT, msg("Sent")),
    Option(REJECTED, msg("Returned or refused")),
    Option(UNKNOWN, msg("Perhaps sent")),
    Option(NOT_SENT, msg("Not sent")),
)


class Notice(Record):
    """One notice to one member. ``occasion`` names the event, so that nobody is told twice of one."""

    __tablename__ = "notice"
    __prefix__ = "not"
    __labels__ = (msg("Notice"), msg("Notices"))
    __owner__ = ("member_id",)
    __about__ = "about"
    __order__ = ("created_at",)
    __actions__ = frozenset()

    member_id: Mapped[UUID] = field(
        ReferenceKind("member"), label=msg("Member"), required=True, references="member.id", read_only=True
    )
    kind: Mapped[str] = field(ChoiceKind(KINDS), label=msg("Kind"), required=True, read_only=True)
    title: Mapped[dict[str, str]] = field(
        LocalisedKind(300), label=msg("Title"), required=True, read_only=True
    )
    body: Mapped[dict[str, str]] = field(
        LocalisedKind(20_000, multiline=True),
        label=msg("Body"),
        required=True,
        read_only=True,
        exported=False,
    )
    details: Mapped[dict[str, Any] | None] = field(
        DocumentKind(), label=msg("Details"), read_only=True, exported=False
    )
    about: Mapped[str | None] = field(
        TextKind(40),
        label=msg("About"),
        description=msg("The id of the record that the notice is about."),
        read_only=True,
    )
    read_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Read at"), read_only=True)
    channel: Mapped[str] = field(
        ChoiceKind(CHANNELS), label=msg("Channel"), required=True, default=INBOX, read_only=True
    )
    mailed_at: Mapped[datetime | None] = field(
        InstantKind(), label=msg("Given to the mail at"), read_only=True
    )
    mail_state: Mapped[str | None] = field(
        ChoiceKind(MAIL_STATES),
        label=msg("Mail"),
        description=msg("What became of the notice's mail; nothing while it has none."),
        read_only=True,
    )
    mail_key: Mapped[str | None] = field(TextKind(200), label=msg("Key of the mail"), hidden=True)
    occasion: Mapped[str] = field(TextKind(100), label=msg("Occasion"), required=True, hidden=True)

    member: Mapped[Member] = relation("Member", label=msg("Member"), foreign_key="Notice.member_id")

    __table_args__ = (
        Index("ix_notice_member_id_created_at", "member_id", "created_at", "id"),
        Index("ix_notice_unread", "member_id", postgresql_where=text("read_at IS NULL")),
        Index("ix_notice_mail_key", "mail_key", postgresql_where=text("mail_key IS NOT NULL")),
        Index(
            "ix_notice_for_digest",
            "member_id",
            "id",
            postgresql_where=text("channel = 'DIGEST' AND mailed_at IS NULL"),
        ),
    )


unique_among_living(Notice, ("member_id", "occasion"))


class NoticePreference(Record):
    """How a member wants to be told of one kind; where there is none, the default of the kind holds."""

    __tablename__ = "notice_preference"
    __prefix__ = "npr"
    __labels__ = (msg("Choice for notices"), msg("Choices for notices"))
    __owner__ = ("member_id",)
    __order__ = ("kind",)
    __actions__ = frozenset()

    member_id: Mapped[UUID] = field(
        ReferenceKind("member"), label=msg("Member"), required=True, references="member.id", read_only=True
    )
    kind: Mapped[str] = field(ChoiceKind(KINDS), label=msg("Kind"), required=True, read_only=True)
    channel: Mapped[str] = field(ChoiceKind(CHANNELS), label=msg("Channel"), required=True, read_only=True)
    webhook: Mapped[bool] = field(
        FlagKind(),
        label=msg("By webhook, too"),
        description=msg("Told to the member's own webhooks that ask for NOTICE_CREATED."),
        required=True,
        default=True,
        server_default="true",
        read_only=True,
    )

    member: Mapped[Member] = relation("Member", label=msg("Member"), foreign_key="NoticePreference.member_id")


unique_among_living(NoticePreference, ("member_id", "kind"))


class NoticeSchedule(Record):
    """When a member wants mails of notices; where there is none, at any time, and the mail of the day at 08:30.

    Between ``quiet_from`` and ``quiet_until`` no mail leaves; what is told meanwhile leaves when they end.
    """

    __tablename__ = "notice_schedule"
    __prefix__ = "nsc"
    __labels__ = (msg("Times for notices"), msg("Times for notices"))
    __owner__ = ("member_id",)
    __order__ = ("created_at",)
    __actions__ = frozenset()

    member_id: Mapped[UUID] = field(
        ReferenceKind("member"), label=msg("Member"), required=True, references="member.id", read_only=True
    )
    quiet_from: Mapped[str | None] = field(TimeOfDayKind(), label=msg("Quiet from"), read_only=True)
    quiet_until: Mapped[str | None] = field(TimeOfDayKind(), label=msg("Quiet until"), read_only=True)
    digest_at: Mapped[str] = field(
        TimeOfDayKind(), label=msg("Mail of the day at"), required=True, default=DIGEST_AT, read_only=True
    )
    time_zone: Mapped[str | None] = field(
        TextKind(64),
        label=msg("Time zone"),
        description=msg("That of the company where none is said."),
        read_only=True,
    )

    member: Mapped[Member] = relation("Member", label=msg("Member"), foreign_key="NoticeSchedule.member_id")


unique_among_living(NoticeSchedule, ("member_id",))
