"""Contracts that end soon, or of which notice must be given soon, as they stand now (R1, P4)."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Final

import asyncpg

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import IntegerKind
from kedang_tenants.reading import Scope, Viewer
from kedang_tenants.reading.statement import Statement
from kedang_tenants.reports import asking
from kedang_tenants.reports.asking import Asked
from kedang_tenants.reports.document import Chart, Column, Document, Series, Sheet, Value
from kedang_tenants.reports.kind import PEOPLE, Kind
from kedang_tenants.reports.laying_out import BLUE, column, document, listed, table
from kedang_tenants.reports.models import CONTRACTS_ENDING
from kedang_tenants.reports.parameters import REGION, Parameter
from kedang_tenants.reports.spool import Spool
from kedang_tenants.trade.contracts import CONTRACT_KINDS

READS: Final = ("contract",)
DAYS: Final = Parameter("days", msg("Within how many days"), IntegerKind(1, 3_660), default=90)
_RULE: Final = msg(
    "Contracts in force whose end, or whose last day for notice, lies before the days are over; those that are"
    " overdue, too."
)
_LEFT_OUT: Final = msg("The list is left out: you may not export contracts.")


async def make(asked: Asked, spool: Spool) -> Document:
    """The report; raises Forbidden."""
    viewer = asking.reader(asked.viewer, *READS)
    s, sql = _statement(asked, viewer)
    months: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    currencies = [viewer.currency]
    with spool.sheet() as rows:
        async for piece in asking.in_pieces(asked.read, "contracts_ending", s, sql):
            for row in piece:
                due = row["due_on"]
                count = months[due.strftime("%Y-%m")]
                count[0] += 1
                count[1] += due < asked.today
                if row["listed"]:
                    rows.add(_cells(asked, row, currencies))
            await spool.told(len(piece))
    has_list = viewer.on("contract").export is not Scope.NONE
    sheets = [_months(asked, spool, months)]
    if has_list:
        sheets.append(listed(asked, rows, msg("Contracts"), _columns(asked, currencies)))
    notes = [_RULE] if has_list else [_RULE, _LEFT_OUT]
    return document(asked, msg("Contracts ending"), sheets, charts=[_chart(asked, months)], notes=notes)


def _cells(asked: Asked, row: asyncpg.Record, currencies: list[str]) -> list[Value]:
    """A contract of the list, its amount in the column of its currency, which is there from then on."""
    if row["amount"] is not None and row["currency"] not in currencies:
        currencies.append(row["currency"])
    return [
        row["number"],
        row["title"],
        row["customer"],
        row["owner"],
        asked.text(next(option.label for option in CONTRACT_KINDS if option.code == row["kind"])),
        row["notice_on"].isoformat() if row["notice_on"] else None,
        row["ends_on"].isoformat() if row["ends_on"] else None,
        (row["due_on"] - asked.today).days,
        *(row["amount"] if one == row["currency"] else None for one in currencies),
    ]


def _columns(asked: Asked, currencies: list[str]) -> list[Column]:
    return [
        column(asked, msg("Number"), width=14),
        column(asked, msg("Title"), width=28),
        column(asked, msg("Customer"), width=28),
        column(asked, msg("Owner"), width=16),
        column(asked, msg("Kind"), width=12),
        column(asked, msg("Notice by"), "DAY"),
        column(asked, msg("Ends on"), "DAY"),
        column(asked, msg("Days left"), "COUNT", 9),
        *(column(asked, msg("Amount ({currency})"), "MONEY", currency=one) for one in currencies),
    ]


def _statement(asked: Asked, viewer: Viewer) -> tuple[Statement, str]:
    s = Statement()
    until, today = s.bind(asked.today + timedelta(days=asked.told[DAYS])), s.bind(asked.today)
    # Once the day for notice has passed, what is left to wait for is the end.
    due = f"CASE WHEN x.notice_on >= {today} OR x.ends_on IS NULL THEN x.notice_on ELSE x.ends_on END"
    of = [
        f"x.archived_at IS NULL AND x.state = 'IN_FORCE' AND {due} <= {until}",
        asking.seen(s, viewer, "contract", "x"),
        asking.of_people(s, asked, "x.owner_id"),
    ]
    if (region := asked.told[REGION]) is not None:
        of.append(f"c.region = {s.bind(region)}")
    name = f"CASE WHEN {asking.seen(s, viewer, 'customer', 'c')} THEN c.name END"
    export = asking.within(s, viewer, "contract", "x", viewer.on("contract").export)
    return (
        s,
        f"""
SELECT x.number, x.title, x.kind, x.notice_on, x.ends_on, x.amount, x.currency, {name} AS customer, m.name AS owner,
       {due} AS due_on, {export} AS listed
FROM contract x JOIN customer c ON c.id = x.customer_id AND c.archived_at IS NULL
LEFT JOIN member m ON m.id = x.owner_id
WHERE {" AND ".join(of)}
ORDER BY due_on, x.number, x.id
""",
    )


def _months(asked: Asked, spool: Spool, months: dict[str, list[int]]) -> Sheet:
    columns = [
        column(asked, msg("Month"), width=14),
        column(asked, msg("Contracts"), "COUNT"),
        column(asked, msg("Overdue"), "COUNT"),
    ]
    lines: list[list[Value]] = [[month, *counts] for month, counts in sorted(months.items())]
    sums = [sum(counts[place] for counts in months.values()) for place in (0, 1)]
    return table(asked, spool, msg("By month"), columns, lines, totals=[asked.text(msg("Total")), *sums])


def _chart(asked: Asked, months: dict[str, list[int]]) -> Chart:
    contracts, names = asked.text(msg("Contracts")), sorted(months)
    values = tuple(float(months[name][0]) for name in names)
    title = asked.text(msg("Contracts by the month of their date"))
    return Chart(title, contracts, tuple(names), (Series(contracts, BLUE, values),))


KIND: Final = Kind(CONTRACTS_ENDING, READS, make, columns=frozenset({PEOPLE}), parameters=(DAYS, REGION))
