"""When customers are graded by themselves: what they are measured by changes, or they become or cease to be buyers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.changing import Event, subscribe
from kedang_tenants.grading.grades import grade_customers
from kedang_tenants.grading.measures import ArchiveFacts, DatedFacts, FactsOfADay
from kedang_tenants.grading.rule_content import IN_REGION, GradeRule
from kedang_tenants.grading.schemes import REGRADE, InForce, enqueue_regrades, schemes_in_force
from kedang_tenants.grading.trade_measures import ARREARS, ORDERS
from kedang_tenants.reading import Viewer

TOGETHER: Final = timedelta(minutes=10)
"""A rule that compares customers is run for everybody, at most once in this time."""

_BUYING: Final = frozenset({"roles", "directory"})
# What the product itself keeps up to date on customers, and no rule is made for.
_NOT_MEASURED: Final = frozenset(
    {"next_follow_up_on", "last_contact_at", "name_sort", "search_text", "updated_at"}
)


def follow(source: DatedFacts | FactsOfADay) -> None:
    """Grade customers anew whenever an event says that their figures of this source may be others (at import)."""
    for name, fields in source.events.items():
        subscribe(name)(_Following(source, name, fields))


class _Following:
    """One event of one source."""

    def __init__(self, source: DatedFacts | FactsOfADay, name: str, fields: frozenset[str]) -> None:
        self._source = source
        self._fields = fields
        self._customers_of = source.customers_of[name.partition(".")[0]]

    async def __call__(
        self, write: TenantWrite, viewer: Viewer, events: Sequence[Event], clock: Clock
    ) -> None:
        ids = [event.record_id for event in events if not self._fields or self._fields & event.changes.keys()]
        schemes = [
            scheme
            for scheme in (await schemes_in_force(write) if ids else [])
            if self._source.code in source_codes(scheme.rule)
        ]
        if schemes:
            rows = await write.fetch(self._customers_of, ids)
            customers = [row["customer_id"] for row in rows if row["customer_id"] is not None]
            await _grade(write, viewer, schemes, customers, clock)


def source_codes(rule: GradeRule) -> set[str]:
    """The sources that a rule's figures come from."""
    return {criterion.measure.source.code for criterion in rule.criteria}


async def _grade(
    write: TenantWrite, viewer: Viewer, schemes: Sequence[InForce], ids: Sequence[UUID], clock: Clock
) -> None:
    """Grade these customers by each scheme; where customers are compared, have everybody graded soon."""
    for scheme in schemes if ids else ():
        if scheme.rule.compares_customers:
            await _regrade_soon(write, scheme, clock)
        else:
            await grade_customers(write, viewer, ids, scheme_id=scheme.id, clock=clock)


async def _regrade_soon(write: TenantWrite, scheme: InForce, clock: Clock) -> None:
    now = clock.now()
    turn = int(now.timestamp() // TOGETHER.total_seconds()) + 1
    due_at = now.fromtimestamp(turn * TOGETHER.total_seconds(), tz=now.tzinfo)
    key = f"{REGRADE}:{scheme.id.hex}:{turn}"
    await enqueue(write, NewJob(REGRADE, {"scheme": str(scheme.id)}, key=key, due_at=due_at))


follow(ORDERS)
follow(ARREARS)


@subscribe("customer.created", "customer.updated", "customer.restored")
async def grade_by_customers(
    write: TenantWrite, viewer: Viewer, events: Sequence[Event], clock: Clock
) -> None:
    changed = [
        event for event in events if event.name != "customer.updated" or event.changes.keys() - _NOT_MEASURED
    ]
    for scheme in await schemes_in_force(write) if changed else ():
        reads = _reads_archive(scheme.rule)
        ids = [event.record_id for event in changed if reads or _may_buy(event.name, event.changes)]
        await _grade(write, viewer, [scheme], ids, clock)


def _may_buy(name: str, changes: Mapping[str, object]) -> bool:
    """Whether the event may make a buyer of a customer, or none."""
    return name != "customer.updated" or bool(_BUYING & changes.keys())


def _reads_archive(rule: GradeRule) -> bool:
    """Whether a rule looks at what stands in the customer's archive."""
    return ArchiveFacts().code in source_codes(rule) or IN_REGION in {
        rule.within,
        *(criterion.within for criterion in rule.criteria),
    }


@subscribe("grade_scheme.updated")
async def grade_by_leading_scheme(
    write: TenantWrite, _viewer: Viewer, events: Sequence[Event], _clock: Clock
) -> None:
    """A scheme that comes to lead shows its grades at every customer."""
    ids = {event.record_id for event in events if "leads" in event.changes}
    if ids:
        schemes = [scheme for scheme in await schemes_in_force(write) if scheme.leads and scheme.id in ids]
        await enqueue_regrades(write, schemes)


async def grade_by_passing_time(write: TenantWrite) -> None:
    """Ask for the customers to be graded anew where figures, or what a guard keeps, move with the days."""
    schemes = await schemes_in_force(write)
    await enqueue_regrades(write, [scheme for scheme in schemes if scheme.rule.moves_with_time])
