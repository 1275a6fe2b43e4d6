"""Northwind's CSV files, read as they are."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from io import StringIO

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Northwind:
    """The rows of each file, in its order; an empty cell is an empty text."""

    customers: list[Row]
    suppliers: list[Row]
    employees: list[Row]
    categories: list[Row]
    products: list[Row]
    orders: list[Row]
    lines: list[Row]
    shippers: list[Row]


def load_northwind() -> Northwind:
    return Northwind(
        customers=list(_rows("customers")),
        suppliers=list(_rows("suppliers")),
        employees=list(_rows("employees")),
        categories=list(_rows("categories")),
        products=list(_rows("products")),
        orders=list(_rows("orders")),
        lines=list(_rows("order_details")),
        shippers=list(_rows("shippers")),
    )


def _rows(name: str) -> Iterator[Row]:
    source = resources.files("kedang_workers.demo") / "northwind" / f"{name}.csv"
    yield from csv.DictReader(StringIO(source.read_text(encoding="utf-8")))
