"""A service desk on a Monday morning in New York: agents, a customer, standards, and short words for the steps."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from kedang_tenants.reading import Viewer
from kedang_tenants.service import handling, notes
from kedang_tenants.service.requests import open_request
from kedang_tenants.service.standards import seed_standards
from tests.support.trading import Shop

_VERBS: dict[str, Callable[..., Awaitable[Any]]] = {
    "assign": handling.assign,
    "answer": notes.answer,
    "wait": handling.wait_for_customer,
    "resume": handling.resume,
    "solve": handling.solve,
    "close": handling.close,
    "reopen": handling.reopen,
    "cancel": handling.cancel,
    "note": notes.add_note,
}


@dataclass
class ServiceDesk:
    """Laura and Michael are agents of the department Service; Nancy owns the customer."""

    shop: Shop
    service: UUID
    customer: UUID
    people: dict[str, UUID] = field(default_factory=dict)

    async def viewer(self, name: str) -> Viewer:
        return await self.shop.as_member(self.people[name])

    async def open(self, viewer: Viewer | None = None, *, internally: bool = False, **values: Any) -> UUID:
        """A complaint of the customer, taken in by the company's owner where nobody is said."""
        given = {"customer_id": self.customer, "kind": "COMPLAINT", "title": "Mouldy tea"} | values
        async with self.shop.databases.tenant_write(self.shop.company.ref) as write:
            acting = viewer or self.shop.viewer
            assert acting is not None
            return await open_request(
                write, acting, values=given, clock=self.shop.clock, internally=internally
            )

    async def do(self, verb: str, request: UUID, viewer: Viewer | None = None, **said: Any) -> Any:
        """One step, by the company's owner where nobody is said."""
        if verb == "answer":
            said.setdefault("version", None)
        async with self.shop.databases.tenant_write(self.shop.company.ref) as write:
            acting = viewer or self.shop.viewer
            return await _VERBS[verb](write, acting, request_id=request, clock=self.shop.clock, **said)

    async def row(self, request: UUID) -> dict[str, Any]:
        (row,) = await self.shop.fetch("SELECT * FROM service_request WHERE id = $1", request)
        return row

    async def owner_name(self, request: UUID) -> str | None:
        owner = (await self.row(request))["owner_id"]
        return next((name for name, member in self.people.items() if member == owner), None)

    def later(self, **by: float) -> datetime:
        self.shop.clock.move(timedelta(**by))
        return self.shop.clock.now()


async def open_desk(shop: Shop) -> ServiceDesk:
    service = await shop.create("department", name="Service")
    sales = await shop.create("department", name="Sales")
    people = {"Andrew": (await shop.fetch("SELECT id FROM member"))[0]["id"]}
    people["Steven"] = await shop.hire("Steven", "DEPARTMENT_MANAGER", department_id=service)
    for name in ("Laura", "Michael"):
        people[name] = await shop.hire(
            name, "SERVICE_AGENT", department_id=service, superior_id=people["Steven"]
        )
    people["Nancy"] = await shop.hire("Nancy", "REPRESENTATIVE", department_id=sales)
    customer = await shop.create(
        "customer", name="Alfreds Futterkiste", number="ALFKI", owner_id=people["Nancy"]
    )
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await seed_standards(write, await shop.product(), clock=shop.clock)
    return ServiceDesk(shop, service, customer, people)
