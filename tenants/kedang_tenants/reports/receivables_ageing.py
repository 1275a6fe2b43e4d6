"""Receivables by their age, as they stand now: what is not due yet, and what is overdue for how long (R1, P4)."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from kedang_platform.i18n import msg
from kedang_platform.money import minor_digits
from kedang_tenants.reading import Scope, Viewer
from kedang_tenants.reading.statement import Statement
from kedang_tenants.reports import asking
from kedang_tenants.reports.asking import Asked
from kedang_tenants.reports.document import Chart, Document, Series, Sheet, Value
from kedang_tenants.reports.kind import PEOPLE, Kind
from kedang_tenants.reports.laying_out import AMBER, column, document, listed, share, table
from kedang_tenants.reports.models import RECEIVABLES_AGEING
from kedang_tenants.reports.parameters import GRADE, REGION
from kedang_tenants.reports.spool import Spool

READS: Final = ("customer", "invoice")
_RULE: Final = msg(
    "What is open of invoices in the company's currency. An invoice is overdue from the day after its last day for"
    " payment."
)
_LEFT_OUT: Final = msg("The list is left out: you may not export invoices.")
_AGES: Final = (
    (0, msg("not due yet")),
    (30, msg("1 to 30 days overdue")),
    (60, msg("31 to 60 days overdue")),
    (90, msg("61 to 90 days overdue")),
    (10**9, msg("more than 90 days overdue")),
)


async def make(asked: Asked, spool: Spool) -> Document:
    """The report; raises Forbidden."""
    viewer = asking.reader(asked.viewer, *READS)
    sums = [[0, 0] for _ in _AGES]
    s, sql = _statement(asked, viewer)
    with spool.sheet() as rows:
        async for piece in asking.in_pieces(asked.read, "receivables_ageing", s, sql):
            for row in piece:
                for place, (invoices, amount) in enumerate(zip(row["invoices"], row["amounts"], strict=True)):
                    sums[place][0] += invoices
                    sums[place][1] += amount
                if row["listed"]:
                    cells = [row["number"], row["name"], row["owner"], sum(row["amounts"]), *row["amounts"]]
                    rows.add([*cells, row["oldest_days"]])
            await spool.told(len(piece))
    has_list = viewer.on("invoice").export is not Scope.NONE
    sheets = [_by_age(asked, spool, sums)]
    if has_list:
        columns = [
            column(asked, msg("Number")),
            column(asked, msg("Name"), width=32),
            column(asked, msg("Owner"), width=16),
            column(asked, msg("Open ({currency})"), "MONEY"),
            *(column(asked, label, "MONEY") for _, label in _AGES),
            column(asked, msg("Days overdue"), "COUNT", 9),
        ]
        sheets.append(listed(asked, rows, msg("Customers"), columns))
    return document(
        asked,
        msg("Receivables ageing"),
        sheets,
        charts=[_chart(asked, sums)],
        notes=[_RULE] if has_list else [_RULE, _LEFT_OUT],
    )


def _statement(asked: Asked, viewer: Viewer) -> tuple[Statement, str]:
    """A row a customer: how many invoices of each age, how much is open of them, and how old the oldest is."""
    s = Statement()
    today = s.bind(asked.today)
    where = (
        f"i.archived_at IS NULL AND i.open_amount > 0 AND i.currency = {s.bind(viewer.currency)}"
        f" AND {asking.seen(s, viewer, 'invoice', 'i')}"
    )
    lasts = [last for last, _ in _AGES]
    ages = ["late <= 0", *(f"late > {low} AND late <= {high}" for low, high in pairwise(lasts))]
    invoices = ", ".join(f"count(*) FILTER (WHERE {age})" for age in ages)
    amounts = ", ".join(f"coalesce(sum(open_amount) FILTER (WHERE {age}), 0)::bigint" for age in ages)
    export = asking.within(s, viewer, "customer", "c", viewer.on("invoice").export)
    return (
        s,
        f"""
SELECT c.number, c.name, m.name AS owner, f.invoices, f.amounts, f.oldest_days, {export} AS listed
FROM (
    SELECT customer_id, ARRAY[{invoices}] AS invoices, ARRAY[{amounts}] AS amounts,
           nullif(greatest(max(late), 0), 0) AS oldest_days
    FROM (SELECT i.customer_id, i.open_amount, {today} - i.due_on AS late FROM invoice i WHERE {where}) aged
    GROUP BY customer_id
) f
JOIN customer c ON c.id = f.customer_id LEFT JOIN member m ON m.id = c.owner_id
WHERE {asking.of_customers(s, asked, viewer)}
ORDER BY f.oldest_days DESC NULLS LAST, c.name_sort, c.id
""",
    )


def _by_age(asked: Asked, spool: Spool, sums: list[list[int]]) -> Sheet:
    whole = sum(amount for _, amount in sums)
    lines: list[list[Value]] = [
        [asked.text(label), invoices, amount, share(amount, whole)]
        for (_, label), (invoices, amount) in zip(_AGES, sums, strict=True)
    ]
    totals: list[Value] = [asked.text(msg("Total")), sum(invoices for invoices, _ in sums), whole, None]
    columns = [
        column(asked, msg("Age"), width=28),
        column(asked, msg("Invoices"), "COUNT"),
        column(asked, msg("Open ({currency})"), "MONEY"),
        column(asked, msg("Share"), "SHARE"),
    ]
    return table(asked, spool, msg("By age"), columns, lines, totals=totals)


def _chart(asked: Asked, sums: list[list[int]]) -> Chart:
    label = asked.text(msg("Open amount"))
    names = tuple(asked.text(one) for _, one in _AGES)
    unit = 10 ** minor_digits(asked.viewer.currency)
    values = tuple(amount / unit for _, amount in sums)
    return Chart(asked.text(msg("Receivables by age")), label, names, (Series(label, AMBER, values),))


KIND: Final = Kind(RECEIVABLES_AGEING, READS, make, columns=frozenset({PEOPLE}), parameters=(REGION, GRADE))
