"""A rule that is only there for tests, and short words to let it live."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from kedang_platform.errors import UserError
from kedang_tenants import rules
from kedang_tenants.reading import Viewer
from kedang_tenants.rules import kinds, life
from tests.support.trading import Shop

KIND = "discounts"


async def check(_read: Any, _viewer: Viewer, content: Any) -> list[UserError]:
    """Every percentage is a whole number up to 30."""
    return [
        UserError(
            "OUT_OF_RANGE",
            "This must lie between {minimum} and {maximum}.",
            ("levels", n),
            {"minimum": 0, "maximum": 30},
        )
        for n, level in enumerate(content.get("levels", []))
        if not 0 <= level <= 30
    ]


@pytest.fixture(autouse=True)
async def kind() -> AsyncIterator[str]:
    """The kind is known while a test runs."""
    rules.register_rule_kind(KIND, check=check, label="Discounts")
    yield KIND
    del kinds._kinds[KIND]


@dataclass
class Book:
    """The rules of a shop: Fuller owns it, Buchanan manages a department."""

    shop: Shop
    manager: UUID

    async def viewer(self, member: UUID | None = None) -> Viewer:
        return await self.shop.as_member(member or self.manager)

    async def draft(self, *levels: int, by: UUID | None = None, day: date | None = None) -> UUID:
        async with self.shop.databases.tenant_write(self.shop.company.ref) as write:
            return await rules.draft_rule(
                write,
                await self.viewer(by),
                kind=KIND,
                content={"levels": list(levels)},
                in_force_from=day,
                clock=self.shop.clock,
            )

    async def change(self, version_id: UUID, version: int, by: UUID | None = None, **values: Any) -> UUID:
        viewer = await self.viewer(by)
        async with self.shop.databases.tenant_write(self.shop.company.ref) as write:
            return await rules.change_rule_draft(
                write, viewer, version_id=version_id, version=version, values=values, clock=self.shop.clock
            )

    async def step(self, verb: Any, version_id: UUID, by: UUID | None = None, **more: Any) -> Any:
        viewer = await self.viewer(by)
        async with self.shop.databases.tenant_write(self.shop.company.ref) as write:
            return await verb(write, viewer, version_id=version_id, clock=self.shop.clock, **more)

    async def approved(self, *levels: int, day: date | None = None) -> UUID:
        """A version on its whole way, as far as its day lets it come."""
        version = await self.draft(*levels, day=day)
        await self.step(life.submit, version)
        await self.step(life.approve, version, approved_by=self.shop.viewer.member_id, remark=None)
        return version

    async def in_force(self) -> rules.RuleVersion | None:
        async with self.shop.databases.tenant_read(self.shop.company.ref) as read:
            return await rules.in_force(read, KIND)

    async def state(self, version_id: UUID) -> str:
        return await self.shop.value("SELECT state FROM rule_version WHERE id = $1", version_id)

    async def everything(self) -> list[dict[str, Any]]:
        """All versions, to see that nothing changed."""
        return await self.shop.fetch("SELECT * FROM rule_version ORDER BY id")


@pytest.fixture
async def book(shop: Shop) -> Book:
    department = await shop.create("department", name="Sales")
    manager = await shop.hire("Steven Buchanan", "DEPARTMENT_MANAGER", department_id=department)
    return Book(shop, manager)
