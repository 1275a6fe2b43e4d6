"""Grades counted by themselves in plain Python, order line by order line: nothing of the engine's SQL is in it."""

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import floor

from tests.grading.crowd import RATINGS, Person

POWERS = ("VERY_HIGH", "HIGH", "MEDIUM", "LOW")
LESS_IS_BETTER = {"RECENCY", "ARREARS", "DAYS_OVERDUE"}
MONEY = {"SALES", "MONTHLY_SALES", "AVERAGE_ORDER", "PROFIT", "ARREARS"}
RANKED = {"CREDIT_RATING": RATINGS, "PURCHASING_POWER": POWERS}


@dataclass(frozen=True)
class Verdict:
    level: str | None
    score: Fraction | None


def back(day: date, months: int) -> date:
    year, month = day.year, day.month - months
    while month < 1:
        year, month = year - 1, month + 12
    if day.day > calendar.monthrange(year, month)[1]:
        return date(year, month, 28) + timedelta(days=calendar.monthrange(year, month)[1] - 27)
    return date(year, month, day.day)


def days_of(period: dict, as_of: date) -> tuple[date, date]:
    """First and last day."""
    match period["kind"]:
        case "LAST_MONTHS":
            return back(as_of + timedelta(days=1), period["months"]), as_of
        case "LAST_MONTH":
            last = as_of.replace(day=1) - timedelta(days=1)
            return last.replace(day=1), last
        case "LAST_YEAR":
            return date(as_of.year - 1, 1, 1), date(as_of.year - 1, 12, 31)
        case "THIS_YEAR":
            return date(as_of.year, 1, 1), as_of
        case "YEAR":
            return date(period["year"], 1, 1), date(period["year"], 12, 31)
    return date.min, as_of


def months_of(period: dict, as_of: date) -> int:
    return {"LAST_MONTHS": period.get("months"), "LAST_MONTH": 1, "THIS_YEAR": as_of.month}.get(
        period["kind"], 12
    )


def half_up(value: Fraction, places: int) -> Fraction:
    sign = -1 if value < 0 else 1
    return sign * Fraction(floor(abs(value) * 10**places + Fraction(1, 2)), 10**places)


def bought(person: Person, first: date, last: date):
    return [
        order
        for order in person.orders
        if order.currency == "USD"
        and order.state != "CANCELLED"
        and not order.archived
        and first <= order.day <= last
    ]


def figure(person: Person, measured: dict, as_of: date):
    """What is measured, None where it is unknown; money in cents."""
    code = measured["measure"]
    if code in ("ARREARS", "DAYS_OVERDUE"):
        return arrears(person, as_of)[code == "DAYS_OVERDUE"]
    if code == "RECENCY":
        days = [order.day for order in bought(person, date.min, as_of)]
        return (as_of - max(days)).days if days else None
    if code == "CREDIT_RATING":
        return person.credit_rating
    if code == "PURCHASING_POWER":
        return person.purchasing_power
    if code == "field:employees":
        return person.employees
    if code.startswith("custom:"):
        return person.own_number
    period = measured.get("period", {"kind": "LAST_MONTHS", "months": 12})
    first, last = days_of(period, as_of)
    orders = bought(person, first, last)
    lines = [line for order in orders for line in order.lines]
    sales = sum(line.amount for line in lines)
    profit = None if any(line.profit is None for line in lines) else sum(line.profit for line in lines)
    match code:
        case "SALES":
            return sales
        case "MONTHLY_SALES":
            return half_up(Fraction(sales, months_of(period, as_of)), 0)
        case "ORDERS":
            return len(orders)
        case "AVERAGE_ORDER":
            return half_up(Fraction(sales, len(orders)), 0) if orders else None
        case "PROFIT":
            return profit
        case "PROFIT_RATE":
            return half_up(Fraction(profit * 100, sales), 1) if profit is not None and sales else None
        case "GROWTH":
            return growth(person, period, as_of, sales)
    raise AssertionError(code)


def growth(person: Person, period: dict, as_of: date, sales: int):
    first, last = days_of(period, as_of)
    if period["kind"] == "THIS_YEAR":
        earlier = back(first, 12), back(last + timedelta(days=1), 12) - timedelta(days=1)
    else:
        earlier = back(first, months_of(period, as_of)), first - timedelta(days=1)
    before = sum(line.amount for order in bought(person, *earlier) for line in order.lines)
    return half_up(Fraction((sales - before) * 100, before), 1) if before > 0 else None


