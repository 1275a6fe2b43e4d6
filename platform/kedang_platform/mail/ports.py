"""What the product asks of whoever carries its mails."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr
from typing import Protocol

from kedang_platform.channel import Channel


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one person, rendered. ``message_id`` stays the same however often it is sent.

    ``unsubscribe`` is where its reader stops mails like it with one click (RFC 8058), None where they cannot be;
    ``reply_to`` where answers go; ``return_path`` where it comes back to when it does not arrive, the sender's
    address if None.
    """

    sender: str
    recipient: str
    subject: str
    text: str
    html: str
    language: str
    message_id: str
    created_at: datetime
    unsubscribe: str | None = None
    reply_to: str | None = None
    return_path: str | None = None


class Mailer(Channel[Mail], Protocol):
    """The channel of mails. The Message-ID carries the key: a mailbox that knows it takes it once."""

    async def close(self) -> None:
        """Give back what is held between mails; sending again is allowed."""
        ...


def message_id(key: str, sender: str) -> str:
    """The Message-ID that belongs to a key: 128 bits of its hash, at the sender's domain."""
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{domain_of(sender)}>"


def domain_of(sender: str) -> str:
    """The domain of an address that may have a name before it: ``Kedang <no-reply@kedang.example>``."""
    return parseaddr(sender)[1].rpartition("@")[2] or "localhost"
