"""The watch list for the management: who is on it at both ends and why, who came and who left within the days (R1, A18)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

import asyncpg
import orjson

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import catalogue
from kedang_tenants.catalogue.languages import text_in
from kedang_tenants.reading import Scope, Viewer, masks
from kedang_tenants.reading.statement import Statement
from kedang_tenants.reports import asking
from kedang_tenants.reports.asking import Asked, Scheme
from kedang_tenants.reports.document import Chart, Column, Document, Series, Sheet, Value
from kedang_tenants.reports.kind import Kind
from kedang_tenants.reports.laying_out import GREEN, RED, column, document, listed, table
from kedang_tenants.reports.models import WATCH_LIST
from kedang_tenants.reports.parameters import GRADE, REGION
from kedang_tenants.reports.spool import Rows, Spool
from kedang_tenants.watching.models import BEST, RISK, SIDES
from kedang_tenants.watching.reasons import REASONS, whole

READS: Final = ("watch_entry", "customer")
_RULE: Final = msg(
    "Customers on the list as it stands now, those with the most reasons first; came and left count within the days of"
    " the report."
)
_LEFT_OUT: Final = msg("The list of customers is left out: you may not export customers.")
_LABELS: Final = {option.code: option.label for option in SIDES}
_COLOURS: Final = {RISK: RED, BEST: GREEN}


@dataclass(slots=True)
class _Side:
    """One end of the list."""

    now: int = 0
    came: int = 0
    left: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


async def make(asked: Asked, spool: Spool) -> Document:
    """The report; raises Forbidden."""
    viewer = asking.reader(asked.viewer, *READS)
    scheme = await asking.leading_scheme(asked)
    found = {side: _Side() for side in (RISK, BEST)}
    lists = []
    for side in (RISK, BEST):
        s, sql = _statement(asked, viewer, side)
        with spool.sheet() as rows:
            async for piece in asking.in_pieces(asked.read, f"watch_list_{side.lower()}", s, sql):
                for row in piece:
                    _take(asked, scheme, row, rows, found[side])
                await spool.told(len(piece))
        lists.append(listed(asked, rows, _LABELS[side], _columns(asked), main=side == RISK))
    has_list = viewer.on("customer").export is not Scope.NONE
    sheets = [_summary(asked, spool, found), _by_reason(asked, spool, found), *(lists if has_list else ())]
    return document(
        asked,
        msg("Watch list"),
        sheets,
        charts=[_chart(asked, side, found[side]) for side in (RISK, BEST) if found[side].reasons],
        notes=[_RULE] if has_list else [_RULE, _LEFT_OUT],
        colours=scheme.colours,
    )


def _statement(asked: Asked, viewer: Viewer, side: str) -> tuple[Statement, str]:
    s, entries = Statement(), catalogue().record("watch_entry")

    def of_credit(name: str) -> str:
        return masks.column(s, viewer, entries, "w", entries.fields[name])

    export = asking.within(s, viewer, "customer", "c", viewer.on("customer").export)
    first = s.bind(asked.span.first)
    return (
        s,
        f"""
SELECT w.since_on, w.ended_on, w.reasons, w.why, {of_credit("withheld")} AS withheld,
       {of_credit("why_withheld")} AS why_withheld, w.points, c.number, c.name, c.grade_level_id, m.name AS owner,
       {export} AS listed
FROM watch_entry w JOIN customer c ON c.id = w.customer_id
LEFT JOIN member m ON m.id = c.owner_id
WHERE w.side = {s.bind(side)} AND w.archived_at IS NULL AND (w.ended_on IS NULL OR w.ended_on >= {first})
  AND {asking.of_customers(s, asked, viewer)} AND {asking.seen(s, viewer, "watch_entry", "w")}
ORDER BY w.points DESC, w.since_on, c.name_sort, w.id
""",
    )


def _take(asked: Asked, scheme: Scheme, row: asyncpg.Record, rows: Rows, found: _Side) -> None:
    span = asked.span
    found.came += span.first <= row["since_on"] < span.end
    if row["ended_on"] is not None:
        found.left += span.first <= row["ended_on"] < span.end
        return
    found.now += 1
    reasons = orjson.loads(row["reasons"])
    found.reasons.update([*reasons, *orjson.loads(row["withheld"] or "{}")])
    if row["listed"]:
        rows.add(
            [
                row["number"],
                row["name"],
                row["owner"],
                scheme.level(row["grade_level_id"]).code,
                row["since_on"].isoformat(),
                (asked.today - row["since_on"]).days,
                row["points"],
                _why(asked, row, only_withheld=not reasons),
            ]
        )


def _why(asked: Asked, row: asyncpg.Record, *, only_withheld: bool) -> str:
    """As far as it is for the reader."""
    kept = row["why_withheld"]
    withheld = text_in(orjson.loads(kept), asked.language) if kept else None
    return whole(withheld, text_in(orjson.loads(row["why"]), asked.language), only_withheld=only_withheld)


def _columns(asked: Asked) -> list[Column]:
    return [
        column(asked, msg("Number")),
        column(asked, msg("Name"), width=30),
        column(asked, msg("Owner"), width=16),
        column(asked, msg("Grade"), "LEVEL", 9),
        column(asked, msg("On the list since"), "DAY"),
        column(asked, msg("Days on the list"), "COUNT", 9),
        column(asked, msg("Number of reasons"), "COUNT", 9),
        column(asked, msg("Why"), width=60),
    ]


def _summary(asked: Asked, spool: Spool, found: dict[str, _Side]) -> Sheet:
    columns = [
        column(asked, msg("End of the list"), width=24),
        column(asked, msg("On the list"), "COUNT"),
        column(asked, msg("Came"), "COUNT"),
        column(asked, msg("Left"), "COUNT"),
    ]
    lines: list[list[Value]] = [
        [asked.text(_LABELS[side]), one.now, one.came, one.left] for side, one in found.items()
    ]
    return table(asked, spool, msg("Both ends"), columns, lines)


def _by_reason(asked: Asked, spool: Spool, found: dict[str, _Side]) -> Sheet:
    columns = [
        column(asked, msg("End of the list"), width=24),
        column(asked, msg("Reason"), width=24),
        column(asked, msg("Customers"), "COUNT"),
    ]
    lines: list[list[Value]] = [
        [asked.text(_LABELS[side]), asked.text(label), one.reasons[code]]
        for side, one in found.items()
        for code, label in REASONS.items()
        if one.reasons[code]
    ]
    return table(asked, spool, msg("By reason"), columns, lines)


def _chart(asked: Asked, side: str, found: _Side) -> Chart:
    customers = asked.text(msg("Customers"))
    shown = [(code, label) for code, label in REASONS.items() if found.reasons[code]]
    values = tuple(float(found.reasons[code]) for code, _ in shown)
    names = tuple(asked.text(label) for _, label in shown)
    return Chart(asked.text(_LABELS[side]), customers, names, (Series(customers, _COLOURS[side], values),))


KIND: Final = Kind(WATCH_LIST, READS, make, parameters=(REGION, GRADE), usual_period="LAST_WEEK")
