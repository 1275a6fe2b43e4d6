"""Links by which the PDF of an invoice is fetched without signing in: signed, for one paper, for some time."""

from __future__ import annotations

import base64
import binascii
import hmac
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from kedang_platform.files import LinkExpired, LinkInvalid
from kedang_platform.i18n import LANGUAGES, Language, msg
from kedang_platform.secrets import SecretKey

_PURPOSE: Final = "invoice-download"
# Company, invoice, language, seconds since 1970 until which the link is good.
_FIELDS: Final = struct.Struct(">16s16sBQ")
_MAC_BYTES: Final = 32
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class InvoiceGrant:
    """What a link gives: the PDF of one invoice in one language."""

    company_id: UUID
    invoice_id: UUID
    language: Language


def sign_invoice_link(secret: SecretKey, grant: InvoiceGrant, *, expires_at: datetime) -> str:
    """The token of a link (HMAC-SHA256), good until ``expires_at``."""
    payload = _FIELDS.pack(
        grant.company_id.bytes,
        grant.invoice_id.bytes,
        LANGUAGES.index(grant.language),
        int(expires_at.timestamp()),
    )
    return base64.urlsafe_b64encode(secret.mac(_PURPOSE, payload) + payload).rstrip(b"=").decode()


def read_invoice_link(secret: SecretKey, token: str, *, now: datetime) -> InvoiceGrant:
    """What a token grants; raises ``LinkInvalid`` or ``LinkExpired``."""
    signed = _decoded(token)
    code, payload = signed[:_MAC_BYTES], signed[_MAC_BYTES:]
    if len(payload) != _FIELDS.size or not hmac.compare_digest(code, secret.mac(_PURPOSE, payload)):
        raise _invalid()
    company, invoice, language, expires = _FIELDS.unpack(payload)
    if now >= datetime.fromtimestamp(expires, UTC):
        raise LinkExpired(msg("This link has expired. Please ask for a new one."))
    return InvoiceGrant(UUID(bytes=company), UUID(bytes=invoice), LANGUAGES[language])


def _decoded(token: str) -> bytes:
    if len(token) > _LONGEST or not token.isascii():
        raise _invalid()
    try:
        return base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise _invalid() from error


def _invalid() -> LinkInvalid:
    return LinkInvalid(msg("This link is not valid."))
