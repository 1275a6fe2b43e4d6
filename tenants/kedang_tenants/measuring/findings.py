"""Why a statement is slow, in plain words: a few rules over its plan."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from kedang_platform.i18n import msg, translate
from kedang_tenants.catalogue import RecordType, catalogue
from kedang_tenants.measuring.plans import Node

MANY: Final = 1_000
"""Rows from which reading or sorting all of them is worth a word."""

TEXTS: Final[Mapping[str, str]] = {
    "FILTER_WITHOUT_INDEX": msg(
        "All {rows} rows of {table} are read one after the other, since no index finds those with the wanted {fields}."
    ),
    "WHOLE_TABLE": msg("All {rows} rows of {table} are read."),
    "REPEATED": msg("{table} is read from beginning to end again for each of about {times} rows."),
    "ORDER_WITHOUT_INDEX": msg(
        "Every page sorts about {rows} rows to find the first of them: no index has the order by {fields}."
    ),
    "SORT_ON_DISK": msg(
        "About {rows} rows are sorted by {fields}; they need more than the {memory} KB that a sort is given, so it is done on disk."
    ),
    "SORT": msg("About {rows} rows are sorted by {fields}."),
    "WALKED": msg(
        "{table} is walked in the wanted order until enough rows with the wanted {fields} are met; where they are rare, that is a long way."
    ),
    "TOTAL_COUNT": msg("“totalCount” is asked for, so rows are counted beyond the page, up to 10,000."),
    "GROUPS": msg("About {rows} rows are gone through to make groups and figures of them."),
    "MANY_ROWS": msg("{rows} rows were fetched."),
    "CHEAP_PLAN": msg(
        "Its plan is cheap: it waited for something else, as a lock, the disk, or a busy processor."
    ),
    "NO_PLAN": msg("Its plan could not be asked for."),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason; ``params`` are numbers and names of the API, never values."""

    code: str
    params: Mapping[str, object]

    def told(self, language: str) -> str:
        return translate(TEXTS[self.code], language, self.params)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the rules know beside the plan: how many rows tables have, and the bytes that a sort is given."""

    table_rows: Mapping[str, int]
    sort_bytes: int


def find(plan: Node, sql: str, *, fetched: int, around: Surroundings) -> list[Finding]:
    """The reasons, the weightiest first; at least one."""
    found = {**{f.code: f for f in reversed([*_of_steps(plan, sql, around)])}}
    if sql.startswith("SELECT count(*) FROM (SELECT 1") or "count(*) AS total FROM (SELECT 1" in sql:
        found["TOTAL_COUNT"] = Finding("TOTAL_COUNT", {})
    if fetched >= MANY:
        found["MANY_ROWS"] = Finding("MANY_ROWS", {"rows": fetched})
    return [found[code] for code in TEXTS if code in found] or [Finding("CHEAP_PLAN", {})]


def _of_steps(plan: Node, sql: str, around: Surroundings) -> Iterator[Finding]:
    for step, above in plan.steps():
        match step.kind:
            case "Seq Scan":
                yield from _scan(step, above, around)
            case "Sort":
                yield from _sort(step, above, around)
            case "Index Scan" | "Index Only Scan":
                yield from _walk(step, above, around)
            case "Aggregate" if " GROUP BY " in sql or not sql.startswith("SELECT count(*) FROM (SELECT 1"):
                rows = max((below.rows for below in step.below), default=0)
                if rows >= MANY:
                    yield Finding("GROUPS", {"rows": rows})


def _scan(step: Node, above: tuple[Node, ...], around: Surroundings) -> Iterator[Finding]:
    assert step.table is not None
    rows = around.table_rows.get(step.table, step.rows)
    if rows < MANY:
        return
    name, fields = _name(step.table), _fields(step.table, step.filter)
    if fields:
        yield Finding("FILTER_WITHOUT_INDEX", {"rows": rows, "table": name, "fields": fields})
    else:
        yield Finding("WHOLE_TABLE", {"rows": rows, "table": name})
    if above and above[-1].kind == "Nested Loop" and above[-1].below[-1] is step:
        yield Finding("REPEATED", {"table": name, "times": above[-1].below[0].rows})


def _sort(step: Node, above: tuple[Node, ...], around: Surroundings) -> Iterator[Finding]:
    rows = max((below.rows for below in step.below), default=step.rows)
    if rows < MANY:
        return
    tables = {below.table for below, _ in step.steps() if below.table}
    fields = next((named for table in sorted(tables) if (named := _fields(table, step.order))), "…")
    if any(one.kind == "Limit" for one in above[-2:]):
        yield Finding("ORDER_WITHOUT_INDEX", {"rows": rows, "fields": fields})
    elif rows * step.width > around.sort_bytes:
        yield Finding("SORT_ON_DISK", {"rows": rows, "fields": fields, "memory": around.sort_bytes // 1024})
    else:
        yield Finding("SORT", {"rows": rows, "fields": fields})


def _walk(step: Node, above: tuple[Node, ...], around: Surroundings) -> Iterator[Finding]:
    """An index gives the order and nothing of what is wanted: rows are looked at until a page is full."""
    fields = _fields(step.table or "", step.filter)
    big = around.table_rows.get(step.table or "", 0) >= MANY
    if big and fields and not step.condition and any(one.kind == "Limit" for one in above):
        yield Finding("WALKED", {"table": _name(step.table or ""), "fields": fields})


def _name(table: str) -> str:
    """A table by the name that lists of it have in the API."""
    record = _records().get(table)
    return record.api_plural if record else table


def _fields(table: str, text: str) -> str:
    """The fields of a table that a condition or an order names, as the API has them."""
    record = _records().get(table)
    if record is None:
        return ""
    named: dict[str, None] = {}
    for word in re.findall(r"[a-z_][a-z0-9_]*", text):
        field = record.fields.get(word) or record.fields.get(word.removesuffix("_sort"))
        if field is not None and word not in _OF_EVERY_LIST:
            named[field.api_name] = None
    return ", ".join(named)


# That a list leaves out archived rows and is told apart by ids explains nothing.
_OF_EVERY_LIST: Final = frozenset({"archived_at", "id"})


@cache
def _records() -> Mapping[str, RecordType]:
    return {record.table.name: record for record in catalogue()}
