"""The audit trail in the API: looked through by who may, verified by owners."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Self, cast

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from kedang_graphql.answering import opaque_id
from kedang_graphql.context import Context
from kedang_graphql.engine.ids import public_id, split_id
from kedang_graphql.engine.types import PageInfo
from kedang_platform.errors import BadUserInput, NotFound
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import catalogue
from kedang_tenants.changing.verifying import Broken, Verified, verify
from kedang_tenants.leaving.operations import require_owner
from kedang_tenants.people import audit_reading
from kedang_tenants.people.audit_reading import AuditFilter, audit_entries


@strawberry.enum(description="In which order entries of the audit trail come.")
class AuditOrder(Enum):
    NEWEST_FIRST = strawberry.enum_value("newest", description="What was done last comes first.")
    OLDEST_FIRST = strawberry.enum_value("oldest", description="In the order in which it was done.")


@strawberry.input(description="A period: from `gte` on, before `lt`.")
class AuditPeriod:
    gte: datetime | None = None
    lt: datetime | None = None


@strawberry.input(description="What is looked for in the audit trail; all that is said must hold.")
class AuditWhere:
    record: str | None = strawberry.field(default=None, description="A kind of record, such as `Customer`")
    record_id: strawberry.ID | None = strawberry.field(default=None, description="One record")
    actor: strawberry.ID | None = strawberry.field(default=None, description="The member who did it")
    action: str | None = strawberry.field(
        default=None, description="What was done, such as `customer.updated`"
    )
    via: str | None = strawberry.field(
        default=None, description="How: `session`, `api_key`, `system`, `survey_page` …"
    )
    at: AuditPeriod | None = strawberry.field(default=None, description="When it was done")
    field: str | None = strawberry.field(
        default=None, description="A field that was changed, such as `creditLimit`"
    )


@strawberry.type(description="A field of an entry. Of one that is masked for who asks neither value is told.")
class AuditChange:
    field: str = strawberry.field(description="The field by its name in the API")
    old: JSON | None = strawberry.field(description="What it was before")
    new: JSON | None = strawberry.field(description="What it was from then on")
    masked: bool = strawberry.field(description="Whether who asks may not read this field")


@strawberry.type(
    description="One thing that somebody did to one record, as it was noted then. It is never changed."
)
class AuditEntry:
    id: strawberry.ID
    at: datetime
    actor: strawberry.ID | None = strawberry.field(
        description="The member who did it; null: the product itself"
    )
    via: str = strawberry.field(description="How: a session, an API key, a job, a page")
    action: str = strawberry.field(description="What was done, such as `customer.updated`")
    record: str = strawberry.field(description="The kind of record")
    record_id: strawberry.ID = strawberry.field(description="The record")
    erased: bool = strawberry.field(description="Whether personal values were taken out of it since")
    changes: list[AuditChange] = strawberry.field(description="What it changed, field by field")

    @classmethod
    def of(cls, entry: audit_reading.AuditEntry) -> Self:
        known = entry.record in catalogue()
        record_id = (
            public_id(entry.record, entry.record_id) if known else opaque_id(entry.record, entry.record_id)
        )
        return cls(
            id=strawberry.ID(f"aud_{entry.sequence}"),
            at=entry.at,
            actor=strawberry.ID(public_id("member", entry.actor)) if entry.actor else None,
            via=entry.via,
            action=entry.action,
            record=catalogue().record(entry.record).api_name if known else entry.record,
            record_id=strawberry.ID(record_id),
            erased=entry.erased,
            changes=[
                AuditChange(field=c.name, old=cast("JSON", c.old), new=cast("JSON", c.new), masked=c.masked)
                for c in entry.changes
            ],
        )


@strawberry.type(description="An entry with its place in the list.")
class AuditEntryEdge:
    cursor: str
    node: AuditEntry


@strawberry.type(description="A page of the audit trail.")
class AuditEntryConnection:
    nodes: list[AuditEntry]
    edges: list[AuditEntryEdge]
    page_info: PageInfo


@strawberry.enum(description="How the audit trail was meddled with.")
class AuditBreach(Enum):
    ENTRY_CHANGED = strawberry.enum_value(
        "ENTRY_CHANGED", description="The values of an entry are not those that were noted."
    )
    ENTRY_REWRITTEN = strawberry.enum_value(
        "ENTRY_REWRITTEN",
        description="An entry under the seal tells another who, when or what than was sealed.",
    )
    ENTRIES_MISSING = strawberry.enum_value("ENTRIES_MISSING", description="Entries under the seal are gone.")
    ENTRIES_ADDED = strawberry.enum_value(
        "ENTRIES_ADDED", description="Entries were put under the seal later."
    )
    SEAL_MISSING = strawberry.enum_value("SEAL_MISSING", description="A seal is gone.")
    SEAL_CHANGED = strawberry.enum_value(
        "SEAL_CHANGED", description="A seal says something else than its chain."
    )


@strawberry.type(description="The first place of the audit trail that does not hold.")
class AuditBroken:
    kind: AuditBreach = strawberry.field(description="What is wrong there")
    minute: datetime | None = strawberry.field(description="The sealed minute; null: behind the last seal")
    first_entry: strawberry.ID = strawberry.field(description="From this entry on")
    last_entry: strawberry.ID = strawberry.field(
        description="Up to this entry; the same where one is known to be wrong"
    )

    @classmethod
    def of(cls, broken: Broken) -> Self:
        return cls(
            kind=AuditBreach(broken.kind),
            minute=broken.minute,
            first_entry=strawberry.ID(f"aud_{broken.first_sequence}"),
            last_entry=strawberry.ID(f"aud_{broken.last_sequence}"),
        )


@strawberry.type(description="Whether the audit trail is what was sealed, minute after minute.")
class AuditVerification:
    intact: bool = strawberry.field(description="Whether all of it is as it was noted")
    seals: int = strawberry.field(description="How many minutes are sealed")
    sealed: int = strawberry.field(description="Entries under seals")
    unsealed: int = strawberry.field(description="Entries that wait for their minute to be sealed")
    erased: int = strawberry.field(description="Entries whose personal values were taken out by an erasure")
    until: datetime | None = strawberry.field(description="The last minute that is sealed")
    chain: str = strawberry.field(
        description="What stands for the whole trail up to then (hexadecimal): noted elsewhere, it proves later that its end was not cut off"
    )
    broken: AuditBroken | None = strawberry.field(
        description="The first place that does not hold; null where all does"
    )

    @classmethod
    def of(cls, found: Verified) -> Self:
        return cls(
            intact=found.intact,
            seals=found.seals,
            sealed=found.sealed,
            unsealed=found.unsealed,
            erased=found.erased,
            until=found.until,
            chain=found.chain.hex(),
            broken=AuditBroken.of(found.broken) if found.broken else None,
        )


async def answer_audit_entries(
    info: Info[Context, None],
    first: int = 50,
    after: str | None = None,
    where: AuditWhere | None = None,
    order_by: AuditOrder = AuditOrder.NEWEST_FIRST,
) -> AuditEntryConnection:
    context = info.context
    context.require_scope("read")
    most = context.settings.largest_page
    if not 1 <= first <= most:
        raise BadUserInput(msg("A page holds 1 to {most} entries."), path=("first",), most=most)
    viewer = await context.viewer()
    async with context.databases.tenant_read(viewer.company) as read:
        page = await audit_entries(
            read,
            viewer,
            wanted=_filter(where),
            first=first,
            after=after,
            oldest_first=order_by is AuditOrder.OLDEST_FIRST,
        )
    nodes = [AuditEntry.of(entry) for entry in page.entries]
    return AuditEntryConnection(
        nodes=nodes,
        edges=[AuditEntryEdge(cursor=c, node=n) for c, n in zip(page.cursors, nodes, strict=True)],
        page_info=PageInfo(
            has_next_page=page.more,
            has_previous_page=after is not None,
            start_cursor=page.cursors[0] if page.cursors else None,
            end_cursor=page.cursors[-1] if page.cursors else None,
        ),
    )


def _filter(where: AuditWhere | None) -> AuditFilter:
    if where is None:
        return AuditFilter()
    record, record_id = _name(where.record), None
    if where.record_id is not None:
        found = split_id(where.record_id)
        if found is None or record not in {None, found[0]}:
            raise NotFound(msg("There is no such record."), path=("where", "recordId"))
        record, record_id = found
    actor = split_id(where.actor) if where.actor is not None else None
    if where.actor is not None and (actor is None or actor[0] != "member"):
        raise NotFound(msg("There is no such record."), path=("where", "actor"))
    return AuditFilter(
        record=record,
        record_id=record_id,
        actor=actor[1] if actor else None,
        action=where.action,
        via=where.via,
        field=_field(where.field, record),
        since=where.at.gte if where.at else None,
        before=where.at.lt if where.at else None,
    )


def _name(given: str | None) -> str | None:
    """A kind of record by its name in the API; what the API does not know is looked for as it is."""
    return next((record.name for record in catalogue() if record.api_name == given), given)


def _field(given: str | None, record: str | None) -> str | None:
    kinds = (
        [catalogue().record(record)] if record is not None and record in catalogue() else list(catalogue())
    )
    found = (kind.field_by_api_name(given) for kind in kinds if given is not None)
    return next((field.name for field in found if field is not None), given)


async def answer_audit_verification(info: Info[Context, None]) -> AuditVerification:
    context = info.context
    context.require_scope("read")
    viewer = await context.viewer()
    require_owner(viewer)
    async with context.databases.tenant_read(viewer.company) as read:
        return AuditVerification.of(await verify(read))


@strawberry.type
class AuditQuery:
    audit_entries: AuditEntryConnection = strawberry.field(
        resolver=answer_audit_entries,
        description="What was done, viewed, exported and decided, as far as who asks may know of it.",
    )
    audit_verification: AuditVerification = strawberry.field(
        resolver=answer_audit_verification,
        description="Compare the audit trail with its seals. For owners; the longer the trail, the longer it takes.",
    )
