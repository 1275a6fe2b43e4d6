"""Changing: one path for every write."""

from kedang_tenants.changing.change import (
    Outcome,
    change,
    change_accepted,
    change_internally,
    visible_record,
)
from kedang_tenants.changing.drafts import Draft
from kedang_tenants.changing.events import Event, events_of, fan_out, subscribe
from kedang_tenants.changing.hooks import afterwards, prepares
from kedang_tenants.changing.requests import Action, Change, Changed, OwnFields
from kedang_tenants.changing.storing import EVENTS, audit, audit_in_parts

__all__ = [
    "EVENTS",
    "Action",
    "Change",
    "Changed",
    "Draft",
    "Event",
    "Outcome",
    "OwnFields",
    "afterwards",
    "audit",
    "audit_in_parts",
    "change",
    "change_accepted",
    "change_internally",
    "events_of",
    "fan_out",
    "prepares",
    "subscribe",
    "visible_record",
]
