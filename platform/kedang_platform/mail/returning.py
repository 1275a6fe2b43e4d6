"""Where a mail comes back to: an address of its own for each, which nobody else can make (VERP).

``bounces+<handle>@mail.example``: the handle is the mail's id and 80 bits of HMAC-SHA256 in the letters of base32, which
survive servers that change upper and lower case.
"""

from __future__ import annotations

import binascii
import hmac
import re
from base64 import b32decode, b32encode
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Final
from uuid import UUID

from kedang_platform.secrets import SecretKey

_PURPOSE: Final = "mail that came back"
_ID_BYTES: Final = 16
_CODE_BYTES: Final = 10
_LETTERS: Final = 42
_HANDLE: Final = re.compile(rf"\+([a-z2-7]{{{_LETTERS}}})@", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ReturnAddress:
    """The addresses that mails come back to, made from one that the operator has for them."""

    secret: SecretKey
    address: str

    def of(self, mail_id: UUID) -> str:
        """The address of one mail."""
        local, _, domain = parseaddr(self.address)[1].rpartition("@")
        return f"{local}+{handle_of(self.secret, mail_id)}@{domain}"


def handle_of(secret: SecretKey, mail_id: UUID) -> str:
    """The letters that stand for a mail."""
    text = b32encode(mail_id.bytes + _code(secret, mail_id.bytes)).decode()
    return text.rstrip("=").lower()


def mail_in(secret: SecretKey, texts: Iterable[str]) -> UUID | None:
    """The mail that the first good handle in the texts stands for; None where this installation made none of them."""
    for text in texts:
        for found in _HANDLE.finditer(text):
            mail_id = _read(secret, found[1])
            if mail_id is not None:
                return mail_id
    return None


def _read(secret: SecretKey, letters: str) -> UUID | None:
    try:
        body = b32decode(letters.upper() + "=" * (-len(letters) % 8))
    except (binascii.Error, ValueError):
        return None
    mail_id, code = body[:_ID_BYTES], body[_ID_BYTES:]
    return UUID(bytes=mail_id) if hmac.compare_digest(code, _code(secret, mail_id)) else None


def _code(secret: SecretKey, mail_id: bytes) -> bytes:
    return secret.mac(_PURPOSE, mail_id)[:_CODE_BYTES]
