"""A small company that has something to report: people, departments, grades that moved, orders, follow-ups."""

import csv
import io
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any
from uuid import UUID

import openpyxl
import pypdf

from kedang_platform.files import LocalFiles
from kedang_tenants.files import stored_content
from kedang_tenants.reading import Viewer
from kedang_tenants.reports.operations import ask_for_report
from tests.support.trading import Shop

JANUARY = datetime(2026, 1, 12, 15, 0, tzinfo=UTC)
NAMES = (
    ("C1", "上海龙腾科技有限公司", "davolio"),
    ("C2", "=SUM(A1:A9)", "davolio"),
    ("C3", "Blauer See Delikatessen", "leverling"),
    ("C4", "#strong[北京] *鑫淼* $x$ @ref <b>", "leverling"),
    ("C5", "Nobody's customer", None),
    ("C6", "Archived", "davolio"),
)


@dataclass
class World:
    """The company, its people by their short names, and its customers by their numbers."""

    shop: Shop
    people: dict[str, UUID] = field(default_factory=dict)
    customers: dict[str, UUID] = field(default_factory=dict)
    department: UUID | None = None
    scheme: UUID | None = None
    questionnaire: UUID | None = None

    async def viewer(self, name: str) -> Viewer:
        return await self.shop.as_member(self.people[name])

    async def ask(self, name: str, kind: str, **values: Any) -> UUID:
        """The run of a report that ``name`` asks for, not made yet."""
        async with self.shop.databases.tenant_write(self.shop.company.ref) as write:
            viewer = await self.viewer(name)
            return await ask_for_report(write, viewer, values={"kind": kind, **values}, clock=self.shop.clock)

    async def made(self, name: str, kind: str, **values: Any) -> "Made":
        """A report that ``name`` asked for and that was made."""
        run_id = await self.ask(name, kind, **values)
        await self.shop.work()
        return await self.run(run_id)

    async def run(self, run_id: UUID) -> "Made":
        (row,) = await self.shop.fetch("SELECT * FROM report_run WHERE id = $1", run_id)
        files = {}
        store = LocalFiles(self.shop.settings.var / "files")
        for file_format in ("XLSX", "PDF", "CSV"):
            if (file_id := row[f"{file_format.lower()}_id"]) is not None:
                async with self.shop.databases.tenant_read(self.shop.company.ref) as read:
                    content = await stored_content(read, file_id=file_id)
                pieces = [piece async for piece in store.open(self.shop.company.ref, content.content_id)]
                files[file_format] = b"".join(pieces)
        return Made(row, files)


@dataclass(frozen=True)
class Made:
    """A run after its job, and the contents of its files."""

    row: dict[str, Any]
    files: dict[str, bytes]

    def sheet(self, title: str) -> list[list[Any]]:
        """The cells of a sheet of the workbook, the heading included."""
        book = openpyxl.load_workbook(BytesIO(self.files["XLSX"]))
        return [[cell.value for cell in row] for row in book[title].iter_rows()]

    @property
    def book(self) -> openpyxl.Workbook:
        return openpyxl.load_workbook(BytesIO(self.files["XLSX"]))

    @property
    def csv(self) -> list[list[str]]:
        return list(csv.reader(io.StringIO(self.files["CSV"].decode("utf-8-sig"))))

    @property
    def pdf(self) -> pypdf.PdfReader:
        return pypdf.PdfReader(BytesIO(self.files["PDF"]))

    @property
    def text(self) -> str:
        return "\n".join(page.extract_text() for page in self.pdf.pages)


