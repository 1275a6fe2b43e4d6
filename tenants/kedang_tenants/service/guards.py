"""The rules of service that hold in every write, whoever writes and by whichever way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.i18n import msg
from kedang_tenants.changing import Draft, afterwards, prepares
from kedang_tenants.customers.belonging import same_customer
from kedang_tenants.people.notices import REQUEST_ASSIGNED
from kedang_tenants.people.telling import Telling, tell
from kedang_tenants.people.working_days import load_hours
from kedang_tenants.reading import Viewer
from kedang_tenants.service.assignment import assign_new
from kedang_tenants.service.clocks import CLOCKS, next_telling, planned
from kedang_tenants.service.numbers import next_numbers
from kedang_tenants.service.standards import allowed_minutes, load_standards, most_exact

_MOVES_CLOCKS: Final = frozenset(
    {
        "state",
        "priority",
        "owner_id",
        "archived_at",
        "first_answer_minutes",
        "first_answer_due_at",
        "first_answered_at",
        "solution_minutes",
        "solution_due_at",
        "solved_at",
    }
)

_SOONER: Final = msg("The solution cannot be due before the first answer.")
_PROMISED: Final = msg("There is a standard for this grade and priority already; change that one.")
_STANDARDS: Final = """
SELECT grade_level_id, priority FROM service_standard
WHERE archived_at IS NULL AND id <> ALL($1::uuid[])
"""


@prepares("service_request")
async def guard_requests(write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], clock: Clock) -> None:
    """Contact and order are the customer's; a new request gets its number, its responsible person, its clocks."""
    await same_customer(write, drafts, "contact_id", "contact")
    await same_customer(write, drafts, "order_id", "sales_order")
    opened = [draft for draft in drafts if draft.action == "create" and not draft.refused]
    if opened:
        numbers = await next_numbers(write, viewer, len(opened), clock=clock)
        for draft, number in zip(opened, numbers, strict=True):
            draft.values["number"] = number
            draft.values.setdefault("opened_at", clock.now())
        await assign_new(write, opened, clock)
    moved = [draft for draft in drafts if not draft.refused and _MOVES_CLOCKS & draft.values.keys()]
    if moved:
        await _keep_clocks(write, viewer, moved, clock)


async def _keep_clocks(write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], clock: Clock) -> None:
    """Plan the clocks of new requests and of those whose priority changes; see when somebody is to be told."""
    hours = await load_hours(write, country=viewer.country, time_zone=viewer.time_zone)
    replanned = [draft for draft in drafts if draft.action == "create" or _changes(draft, "priority")]
    if replanned:
        await _allow(write, replanned)
        for draft in replanned:
            draft.values |= planned(hours, now_of(draft))
    for draft in drafts:
        for name in CLOCKS:
            if draft.action != "create" and _is_told_anew(draft, name, clock):
                draft.values[f"{name}_told"] = 0
        draft.values["escalate_at"] = next_telling(hours, now_of(draft))


def _is_told_anew(draft: Draft, name: str, clock: Clock) -> bool:
    """Whether a clock that runs out is news: to another owner, after a reopening, by a due time that is yet to come.

    Of one that has run out and stays so, however it moved while we waited, everybody has heard.
    """
    if _changes(draft, "owner_id") or _changes(draft, "reopened_count"):
        return True
    due = cast("datetime | None", draft.values.get(f"{name}_due_at"))
    return _changes(draft, f"{name}_due_at") and due is not None and due > clock.now()


async def _allow(write: TenantWrite, drafts: Sequence[Draft]) -> None:
    """Put into the drafts how many minutes the standard for grade and priority allows."""
    customers = list({cast("UUID", draft.now("customer_id")) for draft in drafts})
    rows = await write.fetch("SELECT id, grade_level_id FROM customer WHERE id = ANY($1::uuid[])", customers)
    grades = {row["id"]: row["grade_level_id"] for row in rows}
    standards = await load_standards(write)
    for draft in drafts:
        grade = grades.get(draft.now("customer_id"))
        standard = most_exact(standards, grade_level_id=grade, priority=str(draft.now("priority")))
        at_most = cast("int | None", draft.now("solution_minutes_at_most"))
        draft.values |= allowed_minutes(standard, at_most=at_most)


