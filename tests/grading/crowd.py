"""A crowd of customers with trade of every sort, made of a seed; and their raw rows, for whoever counts by himself."""

import json
import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from kedang_platform.ids import new_id
from tests.support.trading import Shop

MADE = datetime(2026, 1, 1, tzinfo=UTC)
TODAY = date(2026, 3, 2)
RATINGS = ("AAA", "AA", "A", "BBB", "BB", "B", "CCC", "CC", "C", "D")


@dataclass
class Line:
    amount: int
    profit: int | None


@dataclass
class Order:
    day: date
    currency: str
    state: str
    archived: bool
    lines: list[Line]


@dataclass
class Invoice:
    amount: int
    issued_on: date
    due_on: date
    cancelled_on: date | None
    payments: list[tuple[date, int]]


@dataclass
class Person:
    """A customer as the independent count knows it."""

    id: UUID
    roles: list[str]
    directory: str
    region: str | None
    credit_rating: str | None
    purchasing_power: str | None
    employees: int | None
    own_number: Decimal | None
    orders: list[Order] = field(default_factory=list)
    invoices: list[Invoice] = field(default_factory=list)


def imagine(count: int, seed: int) -> list[Person]:
    chance = random.Random(seed)
    return [_person(chance) for _ in range(count)]


def _person(chance: random.Random) -> Person:
    made = Person(
        new_id(),
        chance.choice([["BUYER"], ["BUYER"], ["DEALER", "SUPPLIER"], [], ["SUPPLIER"]]),
        chance.choice(["COMPANY", "COMPANY", "INDIVIDUAL", "PARTNER"]),
        chance.choice(["North", "South", None]),
        chance.choice([*RATINGS, None, None]),
        chance.choice(["VERY_HIGH", "HIGH", "MEDIUM", "LOW", None]),
        chance.choice([None, 0, 5, 50, 50, 500]),
        chance.choice([None, Decimal("-3.5"), Decimal(0), Decimal("12.25")]),
    )
    with_costs = chance.random() < 0.7
    made.orders = [_order(chance, with_costs=with_costs) for _ in range(chance.choice([0, 1, 2, 4, 7]))]
    made.invoices = [_invoice(chance) for _ in range(chance.choice([0, 0, 1, 3]))]
    return made


def _order(chance: random.Random, *, with_costs: bool) -> Order:
    lines = []
    for _ in range(chance.randint(1, 4)):
        amount = chance.choice([1, 999, 10_000, 250_000, 1_000_000])
        known = with_costs or chance.random() < 0.5
        lines.append(Line(amount, amount - chance.choice([0, amount // 2, amount * 2]) if known else None))
    return Order(
        TODAY - timedelta(days=chance.choice([-5, 0, 1, 28, 59, 60, 200, 364, 365, 366, 500, 800])),
        chance.choice(["USD", "USD", "USD", "EUR"]),
        chance.choice(["OPEN", "DELIVERED", "DELIVERED", "CANCELLED"]),
        chance.random() < 0.1,
        lines,
    )


def _invoice(chance: random.Random) -> Invoice:
    issued = TODAY - timedelta(days=chance.choice([1, 30, 100, 400]))
    amount = chance.choice([100, 5_000, 70_000])
    paid = chance.choice([[], [amount], [amount // 2], [amount // 4, amount // 4]])
    return Invoice(
        amount,
        issued,
        issued + timedelta(days=chance.choice([0, 30, 90])),
        issued + timedelta(days=20) if chance.random() < 0.15 else None,
        [(issued + timedelta(days=chance.choice([1, 10, 95])), sum_) for sum_ in paid],
    )


async def settle_in(shop: Shop, people: list[Person], own_field: UUID) -> None:
    """Write the crowd as the product keeps it."""
    product = await shop.create("product", number="1", name="Chai")
    customers = [
        {
            "id": p.id,
            "name": f"Customer {n}",
            "roles": p.roles,
            "directory": p.directory,
            "region": p.region,
            "credit_rating": p.credit_rating,
            "purchasing_power": p.purchasing_power,
            "employees": p.employees,
            "custom": {} if p.own_number is None else {own_field.hex: str(p.own_number)},
        }
        for n, p in enumerate(people)
    ]
    orders, lines, invoices, payments = [], [], [], []
    for p in people:
        for o in p.orders:
            known = [line.profit for line in o.lines]
            head = {
                "id": new_id(),
                "customer_id": p.id,
                "state": o.state,
                "ordered_on": o.day,
                "currency": o.currency,
                "archived_at": MADE if o.archived else None,
                "total": sum(line.amount for line in o.lines),
                "profit": None if None in known else sum(known),
            }
            head["number"] = head["id"].hex
            orders.append(head)
            lines += [
                {
                    "id": new_id(),
                    "order_id": head["id"],
                    "position": at,
                    "product_id": product,
                    "quantity": 1,
                    "unit_price": 1,
                    "discount": 0,
                    "amount": line.amount,
                    "profit": line.profit,
                }
                for at, line in enumerate(o.lines, start=1)
            ]
        for i in p.invoices:
            got = sum(amount for _, amount in i.payments)
            head = {
                "id": new_id(),
                "customer_id": p.id,
                "currency": "USD",
                "amount": i.amount,
                "issued_on": i.issued_on,
                "due_on": i.due_on,
                "cancelled_on": i.cancelled_on,
                "paid": got,
                "open_amount": 0 if i.cancelled_on else i.amount - got,
                "state": "CANCELLED" if i.cancelled_on else "PAID" if got == i.amount else "OPEN",
            }
            head["number"] = head["id"].hex
            invoices.append(head)
            payments += [
                {
                    "id": (key := new_id()),
                    "number": key.hex,
                    "invoice_id": head["id"],
                    "amount": amount,
                    "received_on": day,
                    "way": "TRANSFER",
                }
                for day, amount in i.payments
            ]
    for table, rows in (
        (
            "customer",
            [{"state": "CURRENT", "direct": True, "name_sort": row["name"]} | row for row in customers],
        ),
        ("sales_order", orders),
        ("order_line", lines),
        ("invoice", invoices),
        ("payment", payments),
    ):
        await write_rows(shop, table, rows)


async def write_rows(shop: Shop, table: str, rows: list[dict]) -> None:
    """Rows as they are, past all rules."""
    if not rows:
        return
    kept = {"version": 1, "created_at": MADE, "updated_at": MADE, "custom": {}}
    told = json.dumps([kept | row for row in rows], default=str)
    columns = ", ".join(f'"{name}"' for name in kept | rows[0])
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await write.fetch(
            f'INSERT INTO "{table}" ({columns}) SELECT {columns} FROM jsonb_populate_recordset(NULL::"{table}", $1::jsonb)',
            told,
        )
