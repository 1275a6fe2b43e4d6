"""Who is calling (A10): a number, or the end of one, brings up the customers and contacts who have it.

Only numbers that the viewer may read are looked through, so that nobody is found by a number that is
masked. What is open with them and what they last paid is told by ``briefs``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final
from uuid import UUID

import asyncpg

from kedang_platform.database import TenantRead
from kedang_platform.errors import BadUserInput
from kedang_platform.i18n import msg
from kedang_platform.phones import NumberAsked, number_asked
from kedang_tenants.catalogue import RecordType, catalogue
from kedang_tenants.reading import MaskedField, Scope, Viewer
from kedang_tenants.reading.masks import Mask, column, field_scope, mask_of, owned, visible, visible_scope
from kedang_tenants.reading.statement import Statement, quoted

FEWEST_DIGITS: Final = 4
MOST_MATCHES: Final = 50
_LONGEST_TEXT: Final = 250
# An ending that more numbers than these share says nothing; what is ranked is bounded by them, for each kind.
_MOST_CANDIDATES: Final = 2000


class NumberTooShort(BadUserInput):
    """Fewer digits than tell one number from others."""


class NumberTooLong(BadUserInput):
    """A text that is no telephone number."""


class MatchedBy(Enum):
    """How a number that is kept answers to the one that was asked for.

    ``E164``: it is the same valid number. ``RAW``: it has the same digits, but is valid nowhere; or it is
    kept without its area or country. ``ENDING``: it ends with the digits.
    """

    E164 = "E164"
    RAW = "RAW"
    ENDING = "ENDING"


@dataclass(frozen=True, slots=True)
class Match:
    """A customer, or a contact of it, whose number was asked for; ``phone`` as somebody wrote it."""

    customer_id: UUID
    contact_id: UUID | None
    matched_by: MatchedBy
    phone: str


@dataclass(frozen=True, slots=True)
class Found:
    """The best matches first, whether there are more, and how the number was understood.

    ``contacts_searched`` is false for whoever may not read the numbers of contacts.
    """

    matches: tuple[Match, ...]
    more: bool
    e164: str | None
    contacts_searched: bool


async def look_up_call(read: TenantRead, viewer: Viewer, *, number: str, limit: int) -> Found:
    """Whose number it is: at most ``limit`` matches, the likeliest first.

    A whole number stands before one that only ends so, a contact before the customer itself, then the
    better grade and the later contact. A customer's own number is left out where one of its contacts
    has the same. Raises NumberTooShort below four digits, NumberTooLong, BadUserInput for a limit
    outside 1 to 50, and MaskedField for whoever may read no numbers at all.
    """
    if not 1 <= limit <= MOST_MATCHES:
        raise BadUserInput(msg("Ask for 1 to {limit} matches."), path=("first",), limit=MOST_MATCHES)
    asked = _asked(number, viewer.country)
    statement = Statement()
    records = [record for record in _holders() if _is_searched(viewer, record)]
    if not records:
        raise MaskedField(msg("You may not look up telephone numbers."), path=("number",))
    sql = _match_statement(statement, viewer, records, asked, limit)
    rows = await read.fetch(sql, *statement.values)
    return Found(
        matches=tuple(_match(row) for row in rows[:limit]),
        more=len(rows) > limit,
        e164=asked.e164,
        contacts_searched=any(record.name == "contact" for record in records),
    )


def _asked(number: str, country: str) -> NumberAsked:
    if len(number) > _LONGEST_TEXT:
        raise NumberTooLong(msg("This is no telephone number."), path=("number",))
    asked = number_asked(number, country)
    if len(asked.ending) < FEWEST_DIGITS:
        raise NumberTooShort(
            msg("Give at least the last {limit} digits of the number."), path=("number",), limit=FEWEST_DIGITS
        )
    return asked


def _holders() -> tuple[RecordType, ...]:
    """The kinds of records that have a number to call."""
    return catalogue().record("customer"), catalogue().record("contact")


def _is_searched(viewer: Viewer, record: RecordType) -> bool:
    seen = visible_scope(viewer, record) > Scope.NONE
    return seen and mask_of(viewer, record, record.fields["phone"]) is not Mask.CLOSED


def _match_statement(
    statement: Statement, viewer: Viewer, records: list[RecordType], asked: NumberAsked, limit: int
) -> str:
    candidates = " UNION ALL ".join(_candidates(statement, viewer, record, asked) for record in records)
    customer = catalogue().record("customer")
    rank = (
        f"CASE WHEN f.digits = ANY({statement.bind(list(asked.whole))}::text[]) THEN 0"
        f" WHEN starts_with(f.digits, {statement.bind(asked.ending)}::text) THEN 2 ELSE 1 END"
    )
    grade, contacted = (
        column(statement, viewer, customer, "c", customer.fields[name])
        for name in ("grade_rank", "last_contact_at")
    )
    seen = visible(statement, viewer, customer, "c")
    return (
        f"WITH found AS MATERIALIZED ({candidates}), told AS (SELECT *,"
        " bool_or(contact_id IS NOT NULL) OVER (PARTITION BY customer_id, digits) AS by_contact FROM found)"
        f" SELECT f.customer_id, f.contact_id, f.phone, f.e164, {rank} AS rank"
        ' FROM told f JOIN "customer" c ON c.id = f.customer_id'
        f" WHERE (f.contact_id IS NOT NULL OR NOT f.by_contact) AND c.archived_at IS NULL{_and(seen)}"
        f" ORDER BY rank, f.contact_id IS NULL, {grade} NULLS LAST, {contacted} DESC NULLS LAST,"
        f" f.customer_id, f.contact_id LIMIT {statement.bind(limit + 1)}"
    )


def _candidates(statement: Statement, viewer: Viewer, record: RecordType, asked: NumberAsked) -> str:
    """The records that have such a number: by the index on reversed digits, then by scope and mask."""
    phone = record.fields["phone"]
    lower, upper = statement.bind(asked.ending), statement.bind(asked.ending + ":")
    ways = [f"(t.phone_reversed ~>=~ {lower}::text AND t.phone_reversed ~<~ {upper}::text)"]
    if asked.parts:
        parts = statement.bind(list(asked.parts))
        ways.append(f"(t.phone_reversed = ANY({parts}::text[]) AND t.phone_e164 IS NULL)")
    # Said as conditions rather than by a masked column, these leave the index its use.
    reached = _and(
        visible(statement, viewer, record, "t"),
        owned(statement, viewer, record, "t", field_scope(viewer, record, phone)),
    )
    ids = "t.id AS customer_id, NULL::uuid AS contact_id"
    if record.name == "contact":
        ids = "t.customer_id, t.id AS contact_id"
    return (
        f"(SELECT {ids}, t.phone, t.phone_e164 AS e164, t.phone_reversed AS digits"
        f" FROM {quoted(record.table.name)} t"
        f" WHERE ({' OR '.join(ways)}) AND t.archived_at IS NULL{reached} LIMIT {_MOST_CANDIDATES})"
    )


def _and(*conditions: str | None) -> str:
    return "".join(f" AND {condition}" for condition in conditions if condition is not None)


def _match(row: asyncpg.Record) -> Match:
    by = MatchedBy.ENDING
    if row["rank"] < 2:
        by = MatchedBy.E164 if row["e164"] else MatchedBy.RAW
    return Match(row["customer_id"], row["contact_id"], by, row["phone"])
