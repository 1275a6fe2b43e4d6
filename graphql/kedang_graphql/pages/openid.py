"""To a provider and back (OpenID Connect): signing in with it, and linking one's account of it."""

from __future__ import annotations

from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from kedang_graphql.authentication import from_our_pages, is_secure
from kedang_graphql.pages.forms import Link, Page
from kedang_graphql.pages.rendering import language_of, show
from kedang_graphql.pages.requests import (
    address_of,
    browser_of,
    enter,
    failure,
    go,
    services_of,
    who,
)
from kedang_platform.errors import Forbidden, KedangError
from kedang_platform.i18n import msg
from kedang_platform.identity import require_recent_authentication
from kedang_platform.identity.openid.attempts import LIFETIME
from kedang_platform.identity.openid.entering import Return, arrive, depart
from kedang_platform.identity.signing_in import enter_proved
from kedang_platform.settings import Settings

_LONGEST = 4096


def ways_in(request: Request) -> tuple[Link, ...]:
    """A link for each provider that people may sign in with here."""
    return tuple(
        Link(
            msg("Sign in with {provider}"),
            f"/sign-in/with/{provider.given.key}",
            {"provider": provider.given.name},
        )
        for provider in services_of(request).identity.openid
    )


def ways_to_link(request: Request) -> tuple[Link, ...]:
    """A link for each provider whose account can be linked to who is signed in."""
    return tuple(
        Link(
            msg("Link my account of {provider}"),
            f"/account/link/{provider.given.key}",
            {"provider": provider.given.name},
        )
        for provider in services_of(request).identity.openid
    )


async def leaving(request: Request) -> Response:
    return await _leave(request, person_id=None)


async def leaving_to_link(request: Request) -> Response:
    """Only who is signed in and has lately proved it can link; everybody else signs in first.

    A link on another site does not begin it: with a browser that this site had signed in at the provider before,
    it would link the account of somebody else.
    """
    if not from_our_pages(request, services_of(request).settings):
        raise Forbidden(msg("This form was sent by another site. Please open the page anew."))
    identified = await who(request)
    if identified is None:
        return go(request, "/sign-in")
    require_recent_authentication(identified, now=services_of(request).clock.now())
    return await _leave(request, person_id=identified.person_id)


async def _leave(request: Request, *, person_id: UUID | None) -> Response:
    services = services_of(request)
    key = request.path_params["provider"]
    departure = await depart(
        services.identity,
        provider_key=key,
        redirect_uri=_back(services.settings, key),
        address=address_of(request),
        language=language_of(request),
        person_id=person_id,
    )
    response = RedirectResponse(departure.address, 303, headers={"cache-control": "no-store"})
    response.set_cookie(
        _cookie(services.settings),
        departure.browser,
        max_age=int(LIFETIME.total_seconds()),
        path="/",
        secure=is_secure(services.settings),
        httponly=True,
        samesite="lax",
    )
    return response


async def back(request: Request) -> Response:
    """What the provider sent back, and on from there; a failure is told on a page, the cookie is spent."""
    try:
        response = await _enter(request)
    except KedangError as error:
        response = failure(request, error)
    settings = services_of(request).settings
    response.delete_cookie(
        _cookie(settings), path="/", secure=is_secure(settings), httponly=True, samesite="lax"
    )
    return response


async def _enter(request: Request) -> Response:
    services = services_of(request)
    key = request.path_params["provider"]
    came = Return(
        state=_text(request, "state") or "",
        browser=request.cookies.get(_cookie(services.settings), "")[:_LONGEST],
        code=_text(request, "code"),
        error=_text(request, "error"),
        issuer=_text(request, "iss"),
    )
    signed_in = await who(request)
    proved = await arrive(
        services.identity,
        provider_key=key,
        redirect_uri=_back(services.settings, key),
        came=came,
        signed_in=signed_in.person_id if signed_in is not None else None,
    )
    if signed_in is not None and signed_in.person_id == proved.person_id:
        return _linked(request, provider=services.identity.openid[key].given.name)
    entered = await enter_proved(
        services.identity, person_id=proved.person_id, method="openid", browser=browser_of(request)
    )
    return enter(request, entered)


def _linked(request: Request, *, provider: str) -> Response:
    page = Page(
        title=msg("{provider} is linked"),
        paragraphs=(msg("From now on your account of {provider} signs you in."),),
        params={"provider": provider},
        links=(Link(msg("Go on"), "/"),),
    )
    return show(request, page)


def _text(request: Request, name: str) -> str | None:
    given = request.query_params.getlist(name)
    return given[0][:_LONGEST] if len(given) == 1 else None


def _back(settings: Settings, key: str) -> str:
    """Where the provider sends the browser back to; the operator registers it there."""
    return f"{settings.base_url}/sign-in/with/{key}/back"


def _cookie(settings: Settings) -> str:
    return "__Host-kedang-openid" if is_secure(settings) else "kedang-openid"
