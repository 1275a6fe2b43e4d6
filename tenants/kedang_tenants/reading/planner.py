"""A ReadRequest and a viewer become one SQL statement a level, with scope and masks compiled in.

Each to-one relation is a LEFT JOIN, each to-many a statement of its own for all parents at once:
``unnest(parents) CROSS JOIN LATERAL (page of each)``, so that every parent gets its own page.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from kedang_platform.search_frequency import WALKED_ROWS
from kedang_tenants.catalogue import RecordType, catalogue
from kedang_tenants.reading.filters import condition
from kedang_tenants.reading.layout import NOWHERE, Layout
from kedang_tenants.reading.masks import column, unless_shut, visible, visible_scope
from kedang_tenants.reading.ordering import (
    SortKey,
    beyond,
    order_clause,
    read_cursor,
    sort_keys,
    sort_signature,
)
from kedang_tenants.reading.request import Listing, Lookup, Select
from kedang_tenants.reading.statement import Statement, quoted
from kedang_tenants.reading.viewer import Scope, Viewer

TOTAL_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class Plan:
    """A statement ready to run, and how to read its rows."""

    sql: str
    values: tuple[object, ...]
    layout: Layout
    parent: int | None = None


class _Columns:
    """The output columns of a statement, flat, and the joins they need."""

    def __init__(self, statement: Statement, viewer: Viewer) -> None:
        self.statement = statement
        self.viewer = viewer
        self.expressions: list[str] = []
        self.joins: list[str] = []

    def add(self, expression: str) -> int:
        self.expressions.append(expression)
        return len(self.expressions) - 1

    def lay_out(self, record: RecordType, alias: str, select: Select, *, with_id: bool = False) -> Layout:
        """Add the columns of a selection; returns where they stand.

        The id is among them where it is wanted, where lists hang on it, and where its absence tells that
        nothing was joined.
        """
        own_id = self.add(f"{alias}.id") if select.id or select.many or with_id else NOWHERE
        fields = {}
        for name in select.fields:
            found = record.fields[name]
            value = column(self.statement, self.viewer, record, alias, found)
            fields[name] = self.add(unless_shut(self.statement, self.viewer, record, alias, found, value))
        one = {name: self._joined(record, alias, name, inner) for name, inner in select.one}
        return Layout(record, own_id, fields, one)

    def _joined(self, record: RecordType, alias: str, name: str, select: Select) -> Layout:
        relation = record.relations[name]
        target = catalogue().record(relation.target)
        inner = self.statement.alias()
        link = column(self.statement, self.viewer, record, alias, record.fields[relation.column])
        on = f"{inner}.id = {link}"
        seen = visible(self.statement, self.viewer, target, inner)
        if seen is not None:
            on += f" AND {seen}"
        self.joins.append(f"LEFT JOIN {quoted(target.table.name)} {inner} ON {on}")
        return self.lay_out(target, inner, select, with_id=True)


class Way(Enum):
    """How a statement comes to the rows of a page; docs/adr/0004-search.md says when which is quick.

    ``FOUND`` takes the rows from the index of the search and filters them by the viewer's scope (for few
    rows; a plan for any parameters would fetch all rows of the scope as well), ``COMBINED`` from the
    indexes of both.
    """

    PLAIN = "plain"
    FOUND = "found"
    COMBINED = "combined"
    WALKED = "walked"


def plan_listing(
    viewer: Viewer, listing: Listing, parents: list[object] | None = None, *, way: Way = Way.PLAIN
) -> Plan:
    """The statement of a page at the root, or of the pages of all ``parents``.

    The column ``parent`` of the latter tells the position of the parent among ``parents``, from 1.

    ``way`` is for searches at the root: rows are either found by the index on n-grams, or the order is
    walked, which may miss rows and then brings no full page. Raises MaskedField, BadCursor and
    BadUserInput for what the viewer may not ask.
    """
    statement = Statement()
    record = catalogue().record(listing.record)
    alias = statement.alias()
    parent_ids = None if parents is None else statement.bind(parents)
    columns = _Columns(statement, viewer)
    layout = columns.lay_out(record, alias, listing.select)
    keys = sort_keys(statement, viewer, record, alias, listing.order_by)
    positions = tuple(columns.add(key.expression) for key in keys) if listing.cursors else ()
    layout = Layout(layout.record, layout.id, layout.fields, layout.one, positions)
    scope = _scope(statement, viewer, record, alias, listing)
    rest = _rest(statement, viewer, record, alias, listing)
    bounds = _bounds(statement, record, listing, keys)
    order = f"ORDER BY {order_clause(keys, backward=listing.page.backward)}"
    tail = f"{order} LIMIT {statement.bind(listing.page.limit + 1)}"
    outputs = ", ".join(f"{expression} AS c{n}" for n, expression in enumerate(columns.expressions))
    table, joins = quoted(record.table.name), " ".join(columns.joins)
    if parent_ids is not None:
        link = f"{_link(statement, viewer, record, alias, listing)} = parent.id"
        where = _where([link, *scope, *rest, *bounds])
        # Each parent's page leaves the lateral join as one ordered run; runs of parents are told apart by position.
        sql = (
            f"SELECT page.*, parent.n::int AS parent FROM unnest({parent_ids}::uuid[]) WITH ORDINALITY AS parent(id, n)"
            " CROSS JOIN LATERAL"
            f" (SELECT {outputs} FROM {table} {alias} {joins}{where} {tail}) page"
        )
        return Plan(sql, tuple(statement.values), layout, parent=len(columns.expressions))
    if way is Way.WALKED:
        owned_rows = visible_scope(viewer, record) is Scope.OWN
        walked = _where([*(scope if owned_rows else ()), *bounds])
        walk = f"SELECT {alias}.* FROM {table} {alias}{walked} {order} LIMIT {WALKED_ROWS}"
        source, where = f"({walk})", _where([*(() if owned_rows else scope), *rest])
    elif way in {Way.FOUND, Way.COMBINED}:
        # OFFSET 0 fences the index's rows off from the order, for whose sake the planner would walk the table.
        inside, outside = (scope, []) if way is Way.COMBINED else ([], scope)
        found = f"SELECT {alias}.* FROM {table} {alias}{_where([*inside, *rest, *bounds])} OFFSET 0"
        source, where = f"({found})", _where(outside)
    else:
        source, where = table, _where([*scope, *rest, *bounds])
    sql = f"SELECT {outputs} FROM {source} {alias} {joins}{where} {tail}"
    return Plan(sql, tuple(statement.values), layout)


def plan_total(
    viewer: Viewer, listing: Listing, parents: list[object] | None = None, *, most: int = TOTAL_LIMIT
) -> Plan:
    """The statement that counts what a listing would hold, up to ``most`` + 1."""
    statement = Statement()
    record = catalogue().record(listing.record)
    alias = statement.alias()
    parent_ids = None if parents is None else statement.bind(parents)
    where = [
        *_scope(statement, viewer, record, alias, listing),
        *_rest(statement, viewer, record, alias, listing),
    ]
    layout = Layout(record, 0, {}, {})
    source = f"FROM {quoted(record.table.name)} {alias}"
    limit = f"LIMIT {most + 1}"
    if parent_ids is None:
        counted = f"SELECT 1 {source}{_where(where)} {limit}"
        return Plan(f"SELECT count(*) FROM ({counted}) counted", tuple(statement.values), layout)
    where.insert(0, f"{_link(statement, viewer, record, alias, listing)} = parent.id")
    counted = f"SELECT 1 {source}{_where(where)} {limit}"
    sql = (
        f"SELECT page.total, parent.id FROM unnest({parent_ids}::uuid[]) AS parent(id)"
        f" CROSS JOIN LATERAL (SELECT count(*) AS total FROM ({counted}) counted) page"
    )
    return Plan(sql, tuple(statement.values), layout, parent=1)


def plan_lookup(viewer: Viewer, lookup: Lookup) -> Plan:
    """The statement that finds records by id; archived ones too."""
    statement = Statement()
    record = catalogue().record(lookup.record)
    alias = statement.alias()
    columns = _Columns(statement, viewer)
    layout = columns.lay_out(record, alias, lookup.select, with_id=True)
    where = [f"{alias}.id = ANY({statement.bind(list(lookup.ids))}::uuid[])"]
    seen = visible(statement, viewer, record, alias)
    if seen is not None:
        where.append(seen)
    source = f"FROM {quoted(record.table.name)} {alias} {' '.join(columns.joins)}"
    sql = f"SELECT {', '.join(columns.expressions)} {source}{_where(where)}"
    return Plan(sql, tuple(statement.values), layout)


def _where(conditions: list[str]) -> str:
    return " WHERE " + " AND ".join(conditions) if conditions else ""


def _scope(
    statement: Statement, viewer: Viewer, record: RecordType, alias: str, listing: Listing
) -> list[str]:
    """Which rows the viewer sees at all."""
    if _parent_is_proof(viewer, record, listing):
        return []
    seen = visible(statement, viewer, record, alias)
    return [] if seen is None else [seen]


def _rest(
    statement: Statement, viewer: Viewer, record: RecordType, alias: str, listing: Listing
) -> list[str]:
    """Which of them are asked for."""
    asked = condition(statement, viewer, record, alias, listing.where)
    archived = ARCHIVED[listing.archived].format(alias=alias)
    return [part for part in (asked, archived) if part]


ARCHIVED = {
    "EXCLUDE": "{alias}.archived_at IS NULL",
    "INCLUDE": "",
    "ONLY": "{alias}.archived_at IS NOT NULL",
}


def _parent_is_proof(viewer: Viewer, record: RecordType, listing: Listing) -> bool:
    """Whether seeing the parent already proves that its rows here are seen: they are owned through it."""
    through = [path for path in record.owners if len(path) > 1]
    through = [path for path in through if record.relations[path[0]].column == listing.relation]
    if not through:
        return False
    parent = catalogue().record(record.relations[through[0][0]].target)
    way = catalogue().way_to_archive(record.name)
    if viewer.closed and way and way[0] != through[0][0]:
        return False  # an archive that is closed may lie another way than the parent
    return {path[1:] for path in through} >= set(parent.owners) and (
        visible_scope(viewer, record) >= visible_scope(viewer, parent)
    )


def _link(statement: Statement, viewer: Viewer, record: RecordType, alias: str, listing: Listing) -> str:
    """What says to which parent a row belongs; where that is masked a row belongs to none."""
    assert listing.relation is not None
    return column(statement, viewer, record, alias, record.fields[listing.relation])


def _bounds(statement: Statement, record: RecordType, listing: Listing, keys: list[SortKey]) -> list[str]:
    found = []
    for cursor, backward in ((listing.page.after, False), (listing.page.before, True)):
        if cursor is not None:
            values = read_cursor(cursor, sort_signature(record, listing.order_by), keys)
            found.append(beyond(statement, keys, values, backward=backward))
    return found
