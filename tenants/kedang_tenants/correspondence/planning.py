"""Whether somebody may be written to, and when: consent, suppression, frequency over all kinds, quiet hours (T9, T10).

Everything is asked for many recipients at once, with a few statements whatever their number.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_tenants.correspondence.rule import MOST_DAYS, CorrespondenceRule, Most, rule_of
from kedang_tenants.correspondence.suppressing import suppressed_among
from kedang_tenants.correspondence.zones import zone_of
from kedang_tenants.customers import consenting
from kedang_tenants.customers.consenting import address_hash, may_contact
from kedang_tenants.customers.consents import EMAIL
from kedang_tenants.reading import Viewer

SUPPRESSED: Final = "SUPPRESSED"
TOO_OFTEN: Final = "TOO_OFTEN"
_OF_THE_COMPANY: Final = ""
"""Stands in the ledger for the company's own zone, which may change."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody at a customer, reached at an address."""

    customer_id: UUID
    email: str
    contact_id: UUID | None = None

    @property
    def address_hash(self) -> str:
        """What is kept of the address."""
        return address_hash(self.email)


@dataclass(frozen=True, slots=True)
class Planned:
    """When a mail may go, or why it may not: OPTED_OUT, NO_CONSENT, SUPPRESSED or TOO_OFTEN. One of them is None."""

    at: datetime | None
    refusal: str | None


@dataclass(frozen=True, slots=True)
class Sending:
    """A mail that goes to somebody at an instant; ``key`` is the mail's."""

    recipient: Recipient
    key: str
    at: datetime


async def plan_sending(
    write: TenantWrite,
    viewer: Viewer,
    recipients: Sequence[Recipient],
    *,
    kind: str,
    clock: Clock,
    not_before: datetime | None = None,
) -> list[Planned]:
    """For each recipient when a mail of the kind (a purpose of consent) may go, not before now, or why it may not.

    Where the rule caps the kind, the company's plans wait for each other until this transaction ends: hold the rows
    that you need before. Recipients of this call count for those after them, as if all were written to.
    """
    rule = await rule_of(write)
    most = rule.most_for(kind)
    if most is not None and recipients:
        await write.fetch(_ONE_AT_A_TIME, write.company.schema)
    refusals = await may_write(write, recipients, kind=kind)
    begin = max(clock.now(), not_before or clock.now())
    zones = await _zones(write, recipients, otherwise=viewer.time_zone)
    times = _Times(rule, kind, begin)
    at = [None if refusal else times.in_zone(zone) for refusal, zone in zip(refusals, zones, strict=True)]
    counted = Counted() if most is None else await _counted(write, recipients, most, rule.exempt, at)
    return [
        _planned(recipient, refusal, moment, counted, most)
        for recipient, refusal, moment in zip(recipients, refusals, at, strict=True)
    ]


async def may_write(read: TenantRead, recipients: Sequence[Recipient], *, kind: str) -> list[str | None]:
    """Why each recipient may not be sent mails of the kind at all; None if they may."""
    refusals = await may_contact(
        read,
        channel=EMAIL,
        purpose=kind,
        recipients=[consenting.Recipient(each.contact_id, each.address_hash) for each in recipients],
    )
    suppressed = await suppressed_among(read, [each.address_hash for each in recipients])
    return [
        refusal or (SUPPRESSED if each.address_hash in suppressed else None)
        for each, refusal in zip(recipients, refusals, strict=True)
    ]


async def record_sent(write: TenantWrite, sendings: Sequence[Sending], *, kind: str) -> None:
    """Count mails that go to people, in the transaction that planned them; the same key counts once."""
    zones = await _zones(write, [each.recipient for each in sendings], otherwise=_OF_THE_COMPANY)
    rows = [
        (each.key, each.recipient.address_hash, each.recipient.contact_id, zone, each.at)
        for each, zone in zip(sendings, zones, strict=True)
    ]
    if rows:
        await write.fetch(_RECORD, *(list(column) for column in zip(*rows, strict=True)), kind)


async def take_back(write: TenantWrite, keys: Sequence[str]) -> None:
    """Count mails that do not go after all no more."""
    await write.fetch("DELETE FROM mail_sending WHERE key = ANY($1::text[])", list(keys))


async def forget_old_sendings(write: TenantWrite, *, now: datetime) -> None:
    """Remove what no rule can ask for any more."""
    before = now - timedelta(days=2 * MOST_DAYS)
    await write.fetch("DELETE FROM mail_sending WHERE at < $1", before)
    await write.fetch("DELETE FROM mail_bounce WHERE at < $1", before)


