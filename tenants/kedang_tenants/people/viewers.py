"""Who is looking: a member's rights, department and language, loaded once and compiled."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

import asyncpg
import orjson

from kedang_platform.clock import Clock, SystemClock
from kedang_platform.database import TenantRead
from kedang_platform.registry import Company, find_company
from kedang_platform.work import RunningJob
from kedang_tenants.catalogue import catalogue
from kedang_tenants.catalogue.custom import CustomField
from kedang_tenants.catalogue.languages import language_of
from kedang_tenants.people.access_rules import AccessRules
from kedang_tenants.people.access_standing import rules_by_id
from kedang_tenants.people.policy import access_of, system_access
from kedang_tenants.people.reach import GRANTED, RESTRICTED, SHARES, Reach, reach_of
from kedang_tenants.reading import NO_ACCESS, Access, Scope, Viewer

_MEMBER = f"""
SELECT m.roles, m.own_roles, m.seat, m.state, m.language, m.department_id,
       (SELECT id FROM rule_version WHERE kind = 'access' AND state = 'IN_FORCE') AS rules,
       {RESTRICTED} AS restricted, {SHARES} AS shares, {GRANTED} AS granted
FROM member m WHERE m.id = $1 AND m.archived_at IS NULL
"""
_DEPARTMENT_MEMBERS = """
WITH RECURSIVE below AS (
    SELECT id FROM department WHERE id = ANY($1::uuid[])
    UNION SELECT d.id FROM department d JOIN below ON d.parent_id = below.id
)
SELECT m.id, m.department_id FROM member m JOIN below ON m.department_id = below.id ORDER BY m.id
"""
_CUSTOM_FIELDS = """
SELECT id, record, key, kind, label, options, required, customer_class_id FROM custom_field
WHERE archived_at IS NULL ORDER BY record, position, key
"""


async def load_viewer(
    read: TenantRead, *, company: Company, member_id: UUID, via: str = "api", clock: Clock | None = None
) -> Viewer | None:
    """The member as a viewer, with the rights they have now; None when they are not an active member.

    ``clock`` decides which shares of customers and which grants are living (the machine's own without it).
    """
    now = (clock or SystemClock()).now()
    member = await read.fetchrow(_MEMBER, member_id, now)
    if member is None or member["state"] != "ACTIVE":
        return None
    return await _viewer(read, member, company=company, member_id=member_id, via=via, now=now)


async def _viewer(
    read: TenantRead, member: asyncpg.Record, *, company: Company, member_id: UUID, via: str, now: datetime
) -> Viewer:
    rules = await rules_by_id(read, member["rules"])
    held = (*member["roles"], *(member["own_roles"] or ()))
    full_seat = member["seat"] == "FULL"
    access = access_of(held, full_seat=full_seat, tables=rules.tables)
    unit = member["department_id"]
    colleagues, mates = await _members_below(read, {unit} if unit else set(), unit)
    reach = Reach()
    if member["shares"] or member["granted"]:
        reach = await reach_of(read, member_id=member_id, now=now)
    return Viewer(
        company=company.ref,
        member_id=member_id,
        roles=frozenset({*held, *map(rules.base_of, held)}),
        department_members=colleagues,
        access=access,
        language=language_of(member["language"]),
        time_zone=company.time_zone,
        currency=company.currency,
        country=company.country,
        fingerprint=f"{','.join(sorted(held))}:{full_seat}:{member['rules'] or ''}",
        via=via,
        custom_fields=await load_custom_fields(read),
        unit_members=mates,
        chosen_members=await _chosen(read, rules, held, colleagues),
        shared=reach.shared,
        shared_to_write=reach.shared_to_write,
        closed=member["restricted"] and not sees_restricted(access),
        opened=reach.opened,
        until=reach.until,
    )


def sees_restricted(access: Mapping[str, Access]) -> bool:
    """Whether rights reach every restricted archive: whoever reads all grants of access does."""
    return access.get("archive_grant", NO_ACCESS).read is Scope.ALL


async def _members_below(
    read: TenantRead, departments: Collection[UUID], unit: UUID | None
) -> tuple[tuple[UUID, ...], tuple[UUID, ...]]:
    """The members of departments and those below, and of these the ones in ``unit`` itself."""
    if not departments:
        return (), ()
    rows = await read.fetch(_DEPARTMENT_MEMBERS, list(departments))
    return tuple(row["id"] for row in rows), tuple(r["id"] for r in rows if r["department_id"] == unit)


async def _chosen(
    read: TenantRead, rules: AccessRules, roles: Collection[str], colleagues: tuple[UUID, ...]
) -> tuple[UUID, ...]:
    """The members of one's department and the chosen ones, with those below; nobody where no right says so."""
    if rules.choosing.isdisjoint(roles):
        return ()
    further, _ = await _members_below(read, rules.departments_of(roles), None)
    return tuple(sorted({*colleagues, *further}))


async def company_of(job: RunningJob) -> Company:
    """The company that a job belongs to; a job of the installation has none and must not ask."""
    if job.company is None:
        raise RuntimeError(f"{job.kind} belongs to no company")
    async with job.databases.control_read() as read:
        return await find_company(read, company_id=job.company.id)


async def system_viewer(read: TenantRead, *, company: Company, via: str = "system") -> Viewer:
    """The product itself doing a company's own work: every record, no member."""
    return Viewer(
        company=company.ref,
        member_id=None,
        roles=frozenset(),
        department_members=(),
        access=system_access(record.name for record in catalogue()),
        language=company.language,
        time_zone=company.time_zone,
        currency=company.currency,
        country=company.country,
        fingerprint="system",
        via=via,
        custom_fields=await load_custom_fields(read),
    )


async def load_custom_fields(read: TenantRead) -> tuple[CustomField, ...]:
    """The company's own fields that are in use, in the order people gave them."""
    return tuple(
        CustomField(
            id=row["id"].hex,
            record=row["record"],
            key=row["key"],
            kind_name=row["kind"],
            label_en=_label(row["label"], "en", "zh"),
            label_zh=_label(row["label"], "zh", "en"),
            required=row["required"],
            options=tuple((option, option) for option in row["options"] or ()),
            of_class=row["customer_class_id"].hex if row["customer_class_id"] else None,
        )
        for row in await read.fetch(_CUSTOM_FIELDS)
    )


def _label(text: str, wanted: str, other: str) -> str:
    labels = orjson.loads(text)
    return str(labels.get(wanted) or labels.get(other) or "")
