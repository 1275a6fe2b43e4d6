"""Signatures as Standard Webhooks 1.0 says: HMAC-SHA256 over id, time and body, in base64, marked ``v1``."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from kedang_platform.secrets import SecretKey

_PURPOSE: Final = "webhook"
_MARK: Final = "whsec_"


def secret_of(key: SecretKey, *, company_id: UUID, webhook_id: UUID, number: int) -> str:
    """The ``number``-th secret of a webhook, as its receiver is told it: ``whsec_`` and 32 bytes in base64."""
    data = b"%s%s%d" % (company_id.bytes, webhook_id.bytes, number)
    return _MARK + base64.b64encode(key.mac(_PURPOSE, data)).decode()


def signed_headers(
    secrets: Sequence[str], *, message_id: str, at: datetime, body: bytes
) -> Mapping[str, str]:
    """The three headers of the specification; with several secrets any of them verifies."""
    timestamp = str(int(at.timestamp()))
    signatures = [_signature(secret, message_id, timestamp, body) for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signatures),
    }


def _signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(_MARK))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
