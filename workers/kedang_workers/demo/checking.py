"""Does a running installation tell of Northwind what the CSV files say? Read through its public interfaces alone.

Nothing is changed, so it can be asked as often as one likes. The working days here are counted with
the ``holidays`` library directly, not with the product's calendar.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import holidays

from kedang_workers.demo.building import (
    CALLED,
    CYCLES,
    PURPOSE,
    TIME_ZONE,
    best_customers,
    digests_to,
)
from kedang_workers.demo.client import Api
from kedang_workers.demo.data import Northwind, load_northwind
from kedang_workers.demo.figures import Figures, contact_email_of, email_of, line_sales, work_out
from kedang_workers.demo.keeping import Kept

VALID_PHONES = 48

INTEGRATOR = """
query ($after: String) {
  customers(
    first: 2, after: $after, orderBy: [{field: NAME}],
    where: {grade: {code: {eq: "A"}}, roles: {has: BUYER}}
  ) {
    totalCount
    pageInfo { hasNextPage endCursor }
    nodes {
      number name grade { code colour cycleDays }
      contacts { nodes { name email } }
      orders(first: 3, orderBy: [{field: ORDERED_ON, direction: DESC}, {field: NUMBER, direction: DESC}]) {
        nodes { number orderedOn total currency lines { nodes { amount product { name } } } }
      }
      followUpPlans(first: 1, where: {state: {eq: PLANNED}}, orderBy: [{field: DUE_ON}]) { nodes { dueOn } }
    }
  }
}"""
CUSTOMERS = """
query ($after: String) {
  customers(first: 100, after: $after, orderBy: [{field: NUMBER}], where: {roles: {has: BUYER}}) {
    pageInfo { hasNextPage endCursor }
    nodes {
      number name phone phoneE164 assignedOn lastContactAt nextFollowUpOn
      owner { email } grade { code colour cycleDays }
      gradeHistory(first: 2, where: {current: {eq: true}}) { nodes { figures explanation } }
      followUpPlans(first: 2, where: {state: {eq: PLANNED}, origin: {eq: CYCLE}}) { nodes { dueOn owner { email } } }
    }
  }
}"""
ORDERS = """
query ($after: String) {
  orders(first: 200, after: $after, orderBy: [{field: NUMBER}]) {
    pageInfo { hasNextPage endCursor }
    nodes { number orderedOn total currency customer { number } seller { email } }
  }
}"""
LINES = """
query ($after: String) {
  orderLines(first: 250, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes { amount order { number } }
  }
}"""
COUNTS = """
{
  subscription { free paid pending taken capacity }
  members(first: 50) { nodes { email state seat superior { email } department { name branch parent { name } } } }
  partners: customers(where: {directory: {eq: PARTNER}}) { totalCount }
  gradedPartners: customers(where: {directory: {eq: PARTNER}, gradeLevelId: {isNull: false}}) { totalCount }
  contacts { totalCount }
  products { totalCount }
  productCategories { totalCount }
  deliveries { totalCount }
  imports(first: 50) { nodes { record rejected warnings state } }
}"""


@dataclass(slots=True)
class Findings:
    """What was compared, and what was different."""

    compared: int = 0
    different: list[str] = field(default_factory=list)

    def same(self, what: str, found: object, expected: object) -> bool:
        self.compared += 1
        if found != expected:
            self.different.append(f"{what}: found {found!r}, expected {expected!r}")
        return found == expected


def check(base_url: str, kept: Kept) -> Findings:
    """Compare everything; the integrator's key is enough for it. Customers that come or went end it early."""
    northwind = load_northwind()
    figures = work_out(northwind)
    findings = Findings()
    api = Api(base_url, kept.reading_key)
    try:
        _check_counts(api, northwind, findings)
        customers = {node["number"]: node for node in _all(api, CUSTOMERS, "customers")}
        expected = {row["customer_id"] for row in northwind.customers}
        missing, further = sorted(expected - set(customers)), sorted(set(customers) - expected, key=str)
        if not findings.same("customers missing and further", (missing, further[:20]), ([], [])):
            return findings  # the company has been worked with: the rest compares customers one by one
        _check_sales(api, northwind, figures, findings)
        _check_customers(customers, northwind, figures, findings)
        _check_follow_ups(customers, northwind, date.fromisoformat(str(kept.built_on)), findings)
        _check_integrator(api, northwind, figures, findings)
        _check_mails(api, northwind, findings)
    finally:
        api.close()
    return findings


