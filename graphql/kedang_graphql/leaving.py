"""Taking everything along, and going: an archive of the company, its deletion, and taking that back."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum
from typing import Final, Self

import strawberry
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from strawberry.types import Info

from kedang_graphql.answering import attempt, id_inside, opaque_id
from kedang_graphql.context import Context
from kedang_graphql.engine.types import UserError
from kedang_graphql.files import FileDownload, refusal
from kedang_graphql.identity import DonePayload
from kedang_graphql.services import Services
from kedang_platform.errors import KedangError, NotFound, Unauthenticated
from kedang_platform.files import DownloadGrant
from kedang_platform.i18n import msg
from kedang_platform.registry import Deletion, find_company, find_deletion
from kedang_tenants.leaving import operations
from kedang_tenants.people.viewers import load_viewer
from kedang_tenants.reading import Viewer

EXPORT: Final = "archive"


@strawberry.enum(description="How far an archive of the company is.")
class CompanyExportState(Enum):
    RUNNING = strawberry.enum_value("running", description="It is being made.")
    DONE = strawberry.enum_value("done", description="It can be fetched.")
    FAILED = strawberry.enum_value("failed", description="It could not be made; ask for another.")


@strawberry.type(
    description="An archive of everything that the company has, as docs/company-export.md describes it."
)
class CompanyExport:
    id: strawberry.ID
    state: CompanyExportState = strawberry.field(description="How far it is")
    created_at: datetime
    finished_at: datetime | None = strawberry.field(description="When it was done or had failed")
    rows: int | None = strawberry.field(description="Rows of all tables; while it runs, those so far")
    size: float | None = strawberry.field(description="Bytes")
    sha256: str | None = strawberry.field(description="SHA-256 of the archive, hexadecimal")

    @classmethod
    def of(cls, export: operations.CompanyExport) -> Self:
        return cls(
            id=strawberry.ID(opaque_id(EXPORT, export.id)),
            state=CompanyExportState(export.state),
            created_at=export.created_at,
            finished_at=export.finished_at,
            rows=export.rows,
            size=float(export.size) if export.size is not None else None,
            sha256=export.sha256,
        )


@strawberry.type
class ExportCompanyPayload:
    company_export: CompanyExport | None = strawberry.field(description="The archive in the making")
    user_errors: list[UserError]


@strawberry.type(
    description="That the company is closed and goes at an instant; until then its owner can keep it."
)
class CompanyDeletion:
    requested_at: datetime = strawberry.field(description="When it was decided")
    due_at: datetime = strawberry.field(description="When everything is removed")

    @classmethod
    def of(cls, deletion: Deletion) -> Self:
        return cls(requested_at=deletion.requested_at, due_at=deletion.due_at)


@strawberry.input
class DeleteCompanyInput:
    confirm_name: str = strawberry.field(description="The company's name, typed by who decides it")


@strawberry.type
class DeleteCompanyPayload:
    deletion: CompanyDeletion | None
    user_errors: list[UserError]


async def owner_of(context: Context) -> Viewer:
    """The owner, also of a company that is closed because it goes. Raises Unauthenticated, Forbidden."""
    identified = context.signed_in()
    if identified.company.status != "deleting":
        viewer: Viewer | None = await context.viewer()
    else:
        async with context.databases.tenant_read(identified.company.ref) as read:
            viewer = await load_viewer(
                read, company=identified.company, member_id=identified.member_id, via=identified.kind
            )
    if viewer is None:
        raise Unauthenticated(msg("You are not an active member of this company."))
    operations.require_owner(viewer)
    return viewer


async def answer_export_company(info: Info[Context, None]) -> ExportCompanyPayload:
    context = info.context
    context.require_recent_authentication()
    viewer = await owner_of(context)
    work = operations.ask_for_export(context.databases, viewer, clock=context.clock)
    export, errors = await attempt(context, work)
    return ExportCompanyPayload(
        company_export=CompanyExport.of(export) if export else None, user_errors=errors
    )


async def answer_company_exports(info: Info[Context, None]) -> list[CompanyExport]:
    context = info.context
    context.require_scope("read")
    viewer = await owner_of(context)
    async with context.databases.control_read() as read:
        found = await operations.latest_exports(read, company_id=viewer.company.id)
    return [CompanyExport.of(export) for export in found]


async def answer_company_export_download(
    info: Info[Context, None],
    id: strawberry.ID,  # noqa: A002 - the API's word
) -> FileDownload | None:
    context = info.context
    context.require_recent_authentication()
    viewer = await owner_of(context)
    try:
        export_id = id_inside(EXPORT, id)
        async with context.databases.control_read() as read:
            export = await operations.find_export(read, company_id=viewer.company.id, export_id=export_id)
    except NotFound:
        return None
    if export.content_id is None:
        return None
    expires_at = context.clock.now() + timedelta(minutes=operations.LINK_MINUTES)
    token = context.file_links.sign_download(
        DownloadGrant(viewer.company.id, export.id), expires_at=expires_at
    )
    return FileDownload(url=f"{context.settings.base_url}/company-exports/{token}", expires_at=expires_at)


async def answer_delete_company(
    info: Info[Context, None],
    input: DeleteCompanyInput,  # noqa: A002 - the API's word
) -> DeleteCompanyPayload:
    context = info.context
    context.require_recent_authentication()
    viewer = await owner_of(context)
    work = operations.delete_company(
        context.databases,
        viewer,
        confirm_name=input.confirm_name,
        grace=timedelta(days=context.settings.deletion_grace_days),
        clock=context.clock,
    )
    deletion, errors = await attempt(context, work)
    context.identity.credentials.forget()
    return DeleteCompanyPayload(
        deletion=CompanyDeletion.of(deletion) if deletion else None, user_errors=errors
    )


async def answer_keep_company(info: Info[Context, None]) -> DonePayload:
    context = info.context
    context.require_recent_authentication()
    viewer = await owner_of(context)
    _, errors = await attempt(
        context, operations.keep_company(context.databases, viewer, clock=context.clock)
    )
    return DonePayload(done=not errors, user_errors=errors)


async def answer_company_deletion(info: Info[Context, None]) -> CompanyDeletion | None:
    context = info.context
    context.require_scope("read")
    viewer = await owner_of(context)
    async with context.databases.control_read() as read:
        deletion = await find_deletion(read, company_id=viewer.company.id)
    return CompanyDeletion.of(deletion) if deletion else None


async def _fetch(request: Request) -> Response:
    """GET: an archive of a company, as an attachment; the link is the whole credential."""
    services: Services = request.app.state.services
    try:
        grant = services.file_links.read_download(request.path_params["token"])
        async with services.databases.control_read() as read:
            company = await find_company(read, company_id=grant.company_id)
            export = await operations.find_export(read, company_id=company.id, export_id=grant.file_id)
        if export.content_id is None:
            raise NotFound(msg("There is no such record."))
        size = await services.files.size(company.ref, export.content_id)
    except KedangError as error:
        return refusal(request, error)
    day = export.created_at.date().isoformat()
    headers = {
        "content-type": "application/zip",
        "content-disposition": f'attachment; filename="company-export-{day}.zip"',
        "content-length": str(size),
        "cache-control": "private, no-store",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
    }
    return StreamingResponse(services.files.open(company.ref, export.content_id), headers=headers)


routes = (Route("/company-exports/{token}", _fetch, methods=["GET"]),)


@strawberry.type
class LeavingQuery:
    company_exports: list[CompanyExport] = strawberry.field(
        resolver=answer_company_exports, description="The last archives of the company. For its owners."
    )
    company_export_download: FileDownload | None = strawberry.field(
        resolver=answer_company_export_download,
        description="An address to fetch a finished archive by, for a quarter of an hour. For owners who proved themselves lately.",
    )
    company_deletion: CompanyDeletion | None = strawberry.field(
        resolver=answer_company_deletion,
        description="When the company goes; null while it stays. For its owners.",
    )


@strawberry.type
class LeavingMutation:
    export_company: ExportCompanyPayload = strawberry.mutation(
        resolver=answer_export_company,
        description="Have an archive of everything made. For owners who proved themselves in the last 15 minutes.",
    )
    delete_company: DeleteCompanyPayload = strawberry.mutation(
        resolver=answer_delete_company,
        description="Close the company for everybody else and remove it with everything when the days of grace are over; `exportCompany` takes everything along first, and still afterwards. For owners who proved themselves in the last 15 minutes.",
    )
    keep_company: DonePayload = strawberry.mutation(
        resolver=answer_keep_company,
        description="Take the deletion back. For owners who proved themselves in the last 15 minutes.",
    )
