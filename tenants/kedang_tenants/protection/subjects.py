"""Who a request is about, what is known of them, and what stands against erasing them (T7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson

from kedang_platform.database import TenantRead
from kedang_platform.errors import BadUserInput, Forbidden, KedangError, NotFound
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import catalogue
from kedang_tenants.protection.places import NAMED_BY, PERSONAL, REACHED_BY
from kedang_tenants.protection.scrubbing import Sought, sought
from kedang_tenants.reading import Scope, Viewer

PERSONS: Final = ("contact", "customer", "member")
_ROWS: Final = {
    "contact": "SELECT * FROM contact WHERE id = ANY($1::uuid[])",
    "customer": "SELECT * FROM customer WHERE id = ANY($1::uuid[])",
    "member": "SELECT * FROM member WHERE id = ANY($1::uuid[])",
}
_CUSTOMERS: Final = {"contact": "customer_id", "customer": "id", "member": "NULL::uuid"}
_HISTORY: Final = "SELECT changes FROM audit WHERE record = $1 AND record_id = $2 ORDER BY sequence"
_HELD: Final = "SELECT held_at IS NOT NULL FROM customer WHERE id = $1"


class OnLegalHold(KedangError):
    """The customer is on legal hold: nothing of it may be erased."""


class NoIndividual(BadUserInput):
    """The customer is no individual: its contacts are persons, it is none."""


class NotLeftYet(BadUserInput):
    """The member has not left the company yet."""


@dataclass(frozen=True, slots=True)
class Person:
    """A record that is a person, and the customer where they are known; None for members."""

    record: str
    id: UUID
    customer_id: UUID | None = None

    @property
    def public_id(self) -> str:
        return f"{catalogue().record(self.record).prefix}_{self.id.hex}"

    @classmethod
    def read(cls, public_id: str) -> Person:
        """The person with that id; the customer is not known yet."""
        prefix, _, digits = public_id.partition("_")
        found = catalogue().by_prefix(prefix)
        assert found is not None
        return cls(found.name, UUID(hex=digits))


def ensure_keeper(viewer: Viewer) -> None:
    """Raise Forbidden for all but who keeps the company's archives: owners, administrators, archive keepers."""
    if viewer.on("person_request").create is not Scope.ALL:
        raise Forbidden(msg("You may not do this."))


async def find_person(read: TenantRead, person: Person, *, path: tuple[str, ...] = ("input", "id")) -> Person:
    """The person with its customer; raises NotFound."""
    customer = _CUSTOMERS[person.record]
    table = catalogue().record(person.record).table.name
    row = await read.fetchrow(f'SELECT {customer} AS customer_id FROM "{table}" WHERE id = $1', person.id)
    if row is None:
        raise NotFound(msg("There is no such record."), path=path)
    return Person(person.record, person.id, row["customer_id"])


async def ensure_erasable(read: TenantRead, person: Person) -> None:
    """Raise OnLegalHold, NoIndividual or NotLeftYet where the person must not be erased."""
    if person.customer_id is not None and await read.fetchval(_HELD, person.customer_id):
        raise OnLegalHold(
            msg("This customer is on legal hold; nothing of it may be erased."), path=("input", "id")
        )
    if person.record == "customer":
        directory = await read.fetchval("SELECT directory FROM customer WHERE id = $1", person.id)
        if directory != "INDIVIDUAL":
            raise NoIndividual(
                msg("Only customers who are individuals are erased; of others the contacts are."),
                path=("input", "id"),
            )
    if person.record == "member":
        state = await read.fetchval("SELECT state FROM member WHERE id = $1", person.id)
        if state != "SUSPENDED":
            raise NotLeftYet(
                msg("Deactivate the member first: only who has left is erased."), path=("input", "id")
            )


async def all_of(read: TenantRead, person: Person) -> list[Person]:
    """The person, and where it is a customer the contacts there, who are the same person or of their household."""
    if person.record != "customer":
        return [person]
    rows = await read.fetch("SELECT id FROM contact WHERE customer_id = $1 ORDER BY id", person.id)
    return [person, *(Person("contact", row["id"], person.id) for row in rows)]


async def values_of(read: TenantRead, persons: Sequence[Person]) -> Sought:
    """All that the persons are and were called and reached by; what living others share is not looked for."""
    known: dict[str, set[object]] = {"reaches": set(), "names": set(), "more": set()}
    for person in persons:
        for row in await read.fetch(_ROWS[person.record], [person.id]):
            _gather(known, person.record, _plain(row))
        for row in await read.fetch(_HISTORY, person.record, person.id):
            for place in (0, -1):
                _gather(known, person.record, _version(orjson.loads(row["changes"]), place))
    shared = await _shared(read, persons, [str(value) for value in known["reaches"]])
    return sought(reaches=known["reaches"] - shared, names=known["names"], more=known["more"] - shared)


def _plain(row: asyncpg.Record) -> Mapping[str, Any]:
    return {**row, "custom": orjson.loads(row["custom"])}


def _version(changes: Mapping[str, Any], place: int) -> Mapping[str, Any]:
    return {name: value[place] for name, value in changes.items() if isinstance(value, list) and value}


_SAYS_NOBODY: Final = frozenset(
    {
        "search_text",
        "search_tokens",
        "name_sort",
        "phone_reversed",
        "preferred_channel",
        "decision_power",
        "credit_rating",
        "credit_before",
        "credit_dropped_on",
        "insolvency",
        "purchasing_power",
    }
)
"""Goes with the person, but is not looked for elsewhere: one of few choices, a day, or worked out from the rest."""


def _gather(known: dict[str, set[object]], record: str, values: Mapping[str, Any]) -> None:
    for name in PERSONAL[record]:
        value = values.get(name)
        if value is None or name in _SAYS_NOBODY:
            continue
        if name == "custom":
            known["more"] |= {each for each in dict(value).values() if isinstance(each, str)}
        elif name in REACHED_BY[record]:
            known["reaches"].add(value)
        elif name in NAMED_BY[record]:
            known["names"].add(value)
        else:
            known["more"].add(value)


_SHARED: Final = """
SELECT unnest(ARRAY[email, phone, phone_e164]) AS value FROM contact
WHERE NOT id = ANY($1::uuid[]) AND archived_at IS NULL
  AND (email = ANY($2::text[]) OR phone = ANY($2::text[]) OR phone_e164 = ANY($2::text[]))
UNION SELECT unnest(ARRAY[email, phone, phone_e164, fax]) FROM customer
WHERE NOT id = ANY($1::uuid[]) AND archived_at IS NULL
  AND (email = ANY($2::text[]) OR phone = ANY($2::text[]) OR phone_e164 = ANY($2::text[]) OR fax = ANY($2::text[]))
UNION SELECT email FROM member WHERE NOT id = ANY($1::uuid[]) AND email = ANY($2::text[])
"""


async def _shared(read: TenantRead, persons: Sequence[Person], values: Sequence[str]) -> set[object]:
    if not values:
        return set()
    rows = await read.fetch(_SHARED, [person.id for person in persons], list(values))
    return {row["value"] for row in rows if row["value"] is not None}
