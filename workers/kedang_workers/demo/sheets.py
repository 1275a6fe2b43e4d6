"""The files that are imported: Northwind's rows under the names that the importer knows by itself."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import StringIO

from kedang_workers.demo.data import Northwind
from kedang_workers.demo.figures import contact_email_of, email_of, owners_of


@dataclass(frozen=True, slots=True)
class Sheet:
    """One CSV file and the kind of record that its rows become."""

    name: str
    record: str
    rows: tuple[Mapping[str, str], ...]

    def as_csv(self) -> bytes:
        text = StringIO()
        writer = csv.DictWriter(text, list(self.rows[0]))
        writer.writeheader()
        writer.writerows(self.rows)
        return text.getvalue().encode()


def sheets(northwind: Northwind) -> list[Sheet]:
    """All files, in an order in which every reference finds what it names."""
    made: list[tuple[str, str, Iterable[Mapping[str, str]]]] = [
        ("customers", "customer", _customers(northwind)),
        ("contacts", "contact", _contacts(northwind)),
        ("suppliers", "customer", _suppliers(northwind)),
        ("supplier-contacts", "contact", _supplier_contacts(northwind)),
        ("categories", "product_category", _categories(northwind)),
        ("products", "product", _products(northwind)),
        ("orders", "order", _orders(northwind)),
        ("order-lines", "order_line", _lines(northwind)),
        ("deliveries", "delivery", _deliveries(northwind)),
    ]
    return [Sheet(name, record, tuple(rows)) for name, record, rows in made]


def _emails(northwind: Northwind) -> dict[str, str]:
    return {row["employee_id"]: email_of(row) for row in northwind.employees}


def _customers(northwind: Northwind) -> Iterator[Mapping[str, str]]:
    emails, owners = _emails(northwind), owners_of(northwind.orders)
    for row in northwind.customers:
        owner = owners.get(row["customer_id"])
        yield {
            "number": row["customer_id"],
            "name": row["company_name"],
            "directory": "COMPANY",
            "roles": "BUYER",
            "state": "CURRENT" if owner else "PROSPECTIVE",
            "owner": emails[owner] if owner else "",
            **_place(row),
            "phone": row["phone"],
            "fax": row["fax"],
            "email": contact_email_of(row),
        }


def _place(row: Mapping[str, str]) -> dict[str, str]:
    return {
        "address": row["address"],
        "city": row["city"],
        "region": row["region"],
        "postalCode": row["postal_code"],
        "country": row["country"],
    }


def _contacts(northwind: Northwind) -> Iterator[Mapping[str, str]]:
    for row in northwind.customers:
        yield {
            "customer": row["customer_id"],
            "name": row["contact_name"],
            "title": row["contact_title"],
            "primary": "true",
            "email": contact_email_of(row),
        }


def supplier_number(supplier_id: str) -> str:
    return f"S-{int(supplier_id):02d}"


def _suppliers(northwind: Northwind) -> Iterator[Mapping[str, str]]:
    for row in northwind.suppliers:
        yield {
            "number": supplier_number(row["supplier_id"]),
            "name": row["company_name"],
            "directory": "PARTNER",
            "roles": "SUPPLIER",
            "state": "CURRENT",
            **_place(row),
            "phone": row["phone"],
            "fax": row["fax"],
            "website": row["homepage"].strip("#"),
        }


def _supplier_contacts(northwind: Northwind) -> Iterator[Mapping[str, str]]:
    for row in northwind.suppliers:
        yield {
            "customer": supplier_number(row["supplier_id"]),
            "name": row["contact_name"],
            "title": row["contact_title"],
            "primary": "true",
        }


def _categories(northwind: Northwind) -> Iterator[Mapping[str, str]]:
    for row in northwind.categories:
        yield {"name": row["category_name"], "description": row["description"]}


def _products(northwind: Northwind) -> Iterator[Mapping[str, str]]:
    categories = {row["category_id"]: row["category_name"] for row in northwind.categories}
    for row in northwind.products:
        yield {
            "number": row["product_id"],
            "name": row["product_name"],
            "category": categories[row["category_id"]],
            "supplier": supplier_number(row["supplier_id"]),
            "quantityPerUnit": row["quantity_per_unit"],
            "currency": "USD",
            "listPrice": row["unit_price"],
            "unitsInStock": row["units_in_stock"],
            "unitsOnOrder": row["units_on_order"],
            "reorderLevel": row["reorder_level"],
            "discontinued": row["discontinued"],
        }


def _orders(northwind: Northwind) -> Iterator[Mapping[str, str]]:
    emails = _emails(northwind)
    for row in northwind.orders:
        yield {
            "number": row["order_id"],
            "customer": row["customer_id"],
            "seller": emails[row["employee_id"]],
            "state": "DELIVERED" if row["shipped_date"] else "OPEN",
            "orderedOn": row["order_date"],
            "requiredOn": row["required_date"],
            "currency": "USD",
            "freight": row["freight"],
            "shipName": row["ship_name"],
            "shipAddress": row["ship_address"],
            "shipCity": row["ship_city"],
            "shipRegion": row["ship_region"],
            "shipPostalCode": row["ship_postal_code"],
            "shipCountry": row["ship_country"],
        }


def _lines(northwind: Northwind) -> Iterator[Mapping[str, str]]:
    positions: dict[str, int] = {}
    for row in northwind.lines:
        position = positions[row["order_id"]] = positions.get(row["order_id"], 0) + 1
        yield {
            "order": row["order_id"],
            "position": str(position),
            "product": row["product_id"],
            "quantity": row["quantity"],
            "unitPrice": row["unit_price"],
            "discount": row["discount"],
        }


def _deliveries(northwind: Northwind) -> Iterator[Mapping[str, str]]:
    carriers = {row["shipper_id"]: row["company_name"] for row in northwind.shippers}
    for row in northwind.orders:
        if row["shipped_date"]:
            yield {
                "number": f"D-{row['order_id']}",
                "order": row["order_id"],
                "carrier": carriers[row["ship_via"]],
                "state": "SHIPPED",
                "shippedOn": row["shipped_date"],
            }
