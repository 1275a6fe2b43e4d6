"""The page on which somebody at a customer confirms the minutes of a meeting, or objects to them (F4).

Opened by the link in a mail, on a phone first, without signing in and without script. Looking at it changes nothing:
mail programs look at links, too. Whatever link leads nowhere is answered alike and after the same time.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time, get_timezone_gmt
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from kedang_graphql.pages.answer_sheets import public_page, unknown_note
from kedang_graphql.pages.rendering import language_of
from kedang_graphql.pages.requests import Endpoint, address_of, read_form, services_of, status_of, told
from kedang_graphql.pages.surveys import UNKNOWN_FROM_ADDRESS
from kedang_platform.errors import KedangError, NotFound, Refused
from kedang_platform.i18n import Language, choose_language, msg, translate
from kedang_platform.identity.throttle import spend
from kedang_platform.registry import Company, CompanyInactive, ensure_usable, find_company_by_handle
from kedang_platform.secret_links import read_secret_part
from kedang_tenants.followups.receipt_mails import action_line
from kedang_tenants.followups.receipts import CONFIRMED, OBJECTED, SETTLED, SUPERSEDED, WAITING
from kedang_tenants.followups.receiving import (
    BY_PAGE,
    EXPIRED,
    LONGEST_OBJECTION,
    Opened,
    ReceiptUnknown,
    answer_receipt,
    open_receipt,
)
from kedang_tenants.people.viewers import system_viewer
from kedang_tenants.revision import REVISION

_UNKNOWN_SECONDS = 0.05
_LARGEST_FORM = 64 * 1024
_MOST_FIELDS = 10
_TEXTS = {
    "look_again": msg("Nothing has been sent yet"),
    "minutes": msg("Minutes"),
    "decisions": msg("Decisions"),
    "actions": msg("Who does what until when"),
    "attendees": msg("Attendees"),
    "comma": msg(", "),
    "question": msg("Are these minutes right?"),
    "confirm": msg("Confirm the minutes"),
    "object_to": msg("Something is missing or wrong"),
    "what": msg("What is missing or wrong?"),
    "object": msg("Send the objection"),
    "whom": msg("Your answer goes to {company} and to nobody else."),
}
_ANSWERED = {
    CONFIRMED: msg("You confirmed these minutes on {moment}. Thank you!"),
    OBJECTED: msg("You objected to these minutes on {moment}. We will come back to you. Thank you!"),
    SETTLED: msg("You objected to these minutes on {moment}; it has been seen to. Thank you!"),
}


def receiving(endpoint: Endpoint) -> Endpoint:
    """The endpoint, its expected failures told to somebody who came from a mail."""

    async def answer(request: Request) -> Response:
        began = asyncio.get_running_loop().time()
        try:
            return await endpoint(request)
        except ReceiptUnknown:
            return await _unknown(request, began)
        except KedangError as error:
            return _failure(request, error)

    return answer


async def _unknown(request: Request, began: float) -> Response:
    """Whatever a link is wrong with: one answer, after one time, and to one address not without end."""
    services = services_of(request)
    answer: Response = unknown_note(request)
    try:
        async with services.databases.control() as control:
            await spend(control, (UNKNOWN_FROM_ADDRESS, address_of(request)), now=services.clock.now())
    except KedangError as error:
        answer = _failure(request, error)
    left = began + _UNKNOWN_SECONDS - asyncio.get_running_loop().time()
    await asyncio.sleep(max(0.0, left))
    return answer


def _failure(request: Request, error: KedangError) -> HTMLResponse:
    language = language_of(request)
    values = {
        "title": translate(msg("This did not work"), language),
        "mark": "closed",
        "paragraphs": [told(request, error)],
        "links": (),
    }
    return public_page("survey_note.html", language, request.url.path, values, status=status_of(error))


@dataclass(frozen=True, slots=True)
class _Visit:
    """What a link opened, for whom, and in which language it is shown."""

    company: Company
    opened: Opened
    language: Language

    def say(self, msgid: str, **params: object) -> str:
        return translate(msgid, self.language, params)

    def moment(self, at: object) -> str:
        """An instant in the company's zone, which is named: whoever reads it may live in another."""
        locale = self.language.replace("-", "_")
        local = at.astimezone(ZoneInfo(self.company.time_zone))  # type: ignore[attr-defined]  # an instant of the row
        day, time = format_date(local, "long", locale=locale), format_time(local, "short", locale=locale)
        return f"{day} {time} ({get_timezone_gmt(local, 'long', locale=locale)})"


