"""The links by which somebody wants no more mails of a kind, with one click and without signing in (RFC 8058).

A link carries whom it is about and a code that only this installation can make (HMAC-SHA256, its first
160 bits); nothing is stored for it. Whoever has the mail may use it: it does nothing but stop and
resume mails to the address that the mail went to.
"""

from __future__ import annotations

import binascii
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from kedang_platform.database import Databases
from kedang_platform.errors import NotFound
from kedang_platform.registry import Company, find_company_by_handle
from kedang_platform.secrets import SecretKey
from kedang_tenants.customers.consenting import HASH_BYTES, Recipient, may_contact
from kedang_tenants.customers.consents import EMAIL, PURPOSES

_PURPOSE: Final = "unsubscribe"
_CODE_BYTES: Final = 20
_HANDLE_LETTERS: Final = 13
_PURPOSES: Final = tuple(
    option.code for option in PURPOSES
)  # their places stand in links: only add at the end
_BODY_BYTES: Final = 1 + 16 + HASH_BYTES
_NOBODY: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Unsubscription:
    """Mails of one purpose to one recipient, whose address is always known."""

    recipient: Recipient
    purpose: str


def unsubscribe_link(
    secret: SecretKey, *, base_url: str, company: Company, unsubscription: Unsubscription
) -> str:
    """The address of the page where the mails can be stopped, below the installation's ``base_url``."""
    body = _body(unsubscription)
    text = urlsafe_b64encode(body + _code(secret, company.handle, body)).rstrip(b"=").decode()
    return f"{base_url.rstrip('/')}/u/{company.handle}.{text}"


def handle_in(text: str) -> str | None:
    """The handle of the company in ``<handle>.<token>``; None for what no link of ours looks like."""
    handle, dot, _ = text.partition(".")
    return handle if dot and len(handle) == _HANDLE_LETTERS and text.isascii() else None


def read_unsubscribe_link(secret: SecretKey, text: str) -> Unsubscription | None:
    """What ``<handle>.<token>`` stops; None where this installation has not made it."""
    handle, _, letters = text.partition(".")
    try:
        token = urlsafe_b64decode(letters + "=" * (-len(letters) % 4))
    except (binascii.Error, ValueError):
        return None
    body, code = token[:_BODY_BYTES], token[_BODY_BYTES:]
    known = len(token) == _BODY_BYTES + _CODE_BYTES and hmac.compare_digest(code, _code(secret, handle, body))
    if not known or body[0] >= len(_PURPOSES):
        return None
    contact = UUID(bytes=body[1:17])
    return Unsubscription(
        Recipient(None if contact == _NOBODY else contact, body[17:].hex()), _PURPOSES[body[0]]
    )


async def still_wanted(databases: Databases, secret: SecretKey, link: str) -> bool:
    """Whether a mail with this unsubscribe link may leave: asked when it is handed to the mail server.

    One whose company works no more, and one with a link that is not ours, may.
    """
    text = link.rpartition("/")[2]
    unsubscription = read_unsubscribe_link(secret, text)
    if unsubscription is None:
        return True
    try:
        async with databases.control_read() as control:
            company = await find_company_by_handle(control, handle=handle_in(text) or "")
    except NotFound:
        return True
    async with databases.tenant_read(company.ref) as read:
        (refusal,) = await may_contact(
            read,
            channel=EMAIL,
            purpose=unsubscription.purpose,
            recipients=[unsubscription.recipient],
        )
    return refusal is None


def _body(unsubscription: Unsubscription) -> bytes:
    whom = unsubscription.recipient
    place = _PURPOSES.index(unsubscription.purpose)
    return bytes([place]) + (whom.contact_id or _NOBODY).bytes + bytes.fromhex(whom.address_hash or "")


def _code(secret: SecretKey, handle: str, body: bytes) -> bytes:
    return secret.mac(_PURPOSE, handle.encode() + body)[:_CODE_BYTES]