def _all(api: Api, query: str, name: str) -> Iterator[Mapping[str, Any]]:
    """Every record of a list, page by page."""
    after: str | None = None
    while True:
        page = api.ask(query, after=after)[name]
        yield from page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]


def _check_counts(api: Api, northwind: Northwind, findings: Findings) -> None:
    found = api.ask(COUNTS)
    everybody = {email_of(row) for row in northwind.employees}
    findings.same("members", {m["email"] for m in found["members"]["nodes"]}, everybody)
    findings.same("states of members", {m["state"] for m in found["members"]["nodes"]}, {"ACTIVE"})
    _check_people(found, northwind, findings)
    findings.same("business partners", found["partners"]["totalCount"], 29)
    findings.same("graded business partners", found["gradedPartners"]["totalCount"], 0)
    findings.same("contacts", found["contacts"]["totalCount"], 91 + 29)
    findings.same("products", found["products"]["totalCount"], 77)
    findings.same("categories", found["productCategories"]["totalCount"], 8)
    findings.same("deliveries", found["deliveries"]["totalCount"], 809)
    imports = found["imports"]["nodes"]
    findings.same("states of imports", {one["state"] for one in imports}, {"DONE"})
    findings.same("rejected rows", sum(one["rejected"] for one in imports), 0)


def _check_people(found: Mapping[str, Any], northwind: Northwind, findings: Findings) -> None:
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


def _check_sales(api: Api, northwind: Northwind, figures: Figures, findings: Findings) -> None:
    orders = {order["number"]: order for order in _all(api, ORDERS, "orders")}
    findings.same("orders", len(orders), 830)
    findings.same("currencies", {order["currency"] for order in orders.values()}, {"USD"})
    by_year: Counter[int] = Counter()
    for order in orders.values():
        by_year[int(order["orderedOn"][:4])] += order["total"]
    expected = {year: int(sales * 100) for year, sales in figures.by_year.items()}
    findings.same("sales by year in cents", dict(by_year), expected)
    findings.same("sales in all in cents", sum(by_year.values()), int(figures.sales * 100))
    totals: Counter[str] = Counter()
    for line in northwind.lines:
        totals[line["order_id"]] += int(line_sales(line) * 100)
    findings.same("totals of orders", {n: order["total"] for n, order in orders.items()}, dict(totals))
    lines = list(_all(api, LINES, "orderLines"))
    findings.same("order lines", len(lines), 2155)
    findings.same("sum of the lines", sum(line["amount"] for line in lines), int(figures.sales * 100))
    sellers = {row["employee_id"]: email_of(row) for row in northwind.employees}
    expected_orders = {
        row["order_id"]: (row["customer_id"], sellers[row["employee_id"]], row["order_date"])
        for row in northwind.orders
    }
    told = {
        number: (order["customer"]["number"], order["seller"]["email"], order["orderedOn"])
        for number, order in orders.items()
    }
    findings.same("customers, sellers and days of orders", told, expected_orders)


def _check_customers(
    customers: Mapping[str, Any], northwind: Northwind, figures: Figures, findings: Findings
) -> None:
    emails = {row["employee_id"]: email_of(row) for row in northwind.employees}
    grades = Counter(node["grade"]["code"] for node in customers.values())
    findings.same("grades", dict(grades), {"A": 5, "B": 12, "C": 35, "D": 34, "E": 5})
    findings.same("valid phones", sum(1 for c in customers.values() if c["phoneE164"]), VALID_PHONES)
    for row in northwind.customers:
        number = row["customer_id"]
        node = customers[number]
        owner = figures.owners.get(number)
        findings.same(f"{number}: name", node["name"], row["company_name"])
        findings.same(f"{number}: phone", node["phone"], row["phone"])
        findings.same(f"{number}: owner", node["owner"] and node["owner"]["email"], emails.get(owner or ""))
        findings.same(f"{number}: grade", node["grade"]["code"], figures.grades[number])
        findings.same(f"{number}: cycle", node["grade"]["cycleDays"], CYCLES[figures.grades[number]])
        _check_explanation(number, node, figures, findings)


