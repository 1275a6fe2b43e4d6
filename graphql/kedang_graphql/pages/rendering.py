"""From a page to HTML: two languages, no script needed, nothing loaded from anywhere."""

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

STYLE = "style.css"
LANGUAGE_NAMES: Mapping[Language, str] = {"en": "English", "zh-CN": "中文"}


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
def asset(name: str) -> str:
    """A style or script that stands inside the page: one request brings all of it."""
    return resources.files("kedang_graphql.pages").joinpath(f"templates/{name}").read_text(encoding="utf-8")


@cache
def _hash_of(name: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(asset(name).encode()).digest()).decode()}'"


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
                (LANGUAGE_NAMES[other], _same_page(request, other))
                for other in LANGUAGES
                if other != language
            ],
            style=asset(STYLE),
            say=say,
            here=_same_page(request, language),
            **values,
        )
    )
    more = ("frame-src 'self'",) if frames else ()
    return HTMLResponse(html, status, headers=headers(STYLE, *more) | {"vary": "accept-language, cookie"})


def _same_page(request: Request, language: str) -> str:
    """The address of the page in a language; the token of a link stays in it."""
    kept = [(name, value) for name, value in request.query_params.items() if name != "lang"]
    return f"{request.url.path}?{urlencode([*kept, ('lang', language)])}"


def headers(style: str, *more: str, script: str | None = None) -> dict[str, str]:
    """Nothing but our own style, script and forms; addresses with tokens are told to nobody and kept by nobody.

    ``same-origin`` and not ``no-referrer``: with the latter browsers send the Origin of a form as ``null``.
    ``more`` are further directives of the policy.
    """
    policy = [
        "default-src 'none'",
        f"style-src {_hash_of(style)}",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        *((f"script-src {_hash_of(script)}", "connect-src 'self'") if script else ()),
        *more,
    ]
    return {
        "content-security-policy": "; ".join(policy),
        "referrer-policy": "same-origin",
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
    }
