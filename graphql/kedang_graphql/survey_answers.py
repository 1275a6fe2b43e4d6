"""The verb of answers: writing down what a customer said in person or on paper (V5)."""

from __future__ import annotations

from datetime import date
from enum import Enum
from typing import Any
from uuid import UUID

import strawberry
from strawberry.types import Info

from kedang_graphql.answering import write_in_company
from kedang_graphql.context import Context
from kedang_graphql.engine.arguments import values_of
from kedang_graphql.engine.executor import Ref
from kedang_graphql.engine.ids import record_id
from kedang_graphql.engine.types import UserError, generated_types
from kedang_graphql.inputs import Repeatable, given
from kedang_graphql.scalars import DecimalString
from kedang_platform.database import TenantWrite
from kedang_tenants.catalogue import catalogue
from kedang_tenants.reading import Viewer
from kedang_tenants.surveys.entering import Asked, enter_answer
from kedang_tenants.surveys.entries import Entry

_ITEM_ANSWER = catalogue().record("survey_item_answer")
_LEVEL: Any = generated_types().scalar(_ITEM_ANSWER, _ITEM_ANSWER.fields["level"])
SURVEY_ANSWER = generated_types().of["survey_answer"].node


@strawberry.input
class SurveyEntryInput:
    """What was said to one question, in the field that its kind asks for; a comment where one may be written."""

    item_id: strawberry.ID
    level: Enum | None = strawberry.field(default=strawberry.UNSET, graphql_type=_LEVEL | None)
    number: DecimalString | None = strawberry.field(
        default=strawberry.UNSET, description="Also what was answered to “would recommend”, 0 to 10."
    )
    choice: str | None = strawberry.UNSET
    day: date | None = strawberry.UNSET
    text: str | None = strawberry.UNSET
    comment: str | None = strawberry.UNSET


@strawberry.input
class EnterSurveyAnswerInput(Repeatable):
    entries: list[SurveyEntryInput]
    invitation_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The invitation that is answered on paper or in person."
    )
    questionnaire_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET,
        description="What was asked, of whom: needed where no invitation was sent.",
    )
    customer_id: strawberry.ID | None = strawberry.UNSET
    contact_id: strawberry.ID | None = strawberry.UNSET


@strawberry.type
class EnterSurveyAnswerPayload:
    record: Ref | None = strawberry.field(graphql_type=SURVEY_ANSWER | None)
    user_errors: list[UserError]


async def answer_enter_survey_answer(
    info: Info[Context, None],
    input: EnterSurveyAnswerInput,  # noqa: A002 - the API's word
) -> EnterSurveyAnswerPayload:
    async def enter(write: TenantWrite, viewer: Viewer) -> UUID:
        asked = _asked(input)
        entries = [_entry(one, place) for place, one in enumerate(input.entries)]
        return await enter_answer(write, viewer, asked=asked, entries=entries, clock=info.context.clock)

    answer_id, errors = await write_in_company(info.context, enter)
    record = Ref("survey_answer", answer_id) if answer_id else None
    return EnterSurveyAnswerPayload(record=record, user_errors=errors)


def _asked(said: EnterSurveyAnswerInput) -> Asked:
    return Asked(
        invitation_id=_id(said.invitation_id, "survey_invitation", "invitationId"),
        questionnaire_id=_id(said.questionnaire_id, "questionnaire", "questionnaireId"),
        customer_id=_id(said.customer_id, "customer", "customerId"),
        contact_id=_id(said.contact_id, "contact", "contactId"),
    )


def _id(said: strawberry.ID | None, record: str, argument: str) -> UUID | None:
    return record_id(said, record, path=("input", argument)) if said else None


def _entry(one: SurveyEntryInput, place: int) -> Entry:
    path = ("input", "entries", place, "itemId")
    said = values_of(_ITEM_ANSWER, given(one))
    said.pop("item_id")
    return Entry(record_id(one.item_id, "survey_item", path=path), said)


@strawberry.type
class SurveyAnswerMutation:
    enter_survey_answer: EnterSurveyAnswerPayload = strawberry.mutation(
        resolver=answer_enter_survey_answer,
        description="Write down what a customer said on a visit or on paper; the answer tells who entered it.",
    )
