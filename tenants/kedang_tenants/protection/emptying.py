"""Emptying the records that are a person, and what hangs on them by reference (T7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.i18n import msg, translate
from kedang_platform.search_text import name_sort
from kedang_tenants.catalogue import catalogue
from kedang_tenants.changing import audit
from kedang_tenants.changing.storing import Entry
from kedang_tenants.protection.places import PERSONAL
from kedang_tenants.protection.subjects import Person
from kedang_tenants.protection.sweeping import write_row
from kedang_tenants.reading import Viewer

# Their figures stay (how many were asked, how many answered); whom they were sent to goes, and so does every open link.
_INVITATIONS: Final = """
UPDATE survey_invitation SET recipient = NULL, token_hash = NULL, updated_at = $2, version = version + 1,
    state = CASE WHEN state IN ('PENDING', 'SENT', 'OPENED') THEN 'CANCELLED' ELSE state END
WHERE contact_id = ANY($1::uuid[])
"""
# An opt-out outlives the person: the hash of the address stays with it, the address does not.
_CONSENTS: Final = """
UPDATE contact_consent SET address = NULL, evidence = NULL, updated_at = $2, version = version + 1,
    address_hash = CASE WHEN decision = 'OPTED_OUT' THEN address_hash END
WHERE contact_id = ANY($1::uuid[])
"""
# That minutes were sent and confirmed stays; to whom they went, what opens them and what was objected goes.
_RECEIPTS: Final = """
UPDATE minutes_receipt SET recipient = NULL, token_hash = NULL, updated_at = $2, version = version + 1,
    objection = CASE WHEN objection IS NOT NULL THEN '' END,
    state = CASE WHEN state = 'WAITING' THEN 'UNDELIVERED' ELSE state END
WHERE contact_id = ANY($1::uuid[])
"""
# What somebody wrote in their own words can tell who they are; the levels and numbers stay.
_WORDS: Final = """
UPDATE survey_item_answer SET text = NULL, comment = NULL, updated_at = $2, version = version + 1
WHERE (text IS NOT NULL OR comment IS NOT NULL)
  AND answer_id IN (SELECT id FROM survey_answer WHERE contact_id = ANY($1::uuid[]))
"""


async def empty_persons(
    write: TenantWrite, viewer: Viewer, persons: Sequence[Person], *, clock: Clock
) -> None:
    """Take everything out of the persons' own records that says who they are; ids and figures stay.

    The trail notes that it was done, not what stood there.
    """
    for person in persons:
        await _empty(write, viewer, person, clock)
    contacts = [person.id for person in persons if person.record == "contact"]
    if contacts:
        for statement in (_INVITATIONS, _RECEIPTS, _CONSENTS, _WORDS):
            await write.fetch(statement, contacts, clock.now())
    entries: list[Entry] = [(person.record, "erased", person.id, {}) for person in persons]
    await audit(write, viewer, entries, clock=clock)


async def _empty(write: TenantWrite, viewer: Viewer, person: Person, clock: Clock) -> None:
    table = catalogue().record(person.record).table
    values: dict[str, object] = dict.fromkeys(PERSONAL[person.record] & set(table.columns.keys()))
    name = translate(
        msg("Former member") if person.record == "member" else msg("Erased person"), viewer.language
    )
    values |= {"name": name, "custom": {}, "updated_at": clock.now()}
    if person.record == "member":
        values["email"] = f"{person.id.hex}@erased.invalid"
    else:
        values |= {
            "name_sort": name_sort(name),
            "search_text": "",
            "search_tokens": [],
            "erased_at": clock.now(),
        }
    await write_row(write, table.name, {"id": person.id}, values, ("custom",))
