"""The daily digest as a report: what everybody did within the days, and what came in (R1, F5).

Contacts count for whoever made them, the rest for whose it is. What the reader may not read is left
empty rather than nought.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg

from kedang_platform.i18n import msg
from kedang_tenants.followups.models import WAYS
from kedang_tenants.reading import Scope, Viewer
from kedang_tenants.reading.statement import Statement
from kedang_tenants.reports import asking
from kedang_tenants.reports.asking import Asked
from kedang_tenants.reports.document import Chart, Column, Document, Series, Sheet, Value
from kedang_tenants.reports.kind import Kind
from kedang_tenants.reports.laying_out import BLUE, GREEN, column, document, listed, sold, table
from kedang_tenants.reports.models import DAILY_DIGEST
from kedang_tenants.reports.spool import Spool

READS: Final = ("follow_up_record",)
_RULE: Final = msg(
    "Contacts count for whoever made them, follow-ups, new customers, orders and requests for whose they are. Orders"
    " that were cancelled do not count; amounts are in the company's currency."
)
_LEFT_OUT: Final = msg("The list of contacts is left out: you may not export follow-up records.")
_COUNTS: Final = (
    "contacts",
    "visits",
    "reached",
    "done",
    "overdue",
    "customers",
    "orders",
    "sales",
    "requests",
)
_OF: Final = {
    "follow_up_plan": ("done", "overdue"),
    "customer": ("customers",),
    "order": ("orders", "sales"),
    "service_request": ("requests",),
}
"""Which figures rest on which records, beside those of contacts."""
_CHARTED: Final = 12


@dataclass(frozen=True, slots=True)
class _Line:
    """What one person did on one day; of the figures only those that the row has."""

    person: tuple[str, str]
    day: str
    counts: dict[str, int]


async def make(asked: Asked, spool: Spool) -> Document:
    """The report; raises Forbidden."""
    viewer = asking.reader(asked.viewer, *READS)
    readable = [record for record in _OF if viewer.on(record).read is not Scope.NONE]
    viewer = asking.reader(viewer, *READS, *readable)
    unknown = {name for record in _OF if record not in readable for name in _OF[record]}
    lines: list[_Line] = []
    for sql, s in _statements(asked, viewer, readable):
        found = await asked.read.fetch(sql, *s.values)
        lines += [_line(asked, row) for row in found]
    sheets = [
        _sheet(asked, spool, lines, unknown, msg("By person"), by_day=False),
        _sheet(asked, spool, lines, unknown, msg("By day"), by_day=True),
    ]
    has_list = viewer.on("follow_up_record").export is not Scope.NONE
    if has_list:
        sheets.append(await _contacts(asked, viewer, spool))
    return document(
        asked,
        msg("Daily digest"),
        sheets,
        charts=[_chart(asked, lines, unknown)],
        notes=[_RULE] if has_list else [_RULE, _LEFT_OUT],
    )


def _line(asked: Asked, row: asyncpg.Record) -> _Line:
    person = (row["person"] or asked.text(msg("Nobody")), str(row["who"]))
    counts = {name: value for name, value in row.items() if name in _COUNTS}
    return _Line(person, row["day"].isoformat(), counts)


def _statements(asked: Asked, viewer: Viewer, readable: Sequence[str]) -> Iterator[tuple[str, Statement]]:
    """One a record: by person and day."""
    yield _contacts_made(asked, viewer)
    makers = {
        "follow_up_plan": _plans,
        "customer": _new_customers,
        "order": _orders,
        "service_request": _requests,
    }
    for record in readable:
        yield makers[record](asked, viewer)


def _instants(asked: Asked, s: Statement) -> tuple[str, str, str]:
    """The bounds of the days as instants, and the company's zone."""
    first, end = (s.bind(instant) for instant in asked.span.instants(asked.zone))
    return first, end, s.bind(asked.viewer.time_zone)


