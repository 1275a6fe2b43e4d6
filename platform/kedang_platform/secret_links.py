"""Links whose only proof is that somebody has them: ``<the company's handle>.<160 bits in base32>``.

Of the token the database holds only the SHA-256; nothing that is stored opens anything.
"""

from __future__ import annotations

import binascii
import hashlib
from base64 import b32decode, b32encode
from typing import Final

from kedang_platform.registry import Company

TOKEN_BYTES: Final = 20
_TOKEN_LETTERS: Final = 32
_HANDLE_LETTERS: Final = 13


def token_hash(token: bytes) -> bytes:
    """What is stored of a token (32 bytes, SHA-256)."""
    return hashlib.sha256(token).digest()


def secret_part(company: Company, token: bytes) -> str:
    """What stands in the address."""
    return f"{company.handle}.{b32encode(token).decode().lower()}"


def read_secret_part(text: str) -> tuple[str, bytes] | None:
    """The company's handle and the token; None for what none of our links looks like. Capitals are read, too."""
    handle, _, letters = text.lower().partition(".")
    if len(handle) != _HANDLE_LETTERS or len(letters) != _TOKEN_LETTERS or not text.isascii():
        return None
    try:
        return handle, b32decode(letters.upper())
    except binascii.Error:
        return None
