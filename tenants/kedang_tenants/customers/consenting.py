"""Whether somebody may be written to, and noting what they say about it (T9).

``may_contact`` is the one place that decides; whatever writes to customers asks it when it chooses
recipients and again when it sends.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias, cast
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import EmailKind, InvalidValue
from kedang_tenants.changing import Change, Draft, change_internally, prepares
from kedang_tenants.customers.consents import CAMPAIGN, EMAIL, GIVEN, OPTED_OUT, UNSUBSCRIBE_LINK
from kedang_tenants.reading import Scope, Viewer

Refusal: TypeAlias = Literal["OPTED_OUT", "NO_CONSENT"]
HASH_BYTES: Final = 16
_PURPOSE: Final = b"kedang consent:"
_SLOW_CLOCK: Final = timedelta(minutes=5)
_CONSENT_FIRST: Final = frozenset({CAMPAIGN})
"""Purposes that need consent first where the company has no rule of its own."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who is to be written to: a contact, the hash of the address that is used, or both."""

    contact_id: UUID | None
    address_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """A consent or opt-out that stands; for a contact, an address, or both."""

    decision: str
    contact_id: UUID | None
    address_hash: str | None


def address_hash(address: str) -> str:
    """What is kept of an address (16 bytes in hex): the same however it is written.

    It is the same in every company, too, so that an opt-out stands in a company that was restored or imported
    under another id.
    """
    plain = address.strip().casefold().encode()
    return hashlib.sha256(_PURPOSE + plain).digest()[:HASH_BYTES].hex()


def recipient(*, contact_id: UUID | None, address: str | None) -> Recipient:
    """Whoever is reached at the address."""
    return Recipient(contact_id, address_hash(address) if address else None)


def decide(recipient: Recipient, statements: Iterable[Statement], *, consent_first: bool) -> Refusal | None:
    """Why the recipient may not be written to, None if they may; the order of the statements does not matter.

    An opt-out holds for its contact and for everybody with its address, a consent for its contact alone,
    or for an address that it names without a contact.
    """
    consented = False
    for said in statements:
        same_contact = said.contact_id is not None and said.contact_id == recipient.contact_id
        same_address = said.address_hash is not None and said.address_hash == recipient.address_hash
        if said.decision == OPTED_OUT and (same_contact or same_address):
            return "OPTED_OUT"
        if said.decision == GIVEN and (same_contact or (said.contact_id is None and same_address)):
            consented = True
    return None if consented or not consent_first else "NO_CONSENT"


_STATEMENTS = """
SELECT decision, contact_id, address_hash FROM contact_consent
WHERE channel = $1 AND purpose = $2 AND archived_at IS NULL
  AND (contact_id = ANY($3::uuid[]) OR address_hash = ANY($4::text[]))
"""
_RULE = "SELECT consent_first FROM consent_rule WHERE channel = $1 AND purpose = $2 AND archived_at IS NULL"


async def may_contact(
    read: TenantRead, *, channel: str, purpose: str, recipients: Sequence[Recipient]
) -> list[Refusal | None]:
    """For each recipient why they may not be written to over the channel for the purpose; None if they may."""
    if not recipients:
        return []
    contacts = list({each.contact_id for each in recipients if each.contact_id})
    hashes = list({each.address_hash for each in recipients if each.address_hash})
    rows = await read.fetch(_STATEMENTS, channel, purpose, contacts, hashes)
    rule = await read.fetchval(_RULE, channel, purpose)
    first = purpose in _CONSENT_FIRST if rule is None else bool(rule)
    by_key: Mapping[object, list[Statement]] = defaultdict(list)
    for row in rows:
        said = Statement(row["decision"], row["contact_id"], row["address_hash"])
        for key in {said.contact_id, said.address_hash} - {None}:
            by_key[key].append(said)
    return [
        decide(
            each,
            [said for key in (each.contact_id, each.address_hash) if key for said in by_key.get(key, ())],
            consent_first=first,
        )
        for each in recipients
    ]


@prepares("contact_consent")
async def complete(write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], clock: Clock) -> None:
    """Fill in whom and when a new statement is about; refuse one that is about nobody, or about tomorrow."""
    new = [draft for draft in drafts if draft.old is None]
    emails = await _emails(write, [cast("UUID", d.now("contact_id")) for d in new if d.now("contact_id")])
    owners = await _contacts_at(write, [str(d.now("address")) for d in new if _at_an_address_only(d)])
    for draft in new:
        draft.values["recorded_by_id"] = viewer.member_id
        if draft.now("decided_at") is None:
            draft.values["decided_at"] = clock.now()
        elif cast("datetime", draft.now("decided_at")) > clock.now() + _SLOW_CLOCK:
            draft.refuse("decided_at", "IN_FUTURE", msg("This lies in the future."))
        _complete_one(viewer, draft, emails, owners)
        address = draft.now("address")
        if draft.now("channel") == EMAIL and address and not draft.refused:
            draft.values["address_hash"] = address_hash(str(address))


