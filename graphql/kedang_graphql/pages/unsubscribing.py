"""The page behind the unsubscribe link of a mail: opening it changes nothing, its button does, and so does a
mail program's one click (RFC 8058), which is a POST without a cookie or an Origin (T9).

The link itself is all the proof there is, and all that it is good for.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from kedang_graphql.pages.answer_sheets import failure_note, public_page, unknown_note
from kedang_graphql.pages.rendering import language_of
from kedang_graphql.pages.requests import Endpoint, address_of, services_of, status_of, told
from kedang_graphql.pages.surveys import UNKNOWN_FROM_ADDRESS
from kedang_platform.errors import KedangError, NotFound
from kedang_platform.i18n import Language, choose_language, msg, translate
from kedang_platform.identity.throttle import spend
from kedang_platform.registry import Company, CompanyInactive, ensure_usable, find_company_by_handle
from kedang_platform.secrets import load_secret_key
from kedang_tenants.customers.consenting import opt_in_again, opt_out, standing
from kedang_tenants.customers.consents import CAMPAIGN, CARE, EMAIL, SERVICE, SURVEY, UNSUBSCRIBE_LINK
from kedang_tenants.customers.unsubscribing import Unsubscription, handle_in, read_unsubscribe_link
from kedang_tenants.people.viewers import system_viewer
from kedang_tenants.revision import REVISION

BY_LINK = "unsubscribe link"
_LARGEST = 8 * 1024
_KINDS = {
    SURVEY: msg("surveys"),
    CARE: msg("greetings"),
    CAMPAIGN: msg("offers and news"),
    SERVICE: msg("messages about service"),
}


@dataclass(frozen=True, slots=True)
class _Shown:
    """How things stand for the page: which opt-outs there are, by the link and in another way."""

    company: Company
    unsubscription: Unsubscription
    by_link: bool
    otherwise: bool


class _LeadsNowhere(Exception):
    """The link is none that this installation has made."""


def guarded_link(endpoint: Endpoint) -> Endpoint:
    """The endpoint, its failures told to somebody who came from a mail; guessing is throttled by address."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except _LeadsNowhere:
            return await _unknown(request)
        except KedangError as error:
            return failure_note(request, told(request, error), status=status_of(error))

    return answer


async def _unknown(request: Request) -> Response:
    services = services_of(request)
    try:
        async with services.databases.control() as control:
            await spend(control, (UNKNOWN_FROM_ADDRESS, address_of(request)), now=services.clock.now())
    except KedangError as error:
        return failure_note(request, told(request, error), status=status_of(error))
    return unknown_note(request)


async def unsubscribe_shown(request: Request) -> Response:
    """What the link would stop, or that it is stopped; a GET never changes anything."""
    company, unsubscription = await _found(request)
    async with services_of(request).databases.tenant_read(company.ref) as read:
        said = await standing(read, unsubscription.recipient, channel=EMAIL, purpose=unsubscription.purpose)
    sources = [source for _, source in said]
    shown = _Shown(
        company,
        unsubscription,
        by_link=UNSUBSCRIBE_LINK in sources,
        otherwise=any(source != UNSUBSCRIBE_LINK for source in sources),
    )
    return _page(request, shown)


async def unsubscribe_sent(request: Request) -> Response:
    """Stops the mails, or resumes them where the page's own button says so; doing it twice is doing it once."""
    company, unsubscription = await _found(request)
    wish = (await _form(request)).get("do")
    act = opt_in_again if wish == "back" else opt_out
    services = services_of(request)
    async with services.databases.tenant_write(company.ref) as write:
        viewer = await system_viewer(write, company=company, via=BY_LINK)
        await act(
            write,
            viewer,
            unsubscription.recipient,
            channel=EMAIL,
            purpose=unsubscription.purpose,
            clock=services.clock,
        )
    if wish is None:  # a mail program follows no redirection (RFC 8058, 3.1)
        return await unsubscribe_shown(request)
    chosen = f"?lang={language_of(request)}" if "lang" in request.query_params else ""
    return RedirectResponse(f"{request.url.path}{chosen}", 303, headers={"cache-control": "no-store"})


async def _found(request: Request) -> tuple[Company, Unsubscription]:
    text = request.path_params["link"]
    services = services_of(request)
    unsubscription = read_unsubscribe_link(load_secret_key(services.settings), text)
    if unsubscription is None:
        raise _LeadsNowhere
    try:
        async with services.databases.control_read() as read:
            company = await find_company_by_handle(read, handle=handle_in(text) or "")
        ensure_usable(company, revision=REVISION)
    except (NotFound, CompanyInactive):
        raise _LeadsNowhere from None
    return company, unsubscription


async def _form(request: Request) -> dict[str, str]:
    """The short form of our own page; anything else, such as a mail program's multipart, asks to stop."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST:
            return {}
    try:
        return dict(parse_qsl(body.decode("ascii"), max_num_fields=10))
    except ValueError:
        return {}


def _page(request: Request, shown: _Shown) -> HTMLResponse:
    language = choose_language(request.query_params.get("lang"), request.headers.get("accept-language"))
    params = {
        "company": shown.company.name,
        "kind": translate(_KINDS[shown.unsubscription.purpose], language),
    }

    def say(msgid: str) -> str:
        return translate(msgid, language, params)

    stopped = shown.by_link or shown.otherwise
    return public_page(
        "unsubscribe.html",
        language,
        request.url.path,
        {
            "title": say(_TITLE[stopped]),
            "mark": "done" if stopped else "closed",
            "paragraphs": [say(each) for each in _said(shown)],
            "button": _button(shown, language),
            "again": stopped,
        },
        company=shown.company.name,
    )


_TITLE = {True: msg("You are unsubscribed"), False: msg("Unsubscribe")}


def _said(shown: _Shown) -> tuple[str, ...]:
    if shown.otherwise:
        return (
            msg("{company} sends you no more {kind} by e-mail."),
            msg("You have told {company} so yourself. Please tell them directly if you want them again."),
        )
    if shown.by_link:
        return (
            msg("{company} sends you no more {kind} by e-mail."),
            msg("It was a mistake? You can take it back here."),
        )
    return (
        msg("Do you want no more {kind} by e-mail from {company}?"),
        msg("Other mails, such as answers to your questions, still reach you."),
    )


def _button(shown: _Shown, language: Language) -> str:
    if shown.otherwise:
        return ""
    return translate(msg("I want them again") if shown.by_link else msg("Send me no more"), language)
