"""What the small company of reports has beside customers and orders: visits, requests, contracts, opinions."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.reports.test_surveys import FAIRLY, NOT, VERY, answer, invite
from tests.reports.world import World
from tests.support.surveying import survey


def at(day: str, hour: int = 15) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour:02}:00:00+00:00").astimezone(UTC)


PLANS = (
    # customer, owner, due on, state, done on
    ("C1", "davolio", "2026-01-15", "DONE", "2026-01-15"),
    ("C2", "davolio", "2026-01-20", "DONE", "2026-01-22"),
    ("C3", "leverling", "2026-02-10", "PLANNED", None),
    ("C4", "leverling", "2026-02-11", "CANCELLED", None),
    ("C6", "davolio", "2026-02-12", "PLANNED", None),  # of an archived customer
    ("C1", "davolio", "2025-12-31", "DONE", "2025-12-31"),  # before the period
)
RECORDS = (
    # customer, member, at, way, reached
    ("C1", "davolio", "2026-01-15", "VISIT", True),
    ("C2", "davolio", "2026-01-22", "VISIT", True),
    ("C3", "leverling", "2026-02-27", "VISIT", False),
    ("C3", "leverling", "2026-02-28", "CALL", True),
    ("C5", "davolio", "2026-03-01", "VISIT", True),
)
REQUESTS = (
    # customer, owner, kind, opened, first answer after hours / in time, solved after hours / in time, state
    ("C1", "davolio", "COMPLAINT", "2026-01-10", (2, True), (30, True), "SOLVED"),
    ("C2", "davolio", "COMPLAINT", "2026-01-12", (9, False), None, "IN_PROGRESS"),
    ("C3", "leverling", "REPAIR", "2026-02-03", None, None, "NEW"),
    ("C3", "leverling", "REPAIR", "2026-02-04", (1, True), (100, False), "CLOSED"),
    ("C4", "leverling", "WISH", "2026-02-05", None, None, "CANCELLED"),
)
# As if a standard had allowed every request four hours and forty.
CLOCKS = """
UPDATE service_request SET first_answer_due_at = opened_at + interval '4 hours',
                           solution_due_at = opened_at + interval '40 hours'
"""
CONTRACTS = (
    # number, customer, owner, state, notice days, ends on, amount
    ("V1", "C1", "davolio", "IN_FORCE", 42, "2026-05-01", 100_000_00),
    ("V2", "C2", "davolio", "IN_FORCE", 90, "2026-05-02", 5_000_00),
    ("V3", "C3", "leverling", "IN_FORCE", None, "2026-02-20", None),
    ("V4", "C3", "leverling", "IN_FORCE", None, "2027-02-20", None),
    ("V5", "C4", "leverling", "ENDED", None, "2026-03-15", None),
)
OWNED = (
    # customer, serial, maintenance from, every months, retired on
    ("C1", "S1", "2025-09-10", 6, None),
    ("C3", "S2", "2025-08-10", 6, None),
    ("C3", "S3", "2025-12-10", 12, None),
    ("C4", "S4", "2025-09-11", 6, "2026-01-01"),
)


def day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


async def put(world: World, record: str, **values: Any) -> UUID:
    """A row as it stands, whatever the verbs of the trade would make of it."""
    shop = world.shop
    given = {name: value for name, value in values.items() if value is not None}
    return await shop.create(record, internally=True, viewer=await shop.product(), **given)


async def fill(world: World) -> None:
    people, customers = world.people, world.customers
    for number, owner, due_on, state, done_on in PLANS:
        await put(
            world,
            "follow_up_plan",
            customer_id=customers[number],
            owner_id=people[owner],
            due_on=day(due_on),
            way="VISIT",
            state=state,
            done_on=day(done_on),
        )
    for number, member, when, way, reached in RECORDS:
        of = {"customer_id": customers[number], "member_id": people[member]}
        await put(world, "follow_up_record", at=at(when), way=way, reached=reached, **of)
    for place, (number, owner, kind, opened, answered, solved, state) in enumerate(REQUESTS):
        began = at(opened)
        await put(
            world,
            "service_request",
            number=f"R{place}",
            title=f"Request {place}",
            customer_id=customers[number],
            owner_id=people[owner],
            kind=kind,
            state=state,
            opened_at=began,
            first_answered_at=began + timedelta(hours=answered[0]) if answered else None,
            first_answer_on_time=answered[1] if answered else None,
            solved_at=began + timedelta(hours=solved[0]) if solved else None,
            solution_on_time=solved[1] if solved else None,
        )
    async with world.shop.databases.tenant_write(world.shop.company.ref) as write:
        await write.fetch(CLOCKS)
    await _dated(world)
    await _billed(world)
    asked = await survey(world.shop)
    world.questionnaire = asked.id
    await invite(world, asked, "C3")
    await answer(world, asked, "C1", [VERY, FAIRLY], nps=9, comment="Good")
    await answer(world, asked, "C2", [NOT, NOT], nps=3)


INVOICES = (
    # customer, amount, paid, issued on, due on: today is the second of March
    ("C1", 5_00, 2_00, "2026-01-02", "2026-03-02"),
    ("C1", 2_00, 0, "2026-01-02", "2026-02-28"),
    ("C1", 4_00, 0, "2025-10-02", "2025-12-02"),
    ("C1", 7_00, 7_00, "2025-10-02", "2025-12-02"),
    ("C3", 20_00, 0, "2025-10-02", "2025-12-01"),
    ("C6", 9_00, 0, "2025-10-02", "2025-12-01"),  # of an archived customer
)


async def _billed(world: World) -> None:
    for number, (customer, amount, paid, issued, due) in enumerate(INVOICES):
        invoice = await put(
            world,
            "invoice",
            number=f"I{number}",
            customer_id=world.customers[customer],
            amount=amount,
            issued_on=day(issued),
            due_on=day(due),
        )
        if paid:
            of = {"number": f"P{number}", "invoice_id": invoice, "amount": paid}
            await put(world, "payment", received_on=day(issued), **of)


async def _dated(world: World) -> None:
    """What bears dates that come near."""
    people, customers = world.people, world.customers
    for number, customer, owner, state, notice, ends, amount in CONTRACTS:
        await put(
            world,
            "contract",
            number=number,
            title=f"Contract {number}",
            customer_id=customers[customer],
            owner_id=people[owner],
            state=state,
            signed_on=date(2025, 1, 1),
            starts_on=date(2025, 1, 1),
            notice_days=notice,
            ends_on=day(ends),
            amount=amount,
            currency="EUR" if number == "V2" else "USD",
        )
    for customer, serial, begin, months, retired in OWNED:
        await put(
            world,
            "owned_product",
            customer_id=customers[customer],
            model="Pump",
            serial_number=serial,
            installed_on=day(begin),
            maintenance_from=day(begin),
            maintenance_months=months,
            retired_on=day(retired),
        )
