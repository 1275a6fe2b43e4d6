"""As whom a handler works: the product itself, in the company that the job belongs to."""

from __future__ import annotations

from kedang_platform.database import TenantRead
from kedang_platform.registry import Company, find_company
from kedang_platform.work import RunningJob
from kedang_tenants.people.viewers import system_viewer
from kedang_tenants.reading import Viewer


async def company_of(job: RunningJob) -> Company:
    """The company that the job belongs to."""
    if job.company is None:
        raise RuntimeError(f"{job.kind} belongs to no company")
    async with job.databases.control_read() as read:
        return await find_company(read, company_id=job.company.id)


async def product_in(read: TenantRead, company: Company) -> Viewer:
    """The product itself as a viewer, with the company's own fields as they are in this transaction."""
    return await system_viewer(read, company=company)
