"""What Northwind's CSV files say, worked out with nothing of the product's: the other half of every check."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from kedang_workers.demo.data import Northwind, Row

GRADED_YEAR = 1997
CENT = Decimal("0.01")
THRESHOLDS = (("A", Decimal(20_000)), ("B", Decimal(10_000)), ("C", Decimal(3_000)))


@dataclass(frozen=True, slots=True)
class Figures:
    """Sales in US dollars. ``by_customer`` holds the graded year's, also zero ones."""

    sales: Decimal
    by_year: Mapping[int, Decimal]
    by_customer: Mapping[str, Decimal]
    grades: Mapping[str, str]
    owners: Mapping[str, str]


def work_out(northwind: Northwind) -> Figures:
    """All figures of the files."""
    orders = {row["order_id"]: row for row in northwind.orders}
    by_year: dict[int, Decimal] = defaultdict(Decimal)
    by_customer = {row["customer_id"]: Decimal(0) for row in northwind.customers}
    for line in northwind.lines:
        order = orders[line["order_id"]]
        year = int(order["order_date"][:4])
        by_year[year] += line_sales(line)
        if year == GRADED_YEAR:
            by_customer[order["customer_id"]] += line_sales(line)
    return Figures(
        sales=sum(by_year.values(), Decimal(0)),
        by_year=dict(by_year),
        by_customer=by_customer,
        grades={customer: grade_of(sales) for customer, sales in by_customer.items()},
        owners=owners_of(northwind.orders),
    )


def line_sales(line: Row) -> Decimal:
    """Quantity times price less discount, rounded half-up to the cent once per line."""
    price, quantity, discount = (Decimal(line[key]) for key in ("unit_price", "quantity", "discount"))
    return (price * quantity * (1 - discount)).quantize(CENT, ROUND_HALF_UP)


def grade_of(sales: Decimal) -> str:
    for code, threshold in THRESHOLDS:
        if sales >= threshold:
            return code
    return "D" if sales > 0 else "E"


def owners_of(orders: list[Row]) -> dict[str, str]:
    """The employee of each customer: most of its orders, then the latest order, then the lowest number."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    latest: dict[tuple[str, str], str] = {}
    for order in orders:
        customer, employee = order["customer_id"], order["employee_id"]
        counts[customer][employee] += 1
        key = (customer, employee)
        latest[key] = max(latest.get(key, ""), order["order_date"])
    return {
        customer: max(found, key=lambda e: (found[e], latest[customer, e], -int(e)))
        for customer, found in counts.items()
    }


def email_of(employee: Row) -> str:
    return f"{employee['first_name']}.{employee['last_name']}@northwind.example".lower()


def contact_email_of(customer: Row) -> str:
    return f"{customer['customer_id'].lower()}@customer.example"
