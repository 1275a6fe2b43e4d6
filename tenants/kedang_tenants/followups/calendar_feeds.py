"""The secret address of a member's calendar (F8): made, made anew, ended; whom it belongs to."""

from __future__ import annotations

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import InstantKind, TextKind, contribute, field
from kedang_tenants.people.models import Member

contribute(
    Member,
    "calendar_hash",
    field(TextKind(64), label=msg("Address of the calendar"), unique=True, hidden=True),
)
contribute(
    Member,
    "calendar_since",
    field(
        InstantKind(),
        label=msg("Calendar address since"),
        read_only=True,
        description="Since when the present address of their calendar works; empty: there is none",
    ),
)
