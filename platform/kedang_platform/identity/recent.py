"""Proving again who one is before something sensitive is done (T5; ASVS 5.0, 7.5.1)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from kedang_platform.errors import Forbidden, KedangError
from kedang_platform.i18n import msg
from kedang_platform.identity.credentials import Identified

RECENT: Final = timedelta(minutes=15)


class ReauthenticationRequired(KedangError):
    """The session is good, but its person proved who they are too long ago for what is asked."""

    def __init__(self) -> None:
        super().__init__(msg("Please confirm first that it is you, with your password or a one-time code."))


def require_recent_authentication(identified: Identified, *, now: datetime) -> None:
    """Let only a session pass whose person gave a password or a one-time code in the last 15 minutes.

    Raises ``ReauthenticationRequired``, and ``Forbidden`` for an API key, which can prove nothing.
    """
    if identified.kind != "session":
        raise Forbidden(msg("This needs a person who is signed in, not an API key."))
    proved_at = identified.authenticated_at
    if proved_at is None or not timedelta(0) <= now - proved_at < RECENT:
        raise ReauthenticationRequired
