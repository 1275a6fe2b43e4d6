"""Archive freshness: when archives were changed last, how complete they are, and whether they were verified (R1, A7).

Changed means changed by a person, as the audit trail has it; what the product works out by itself
does not freshen an archive. All is as it stands now.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import asyncpg

from kedang_platform.i18n import msg
from kedang_tenants.reading import Scope, Viewer
from kedang_tenants.reading.statement import Statement
from kedang_tenants.reports import asking
from kedang_tenants.reports.asking import Asked, Scheme
from kedang_tenants.reports.document import Chart, Column, Document, Series, Sheet, Value
from kedang_tenants.reports.kind import PEOPLE, Kind
from kedang_tenants.reports.laying_out import BLUE, column, document, listed, share, table
from kedang_tenants.reports.models import ARCHIVE_FRESHNESS
from kedang_tenants.reports.parameters import GRADE, REGION
from kedang_tenants.reports.spool import Rows, Spool

READS: Final = ("customer",)
_FOR_ALL: Final = ("owner_id", "industry", "source", "address", "city", "region", "phone", "email")
_FOR_COMPANIES: Final = ("legal_representative", "credit_code")
_AGES: Final = (
    (0, 30, msg("within 30 days")),
    (31, 90, msg("31 to 90 days ago")),
    (91, 180, msg("91 to 180 days ago")),
    (181, 365, msg("181 to 365 days ago")),
    (366, 10**9, msg("longer ago")),
)
_RULE: Final = msg(
    "Changed is when a person changed the archive last. Complete is how many are filled in of: owner, industry,"
    " source, address, city, region, phone, e-mail, a contact and, but for individuals, legal representative and"
    " credit code. Verification is overdue from the day after it was due."
)
_LEFT_OUT: Final = msg("The list of customers is left out: you may not export customers.")


@dataclass(slots=True)
class _Sums:
    customers: int = 0
    filled: int = 0
    wanted: int = 0
    verified: int = 0
    overdue: int = 0

    def add(self, *, filled: int, wanted: int, verified: bool, overdue: bool) -> None:
        self.customers += 1
        self.filled += filled
        self.wanted += wanted
        self.verified += verified
        self.overdue += overdue

    def cells(self, whole: int) -> list[Value]:
        return [
            self.customers,
            share(self.customers, whole),
            share(self.filled, self.wanted),
            self.verified,
            self.overdue,
        ]


@dataclass(slots=True)
class _Found:
    ages: defaultdict[str, _Sums] = field(default_factory=lambda: defaultdict(_Sums))
    owners: defaultdict[tuple[str, str], _Sums] = field(default_factory=lambda: defaultdict(_Sums))
    total: _Sums = field(default_factory=_Sums)


async def make(asked: Asked, spool: Spool) -> Document:
    """The report; raises Forbidden."""
    viewer = asking.reader(asked.viewer, *READS)
    scheme = await asking.leading_scheme(asked)
    found = _Found()
    statement, sql = _statement(asked, viewer)
    with spool.sheet() as rows:
        async for piece in asking.in_pieces(asked.read, "archive_freshness", statement, sql):
            for row in piece:
                _take(asked, scheme, row, rows, found)
            await spool.told(len(piece))
    has_list = viewer.on("customer").export is not Scope.NONE
    ages = [(asked.text(label), found.ages[label]) for _, _, label in _AGES]
    owners = [(name, found.owners[name, who]) for name, who in sorted(found.owners)]
    sheets = [
        _sheet(asked, spool, found, msg("By last change"), column(asked, msg("Changed"), width=24), ages),
        _sheet(asked, spool, found, msg("By owner"), column(asked, msg("Owner"), width=24), owners),
    ]
    if has_list:
        sheets.append(listed(asked, rows, msg("Customers"), _columns(asked)))
    return document(
        asked,
        msg("Archive freshness"),
        sheets,
        charts=[_chart(asked, ages)],
        notes=[_RULE] if has_list else [_RULE, _LEFT_OUT],
        colours=scheme.colours,
    )


def _statement(asked: Asked, viewer: Viewer) -> tuple[Statement, str]:
    s = Statement()
    export = asking.within(s, viewer, "customer", "c", viewer.on("customer").export)
    always = ", ".join(f"c.{name}" for name in _FOR_ALL)
    companies = ", ".join(f"c.{name}" for name in _FOR_COMPANIES)
    return (
        s,
        f"""
