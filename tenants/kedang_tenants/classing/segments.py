"""Segments: kept filters over customers, asked anew each time, or frozen with whoever fulfilled them (G6).

A filter over customers may name a segment wherever it may name anything else, and so may the filter of another segment.
Such a line of segments never closes: whoever changes one waits for who did it before.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import BadUserInput, Forbidden, KedangError, NotFound
from kedang_platform.i18n import msg
from kedang_platform.ids import new_id
from kedang_tenants.catalogue import catalogue
from kedang_tenants.changing import Change, change, change_internally, visible_record
from kedang_tenants.classing.models import FROZEN, LIVE
from kedang_tenants.reading import (
    Compare,
    Filter,
    Kept,
    Listing,
    Page,
    Related,
    Scope,
    Select,
    Viewer,
    read_listing,
)
from kedang_tenants.reading.filters import condition
from kedang_tenants.reading.kept import Path, in_full, keeps_filters, names_kept
from kedang_tenants.reading.masks import visible
from kedang_tenants.reading.ordering import sort_signature, write_cursor
from kedang_tenants.reading.statement import Statement
from kedang_tenants.reading.stored import decode_filter, encode_filter

MOST_MEMBERS: Final = 100_000
"""How many customers a segment is frozen with at the most."""
_CUSTOMER: Final = "customer"
_WHERE: Final = ("input", "where")
# Two filters that are each open may close a line together.
_ONE_AT_A_TIME: Final = "SELECT pg_advisory_xact_lock(hashtext('lines'), hashtext($1))"


class SegmentFrozen(KedangError):
    """A frozen segment has members and asks for nobody else."""


class SegmentTooLarge(KedangError):
    """More customers fulfil a filter than a segment is frozen with."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A filter over customers as the API took it, and as reading has it."""

    conditions: Mapping[str, Any]
    where: Filter


@dataclass(frozen=True, slots=True)
class SegmentPage:
    """Customers of a segment by name, and the cursors that their page begins and ends with."""

    customer_ids: list[UUID]
    start: str | None
    end: str | None
    has_next: bool


async def count_customers(read: TenantRead, viewer: Viewer, where: Filter) -> int:
    """How many living customers that the viewer sees fulfil it; raises MaskedField, BadUserInput, NotFound."""
    return await _count(read, viewer, await in_full(read, viewer, where))


async def _count(read: TenantRead, viewer: Viewer, where: Filter) -> int:
    statement = Statement()
    sql = f"SELECT count(*) {_matching(statement, viewer, where)}"
    return int(await read.fetchval(sql, *statement.values))


async def find_customers(
    read: TenantRead, viewer: Viewer, where: Filter, *, most: int, path: Path = ()
) -> list[UUID]:
    """The ids of those, at most ``most``, in the order of their ids; raises as ``count_customers``."""
    where = await in_full(read, viewer, where, path=path)
    statement = Statement()
    sql = f"SELECT t.id {_matching(statement, viewer, where)} ORDER BY t.id LIMIT {most}"
    return [row["id"] for row in await read.fetch(sql, *statement.values)]


def _matching(statement: Statement, viewer: Viewer, where: Filter) -> str:
    record = catalogue().record(_CUSTOMER)
    parts = (visible(statement, viewer, record, "t"), condition(statement, viewer, record, "t", where))
    return " AND ".join(["FROM customer t WHERE t.archived_at IS NULL", *(f"({p})" for p in parts if p)])


async def filter_of_segment(read: TenantRead, viewer: Viewer, segment_id: UUID) -> Filter:
    """Who belongs to a segment, as a filter over customers; raises NotFound for one that the viewer does not see."""
    if not await visible_record(read, viewer, catalogue().record("segment"), segment_id):
        raise NotFound(msg("There is no such record."), path=("id",))
    row = await _filter_row(read, segment_id)
    return _who_belongs(segment_id, row)


