"""An opinion told on a visit or given on paper, written down by a member for the customer (V5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.errors import BadUserInput, Forbidden, KedangError, NotFound
from kedang_platform.i18n import msg
from kedang_platform.ids import new_id
from kedang_tenants.catalogue import catalogue
from kedang_tenants.catalogue.languages import language_code
from kedang_tenants.changing import Change, change_internally, visible_record
from kedang_tenants.reading import Scope, Viewer
from kedang_tenants.reading.masks import owned
from kedang_tenants.reading.statement import Statement, quoted
from kedang_tenants.surveys.answering import begin, closed, hand_in, keep_items
from kedang_tenants.surveys.entries import Entry, checked
from kedang_tenants.surveys.models import MEMBER, PENDING, VISIT
from kedang_tenants.surveys.sheets import Sheet, held_sheet

_QUESTIONNAIRE = """
SELECT current_version_id, expires_after_days FROM questionnaire WHERE id = $1 AND archived_at IS NULL
"""
_CONTACT = "SELECT id FROM contact WHERE id = $1 AND customer_id = $2 AND archived_at IS NULL"


class QuestionnaireUnpublished(KedangError):
    """The questionnaire has no published version that could be answered."""


class NothingAnswered(KedangError):
    """An answer without a single question answered is none."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Whom a member asked, where no invitation was sent before."""

    questionnaire_id: UUID
    customer_id: UUID
    contact_id: UUID | None = None


async def enter_answer(
    write: TenantWrite,
    viewer: Viewer,
    *,
    asked: UUID | Visit,
    entries: Sequence[Entry],
    clock: Clock,
) -> UUID:
    """Hand in what a customer said to the viewer: the answer's id. It is told apart from what customers write.

    ``asked`` is the invitation that is answered so, or the visit at which was asked without one. What
    was not talked about stays open, required or not; what the customer had begun to write is replaced.
    Raises NotFound for what the viewer does not see, Forbidden for customers they may not do this
    for, InvitationUsed and InvitationExpired, QuestionnaireUnpublished, NothingAnswered, AnswersRefused.
    """
    if viewer.on("survey_answer").create is Scope.NONE:
        raise Forbidden(msg("You may not do this."))
    visited = isinstance(asked, Visit)
    invitation_id = await _invite(write, viewer, asked, clock=clock) if isinstance(asked, Visit) else asked
    if not visited:
        await _reaches(write, viewer, "survey_invitation", invitation_id, "invitationId")
    sheet = await held_sheet(write, invitation_id=invitation_id, now=clock.now())
    if sheet is None:
        raise NotFound(msg("There is no such record."), path=("input", "invitationId"))
    if sheet.standing != "OPEN":
        raise closed(sheet)
    return await _enter(write, viewer, sheet, entries, clock=clock)


async def _enter(
    write: TenantWrite, viewer: Viewer, sheet: Sheet, entries: Sequence[Entry], *, clock: Clock
) -> UUID:
    answers = checked(sheet.items, entries, given={})
    if not answers:
        raise NothingAnswered(msg("Please answer at least one question."), path=("input", "entries"))
    answer_id = sheet.answer_id
    if answer_id is None:
        answer_id = await begin(write, viewer, sheet, clock=clock, entered_by=viewer.member_id)
    else:
        taken_over = {"source": MEMBER, "entered_by_id": viewer.member_id}
        change = Change("survey_answer", "update", answer_id, values=taken_over)
        await change_internally(write, viewer, [change], clock=clock)
    await keep_items(write, viewer, sheet, answer_id, answers, clock=clock)
    await hand_in(write, viewer, sheet, answer_id, answers, clock=clock)
    return answer_id


async def _invite(write: TenantWrite, viewer: Viewer, visit: Visit, *, clock: Clock) -> UUID:
    """The invitation that stands for having been asked in person; nothing is sent for it."""
    await _reaches(write, viewer, "customer", visit.customer_id, "customerId")
    if visit.contact_id is not None:
        await _seen(write, viewer, "contact", visit.contact_id, "contactId")
        if await write.fetchval(_CONTACT, visit.contact_id, visit.customer_id) is None:
            raise BadUserInput(msg("This belongs to another customer."), path=("input", "contactId"))
    await _seen(write, viewer, "questionnaire", visit.questionnaire_id, "questionnaireId")
    found = await write.fetchrow(_QUESTIONNAIRE, visit.questionnaire_id)
    if found is None or found["current_version_id"] is None:
        raise QuestionnaireUnpublished(
            msg("This questionnaire has not been published."), path=("input", "questionnaireId")
        )
    now = clock.now()
    values = {
        "questionnaire_id": visit.questionnaire_id,
        "version_id": found["current_version_id"],
        "customer_id": visit.customer_id,
        "contact_id": visit.contact_id,
        "channel": VISIT,
        "language": language_code(viewer.language),
        "state": PENDING,
        "due_at": now,
        "expires_at": now + timedelta(days=found["expires_after_days"]),
    }
    invitation_id = new_id()
    invitation = Change("survey_invitation", "create", invitation_id, values=values)
    await change_internally(write, viewer, [invitation], clock=clock)
    return invitation_id


async def _seen(write: TenantWrite, viewer: Viewer, name: str, record_id: UUID, argument: str) -> None:
    if not await visible_record(write, viewer, catalogue().record(name), record_id):
        raise NotFound(msg("There is no such record."), path=("input", argument))


async def _reaches(write: TenantWrite, viewer: Viewer, name: str, record_id: UUID, argument: str) -> None:
    """Refuse a record that the viewer does not see, or for whose customer they may enter no answers."""
    await _seen(write, viewer, name, record_id, argument)
    record = catalogue().record(name)
    statement = Statement()
    where = f"t.id = {statement.bind(record_id)}::uuid"
    within = owned(statement, viewer, record, "t", viewer.on("survey_answer").create)
    sql = f"SELECT TRUE FROM {quoted(record.table.name)} t WHERE {where} AND {within or 'TRUE'}"
    if not await write.fetchval(sql, *statement.values):
        raise Forbidden(msg("You may not do this for others."), path=("input", argument))