def _contacts_made(asked: Asked, viewer: Viewer) -> tuple[str, Statement]:
    s = Statement()
    first, end, zone = _instants(asked, s)
    return (
        f"""
SELECT m.name AS person, r.member_id AS who, (r.at AT TIME ZONE {zone})::date AS day, count(*) AS contacts,
       count(*) FILTER (WHERE r.way = 'VISIT') AS visits, count(*) FILTER (WHERE r.reached) AS reached
FROM follow_up_record r JOIN customer c ON c.id = r.customer_id AND c.archived_at IS NULL
LEFT JOIN member m ON m.id = r.member_id
WHERE r.archived_at IS NULL AND r.at >= {first} AND r.at < {end}
  AND {asking.seen(s, viewer, "follow_up_record", "r")} AND {asking.of_people(s, asked, "r.member_id")}
GROUP BY 1, 2, 3
""",
        s,
    )


def _plans(asked: Asked, viewer: Viewer) -> tuple[str, Statement]:
    s = Statement()
    first, end, today = s.bind(asked.span.first), s.bind(asked.span.end), s.bind(asked.today)
    day = "CASE WHEN p.state = 'DONE' THEN p.done_on ELSE p.due_on END"
    return (
        f"""
SELECT m.name AS person, p.owner_id AS who, {day} AS day, count(*) FILTER (WHERE p.state = 'DONE') AS done,
       count(*) FILTER (WHERE p.state = 'PLANNED') AS overdue
FROM follow_up_plan p JOIN customer c ON c.id = p.customer_id AND c.archived_at IS NULL
LEFT JOIN member m ON m.id = p.owner_id
WHERE p.archived_at IS NULL AND {day} >= {first} AND {day} < {end}
  AND (p.state = 'DONE' OR p.state = 'PLANNED' AND p.due_on < {today})
  AND {asking.seen(s, viewer, "follow_up_plan", "p")} AND {asking.of_people(s, asked, "p.owner_id")}
GROUP BY 1, 2, 3
""",
        s,
    )


def _new_customers(asked: Asked, viewer: Viewer) -> tuple[str, Statement]:
    s = Statement()
    first, end, zone = _instants(asked, s)
    return (
        f"""
SELECT m.name AS person, c.owner_id AS who, (c.created_at AT TIME ZONE {zone})::date AS day, count(*) AS customers
FROM customer c LEFT JOIN member m ON m.id = c.owner_id
WHERE {asking.of_customers(s, asked, viewer)} AND c.created_at >= {first} AND c.created_at < {end}
GROUP BY 1, 2, 3
""",
        s,
    )


def _orders(asked: Asked, viewer: Viewer) -> tuple[str, Statement]:
    s = Statement()
    first, end, currency = s.bind(asked.span.first), s.bind(asked.span.end), s.bind(viewer.currency)
    return (
        f"""
SELECT m.name AS person, c.owner_id AS who, o.ordered_on AS day, count(*) AS orders,
       coalesce(sum(o.total) FILTER (WHERE o.currency = {currency}), 0)::bigint AS sales
FROM sales_order o JOIN customer c ON c.id = o.customer_id AND c.archived_at IS NULL
LEFT JOIN member m ON m.id = c.owner_id
WHERE o.ordered_on >= {first} AND o.ordered_on < {end} AND {sold(s, viewer)}
  AND {asking.of_people(s, asked, "c.owner_id")}
GROUP BY 1, 2, 3
""",
        s,
    )


def _requests(asked: Asked, viewer: Viewer) -> tuple[str, Statement]:
    s = Statement()
    first, end, zone = _instants(asked, s)
    return (
        f"""
SELECT m.name AS person, r.owner_id AS who, (r.opened_at AT TIME ZONE {zone})::date AS day, count(*) AS requests
FROM service_request r JOIN customer c ON c.id = r.customer_id AND c.archived_at IS NULL
LEFT JOIN member m ON m.id = r.owner_id
WHERE r.archived_at IS NULL AND r.opened_at >= {first} AND r.opened_at < {end}
  AND {asking.seen(s, viewer, "service_request", "r")} AND {asking.of_people(s, asked, "r.owner_id")}
GROUP BY 1, 2, 3
""",
        s,
    )


