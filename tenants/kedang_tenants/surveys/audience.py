"""Whom a sending is for: customers or contacts by a filter, as far as its sender may invite them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self
from uuid import UUID

from kedang_platform.database import TenantRead
from kedang_tenants.catalogue import catalogue
from kedang_tenants.reading import Filter, Viewer
from kedang_tenants.reading.filters import condition
from kedang_tenants.reading.kept import in_full
from kedang_tenants.reading.masks import owned, visible
from kedang_tenants.reading.statement import Statement, quoted
from kedang_tenants.reading.stored import decode_filter
from kedang_tenants.surveys.dispatch import Invitee

CUSTOMER, CONTACT = "customer", "contact"
_OF_LIVING_CUSTOMERS = (
    "EXISTS (SELECT 1 FROM customer h WHERE h.id = t.customer_id AND h.archived_at IS NULL)"
)


@dataclass(frozen=True, slots=True)
class Audience:
    """``customer`` records (each asked by its first contact with an address) or ``contact`` records."""

    record: str
    where: Filter

    @classmethod
    def stored(cls, part: Mapping[str, Any]) -> Self:
        return cls(part["record"], decode_filter(part["where"]))


async def count_audience(read: TenantRead, viewer: Viewer, part: Audience, *, most: int | None = None) -> int:
    """How many belong to it, up to ``most``; raises MaskedField, BadUserInput and NotFound for what may not be asked."""
    part = await _in_full(read, viewer, part)
    statement = Statement()
    limit = "" if most is None else f" LIMIT {most}"
    sql = f"SELECT count(*) FROM (SELECT 1 {_from(statement, viewer, part)}{limit}) found"
    return int(await read.fetchval(sql, *statement.values))


async def next_of_audience(
    read: TenantRead, viewer: Viewer, part: Audience, *, after: UUID | None, most: int
) -> list[tuple[UUID, UUID]]:
    """The next ids behind ``after``, each with its customer's: one statement whatever the filter."""
    part = await _in_full(read, viewer, part)
    statement = Statement()
    source = _from(statement, viewer, part)
    beyond = f" AND t.id > {statement.bind(after)}::uuid" if after else ""
    customer = "t.id" if part.record == CUSTOMER else "t.customer_id"
    sql = f"SELECT t.id, {customer} AS customer_id {source}{beyond} ORDER BY t.id LIMIT {most}"
    return [(row["id"], row["customer_id"]) for row in await read.fetch(sql, *statement.values)]


def invitee_of(part: Audience, record_id: UUID, customer_id: UUID, *, sending_id: UUID) -> Invitee:
    """One of the audience as somebody to invite, once a sending."""
    occasion = f"sending:{sending_id.hex}:{record_id.hex}"
    if part.record == CUSTOMER:
        return Invitee(customer_id, occasion)
    return Invitee(customer_id, occasion, contact_id=record_id, only=True)


async def _in_full(read: TenantRead, viewer: Viewer, part: Audience) -> Audience:
    path = ("input", f"{part.record}s")
    return replace(part, where=await in_full(read, viewer, part.where, path=path))


def _from(statement: Statement, viewer: Viewer, part: Audience) -> str:
    record = catalogue().record(part.record)
    conditions = [
        "t.archived_at IS NULL",
        _OF_LIVING_CUSTOMERS if part.record == CONTACT else None,
        visible(statement, viewer, record, "t"),
        owned(statement, viewer, record, "t", viewer.on("survey_invitation").create, writing=True),
        condition(statement, viewer, record, "t", part.where),
    ]
    return (
        f"FROM {quoted(record.table.name)} t WHERE {' AND '.join(f'({each})' for each in conditions if each)}"
    )
