"""Files over HTTP: sent and fetched by signed links, asked for by GraphQL.

A link is the whole credential, so these routes look at no cookie and no key. What is fetched is never shown by a
browser as a page of ours: it comes as an attachment, with its type fixed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final
from urllib.parse import quote
from uuid import UUID

import strawberry
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from strawberry.types import Info

from kedang_graphql.context import Context
from kedang_graphql.engine.ids import public_id, record_id, split_id
from kedang_graphql.engine.types import UserError
from kedang_graphql.errors import user_errors
from kedang_graphql.services import Services
from kedang_platform.errors import KedangError, NotFound
from kedang_platform.files import KINDS, StoredFile, UploadGrant, receive
from kedang_platform.i18n import choose_language, msg, translate
from kedang_platform.registry import Company, ensure_usable, find_company
from kedang_tenants.files import (
    AttachedTo,
    FileAlreadyStored,
    FileContent,
    complete_upload,
    ensure_awaited,
    open_download,
    prepare_upload,
    stored_content,
)
from kedang_tenants.people.viewers import system_viewer
from kedang_tenants.revision import REVISION

_STATUS: Final = {
    "LINK_INVALID": 403,
    "LINK_EXPIRED": 410,
    "NOT_FOUND": 404,
    "FILE_MISSING": 404,
    "FILE_ALREADY_STORED": 409,
    "FILE_TOO_LARGE": 413,
    "FILE_KIND_REFUSED": 415,
    "UNKNOWN_INVOICE": 404,
    "COMPANY_UPGRADING": 503,
    "PAPER_DELAYED": 503,
    "FONTS_MISSING": 503,
    "DATABASE_BUSY": 503,
    "DATABASE_UNAVAILABLE": 503,
}
_HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "cache-control": "private, no-store",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
}


async def _send(request: Request) -> Response:
    """PUT: the content of an awaited file; 204 when it is stored."""
    services: Services = request.app.state.services
    try:
        grant = services.file_links.read_upload(request.path_params["token"])
        company = await usable_company(services, grant.company_id)
        async with services.databases.tenant_write(company.ref) as write:
            await ensure_awaited(write, file_id=grant.file_id)
        async with _received(services, company, grant, request) as stored:
            await _complete(services, company, grant.file_id, stored)
    except KedangError as error:
        return refusal(request, error)
    except ClientDisconnect:
        return Response(status_code=400)
    return Response(status_code=204)


@asynccontextmanager
async def _received(
    services: Services, company: Company, grant: UploadGrant, request: Request
) -> AsyncIterator[StoredFile]:
    """The request's body in the store; forgotten again when the block refuses it.

    After a failure whose outcome is unknown it stays: rubbish is better than a record without its content.
    """
    stored = await receive(
        services.files,
        company=company.ref,
        chunks=request.stream(),
        kind=KINDS[grant.kind],
        size=grant.size,
    )
    try:
        yield stored
    except (NotFound, FileAlreadyStored):
        await services.files.delete(company.ref, stored.content_id)
        raise


async def _complete(services: Services, company: Company, file_id: UUID, stored: StoredFile) -> None:
    async with services.databases.tenant_write(company.ref) as write:
        viewer = await system_viewer(write, company=company, via="link")
        await complete_upload(write, viewer, file_id=file_id, stored=stored, clock=services.clock)


async def _fetch(request: Request) -> Response:
    """GET: the content of a stored file, as an attachment."""
    services: Services = request.app.state.services
    try:
        grant = services.file_links.read_download(request.path_params["token"])
        company = await usable_company(services, grant.company_id)
        async with services.databases.tenant_read(company.ref) as read:
            file = await stored_content(read, file_id=grant.file_id)
        return await served(services, company, file)
    except KedangError as error:
        return refusal(request, error)


async def served(services: Services, company: Company, file: FileContent) -> Response:
    """The content of a file whose right to be fetched was shown, as an attachment; raises FileMissing."""
    size = await services.files.size(company.ref, file.content_id)
    headers = {
        **_HEADERS,
        # Without a charset: nobody knows in which encoding a text was sent.
        "content-type": file.content_type,
        "content-disposition": _attachment(file),
        "content-length": str(size),
    }
    return StreamingResponse(services.files.open(company.ref, file.content_id), headers=headers)


async def usable_company(services: Services, company_id: UUID) -> Company:
    """The company that a link names; raises NotFound, or CompanyUpgrading."""
    async with services.databases.control_read() as read:
        company = await find_company(read, company_id=company_id)
    ensure_usable(company, revision=REVISION)
    return company


def _attachment(file: FileContent) -> str:
    """RFC 6266: the exact name in UTF-8, and one that every client can read."""
    plain = "".join(char if char.isascii() and char not in '"\\%' else "_" for char in file.name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file.name, safe='')}"


def refusal(request: Request, error: KedangError) -> Response:
    """Why a link gives nothing, in the language of the browser."""
    language = choose_language(request.headers.get("accept-language"))
    text = translate(error.message, language, error.params)
    body = {"errors": [{"message": text, "extensions": {"code": error.code}}]}
    status = _STATUS.get(error.code, 400)
    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    if request.method == "PUT":
        # The rest of the body is not read any more.
        headers["connection"] = "close"
    return JSONResponse(body, status, headers)


routes = (
    Route("/files/{token}", _send, methods=["PUT"]),
    Route("/files/{token}", _fetch, methods=["GET"]),
)


@strawberry.input(description="A file that is about to be sent.")
class PrepareUploadInput:
    name: str = strawberry.field(description="Its name; the ending says its kind")
    size: int = strawberry.field(description="Bytes, exactly as many as will be sent")
    attached_to: strawberry.ID | None = strawberry.field(
        default=None, description="The record that the file belongs to"
    )


@strawberry.type(description="Where to send a file: its bytes as the body of a PUT to the address.")
class PrepareUploadPayload:
    file_id: strawberry.ID | None
    upload_url: str | None
    expires_at: datetime | None
    user_errors: list[UserError]


@strawberry.type(description="Where to fetch a file, with nothing but this address.")
class FileDownload:
    url: str
    expires_at: datetime


async def _prepare_upload(
    info: Info[Context, None],
    input: PrepareUploadInput,  # noqa: A002 - the API's word
) -> PrepareUploadPayload:
    context = info.context
    context.require_scope("write")
    viewer = await context.viewer()
    try:
        attached_to = _attached_to(input.attached_to)
        async with context.databases.tenant_write(viewer.company) as write:
            link = await prepare_upload(
                write,
                viewer,
                name=input.name,
                size=input.size,
                attached_to=attached_to,
                links=context.file_links,
                clock=context.clock,
            )
    except KedangError as error:
        errors = user_errors(error, context.language)
        return PrepareUploadPayload(file_id=None, upload_url=None, expires_at=None, user_errors=errors)
    return PrepareUploadPayload(
        file_id=strawberry.ID(public_id("file", link.file_id)),
        upload_url=_url(context, link.token),
        expires_at=link.expires_at,
        user_errors=[],
    )


async def _file_download_url(
    info: Info[Context, None],
    id: strawberry.ID,  # noqa: A002 - the API's word
) -> FileDownload | None:
    context = info.context
    context.require_scope("read")
    viewer = await context.viewer()
    try:
        file_id = record_id(id, "file")
        async with context.databases.tenant_read(viewer.company) as read:
            link = await open_download(
                read, viewer, file_id=file_id, links=context.file_links, clock=context.clock
            )
    except NotFound:
        return None
    return FileDownload(url=_url(context, link.token), expires_at=link.expires_at)


@strawberry.type
class FileMutation:
    prepare_upload: PrepareUploadPayload = strawberry.mutation(
        resolver=_prepare_upload, description="Announce a file and get the address to send it to."
    )


@strawberry.type
class FileQuery:
    file_download_url: FileDownload | None = strawberry.field(
        resolver=_file_download_url, description="An address to fetch a stored file by, for a few minutes."
    )


def _attached_to(given: strawberry.ID | None) -> AttachedTo | None:
    if given is None:
        return None
    found = split_id(given)
    if found is None:
        raise NotFound(msg("There is no such record."), path=("input", "attachedTo"))
    return AttachedTo(*found)


def _url(context: Context, token: str) -> str:
    return f"{context.settings.base_url}/files/{token}"
