"""Whom a restricted archive is open to, asked for many members at once: for what the product tells by itself (A11)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from kedang_platform.database import TenantRead
from kedang_tenants.catalogue import RecordType, catalogue
from kedang_tenants.people.access_standing import rules_in_force
from kedang_tenants.people.policy import access_of
from kedang_tenants.people.viewers import sees_restricted
from kedang_tenants.reading.statement import quoted

_RESTRICTED = "SELECT EXISTS (SELECT 1 FROM customer r WHERE r.restricted)"
_MEMBERS = "SELECT id, roles, own_roles, seat FROM member WHERE state <> 'SUSPENDED' AND archived_at IS NULL"


async def keepers_of(read: TenantRead) -> list[UUID]:
    """The members who see every restricted archive; nobody is looked for where none is restricted."""
    if not await read.fetchval(_RESTRICTED):
        return []
    _, rules = await rules_in_force(read)
    return [
        row["id"]
        for row in await read.fetch(_MEMBERS)
        if sees_restricted(
            access_of(
                (*row["roles"], *(row["own_roles"] or ())),
                full_seat=row["seat"] == "FULL",
                tables=rules.tables,
            )
        )
    ]


def open_to_member(customer: str, member: str, *, keepers: str, now: str) -> str:
    """The condition that a customer is open to a member; all are SQL, ``keepers`` the list of ``keepers_of``."""
    return (
        f"({customer}.restricted IS NOT TRUE OR {member} = ANY({keepers}::uuid[]) OR EXISTS (SELECT 1"
        f" FROM archive_grant g WHERE g.customer_id = {customer}.id AND g.member_id = {member}"
        f" AND g.state = 'GRANTED' AND g.until > {now}::timestamptz AND g.archived_at IS NULL))"
    )


async def closed_to(
    read: TenantRead, asked: Collection[tuple[UUID, str, UUID]], *, now: datetime
) -> set[tuple[UUID, str, UUID]]:
    """Of members, each with a record and its id, those whose record lies in an archive that is closed to them."""
    if not asked or not await read.fetchval(_RESTRICTED):
        return set()
    by_record: dict[str, list[tuple[UUID, UUID]]] = defaultdict(list)
    for member, record, record_id in asked:
        if catalogue().way_to_archive(record) is not None:
            by_record[record].append((member, record_id))
    keepers = await keepers_of(read)
    found: set[tuple[UUID, str, UUID]] = set()
    for name, pairs in by_record.items():
        members, ids = zip(*pairs, strict=True)
        rows = await read.fetch(_closed(catalogue().record(name)), members, ids, keepers, now)
        found |= {(row["member"], name, row["id"]) for row in rows}
    return found


def _closed(record: RecordType) -> str:
    joins, alias = [f"JOIN {quoted(record.table.name)} t0 ON t0.id = asked.id"], "t0"
    for number, step in enumerate(_way(record), 1):
        relation = record.relations[step]
        record = catalogue().record(relation.target)
        joins.append(
            f"JOIN {quoted(record.table.name)} t{number} ON t{number}.id = {alias}.{quoted(relation.column)}"
        )
        alias = f"t{number}"
    closed = open_to_member(alias, "asked.member", keepers="$3", now="$4")
    return (
        "SELECT asked.member, asked.id FROM unnest($1::uuid[], $2::uuid[]) AS asked (member, id)"
        f" {' '.join(joins)} WHERE NOT {closed}"
    )


def _way(record: RecordType) -> Sequence[str]:
    way = catalogue().way_to_archive(record.name)
    assert way is not None
    return way