def _who_belongs(segment_id: UUID, row: asyncpg.Record) -> Filter:
    if row["kind"] == FROZEN:
        return Related("segment_memberships", Compare("segment_id", "eq", segment_id))
    return decode_filter(orjson.loads(row["stored_filter"]))


@keeps_filters(
    "segment",
    over=_CUSTOMER,
    description="Belongs to this segment at this moment; an archived one, or one that you do not see, is not found",
)
async def filters_of_segments(
    read: TenantRead, viewer: Viewer, ids: Collection[UUID]
) -> Mapping[UUID, Filter]:
    """Who belongs to each of these segments, as filters; those that are archived or not for the viewer are missing."""
    statement, record = Statement(), catalogue().record("segment")
    seen = visible(statement, viewer, record, "t")
    sql = (
        "SELECT t.id, t.kind, t.stored_filter FROM segment t WHERE t.archived_at IS NULL"
        f" AND t.id = ANY({statement.bind(list(ids))}::uuid[]){f' AND {seen}' if seen else ''}"
    )
    return {row["id"]: _who_belongs(row["id"], row) for row in await read.fetch(sql, *statement.values)}


async def page_of_segment(
    read: TenantRead, viewer: Viewer, where: Filter, *, first: int, after: str | None = None
) -> SegmentPage:
    """The next customers that a segment's filter means, behind a cursor, by name; raises as a list does."""
    listing = Listing("customer", Select(), Page(first, after), where=where, cursors=True)
    found = await read_listing(read, viewer, listing)
    signature = sort_signature(catalogue().record("customer"), listing.order_by)
    rows = found.page.rows
    ends = [write_cursor(signature, [row[key] for key in found.layout.keys]) for row in rows[:1] + rows[-1:]]
    return SegmentPage(
        customer_ids=[row[found.layout.id] for row in rows],
        start=ends[0] if ends else None,
        end=ends[-1] if ends else None,
        has_next=found.page.has_next,
    )


async def create_segment(
    write: TenantWrite,
    viewer: Viewer,
    *,
    name: str,
    note: str | None,
    kind: str,
    asked: Asked,
    clock: Clock,
) -> UUID:
    """Keep a filter under a name as the viewer's, frozen at once where ``kind`` says so; returns the segment's id.

    Raises Forbidden, Refused, SegmentTooLarge, and for what the viewer may not ask MaskedField, BadUserInput, NotFound.
    """
    if viewer.on("segment").create is Scope.NONE:
        raise Forbidden(msg("You may not do this."))
    segment_id = new_id()
    await _ensure_askable(write, viewer, asked.where, segment_id)
    values = {"name": name, "note": note, "owner_id": viewer.member_id, "kind": LIVE, **_kept(asked)}
    (made,) = await change_internally(
        write, viewer, [Change("segment", "create", segment_id, values=values)], clock=clock
    )
    if kind == FROZEN:
        await _freeze(write, viewer, made.id, asked.where, clock)
    return made.id


async def change_conditions(
    write: TenantWrite,
    viewer: Viewer,
    *,
    segment_id: UUID,
    asked: Asked,
    version: int | None = None,
    clock: Clock,
) -> None:
    """Have a live segment ask for something else; raises Refused, SegmentFrozen and what is wrong with the filter:
    MaskedField, BadUserInput, NotFound, and CircularFilter for one that names this segment, be it through others.
    """
    row = await _hold(write, viewer, segment_id, version, clock)
    if row["kind"] == FROZEN:
        raise SegmentFrozen(msg("A frozen segment keeps its members; make a new one."), path=("input", "id"))
    if names_kept(asked.where):
        await write.fetchval(_ONE_AT_A_TIME, f"{write.company.schema}.segment")
    await _ensure_askable(write, viewer, asked.where, segment_id)
    changed = Change("segment", "update", segment_id, values=_kept(asked))
    await change_internally(write, viewer, [changed], clock=clock)


