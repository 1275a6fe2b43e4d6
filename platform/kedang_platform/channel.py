"""The one port by which everything leaves that is told to somebody: mails, webhooks, and what comes later."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Protocol, TypeVar

MessageT_contra = TypeVar("MessageT_contra", contravariant=True)


class Outcome(Enum):
    """What is known after a try to hand a message over."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"  # for good: this recipient or this message will never be taken
    RETRY = "retry"  # surely not taken, but may be later
    UNKNOWN = "unknown"  # perhaps taken: the answer was lost
    WITHHELD = "withheld"  # not tried: its reader wants no more of them
    SUPPRESSED = "suppressed"  # not tried: the company sends nothing to this address any more


@dataclass(frozen=True, slots=True)
class Delivery:
    """An outcome and what the other side said (for the operator, never for the person).

    ``refused_address``: rejected since the address takes nothing at all. ``retry_after``: not to be tried before.
    """

    outcome: Outcome
    detail: str = ""
    refused_address: bool = False
    retry_after: timedelta | None = None


class Channel(Protocol[MessageT_contra]):
    """A way out. Each has messages of its own; what becomes of them is told in the same words."""

    async def send(self, message: MessageT_contra, /, *, key: str) -> Delivery:
        """Hand the message over once; never raises for what the other side does.

        The same ``key`` is the same message: whoever can tell keeps it from arriving twice.
        """
        ...
