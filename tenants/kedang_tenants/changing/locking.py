"""In which order rows are locked, so that nobody waits for another in a circle.

Of this list a transaction takes what it needs from above to below, and within one line by id:

1. what somebody does with the public pool (an advisory lock a person, ``pool.claiming``), or the scheme and the level
   that a grade is given by (``grading``);
2. customers;
3. what hangs on them: contacts recorded, plans before the visit forms that they stand in, grades, hot marks, demands;
4. what is asked for about one of these (``approvals``);
5. counters that many share (advisory locks): the places of hot customers, a person's contacts a day.

A change locks rows ``FOR NO KEY UPDATE``, as nothing that may be changed is referred to by others: foreign keys of a
long run that enters rows do not keep anybody from editing what these refer to. Whoever decides by what refers to a
row (putting it away, giving a customer up) locks it ``FOR UPDATE``, and so waits for rows that are being entered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final
from uuid import UUID

from kedang_platform.database import TenantWrite
from kedang_tenants.catalogue import catalogue

ALONE: Final = "FOR UPDATE"
"""Nobody changes the row, and nobody refers to it anew."""
CHANGING: Final = "FOR NO KEY UPDATE"
"""Nobody else changes the row."""

_CUSTOMER: Final = "customer"
_OWN: Final = 'SELECT customer_id FROM "{table}" WHERE id = ANY({ids})'
_after_customers: dict[str, str] = {}


def after_customers(*records: str, of: str = _OWN) -> None:
    """Register records whose changes go on at customers, which are locked before their own rows.

    ``of`` is the SELECT of the customers of ``{ids}``, where they are others than the record's own.
    """
    _after_customers.update(dict.fromkeys(records, of))


async def hold_first(
    write: TenantWrite, record: str, ids: Collection[UUID], *, named: Iterable[object] = ()
) -> None:
    """Lock what comes before the rows of a record: the customers that they have, and those ``named`` in a change."""
    of = _after_customers.get(record)
    if of is not None:
        customers = [one for one in named if isinstance(one, UUID)]
        await _hold(write, [(of.format(table=_table(record), ids="{ids}"), ids), (_THESE, customers)])


async def hold_rows(write: TenantWrite, record: str, ids: Collection[UUID]) -> None:
    """Lock rows of a record that are there, and what comes before them."""
    await hold_first(write, record, ids)
    await write.fetch(
        f'SELECT 1 FROM "{_table(record)}" WHERE id = ANY($1::uuid[]) ORDER BY id {CHANGING}', list(ids)
    )


async def hold_customers(write: TenantWrite, records: Mapping[str, Collection[UUID]]) -> None:
    """Lock the customers of these records, in one go; of customers, these. What is of no customer has none."""
    parts = [(_THESE, records.get(_CUSTOMER, ()))]
    for record, ids in records.items():
        if "customer_id" in catalogue().record(record).table.columns:
            parts.append((_OWN.format(table=_table(record), ids="{ids}"), ids))
    await _hold(write, parts)


_THESE: Final = "SELECT unnest({ids})"


def _table(record: str) -> str:
    return catalogue().record(record).table.name


async def _hold(write: TenantWrite, parts: Iterable[tuple[str, Collection[UUID]]]) -> None:
    asked = [(of, sorted(set(ids))) for of, ids in parts if ids]
    if asked:
        found = " UNION ".join(of.format(ids=f"${place}::uuid[]") for place, (of, _) in enumerate(asked, 1))
        await write.fetch(
            f"SELECT c.id FROM customer c WHERE c.id IN ({found}) ORDER BY c.id {CHANGING} OF c",
            *(ids for _, ids in asked),
        )
