"""A member's calendar at its secret address (iCalendar, RFC 5545), for calendar programs (F8).

Whatever address opens none is answered alike: one that never was, one that was ended, one whose member may not sign in.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from kedang_graphql.pages.requests import address_of, services_of, status_of
from kedang_platform.errors import KedangError, NotFound
from kedang_platform.i18n import choose_language, msg, translate
from kedang_platform.identity.throttle import Limit, spend
from kedang_platform.registry import Company, CompanyInactive, ensure_usable, find_company_by_handle
from kedang_platform.secret_links import read_secret_part
from kedang_tenants.followups.calendar_entries import calendar_of
from kedang_tenants.followups.calendar_feeds import member_by_calendar
from kedang_tenants.followups.icalendar import calendar_text
from kedang_tenants.people.viewers import load_viewer
from kedang_tenants.reading import Viewer
from kedang_tenants.revision import REVISION

UNKNOWN_FROM_ADDRESS: Final = Limit("calendar_unknown", 100, timedelta(hours=1), by_network=True)
REFRESH: Final = timedelta(hours=1)
"""How often programs are asked to look again."""
_HEADERS: Final = {
    "cache-control": "private, no-cache",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex, nofollow",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}


async def calendar_shown(request: Request) -> Response:
    """The calendar, or that it has not changed since the program saw it last (RFC 9110, 13.1.2)."""
    services = services_of(request)
    try:
        company, token = await _company_of(request)
        async with services.databases.tenant_read(company.ref) as read:
            member = await member_by_calendar(read, token=token)
            viewer: Viewer | None = None
            if member is not None:
                viewer = await load_viewer(
                    read, company=company, member_id=member, via="calendar", clock=services.clock
                )
            if viewer is None:
                raise NotFound(msg("There is no such record."))
            host = urlsplit(services.settings.base_url).hostname or "localhost"
            entries = await calendar_of(read, viewer, host=host, clock=services.clock)
    except NotFound:
        return await _unknown(request)
    language = choose_language(viewer.language)
    name = translate(msg("Kedang · {company}"), language, {"company": company.name})
    body = calendar_text(entries, name=name, refresh=REFRESH).encode()
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {**_HEADERS, "etag": tag}
    if _is_known(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    headers["content-disposition"] = 'inline; filename="kedang.ics"'
    return Response(body, media_type="text/calendar; charset=utf-8", headers=headers)


async def _company_of(request: Request) -> tuple[Company, bytes]:
    """Whose address it is, and the token in it; raises NotFound."""
    link = read_secret_part(request.path_params["link"])
    if link is None:
        raise NotFound(msg("There is no such record."))
    handle, token = link
    async with services_of(request).databases.control_read() as read:
        company = await find_company_by_handle(read, handle=handle)
    try:
        ensure_usable(company, revision=REVISION)
    except CompanyInactive:
        raise NotFound(msg("There is no such record.")) from None
    return company, token


async def _unknown(request: Request) -> Response:
    """Guessing is slowed down by where it comes from; a calendar program stops asking for what is not found."""
    services = services_of(request)
    status = 404
    try:
        async with services.databases.control() as control:
            await spend(control, (UNKNOWN_FROM_ADDRESS, address_of(request)), now=services.clock.now())
    except KedangError as error:
        status = status_of(error)
    return PlainTextResponse("", status, headers={**_HEADERS, "cache-control": "no-store"})


def _is_known(said: str, tag: str) -> bool:
    """Whether one of the tags that a program has is the present one; weakly compared."""
    tags = {one.strip().removeprefix("W/") for one in said.split(",")}
    return tag in tags or "*" in tags
