"""Credentials of a request: an API key in the Authorization header, or the session's cookie."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import Response

from kedang_graphql.context import SessionCookie
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
