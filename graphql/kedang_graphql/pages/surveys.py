"""The public answer page: opened by the link in a mail, filled in on a phone, without signing in (V4).

It works without script: then each part has a button that saves. With script every change is sent as
it is made. Whatever link leads nowhere is answered alike and after the same time. A link that everybody gets
opens the same page; its browser is told apart by a cookie, or by a key in the address where it takes none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from kedang_graphql.authentication import is_secure
from kedang_graphql.pages.answer_sheets import (
    Opened,
    closed_note,
    failure_note,
    sheet_page,
    thanks_note,
    unknown_note,
)
from kedang_graphql.pages.qr_codes import MEDIA_TYPES, qr_code
from kedang_graphql.pages.questions import entries_in, wrong_by_number
from kedang_graphql.pages.rendering import language_of
from kedang_graphql.pages.requests import Endpoint, address_of, read_form, services_of, status_of, told
from kedang_platform.database import TenantRead
from kedang_platform.errors import KedangError, NotFound
from kedang_platform.i18n import LANGUAGES, choose_language, msg
from kedang_platform.identity.throttle import Limit, spend
from kedang_platform.registry import Company, CompanyInactive, ensure_usable, find_company_by_handle
from kedang_platform.secret_links import read_secret_part
from kedang_tenants.people.viewers import system_viewer
from kedang_tenants.revision import REVISION
from kedang_tenants.surveys.answering import (
    BY_PAGE,
    InvitationExpired,
    InvitationUnknown,
    InvitationUsed,
    open_invitation,
    save_answers,
    submit_answer,
)
from kedang_tenants.surveys.entries import AnswersRefused, Entry
from kedang_tenants.surveys.public_links import (
    OpenLink,
    begin_by_link,
    is_key,
    new_key,
    open_link,
    sheet_by_key,
)
from kedang_tenants.surveys.sheets import NOBODY, Sheet

UNKNOWN_FROM_ADDRESS = Limit("survey_unknown", 100, timedelta(hours=1), by_network=True)
# A shop with a QR code on its counter has one address for all of its visitors.
BEGUN_FROM_ADDRESS = Limit("survey_begun", 60, timedelta(hours=1), by_network=True)
COOKIE = "survey"
_UNKNOWN_SECONDS = 0.05
_LARGEST_FORM = 512 * 1024
_MOST_FIELDS = 1000
# What the buttons of the page ask for; a language is the third thing that a button may say.
_SEND, _SAVE, _KEEP = "send", "save", "keep"


def answering(endpoint: Endpoint) -> Endpoint:
    """The endpoint, its expected failures told to somebody who only came to answer."""

    async def answer(request: Request) -> Response:
        began = asyncio.get_running_loop().time()
        try:
            return await endpoint(request)
        except InvitationUnknown:
            return await _unknown(request, began)
        except KedangError as error:
            return failure_note(request, told(request, error), status=status_of(error))

    return answer


async def _unknown(request: Request, began: float) -> Response:
    """Whatever a link is wrong with: one answer, after one time, and to one address not without end."""
    services = services_of(request)
    answer = unknown_note(request)
    try:
        async with services.databases.control() as control:
            await spend(control, (UNKNOWN_FROM_ADDRESS, address_of(request)), now=services.clock.now())
    except KedangError as error:
        answer = failure_note(request, told(request, error), status=status_of(error))
    left = began + _UNKNOWN_SECONDS - asyncio.get_running_loop().time()
    await asyncio.sleep(max(0.0, left))
    return answer


async def _company_of(request: Request) -> tuple[Company, bytes]:
    """Whose link it is, and the token in it; raises InvitationUnknown."""
    link = read_secret_part(request.path_params["link"])
    if link is None:
        raise InvitationUnknown(msg("This link leads nowhere."))
    handle, token = link
    try:
        async with services_of(request).databases.control_read() as read:
            company = await find_company_by_handle(read, handle=handle)
        ensure_usable(company, revision=REVISION)
    except (NotFound, CompanyInactive):
        raise InvitationUnknown(msg("This link leads nowhere.")) from None
    return company, token


@dataclass(frozen=True, slots=True)
class Visit:
    """What a link opened: an invitation, or by a ``link`` that everybody gets the sheet of the browser with ``key``."""

    company: Company
    sheet: Sheet
    link: OpenLink | None = None
    key: str | None = None
    known: bool = False
    """Whether the browser brought its key with it, so that it need not stand in the address."""

    @property
    def begins(self) -> bool:
        """Whether nothing has been filled in yet by the link."""
        return self.link is not None and self.sheet.invitation_id == NOBODY

    def opened(self, request: Request) -> Opened:
        language = choose_language(request.query_params.get("lang"), self.sheet.language)
        return Opened(self.company, self.sheet, language, request.url.path, None if self.known else self.key)


async def _visit(request: Request, read: TenantRead, company: Company, token: bytes) -> Visit:
    now = services_of(request).clock.now()
    try:
        return Visit(company, await open_invitation(read, token=token, now=now))
    except InvitationUnknown:
        link = await open_link(read, token=token, language=language_of(request), now=now)
        if link is None:
            raise
    kept = request.cookies.get(COOKIE)
    known = is_key(kept)
    asked = kept if known else _key_in_address(request)
    key = asked if asked is not None and is_key(asked) else new_key()
    sheet = await sheet_by_key(read, link, key, now=now) or link.sheet
    if sheet.standing == "OPEN":  # whoever is through may come back, nobody goes on once the link has ended
        sheet = replace(sheet, standing=link.sheet.standing)
    return Visit(company, sheet, link, key, known)


def _key_in_address(request: Request) -> str | None:
    """The key in the address where one of our own pages led there: whoever passes a link on with a key of their own
    would read along.
    """
    ours = request.headers.get("sec-fetch-site", "same-origin") == "same-origin"
    return request.query_params.get("k") if ours else None


async def sheet_shown(request: Request) -> Response:
    """The questions; thanks once they are answered, or why they cannot be."""
    company, token = await _company_of(request)
    async with services_of(request).databases.tenant_read(company.ref) as read:
        visit = await _visit(request, read, company, token)
    answer = _page(request, visit)
    if visit.link is not None and visit.key is not None and not visit.known:
        _give_key(request, answer, visit.link, visit.key)
    return answer


def _page(request: Request, visit: Visit) -> Response:
    opened, sheet, asked = visit.opened(request), visit.sheet, request.query_params
    if sheet.standing == "OPEN" or (sheet.standing == "EDITABLE" and "change" in asked):
        return sheet_page(opened, saved=asked.get("saved"))
    if sheet.standing == "EDITABLE" or (sheet.standing == "USED" and "sent" in asked):
        return thanks_note(opened)
    return closed_note(opened)


def _give_key(request: Request, answer: Response, link: OpenLink, key: str) -> None:
    """Let the browser be known again at this link, and nowhere else."""
    answer.set_cookie(
        COOKIE,
        key,
        expires=link.expires_at,
        path=request.url.path,
        secure=is_secure(services_of(request).settings),
        httponly=True,
        samesite="lax",
    )


async def sheet_sent(request: Request) -> Response:
    """Keeps or hands in what the form says, then leads back to the page, so that reloading sends nothing twice."""
    company, token = await _company_of(request)
    form = await read_form(request, largest=_LARGEST_FORM, most=_MOST_FIELDS)
    wish, _, place = form.pop("do", _SAVE).partition(".")
    services = services_of(request)
    async with services.databases.tenant_read(company.ref) as read:
        visit = await _visit(request, read, company, token)
    typed = entries_in(visit.sheet, form)
    if visit.begins and visit.sheet.standing == "OPEN" and typed:
        async with services.databases.control() as control:
            await spend(control, (BEGUN_FROM_ADDRESS, address_of(request)), now=services.clock.now())
    try:
        await _take(request, visit, typed, wish)
    except AnswersRefused as refused:  # nothing has been written
        return _refused(visit.opened(request), typed, refused, wish)
    except (InvitationExpired, InvitationUsed):
        return Response(status_code=410) if wish == _KEEP else _back(request, visit)
    if wish == _KEEP:
        return Response(status_code=204)
    if wish in LANGUAGES:
        return _back(request, visit, lang=wish)
    return _back(request, visit, sent="1") if wish == _SEND else _back(request, visit, saved=place)


async def _take(request: Request, visit: Visit, typed: Sequence[Entry], wish: str) -> None:
    """Write down what was typed. By a link for everybody nothing begins with a form that says nothing."""
    if visit.begins and not typed and wish != _SEND:
        return
    services = services_of(request)
    act = submit_answer if wish == _SEND else save_answers
    async with services.databases.tenant_write(visit.company.ref) as write:
        viewer = await system_viewer(write, company=visit.company, via=BY_PAGE)
        sheet = visit.sheet
        if visit.begins and visit.link is not None and visit.key is not None:
            if sheet.standing != "OPEN":
                raise InvitationExpired(msg("This survey is closed."))
            language = visit.opened(request).language
            sheet = await begin_by_link(
                write, viewer, visit.link, visit.key, language=language, clock=services.clock
            )
        elif visit.link is not None and sheet.standing == "EXPIRED":
            raise InvitationExpired(msg("This survey is closed."))
        await act(write, viewer, invitation_id=sheet.invitation_id, entries=typed, clock=services.clock)


def _refused(opened: Opened, typed: Sequence[Entry], refused: AnswersRefused, wish: str) -> Response:
    if wish == _KEEP:
        return JSONResponse(wrong_by_number(opened.sheet, refused, opened.language), 422)
    return sheet_page(opened, typed=typed, refused=refused)


def _back(request: Request, visit: Visit, **more: str) -> Response:
    """To the page itself, in the chosen language, at the place that was saved."""
    chosen = {"lang": request.query_params["lang"]} if "lang" in request.query_params else {}
    key = {"k": visit.key} if visit.key is not None and not visit.known else {}
    query = urlencode(chosen | more | key)
    place = f"#q{more['saved']}" if more.get("saved", "").isdecimal() else ""
    path = request.url.path + (f"?{query}" if query else "") + place
    return RedirectResponse(path, 303, headers={"cache-control": "no-store"})


async def qr_shown(request: Request) -> Response:
    """The QR code of a link that everybody gets, as ``svg`` or ``png``: to print, to put on a counter."""
    company, token = await _company_of(request)
    services = services_of(request)
    kind = str(request.path_params["kind"])
    async with services.databases.tenant_read(company.ref) as read:
        link = await open_link(read, token=token, language=language_of(request), now=services.clock.now())
    if link is None or kind not in MEDIA_TYPES:
        raise InvitationUnknown(msg("This link leads nowhere."))
    address = f"{services.settings.base_url.rstrip('/')}/s/{request.path_params['link']}"
    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff", "x-robots-tag": "noindex"}
    return Response(qr_code(address, kind), media_type=MEDIA_TYPES[kind], headers=headers)