def arrears(person: Person, as_of: date):
    if not any(i.issued_on <= as_of for i in person.invoices):
        return None, None
    owed, days = 0, 0
    for invoice in person.invoices:
        left = invoice.amount - sum(amount for day, amount in invoice.payments if day <= as_of)
        off = invoice.cancelled_on is not None and invoice.cancelled_on <= as_of
        if invoice.issued_on <= as_of and invoice.due_on < as_of and left > 0 and not off:
            owed += left
            days = max(days, (as_of - invoice.due_on).days)
    return owed, days


def buys(person: Person) -> bool:
    return bool({"BUYER", "DEALER"} & set(person.roles)) or (
        not person.roles and person.directory != "PARTNER"
    )


def height(code: str, value):
    """The more the better."""
    if code in RANKED:
        return -RANKED[code].index(value)
    return -value if code in LESS_IS_BETTER else value


def bound_of(code: str, step: dict):
    told = step.get("maximum", step.get("minimum"))
    if told is None:
        return None
    if code in RANKED:
        return height(code, told)
    return height(code, Fraction(Decimal(str(told))) * (100 if code in MONEY else 1))


def reckon(rule: dict, people: list[Person], as_of: date) -> dict:
    """The verdict on every customer by the rule's document."""
    graded = [person for person in people if buys(person)]
    verdicts = {person.id: Verdict(None, None) for person in people}
    judge = {"THRESHOLDS": by_thresholds, "PERCENTILES": by_rank, "SCORE": by_score}[rule["kind"]]
    return verdicts | judge(rule, graded, as_of)


def first_reached(rule: dict, value, code: str) -> str:
    for step in rule["levels"]:
        bound = bound_of(code, step)
        reached = bound is None or height(code, value) > bound
        if reached or (not step.get("exclusive", False) and height(code, value) == bound):
            return step["level"]
    raise AssertionError("the last level is open")


def by_thresholds(rule: dict, graded: list[Person], as_of: date) -> dict:
    found = {}
    for person in graded:
        value = figure(person, rule, as_of)
        level = rule.get("unknown") if value is None else first_reached(rule, value, rule["measure"])
        found[person.id] = Verdict(level, None)
    return found


def alike(person: Person, graded: list[Person], within: str) -> list[Person]:
    return [other for other in graded if within == "COMPANY" or other.region == person.region]


def by_rank(rule: dict, graded: list[Person], as_of: date) -> dict:
    values = {person.id: figure(person, rule, as_of) for person in graded}
    found = {}
    for person in graded:
        mine, level = values[person.id], rule.get("unknown")
        if mine is not None:
            others = [values[o.id] for o in alike(person, graded, rule["within"]) if values[o.id] is not None]
            good = sum(height(rule["measure"], other) >= height(rule["measure"], mine) for other in others)
            most = 0
            for step in rule["levels"]:
                most += Fraction(str(step["share"]))
                level = step["level"]
                if good * 100 <= most * len(others):
                    break
        found[person.id] = Verdict(level, None)
    return found


def by_score(rule: dict, graded: list[Person], as_of: date) -> dict:
    points = [points_of(criterion, graded, as_of) for criterion in rule["criteria"]]
    found = {}
    for person in graded:
        weighed = [
            (given[person.id], criterion["weight"])
            for given, criterion in zip(points, rule["criteria"], strict=True)
            if given[person.id] is not None
        ]
        known = sum(weight for _, weight in weighed)
        score = half_up(sum(p * w for p, w in weighed) / Fraction(known), 2) if known else None
        if score is None or known < rule.get("minimumKnown", 50):
            found[person.id] = Verdict(rule.get("unknown"), score)
        else:
            found[person.id] = Verdict(first_reached(rule, score, "the score"), score)
    return found


def points_of(criterion: dict, graded: list[Person], as_of: date) -> dict:
    code = criterion["measure"]
    values = {person.id: figure(person, criterion, as_of) for person in graded}
    return {person.id: points_for(criterion, code, person, values, graded) for person in graded}


def points_for(criterion: dict, code: str, person: Person, values: dict, graded: list[Person]):
    mine = values[person.id]
    if mine is None:
        return None
    if "options" in criterion:
        return Fraction(criterion["options"][mine])
    if "bands" in criterion:
        scale = 100 if code in MONEY else 1
        for band in criterion["bands"]:
            if "minimum" not in band or mine >= Fraction(str(band["minimum"])) * scale:
                return Fraction(band["points"])
    others = [
        values[other.id]
        for other in alike(person, graded, criterion["percentile"])
        if other.id != person.id and values[other.id] is not None
    ]
    if not others:
        return None
    return half_up(Fraction(100 * sum(height(code, o) < height(code, mine) for o in others), len(others)), 2)