async def _visit(request: Request) -> _Visit:
    """The minutes behind a link; raises ReceiptUnknown."""
    link = read_secret_part(request.path_params["link"])
    if link is None:
        raise ReceiptUnknown(msg("This link leads nowhere."))
    handle, token = link
    services = services_of(request)
    try:
        async with services.databases.control_read() as read:
            company = await find_company_by_handle(read, handle=handle)
        ensure_usable(company, revision=REVISION)
    except (NotFound, CompanyInactive):
        raise ReceiptUnknown(msg("This link leads nowhere.")) from None
    async with services.databases.tenant_read(company.ref) as tenant:
        opened = await open_receipt(tenant, token=token, now=services.clock.now())
    return _Visit(company, opened, choose_language(request.query_params.get("lang"), opened.language))


async def receipt_shown(request: Request) -> Response:
    """The minutes, with the question whether they are right, or with what was answered to it."""
    return _page(request, await _visit(request))


async def receipt_answered(request: Request) -> Response:
    """Takes the answer, then leads back to the page, so that reloading sends nothing twice."""
    visit = await _visit(request)
    form = await read_form(request, largest=_LARGEST_FORM, most=_MOST_FIELDS)
    typed, objects = form.get("objection", ""), form.get("do") == "object"
    if typed.strip() and not objects:
        said = msg("You have written what is wrong: send the objection, or empty the field to confirm.")
        return _page(request, visit, typed=typed, problem=visit.say(said))
    services = services_of(request)
    try:
        async with services.databases.tenant_write(visit.company.ref) as write:
            viewer = await system_viewer(write, company=visit.company, via=BY_PAGE)
            await answer_receipt(
                write,
                viewer,
                receipt_id=visit.opened.id,
                objection=typed if objects else None,
                clock=services.clock,
            )
    except Refused as refused:  # nothing has been written
        fault = refused.errors[0]
        return _page(request, visit, typed=typed, problem=visit.say(fault.message, **fault.params))
    chosen = f"?lang={visit.language}" if "lang" in request.query_params else ""
    return RedirectResponse(f"{request.url.path}{chosen}", 303, headers={"cache-control": "no-store"})


def _page(request: Request, visit: _Visit, *, typed: str = "", problem: str = "") -> HTMLResponse:
    opened = visit.opened
    if opened.state == SUPERSEDED:
        return _superseded(request, visit)
    answered = _ANSWERED.get(opened.state)
    over = ""
    if opened.state == EXPIRED:
        text = msg("The time for answering is over. Is something wrong? Please tell {company} directly.")
        over = visit.say(text, company=visit.company.name)
    values = {
        "title": visit.say(msg("Minutes: {meeting}"), meeting=opened.subject),
        "about": _about(visit),
        "texts": _TEXTS,
        "content": opened.content,
        "actions": [action_line(action, visit.language) for action in opened.content["actions"]],
        "open": opened.state == WAITING,
        "until": visit.say(msg("You can confirm or object until {day}."), day=_day(visit)),
        "answered": visit.say(answered, moment=visit.moment(opened.answered_at)) if answered else "",
        "objection": opened.objection or "",
        "over": over,
        "typed": typed,
        "problem": problem,
        "longest": LONGEST_OBJECTION,
    }
    status = 422 if problem else 200
    return public_page(
        "receipt.html", visit.language, request.url.path, values, company=visit.company.name, status=status
    )


def _about(visit: _Visit) -> str:
    parts = [visit.moment(visit.opened.starts_at), visit.opened.place]
    return " · ".join(part for part in parts if part)


def _day(visit: _Visit) -> str:
    local = visit.opened.expires_at.astimezone(ZoneInfo(visit.company.time_zone))
    return str(format_date(local, "long", locale=visit.language.replace("-", "_")))


def _superseded(request: Request, visit: _Visit) -> HTMLResponse:
    values = {
        "title": visit.say(msg("These minutes were mended")),
        "subtitle": visit.opened.subject,
        "mark": "closed",
        "paragraphs": [visit.say(msg("You get the mended minutes in a mail of their own, with a new link."))],
        "links": (),
    }
    return public_page(
        "survey_note.html",
        visit.language,
        request.url.path,
        values,
        company=visit.company.name,
        status=410,
    )
