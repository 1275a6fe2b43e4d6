"""A company that trades: its owner, its clock, and short words to write, read and let jobs run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from kedang_platform.clock import FixedClock
from kedang_platform.database import Databases
from kedang_platform.ids import new_id
from kedang_platform.mail import StoredMail, list_mails
from kedang_platform.registry import Company, NewCompany, claim_schema, find_company, set_status
from kedang_platform.settings import Settings
from kedang_tenants.changing import Change, change, change_internally
from kedang_tenants.grading.publishing import publish_scheme
from kedang_tenants.grading.schemes import seed_grading
from kedang_tenants.people.viewers import load_viewer, system_viewer
from kedang_tenants.reading import Viewer
from tests.support.workers import Drained, run_jobs

MONDAY = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)  # nine in the morning in New York


@dataclass
class Shop:
    """Northwind in New York, in dollars, on Monday, 2 March 2026, until the clock is moved."""

    databases: Databases
    company: Company
    settings: Settings
    clock: FixedClock = field(default_factory=lambda: FixedClock(MONDAY))
    viewer: Viewer | None = None

    async def hire(self, name: str, *roles: str, seat: str = "FULL", **values: object) -> UUID:
        """A member who is active."""
        values = {
            "name": name,
            "email": f"{name.lower().replace(' ', '.')}@northwind.example",
            "roles": list(roles),
            "state": "ACTIVE",
            "seat": seat,
        } | values
        return await self.create("member", internally=True, **values)

    async def as_member(self, member_id: UUID) -> Viewer:
        async with self.databases.tenant_read(self.company.ref) as read:
            viewer = await load_viewer(read, company=self.company, member_id=member_id)
        assert viewer is not None
        return viewer

    async def product(self) -> Viewer:
        """The product itself."""
        async with self.databases.tenant_read(self.company.ref) as read:
            return await system_viewer(read, company=self.company)

    async def change(
        self, *changes: Change, viewer: Viewer | None = None, internally: bool = False
    ) -> list[UUID]:
        path = change_internally if internally else change
        async with self.databases.tenant_write(self.company.ref) as write:
            acting = viewer or self.viewer or await system_viewer(write, company=self.company)
            done = await path(write, acting, changes, clock=self.clock)
        return [one.id for one in done]

    async def create(
        self, record: str, *, viewer: Viewer | None = None, internally: bool = False, **values: object
    ) -> UUID:
        change = Change(record, "create", values=values)
        (made,) = await self.change(change, viewer=viewer, internally=internally)
        return made

    async def create_many(self, record: str, rows: Sequence[Mapping[str, object]]) -> list[UUID]:
        return await self.change(*(Change(record, "create", values=values) for values in rows))

    async def update(
        self, record: str, record_id: UUID, *, viewer: Viewer | None = None, **values: object
    ) -> None:
        await self.change(Change(record, "update", record_id, values=values), viewer=viewer)

    async def archive(self, record: str, record_id: UUID) -> None:
        await self.change(Change(record, "archive", record_id))

    async def fetch(self, sql: str, *args: object) -> list[dict[str, Any]]:
        async with self.databases.tenant_read(self.company.ref) as read:
            return [dict(row) for row in await read.fetch(sql, *args)]

    async def value(self, sql: str, *args: object) -> Any:
        async with self.databases.tenant_read(self.company.ref) as read:
            return await read.fetchval(sql, *args)

    async def work(self) -> Drained:
        """Run the jobs that are due; none may fail."""
        drained = await run_jobs(self.databases, clock=self.clock, settings=self.settings)
        assert not drained.failures, drained.failures
        return drained

    def mails_to(self, email: str) -> list[StoredMail]:
        return list_mails(self.settings.var / "mail", to=email)

    async def order(
        self, customer: UUID, on: date, *lines: tuple[str, str], state: str = "OPEN", **values: object
    ) -> UUID:
        """An order of one product, of which each line has a quantity and a price."""
        product = await self.value("SELECT id FROM product LIMIT 1")
        if product is None:
            product = await self.create("product", number="1", name="Chai")
        order_id = new_id()
        head = {"number": order_id.hex, "customer_id": customer, "ordered_on": on, "state": state} | values
        below = [
            {"order_id": order_id, "product_id": product, "quantity": quantity, "unit_price": price}
            for quantity, price in lines
        ]
        await self.change(
            Change("order", "create", order_id, values=head),
            *(Change("order_line", "create", values=line) for line in below),
        )
        return order_id

    async def publish_default_scheme(self, **values: object) -> UUID:
        """The scheme A-E in force, its settings changed by ``values``; nobody graded before jobs run."""
        async with self.databases.tenant_write(self.company.ref) as write:
            scheme = await seed_grading(
                write, await system_viewer(write, company=self.company), clock=self.clock
            )
        if values:
            await self.update("grade_scheme", scheme, **values)
        await self.publish(scheme)
        return scheme

    async def publish(self, scheme: UUID, *, viewer: Viewer | None = None) -> UUID:
        async with self.databases.tenant_write(self.company.ref) as write:
            return await publish_scheme(
                write, viewer or self.viewer or await self.product(), scheme_id=scheme, clock=self.clock
            )


async def open_shop(
    databases: Databases, settings: Settings, *, country: str = "US", time_zone: str = "America/New_York"
) -> Shop:
    """The company, with Andrew Fuller as its owner and viewer."""
    new = NewCompany("Northwind Traders", country=country, language="en", time_zone=time_zone, currency="USD")
    async with databases.control() as control:
        made = await claim_schema(control, company_id=new_id(), company=new, now=MONDAY)
        await set_status(control, company_id=made.id, status="active")
        company = await find_company(control, company_id=made.id)
    shop = Shop(databases, company, settings)
    fuller = await shop.hire("Andrew Fuller", "OWNER")
    shop.viewer = await shop.as_member(fuller)
    return shop


@pytest.fixture
async def shop(databases, database_settings, tmp_path) -> Shop:
    return await open_shop(databases, database_settings.model_copy(update={"var": tmp_path}))