def _complete_one(
    viewer: Viewer, draft: Draft, emails: Mapping[UUID, str], owners: Mapping[str, list[UUID]]
) -> None:
    if draft.now("address_hash") is not None:  # by a link, which carries no address
        return
    contact, address = cast("UUID | None", draft.now("contact_id")), draft.now("address")
    if contact is None and (address is None or viewer.on("contact_consent").create is not Scope.ALL):
        draft.refuse("contact_id", "REQUIRED", msg("This must be filled in."))
        return
    if draft.now("channel") != EMAIL:
        return
    if address is None:
        draft.values["address"] = emails.get(cast("UUID", contact))
        return
    try:
        draft.values["address"] = EmailKind().check(address)
    except InvalidValue as error:
        draft.refuse("address", error.reason, error.message, **error.params)
        return
    found = owners.get(str(draft.now("address")), [])
    if contact is None and len(found) == 1:
        draft.values["contact_id"] = found[0]


def _at_an_address_only(draft: Draft) -> bool:
    return draft.now("contact_id") is None and bool(draft.now("address")) and draft.now("channel") == EMAIL


async def _emails(read: TenantRead, contacts: Sequence[UUID]) -> dict[UUID, str]:
    if not contacts:
        return {}
    rows = await read.fetch("SELECT id, email FROM contact WHERE id = ANY($1::uuid[])", list(contacts))
    return {row["id"]: row["email"] for row in rows}


async def _contacts_at(read: TenantRead, addresses: Sequence[str]) -> dict[str, list[UUID]]:
    """The living contacts that have each address, by the address in small letters."""
    if not addresses:
        return {}
    rows = await read.fetch(
        "SELECT id, email FROM contact WHERE email = ANY($1::text[]) AND archived_at IS NULL ORDER BY id",
        [each.strip().lower() for each in addresses],
    )
    found: dict[str, list[UUID]] = defaultdict(list)
    for row in rows:
        found[row["email"]].append(row["id"])
    return found


# --- What a contact does by the link in a mail ------------------------------------------------------

_STANDING = """
SELECT id, source FROM contact_consent
WHERE channel = $1 AND purpose = $2 AND decision = 'OPTED_OUT' AND archived_at IS NULL
  AND (contact_id = $3 OR address_hash = $4)
ORDER BY id
"""
_HOLD = "SELECT pg_advisory_xact_lock(hashtext('consents'), hashtext($1))"


async def standing(
    read: TenantRead, whom: Recipient, *, channel: str, purpose: str
) -> list[tuple[UUID, str]]:
    """The opt-outs that stand for somebody: their ids and sources."""
    rows = await read.fetch(_STANDING, channel, purpose, whom.contact_id, whom.address_hash)
    return [(row["id"], row["source"]) for row in rows]


async def opt_out(
    write: TenantWrite, viewer: Viewer, whom: Recipient, *, channel: str, purpose: str, clock: Clock
) -> None:
    """Note that somebody wants no more, by the link that they were sent; once, however often it is asked."""
    await _hold(write, whom)
    if any(
        source == UNSUBSCRIBE_LINK
        for _, source in await standing(write, whom, channel=channel, purpose=purpose)
    ):
        return
    values: dict[str, object] = {
        "contact_id": await _still_there(write, whom.contact_id),
        "channel": channel,
        "purpose": purpose,
        "decision": OPTED_OUT,
        "source": UNSUBSCRIBE_LINK,
        "address_hash": whom.address_hash,
    }
    await change_internally(write, viewer, [Change("contact_consent", "create", values=values)], clock=clock)


async def opt_in_again(
    write: TenantWrite, viewer: Viewer, whom: Recipient, *, channel: str, purpose: str, clock: Clock
) -> None:
    """Take back what was opted out of by a link; what was said in another way stays."""
    await _hold(write, whom)
    mine = [
        found
        for found, source in await standing(write, whom, channel=channel, purpose=purpose)
        if source == UNSUBSCRIBE_LINK
    ]
    changes = [Change("contact_consent", "archive", each) for each in mine]
    if changes:
        await change_internally(write, viewer, changes, clock=clock)


async def _hold(write: TenantWrite, whom: Recipient) -> None:
    await write.fetch(_HOLD, f"{write.company.schema}:{whom.address_hash or whom.contact_id}")


async def _still_there(read: TenantRead, contact_id: UUID | None) -> UUID | None:
    return cast("UUID | None", await read.fetchval("SELECT id FROM contact WHERE id = $1", contact_id))
