"""The verbs of surveys: drafting and publishing what a questionnaire asks, inviting people to it."""

from __future__ import annotations

from datetime import datetime

import strawberry
from strawberry.types import Info

from kedang_graphql.answering import write_in_company
from kedang_graphql.context import Context
from kedang_graphql.engine.executor import Ref
from kedang_graphql.engine.ids import record_id, record_ids
from kedang_graphql.engine.types import UserError, generated_types
from kedang_graphql.inputs import Repeatable
from kedang_graphql.jobs import Job, job_told
from kedang_platform.database import TenantWrite
from kedang_tenants.reading import Viewer
from kedang_tenants.surveys.by_hand import invite_to_survey
from kedang_tenants.surveys.versions import draft_version, publish_version

_VERSION = "questionnaire_version"
VERSION = generated_types().of[_VERSION].node


@strawberry.type
class QuestionnaireVersionVerbPayload:
    record: Ref | None = strawberry.field(graphql_type=VERSION | None)
    user_errors: list[UserError]


@strawberry.input
class DraftQuestionnaireVersionInput(Repeatable):
    questionnaire_id: strawberry.ID


async def answer_draft_version(
    info: Info[Context, None],
    input: DraftQuestionnaireVersionInput,  # noqa: A002 - the API's word
) -> QuestionnaireVersionVerbPayload:
    async def draft(write: TenantWrite, viewer: Viewer) -> Ref:
        questionnaire = record_id(input.questionnaire_id, "questionnaire", path=("input", "questionnaireId"))
        made = await draft_version(write, viewer, questionnaire_id=questionnaire, clock=info.context.clock)
        return Ref(_VERSION, made)

    record, errors = await write_in_company(info.context, draft)
    return QuestionnaireVersionVerbPayload(record=record, user_errors=errors)


@strawberry.input
class PublishQuestionnaireVersionInput(Repeatable):
    id: strawberry.ID


async def answer_publish_version(
    info: Info[Context, None],
    input: PublishQuestionnaireVersionInput,  # noqa: A002 - the API's word
) -> QuestionnaireVersionVerbPayload:
    async def publish(write: TenantWrite, viewer: Viewer) -> Ref:
        version = record_id(input.id, _VERSION, path=("input", "id"))
        return Ref(
            _VERSION, await publish_version(write, viewer, version_id=version, clock=info.context.clock)
        )

    record, errors = await write_in_company(info.context, publish)
    return QuestionnaireVersionVerbPayload(record=record, user_errors=errors)


@strawberry.input
class InviteToSurveyInput(Repeatable):
    questionnaire_id: strawberry.ID
    customer_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Each is asked by its first contact with an e-mail address."
    )
    contact_ids: list[strawberry.ID] | None = None
    send_at: datetime | None = strawberry.field(default=None, description="Now, if nothing is said.")


@strawberry.type
class InviteToSurveyPayload:
    job: Job | None = strawberry.field(description="The inviting; ask for it by its id.")
    user_errors: list[UserError]


async def answer_invite_to_survey(
    info: Info[Context, None],
    input: InviteToSurveyInput,  # noqa: A002 - the API's word
) -> InviteToSurveyPayload:
    async def invite(write: TenantWrite, viewer: Viewer) -> Job:
        questionnaire = record_id(input.questionnaire_id, "questionnaire", path=("input", "questionnaireId"))
        started = await invite_to_survey(
            write,
            viewer,
            questionnaire_id=questionnaire,
            customer_ids=record_ids(input.customer_ids, "customer", path=("input", "customerIds")),
            contact_ids=record_ids(input.contact_ids, "contact", path=("input", "contactIds")),
            send_at=input.send_at,
            clock=info.context.clock,
        )
        return await job_told(info.context, write, started.job_id)

    job, errors = await write_in_company(info.context, invite)
    return InviteToSurveyPayload(job=job, user_errors=errors)


@strawberry.type
class SurveyMutation:
    draft_questionnaire_version: QuestionnaireVersionVerbPayload = strawberry.mutation(
        resolver=answer_draft_version,
        description="Begin the next version of a questionnaire with the questions of the published one.",
    )
    publish_questionnaire_version: QuestionnaireVersionVerbPayload = strawberry.mutation(
        resolver=answer_publish_version,
        description="Put a draft in force; from then on it never changes. Open invitations keep their version.",
    )
    invite_to_survey: InviteToSurveyPayload = strawberry.mutation(
        resolver=answer_invite_to_survey,
        description="Invite customers or contacts, at most 10,000 together, to an active questionnaire.",
    )
