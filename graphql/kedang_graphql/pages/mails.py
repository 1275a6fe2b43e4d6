"""The mail page: what a machine without a mail server would have sent, shown to whoever sits at it.

It exists only while mails go to the folder, and only for requests from this machine itself: to an
address of this machine, from this machine, through no proxy. To all others it is not there.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from kedang_graphql.pages.rendering import render
from kedang_graphql.pages.requests import services_of
from kedang_platform.i18n import msg
from kedang_platform.mail import StoredMail, list_mails, mail_folder, read_mail

_TEXTS = {
    "why": msg(
        "No mail server is set, so mails stay on this machine. Only requests from this machine see this page."
    ),
    "none": msg("No mail has been sent yet."),
    "to": msg("To"),
    "from": msg("From"),
    "sent_at": msg("Sent at"),
    "links": msg("Links"),
    "text": msg("Text"),
    "all": msg("All mails"),
}
_LINK = re.compile(r"https?://\S+")
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
_BODY_HEADERS = {
    "content-security-policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def shown_here(request: Request) -> bool:
    """Whether the mail page exists for this request."""
    return _folder(request) is not None


def _folder(request: Request) -> Path | None:
    client = request.client.host if request.client else ""
    forwarded = any(name in request.headers for name in _FORWARDED)
    # The Host header: a page of the internet whose name leads to this machine must not read our mails.
    host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    if forwarded or not _is_loopback(client) or not _is_loopback(host):
        return None
    return mail_folder(services_of(request).settings)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _not_here() -> Response:
    return PlainTextResponse("Not Found", 404)


async def mail_list(request: Request) -> Response:
    folder = _folder(request)
    if folder is None:
        return _not_here()
    values = {"title": msg("Mails"), "params": None, "texts": _TEXTS, "mails": list_mails(folder)}
    return render(request, "mails.html", values)


async def mail_shown(request: Request) -> Response:
    folder = _folder(request)
    mail = read_mail(folder, request.path_params["mail_id"]) if folder else None
    if mail is None:
        return _not_here()
    values = {"title": mail.subject, "params": None, "texts": _TEXTS, "mail": mail, "links": links_in(mail)}
    return render(request, "mail.html", values, frames=True)


async def mail_body(request: Request) -> Response:
    """The HTML of a mail, for the frame: it may show itself and do nothing else."""
    folder = _folder(request)
    mail = read_mail(folder, request.path_params["mail_id"]) if folder else None
    if mail is None:
        return _not_here()
    return HTMLResponse(mail.html, headers=_BODY_HEADERS)


async def mail_json(request: Request) -> Response:
    """The newest mails, those to ``to`` alone when it is given, as the demonstration reads them."""
    folder = _folder(request)
    if folder is None:
        return _not_here()
    mails = [_as_json(mail) for mail in list_mails(folder, to=request.query_params.get("to"))]
    return JSONResponse({"mails": mails}, headers={"cache-control": "no-store"})


def _as_json(mail: StoredMail) -> dict[str, object]:
    return {
        "id": mail.id,
        "messageId": mail.message_id,
        "from": mail.sender,
        "to": mail.recipient,
        "subject": mail.subject,
        "sentAt": mail.sent_at.isoformat(),
        "text": mail.text,
        "html": mail.html,
        "links": links_in(mail),
    }


def links_in(mail: StoredMail) -> list[str]:
    """The addresses in the text of a mail, each once, in their order."""
    return list(dict.fromkeys(_LINK.findall(mail.text)))
