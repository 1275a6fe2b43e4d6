"""From a page to HTML: two languages, no script, nothing loaded from anywhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from kedang_graphql.pages.forms import Page
from kedang_platform.i18n import LANGUAGES, Language, choose_language, translate

_NAMES: Mapping[Language, str] = {"en": "English", "zh-CN": "中文"}


@cache
def environment() -> Environment:
    return Environment(
        loader=PackageLoader("kedang_graphql.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def style() -> str:
    return resources.files("kedang_graphql.pages").joinpath("templates/style.css").read_text(encoding="utf-8")


@cache
def _style_hash() -> str:
    return base64.b64encode(hashlib.sha256(style().encode()).digest()).decode()


def language_of(request: Request) -> Language:
    """The language asked for in the address, else the browser's."""
    return choose_language(request.query_params.get("lang"), request.headers.get("accept-language"))


def show(request: Request, page: Page, *, status: int = 200) -> HTMLResponse:
    """The page in the language of the request."""
    return render(
        request, "page.html", {"page": page, "title": page.title, "params": page.params}, status=status
    )


def render(
    request: Request, template: str, values: Mapping[str, object], *, status: int = 200, frames: bool = False
) -> HTMLResponse:
    """A template with what every page has: its language, the way to the other one, the style."""
    language = language_of(request)

    def say(msgid: str, params: Mapping[str, object] | None = None) -> str:
        return translate(msgid, language, params) if msgid else ""

    html = (
        environment()
        .get_template(template)
        .render(
            language=language,
            languages=[
                (_NAMES[other], _same_page(request, other)) for other in LANGUAGES if other != language
            ],
            style=style(),
            say=say,
            here=_same_page(request, language),
            **values,
        )
    )
    return HTMLResponse(html, status, headers=_headers(frames=frames))


def _same_page(request: Request, language: str) -> str:
    """The address of the page in a language; the token of a link stays in it."""
    kept = [(name, value) for name, value in request.query_params.items() if name != "lang"]
    return f"{request.url.path}?{urlencode([*kept, ('lang', language)])}"


def _headers(*, frames: bool) -> dict[str, str]:
    """Nothing but our own style and forms; addresses with tokens are told to nobody and kept by nobody.

    ``same-origin`` and not ``no-referrer``: with the latter browsers send the Origin of a form as ``null``.
    """
    policy = [
        "default-src 'none'",
        f"style-src 'sha256-{_style_hash()}'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ]
    if frames:
        policy.append("frame-src 'self'")
    return {
        "content-security-policy": "; ".join(policy),
        "referrer-policy": "same-origin",
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "vary": "accept-language, cookie",
    }
