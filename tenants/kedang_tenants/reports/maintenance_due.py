"""Maintenance that falls due soon, or is overdue, on what customers own; as it stands now (R1, P5)."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Final

import asyncpg

from kedang_platform.i18n import msg
from kedang_tenants.reading import Scope, Viewer
from kedang_tenants.reading.statement import Statement
from kedang_tenants.reports import asking
from kedang_tenants.reports.asking import Asked
from kedang_tenants.reports.contracts_ending import DAYS
from kedang_tenants.reports.document import Chart, Column, Document, Series, Sheet, Value
from kedang_tenants.reports.kind import PEOPLE, Kind
from kedang_tenants.reports.laying_out import GREEN, column, document, listed, table
from kedang_tenants.reports.models import MAINTENANCE_DUE
from kedang_tenants.reports.parameters import PRODUCT, REGION
from kedang_tenants.reports.spool import Rows, Spool

READS: Final = ("owned_product",)
_RULE: Final = msg(
    "What customers own and have not retired, whose maintenance falls due before the days are over or is overdue."
)
_LEFT_OUT: Final = msg("The list is left out: you may not export what customers own.")


async def make(asked: Asked, spool: Spool) -> Document:
    """The report; raises Forbidden."""
    viewer = asking.reader(asked.viewer, *READS)
    s, sql = _statement(asked, viewer)
    months: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    with spool.sheet() as rows:
        async for piece in asking.in_pieces(asked.read, "maintenance_due", s, sql):
            for row in piece:
                _take(asked, row, rows, months)
            await spool.told(len(piece))
    has_list = viewer.on("owned_product").export is not Scope.NONE
    sheets = [_months(asked, spool, months)]
    if has_list:
        sheets.append(listed(asked, rows, msg("Owned products"), _columns(asked)))
    notes = [_RULE] if has_list else [_RULE, _LEFT_OUT]
    return document(asked, msg("Maintenance due"), sheets, charts=[_chart(asked, months)], notes=notes)


def _statement(asked: Asked, viewer: Viewer) -> tuple[Statement, str]:
    s = Statement()
    of = [
        "x.archived_at IS NULL AND x.retired_on IS NULL",
        f"x.maintenance_due_on <= {s.bind(asked.today + timedelta(days=asked.told[DAYS]))}",
        asking.seen(s, viewer, "owned_product", "x"),
        asking.of_people(s, asked, "c.owner_id"),
    ]
    for parameter, place in ((PRODUCT, "x.product_id"), (REGION, "c.region")):
        if (value := asked.told[parameter]) is not None:
            of.append(f"{place} = {s.bind(value)}")
    name = f"CASE WHEN {asking.seen(s, viewer, 'customer', 'c')} THEN c.name END"
    product = f"CASE WHEN {asking.seen(s, viewer, 'product', 'p')} THEN p.name END"
    export = asking.within(s, viewer, "owned_product", "x", viewer.on("owned_product").export)
    return (
        s,
        f"""
SELECT {name} AS customer, m.name AS owner, {product} AS product, x.model, x.serial_number, x.place,
       x.last_serviced_on, x.maintenance_due_on AS due_on, x.warranty_until, {export} AS listed
FROM owned_product x JOIN customer c ON c.id = x.customer_id AND c.archived_at IS NULL
LEFT JOIN member m ON m.id = c.owner_id
LEFT JOIN product p ON p.id = x.product_id
WHERE {" AND ".join(of)}
ORDER BY x.maintenance_due_on, c.name_sort, x.id
""",
    )


def _take(asked: Asked, row: asyncpg.Record, rows: Rows, months: dict[str, list[int]]) -> None:
    due, served = row["due_on"], row["last_serviced_on"]
    count = months[due.strftime("%Y-%m")]
    count[0] += 1
    count[1] += due < asked.today
    if row["listed"]:
        guaranteed = row["warranty_until"] is not None and row["warranty_until"] >= asked.today
        rows.add(
            [
                row["customer"],
                row["owner"],
                row["product"] or row["model"],
                row["serial_number"],
                row["place"],
                served.isoformat() if served else None,
                due.isoformat(),
                (due - asked.today).days,
                asked.text(msg("Yes") if guaranteed else msg("No")),
            ]
        )


def _columns(asked: Asked) -> list[Column]:
    return [
        column(asked, msg("Customer"), width=28),
        column(asked, msg("Owner"), width=16),
        column(asked, msg("Product"), width=24),
        column(asked, msg("Serial number"), width=16),
        column(asked, msg("Installed at"), width=20),
        column(asked, msg("Last serviced on"), "DAY"),
        column(asked, msg("Due on"), "DAY"),
        column(asked, msg("Days left"), "COUNT", 9),
        column(asked, msg("Under warranty"), width=12),
    ]


def _months(asked: Asked, spool: Spool, months: dict[str, list[int]]) -> Sheet:
    columns = [
        column(asked, msg("Month"), width=14),
        column(asked, msg("Maintenance due"), "COUNT"),
        column(asked, msg("Overdue"), "COUNT"),
    ]
    lines: list[list[Value]] = [[month, *counts] for month, counts in sorted(months.items())]
    sums = [sum(counts[place] for counts in months.values()) for place in (0, 1)]
    return table(asked, spool, msg("By month"), columns, lines, totals=[asked.text(msg("Total")), *sums])


def _chart(asked: Asked, months: dict[str, list[int]]) -> Chart:
    due, names = asked.text(msg("Maintenance due")), sorted(months)
    values = tuple(float(months[name][0]) for name in names)
    title = asked.text(msg("Maintenance by the month when it is due"))
    return Chart(title, due, tuple(names), (Series(due, GREEN, values),))


KIND: Final = Kind(
    MAINTENANCE_DUE, READS, make, columns=frozenset({PEOPLE}), parameters=(DAYS, PRODUCT, REGION)
)
