"""A mail as it goes over the wire: text with an HTML alternative, in short lines of ASCII.

Written by hand because ``email.message`` took 1.9 ms a mail, more than all else that sending one costs.
The forms are those of RFC 5322 (headers), 2045 and 2046 (MIME), 2047 (words that are not ASCII), and 2369 and 8058
(unsubscribing with one click).
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from email.utils import format_datetime, parseaddr, quote
from functools import lru_cache

from kedang_platform.mail.ports import Mail

_LINE = 76
# With "=?utf-8?b?", "?=" and "Subject: " before it, an encoded word stays on a line of 76 (RFC 2047, 2).
_WORD_BYTES = 39


def compose(mail: Mail) -> bytes:
    """The message: the same bytes for the same mail, lines ended by CRLF.

    Raises ValueError when an address is none, or one that only some mail servers would take (not ASCII).
    """
    # Of the Message-ID, so that a repeat is the same to the byte; "_" is in no encoded body.
    boundary = f"=_{mail.message_id.strip('<>').partition('@')[0]}"
    lines = [
        f"From: {_from(mail.sender)}",
        f"To: {_address(mail.recipient)}",
        f"Subject: {_words(mail.subject, used=len('Subject: '))}",
        f"Date: {format_datetime(mail.created_at)}",
        f"Message-ID: {mail.message_id}",
        "Auto-Submitted: auto-generated",
        f"Content-Language: {mail.language}",
        *([f"Reply-To: {_address(mail.reply_to)}"] if mail.reply_to else []),
        *_unsubscribing(mail.unsubscribe),
        "MIME-Version: 1.0",
        f'Content-Type: multipart/alternative; boundary="{boundary}"',
    ]
    for kind, content in (("plain", mail.text), ("html", mail.html)):
        lines += ["", f"--{boundary}", *_part(kind, content)]
    lines += ["", f"--{boundary}--", ""]
    return "\r\n".join(lines).encode("ascii")


def _unsubscribing(link: str | None) -> list[str]:
    if link is None:
        return []
    if not link.isascii() or any(sign <= " " or sign in "<>" for sign in link):
        raise ValueError("not an address that a header can hold")
    # The address must not be folded; a line may have 998 characters (RFC 5322, 2.1.1).
    return [f"List-Unsubscribe: <{link}>", "List-Unsubscribe-Post: List-Unsubscribe=One-Click"]


@lru_cache(maxsize=256)
def address_of(sender: str) -> str:
    """The bare address of one that may have a name before it; raises ValueError as ``compose`` does."""
    return _address(parseaddr(sender)[1])


@lru_cache(maxsize=256)  # the installation's and those of companies; reading it took a third of composing one
def _from(sender: str) -> str:
    name, address = parseaddr(sender)
    if not name:
        return _address(address)
    return f"{_phrase(name)} <{_address(address)}>"


def _phrase(name: str) -> str:
    flat = " ".join(name.split())
    words = _words(flat, used=len("From: "))
    return words if words != flat or flat.replace(" ", "").isalnum() else f'"{quote(flat)}"'


def _address(address: str) -> str:
    if "@" not in address or not address.isascii() or any(sign <= " " or sign in "<>" for sign in address):
        raise ValueError("not an address that every mail server takes")
    return address


def _words(text: str, *, used: int) -> str:
    """On one line, as it is, when it is ASCII and fits beside the ``used`` characters; else as encoded words."""
    flat = " ".join(text.split())
    if flat.isascii() and flat.isprintable() and used + len(flat) <= _LINE and "=?" not in flat:
        return flat
    words = [base64.b64encode(part).decode() for part in _cut(flat)]
    return "\r\n ".join(f"=?utf-8?b?{word}?=" for word in words)


def _cut(text: str) -> Iterator[bytes]:
    """Parts of at most ``_WORD_BYTES`` that break no character (RFC 2047, 5)."""
    part = b""
    for character in text:
        encoded = character.encode()
        if len(part) + len(encoded) > _WORD_BYTES:
            yield part
            part = b""
        part += encoded
    yield part


def _part(kind: str, content: str) -> Iterator[str]:
    yield f'Content-Type: text/{kind}; charset="utf-8"'
    yield "Content-Transfer-Encoding: base64"
    yield ""
    # Lines of text end with CRLF before they are encoded (RFC 2045, 6.8).
    canonical = content.replace("\r\n", "\n").replace("\n", "\r\n")
    encoded = base64.b64encode(canonical.encode()).decode()
    for start in range(0, len(encoded), _LINE):
        yield encoded[start : start + _LINE]
