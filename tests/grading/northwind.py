"""Northwind from its CSV files: written into a shop, and counted independently in plain Python."""

import csv
from collections import Counter, defaultdict
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from importlib import resources
from uuid import UUID

from kedang_platform.ids import new_id
from kedang_tenants.changing import Change
from tests.support.trading import Shop


def rows(name: str) -> list[dict[str, str]]:
    folder = resources.files("kedang_workers.demo") / "northwind"
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def cents(line: dict[str, str]) -> int:
    """One line in cents, rounded half-up once."""
    exact = Decimal(line["unit_price"]) * Decimal(line["quantity"]) * (1 - Decimal(line["discount"])) * 100
    return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def sales_by_year() -> Counter[str]:
    years = {order["order_id"]: order["order_date"][:4] for order in rows("orders")}
    found: Counter[str] = Counter()
    for line in rows("order_details"):
        found[years[line["order_id"]]] += cents(line)
    return found


def expected_grades(year: str = "1997") -> dict[str, tuple[str, int, int]]:
    """Customer → level, sales in cents and number of orders of that year, by a rule of its own."""
    orders = {order["order_id"]: order for order in rows("orders")}
    sales: Counter[str] = Counter()
    of_year: defaultdict[str, set[str]] = defaultdict(set)
    for order_id, order in orders.items():
        if order["order_date"].startswith(year):
            of_year[order["customer_id"]].add(order_id)
    for line in rows("order_details"):
        order = orders[line["order_id"]]
        if order["order_date"].startswith(year):
            sales[order["customer_id"]] += cents(line)
    return {
        customer["customer_id"]: (
            _level(sales[customer["customer_id"]]),
            sales[customer["customer_id"]],
            len(of_year[customer["customer_id"]]),
        )
        for customer in rows("customers")
    }


def _level(sales: int) -> str:
    for code, least in (("A", 20_000_00), ("B", 10_000_00), ("C", 3_000_00), ("D", 1)):
        if sales >= least:
            return code
    return "E"


async def bring_in(shop: Shop, *, reverse: bool = False) -> None:
    """All customers, suppliers, products and orders with their lines, in the files' order or backwards."""
    step = -1 if reverse else 1
    customers = {row["customer_id"]: new_id() for row in rows("customers")}
    products = {row["product_id"]: new_id() for row in rows("products")}
    orders = {row["order_id"]: new_id() for row in rows("orders")}
    await shop.change(
        *(
            Change(
                "customer",
                "create",
                customers[row["customer_id"]],
                values={"number": row["customer_id"], "name": row["company_name"], "roles": ["BUYER"]},
            )
            for row in rows("customers")[::step]
        ),
        *(
            Change(
                "customer",
                "create",
                values={
                    "number": f"S{row['supplier_id']}",
                    "name": row["company_name"],
                    "directory": "PARTNER",
                    "roles": ["SUPPLIER"],
                },
            )
            for row in rows("suppliers")
        ),
        *(
            Change(
                "product",
                "create",
                products[row["product_id"]],
                values={"number": row["product_id"], "name": row["product_name"]},
            )
            for row in rows("products")
        ),
    )
    await shop.change(
        *(
            Change(
                "order",
                "create",
                orders[row["order_id"]],
                values={
                    "number": row["order_id"],
                    "customer_id": customers[row["customer_id"]],
                    "ordered_on": date.fromisoformat(row["order_date"]),
                },
            )
            for row in rows("orders")[::step]
        )
    )
    await shop.change(
        *(_line(row, orders, products) for row in rows("order_details")[::step]),
    )


def _line(row: dict[str, str], orders: dict[str, UUID], products: dict[str, UUID]) -> Change:
    values = {
        "order_id": orders[row["order_id"]],
        "product_id": products[row["product_id"]],
        "quantity": Decimal(row["quantity"]),
        "unit_price": Decimal(row["unit_price"]),
        "discount": Decimal(row["discount"]),
    }
    return Change("order_line", "create", values=values)