async def open_world(shop: Shop) -> World:
    """Northwind on 2 March 2026: graded in January, graded anew by what was sold in February."""
    shop.clock.instant = JANUARY
    world = World(shop, department=await shop.create("department", name="Sales 销售部"))
    assert shop.viewer is not None
    world.people["fuller"] = shop.viewer.member_id
    for name, role, more in (
        ("davolio", "REPRESENTATIVE", {"name": "Nancy Davolio", "language": "ZH_CN"}),
        ("leverling", "REPRESENTATIVE", {"name": "Janet Leverling", "department_id": None}),
        ("buchanan", "DEPARTMENT_MANAGER", {"name": "Steven Buchanan"}),
        ("king", "GENERAL_MANAGER", {"name": "Robert King"}),
        ("callahan", "FINANCE", {"name": "Laura Callahan"}),
        ("onlooker", "VIEW_ONLY", {"name": "Olga Onlooker", "seat": "VIEW_ONLY"}),
    ):
        values = {"department_id": world.department, **more}
        world.people[name] = await shop.hire(values.pop("name"), role, **values)
    world.scheme = await shop.publish_default_scheme()
    for number, name, owner in NAMES:
        world.customers[number] = await shop.create(
            "customer", number=number, name=name, owner_id=world.people.get(owner or "")
        )
    cancelled = await _orders_before(world)
    await shop.work()
    shop.clock.instant = datetime(2026, 2, 20, 15, 0, tzinfo=UTC)
    await _orders_after(world, cancelled)
    world.customers["C7"] = await shop.create(
        "customer", number="C7", name="新客户", owner_id=world.people["leverling"]
    )
    await shop.work()
    await shop.archive("customer", world.customers["C6"])
    await _follow_ups(world)
    shop.clock.instant = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
    return world


async def _orders_before(world: World) -> UUID:
    """Returns the order that will be cancelled."""
    order, customers = world.shop.order, world.customers
    await order(customers["C1"], date(2026, 1, 5), ("1", "30000.10"))
    await order(customers["C2"], date(2025, 12, 30), ("2", "100"))
    cancelled = await order(customers["C3"], date(2026, 1, 8), ("1", "12000"))
    await order(customers["C3"], date(2026, 1, 9), ("1", "5000.05"), currency="EUR")
    await order(customers["C6"], date(2026, 1, 9), ("1", "999"))
    return cancelled


async def _orders_after(world: World, cancelled: UUID) -> None:
    shop, order, customers = world.shop, world.shop.order, world.customers
    await shop.update("order", cancelled, state="CANCELLED")
    await order(customers["C2"], date(2026, 2, 2), ("3", "9000"))
    await order(customers["C2"], date(2026, 2, 3), ("1", "77777"), state="CANCELLED")
    await order(customers["C5"], date(2026, 2, 4), ("1", "1.005"))
    await order(customers["C4"], date(2026, 2, 28), ("1", "500"))
    await order(customers["C4"], date(2026, 3, 1), ("1", "9"))


async def _follow_ups(world: World) -> None:
    """Done in time and late, open and overdue, yet to come, cancelled: of two people and three months."""
    shop, people, customers = world.shop, world.people, world.customers
    plans = (
        ("C1", "davolio", date(2025, 12, 31), "DONE", date(2025, 12, 31)),
        ("C1", "davolio", date(2026, 1, 15), "DONE", date(2026, 1, 14)),
        ("C2", "davolio", date(2026, 1, 16), "DONE", date(2026, 1, 19)),
        ("C2", "davolio", date(2026, 2, 3), "PLANNED", None),
        ("C2", "davolio", date(2026, 2, 4), "CANCELLED", date(2026, 2, 1)),
        ("C3", "leverling", date(2026, 2, 10), "DONE", date(2026, 2, 10)),
        ("C5", "leverling", date(2026, 3, 2), "PLANNED", None),
        ("C6", "davolio", date(2026, 2, 5), "PLANNED", None),
    )
    for number, owner, due_on, state, done_on in plans:
        await shop.create(
            "follow_up_plan",
            internally=True,
            viewer=await shop.product(),
            customer_id=customers[number],
            owner_id=people[owner],
            due_on=due_on,
            state=state,
            done_on=done_on,
        )
