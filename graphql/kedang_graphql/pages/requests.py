"""What a page asks of a request: whose form it is, what stands in it, who sends it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response

from kedang_graphql.authentication import cookie_of, device_of, from_our_pages, set_session_cookie
from kedang_graphql.context import SessionCookie
from kedang_graphql.pages.forms import Field, Link, Page
from kedang_graphql.pages.rendering import language_of, show
from kedang_graphql.services import Services
from kedang_platform.errors import BadUserInput, Forbidden, KedangError
from kedang_platform.i18n import msg, translate
from kedang_platform.identity import Browser, Challenged, Entered, Identified
from kedang_platform.identity.browsers import place_of
from kedang_platform.observing.security import note_refusal

_LARGEST_FORM = 16 * 1024
_MOST_FIELDS = 20
_FORM = "application/x-www-form-urlencoded"
_STATUS = {
    "FORBIDDEN": 403,
    "SIGN_IN_EXPIRED": 410,
    "LINK_UNKNOWN": 404,
    "LINK_EXPIRED": 410,
    "LINK_USED": 410,
    "TOO_MANY_ATTEMPTS": 429,
    "TOO_BUSY": 503,
    "NO_SPARE_SCHEMA": 503,
    "DATABASE_BUSY": 503,
    "DATABASE_UNAVAILABLE": 503,
}
CODE = Field("code", msg("One-time code"), autocomplete="one-time-code", attributes={"maxlength": "40"})
Endpoint = Callable[[Request], Awaitable[Response]]


def services_of(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


def address_of(request: Request) -> str:
    return request.client.host if request.client else ""


def agent_of(request: Request) -> str:
    return request.headers.get("user-agent", "")


def token_of(request: Request) -> str:
    return request.query_params.get("token", "")


async def who(request: Request, *, enrolling: bool = False) -> Identified | None:
    """The person whose session the browser has; who has yet to set up a second factor only if ``enrolling``."""
    services = services_of(request)
    cookie = cookie_of(request, services.settings)
    return await services.identity.credentials.identify(bearer=None, cookie=cookie, enrolling=enrolling)


async def read_form(
    request: Request, *, largest: int = _LARGEST_FORM, most: int = _MOST_FIELDS
) -> dict[str, str]:
    """The fields of a form that one of our own pages sent; raises Forbidden for another site's.

    It has at most ``largest`` bytes and ``most`` fields; raises BadUserInput for a larger one.
    """
    if not from_our_pages(request, services_of(request).settings):
        raise Forbidden(msg("This form was sent by another site. Please open the page anew."))
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise BadUserInput(msg("This form cannot be read."))
    body = await _body(request, largest)
    try:
        return dict(
            parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=most, errors="strict")
        )
    except ValueError:
        raise BadUserInput(msg("This form cannot be read.")) from None


async def _body(request: Request, largest: int) -> bytes:
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > largest:
                raise BadUserInput(msg("This form cannot be read."))
    except ClientDisconnect:  # whoever sent it has gone: nobody reads the answer
        raise BadUserInput(msg("This form cannot be read.")) from None
    return body


def told(request: Request, error: KedangError) -> str:
    """What went wrong, in the reader's language; the security log hears of it where it concerns it."""
    note_refusal(error.code, network=place_of(address_of(request)))
    return translate(error.message, language_of(request), error.params)


def status_of(error: KedangError) -> int:
    return _STATUS.get(error.code, 422)


def errors_of(request: Request, error: KedangError, page: Page) -> dict[str, str]:
    """What is wrong, at the field that it is wrong with; at the whole form where none of its fields is."""
    names = {field.name for field in page.fields}
    name = next((str(step) for step in error.path if step in names), "")
    return {name: told(request, error)}


def guarded(endpoint: Endpoint) -> Endpoint:
    """The endpoint, its expected failures shown as a page."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except KedangError as error:
            return failure(request, error)

    return answer


def failure(request: Request, error: KedangError) -> Response:
    """A page that says what went wrong, and how to go on."""
    page = Page(
        title=msg("This did not work"),
        paragraphs=("{problem}",),
        params={"problem": told(request, error)},
        links=(Link(msg("Sign in"), "/sign-in"), Link(msg("Sign up"), "/sign-up")),
    )
    return show(request, page, status=status_of(error))


def go(request: Request, path: str) -> RedirectResponse:
    """On to another page after a form, so that reloading sends nothing twice; the chosen language stays."""
    chosen = f"?lang={language_of(request)}" if "lang" in request.query_params else ""
    return RedirectResponse(f"{path}{chosen}", 303, headers={"cache-control": "no-store"})


def browser_of(request: Request) -> Browser:
    """Where the request comes from, for what signs somebody in."""
    device = device_of(request, services_of(request).settings)
    return Browser(address_of(request), agent_of(request), device)


def enter(request: Request, entered: Entered) -> Response:
    """On to where one stands then: the first page, the code that is still needed, or the setting up of one.

    A session goes into the cookie.
    """
    if isinstance(entered, Challenged):
        return show(request, code_page(entered.challenge))
    response = go(request, "/two-factor" if entered.must_enrol else "/")
    cookie = SessionCookie(entered.token, entered.expires_at, entered.device)
    set_session_cookie(response, cookie, services_of(request).settings)
    return response


def code_page(challenge: str) -> Page:
    """The second step of a sign-in."""
    return Page(
        title=msg("Enter your one-time code"),
        paragraphs=(
            msg("Your app shows the code. Without the app, use one of your recovery codes; each works once."),
        ),
        fields=(CODE,),
        hidden={"challenge": challenge},
        button=msg("Sign in"),
        action="/sign-in/code",
        links=(Link(msg("Begin anew"), "/sign-in"),),
    )
