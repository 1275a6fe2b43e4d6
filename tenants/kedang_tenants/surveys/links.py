"""The links by which a customer answers: one for each invitation, the same in every mail about it.

The token is worked out from the invitation's id with the installation's secret, so a reminder carries
the same link although nothing that opens it is stored: the database holds only its SHA-256.
"""

from __future__ import annotations

import binascii
import hashlib
from base64 import b32decode, b32encode
from typing import Final
from uuid import UUID

from kedang_platform.registry import Company
from kedang_platform.secrets import SecretKey

_PURPOSE: Final = "survey-invitation"
TOKEN_BYTES: Final = 20
_TOKEN_LETTERS: Final = 32
_HANDLE_LETTERS: Final = 13


def invitation_token(secret: SecretKey, invitation_id: UUID) -> bytes:
    """The 160 bits that open an invitation; nobody can work them out without the secret."""
    return secret.mac(_PURPOSE, invitation_id.bytes)[:TOKEN_BYTES]


def token_hash(token: bytes) -> bytes:
    """What is stored of a token (32 bytes, SHA-256)."""
    return hashlib.sha256(token).digest()


def survey_path(secret: SecretKey, *, company: Company, invitation_id: UUID) -> str:
    """The path of the answer page of an invitation."""
    token = b32encode(invitation_token(secret, invitation_id)).decode().lower()
    return f"/s/{company.handle}.{token}"


def survey_link(secret: SecretKey, *, base_url: str, company: Company, invitation_id: UUID) -> str:
    """The address of the answer page of an invitation, below the installation's ``base_url``."""
    return base_url.rstrip("/") + survey_path(secret, company=company, invitation_id=invitation_id)


def read_link(text: str) -> tuple[str, bytes] | None:
    """The company's handle and the token in ``<handle>.<token>``; None for what no link of ours looks like.

    Capitals are read, too: some mail programs and people change the case.
    """
    handle, _, letters = text.lower().partition(".")
    if len(handle) != _HANDLE_LETTERS or len(letters) != _TOKEN_LETTERS or not text.isascii():
        return None
    try:
        return handle, b32decode(letters.upper())
    except binascii.Error:
        return None
