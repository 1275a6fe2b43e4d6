"""The installation's one secret, and the keys that are derived from it for each purpose."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from kedang_platform.settings import Settings

_BYTES = 32


@dataclass(frozen=True, slots=True)
class SecretKey:
    """Makes message authentication codes; a code of one purpose never passes for another's."""

    _root: bytes = field(repr=False)

    def mac(self, purpose: str, data: bytes) -> bytes:
        """HMAC-SHA256 of ``data`` under the key of ``purpose`` (32 bytes)."""
        derived = hmac.digest(self._root, purpose.encode(), hashlib.sha256)
        return hmac.digest(derived, data, hashlib.sha256)


def load_secret_key(settings: Settings) -> SecretKey:
    """The key from the setting, else from ``var/secret``, which the first process to ask creates.

    Losing it invalidates API keys, signed links and the secrets of webhooks, nothing else.
    """
    if settings.secret_key is not None:
        return SecretKey(settings.secret_key.get_secret_value().encode())
    path = settings.var / "secret"
    if not path.exists():
        _create(path)
    return SecretKey(path.read_bytes())


def _create(path: Path) -> None:
    """Write a fresh secret whole or not at all; of several processes that try, one wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink()
