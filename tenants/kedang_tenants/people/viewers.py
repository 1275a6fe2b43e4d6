"""Who is looking: a member's rights, department and language, loaded once and compiled."""

from __future__ import annotations

from uuid import UUID

import orjson

from kedang_platform.database import TenantRead
from kedang_platform.registry import Company, find_company
from kedang_platform.work import RunningJob
from kedang_tenants.catalogue import catalogue
from kedang_tenants.catalogue.custom import CustomField
from kedang_tenants.catalogue.languages import language_of
from kedang_tenants.people.policy import access_of, system_access
from kedang_tenants.reading import Viewer

_MEMBER = """
SELECT roles, seat, state, language, department_id FROM member WHERE id = $1 AND archived_at IS NULL
"""
_DEPARTMENT_MEMBERS = """
WITH RECURSIVE below AS (
    SELECT id FROM department WHERE id = $1
    UNION SELECT d.id FROM department d JOIN below ON d.parent_id = below.id
)
SELECT m.id FROM member m JOIN below ON m.department_id = below.id ORDER BY m.id
"""
_CUSTOM_FIELDS = """
SELECT id, record, key, kind, label, options, required FROM custom_field
WHERE archived_at IS NULL ORDER BY record, position, key
"""


async def load_viewer(
    read: TenantRead, *, company: Company, member_id: UUID, via: str = "api"
) -> Viewer | None:
    """The member as a viewer, with the rights they have now; None when they are not an active member."""
    member = await read.fetchrow(_MEMBER, member_id)
    if member is None or member["state"] != "ACTIVE":
        return None
    colleagues: tuple[UUID, ...] = ()
    if member["department_id"] is not None:
        rows = await read.fetch(_DEPARTMENT_MEMBERS, member["department_id"])
        colleagues = tuple(row["id"] for row in rows)
    full_seat = member["seat"] == "FULL"
    return Viewer(
        company=company.ref,
        member_id=member_id,
        roles=frozenset(member["roles"]),
        department_members=colleagues,
        access=access_of(member["roles"], full_seat=full_seat),
        language=language_of(member["language"]),
        time_zone=company.time_zone,
        currency=company.currency,
        country=company.country,
        fingerprint=f"{','.join(sorted(member['roles']))}:{full_seat}",
        via=via,
        custom_fields=await load_custom_fields(read),
    )


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
        )
        for row in await read.fetch(_CUSTOM_FIELDS)
    )


def _label(text: str, wanted: str, other: str) -> str:
    labels = orjson.loads(text)
    return str(labels.get(wanted) or labels.get(other) or "")
