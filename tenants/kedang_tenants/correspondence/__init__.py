"""Writing to people at customers: whether and when they may be written to, by whom, in which words, what came back."""

from kedang_tenants.correspondence.planning import (
    SUPPRESSED,
    TOO_OFTEN,
    Planned,
    Recipient,
    Sending,
    may_write,
    plan_sending,
    record_sent,
    take_back,
)

__all__ = [
    "SUPPRESSED",
    "TOO_OFTEN",
    "Planned",
    "Recipient",
    "Sending",
    "may_write",
    "plan_sending",
    "record_sent",
    "take_back",
]
