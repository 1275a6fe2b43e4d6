"""Mails that were kept back in the last moment, and may leave after all."""

from __future__ import annotations

from collections.abc import Sequence

from kedang_platform.database import ControlTransaction

_FORGET = "DELETE FROM platform.mail WHERE key = ANY($1) AND state = 'withheld' AND unknowns = 0"


async def forget_withheld(control: ControlTransaction, keys: Sequence[str]) -> None:
    """Let mails of these keys that were kept back be posted anew; never one that was perhaps taken."""
    await control.fetch(_FORGET, list(keys))
