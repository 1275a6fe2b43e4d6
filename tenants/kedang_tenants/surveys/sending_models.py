"""What people do to have a survey answered: sendings to an audience, and links that everybody gets (V3)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Index, LargeBinary, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import (
    ChoiceKind,
    InstantKind,
    IntegerKind,
    Option,
    Record,
    ReferenceKind,
    TextKind,
    contribute,
    field,
    relation,
)
from kedang_tenants.people.models import Member
from kedang_tenants.surveys.models import BY_HAND, Questionnaire, SurveyInvitation

CAMPAIGN, PROMOTION = "CAMPAIGN", "PROMOTION"
SCHEDULED, RUNNING, PAUSED, DONE = "SCHEDULED", "RUNNING", "PAUSED", "DONE"
CANCELLED, FAILED = "CANCELLED", "FAILED"
SENDER_LEFT, QUESTIONNAIRE_INACTIVE = "SENDER_LEFT", "QUESTIONNAIRE_INACTIVE"
INTERNAL_ERROR: Final = "INTERNAL_ERROR"

SENDING_KINDS: Final = (
    Option(BY_HAND, msg("By hand")),
    Option(CAMPAIGN, msg("Campaign")),
    Option(PROMOTION, msg("Promotion")),
)
SENDING_STATES: Final = (
    Option(SCHEDULED, msg("Waits for its time")),
    Option(RUNNING, msg("Being sent out")),
    Option(PAUSED, msg("Paused")),
    Option(DONE, msg("Sent out")),
    Option(CANCELLED, msg("Cancelled")),
    Option(FAILED, msg("Failed")),
)
_REASONS: Final = (
    Option(SENDER_LEFT, msg("Whoever sent it is no longer an active member")),
    Option(QUESTIONNAIRE_INACTIVE, msg("The questionnaire was put to rest")),
    Option(INTERNAL_ERROR, msg("It could not be carried out")),
)
_COUNT: Final = IntegerKind(0)


class SurveySending(Record):
    """A questionnaire sent to an audience: how far it is, and what can still be done about it.

    The audience is found when it is sent, with the rights that its sender has then; ``place`` is how far
    the walk over it has come.
    """

    __tablename__ = "survey_sending"
    __prefix__ = "sse"
    __labels__ = (msg("Sending of a survey"), msg("Sendings of surveys"))
    __owner__ = ("started_by_id",)
    __order__ = ("created_at",)
    __actions__ = frozenset()

    questionnaire_id: Mapped[UUID] = field(
        ReferenceKind("questionnaire"),
        label=msg("Questionnaire"),
        required=True,
        references="questionnaire.id",
        read_only=True,
    )
    kind: Mapped[str] = field(ChoiceKind(SENDING_KINDS), label=msg("Kind"), required=True, read_only=True)
    name: Mapped[str | None] = field(TextKind(200), label=msg("Name"), read_only=True)
    started_by_id: Mapped[UUID | None] = field(
        ReferenceKind("member"), label=msg("Started by"), references="member.id", read_only=True
    )
    state: Mapped[str] = field(
        ChoiceKind(SENDING_STATES), label=msg("State"), required=True, default=SCHEDULED, read_only=True
    )
    send_at: Mapped[datetime] = field(
        InstantKind(),
        label=msg("To be sent at"),
        required=True,
        read_only=True,
        description="Nobody is written to before; quiet hours move single mails further",
    )
    total: Mapped[int | None] = field(
        _COUNT,
        label=msg("Size of the audience"),
        read_only=True,
        description="Known once it is being sent out",
    )
    seen: Mapped[int] = field(_COUNT, label=msg("Dealt with"), required=True, default=0, read_only=True)
    invited: Mapped[int] = field(_COUNT, label=msg("Invited"), required=True, default=0, read_only=True)
    left_out: Mapped[int] = field(
        _COUNT,
        label=msg("Left out"),
        required=True,
        default=0,
        read_only=True,
        description="The reason stands in each invitation",
    )
    failed_because: Mapped[str | None] = field(
        ChoiceKind(_REASONS), label=msg("Failed because"), read_only=True
    )
    finished_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Finished at"), read_only=True)
    audience: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    place: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    job_id: Mapped[UUID | None] = mapped_column(Uuid)

    questionnaire: Mapped[Questionnaire] = relation(
        "Questionnaire", label=msg("Questionnaire"), foreign_key="SurveySending.questionnaire_id"
    )
    started_by: Mapped[Member | None] = relation(
        "Member", label=msg("Started by"), foreign_key="SurveySending.started_by_id"
    )
    invitations: Mapped[list[SurveyInvitation]] = relation(
        "SurveyInvitation", label=msg("Invitations"), foreign_key="SurveyInvitation.sending_id"
    )

    __table_args__ = (
        Index("ix_survey_sending_questionnaire_id", "questionnaire_id", "created_at", "id"),
        Index("ix_survey_sending_started_by_id", "started_by_id", "created_at", "id"),
    )


class SurveyLink(Record):
    """A link, also as a QR code, by which anybody may answer without being invited or named.

    Of its token only the hash is kept; it is worked out from the id.
    """

    __tablename__ = "survey_link"
    __prefix__ = "sln"
    __labels__ = (msg("Link of a survey"), msg("Links of surveys"))
    __owner__ = ("made_by_id",)
    __order__ = ("created_at",)
    __actions__ = frozenset()

    questionnaire_id: Mapped[UUID] = field(
        ReferenceKind("questionnaire"),
        label=msg("Questionnaire"),
        required=True,
        references="questionnaire.id",
        read_only=True,
    )
    name: Mapped[str] = field(
        TextKind(200),
        label=msg("Name"),
        required=True,
        read_only=True,
        description="Where it is shown, such as a counter or a leaflet",
    )
    made_by_id: Mapped[UUID | None] = field(
        ReferenceKind("member"), label=msg("Made by"), references="member.id", read_only=True
    )
    expires_at: Mapped[datetime] = field(
        InstantKind(), label=msg("Expires at"), required=True, read_only=True
    )
    revoked_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Revoked at"), read_only=True)
    token_hash: Mapped[bytes | None] = mapped_column(LargeBinary)

    questionnaire: Mapped[Questionnaire] = relation(
        "Questionnaire", label=msg("Questionnaire"), foreign_key="SurveyLink.questionnaire_id"
    )
    made_by: Mapped[Member | None] = relation(
        "Member", label=msg("Made by"), foreign_key="SurveyLink.made_by_id"
    )
    invitations: Mapped[list[SurveyInvitation]] = relation(
        "SurveyInvitation", label=msg("Invitations"), foreign_key="SurveyInvitation.link_id"
    )

    __table_args__ = (
        Index("uq_survey_link_token_hash", "token_hash", unique=True),
        Index("ix_survey_link_questionnaire_id", "questionnaire_id", "created_at", "id"),
        Index("ix_survey_link_made_by_id", "made_by_id", "created_at", "id"),
    )


contribute(
    SurveyInvitation,
    "sending",
    relation("SurveySending", label=msg("Sending of a survey"), foreign_key="SurveyInvitation.sending_id"),
)
contribute(
    SurveyInvitation,
    "link",
    relation("SurveyLink", label=msg("Link of a survey"), foreign_key="SurveyInvitation.link_id"),
)
contribute(
    Questionnaire,
    "sendings",
    relation("SurveySending", label=msg("Sendings of surveys"), foreign_key="SurveySending.questionnaire_id"),
)
contribute(
    Questionnaire,
    "links",
    relation("SurveyLink", label=msg("Links of surveys"), foreign_key="SurveyLink.questionnaire_id"),
)
