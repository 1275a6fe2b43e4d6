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
from kedang_tenants.surveys.models import MEMBER, MYSTERY_VISIT, PENDING, VISIT
from kedang_tenants.surveys.sheets import Sheet, held_sheet

_QUESTIONNAIRE = """
SELECT current_version_id, expires_after_days, trigger FROM questionnaire WHERE id = $1 AND archived_at IS NULL
"""
_CONTACT = "SELECT id FROM contact WHERE id = $1 AND customer_id = $2 AND archived_at IS NULL"


class QuestionnaireUnpublished(KedangError):
    """The questionnaire has no published version that could be answered."""


class NothingAnswered(KedangError):
    """An answer without a single question answered is none."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who was asked what: an invitation, or a customer by a questionnaire where none was sent before.

    What is named beside an invitation has to be that invitation's own.
    """

    invitation_id: UUID | None = None
    questionnaire_id: UUID | None = None
    customer_id: UUID | None = None
    contact_id: UUID | None = None


async def enter_answer(
    write: TenantWrite, viewer: Viewer, *, asked: Asked, entries: Sequence[Entry], clock: Clock
) -> UUID:
    """Hand in what a customer said to the viewer: the answer's id. It is told apart from what customers write.

    What was not talked about stays open, required or not; what the customer had begun to write is
    replaced. Raises NotFound for what the viewer does not see, Forbidden for customers they may not do
    this for, InvitationUsed and InvitationExpired, QuestionnaireUnpublished, NothingAnswered,
    AnswersRefused, and BadUserInput for things that do not belong together.
    """
    if viewer.on("survey_answer").create is Scope.NONE:
        raise Forbidden(msg("You may not do this."))
    invitation_id = asked.invitation_id
    if invitation_id is None:
        invitation_id = await _invite(write, viewer, asked, clock=clock)
    else:
        await _reaches(write, viewer, "survey_invitation", invitation_id, "invitationId")
    sheet = await held_sheet(write, invitation_id=invitation_id, now=clock.now())
    if sheet is None:
        raise NotFound(msg("There is no such record."), path=("input", "invitationId"))
    await _ensure_together(write, viewer, asked, sheet)
    if sheet.standing != "OPEN":
        raise closed(sheet)
    return await _enter(write, viewer, sheet, entries, clock=clock)


async def _ensure_together(write: TenantWrite, viewer: Viewer, asked: Asked, sheet: Sheet) -> None:
    for record, argument, named, own in (
        ("questionnaire", "questionnaireId", asked.questionnaire_id, sheet.questionnaire_id),
        ("customer", "customerId", asked.customer_id, sheet.customer_id),
        ("contact", "contactId", asked.contact_id, sheet.contact_id),
    ):
        if named is None or named == own:
            continue
        await _seen(write, viewer, record, named, argument)
        raise BadUserInput(msg("The invitation is another's."), path=("input", argument))


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


async def _invite(write: TenantWrite, viewer: Viewer, asked: Asked, *, clock: Clock) -> UUID:
    """The invitation that stands for having been asked in person; nothing is sent for it."""
    if asked.questionnaire_id is None or asked.customer_id is None:
        raise BadUserInput(msg("Name an invitation, or a questionnaire and a customer."), path=("input",))
    await _reaches(write, viewer, "customer", asked.customer_id, "customerId")
    if asked.contact_id is not None:
        await _seen(write, viewer, "contact", asked.contact_id, "contactId")
        if await write.fetchval(_CONTACT, asked.contact_id, asked.customer_id) is None:
            raise BadUserInput(msg("This belongs to another customer."), path=("input", "contactId"))
    await _seen(write, viewer, "questionnaire", asked.questionnaire_id, "questionnaireId")
    found = await write.fetchrow(_QUESTIONNAIRE, asked.questionnaire_id)
    if found is None or found["current_version_id"] is None:
        raise QuestionnaireUnpublished(
            msg("This questionnaire has not been published."), path=("input", "questionnaireId")
        )
    now = clock.now()
    values = {
        "questionnaire_id": asked.questionnaire_id,
        "version_id": found["current_version_id"],
        "customer_id": asked.customer_id,
        "contact_id": asked.contact_id,
        "channel": MYSTERY_VISIT if found["trigger"] == MYSTERY_VISIT else VISIT,
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
    within = owned(statement, viewer, record, "t", viewer.on("survey_answer").create, writing=True)
    sql = f"SELECT TRUE FROM {quoted(record.table.name)} t WHERE {where} AND {within or 'TRUE'}"
    if not await write.fetchval(sql, *statement.values):
        raise Forbidden(msg("You may not do this for others."), path=("input", argument))
