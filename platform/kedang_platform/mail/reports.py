"""What other mail servers report about a mail: that it failed or waits (RFC 3464), that its reader complains (RFC 5965).

Everything else that arrives at a return address says nothing: answers of people who are away, mails of people, forgeries.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import MessageError
from email.message import Message
from email.policy import compat32
from typing import Final

HARD: Final = "HARD"
"""The address takes no mail, now or later."""
SOFT: Final = "SOFT"
"""This mail did not arrive; another may."""
DELAYED: Final = "DELAYED"
"""The mail is still tried elsewhere."""
COMPLAINT: Final = "COMPLAINT"
"""Whoever got the mail says that it was not wanted."""
KINDS: Final = (HARD, SOFT, DELAYED, COMPLAINT)

LARGEST: Final = 256 * 1024
"""Bytes of a report that are looked at; the mail that it may bring back comes last in it."""
_SAID: Final = 300
_PARTS: Final = 50
_MULTIPARTS: Final = 20
"""Multiparts that a report may have: each within another makes reading every line of it longer."""
_STATUS: Final = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_CODE: Final = re.compile(r"(?:^|[;\s])([45])\d\d[\s-]")
# A full mailbox, a mail that is too large or has the wrong form, a refusal for what the mail or its sender is (spam,
# blocked): each says nothing about whether the address exists (RFC 3463).
_NOT_THE_ADDRESS: Final = {("2", "2"), ("2", "3"), ("3", "4")}
_NOT_THE_ADDRESS_AT_ALL: Final = {"6", "7"}
_HEADERS: Final = (
    "To",
    "Delivered-To",
    "X-Original-To",
    "Envelope-To",
    "X-Envelope-To",
    "Original-Recipient",
)
_ORIGINALS: Final = ("Return-Path", "X-Original-Return-Path")


@dataclass(frozen=True, slots=True)
class Report:
    """One report. ``addresses`` are texts that can hold the return address; ``said`` is for the operator, shortened."""

    kind: str
    status: str
    said: str
    addresses: tuple[str, ...]


def read_report(content: bytes, *, recipients: tuple[str, ...] = ()) -> Report | None:
    """What a message reports, None where it reports nothing. ``recipients`` are those of its envelope."""
    looked_at = content[:LARGEST]
    if looked_at.lower().count(b"multipart/") > _MULTIPARTS:
        return None
    try:
        message = message_from_bytes(looked_at, policy=compat32)
        return _read(message, recipients)
    except (MessageError, ValueError, LookupError, RecursionError):
        return None


def kind_of(status: str) -> str:
    """HARD or SOFT for an enhanced status code (RFC 3463) of a mail that failed."""
    found = _STATUS.search(status)
    if found is None or found[1] != "5":
        return SOFT
    subject, detail = found[2], found[3]
    elsewhere = subject in _NOT_THE_ADDRESS_AT_ALL or (subject, detail) in _NOT_THE_ADDRESS
    return SOFT if elsewhere else HARD


def _read(message: Message, recipients: tuple[str, ...]) -> Report | None:
    if message.get_content_type() != "multipart/report":
        return None
    parts = {part.get_content_type(): part for part in _first_parts(message)}
    addresses = (*recipients, *_all(message, _HEADERS), *_originals(parts))
    if "message/delivery-status" in parts:
        return _delivery(parts["message/delivery-status"], addresses)
    if "message/feedback-report" in parts:
        return _complaint(parts["message/feedback-report"], addresses)
    return None


def _first_parts(message: Message) -> Iterator[Message]:
    """The parts of the report itself, not those of the mail that it brings back."""
    payload = message.get_payload()
    if isinstance(payload, list):
        yield from (part for part in reversed(payload[:_PARTS]) if isinstance(part, Message))


def _delivery(part: Message, addresses: tuple[str, ...]) -> Report | None:
    """The worst that is said of any recipient; of a mail to one person there is one."""
    worst: Report | None = None
    for fields in _blocks(part):
        told = _recipient(fields, addresses)
        if told and (worst is None or KINDS.index(told.kind) < KINDS.index(worst.kind)):
            worst = told
    return worst


def _recipient(fields: Message, addresses: tuple[str, ...]) -> Report | None:
    action = _text(fields, "Action").lower()
    diagnostic = _text(fields, "Diagnostic-Code")
    status = _status(_text(fields, "Status"), diagnostic)
    words = (diagnostic.partition(";")[2] or diagnostic).strip()
    said = _short(" ".join(text for text in (status, words) if text))
    if action == "delayed":
        return Report(DELAYED, status, said, addresses)
    return Report(kind_of(status), status, said, addresses) if action == "failed" else None


def _status(status: str, diagnostic: str) -> str:
    """The enhanced status code; where the report leaves it general, a more exact one out of what the server said."""
    given, exact = _STATUS.search(status), _STATUS.search(diagnostic)
    if exact and (given is None or (given[2], given[3]) == ("0", "0")):
        return exact[0]
    if given:
        return given[0]
    code = _CODE.search(diagnostic)
    return f"{code[1]}.0.0" if code else ""


def _complaint(part: Message, addresses: tuple[str, ...]) -> Report | None:
    for fields in _blocks(part):
        kind = _text(fields, "Feedback-Type").lower()
        if kind in {"abuse", "fraud", "virus", "other"}:
            sender = _text(fields, "Original-Mail-From")
            return Report(COMPLAINT, "", _short(kind), (*addresses, _bracketed(sender)))
    return None


def _blocks(part: Message) -> Iterator[Message]:
    """The groups of fields; the parser reads them of a delivery status itself, of other kinds they are text."""
    payload = part.get_payload()
    if isinstance(payload, list):
        yield from (each for each in payload[:_PARTS] if isinstance(each, Message))
        return
    decoded = part.get_payload(decode=True)
    text = decoded if isinstance(decoded, bytes) else str(payload).encode()
    for block in re.split(rb"\r?\n\s*\r?\n", text)[:_PARTS]:
        yield message_from_bytes(block.strip() + b"\r\n\r\n", policy=compat32)


def _originals(parts: dict[str, Message]) -> Iterator[str]:
    """Where the mail that is brought back, or its headers, were to come back to."""
    for kind in ("message/rfc822", "text/rfc822-headers"):
        part = parts.get(kind)
        if part is None:
            continue
        payload = part.get_payload()
        if isinstance(payload, list) and payload and isinstance(payload[0], Message):
            yield from _all(payload[0], _ORIGINALS)
        elif isinstance(payload, str):
            yield from _all(
                message_from_bytes(payload.encode("ascii", "replace"), policy=compat32), _ORIGINALS
            )


def _all(message: Message, names: tuple[str, ...]) -> list[str]:
    return [_bracketed(str(value)) for name in names for value in message.get_all(name, [])]


def _bracketed(text: str) -> str:
    return " ".join(text.split())[:1000]


def _text(fields: Message, name: str) -> str:
    return " ".join(str(fields.get(name, "")).split())


def _short(text: str) -> str:
    plain = "".join(sign if sign.isprintable() else " " for sign in text)
    return plain if len(plain) <= _SAID else plain[: _SAID - 1] + "…"
