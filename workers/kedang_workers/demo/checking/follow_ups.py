"""When each customer is to be talked to next, and who was reminded of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from kedang_workers.demo.building import CALLED, PURPOSE, best_customers, digests_to
from kedang_workers.demo.checking.clocks import next_working_day
from kedang_workers.demo.checking.findings import Findings
from kedang_workers.demo.client import Api
from kedang_workers.demo.data import Northwind
from kedang_workers.demo.figures import email_of
from kedang_workers.demo.looking import day_of


def check_follow_ups(
    customers: Mapping[str, Any], northwind: Northwind, built_on: date, findings: Findings
) -> None:
    """The next date is the last contact, or the day of assignment, plus the cycle, on a working day; or earlier, where
    something else is planned: by hand, or a check of a customer at risk.
    """
    planned_by_hand = set(best_customers(northwind).values())
    for number, node in customers.items():
        if node["owner"] is None:
            told = (node["assignedOn"], node["nextFollowUpOn"], node["followUpPlans"]["nodes"])
            findings.same(f"{number}: nobody's, so nothing planned", told, (None, None, []))
            continue
        findings.same(f"{number}: assigned on", node["assignedOn"], built_on.isoformat())
        contact = node["lastContactAt"]
        findings.same(f"{number}: was called", contact is not None, number in CALLED)
        since = day_of(contact) if contact else built_on
        due = next_working_day(since + timedelta(days=node["grade"]["cycleDays"])).isoformat()
        plans = node["followUpPlans"]["nodes"]
        findings.same(f"{number}: planned by the cycle", [plan["dueOn"] for plan in plans], [due])
        owners = [plan["owner"] for plan in plans]
        findings.same(f"{number}: whose plan", owners, [node["owner"]])
        by_hand = [built_on.isoformat()] if number in planned_by_hand else []
        expected = min([due, *by_hand, *(plan["dueOn"] for plan in node["checks"]["nodes"])])
        findings.same(f"{number}: next follow-up", node["nextFollowUpOn"], expected)


def check_mails(api: Api, northwind: Northwind, findings: Findings) -> None:
    """Everybody got one digest on the day of the building, with the talk that was planned."""
    best = best_customers(northwind)
    names = {row["customer_id"]: row["company_name"] for row in northwind.customers}
    for employee in northwind.employees:
        email = email_of(employee)
        digests = [
            mail for mail in digests_to(api, email) if names[best[employee["employee_id"]]] in mail["text"]
        ]
        findings.same(f"{email}: digests with {PURPOSE!r}", len(digests) >= 1, True)