def _check_explanation(number: str, node: Mapping[str, Any], figures: Figures, findings: Findings) -> None:
    """A grade tells its figures and its rule, in both languages."""
    current = node["gradeHistory"]["nodes"]
    findings.same(f"{number}: one current grade", len(current), 1)
    sales = figures.by_customer[number]
    findings.same(f"{number}: sales that graded it", current[0]["figures"]["value"], int(sales * 100))
    shown = f"{Decimal(sales):,.2f}"
    for language in ("en", "zh"):
        text = current[0]["explanation"][language]
        findings.same(f"{number}: explanation in {language}", shown in text, True)


def _check_follow_ups(
    customers: Mapping[str, Any], northwind: Northwind, built_on: date, findings: Findings
) -> None:
    """The next date is the last contact, or the day of assignment, plus the cycle, on a working day."""
    planned_by_hand = set(best_customers(northwind).values())
    for number, node in customers.items():
        if node["owner"] is None:
            told = (node["assignedOn"], node["nextFollowUpOn"], node["followUpPlans"]["nodes"])
            findings.same(f"{number}: nobody's, so nothing planned", told, (None, None, []))
            continue
        findings.same(f"{number}: assigned on", node["assignedOn"], built_on.isoformat())
        contact = node["lastContactAt"]
        findings.same(f"{number}: was called", contact is not None, number in CALLED)
        since = _day(contact) if contact else built_on
        due = next_working_day(since + timedelta(days=node["grade"]["cycleDays"])).isoformat()
        plans = node["followUpPlans"]["nodes"]
        findings.same(f"{number}: planned by the cycle", [plan["dueOn"] for plan in plans], [due])
        owners = [plan["owner"] for plan in plans]
        findings.same(f"{number}: whose plan", owners, [node["owner"]])
        expected = built_on.isoformat() if number in planned_by_hand else due
        findings.same(f"{number}: next follow-up", node["nextFollowUpOn"], expected)


def _day(instant: str) -> date:
    return datetime.fromisoformat(instant).astimezone(ZoneInfo(TIME_ZONE)).date()


def next_working_day(day: date) -> date:
    """The day itself, or the next one that is neither Saturday, Sunday nor a public holiday in the USA."""
    off = holidays.country_holidays("US", years=range(day.year, day.year + 2))
    while day.weekday() >= 5 or day in off:
        day += timedelta(days=1)
    return day


def _check_integrator(api: Api, northwind: Northwind, figures: Figures, findings: Findings) -> None:
    """One request for customers of grade A with contacts, last orders and next follow-up; two to a page."""
    nodes = list(_all(api, INTEGRATOR, "customers"))
    expected = [row for row in northwind.customers if figures.grades[row["customer_id"]] == "A"]
    findings.same("grade A", {n["number"] for n in nodes}, {row["customer_id"] for row in expected})
    names = [node["name"].casefold() for node in nodes]
    findings.same("grade A in order of names", names, sorted(names))
    latest = {row["customer_id"]: _last_orders(northwind, row["customer_id"]) for row in expected}
    for node in nodes:
        row = next(r for r in expected if r["customer_id"] == node["number"])
        contacts = [(contact["name"], contact["email"]) for contact in node["contacts"]["nodes"]]
        findings.same(f"{node['number']}: contacts", contacts, [(row["contact_name"], contact_email_of(row))])
        orders = [
            (order["number"], order["total"], sum(line["amount"] for line in order["lines"]["nodes"]))
            for order in node["orders"]["nodes"]
        ]
        findings.same(f"{node['number']}: last orders", orders, latest[node["number"]])
        findings.same(f"{node['number']}: next follow-up", len(node["followUpPlans"]["nodes"]), 1)


def _last_orders(northwind: Northwind, customer: str) -> list[tuple[str, int, int]]:
    own = [row for row in northwind.orders if row["customer_id"] == customer]
    own.sort(key=lambda row: (row["order_date"], row["order_id"]), reverse=True)
    found = []
    for order in own[:3]:
        lines = [line for line in northwind.lines if line["order_id"] == order["order_id"]]
        total = int(sum(line_sales(line) for line in lines) * 100)
        found.append((order["order_id"], total, total))
    return found


def _check_mails(api: Api, northwind: Northwind, findings: Findings) -> None:
    """Everybody got one digest on the day of the building, with the talk that was planned."""
    best = best_customers(northwind)
    names = {row["customer_id"]: row["company_name"] for row in northwind.customers}
    for employee in northwind.employees:
        email = email_of(employee)
        digests = [
            mail for mail in digests_to(api, email) if names[best[employee["employee_id"]]] in mail["text"]
        ]
        findings.same(f"{email}: digests with {PURPOSE!r}", len(digests) >= 1, True)
