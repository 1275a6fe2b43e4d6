"""What ``Retry-After`` says (RFC 9110, 10.2.3): a number of seconds, or a date."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

_MOST_DIGITS: Final = 9


def wait_of(text: str | None, *, now: datetime) -> timedelta | None:
    """How long is asked to be waited from now on, never less than nothing; None where nothing is asked."""
    if text is None:
        return None
    if text.isascii() and text.isdigit():
        return (
            timedelta(seconds=int(text[: _MOST_DIGITS + 1])) if len(text) <= _MOST_DIGITS else timedelta.max
        )
    try:
        at = parsedate_to_datetime(text)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
        return max(at - now, timedelta())
    except (ValueError, OverflowError):
        return None
