"""Making jobs of the rules that recur."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from kedang_platform.clock import Clock
from kedang_platform.database import CompanyRef, ControlTransaction, Databases
from kedang_platform.registry import Company, recurring_companies
from kedang_platform.work.jobs import NewJob, enqueue
from kedang_platform.work.recurrence import Rule
from kedang_platform.work.tables import INSTALLATION

_UTC = ZoneInfo("UTC")

# Several schedulers may find the same occurrence; the one whose row this is makes the job.
_ADVANCE = """
INSERT INTO work.occurrence (rule, tenant, latest)
SELECT rule, tenant, latest FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS found (rule, tenant, latest)
ON CONFLICT (rule, tenant) DO UPDATE SET latest = excluded.latest WHERE occurrence.latest < excluded.latest
RETURNING rule, tenant
"""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time that a rule occurs, in one company or in the installation."""

    rule: Rule
    company: CompanyRef | None
    at: datetime
    zone: ZoneInfo

    @property
    def tenant(self) -> str:
        return self.company.schema if self.company else INSTALLATION

    def job(self) -> NewJob:
        instant = self.at.astimezone(UTC).isoformat()
        return NewJob(
            kind=self.rule.kind,
            key=f"{self.rule.name}@{instant}",
            payload={"occurrence": instant, "date": self.at.astimezone(self.zone).date().isoformat()},
            company=self.company,
        )


class Scheduler:
    """Makes the jobs of recurring rules; remembers what it has made only to ask the database less often.

    Without a ``clock`` it goes by the database's, which all schedulers share: theirs may be wrong by any amount, and
    still each occurrence is made once, never early, and at most a look (2 seconds) late while one of them runs.
    """

    def __init__(self, *, databases: Databases, rules: Sequence[Rule], clock: Clock | None = None) -> None:
        self._databases = databases
        self._rules = rules
        self._clock = clock
        self._made: dict[tuple[str, str], datetime] = {}

    async def make_due(self) -> int:
        """Make a job of each rule's latest occurrence that has none yet; returns how many were made.

        A company's rules begin with the company: nothing that lay before it is made up for.
        """
        async with self._databases.control_read() as read:
            companies = await recurring_companies(read)
            now = self._clock.now() if self._clock else await read.fetchval("SELECT now()")
        found = [each for each in self._latest(companies, now) if self._is_new(each)]
        if not found:
            return 0
        async with self._databases.control() as tx:
            made = await make_jobs(tx, found)
        self._made.update({(each.rule.name, each.tenant): each.at for each in found})
        return made

    def _is_new(self, found: Occurrence) -> bool:
        made = self._made.get((found.rule.name, found.tenant))
        return made is None or made < found.at

    def _latest(self, companies: Iterable[Company], now: datetime) -> Iterator[Occurrence]:
        everywhere = [rule for rule in self._rules if not rule.installation]
        for rule in self._rules:
            if rule.installation:
                yield Occurrence(rule, None, rule.pattern.latest(now, _UTC), _UTC)
        by_zone: dict[str, list[tuple[Rule, datetime]]] = {}
        for company in companies:
            zone = ZoneInfo(company.time_zone)
            if company.time_zone not in by_zone:
                by_zone[company.time_zone] = [(rule, rule.pattern.latest(now, zone)) for rule in everywhere]
            for rule, at in by_zone[company.time_zone]:
                if at >= company.created_at:
                    yield Occurrence(rule, company.ref, at, zone)


async def make_jobs(tx: ControlTransaction, found: Sequence[Occurrence]) -> int:
    """Make jobs of those occurrences that are later than the last one made; returns how many."""
    # Sorted, so that two schedulers lock the rows in one order.
    ordered = sorted(found, key=lambda each: (each.rule.name, each.tenant))
    advanced = await tx.fetch(
        _ADVANCE,
        [each.rule.name for each in ordered],
        [each.tenant for each in ordered],
        [each.at for each in ordered],
    )
    fresh = {(row["rule"], row["tenant"]) for row in advanced}
    await enqueue(tx, *(each.job() for each in ordered if (each.rule.name, each.tenant) in fresh))
    return len(fresh)
