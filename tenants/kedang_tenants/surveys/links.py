"""The links by which a customer answers: one for each invitation, the same in every mail about it.

Beside them those that everybody gets (``survey_link``), and the keys of the mails.

The token is worked out from the invitation's id with the installation's secret, so a reminder carries
the same link although nothing that opens it is stored: the database holds only its SHA-256.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from kedang_platform.database import CompanyRef
from kedang_platform.registry import Company
from kedang_platform.secret_links import TOKEN_BYTES, secret_part
from kedang_platform.secrets import SecretKey

_PURPOSE: Final = "survey-invitation"
_FOR_EVERYBODY: Final = "survey-link"
_MAIL: Final = "survey"


def invitation_token(secret: SecretKey, invitation_id: UUID) -> bytes:
    """The 160 bits that open an invitation; nobody can work them out without the secret."""
    return secret.mac(_PURPOSE, invitation_id.bytes)[:TOKEN_BYTES]


def public_token(secret: SecretKey, link_id: UUID) -> bytes:
    """The 160 bits of a link that everybody gets."""
    return secret.mac(_FOR_EVERYBODY, link_id.bytes)[:TOKEN_BYTES]


def public_path(secret: SecretKey, *, company: Company, link_id: UUID) -> str:
    """The path of the answer page of a link that everybody gets."""
    return _path(company, public_token(secret, link_id))


def mail_key(company: CompanyRef, invitation_id: UUID, *, reminder: int = 0) -> str:
    """The key of an invitation's mail: one an invitation, and one more for each reminder (counted from 1)."""
    suffix = {0: "", 1: ":reminder"}.get(reminder, f":reminder{reminder}")
    return f"{_MAIL}:{company.schema}:{invitation_id}{suffix}"


def invitation_of(key: str) -> tuple[UUID, bool] | None:
    """Which invitation the mail of a key is of, and whether it is a reminder; None where it is no survey's."""
    kind, _, rest = key.partition(":")
    parts = rest.split(":")
    if kind != _MAIL or len(parts) not in {2, 3}:
        return None
    return UUID(parts[1]), len(parts) == 3


def survey_path(secret: SecretKey, *, company: Company, invitation_id: UUID) -> str:
    """The path of the answer page of an invitation."""
    return _path(company, invitation_token(secret, invitation_id))


def _path(company: Company, token: bytes) -> str:
    return f"/s/{secret_part(company, token)}"


def survey_link(secret: SecretKey, *, base_url: str, company: Company, invitation_id: UUID) -> str:
    """The address of the answer page of an invitation, below the installation's ``base_url``."""
    return base_url.rstrip("/") + survey_path(secret, company=company, invitation_id=invitation_id)
