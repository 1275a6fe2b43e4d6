"""Finding what the chapters act on: records by the names that the story knows them by, and today's date."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from kedang_workers.demo.client import Api

TIME_ZONE: Final = "America/Los_Angeles"


def today() -> date:
    """The day that it is at Northwind."""
    return datetime.now(UTC).astimezone(ZoneInfo(TIME_ZONE)).date()


def day_of(instant: str) -> date:
    """The day at Northwind of an instant that the API tells."""
    return datetime.fromisoformat(instant).astimezone(ZoneInfo(TIME_ZONE)).date()


def customer_by_number(api: Api, number: str) -> Mapping[str, Any]:
    """A customer with its owner and its first contact."""
    found: Mapping[str, Any] = api.ask(
        "query ($n: String!) { customers(where: {number: {eq: $n}}) { nodes {"
        " id name owner { id email } contacts(first: 1) { nodes { id name email } } } } }",
        n=number,
    )["customers"]["nodes"][0]
    return found


def product_id(api: Api, number: str) -> str:
    found = api.ask("query ($n: String!) { products(where: {number: {eq: $n}}) { nodes { id } } }", n=number)
    return str(found["products"]["nodes"][0]["id"])


def department_id(api: Api, name: str) -> str:
    found = api.ask("query ($n: String!) { departments(where: {name: {eq: $n}}) { nodes { id } } }", n=name)
    return str(found["departments"]["nodes"][0]["id"])
