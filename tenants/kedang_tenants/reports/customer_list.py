"""The customer list: who the customers are as they stand now, and how many of each sort (R1)."""

from __future__ import annotations

from collections import Counter
from typing import Final

import asyncpg

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import ChoiceKind, Option
from kedang_tenants.customers.models import DIRECTORIES, STATES
from kedang_tenants.reading import Scope, Viewer
from kedang_tenants.reading.statement import Statement
from kedang_tenants.reports import asking
from kedang_tenants.reports.asking import Asked, Scheme
from kedang_tenants.reports.document import Chart, Column, Document, Series, Sheet, Value
from kedang_tenants.reports.kind import PEOPLE, Kind
from kedang_tenants.reports.laying_out import BLUE, column, document, listed, share, table
from kedang_tenants.reports.models import CUSTOMER_LIST
from kedang_tenants.reports.parameters import GRADE, REGION, Parameter
from kedang_tenants.reports.spool import Rows, Spool

READS: Final = ("customer",)
STATE: Final = Parameter("state", msg("State"), ChoiceKind(STATES))
DIRECTORY: Final = Parameter("directory", msg("Directory"), ChoiceKind(DIRECTORIES))
LEFT_OUT: Final = msg("The list of customers is left out: you may not export customers.")


async def make(asked: Asked, spool: Spool) -> Document:
    """The report; raises Forbidden."""
    viewer = asking.reader(asked.viewer, *READS)
    scheme = await asking.leading_scheme(asked)
    statement, sql = _statement(asked, viewer)
    counts: Counter[tuple[str, object]] = Counter()
    with spool.sheet() as rows:
        async for piece in asking.in_pieces(asked.read, "customer_list", statement, sql):
            for row in piece:
                _take(asked, scheme, row, rows, counts)
            await spool.told(len(piece))
    has_list = viewer.on("customer").export is not Scope.NONE
    sheets = [
        _states(asked, spool, counts),
        _directories(asked, spool, counts),
        _grades(asked, spool, scheme, counts),
        _regions(asked, spool, counts),
    ]
    if has_list:
        sheets.append(listed(asked, rows, msg("Customers"), _columns(asked)))
    return document(
        asked,
        msg("Customer list"),
        sheets,
        charts=[_chart(asked, counts)],
        notes=[] if has_list else [LEFT_OUT],
        colours=scheme.colours,
    )


def _statement(asked: Asked, viewer: Viewer) -> tuple[Statement, str]:
    s = Statement()
    of = [asking.of_customers(s, asked, viewer)]
    for parameter, name in ((STATE, "state"), (DIRECTORY, "directory")):
        if (value := asked.told[parameter]) is not None:
            of.append(f"c.{name} = {s.bind(value)}")
    export = asking.within(s, viewer, "customer", "c", viewer.on("customer").export)
    return (
        s,
        f"""
SELECT c.number, c.name, c.directory, c.state, c.grade_level_id, m.name AS owner, c.region, c.city, c.industry,
       c.trading_since, c.last_contact_at, c.next_follow_up_on, {export} AS listed
FROM customer c LEFT JOIN member m ON m.id = c.owner_id
WHERE {" AND ".join(of)}
ORDER BY c.name_sort, c.id
""",
    )


def _take(
    asked: Asked, scheme: Scheme, row: asyncpg.Record, rows: Rows, counts: Counter[tuple[str, object]]
) -> None:
    level = scheme.level(row["grade_level_id"])
    counts["state", row["state"]] += 1
    counts["directory", row["directory"]] += 1
    counts["grade", level] += 1
    counts["region", row["region"]] += 1
    if row["listed"]:
        rows.add(
            [
                row["number"],
                row["name"],
                _label(asked, DIRECTORIES, row["directory"]),
                _label(asked, STATES, row["state"]),
                level.code,
                row["owner"],
                row["region"],
                row["city"],
                row["industry"],
                row["trading_since"].isoformat() if row["trading_since"] else None,
                asked.local_day(row["last_contact_at"]),
                row["next_follow_up_on"].isoformat() if row["next_follow_up_on"] else None,
            ]
        )


def _label(asked: Asked, options: tuple[Option, ...], code: str) -> str:
    return asked.text(next(option.label for option in options if option.code == code))


def _columns(asked: Asked) -> list[Column]:
    return [
        column(asked, msg("Number")),
        column(asked, msg("Name"), width=32),
        column(asked, msg("Directory"), width=14),
        column(asked, msg("State"), width=10),
        column(asked, msg("Grade"), "LEVEL", 9),
        column(asked, msg("Owner"), width=16),
        column(asked, msg("Region"), width=12),
        column(asked, msg("City"), width=12),
        column(asked, msg("Industry"), width=14),
        column(asked, msg("Trading since"), "DAY"),
        column(asked, msg("Last contact"), "DAY"),
        column(asked, msg("Next follow-up"), "DAY"),
    ]


def _counted(asked: Asked, spool: Spool, title: str, key: Column, lines: list[tuple[Value, int]]) -> Sheet:
    total = sum(count for _, count in lines)
    columns = [
        key,
        column(asked, msg("Customers"), "COUNT"),
        column(asked, msg("Share of customers"), "SHARE"),
    ]
    rows: list[list[Value]] = [[name, count, share(count, total)] for name, count in lines]
    totals: list[Value] = [asked.text(msg("Total")), total, share(total, total)]
    return table(asked, spool, title, columns, rows, totals=totals)


def _states(asked: Asked, spool: Spool, counts: Counter[tuple[str, object]]) -> Sheet:
    lines: list[tuple[Value, int]] = [(asked.text(one.label), counts["state", one.code]) for one in STATES]
    return _counted(asked, spool, msg("By state"), column(asked, msg("State"), width=20), lines)


def _directories(asked: Asked, spool: Spool, counts: Counter[tuple[str, object]]) -> Sheet:
    lines: list[tuple[Value, int]] = [
        (asked.text(one.label), counts["directory", one.code]) for one in DIRECTORIES
    ]
    return _counted(asked, spool, msg("By directory"), column(asked, msg("Directory"), width=20), lines)


def _grades(asked: Asked, spool: Spool, scheme: Scheme, counts: Counter[tuple[str, object]]) -> Sheet:
    lines: list[tuple[Value, int]] = [
        (level.code, counts["grade", level])
        for level in scheme.levels
        if level.id is not None or counts["grade", level]
    ]
    return _counted(asked, spool, msg("By grade"), column(asked, msg("Grade"), "LEVEL"), lines)


def _regions(asked: Asked, spool: Spool, counts: Counter[tuple[str, object]]) -> Sheet:
    found = [(region, count) for (by, region), count in counts.items() if by == "region"]
    found.sort(key=lambda one: (-one[1], one[0] is None, str(one[0])))
    lines: list[tuple[Value, int]] = [
        (str(region) if region else asked.text(msg("Not known")), count) for region, count in found
    ]
    return _counted(asked, spool, msg("By region"), column(asked, msg("Region"), width=20), lines)


def _chart(asked: Asked, counts: Counter[tuple[str, object]]) -> Chart:
    customers = asked.text(msg("Customers"))
    values = tuple(float(counts["state", one.code]) for one in STATES)
    categories = tuple(asked.text(one.label) for one in STATES)
    return Chart(
        asked.text(msg("Customers by state")), customers, categories, (Series(customers, BLUE, values),)
    )


KIND: Final = Kind(
    CUSTOMER_LIST,
    READS,
    make,
    columns=frozenset({PEOPLE}),
    parameters=(REGION, GRADE, STATE, DIRECTORY),
)
