"""What the product asks of whoever carries its mails."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parseaddr
from enum import Enum
from typing import Protocol


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


class Outcome(Enum):
    """What is known after a try to hand a mail over."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"  # for good: this recipient or this mail will never be taken
    RETRY = "retry"  # surely not taken, but may be later
    UNKNOWN = "unknown"  # perhaps taken: the answer was lost
    WITHHELD = "withheld"  # not tried: its reader wants no more of them
    SUPPRESSED = "suppressed"  # not tried: the company sends nothing to this address any more


@dataclass(frozen=True, slots=True)
class Delivery:
    """An outcome and what the other side said (for the operator, never for the person).

    ``refused_address``: rejected since the address takes no mail at all. ``retry_after``: not to be tried before.
    """

    outcome: Outcome
    detail: str = ""
    refused_address: bool = False
    retry_after: timedelta | None = None


class Mailer(Protocol):
    async def send(self, mail: Mail, *, key: str) -> Delivery:
        """Hand the mail over once; never raises for what the other side does.

        The same ``key`` is the same mail: an adapter that can tell keeps it from arriving twice.
        """
        ...

    async def close(self) -> None:
        """Give back what is held between mails; sending again is allowed."""
        ...


def message_id(key: str, sender: str) -> str:
    """The Message-ID that belongs to a key: 128 bits of its hash, at the sender's domain."""
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{domain_of(sender)}>"


def domain_of(sender: str) -> str:
    """The domain of an address that may have a name before it: ``Kedang <no-reply@kedang.example>``."""
    return parseaddr(sender)[1].rpartition("@")[2] or "localhost"
