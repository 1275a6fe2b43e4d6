"""The rules of a company's own fields: which records take them, how they are called, how many there may be."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import catalogue
from kedang_tenants.changing import Draft, afterwards, prepares
from kedang_tenants.reading import Viewer

MOST_PER_RECORD = 100
# Over which the database tells whoever listens whose own fields have changed.
CHANNEL: Final = "kedang_own_fields"
_KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")


@prepares("custom_field")
async def check_definitions(
    write: TenantWrite,
    viewer: Viewer,  # noqa: ARG001 - the signature of a step
    drafts: Sequence[Draft],
    clock: Clock,  # noqa: ARG001
) -> None:
    """Refuse unknown records, unreadable keys, choices without options and more than 100 fields a record."""
    rows = await write.fetch(
        "SELECT record, count(*) AS n FROM custom_field WHERE archived_at IS NULL GROUP BY record"
    )
    counts = {row["record"]: row["n"] for row in rows}
    for draft in drafts:
        if draft.action == "create":
            _check_new(draft)
        taken_up = "archived_at" in draft.values and draft.values["archived_at"] is None
        if draft.action == "create" or taken_up:
            _check_room(draft, counts)
        if draft.now("kind") == "CHOICE" and not draft.now("options"):
            draft.refuse("options", "REQUIRED", msg("A choice needs options."))


@afterwards("custom_field")
async def announce_change(
    write: TenantWrite,
    viewer: Viewer,  # noqa: ARG001 - the signature of a step
    drafts: Sequence[Draft],  # noqa: ARG001
    clock: Clock,  # noqa: ARG001
) -> None:
    """Tell every gateway, when the transaction commits, that the company's fields are others now."""
    await write.fetch("SELECT pg_notify($1, $2)", CHANNEL, str(write.company.id))


def _check_new(draft: Draft) -> None:
    record = str(draft.now("record"))
    if record not in catalogue():
        draft.refuse("record", "UNKNOWN_VALUE", msg("“{value}” is not one of the choices."), value=record)
    if not _KEY.fullmatch(str(draft.now("key"))):
        draft.refuse(
            "key", "INVALID_KEY", msg("A key is made of lower-case letters, digits and underscores.")
        )


def _check_room(draft: Draft, counts: dict[str, int]) -> None:
    """A new definition, or one that is taken up again, is one more."""
    record = str(draft.now("record"))
    counts[record] = counts.get(record, 0) + 1
    if counts[record] > MOST_PER_RECORD:
        draft.refuse(
            None, "TOO_MANY", msg("At most {limit} entries are allowed here."), limit=MOST_PER_RECORD
        )
