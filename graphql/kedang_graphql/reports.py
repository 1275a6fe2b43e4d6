"""The verbs of reports: have one made, call one off; and the links of their letters."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from enum import Enum
from typing import Any
from uuid import UUID

import strawberry
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from strawberry.scalars import JSON
from strawberry.types import Info

from kedang_graphql.answering import write_in_company
from kedang_graphql.context import Context
from kedang_graphql.engine.arguments import values_of
from kedang_graphql.engine.executor import Ref
from kedang_graphql.engine.ids import record_id
from kedang_graphql.engine.types import UserError, generated_types
from kedang_graphql.files import refusal, served, usable_company
from kedang_graphql.inputs import Repeatable, given
from kedang_graphql.jobs import Job, job_told
from kedang_graphql.services import Services
from kedang_platform.database import TenantWrite
from kedang_platform.errors import KedangError
from kedang_platform.secrets import load_secret_key
from kedang_tenants.catalogue import catalogue
from kedang_tenants.reading import Viewer
from kedang_tenants.reports.mailing import linked_file, read_link
from kedang_tenants.reports.operations import (
    ask_for_definition,
    ask_for_report,
    cancel_report,
    job_of,
    retry_report,
)

RUN = catalogue().record("report_run")
KIND: Any = generated_types().scalar(RUN, RUN.fields["kind"])
_PERIOD: Any = generated_types().scalar(RUN, RUN.fields["period"])
FORMATS: Any = generated_types().scalar(RUN, RUN.fields["formats"])
_LANGUAGE: Any = generated_types().scalar(RUN, RUN.fields["language"])
REPORT_RUN = generated_types().of["report_run"].node


@strawberry.input
class _Question:
    """A report and what it is to tell."""

    kind: Enum = strawberry.field(graphql_type=KIND, description="Which report.")
    period: Enum | None = strawberry.field(
        graphql_type=_PERIOD | None,
        default=strawberry.UNSET,
        description="The last twelve months where none is said.",
    )
    starts_on: date | None = strawberry.field(
        default=strawberry.UNSET, description="Of the period between two days only."
    )
    ends_on: date | None = strawberry.field(
        default=strawberry.UNSET, description="The last day; of the period between two days only."
    )
    scheme_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The leading scheme where none is said."
    )
    questionnaire_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Of a survey analysis only."
    )
    only_department_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Only what belongs to people of it and of those below it."
    )
    only_member_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Only what this member has to do with."
    )
    parameters: JSON | None = strawberry.field(
        default=strawberry.UNSET,
        description="What this report can be told beside: an object of the names that reportKinds tells.",
    )
    language: Enum | None = strawberry.field(
        graphql_type=_LANGUAGE | None, default=strawberry.UNSET, description="One's own where none is said."
    )


@strawberry.input(description="A report and what it is to tell.")
class RunReportInput(_Question, Repeatable):
    formats: list[Enum] | None = strawberry.field(
        graphql_type=FORMATS | None, default=strawberry.UNSET, description="XLSX where none is said."
    )


@strawberry.input(description="What the figures of a report are to tell.")
class ReportQuestionInput(_Question):
    pass


@strawberry.type
class RunReportPayload:
    record: Ref | None = strawberry.field(graphql_type=REPORT_RUN | None)
    job: Job | None
    user_errors: list[UserError]


@strawberry.input
class RunReportDefinitionInput(Repeatable):
    id: strawberry.ID


async def answer_run_report(
    info: Info[Context, None],
    input: RunReportInput,  # noqa: A002 - the API's word
) -> RunReportPayload:
    async def ask(write: TenantWrite, viewer: Viewer) -> UUID:
        said = values_of(RUN, given(input))
        values = {name: value for name, value in said.items() if value is not None}
        return await ask_for_report(write, viewer, values=values, clock=info.context.clock)

    return await _asked(info.context, ask)


async def answer_run_report_definition(
    info: Info[Context, None],
    input: RunReportDefinitionInput,  # noqa: A002 - the API's word
) -> RunReportPayload:
    async def ask(write: TenantWrite, viewer: Viewer) -> UUID:
        definition = record_id(input.id, "report_definition", path=("input", "id"))
        return await ask_for_definition(write, viewer, definition_id=definition, clock=info.context.clock)

    return await _asked(info.context, ask)


async def _asked(context: Context, ask: Callable[[TenantWrite, Viewer], Awaitable[UUID]]) -> RunReportPayload:
    async def run(write: TenantWrite, viewer: Viewer) -> tuple[UUID, Job]:
        run_id = await ask(write, viewer)
        return run_id, await job_told(context, write, await job_of(write, run_id=run_id))

    done, errors = await write_in_company(context, run)
    if done is None:
        return RunReportPayload(record=None, job=None, user_errors=errors)
    return RunReportPayload(record=Ref("report_run", done[0]), job=done[1], user_errors=[])


@strawberry.input
class CancelReportInput(Repeatable):
    id: strawberry.ID


@strawberry.type
class CancelReportPayload:
    record: Ref | None = strawberry.field(graphql_type=REPORT_RUN | None)
    user_errors: list[UserError]


async def answer_cancel_report(
    info: Info[Context, None],
    input: CancelReportInput,  # noqa: A002 - the API's word
) -> CancelReportPayload:
    async def cancel(write: TenantWrite, viewer: Viewer) -> Ref:
        run_id = record_id(input.id, "report_run", path=("input", "id"))
        await cancel_report(write, viewer, run_id=run_id, clock=info.context.clock)
        return Ref("report_run", run_id)

    record, errors = await write_in_company(info.context, cancel)
    return CancelReportPayload(record=record, user_errors=errors)


@strawberry.input
class RetryReportInput(Repeatable):
    id: strawberry.ID


async def answer_retry_report(
    info: Info[Context, None],
    input: RetryReportInput,  # noqa: A002 - the API's word
) -> RunReportPayload:
    async def again(write: TenantWrite, viewer: Viewer) -> UUID:
        run_id = record_id(input.id, "report_run", path=("input", "id"))
        await retry_report(write, viewer, run_id=run_id, clock=info.context.clock)
        return run_id

    return await _asked(info.context, again)


@strawberry.type
class ReportMutation:
    run_report: RunReportPayload = strawberry.mutation(
        resolver=answer_run_report,
        description="Have a report made, with one's own rights; its files are named by the run when it is done.",
    )
    run_report_definition: RunReportPayload = strawberry.mutation(
        resolver=answer_run_report_definition,
        description="Have the report of a definition made now, for oneself and with one's own rights.",
    )
    cancel_report: CancelReportPayload = strawberry.mutation(
        resolver=answer_cancel_report,
        description="Call a report off that is not made yet; no file is left of it.",
    )
    retry_report: RunReportPayload = strawberry.mutation(
        resolver=answer_retry_report,
        description=(
            "Have a report that failed or was called off made after all: the same days, for the same member, with"
            " the rights of then."
        ),
    )


async def _fetch(request: Request) -> Response:
    """GET: the file that a link of a letter gives, as an attachment."""
    services: Services = request.app.state.services
    try:
        secret = load_secret_key(services.settings)
        grant = read_link(secret, request.path_params["token"], now=services.clock.now())
        company = await usable_company(services, grant.company_id)
        async with services.databases.tenant_read(company.ref) as read:
            file = await linked_file(read, grant)
        return await served(services, company, file)
    except KedangError as error:
        return refusal(request, error)


routes = (Route("/reports/{token}", _fetch, methods=["GET"]),)
