"""The matrix of grades: from which level to which customers went between two days (G3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from kedang_platform.database import TenantRead
from kedang_platform.errors import BadUserInput, Forbidden, NotFound
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import catalogue
from kedang_tenants.reading import Scope, Viewer
from kedang_tenants.reading.masks import visible
from kedang_tenants.reading.statement import Statement

_EARLIEST, _LATEST = date(1900, 1, 1), date(9998, 12, 31)


class WrongDays(BadUserInput):
    """The first of two days comes after the last one."""


@dataclass(frozen=True, slots=True)
class Way:
    """So many customers had one level at the beginning and have the other at the end; None is no grade."""

    before_id: UUID | None
    after_id: UUID | None
    customers: int


async def movement(
    read: TenantRead, viewer: Viewer, *, scheme_id: UUID, first: date, last: date
) -> list[Way]:
    """From the beginning of ``first`` to the end of ``last``, in the company's zone, of customers whom the viewer sees.

    Those who stayed are counted, too; those without a grade on both days are not. Raises Forbidden, NotFound, WrongDays.
    """
    if viewer.on("customer_grade").read is Scope.NONE:
        raise Forbidden(msg("You may not read this."))
    if first > last:
        raise WrongDays(msg("The first day comes after the last one."), path=("first",))
    if not await read.fetchval("SELECT true FROM grade_scheme WHERE id = $1", scheme_id):
        raise NotFound(msg("There is no such record."), path=("schemeId",))
    # Nobody was graded outside of these, and a moment of their days is one in every zone.
    first, last = (min(max(day, _EARLIEST), _LATEST) for day in (first, last))
    statement = Statement()
    scheme = statement.bind(scheme_id)
    zone = ZoneInfo(viewer.time_zone)
    customers = visible(statement, viewer, catalogue().record("customer"), "c") or "TRUE"

    def held(alias: str, at: datetime) -> str:
        seen = visible(statement, viewer, catalogue().record("customer_grade"), alias) or "TRUE"
        place = statement.bind(at)
        return (
            f"LEFT JOIN customer_grade {alias} ON {alias}.customer_id = c.id AND {alias}.scheme_id = {scheme}"
            f" AND {alias}.archived_at IS NULL AND {alias}.graded_at < {place}"
            f" AND ({alias}.ended_at IS NULL OR {alias}.ended_at >= {place}) AND {seen}"
        )

    sql = f"""
SELECT a.level_id AS before_id, b.level_id AS after_id, count(*) AS customers
FROM customer c
{held("a", _begins(first, zone))}
{held("b", _begins(last + timedelta(days=1), zone))}
WHERE c.archived_at IS NULL AND (a.id IS NOT NULL OR b.id IS NOT NULL) AND {customers}
GROUP BY 1, 2 ORDER BY 1 NULLS FIRST, 2 NULLS FIRST
"""
    return [Way(**dict(row)) for row in await read.fetch(sql, *statement.values)]


def _begins(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
