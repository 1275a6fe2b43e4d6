"""Writing to people at customers: whether and when they may be written to, by whom, in which words, what came back."""

from kedang_tenants.correspondence.identity import sender_of
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
from kedang_tenants.correspondence.templates import Templates, letter_from_template, load_templates

__all__ = [
    "SUPPRESSED",
    "TOO_OFTEN",
    "Planned",
    "Recipient",
    "Sending",
    "Templates",
    "letter_from_template",
    "load_templates",
    "may_write",
    "plan_sending",
    "record_sent",
    "sender_of",
    "take_back",
]
