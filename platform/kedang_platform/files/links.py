"""Links by which a browser sends or fetches a file without a credential: signed, for one file, for a short time."""

from __future__ import annotations

import base64
import binascii
import hmac
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.files.errors import LinkExpired, LinkInvalid
from kedang_platform.i18n import msg
from kedang_platform.secrets import SecretKey

# Company, file, seconds since 1970 until which the link is good; uploads add the size and the kind's name.
_FIELDS: Final = struct.Struct(">16s16sQQ")
_MAC_BYTES: Final = 32
_LONGEST: Final = 300


@dataclass(frozen=True, slots=True)
class UploadGrant:
    """What an upload link allows: to send this many bytes of this kind as the content of this file."""

    company_id: UUID
    file_id: UUID
    size: int
    kind: str


@dataclass(frozen=True, slots=True)
class DownloadGrant:
    company_id: UUID
    file_id: UUID


class FileLinks:
    """Signs and reads the tokens in file links (HMAC-SHA256); one for sending never serves for fetching."""

    def __init__(self, key: SecretKey, clock: Clock) -> None:
        self._key = key
        self._clock = clock

    def sign_upload(self, grant: UploadGrant, *, expires_at: datetime) -> str:
        fields = _packed(grant.company_id, grant.file_id, expires_at, grant.size)
        return self._signed("file-upload", fields + grant.kind.encode())

    def sign_download(self, grant: DownloadGrant, *, expires_at: datetime) -> str:
        return self._signed("file-download", _packed(grant.company_id, grant.file_id, expires_at, 0))

    def read_upload(self, token: str) -> UploadGrant:
        """What the token grants; raises ``LinkInvalid`` or ``LinkExpired``."""
        payload = self._read("file-upload", token)
        company, file, _, size = _FIELDS.unpack_from(payload)
        return UploadGrant(UUID(bytes=company), UUID(bytes=file), size, payload[_FIELDS.size :].decode())

    def read_download(self, token: str) -> DownloadGrant:
        """What the token grants; raises ``LinkInvalid`` or ``LinkExpired``."""
        company, file, _, _ = _FIELDS.unpack_from(self._read("file-download", token))
        return DownloadGrant(UUID(bytes=company), UUID(bytes=file))

    def _signed(self, purpose: str, payload: bytes) -> str:
        code = self._key.mac(purpose, payload)
        return base64.urlsafe_b64encode(code + payload).rstrip(b"=").decode()

    def _read(self, purpose: str, token: str) -> bytes:
        signed = _decoded(token)
        code, payload = signed[:_MAC_BYTES], signed[_MAC_BYTES:]
        if len(payload) < _FIELDS.size or not hmac.compare_digest(code, self._key.mac(purpose, payload)):
            raise _invalid()
        expires = _FIELDS.unpack_from(payload)[2]
        if self._clock.now() >= datetime.fromtimestamp(expires, UTC):
            raise LinkExpired(msg("This link has expired. Please ask for a new one."))
        return payload


def _packed(company_id: UUID, file_id: UUID, expires_at: datetime, size: int) -> bytes:
    return _FIELDS.pack(company_id.bytes, file_id.bytes, int(expires_at.timestamp()), size)


def _decoded(token: str) -> bytes:
    if len(token) > _LONGEST or not token.isascii():
        raise _invalid()
    try:
        return base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise _invalid() from error


def _invalid() -> LinkInvalid:
    return LinkInvalid(msg("This link is not valid."))
