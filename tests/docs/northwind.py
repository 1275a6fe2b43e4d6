"""The company of the guide's examples: Northwind Traders, a handful of it, the same for every page."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from kedang_platform.clock import SystemClock
from kedang_platform.database import Databases
from kedang_platform.identity.api_keys import create_api_key
from kedang_platform.identity.sessions import start_session
from kedang_platform.ids import new_id
from kedang_platform.registry import Company, NewCompany, claim_schema, find_company, set_status
from kedang_platform.settings import Settings
from kedang_platform.work import Services
from kedang_workers.composition import make_services
from tests.docs.receiver import Receiver, listening
from tests.support.factories import Factory
from tests.support.gateway import RunningGateway, serve
from tests.support.members import TestMember, make_member
from tests.support.workers import run_jobs

PEOPLE = {
    "owner": ("Andrew Fuller", "OWNER"),
    "representative": ("Nancy Davolio", "REPRESENTATIVE"),
    "marketer": ("Laura Callahan", "MARKETER"),
}
CUSTOMERS = (
    ("ALFKI", "Alfreds Futterkiste", "Berlin", "DE", 18, "FOB"),
    ("ANATR", "Ana Trujillo Emparedados y helados", "México D.F.", "MX", 6, None),
    ("AROUT", "Around the Horn", "London", "GB", 40, "EXW"),
    ("BERGS", "Berglunds snabbköp", "Luleå", "SE", None, "FOB"),
    ("BLAUS", "Blauer See Delikatessen", "Mannheim", "DE", 25, None),
)
CONTACTS = (
    ("ALFKI", "Maria Anders", "Sales Representative", "030-0074321"),
    ("ALFKI", "Horst Kloss", "Accounting Manager", "030-0076545"),
    ("AROUT", "Thomas Hardy", "Sales Representative", "(171) 555-7788"),
    ("BERGS", "Christina Berglund", "Order Administrator", "0921-12 34 65"),
)
ORDERS = (
    ("10643", "ALFKI", date(2026, 8, 25), (("Chai", 15), ("Chang", 21))),
    ("10692", "ALFKI", date(2026, 10, 3), (("Chang", 20),)),
    ("10355", "AROUT", date(2026, 9, 15), (("Chai", 25),)),
    ("10278", "BERGS", date(2026, 8, 12), (("Chai", 16), ("Chang", 15))),
)
PRODUCTS = {"Chai": Decimal(18), "Chang": Decimal(19)}


@dataclass
class Northwind:
    """A running company: who asks, where, and what happens later."""

    gateway: RunningGateway
    company: Company
    receiver: Receiver
    workers: Services
    members: dict[str, TestMember] = field(default_factory=dict)
    credentials: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.gateway.url

    async def credential(self, who: str) -> dict[str, str]:
        """The header by which somebody is known: owner, representative, marketer, reader, browser, nobody."""
        if who not in self.credentials:
            self.credentials[who] = await self._new_credential(who)
        return self.credentials[who]

    async def _new_credential(self, who: str) -> dict[str, str]:
        if who == "nobody":
            return {}
        services = self.gateway.services
        now, member = datetime.now(UTC), self.members.get(who) or self.members["owner"]
        async with services.databases.control() as control:
            if who == "browser":
                token = await start_session(
                    control, person_id=member.person_id, company_id=self.company.id, user_agent="", now=now
                )
                return {"cookie": f"kedang={token}"}
            made = await create_api_key(
                control,
                company_id=self.company.id,
                member_id=member.id,
                name="Reports" if who == "reader" else who,
                scopes=("read",) if who == "reader" else ("read", "write"),
                expires_at=None,
                environment="local",
                key=services.identity.key,
                now=now,
            )
        return {"authorization": f"Bearer {made.text}"}

    async def work(self) -> None:
        """Let everything be done that is due."""
        await run_jobs(self.gateway.services.databases, services=self.workers)

    async def spend(self, who: str) -> None:
        """Leave less than nothing in the bucket of a key: three seconds until there is a point again."""
        identified = await self.gateway.services.identity.credentials.identify(
            bearer=(await self.credential(who))["authorization"].removeprefix("Bearer "), cookie=None
        )
        assert identified is not None
        buckets = self.gateway.services.buckets
        buckets.spend(identified.credential_id.hex, buckets.size + 590)


@asynccontextmanager
async def open_northwind(databases: Databases, settings: Settings, **own: Any) -> AsyncIterator[Northwind]:
    """The company behind a gateway of its own, with the limits that the product begins with."""
    async with (
        serve(databases, settings, outgoing_allowed="127.0.0.1/32", **own) as gateway,
        listening() as receiver,
    ):
        workers = make_services(databases=databases, settings=gateway.services.settings, clock=SystemClock())
        shop = Northwind(gateway, await _company(databases), receiver, workers)
        await _people(shop)
        await _archive(shop)
        await shop.work()
        yield shop
        await workers.live.close()
        await gateway.services.buckets.close()


async def _company(databases: Databases) -> Company:
    new = NewCompany(
        "Northwind Traders", country="US", language="en", time_zone="America/New_York", currency="USD"
    )
    async with databases.control() as control:
        made = await claim_schema(control, company_id=new_id(), company=new, now=datetime.now(UTC))
        await set_status(control, company_id=made.id, status="active")
        return await find_company(control, company_id=made.id)


async def _people(shop: Northwind) -> None:
    for who, (name, role) in PEOPLE.items():
        shop.members[who] = await make_member(shop.gateway.services.databases, shop.company, role, name=name)


async def _archive(shop: Northwind) -> None:
    make = Factory(shop.gateway.services.databases, shop.company)
    incoterm = {"key": "incoterm", "kind": "CHOICE", "options": ["EXW", "FOB", "CIF"]}
    label = {"en": "Incoterm", "zh": "贸易术语"}
    await make.many("custom_field", [{"record": "customer", "label": label, **incoterm}])
    owner = shop.members["representative"].id
    rows = [
        {"number": number, "name": name, "city": city, "country": country, "employees": staff}
        for number, name, city, country, staff, _ in CUSTOMERS
    ]
    for row in rows:
        row["owner_id"] = owner if row["country"] == "DE" else None
    custom = [{"incoterm": term} if term else {} for *_, term in CUSTOMERS]
    ids = await make.many("customer", rows, custom=custom)
    customers = {row["number"]: made for row, made in zip(rows, ids, strict=True)}
    for customer, name, title, phone in CONTACTS:
        await make.one("contact", customer_id=customers[customer], name=name, title=title, phone=phone)
    products = {
        name: await make.one("product", name=name, number=name.upper(), list_price=price)
        for name, price in PRODUCTS.items()
    }
    for number, customer, day, lines in ORDERS:
        order = await make.one("order", number=number, customer_id=customers[customer], ordered_on=day)
        for product, quantity in lines:
            await make.one(
                "order_line",
                order_id=order,
                product_id=products[product],
                quantity=Decimal(quantity),
                unit_price=PRODUCTS[product],
            )


@pytest.fixture
async def northwind(databases, database_settings, work_redis_url, tmp_path) -> AsyncIterator[Northwind]:
    own = {"var": tmp_path / "var", "redis_url": work_redis_url}
    async with open_northwind(databases, database_settings, **own) as shop:
        yield shop
