"""People in tests: the services they need, a company that signed up, the links in their mails."""

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from kedang_platform.clock import FixedClock
from kedang_platform.database import Databases
from kedang_platform.identity import IdentityServices, SignedIn
from kedang_platform.mail import StoredMail, list_mails
from kedang_platform.registry import Company, find_company
from kedang_platform.settings import Settings
from kedang_tenants.opening import SignUp, confirm_email, sign_up
from kedang_tenants.people.viewers import load_viewer
from kedang_tenants.reading import Viewer
from tests.support.workers import run_jobs

PASSWORD = "vier Pferde im Regen"
ADDRESS = "192.0.2.7"
FULLER = SignUp(
    email="andrew.fuller@northwind.example",
    name="Andrew Fuller",
    company="Northwind Traders",
    country="US",
    language="en",
    time_zone="America/New_York",
    currency="USD",
)


@dataclass
class Town:
    """Everything that happens to people, at a time that stands still until it is moved."""

    services: IdentityServices
    clock: FixedClock
    mails: Path

    @property
    def databases(self) -> Databases:
        return self.services.databases

    async def work(self) -> None:
        """Run the jobs that are due; none may fail."""
        drained = await run_jobs(self.databases, clock=self.clock, settings=self.services.settings)
        assert not drained.failures, drained.failures

    async def later(self, **by: float) -> None:
        """Let time pass and the jobs that fall due run."""
        self.clock.move(timedelta(**by))
        await self.work()

    def mails_to(self, email: str) -> list[StoredMail]:
        """The mails that arrived at the address, the newest first."""
        return list_mails(self.mails, to=email)

    def link_to(self, email: str) -> str:
        """The token in the newest mail to the address."""
        return re.search(r"token=([\w-]+)", self.mails_to(email)[0].text)[1]

    async def sign_up(self, wish: SignUp = FULLER, *, password: str = PASSWORD) -> str:
        """Sign up; returns the token that arrived by mail."""
        await sign_up(self.services, wish, password=password, address=ADDRESS)
        await self.work()
        return self.link_to(wish.email)

    async def open(self, **differences: str) -> SignedIn:
        """A company that signed up and confirmed; its owner is signed in."""
        token = await self.sign_up(replace(FULLER, **differences))
        return await confirm_email(self.services, token=token, user_agent="Tests/1.0")

    async def company(self, company_id: UUID) -> Company:
        async with self.databases.control_read() as read:
            return await find_company(read, company_id=company_id)

    async def member_id(self, signed_in: SignedIn) -> UUID:
        identified = await self.services.credentials.identify(bearer=None, cookie=signed_in.token)
        assert identified is not None
        return identified.member_id

    async def viewer(self, signed_in: SignedIn) -> Viewer:
        company = await self.company(signed_in.company.id)
        async with self.databases.tenant_read(company.ref) as read:
            viewer = await load_viewer(read, company=company, member_id=await self.member_id(signed_in))
        assert viewer is not None
        return viewer

    async def rows(self, table: str) -> list[dict[str, object]]:
        """All rows of a table of the platform, to see that nothing changed."""
        async with self.databases.control_read() as read:
            return [dict(row) for row in await read.fetch(f"SELECT * FROM platform.{table} ORDER BY 1, 2")]


@pytest.fixture
async def town(databases, database_settings, tmp_path):
    clock = FixedClock()
    settings: Settings = database_settings.model_copy(
        update={"var": tmp_path, "port": 8400, "spare_schemas": 0}
    )
    services = IdentityServices.open(databases, settings, clock)
    yield Town(services, clock, tmp_path / "mail")
    services.close()
