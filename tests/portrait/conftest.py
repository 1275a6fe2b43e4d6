"""An office with members of any role, whose customers are made through the one path of every write."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

import pytest

from kedang_platform.registry import Company
from tests.support.factories import Factory
from tests.support.gateway import GraphQLClient, RunningGateway
from tests.support.members import TestMember, make_key, make_member


@dataclass
class Office:
    """One department of a company, asked over HTTP."""

    gateway: RunningGateway
    factory: Factory
    unit: UUID

    async def hire(
        self, *roles: str, language: str = "en", elsewhere: bool = False, **more: str
    ) -> tuple[TestMember, GraphQLClient]:
        """A member of the department, or of none, and a client that asks as this member."""
        unit = None if elsewhere else self.unit
        company = self.factory.company
        member = await make_member(self.factory.databases, company, *roles, department_id=unit, **more)
        key = await make_key(self.factory.databases, member, key=self.gateway.services.identity.key)
        return member, self.gateway.client(key, language)

    async def ask(self, *roles: str, **more: str) -> GraphQLClient:
        return (await self.hire(*roles, **more))[1]


OpenOffice = Callable[[Company], Awaitable[Office]]


@pytest.fixture
def open_office(gateway) -> OpenOffice:
    async def opened(company: Company) -> Office:
        factory = Factory(gateway.services.databases, company)
        return Office(gateway, factory, await factory.one("department"))

    return opened


@pytest.fixture
async def office(open_office, company) -> Office:
    """The office of a company in Shanghai."""
    return await open_office(company)
