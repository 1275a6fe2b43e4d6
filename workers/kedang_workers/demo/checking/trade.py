"""Orders, their lines and their sums, as everybody and as an integrator asks for them."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from kedang_workers.demo.checking.findings import Findings, every
from kedang_workers.demo.client import Api
from kedang_workers.demo.data import Northwind
from kedang_workers.demo.figures import Figures, contact_email_of, email_of, line_sales
from kedang_workers.demo.story import TODAYS

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

TODAYS_ORDER = """
query ($n: String!) {
  orders(where: {number: {eq: $n}}) {
    nodes {
      state total orderedOn customer { number }
      deliveries { nodes { number state carrier shippedOn deliveredOn } }
    }
  }
}"""


def check_sales(api: Api, northwind: Northwind, figures: Figures, findings: Findings) -> None:
    orders = {order["number"]: order for order in every(api, ORDERS, "orders")}
    orders.pop(TODAYS.number, None)  # no order of the files
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
    lines = [line for line in every(api, LINES, "orderLines") if line["order"]["number"] != TODAYS.number]
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


def check_todays_order(api: Api, findings: Findings) -> None:
    """The order of the story: its total, and its delivery, which arrived on the same day."""
    found = api.ask(TODAYS_ORDER, n=TODAYS.number)["orders"]["nodes"]
    total = int(sum(Decimal(quantity) * Decimal(price) for _, quantity, price in TODAYS.lines) * 100)
    told = [(order["customer"]["number"], order["state"], order["total"]) for order in found]
    if not findings.same("the order of today", told, [(TODAYS.customer, "DELIVERED", total)]):
        return
    day = found[0]["orderedOn"]
    delivery = {
        "number": TODAYS.delivery,
        "state": "RECEIVED",
        "carrier": TODAYS.carrier,
        "shippedOn": day,
        "deliveredOn": day,
    }
    findings.same("its delivery", found[0]["deliveries"]["nodes"], [delivery])


def check_integrator(api: Api, northwind: Northwind, figures: Figures, findings: Findings) -> None:
    """One request for customers of grade A with contacts, last orders and next follow-up; two to a page."""
    nodes = list(every(api, INTEGRATOR, "customers"))
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
