"""What a company's operations took over a period, for its administrators."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson

from kedang_platform.database import TenantRead
from kedang_platform.errors import BadUserInput, Forbidden
from kedang_platform.i18n import msg
from kedang_tenants.measuring.findings import TEXTS, Finding
from kedang_tenants.measuring.tallies import SUMS, percentile
from kedang_tenants.reading import Viewer
from kedang_tenants.reading.errors import BadCursor

_SEE: Final = frozenset({"OWNER", "ADMIN"})
MOST: Final = 100
"""Operations on a page."""

_TOTALS = f"""
SELECT o.id, o.kind, o.name, o.document, o.first_at, o.last_at, o.slowest, t.*
FROM (
  SELECT operation_id, {", ".join(f"sum({name})::bigint AS {name}" for name in SUMS)}
  FROM measured_hour WHERE hour >= $1 AND ($2::uuid IS NULL OR credential_id = $2) GROUP BY operation_id
) t JOIN measured_operation o ON o.id = t.operation_id"""
_SPREAD = """
SELECT operation_id, key, sum(value::bigint)::bigint AS count
FROM measured_hour, jsonb_each_text({0})
WHERE hour >= $1 AND ($2::uuid IS NULL OR credential_id = $2) GROUP BY operation_id, key"""
_STATEMENTS = """
SELECT operation_id, text, sum(count)::bigint AS count, sum(micros)::bigint AS micros,
  max(slowest_micros) AS slowest_micros, sum(rows)::bigint AS rows
