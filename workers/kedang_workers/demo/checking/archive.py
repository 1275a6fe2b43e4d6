"""The archive as it was imported: how many of each record, and every customer with its grade."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from kedang_workers.demo.building import CYCLES
from kedang_workers.demo.checking.findings import Findings
from kedang_workers.demo.checking.people import check_people
from kedang_workers.demo.client import Api
from kedang_workers.demo.data import Northwind
from kedang_workers.demo.figures import Figures, email_of
from kedang_workers.demo.story import TODAYS

VALID_PHONES = 48

CUSTOMERS = """
query ($after: String) {
  customers(first: 100, after: $after, orderBy: [{field: NUMBER}], where: {roles: {has: BUYER}}) {
    pageInfo { hasNextPage endCursor }
    nodes {
      number name phone phoneE164 assignedOn lastContactAt nextFollowUpOn
      owner { email } grade { code colour cycleDays }
      gradeHistory(first: 2, where: {current: {eq: true}}) { nodes { figures explanation } }
      followUpPlans(first: 2, where: {state: {eq: PLANNED}, origin: {eq: CYCLE}}) { nodes { dueOn owner { email } } }
      checks: followUpPlans(first: 2, where: {state: {eq: PLANNED}, origin: {eq: CHECK}}) {
        nodes { dueOn owner { email } }
      }
      watchEntries(first: 3, where: {endedOn: {isNull: true}}) { nodes { side reasons seenOn } }
    }
  }
}"""
COUNTS = """
query ($own: String!) {
  subscription { free paid pending taken capacity }
  members(first: 50) { nodes { email state seat superior { email } department { name branch parent { name } } } }
  partners: customers(where: {directory: {eq: PARTNER}}) { totalCount }
  gradedPartners: customers(where: {directory: {eq: PARTNER}, gradeLevelId: {isNull: false}}) { totalCount }
  contacts { totalCount }
  products { totalCount }
  productCategories { totalCount }
  deliveries(where: {number: {ne: $own}}) { totalCount }
  imports(first: 50) { nodes { record rejected warnings state } }
}"""


def check_counts(api: Api, northwind: Northwind, findings: Findings) -> None:
    found = api.ask(COUNTS, own=TODAYS.delivery)
    everybody = {email_of(row) for row in northwind.employees}
    findings.same("members", {m["email"] for m in found["members"]["nodes"]}, everybody)
    findings.same("states of members", {m["state"] for m in found["members"]["nodes"]}, {"ACTIVE"})
    check_people(found, northwind, findings)
    findings.same("business partners", found["partners"]["totalCount"], 29)
    findings.same("graded business partners", found["gradedPartners"]["totalCount"], 0)
    findings.same("contacts", found["contacts"]["totalCount"], 91 + 29)
    findings.same("products", found["products"]["totalCount"], 77)
    findings.same("categories", found["productCategories"]["totalCount"], 8)
    findings.same("deliveries", found["deliveries"]["totalCount"], 809)
    imports = found["imports"]["nodes"]
    findings.same("states of imports", {one["state"] for one in imports}, {"DONE"})
    findings.same("rejected rows", sum(one["rejected"] for one in imports), 0)


def check_customers(
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