_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('correspondence'), hashtext($1))"
_RECORD = """
INSERT INTO mail_sending (key, address_hash, contact_id, time_zone, at, kind)
SELECT given.*, $6 FROM unnest($1::text[], $2::text[], $3::uuid[], $4::text[], $5::timestamptz[]) AS given
ON CONFLICT (key) DO NOTHING
"""
_PLACES = "SELECT id, country, region FROM customer WHERE id = ANY($1::uuid[])"
# Each person by the index that knows them: with OR, or joined freely, everybody who is written to these days is read.
_COUNTED = """
SELECT m.key, m.contact_id, m.address_hash, m.at FROM unnest($1::uuid[]) AS person (id) CROSS JOIN LATERAL (
    SELECT key, contact_id, address_hash, at, kind FROM mail_sending
    WHERE contact_id = person.id AND at > $3 AND at < $4 OFFSET 0) m
WHERE m.kind <> ALL($5::text[])
UNION
SELECT m.key, m.contact_id, m.address_hash, m.at FROM unnest($2::text[]) AS person (hash) CROSS JOIN LATERAL (
    SELECT key, contact_id, address_hash, at, kind FROM mail_sending
    WHERE address_hash = person.hash AND at > $3 AND at < $4 OFFSET 0) m
WHERE m.kind <> ALL($5::text[])
"""


async def _zones(read: TenantRead, recipients: Sequence[Recipient], *, otherwise: str) -> list[str]:
    rows = await read.fetch(_PLACES, list({each.customer_id for each in recipients}))
    found = {row["id"]: zone_of(row["country"], row["region"], otherwise=otherwise) for row in rows}
    return [found.get(each.customer_id, otherwise) for each in recipients]


class _Times:
    """The instant for each zone, worked out once."""

    def __init__(self, rule: CorrespondenceRule, kind: str, begin: datetime) -> None:
        self._quiet = rule.quiet_for(kind)
        self._begin = begin.astimezone(UTC)
        self._known: dict[str, datetime] = {}

    def in_zone(self, zone: str) -> datetime:
        if self._quiet is None:
            return self._begin
        if zone not in self._known:
            self._known[zone] = self._quiet.earliest(self._begin, ZoneInfo(zone))
        return self._known[zone]


Person: TypeAlias = UUID | str


class Counted:
    """When people were or will be written to, by contact and by address: those of one mail count together."""

    def __init__(self) -> None:
        self._times: dict[Person, list[datetime]] = defaultdict(list)

    def add(self, people: Iterable[Person], at: datetime) -> None:
        for person in people:
            insort(self._times[person], at)

    def is_full(self, people: Iterable[Person], at: datetime, most: Most) -> bool:
        """Whether one mail more at the instant would make too many in some stretch of ``most.time``."""
        return any(self._is_full(self._times[person], at, most) for person in people)

    def _is_full(self, times: Sequence[datetime], at: datetime, most: Most) -> bool:
        near = sorted((*times[bisect_right(times, at - most.time) : bisect_left(times, at + most.time)], at))
        runs = zip(near, near[most.mails :], strict=False)
        return any(last - first < most.time for first, last in runs)


async def _counted(
    read: TenantRead,
    recipients: Sequence[Recipient],
    most: Most,
    exempt: Iterable[str],
    at: Sequence[datetime | None],
) -> Counted:
    """What was and will be sent to them near the planned instants."""
    counted = Counted()
    planned = [moment for moment in at if moment is not None]
    if not planned:
        return counted
    rows = await read.fetch(
        _COUNTED,
        list({each.contact_id for each in recipients if each.contact_id}),
        list({each.address_hash for each in recipients}),
        min(planned) - most.time,
        max(planned) + most.time,
        list(exempt),
    )
    for row in rows:
        counted.add({row["contact_id"], row["address_hash"]} - {None}, row["at"])
    return counted


def _planned(
    recipient: Recipient, refusal: str | None, at: datetime | None, counted: Counted, most: Most | None
) -> Planned:
    if at is None or refusal:
        return Planned(None, refusal)
    if most is not None:
        people: set[Person] = {
            recipient.address_hash,
            *((recipient.contact_id,) if recipient.contact_id else ()),
        }
        if counted.is_full(people, at, most):
            return Planned(None, TOO_OFTEN)
        counted.add(people, at)
    return Planned(at, None)
