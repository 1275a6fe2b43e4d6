"""What every answer tells browsers, whoever made it: an answer says only what it wants differently.

Nothing is sniffed, framed, loaded or told to other sites (OWASP ASVS 5.0, 3.4), and where the public address is
https, browsers come by https alone for a year, to hosts below it as well.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kedang_graphql.authentication import is_secure
from kedang_platform.settings import Settings

_YEAR = 31_536_000
_POLICY = (
    b"content-security-policy",
    b"default-src 'none'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
)
# The policy of a script that is a worker's is the worker's own: it has to load its parts.
_POLICY_OF_SCRIPTS = (b"content-security-policy", b"frame-ancestors 'none'")
_SCRIPTS = "/static/"
_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
_SECURE = ((b"strict-transport-security", f"max-age={_YEAR}; includeSubDomains".encode()),)


class Hardened:
    """The application, with these headers on every answer that does not have its own."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._headers = _ALWAYS + (_SECURE if is_secure(settings) else ())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        policy = _POLICY_OF_SCRIPTS if scope["path"].startswith(_SCRIPTS) else _POLICY

        async def hardened(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = message["headers"]
                own = {name for name, _ in given}
                message["headers"] = [
                    *given,
                    *(pair for pair in (*self._headers, policy) if pair[0] not in own),
                ]
            await send(message)

        await self._app(scope, receive, hardened)
