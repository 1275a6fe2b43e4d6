"""The watch list as the nights have left it: who is at risk and why, and whose owner is asked to look into it."""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from kedang_workers.demo import story
from kedang_workers.demo.checking.findings import Findings
from kedang_workers.demo.data import Northwind
from kedang_workers.demo.looking import day_of

_SILENT_DAYS: Final = 90
_CHECKS_EACH: Final = 10


def check_watch_list(
    customers: Mapping[str, Any], northwind: Northwind, built_on: date, findings: Findings
) -> None:
    """Who was silent in the last night is on the list for that alone, and nobody else but who ordered on the day of
    the building and no more since: who answered unhappily was basically satisfied on the whole. On the day of the building no night has passed: the list is empty.
    """
    open_ones = {
        number: {entry["side"]: entry for entry in node["watchEntries"]["nodes"]}
        for number, node in customers.items()
    }
    entries = [entry for sides in open_ones.values() for entry in sides.values()]
    if not entries:
        findings.same("checks without a watch list", _checks(customers, open_ones), {})
        return
    night = date.fromisoformat(max(entry["seenOn"] for entry in entries))
    last = _last_days(customers, northwind, built_on)
    for number, sides in open_ones.items():
        findings.same(f"{number}: ends of the watch list", sides.keys() - {"RISK"}, set())
        told = sides["RISK"]["reasons"] if "RISK" in sides else {}
        seen = date.fromisoformat(sides["RISK"]["seenOn"]) if "RISK" in sides else night
        findings.same(f"{number}: silent", _days(told), _silent(last.get(number), seen))
        otherwise = (
            {"SALES_FALL"}
            if number == story.TODAYS.customer and _has_bought_no_more(built_on, seen)
            else set()
        )
        findings.same(f"{number}: at risk otherwise", told.keys() - {"SILENCE"}, otherwise)
    expected = {owner: min(_CHECKS_EACH, count) for owner, count in _at_risk(customers, open_ones).items()}
    findings.same("checks by owner", _checks(customers, open_ones), expected)


def _days(reasons: Mapping[str, Any]) -> int | None:
    return int(reasons["SILENCE"]["value"]) if "SILENCE" in reasons else None


def _silent(last: date | None, seen: date) -> int | None:
    """For how many days a customer was silent on a day, where it is long enough to tell."""
    if last is None or (seen - last).days < _SILENT_DAYS:
        return None
    return (seen - last).days


def _has_bought_no_more(bought: date, seen: date) -> bool:
    """Whether somebody who bought on one day alone did so in the three months before the last three."""
    return _months_before(seen, 6) <= bought < _months_before(seen, 3)


def _months_before(day: date, months: int) -> date:
    """The same day of an earlier month, or the last of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _last_days(customers: Mapping[str, Any], northwind: Northwind, built_on: date) -> dict[str, date]:
    """When each who ever bought bought last, or was talked to after that."""
    last = {story.TODAYS.customer: built_on}
    for row in northwind.orders:
        number, day = row["customer_id"], date.fromisoformat(row["order_date"])
        last[number] = max(day, last.get(number, day))
    return {
        number: max(day, day_of(contact)) if (contact := customers[number]["lastContactAt"]) else day
        for number, day in last.items()
    }


def _at_risk(customers: Mapping[str, Any], open_ones: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """How many customers of each owner are at risk."""
    counted: dict[str, int] = defaultdict(int)
    for number, sides in open_ones.items():
        if "RISK" in sides and customers[number]["owner"] is not None:
            counted[customers[number]["owner"]["email"]] += 1
    return dict(counted)


def _checks(customers: Mapping[str, Any], open_ones: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """How many checks of customers at risk wait for each owner; a check of another stands under the customer's number."""
    counted: dict[str, int] = defaultdict(int)
    for number, node in customers.items():
        for plan in node["checks"]["nodes"]:
            counted[plan["owner"]["email"] if "RISK" in open_ones[number] else number] += 1
    return dict(counted)
