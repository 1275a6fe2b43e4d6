"""The verbs of sending surveys out: to an audience, held, resumed, called off; links that everybody gets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

import strawberry
from graphql import GraphQLSchema
from strawberry.scalars import JSON
from strawberry.types import Info

from kedang_graphql.answering import write_in_company
from kedang_graphql.context import Context
from kedang_graphql.engine.executor import Ref
from kedang_graphql.engine.ids import record_id, record_ids
from kedang_graphql.engine.types import UserError, generated_types
from kedang_graphql.inputs import Repeatable
from kedang_graphql.jobs import Job, job_told
from kedang_graphql.json_filters import filter_in_json
from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.errors import BadUserInput, NotFound
from kedang_platform.i18n import msg
from kedang_platform.registry import find_company
from kedang_platform.secrets import load_secret_key
from kedang_tenants.reading import Viewer
from kedang_tenants.surveys.audience import CONTACT, CUSTOMER, Audience
from kedang_tenants.surveys.by_hand import invite_to_survey
from kedang_tenants.surveys.links import public_path
from kedang_tenants.surveys.public_links import create_link, revoke_link, seen_link
from kedang_tenants.surveys.sending import (
    Started,
    cancel_sending,
    pause_sending,
    resume_sending,
    start_sending,
)
from kedang_tenants.surveys.sending_models import CAMPAIGN, PROMOTION

_SENDING, _LINK = "survey_sending", "survey_link"
SENDING = generated_types().of[_SENDING].node
LINK = generated_types().of[_LINK].node


class AudienceAmbiguous(BadUserInput):
    """An audience is chosen by filters or one by one, not by both."""


@strawberry.enum(description="What a survey is sent out for.")
class SurveySendingReason(Enum):
    CAMPAIGN = strawberry.enum_value(CAMPAIGN, description="A campaign.")
    PROMOTION = strawberry.enum_value(PROMOTION, description="A promotion, such as a sale at a festival.")


@strawberry.input(description="A questionnaire, and whom it is sent to when.")
class StartSurveySendingInput(Repeatable):
    questionnaire_id: strawberry.ID = strawberry.field(description="What they are asked.")
    reason: SurveySendingReason = strawberry.field(description="What it is sent out for.")
    name: str = strawberry.field(
        description="What the sending is called, such as the promotion that it belongs to."
    )
    customers: JSON | None = strawberry.field(
        default=None,
        description=(
            "A filter in the shape of the where of customers; {} means all. Each is asked by its first contact"
            " with an e-mail address."
        ),
    )
    contacts: JSON | None = strawberry.field(
        default=None, description="A filter in the shape of the where of contacts; {} means all."
    )
    customer_ids: list[strawberry.ID] | None = strawberry.field(
        default=None,
        description="Instead of filters: customers one by one, at most 10,000 with the contacts.",
    )
    contact_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Instead of filters: contacts one by one."
    )
    send_at: datetime | None = strawberry.field(
        default=None, description="Now, if nothing is said. The filters are asked then."
    )


@strawberry.type(description="The sending that was asked for, or why not.")
class StartSurveySendingPayload:
    record: Ref | None = strawberry.field(graphql_type=SENDING | None, description="The sending.")
    job: Job | None = strawberry.field(description="The inviting; ask for it by its id.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was done.")


@strawberry.type(description="The sending, or why nothing was done to it.")
class SurveySendingVerbPayload:
    record: Ref | None = strawberry.field(graphql_type=SENDING | None, description="The sending.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was done.")


@strawberry.input(description="Which sending is to be held.")
class PauseSurveySendingInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="Which sending.")


@strawberry.input(description="Which sending is to go on.")
class ResumeSurveySendingInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="Which sending.")


@strawberry.input(description="Which sending is called off.")
class CancelSurveySendingInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="Which sending.")


async def answer_start_sending(
    info: Info[Context, None],
    input: StartSurveySendingInput,  # noqa: A002 - the API's word
) -> StartSurveySendingPayload:
    # Strawberry keeps graphql-core's schema private; the types of the filters stand in it.
    core: GraphQLSchema = info.schema._schema  # noqa: SLF001

    async def start(write: TenantWrite, viewer: Viewer) -> tuple[UUID, Job]:
        started = await _start(core, write, viewer, input, info.context.clock)
        return started.sending_id, await job_told(info.context, write, started.job_id)

    done, errors = await write_in_company(info.context, start)
    if done is None:
        return StartSurveySendingPayload(record=None, job=None, user_errors=errors)
    return StartSurveySendingPayload(record=Ref(_SENDING, done[0]), job=done[1], user_errors=[])


async def _start(
    core: GraphQLSchema, write: TenantWrite, viewer: Viewer, asked: StartSurveySendingInput, clock: Clock
) -> Started:
    questionnaire = record_id(asked.questionnaire_id, "questionnaire", path=("input", "questionnaireId"))
    filters = list(_filters(core, viewer, asked))
    if filters and (asked.customer_ids or asked.contact_ids):
        raise AudienceAmbiguous(
            msg("Choose the audience by filters or one by one, not by both."), path=("input", "customerIds")
        )
    if not filters:
        return await invite_to_survey(
            write,
            viewer,
            questionnaire_id=questionnaire,
            customer_ids=record_ids(asked.customer_ids, CUSTOMER, path=("input", "customerIds")),
            contact_ids=record_ids(asked.contact_ids, CONTACT, path=("input", "contactIds")),
            send_at=asked.send_at,
            kind=str(asked.reason.value),
            name=asked.name,
            clock=clock,
        )
    return await start_sending(
        write,
        viewer,
        questionnaire_id=questionnaire,
        kind=str(asked.reason.value),
        name=asked.name,
        audience=filters,
        send_at=asked.send_at,
        clock=clock,
    )


def _filters(core: GraphQLSchema, viewer: Viewer, asked: StartSurveySendingInput) -> Iterator[Audience]:
    given: tuple[tuple[str, str, Any], ...] = (
        (CUSTOMER, "customers", asked.customers),
        (CONTACT, "contacts", asked.contacts),
    )
    for record, argument, where in given:
        if where is not None:
            yield Audience(record, filter_in_json(core, viewer, record, where, argument=argument))


async def answer_pause_sending(
    info: Info[Context, None],
    input: PauseSurveySendingInput,  # noqa: A002 - the API's word
) -> SurveySendingVerbPayload:
    return await _do(info.context, input.id, pause_sending)


async def answer_resume_sending(
    info: Info[Context, None],
    input: ResumeSurveySendingInput,  # noqa: A002 - the API's word
) -> SurveySendingVerbPayload:
    return await _do(info.context, input.id, resume_sending)


async def answer_cancel_sending(
    info: Info[Context, None],
    input: CancelSurveySendingInput,  # noqa: A002 - the API's word
) -> SurveySendingVerbPayload:
    return await _do(info.context, input.id, cancel_sending)


async def _do(
    context: Context, given: strawberry.ID, act: Callable[..., Awaitable[None]]
) -> SurveySendingVerbPayload:
    async def do(write: TenantWrite, viewer: Viewer) -> Ref:
        sending = record_id(given, _SENDING, path=("input", "id"))
        await act(write, viewer, sending_id=sending, clock=context.clock)
        return Ref(_SENDING, sending)

    record, errors = await write_in_company(context, do)
    return SurveySendingVerbPayload(record=record, user_errors=errors)


# --- Links that everybody gets ----------------------------------------------------------------------


@strawberry.input(description="A link to a questionnaire, for everybody who gets hold of it.")
class CreateSurveyLinkInput(Repeatable):
    questionnaire_id: strawberry.ID = strawberry.field(description="What is asked.")
    name: str = strawberry.field(description="Where the link is shown, such as a counter or a leaflet.")
    expires_at: datetime = strawberry.field(description="When it ends, within ten years.")


@strawberry.input(description="Which link ends at once.")
class RevokeSurveyLinkInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="Which link.")


@strawberry.type(description="The link, or why nothing was done.")
class SurveyLinkVerbPayload:
    record: Ref | None = strawberry.field(graphql_type=LINK | None, description="The link.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was done.")


@strawberry.type(description="Where a link leads, and its QR code.")
class SurveyLinkAddress:
    url: str = strawberry.field(description="The page that it opens.")
    qr_svg: str = strawberry.field(description="The address of its QR code as SVG, to print.")
    qr_png: str = strawberry.field(description="The address of its QR code as PNG.")


async def answer_create_link(
    info: Info[Context, None],
    input: CreateSurveyLinkInput,  # noqa: A002 - the API's word
) -> SurveyLinkVerbPayload:
    context = info.context

    async def create(write: TenantWrite, viewer: Viewer) -> Ref:
        made = await create_link(
            write,
            viewer,
            questionnaire_id=record_id(
                input.questionnaire_id, "questionnaire", path=("input", "questionnaireId")
            ),
            name=input.name,
            expires_at=input.expires_at,
            secret=load_secret_key(context.settings),
            clock=context.clock,
        )
        return Ref(_LINK, made)

    record, errors = await write_in_company(context, create)
    return SurveyLinkVerbPayload(record=record, user_errors=errors)


async def answer_revoke_link(
    info: Info[Context, None],
    input: RevokeSurveyLinkInput,  # noqa: A002 - the API's word
) -> SurveyLinkVerbPayload:
    async def revoke(write: TenantWrite, viewer: Viewer) -> Ref:
        link = record_id(input.id, _LINK, path=("input", "id"))
        await revoke_link(write, viewer, link_id=link, clock=info.context.clock)
        return Ref(_LINK, link)

    record, errors = await write_in_company(info.context, revoke)
    return SurveyLinkVerbPayload(record=record, user_errors=errors)


async def answer_link_address(
    info: Info[Context, None],
    id: strawberry.ID,  # noqa: A002 - the API's word
) -> SurveyLinkAddress | None:
    context = info.context
    context.require_scope("read")
    viewer = await context.viewer()
    try:
        link = record_id(id, _LINK, path=("id",))
        async with context.databases.tenant_read(viewer.company) as read:
            await seen_link(read, viewer, link)
    except NotFound:
        return None
    async with context.databases.control_read() as control:
        company = await find_company(control, company_id=viewer.company.id)
    path = public_path(load_secret_key(context.settings), company=company, link_id=link)
    url = context.settings.base_url.rstrip("/") + path
    return SurveyLinkAddress(url=url, qr_svg=f"{url}/qr.svg", qr_png=f"{url}/qr.png")


@strawberry.type
class SurveySendingQuery:
    survey_link_address: SurveyLinkAddress | None = strawberry.field(
        resolver=answer_link_address, description="Where a link that everybody gets leads, and its QR code."
    )


@strawberry.type
class SurveySendingMutation:
    start_survey_sending: StartSurveySendingPayload = strawberry.mutation(
        resolver=answer_start_sending,
        description="Send an active questionnaire to an audience, as a campaign or in a promotion.",
    )
    pause_survey_sending: SurveySendingVerbPayload = strawberry.mutation(
        resolver=answer_pause_sending,
        description="Hold a sending: nobody more is invited until it is resumed.",
    )
    resume_survey_sending: SurveySendingVerbPayload = strawberry.mutation(
        resolver=answer_resume_sending, description="Let a sending go on where it was held."
    )
    cancel_survey_sending: SurveySendingVerbPayload = strawberry.mutation(
        resolver=answer_cancel_sending,
        description="Call a sending off: what has not left is not sent. Whoever was invited may still answer.",
    )
    create_survey_link: SurveyLinkVerbPayload = strawberry.mutation(
        resolver=answer_create_link,
        description="Make a link by which everybody who has it may answer an active questionnaire, unnamed.",
    )
    revoke_survey_link: SurveyLinkVerbPayload = strawberry.mutation(
        resolver=answer_revoke_link, description="End a link at once and for good."
    )
