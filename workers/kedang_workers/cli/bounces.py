"""A message that came back, from standard input into the database."""

from __future__ import annotations

from typing import BinaryIO, Final

from kedang_platform.database import Databases
from kedang_platform.settings import Settings
from kedang_workers.bounces import receiver_over
from kedang_workers.cli.reaching import reach

_MOST: Final = 10 * 1024 * 1024


def take(settings: Settings, stream: BinaryIO, *, recipient: str | None) -> bool:
    """Take in the message, or nothing where it says nothing about a mail of ours; whether it did."""
    content = stream.read(_MOST)

    async def work(databases: Databases) -> bool:
        return await receiver_over(databases, settings).take(content, (recipient,) if recipient else ())

    return reach(settings, work)
