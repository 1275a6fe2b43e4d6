"""The public answer page: opened by the link in a mail, filled in on a phone, without signing in (V4).

It works without script: then each part has a button that saves. With script every change is sent as
it is made. Whatever link leads nowhere is answered alike and after the same time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from kedang_graphql.pages.answer_sheets import (
    Opened,
    closed_note,
    failure_note,
    sheet_page,
    thanks_note,
    unknown_note,
)
from kedang_graphql.pages.questions import entries_in, wrong_by_number
from kedang_graphql.pages.requests import Endpoint, address_of, read_form, services_of, status_of, told
from kedang_platform.errors import KedangError, NotFound
from kedang_platform.i18n import LANGUAGES, choose_language, msg
from kedang_platform.identity.throttle import Limit, spend
from kedang_platform.registry import Company, CompanyInactive, ensure_usable, find_company_by_handle
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
from kedang_tenants.surveys.links import read_link
from kedang_tenants.surveys.sheets import Sheet

UNKNOWN_FROM_ADDRESS = Limit("survey_unknown", 100, timedelta(hours=1))
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
    link = read_link(request.path_params["link"])
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


def _opened(request: Request, company: Company, sheet: Sheet) -> Opened:
    language = choose_language(request.query_params.get("lang"), sheet.language)
    return Opened(company, sheet, language, request.url.path)


async def sheet_shown(request: Request) -> Response:
    """The questions; thanks once they are answered, or why they cannot be."""
    company, token = await _company_of(request)
    services = services_of(request)
    async with services.databases.tenant_read(company.ref) as read:
        sheet = await open_invitation(read, token=token, now=services.clock.now())
    opened = _opened(request, company, sheet)
    asked = request.query_params
    if sheet.standing == "OPEN" or (sheet.standing == "EDITABLE" and "change" in asked):
        return sheet_page(opened, saved=asked.get("saved"))
    if sheet.standing == "EDITABLE" or (sheet.standing == "USED" and "sent" in asked):
        return thanks_note(opened)
    return closed_note(opened)


async def sheet_sent(request: Request) -> Response:
    """Keeps or hands in what the form says, then leads back to the page, so that reloading sends nothing twice."""
    company, token = await _company_of(request)
    form = await read_form(request, largest=_LARGEST_FORM, most=_MOST_FIELDS)
    wish, _, place = form.pop("do", _SAVE).partition(".")
    services = services_of(request)
    act = submit_answer if wish == _SEND else save_answers
    async with services.databases.tenant_write(company.ref) as write:
        viewer = await system_viewer(write, company=company, via=BY_PAGE)
        sheet = await open_invitation(write, token=token, now=services.clock.now())
        typed = entries_in(sheet, form)
        try:
            await act(write, viewer, invitation_id=sheet.invitation_id, entries=typed, clock=services.clock)
        except AnswersRefused as refused:  # nothing has been written
            return _refused(_opened(request, company, sheet), typed, refused, wish)
        except (InvitationExpired, InvitationUsed):
            return Response(status_code=410) if wish == _KEEP else _back(request)
    if wish == _KEEP:
        return Response(status_code=204)
    if wish in LANGUAGES:
        return _back(request, lang=wish)
    return _back(request, sent="1") if wish == _SEND else _back(request, saved=place)


def _refused(opened: Opened, typed: Sequence[Entry], refused: AnswersRefused, wish: str) -> Response:
    if wish == _KEEP:
        return JSONResponse(wrong_by_number(opened.sheet, refused, opened.language), 422)
    return sheet_page(opened, typed=typed, refused=refused)


def _back(request: Request, **more: str) -> Response:
    """To the page itself, in the chosen language, at the place that was saved."""
    chosen = {"lang": request.query_params["lang"]} if "lang" in request.query_params else {}
    query = urlencode(chosen | more)
    place = f"#q{more['saved']}" if more.get("saved", "").isdecimal() else ""
    path = request.url.path + (f"?{query}" if query else "") + place
    return RedirectResponse(path, 303, headers={"cache-control": "no-store"})
