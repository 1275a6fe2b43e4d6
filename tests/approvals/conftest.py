"""A company with a line upward, kinds of requests that are only there for tests, short words to ask and decide."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest

from kedang_tenants.approvals import asking, deciding, deputies, kinds, setting
from kedang_tenants.approvals.flows import ROLE, SUPERIOR, Flow, Step
from kedang_tenants.changing import Change
from kedang_tenants.reading import Viewer
from tests.support.trading import Shop

GIFT = "test.gift"
"""By the superior; from 1,000 on by finance, too."""
ALONE = "test.alone"
"""By a manager of a department; at once where nobody else could."""

HEARD: list[kinds.Request] = []


async def hear(_write: Any, _viewer: Viewer, request: kinds.Request, _clock: Any) -> None:
    if request.payload.get("unfit"):
        raise asking.NotWaiting("This request is not in a state in which this can be done.")
    HEARD.append(request)


@pytest.fixture(autouse=True)
async def known() -> AsyncIterator[None]:
    """The kinds are known while a test runs."""
    HEARD.clear()
    steps = (Step(by=SUPERIOR), Step(by=ROLE, roles=("FINANCE",), from_amount=1_000))
    kinds.register_approval_kind(GIFT, label="A gift", on_decided=hear, steps=steps, takes_amount=True)
    step = Step(by=ROLE, roles=("DEPARTMENT_MANAGER",))
    kinds.register_approval_kind(ALONE, label="Alone", on_decided=hear, steps=(step,), alone="APPROVE")
    yield
    del kinds._kinds[GIFT], kinds._kinds[ALONE]


@dataclass
class Firm:
    """Who works at the shop; ``ids`` by short name. Davolio < Buchanan < Leverling, the general manager; Fuller owns it."""

    shop: Shop = field(repr=False)
    ids: dict[str, UUID] = field(default_factory=dict)

    async def hire(self, name: str, *roles: str, **values: Any) -> UUID:
        self.ids[name] = await self.shop.hire(f"{name.title()} of Northwind", *roles, **values)
        return self.ids[name]

    async def viewer(self, name: str) -> Viewer:
        return await self.shop.as_member(self.ids[name])

    async def act(self, verb: Any, name: str | Viewer, **given: Any) -> Any:
        viewer = await self.viewer(name) if isinstance(name, str) else name
        async with self.shop.databases.tenant_write(self.shop.company.ref) as write:
            return await verb(write, viewer, clock=self.shop.clock, **given)

    async def ask(self, name: str = "davolio", kind: str = GIFT, **given: Any) -> UUID:
        given = {"subject": None, "summary": {"en": "A box of tea", "zh": "一盒茶"}} | given
        return await self.act(asking.ask, name, kind=kind, **given)

    async def decide(
        self, name: str | Viewer, request: UUID, decision: str = "APPROVE", **given: Any
    ) -> UUID:
        stage = given.pop("stage", None) or await self.now(request, "stage")
        if decision != "APPROVE":
            given.setdefault("remark", "Because")
        return await self.act(
            deciding.decide, name, request_id=request, stage=stage, decision=decision, **given
        )

    async def withdraw(self, name: str, request: UUID) -> UUID:
        return await self.act(asking.withdraw, name, request_id=request)

    async def resubmit(self, name: str, request: UUID, **given: Any) -> UUID:
        return await self.act(asking.resubmit, name, request_id=request, **given)

    async def set_flow(self, *steps: Step, kind: str = GIFT, **limits: int | None) -> UUID:
        return await self.act(setting.set_flow, "fuller", kind=kind, flow=Flow(steps=steps, limits=limits))

    async def deputise(self, name: str, deputy: str, **given: Any) -> UUID:
        today = self.shop.clock.now().date()
        given = {"deputy_id": self.ids[deputy], "from_day": today, "until_day": today} | given
        return await self.act(deputies.set_deputy, name, **given)

    async def change_member(self, name: str, **values: Any) -> None:
        """As administrators and the platform do; the jobs that follow are not run."""
        await self.shop.change(Change("member", "update", self.ids[name], values=values), internally=True)

    async def now(self, request: UUID, column: str = "state") -> Any:
        return await self.shop.value(f"SELECT {column} FROM approval_request WHERE id = $1", request)

    async def turns(self, request: UUID) -> set[Any]:
        """The names of those whose turn it is; a deputy with whom they stand in for."""
        names = {member: name for name, member in self.ids.items()}
        rows = await self.shop.fetch(
            "SELECT member_id, for_member_id FROM approval_turn WHERE request_id = $1 AND open", request
        )
        return {
            (names[row["member_id"]], names[row["for_member_id"]])
            if row["for_member_id"]
            else names[row["member_id"]]
            for row in rows
        }

    async def history(self, request: UUID) -> list[tuple[Any, ...]]:
        names: dict[UUID | None, str | None] = {member: name for name, member in self.ids.items()}
        rows = await self.shop.fetch(
            "SELECT kind, step, member_id, for_member_id FROM approval_event WHERE request_id = $1"
            " ORDER BY created_at, id",
            request,
        )
        told = [
            (r["kind"], r["step"], names.get(r["member_id"]), names.get(r["for_member_id"])) for r in rows
        ]
        return [line if line[3] else line[:3] for line in told]

    async def everything(self) -> list[Any]:
        """All that approvals consist of, to see that nothing changed."""
        tables = ("request", "turn", "event", "deputy", "flow")
        found = [await self.shop.fetch(f"SELECT * FROM approval_{table} ORDER BY id") for table in tables]
        return [*found, await self.shop.fetch("SELECT * FROM notice ORDER BY id"), len(HEARD)]


@pytest.fixture
async def firm(shop: Shop) -> Firm:
    firm = Firm(shop)
    assert shop.viewer is not None
    assert shop.viewer.member_id is not None
    firm.ids["fuller"] = shop.viewer.member_id
    await firm.hire("leverling", "GENERAL_MANAGER", superior_id=firm.ids["fuller"])
    await firm.hire("buchanan", "DEPARTMENT_MANAGER", superior_id=firm.ids["leverling"])
    await firm.hire("davolio", "REPRESENTATIVE", superior_id=firm.ids["buchanan"])
    await firm.hire("callahan", "FINANCE", superior_id=firm.ids["leverling"])
    await firm.hire("suyama", "REPRESENTATIVE", superior_id=firm.ids["buchanan"])
    return firm
