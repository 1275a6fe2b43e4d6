"""A company with an owner, a keeper and two sellers of different departments, asked over HTTP and by hand."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from kedang_platform.clock import FixedClock
from kedang_platform.database import Databases
from kedang_platform.registry import Company
from kedang_tenants.people.viewers import load_viewer
from kedang_tenants.reading import Viewer
from tests.support.factories import Factory
from tests.support.gateway import GraphQLClient, RunningGateway
from tests.support.members import TestMember, make_key, make_member

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@dataclass
class Firm:
    """Who is there, by what they are; ``clock`` is asked by verbs that are called by hand."""

    gateway: RunningGateway
    factory: Factory
    clock: FixedClock
    people: dict[str, TestMember]
    units: dict[str, UUID]

    @property
    def databases(self) -> Databases:
        return self.factory.databases

    @property
    def company(self) -> Company:
        return self.factory.company

    async def hire(self, name: str, *roles: str, unit: str | None = None, seat: str = "FULL") -> TestMember:
        made = await make_member(
            self.databases,
            self.company,
            *roles,
            name=name,
            seat=seat,
            department_id=self.units[unit] if unit else None,
        )
        self.people[name] = made
        return made

    async def client(self, name: str, language: str = "en") -> GraphQLClient:
        key = await make_key(self.databases, self.people[name], key=self.gateway.services.identity.key)
        return self.gateway.client(key, language)

    async def viewer(self, name: str) -> Viewer:
        async with self.databases.tenant_read(self.company.ref) as read:
            viewer = await load_viewer(
                read, company=self.company, member_id=self.people[name].id, clock=self.clock
            )
        assert viewer is not None
        return viewer

    async def do(self, verb: Any, name: str, **arguments: Any) -> UUID:
        """A verb of the trade, done by a member in a transaction of its own."""
        viewer = await self.viewer(name)
        async with self.databases.tenant_write(self.company.ref) as write:
            done: UUID = await verb(write, viewer, clock=self.clock, **arguments)
        return done

    async def value(self, sql: str, *arguments: Any) -> Any:
        async with self.databases.tenant_read(self.company.ref) as read:
            return await read.fetchval(sql, *arguments)

    def later(self, **more: float) -> datetime:
        return self.clock.now() + timedelta(**more)


@pytest.fixture
async def firm(gateway, company) -> Firm:
    databases = gateway.services.databases
    clock = FixedClock(NOW)
    factory = Factory(databases, company)
    north = await factory.one("department", name="North")
    below = await factory.one("department", name="North East", parent_id=north)
    south = await factory.one("department", name="South")
    made = Firm(gateway, factory, clock, {}, {"north": north, "north east": below, "south": south})
    await made.hire("owner", "OWNER")
    await made.hire("keeper", "ARCHIVE_KEEPER")
    await made.hire("seller", "REPRESENTATIVE", unit="north")
    await made.hire("colleague", "REPRESENTATIVE", unit="south")
    await made.hire("looker", "VIEW_ONLY", seat="VIEW_ONLY")
    return made
