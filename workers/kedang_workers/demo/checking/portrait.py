"""Who is calling, and everything that happened with one customer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, TypeAlias

from kedang_workers.demo import story
from kedang_workers.demo.checking.findings import Findings
from kedang_workers.demo.client import Api
from kedang_workers.demo.data import Northwind, Row
from kedang_workers.demo.looking import customer_by_number

SPELLINGS: Final = (
    "(208) 555-8097",
    "+1 208 555 8097",
    "+12085558097",
    "tel:+1-208-555-8097",
    "208.555.8097",
)
"""One telephone number as different people and telephone systems write it: Save-a-lot Markets'."""
ENDING: Final = "8097"
Price: TypeAlias = tuple[list[Decimal], str, str]
"""Unit price, quantity and discount; the day and the order."""

LOOK_UP: Final = """
query ($n: String!) {
  callLookup(number: $n) {
    e164
    matches {
      customer { number name owner { name } } contact { name } openOrders openDeliveries openRequests
      lastPrices(first: 50) { product { number } unitPrice quantity discount currency orderedOn orderNumber }
    }
  }
}"""
TIMELINE: Final = """
query ($c: ID!, $after: String) {
  customerTimeline(customerId: $c, first: 40, after: $after) {
    nodes { kind at day title summary recordId }
    pageInfo { hasNextPage endCursor }
  }
}"""

OF_THE_DAY: Final = (
    "SURVEY_ANSWERED",
    "SURVEY_SENT",
    "REQUEST_CLOSED",
    "REQUEST_CLOSED",
    "NOTE_FROM_CUSTOMER",
    "REQUEST_OPENED",
    "REQUEST_OPENED",
    "ARCHIVE_OPENED",
)
"""What the story did with Save-a-lot Markets, the latest first, as far as its order is certain."""


def check_portrait(api: Api, northwind: Northwind, findings: Findings) -> None:
    """Compare the call look-up with the CSV files, and the timeline with them and the story."""
    _check_calls(api, northwind, findings)
    _check_waiting(api, northwind, findings)
    _check_timeline(api, northwind, findings)


def _check_calls(api: Api, northwind: Northwind, findings: Findings) -> None:
    customer = next(row for row in northwind.customers if row["customer_id"] == story.REPAIR.customer)
    orders = [row for row in northwind.orders if row["customer_id"] == customer["customer_id"]]
    shipped = sum(bool(row["shipped_date"]) for row in orders)
    prices = last_prices(northwind, orders)
    for spelling in SPELLINGS:
        found = api.ask(LOOK_UP, n=spelling)["callLookup"]
        findings.same(f"call from {spelling}: number", found["e164"], "+12085558097")
        numbers = [match["customer"]["number"] for match in found["matches"]]
        if not findings.same(f"call from {spelling}", numbers, [customer["customer_id"]]):
            continue
        match = found["matches"][0]
        findings.same(f"call from {spelling}: name", match["customer"]["name"], customer["company_name"])
        told = (match["openOrders"], match["openDeliveries"], match["openRequests"])
        findings.same(f"call from {spelling}: what is open", told, (len(orders) - shipped, shipped, 0))
        paid = {price["product"]["number"]: _price(price) for price in match["lastPrices"]}
        expected = {product: price for product, price in prices.items() if product in paid}
        findings.same(f"call from {spelling}: last prices", paid, expected)
        findings.same(f"call from {spelling}: products", len(paid), min(len(prices), 50))
    everybody = [*northwind.customers, *northwind.suppliers]
    ending = [row["company_name"] for row in everybody if re.sub(r"\D", "", row["phone"]).endswith(ENDING)]
    found = api.ask(LOOK_UP, n=ENDING)["callLookup"]
    names = sorted(match["customer"]["name"] for match in found["matches"])
    findings.same(f"call from …{ENDING}", names, sorted(ending))


def last_prices(northwind: Northwind, orders: list[Row]) -> dict[str, Price]:
    """What was last paid for each product: unit price, quantity, discount, day and order."""
    lines: dict[str, list[Row]] = {}
    for line in northwind.lines:
        lines.setdefault(line["order_id"], []).append(line)
    prices = {}
    for order in sorted(orders, key=lambda row: (row["order_date"], row["order_id"])):
        for line in lines[order["order_id"]]:
            figures = [Decimal(line[name]) for name in ("unit_price", "quantity", "discount")]
            prices[line["product_id"]] = (figures, order["order_date"], order["order_id"])
    return prices


def _price(told: Mapping[str, Any]) -> Price:
    figures = [Decimal(told[name]) for name in ("unitPrice", "quantity", "discount")]
    return figures, told["orderedOn"], told["orderNumber"]


def _check_waiting(api: Api, northwind: Northwind, findings: Findings) -> None:
    """Whoever waits for us and calls is known as waiting, also by a number as it stands in the file."""
    row = next(row for row in northwind.customers if row["customer_id"] == story.WAITING.customer)
    matches = api.ask(LOOK_UP, n=row["phone"])["callLookup"]["matches"]
    told = [(match["customer"]["number"], match["openRequests"]) for match in matches]
    findings.same(f"call from {row['phone']}", told, [(row["customer_id"], 1)])


def _check_timeline(api: Api, northwind: Northwind, findings: Findings) -> None:
    number = story.REPAIR.customer
    customer = customer_by_number(api, number)["id"]
    entries: list[Mapping[str, Any]] = []
    after: str | None = None
    while True:
        page = api.ask(TIMELINE, c=customer, after=after)["customerTimeline"]
        entries += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    days = [entry["day"] for entry in entries]
    findings.same(f"{number}: timeline, the latest first", days, sorted(days, reverse=True))
    known = {(entry["kind"], entry["recordId"]) for entry in entries}
    findings.same(f"{number}: timeline, each once", len(known), len(entries))
    orders = [row for row in northwind.orders if row["customer_id"] == number]
    expected = {
        "ORDER": len(orders),
        "SHIPMENT": sum(bool(row["shipped_date"]) for row in orders),
        "GRADE": 1,
        "REQUEST_OPENED": 2,
        "REQUEST_SOLVED": 2,
        "REQUEST_CLOSED": 2,
        "NOTE_TO_CUSTOMER": 3,
        "NOTE_FROM_CUSTOMER": 1,
        "REPAIR": 1,
        "SURVEY_SENT": 1,
        "SURVEY_ANSWERED": 1,
        "ARCHIVE_OPENED": 1,
    }
    findings.same(f"{number}: timeline by kind", dict(Counter(one["kind"] for one in entries)), expected)
    told = [entry["kind"] for entry in entries if entry["kind"] in OF_THE_DAY]
    findings.same(f"{number}: what happened, in its order", told, list(OF_THE_DAY))
    shipped = {row["order_id"]: row["shipped_date"] for row in orders if row["shipped_date"]}
    told_shipped = sorted(entry["day"] for entry in entries if entry["kind"] == "SHIPMENT")
    findings.same(f"{number}: days of shipments", told_shipped, sorted(shipped.values()))