async def freeze_segment(
    write: TenantWrite, viewer: Viewer, *, segment_id: UUID, version: int | None = None, clock: Clock
) -> None:
    """Have a segment consist of whoever fulfils its filter now; one that is frozen is frozen anew.

    Members are whom the viewer sees. Raises Refused, MaskedField, SegmentTooLarge.
    """
    row = await _hold(write, viewer, segment_id, version, clock)
    await _freeze(write, viewer, segment_id, decode_filter(orjson.loads(row["stored_filter"])), clock)


async def _ensure_askable(write: TenantWrite, viewer: Viewer, where: Filter, segment_id: UUID) -> None:
    """Raise now what naming the segment would, once it has this filter."""
    inside = Kept(_CUSTOMER, segment_id)
    await _count(write, viewer, await in_full(write, viewer, where, path=_WHERE, inside=inside))


def _kept(asked: Asked) -> dict[str, object]:
    return {"conditions": dict(asked.conditions), "stored_filter": encode_filter(asked.where)}


async def _hold(
    write: TenantWrite, viewer: Viewer, segment_id: UUID, version: int | None, clock: Clock
) -> asyncpg.Record:
    """Lock a living segment that the viewer may change; a change of nothing asks for all of that."""
    await change(write, viewer, [Change("segment", "update", segment_id, version)], clock=clock)
    return await _filter_row(write, segment_id)


async def _filter_row(read: TenantRead, segment_id: UUID) -> asyncpg.Record:
    (row,) = await read.fetch("SELECT kind, stored_filter FROM segment WHERE id = $1", segment_id)
    return row


async def _freeze(write: TenantWrite, viewer: Viewer, segment_id: UUID, where: Filter, clock: Clock) -> None:
    ids = await find_customers(write, viewer, where, most=MOST_MEMBERS + 1)
    if len(ids) > MOST_MEMBERS:
        raise SegmentTooLarge(
            msg("A segment is frozen with at most {limit} customers."), path=("input",), limit=MOST_MEMBERS
        )
    await _keep_members(write, segment_id, ids, clock)
    values = {"kind": FROZEN, "frozen_at": clock.now(), "frozen_count": len(ids)}
    await change_internally(
        write, viewer, [Change("segment", "update", segment_id, values=values)], clock=clock
    )


async def _keep_members(
    write: TenantWrite, segment_id: UUID, customer_ids: Sequence[UUID], clock: Clock
) -> None:
    """The members, set by set: what changes is told by the segment's own change, not a hundred thousand times.

    Who goes and who is new is told apart here: in SQL a hundred thousand would be looked for among a hundred thousand,
    one by one as soon as the plan does not know how many there are.
    """
    rows = await write.fetch(
        "SELECT id, customer_id FROM segment_member WHERE segment_id = $1 AND archived_at IS NULL", segment_id
    )
    present = {row["customer_id"]: row["id"] for row in rows}
    stays = set(customer_ids)
    await write.fetch(
        "UPDATE segment_member SET archived_at = $2, updated_at = $2, version = version + 1"
        " WHERE id = ANY($1::uuid[])",
        [member for customer, member in present.items() if customer not in stays],
        clock.now(),
    )
    new = [customer for customer in customer_ids if customer not in present]
    await write.fetch(
        "INSERT INTO segment_member (id, version, created_at, updated_at, custom, segment_id, customer_id)"
        " SELECT new.id, 1, $4, $4, '{}', $1, new.customer_id"
        " FROM unnest($2::uuid[], $3::uuid[]) AS new (id, customer_id)",
        segment_id,
        [new_id() for _ in new],
        new,
        clock.now(),
    )


async def require_few(
    read: TenantRead, viewer: Viewer, where: Filter, *, most: int, path: tuple[str, ...]
) -> list[UUID]:
    """The customers that fulfil a filter; raises BadUserInput where these are more than ``most``."""
    ids = await find_customers(read, viewer, where, most=most + 1, path=path)
    if len(ids) > most:
        raise BadUserInput(msg("At most {limit} entries are allowed here."), path=path, limit=most)
    return ids
