"""Recency, frequency, money: in which fifth of the buyers each customer stands (G6).

Recency goes by the last purchase of all, frequency and money by those of the last twelve months, whatever their currency.
A score is 1 + five times the share of buyers who stand strictly lower, rounded down: equal figures have equal scores,
whatever order the rows come in. Who never bought has none.

Money is compared in the company's currency. Amounts in others cannot be added to it, for there are no rates: whoever bought
for any within the twelve months has no score for money, which is unknown and not the least, and is not counted among those
whom others are compared with. Recency and frequency they have.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import Forbidden, NotFound
from kedang_platform.i18n import msg
from kedang_platform.months import add_months
from kedang_platform.work import NewJob, enqueue
from kedang_platform.work.parts import Part
from kedang_tenants.catalogue import catalogue
from kedang_tenants.reading import Lookup, Scope, Select, Viewer, read_lookup
from kedang_tenants.reading.masks import field_scope, owned
from kedang_tenants.reading.statement import Statement
from kedang_tenants.trade.facts import sold

MEASURE: Final = "classing.rfm"
"""The kind of job that scores all customers of a company."""
CHUNK: Final = 20_000
"""Customers that one step writes; each step measures everybody, since a fifth is one of all."""
MONTHS: Final = 12

_BOUGHT: Final = f"""
SELECT o.customer_id, max(o.ordered_on) AS last_on,
       count(*) FILTER (WHERE o.ordered_on >= {{first}}) AS orders,
       count(*) FILTER (WHERE o.ordered_on >= {{first}} AND o.currency <> {{currency}}) AS foreign_orders,
       coalesce(sum(o.total) FILTER (WHERE o.ordered_on >= {{first}} AND o.currency = {{currency}}), 0)::bigint AS money
FROM sales_order o
WHERE {sold()} AND o.ordered_on < {{end}} AND {{where}}
GROUP BY o.customer_id
"""
_LIVING: Final = (
    "EXISTS (SELECT 1 FROM customer living WHERE living.id = o.customer_id AND living.archived_at IS NULL)"
)


def _fifth(figure: str, known: str = "TRUE") -> str:
    """The score by a figure, among those of whom it is known."""
    score = (
        f"(1 + 5 * (rank() OVER (PARTITION BY {known} ORDER BY {figure}) - 1)"
        f" / count(*) OVER (PARTITION BY {known}))::int"
    )
    return f"CASE WHEN {known} THEN {score} END"


_MEASURE: Final = f"""
WITH bought AS ({_BOUGHT.format(first="$1", end="$2", currency="$3", where=_LIVING)}),
scored AS (
    SELECT customer_id, {_fifth("last_on")} AS recency, {_fifth("orders")} AS frequency, {_fifth("money", "foreign_orders = 0")} AS monetary
    FROM bought
),
moved AS (
    SELECT c.id, s.recency, s.frequency, s.monetary
    FROM customer c LEFT JOIN scored s ON s.customer_id = c.id
    WHERE (c.rfm_recency, c.rfm_frequency, c.rfm_monetary) IS DISTINCT FROM (s.recency, s.frequency, s.monetary)
      AND ($4::uuid IS NULL OR c.id > $4)
    ORDER BY c.id LIMIT {CHUNK} FOR NO KEY UPDATE OF c
)
UPDATE customer c SET rfm_recency = m.recency, rfm_frequency = m.frequency, rfm_monetary = m.monetary
FROM moved m WHERE c.id = m.id
RETURNING c.id
"""


@dataclass(frozen=True, slots=True)
class Scores:
    """What a customer bought and the fifths that it stands in; None where it is unknown or not for the viewer.

    ``orders`` and ``money`` are those since ``since``: ``money`` in minor units of the company's currency, without the
    ``foreign_orders``, which are in others; where there are any ``monetary`` is unknown.
    """

    recency: int | None
    frequency: int | None
    monetary: int | None
    since: date
    last_on: date | None = None
    orders: int | None = None
    money: int | None = None
    foreign_orders: int | None = None


async def ask_for_scores(write: TenantWrite, viewer: Viewer) -> UUID:
    """Have all customers scored now, not only at night; returns the job's id. Raises Forbidden."""
    if viewer.on("customer_class").update is not Scope.ALL:
        raise Forbidden(msg("You may not do this."))
    (job_id,) = await enqueue(write, NewJob(MEASURE))
    return job_id


async def count_customers(read: TenantRead) -> int:
    """How many customers there are."""
    return int(await read.fetchval("SELECT count(*) FROM customer"))


async def score_part(write: TenantWrite, viewer: Viewer, *, after: UUID | None, clock: Clock) -> Part:
    """Write the scores of the next customers behind the id ``after`` that have others; repeating changes nothing.

    A score is not an edit: the customer's version stays, and nothing is told of it.
    """
    first, end = _period(viewer, clock)
    rows = await write.fetch(_MEASURE, first, end, viewer.currency, after)
    last = max((row["id"] for row in rows), default=None) if len(rows) == CHUNK else None
    return Part(last=last, seen=len(rows), changed=len(rows))


def _period(viewer: Viewer, clock: Clock) -> tuple[date, date]:
    """The first of the last twelve months' days, and the first that no longer counts: tomorrow."""
    end = viewer.today(clock) + timedelta(days=1)
    return add_months(end, -MONTHS), end


async def scores_of(read: TenantRead, viewer: Viewer, *, customer_id: UUID, clock: Clock) -> Scores:
    """The scores of a customer as last measured, with its figures of now; raises NotFound.

    Figures are told to whoever may read the totals of its orders.
    """
    names = ("rfm_recency", "rfm_frequency", "rfm_monetary")
    found = await read_lookup(read, viewer, Lookup("customer", (customer_id,), Select(fields=names)))
    if not found.page.rows:
        raise NotFound(msg("There is no such record."), path=("customerId",))
    row = found.page.rows[0]
    recency, frequency, monetary = (row[found.layout.fields[name]] for name in names)
    first, end = _period(viewer, clock)
    scores = Scores(recency, frequency, monetary, since=first)
    statement, order = Statement(), catalogue().record("order")
    scope = field_scope(viewer, order, order.fields["total"])
    reached = owned(statement, viewer, order, "o", scope) or "TRUE"
    sql = _BOUGHT.format(
        first=f"{statement.bind(first)}::date",
        end=f"{statement.bind(end)}::date",
        currency=f"{statement.bind(viewer.currency)}::text",
        where=f"o.customer_id = {statement.bind(customer_id)}::uuid AND {reached}",
    )
    figures = await read.fetchrow(sql, *statement.values)
    if figures is None:
        return scores
    return Scores(
        recency,
        frequency,
        monetary,
        since=first,
        last_on=figures["last_on"],
        orders=figures["orders"],
        money=figures["money"],
        foreign_orders=figures["foreign_orders"],
    )