SELECT c.number, c.name, m.name AS owner, c.owner_id, c.grade_level_id, c.directory, c.verified_on, c.verify_by,
       coalesce((SELECT max(a.at) FROM audit a
                 WHERE a.record = 'customer' AND a.record_id = c.id AND a.actor_id IS NOT NULL),
                c.created_at) AS changed_at,
       num_nonnulls({always}) AS always, num_nonnulls({companies}) AS of_companies,
       (SELECT count(*) FROM contact k WHERE k.customer_id = c.id AND k.archived_at IS NULL) AS contacts,
       {export} AS listed
FROM customer c LEFT JOIN member m ON m.id = c.owner_id
WHERE {asking.of_customers(s, asked, viewer)}
ORDER BY changed_at, c.name_sort, c.id
""",
    )


def _take(asked: Asked, scheme: Scheme, row: asyncpg.Record, rows: Rows, found: _Found) -> None:
    changed = row["changed_at"].astimezone(asked.zone).date()
    days = (asked.today - changed).days
    company = row["directory"] != "INDIVIDUAL"
    filled = row["always"] + (row["of_companies"] if company else 0) + (row["contacts"] > 0)
    wanted = len(_FOR_ALL) + (len(_FOR_COMPANIES) if company else 0) + 1
    overdue = row["verify_by"] is not None and row["verify_by"] < asked.today
    age = next(label for low, high, label in _AGES if low <= max(days, 0) <= high)
    who = (row["owner"] or asked.text(msg("Nobody")), str(row["owner_id"]))
    for sums in (found.ages[age], found.owners[who], found.total):
        sums.add(filled=filled, wanted=wanted, verified=row["verified_on"] is not None, overdue=overdue)
    if row["listed"]:
        rows.add(
            [
                row["number"],
                row["name"],
                row["owner"],
                scheme.level(row["grade_level_id"]).code,
                changed.isoformat(),
                days,
                share(filled, wanted),
                row["contacts"],
                row["verified_on"].isoformat() if row["verified_on"] else None,
                row["verify_by"].isoformat() if row["verify_by"] else None,
            ]
        )


def _columns(asked: Asked) -> list[Column]:
    return [
        column(asked, msg("Number")),
        column(asked, msg("Name"), width=32),
        column(asked, msg("Owner"), width=16),
        column(asked, msg("Grade"), "LEVEL", 9),
        column(asked, msg("Changed on"), "DAY"),
        column(asked, msg("Days ago"), "COUNT", 9),
        column(asked, msg("Complete"), "SHARE", 10),
        column(asked, msg("Contacts"), "COUNT", 9),
        column(asked, msg("Verified on"), "DAY"),
        column(asked, msg("Verify by"), "DAY"),
    ]


def _sheet(
    asked: Asked, spool: Spool, found: _Found, title: str, key: Column, sums: Sequence[tuple[str, _Sums]]
) -> Sheet:
    columns = [
        key,
        column(asked, msg("Customers"), "COUNT"),
        column(asked, msg("Share of customers"), "SHARE"),
        column(asked, msg("Complete"), "SHARE"),
        column(asked, msg("Verified"), "COUNT"),
        column(asked, msg("Verification overdue"), "COUNT"),
    ]
    whole = found.total.customers
    lines = [[name, *one.cells(whole)] for name, one in sums]
    totals = [asked.text(msg("Total")), *found.total.cells(whole)]
    return table(asked, spool, title, columns, lines, totals=totals)


def _chart(asked: Asked, ages: Sequence[tuple[str, _Sums]]) -> Chart:
    customers = asked.text(msg("Customers"))
    values = tuple(float(one.customers) for _, one in ages)
    title = asked.text(msg("Customers by last change"))
    return Chart(title, customers, tuple(name for name, _ in ages), (Series(customers, BLUE, values),))


KIND: Final = Kind(ARCHIVE_FRESHNESS, READS, make, columns=frozenset({PEOPLE}), parameters=(REGION, GRADE))
