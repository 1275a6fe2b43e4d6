"""A person's address in the member rows of their companies, which follows the platform's."""

from __future__ import annotations

from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import Databases
from kedang_platform.identity.people import find_person
from kedang_platform.registry.company import columns_of, company_from
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.people.viewers import system_viewer

_MEMBERSHIPS = f"""
SELECT {columns_of("c")}, m.member_id FROM platform.membership m
JOIN platform.company c ON c.id = m.company_id
WHERE m.person_id = $1 AND c.status IN ('active', 'suspended') ORDER BY c.id
"""


async def follow_email(databases: Databases, *, person_id: UUID, clock: Clock) -> None:
    """Bring the address in every company of the person to what it is now; repeating it changes nothing."""
    async with databases.control_read() as read:
        email = (await find_person(read, person_id=person_id)).email
        rows = await read.fetch(_MEMBERSHIPS, person_id)
    for row in rows:
        company = company_from(row)
        async with databases.tenant_write(company.ref) as write:
            known = await write.fetchval(
                "SELECT email FROM member WHERE id = $1 FOR UPDATE", row["member_id"]
            )
            if known is None or known == email:
                continue
            viewer = await system_viewer(write, company=company)
            change = Change("member", "update", id=row["member_id"], values={"email": email})
            await change_internally(write, viewer, [change], clock=clock)
