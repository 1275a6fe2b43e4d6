"""Credentials of a request: an API key in the Authorization header, or the session's cookie."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import Response

from kedang_graphql.context import Answer, SessionCookie
from kedang_platform.identity.devices import LIFETIME as DEVICE_LIFETIME
from kedang_platform.settings import Settings

_LONGEST = 300


def cookie_name(settings: Settings) -> str:
    """``__Host-`` binds the cookie to this host over https (RFC 6265bis, 4.1.3.2); over http it cannot be used."""
    return "__Host-kedang" if is_secure(settings) else "kedang"


def is_secure(settings: Settings) -> bool:
    return settings.base_url.startswith("https://")


def bearer_of(request: HTTPConnection) -> str | None:
    return token_in(request.headers.get("authorization", ""))


def token_in(authorization: str) -> str | None:
    """The token of a bearer (RFC 6750), None where the text is no such thing."""
    scheme, _, token = authorization.partition(" ")
    return token.strip()[:_LONGEST] if scheme.lower() == "bearer" and token.strip() else None


def cookie_of(request: HTTPConnection, settings: Settings) -> str | None:
    return request.cookies.get(cookie_name(settings)) or None


def from_our_pages(request: HTTPConnection, settings: Settings) -> bool:
    """Whether no other site sent the request (Fetch Metadata; Origin, RFC 6454): only then a cookie speaks for a person.

    A proxy may name itself as host, so the public address is ours, too.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    ours = {request.headers.get("host", ""), urlsplit(settings.base_url).netloc}
    return site in {None, "same-origin", "none"} and (origin is None or urlsplit(origin).netloc in ours)


def device_cookie_name(settings: Settings) -> str:
    return f"{cookie_name(settings)}-device"


def device_of(request: HTTPConnection, settings: Settings) -> str | None:
    """What the browser is known by from earlier sign-ins."""
    return request.cookies.get(device_cookie_name(settings)) or None


def set_cookies(response: Response, answer: Answer, settings: Settings) -> None:
    """Give the browser what a request's verbs have decided: a session, what it is known by, or neither."""
    if answer.session is not None:
        set_session_cookie(response, answer.session, settings)
    if answer.device is not None:
        set_device_cookie(response, answer.device, settings)


def set_session_cookie(response: Response, session: SessionCookie, settings: Settings) -> None:
    """Give the browser the session, or take it away."""
    name, secure = cookie_name(settings), is_secure(settings)
    if session.token is None:
        response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="lax")
        return
    response.set_cookie(
        name,
        session.token,
        expires=session.expires_at,
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",
    )
    if session.device is not None:
        set_device_cookie(response, session.device, settings)


def set_device_cookie(response: Response, device: str, settings: Settings) -> None:
    """Let the browser be known again when its person signs in; signing out leaves this."""
    response.set_cookie(
        device_cookie_name(settings),
        device,
        max_age=int(DEVICE_LIFETIME.total_seconds()),
        path="/",
        secure=is_secure(settings),
        httponly=True,
        samesite="lax",
    )
