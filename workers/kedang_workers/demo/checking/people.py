"""The company's people: seats, departments, and the line upward."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from kedang_workers.demo.checking.findings import Findings
from kedang_workers.demo.data import Northwind
from kedang_workers.demo.figures import email_of


def check_people(found: Mapping[str, Any], northwind: Northwind, findings: Findings) -> None:
    """Two seats are free, seven were paid, nine are in use; the line upward is that of the CSV file."""
    seats = {"free": 2, "paid": 7, "pending": 0, "taken": 9, "capacity": 9}
    findings.same("seats", found["subscription"], seats)
    members = {member["email"]: member for member in found["members"]["nodes"]}
    findings.same("full members", Counter(member["seat"] for member in members.values()), {"FULL": 9})
    numbers = {row["employee_id"]: email_of(row) for row in northwind.employees}
    london = {"name": "London", "branch": True, "parent": {"name": "Sales"}}
    sales = {"name": "Sales", "branch": False, "parent": None}
    for row in northwind.employees:
        email, above = email_of(row), numbers.get(row["reports_to"])
        member = members[email]
        findings.same(f"{email}: superior", member["superior"], {"email": above} if above else None)
        place = london if row["country"] == "UK" else sales
        findings.same(f"{email}: department", member["department"], place)
