from pathlib import Path

import pytest

import kedang_workers.demo
from kedang_tenants.imports.mapping import Mapping

NORTHWIND = Path(kedang_workers.demo.__path__[0]) / "northwind"
CUSTOMERS = Mapping(
    {
        "customer_id": "number",
        "company_name": "name",
        "address": "address",
        "city": "city",
        "region": "region",
        "postal_code": "postalCode",
        "country": "country",
        "phone": "phone",
        "fax": "fax",
    },
    {"roles": "BUYER", "state": "CURRENT"},
)


@pytest.mark.requirement("A9")
async def test_northwinds_customers_are_imported_and_imported_again_without_a_change(office):
    content = (NORTHWIND / "customers.csv").read_bytes()

    first = await office.imports("customer", content, mapping=CUSTOMERS)
    assert (first.state, first.counts) == ("DONE", (91, 0, 0, 0, 43))
    assert first.rejected == []
    assert {row["Error code"] for row in first.warnings} == {"PHONE_NOT_VALID"}
    assert (first.warnings[0]["Row number"], first.warnings[0]["customer_id"]) == ("3", "ANATR")
    customers = await office.rows("SELECT * FROM customer ORDER BY number")
    assert len(customers) == 91
    assert sum(row["phone_e164"] is not None for row in customers) == 48
    first_one = customers[0]
    assert (first_one["number"], first_one["name"], first_one["phone"], first_one["phone_e164"]) == (
        "ALFKI",
        "Alfreds Futterkiste",
        "030-0074321",
        "+49300074321",
    )
    assert (first_one["country"], first_one["roles"], first_one["state"]) == ("DE", ["BUYER"], "CURRENT")

    before = await office.all_rows()
    again = await office.imports("customer", content, mapping=CUSTOMERS)
    assert (again.state, again.counts) == ("DONE", (0, 0, 91, 0, 43))
    assert await office.all_rows() == before