def _sheet(
    asked: Asked, spool: Spool, lines: list[_Line], unknown: set[str], title: str, *, by_day: bool
) -> Sheet:
    sums: defaultdict[tuple[str, str], defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    total: defaultdict[str, int] = defaultdict(int)
    for line in lines:
        for name, count in line.counts.items():
            sums[(line.day, "") if by_day else line.person][name] += count
            total[name] += count

    def cells(counts: defaultdict[str, int]) -> list[Value]:
        return [None if name in unknown else counts[name] for name in _COUNTS]

    key = column(asked, msg("Day"), "DAY") if by_day else column(asked, msg("Person"), width=24)
    rows = [[name, *cells(counts)] for (name, _), counts in sorted(sums.items())]
    # A total stands in a column of days, which takes no text.
    first = None if by_day else asked.text(msg("Total"))
    columns = [key, *_figures(asked)]
    return table(asked, spool, title, columns, rows, totals=[first, *cells(total)], main=not by_day)


def _figures(asked: Asked) -> list[Column]:
    return [
        column(asked, msg("Contacts made"), "COUNT", 9),
        column(asked, msg("of them visits"), "COUNT", 9),
        column(asked, msg("Somebody reached"), "COUNT", 9),
        column(asked, msg("Follow-ups done"), "COUNT", 9),
        column(asked, msg("Open and overdue"), "COUNT", 9),
        column(asked, msg("New customers"), "COUNT", 9),
        column(asked, msg("Orders"), "COUNT", 9),
        column(asked, msg("Sales ({currency})"), "MONEY"),
        column(asked, msg("Requests opened"), "COUNT", 9),
    ]


async def _contacts(asked: Asked, viewer: Viewer, spool: Spool) -> Sheet:
    """Every contact that the viewer may take away."""
    s = Statement()
    first, end = (s.bind(instant) for instant in asked.span.instants(asked.zone))
    take = asking.within(s, viewer, "follow_up_record", "r", viewer.on("follow_up_record").export)
    name = f"CASE WHEN {asking.seen(s, viewer, 'customer', 'c')} THEN c.name END"
    sql = f"""
SELECT r.at, {name} AS customer, m.name AS person, r.way, r.result, r.next_step
FROM follow_up_record r JOIN customer c ON c.id = r.customer_id AND c.archived_at IS NULL
LEFT JOIN member m ON m.id = r.member_id
WHERE r.archived_at IS NULL AND r.at >= {first} AND r.at < {end} AND {take}
  AND {asking.seen(s, viewer, "follow_up_record", "r")} AND {asking.of_people(s, asked, "r.member_id")}
ORDER BY r.at, r.id
"""
    ways = {option.code: asked.text(option.label) for option in WAYS}
    with spool.sheet() as rows:
        async for piece in asking.in_pieces(asked.read, "daily_digest", s, sql):
            for row in piece:
                at = row["at"].astimezone(asked.zone)
                cells = [row["customer"], row["person"], ways[row["way"]], row["result"], row["next_step"]]
                rows.add([at.date().isoformat(), at.strftime("%H:%M"), *cells])
            await spool.told(len(piece))
    columns = [
        column(asked, msg("Day"), "DAY"),
        column(asked, msg("Time of the contact"), width=8),
        column(asked, msg("Customer"), width=28),
        column(asked, msg("Person"), width=16),
        column(asked, msg("Way"), width=10),
        column(asked, msg("Result"), width=32),
        column(asked, msg("Next step"), width=32),
    ]
    return listed(asked, rows, msg("List of contacts"), columns, main=False)


def _chart(asked: Asked, lines: list[_Line], unknown: set[str]) -> Chart:
    """The busiest people, and the rest of them together; what is not known is not drawn."""
    people: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for line in lines:
        people[line.person].update({name: line.counts.get(name, 0) for name in ("contacts", "done")})
    ranked = sorted(people, key=lambda one: (-people[one].total(), one))
    shown = [(name, people[name, who]) for name, who in ranked[:_CHARTED]]
    if rest := ranked[_CHARTED:]:
        shown.append((asked.text(msg("All others")), sum((people[one] for one in rest), Counter())))
    series = tuple(
        Series(asked.text(label), colour, tuple(float(counts[name]) for _, counts in shown))
        for name, label, colour in (
            ("contacts", msg("Contacts made"), BLUE),
            ("done", msg("Follow-ups done"), GREEN),
        )
        if name not in unknown
    )
    title, axis = asked.text(msg("Contacts and follow-ups by person")), asked.text(msg("Contacts made"))
    return Chart(title, axis, tuple(name for name, _ in shown), series)


KIND: Final = Kind(DAILY_DIGEST, READS, make, usual_period="YESTERDAY")