FROM measured_statement WHERE operation_id = ANY($1::uuid[]) AND day >= $2
GROUP BY operation_id, text ORDER BY operation_id, sum(micros) DESC, text"""


@dataclass(frozen=True, slots=True)
class Slowest:
    """The slow answer that was explained last; times are milliseconds."""

    at: datetime
    ms: float
    sql_ms: float
    sql_count: int
    statement: str
    statement_ms: float
    rows: int
    plan: tuple[str, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class OperationTotals:
    """An operation in a period: counts, points, and times in milliseconds."""

    id: UUID
    kind: str
    name: str | None
    document: str
    first_at: datetime
    last_at: datetime
    count: int
    failed: int
    refused: int
    charged: int
    refunded: int
    ms: float
    sql_count: int
    sql_ms: float
    sql_rows: int
    latency: Mapping[int, int] = field(repr=False)
    errors: Mapping[str, int]
    slowest: Slowest | None

    @property
    def error_share(self) -> float:
        return self.failed / self.count

    @property
    def cost(self) -> int:
        return self.charged - self.refunded

    def within(self, share: float) -> float:
        """The milliseconds within which ``share`` of the answers came."""
        return percentile(self.latency, share) or 0.0


@dataclass(frozen=True, slots=True)
class StatementTotals:
    """A statement of an operation, over the days that the period touches; times are milliseconds."""

    text: str
    count: int
    ms: float
    slowest_ms: float
    rows: int


ORDERS: Final[Mapping[str, Callable[[OperationTotals], Any]]] = {
    "COUNT": lambda one: one.count,
    "ERROR_SHARE": lambda one: one.error_share,
    "COST": lambda one: one.cost,
    "DURATION": lambda one: one.ms,
    "P50": lambda one: one.within(0.5),
    "P95": lambda one: one.within(0.95),
    "P99": lambda one: one.within(0.99),
    "SQL_COUNT": lambda one: one.sql_count,
    "SQL_TIME": lambda one: one.sql_ms,
    "LAST_AT": lambda one: one.last_at.timestamp(),
    "NAME": lambda one: one.name or "",
}
"""What operations can be put in order by."""


@dataclass(frozen=True, slots=True)
class TotalsRequest:
    """Which operations are asked for: of the last ``hours`` begun, in which order, from where on."""

    hours: int = 24
    limit: int = 50
    after: str | None = None
    order_by: str = "SQL_TIME"
    descending: bool = True
    kinds: frozenset[str] | None = None
    name: str | None = None
    credential: UUID | None = None
    failed: bool | None = None
    explained: bool | None = None


@dataclass(frozen=True, slots=True)
class TotalsPage:
    operations: tuple[OperationTotals, ...]
    cursors: tuple[str, ...]
    total: int
    has_next: bool


async def read_totals(
    read: TenantRead, viewer: Viewer, request: TotalsRequest, *, now: datetime
) -> TotalsPage:
    """A page of operations; raises Forbidden for all but owners and administrators, BadUserInput, BadCursor.

    There are at most a thousand, so that they are put in order here.
    """
    require_administrator(viewer)
    if not 0 <= request.limit <= MOST:
        raise BadUserInput(msg("A page holds between 0 and {limit} records."), path=("first",), limit=MOST)
    position = None if request.after is None else _read_cursor(request.after, request.order_by)
    measured = [
        one for one in await _all(read, request, beginning(now, request.hours)) if _wanted(one, request)
    ]
    placed = sorted(
        ((_place(one, request), one) for one in measured),
        key=lambda pair: pair[0],
        reverse=request.descending,
    )
    rest = [
        pair
        for pair in placed
        if position is None or (pair[0] < position if request.descending else pair[0] > position)
    ]
    page = rest[: request.limit]
    return TotalsPage(
        operations=tuple(one for _, one in page),
        cursors=tuple(_write_cursor(place, request.order_by) for place, _ in page),
        total=len(measured),
        has_next=len(rest) > request.limit,
    )


async def read_statements(
    read: TenantRead, viewer: Viewer, *, ids: Sequence[UUID], hours: int, now: datetime
) -> Mapping[UUID, list[StatementTotals]]:
    """The statements of operations, those that took longest first. Raises Forbidden."""
    require_administrator(viewer)
    found: dict[UUID, list[StatementTotals]] = {operation: [] for operation in ids}
    for row in await read.fetch(_STATEMENTS, list(ids), beginning(now, hours).date()):
        found[row["operation_id"]].append(
            StatementTotals(
                row["text"], row["count"], _ms(row["micros"]), _ms(row["slowest_micros"]), row["rows"]
            )
        )
    return found


def beginning(now: datetime, hours: int) -> datetime:
    """The full hour with which a period begins; figures are kept by the hour."""
    return now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours)


def require_administrator(viewer: Viewer) -> None:
    if not viewer.roles & _SEE:
        raise Forbidden(msg("You may not do this."))


async def _all(read: TenantRead, request: TotalsRequest, since: datetime) -> list[OperationTotals]:
    rows = await read.fetch(_TOTALS, since, request.credential)
    spread: dict[str, dict[UUID, dict[str, int]]] = {}
    for column in ("latency", "errors"):
        told: dict[UUID, dict[str, int]] = {}
        for row in await read.fetch(_SPREAD.format(column), since, request.credential):
            told.setdefault(row["operation_id"], {})[row["key"]] = row["count"]
        spread[column] = told
    return [_totals(row, spread["latency"], spread["errors"]) for row in rows]


def _totals(
    row: asyncpg.Record,
    latency: Mapping[UUID, Mapping[str, int]],
    errors: Mapping[UUID, Mapping[str, int]],
) -> OperationTotals:
    return OperationTotals(
        id=row["id"],
        kind=row["kind"],
        name=row["name"],
        document=row["document"],
        first_at=row["first_at"],
        last_at=row["last_at"],
        count=row["count"],
        failed=row["failed"],
        refused=row["refused"],
        charged=row["charged"],
        refunded=row["refunded"],
        ms=_ms(row["micros"]),
        sql_count=row["sql_count"],
        sql_ms=_ms(row["sql_micros"]),
        sql_rows=row["sql_rows"],
        latency={int(number): count for number, count in latency.get(row["id"], {}).items()},
        errors=dict(sorted(errors.get(row["id"], {}).items())),
        slowest=_slowest(orjson.loads(row["slowest"])) if row["slowest"] else None,
    )


def _slowest(told: Mapping[str, Any]) -> Slowest:
    return Slowest(
        at=datetime.fromisoformat(told["at"]),
        ms=_ms(told["micros"]),
        sql_ms=_ms(told["sql_micros"]),
        sql_count=told["sql_count"],
        statement=told["statement"],
        statement_ms=_ms(told["statement_micros"]),
        rows=told["rows"],
        plan=tuple(told["plan"]),
        # A finding of a later release, that this one has no words for, is left out.
        findings=tuple(Finding(f["code"], f["params"]) for f in told["findings"] if f["code"] in TEXTS),
    )


def _wanted(one: OperationTotals, request: TotalsRequest) -> bool:
    return (
        (request.kinds is None or one.kind in request.kinds)
        and (request.name is None or request.name.casefold() in (one.name or "").casefold())
        and (request.failed is None or request.failed == (one.failed > 0))
        and (request.explained is None or request.explained == (one.slowest is not None))
    )


def _ms(micros: int) -> float:
    return micros / 1000


Place = tuple[Any, str]


def _place(one: OperationTotals, request: TotalsRequest) -> Place:
    return ORDERS[request.order_by](one), one.id.hex


def _write_cursor(place: Place, order_by: str) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([order_by, *place])).decode().rstrip("=")


def _read_cursor(text: str, order_by: str) -> Place:
    try:
        told = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        of, value, operation = told
        of_a_kind = isinstance(value, str) if order_by == "NAME" else isinstance(value, int | float)
        if of != order_by or not of_a_kind or not isinstance(operation, str):
            raise ValueError(text)
    except (ValueError, TypeError):
        raise BadCursor(msg("This cursor does not belong to this list."), path=("after",)) from None
    return value, operation
