"""What a survey is about, in words that the customer knows: the number of a request, the name of a product."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final
from uuid import UUID

from kedang_platform.database import TenantRead
from kedang_tenants.catalogue import catalogue

_NUMBERED: Final = ("service_request", "delivery", "order")
_PRODUCTS: Final = """
SELECT o.id, concat_ws(' ', coalesce(p.name, o.model), o.serial_number) AS name
FROM owned_product o LEFT JOIN product p ON p.id = o.product_id WHERE o.id = ANY($1::uuid[])
"""


def subject_of(record: str, record_id: UUID) -> str:
    """How an invitation names what it follows: ``srq_…``."""
    return f"{catalogue().record(record).prefix}_{record_id.hex}"


async def names_of(read: TenantRead, subjects: Sequence[str]) -> Mapping[str, str]:
    """The names of what invitations follow, as far as there are any, by the subjects."""
    by_record: dict[str, dict[UUID, str]] = defaultdict(dict)
    for subject in subjects:
        prefix, _, digits = subject.partition("_")
        record = catalogue().by_prefix(prefix)
        if record is not None:
            by_record[record.name][UUID(hex=digits)] = subject
    found: dict[str, str] = {}
    for name, ids in by_record.items():
        sql = _statement(name)
        if sql is not None:
            rows = await read.fetch(sql, list(ids))
            found |= {ids[row["id"]]: row["name"] for row in rows if row["name"]}
    return MappingProxyType(found)


def _statement(name: str) -> str | None:
    if name == "owned_product":
        return _PRODUCTS
    if name not in _NUMBERED:
        return None
    table = catalogue().record(name).table.name
    return f'SELECT id, number AS name FROM "{table}" WHERE id = ANY($1::uuid[])'