def now_of(draft: Draft) -> Mapping[str, Any]:
    """The row as it will be; nobody has been told yet of a new one's clocks."""
    nothing = dict.fromkeys(draft.record.table.columns.keys())
    told = {f"{name}_told": 0 for name in CLOCKS}
    return {**nothing, **told, **(draft.old or {}), **draft.values}


def _changes(draft: Draft, name: str) -> bool:
    return name in draft.values and draft.old is not None and draft.values[name] != draft.old.get(name)


@afterwards("service_request")
async def tell_new_owners(write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], clock: Clock) -> None:
    """Whoever becomes responsible for a request is told, unless they took it themselves.

    Of a request that the product itself opens, what made it do so tells; nobody is told twice of one event (T10).
    """
    given = [draft for draft in drafts if _opened_by_somebody(draft, viewer) or _changes(draft, "owner_id")]
    given = [draft for draft in given if draft.now("owner_id") not in {None, viewer.member_id}]
    if not given:
        return
    rows = await write.fetch(
        "SELECT id, name FROM customer WHERE id = ANY($1::uuid[])",
        list({cast("UUID", draft.now("customer_id")) for draft in given}),
    )
    names = {row["id"]: row["name"] for row in rows}
    await tell(
        write, viewer, [_telling(draft, names[draft.now("customer_id")]) for draft in given], clock=clock
    )


def _opened_by_somebody(draft: Draft, viewer: Viewer) -> bool:
    return draft.action == "create" and viewer.member_id is not None


def _telling(draft: Draft, customer: str) -> Telling:
    return Telling(
        kind=REQUEST_ASSIGNED,
        member_id=cast("UUID", draft.now("owner_id")),
        occasion=f"assigned:{draft.id.hex}:{draft.now('version')}",
        title=msg("Service request {number} is yours"),
        body=msg("{customer} asks: {title}"),
        params={"number": draft.now("number"), "customer": customer, "title": draft.now("title")},
        about=("service_request", draft.id),
    )


@prepares("service_standard")
async def guard_standards(
    write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], _clock: Clock
) -> None:
    """One standard for each grade and priority, so that none stands there without effect; the answer comes first."""
    written = [draft.id for draft in drafts]
    taken = {(row["grade_level_id"], row["priority"]) for row in await write.fetch(_STANDARDS, written)}
    for draft in drafts:
        if draft.now("archived_at") is not None:
            continue
        answer, solution = draft.now("first_answer_minutes"), draft.now("solution_minutes")
        if isinstance(answer, int) and isinstance(solution, int) and solution < answer:
            draft.refuse("solution_minutes", "SOONER_THAN_ANSWER", _SOONER)
        promised = (cast("UUID | None", draft.now("grade_level_id")), draft.now("priority"))
        if promised in taken:
            draft.refuse(None, "ALREADY_EXISTS", _PROMISED)
        taken.add(promised)


@prepares("repair_record")
async def guard_repairs(write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], clock: Clock) -> None:
    """A repair is of the past, by whoever records it where nobody is said; its request is the customer's."""
    today = viewer.today(clock)
    for draft in drafts:
        if draft.action == "create":
            draft.values["technician_id"] = draft.values.get("technician_id") or viewer.member_id
            draft.values["repaired_on"] = draft.values.get("repaired_on") or today
        if draft.now("cost") is not None and draft.now("currency") is None:
            draft.values["currency"] = viewer.currency
        day = cast("Any", draft.values.get("repaired_on"))
        if day is not None and day > today:
            draft.refuse("repaired_on", "IN_THE_FUTURE", msg("This lies in the future."))
    await same_customer(write, drafts, "request_id", "service_request")
