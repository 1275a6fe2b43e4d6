"""A small company in which everybody has something: two departments, people of several roles, a customer each."""

from dataclasses import dataclass
from uuid import UUID

from kedang_platform.database import Databases
from kedang_platform.registry import Company
from kedang_tenants.changing import Change, Changed, change
from kedang_tenants.reading import Viewer
from tests.support.factories import Factory
from tests.support.members import TestMember, make_member, viewer_of

ROLES = {
    "owner": ("OWNER",),
    "general manager": ("GENERAL_MANAGER",),
    "manager": ("DEPARTMENT_MANAGER",),
    "representative": ("REPRESENTATIVE",),
    "colleague": ("REPRESENTATIVE",),
    "stranger": ("REPRESENTATIVE",),
    "finance": ("FINANCE",),
    "onlooker": ("VIEW_ONLY",),
    "nobody": (),
}
_IN_SALES = {"manager", "representative", "colleague"}


@dataclass
class World:
    """``customers`` holds the customer of each person, ``contacts`` one contact at each of these."""

    factory: Factory
    people: dict[str, TestMember]
    viewers: dict[str, Viewer]
    customers: dict[str, UUID]
    contacts: dict[str, UUID]

    @property
    def databases(self) -> Databases:
        return self.factory.databases

    async def change(self, person: str, *changes: Change) -> list[Changed]:
        """Change something in a transaction of its own."""
        async with self.databases.tenant_write(self.factory.company.ref) as write:
            return await change(write, self.viewers[person], changes, clock=self.factory.clock)

    async def row(self, table: str, record_id: UUID) -> dict[str, object]:
        async with self.databases.tenant_read(self.factory.company.ref) as read:
            row = await read.fetchrow(f'SELECT * FROM "{table}" WHERE id = $1', record_id)
        assert row is not None
        return dict(row)


async def make_world(databases: Databases, company: Company, factory: Factory | None = None) -> World:
    factory = factory or Factory(databases, company)
    sales = await factory.one("department", name="Sales")
    service = await factory.one("department", name="Service")
    people = {
        name: await make_member(
            databases,
            company,
            *roles,
            name=name,
            seat="VIEW_ONLY" if name == "onlooker" else "FULL",
            department_id=sales if name in _IN_SALES else service,
            clock=factory.clock,
        )
        for name, roles in ROLES.items()
    }
    names = [name for name in people if name not in {"onlooker", "nobody"}]
    customers = await factory.many(
        "customer",
        [
            {"name": f"Customer of {name}", "number": f"C-{name}", "owner_id": people[name].id}
            for name in names
        ],
    )
    contacts = await factory.many(
        "contact",
        [{"name": f"Contact of {n}", "customer_id": c} for n, c in zip(names, customers, strict=True)],
    )
    viewers = {name: await viewer_of(databases, member) for name, member in people.items()}
    return World(
        factory,
        people,
        viewers,
        dict(zip(names, customers, strict=True)),
        dict(zip(names, contacts, strict=True)),
    )
