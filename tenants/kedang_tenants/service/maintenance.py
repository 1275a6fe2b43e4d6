"""When what a customer owns is to be maintained: by the months or the counter since the last service (P5).

The last service is read from the living repair records that say that the maintenance was done; so an entry that
comes late moves nothing back, and archiving one undoes what it moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final, cast
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.i18n import msg
from kedang_platform.months import add_months
from kedang_tenants.changing import Change, Draft, afterwards, change_internally, prepares
from kedang_tenants.customers.belonging import same_customer
from kedang_tenants.reading import Viewer
from kedang_tenants.service.maintenance_plans import plan_maintenance
from kedang_tenants.service.models import CLOSED

MAINTENANCE_KIND: Final = "MAINTENANCE"
"""The kind of request whose closing is a service."""

_MOVED_BY: Final = frozenset({"repaired_on", "maintained", "counter", "archived_at", "owned_product_id"})
_COUNTED_BY: Final = (
    "last_serviced_on",
    "last_serviced_at_counter",
    "maintenance_counts",
    "maintenance_months",
    "maintenance_from",
    "installed_on",
    "bought_on",
)
_PLANNED_BY: Final = frozenset({"maintenance_due_on", "last_serviced_on", "archived_at"})
_OWNED: Final = "SELECT * FROM owned_product WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE"
_LAST_SERVICES: Final = """
SELECT DISTINCT ON (owned_product_id) owned_product_id, repaired_on, counter FROM repair_record
WHERE owned_product_id = ANY($1::uuid[]) AND maintained AND repaired_on IS NOT NULL AND archived_at IS NULL
ORDER BY owned_product_id, repaired_on DESC, counter DESC NULLS LAST, id
"""
_UNRECORDED: Final = """
SELECT id FROM service_request r WHERE id = ANY($1::uuid[]) AND NOT EXISTS (
    SELECT 1 FROM repair_record x
    WHERE x.request_id = r.id AND x.owned_product_id = r.owned_product_id AND x.archived_at IS NULL)
"""


def due_day(row: Mapping[str, Any], *, before: Mapping[str, Any] | None = None) -> date | None:
    """When the maintenance of an owned product is due; None where nothing is.

    The earlier of: the months of the interval after the last service (or after the day from which it
    counts, when that is later), and the day on which the counter was first read to have run far enough
    since; ``before`` is the row as it stood, so that reading the counter once more puts nothing off.
    """
    if row["retired_on"] is not None or row["archived_at"] is not None:
        return None
    days = [day for day in (_by_months(row), _by_counter(row), _reached(row, before)) if day is not None]
    return min(days, default=None)


def _by_months(row: Mapping[str, Any]) -> date | None:
    begun = [day for day in (row["maintenance_from"], row["last_serviced_on"]) if day is not None]
    anchor = max(begun, default=row["installed_on"] or row["bought_on"])
    if row["maintenance_months"] is None or anchor is None:
        return None
    return add_months(anchor, row["maintenance_months"])


def _by_counter(row: Mapping[str, Any]) -> date | None:
    if row["maintenance_counts"] is None or row["counter"] is None:
        return None
    run = row["counter"] - (row["last_serviced_at_counter"] or 0)
    return row["counter_read_on"] if run >= row["maintenance_counts"] else None


def _reached(row: Mapping[str, Any], before: Mapping[str, Any] | None) -> date | None:
    """The day that stood already when the counter had run far enough before, and still has, without a service since."""
    if before is None or any(row[name] != before[name] for name in _COUNTED_BY):
        return None
    return before["maintenance_due_on"] if _by_counter(before) and _by_counter(row) else None


@prepares("owned_product")
async def guard_owned_products(
    write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], clock: Clock
) -> None:
    """It is some product; days are in order, a reading has its day, and the due day follows from the rest."""
    today = viewer.today(clock)
    for draft in drafts:
        if draft.now("product_id") is None and draft.now("model") is None:
            draft.refuse("model", "REQUIRED", msg("Say a product or a model."))
        _note_reading(draft, today)
        _check_days(draft, today)
        _place_due(draft)
    await same_customer(write, drafts, "order_id", "sales_order")


def _note_reading(draft: Draft, today: date) -> None:
    """A counter was read today where nothing else is said; said again as it stands it was not read anew."""
    counter = draft.now("counter")
    read_anew = "counter" in draft.values and counter != (draft.old or {}).get("counter")
    if counter is None or not (read_anew or draft.now("counter_read_on") is None):
        return
    if draft.values.get("counter_read_on") is None:
        draft.values["counter_read_on"] = today


def _check_days(draft: Draft, today: date) -> None:
    installed, until = (cast("date | None", draft.now(name)) for name in ("installed_on", "warranty_until"))
    moved = {"installed_on", "warranty_until"} & draft.values.keys()
    if moved and installed is not None and until is not None and until < installed:
        draft.refuse(
            "warranty_until", "ENDS_BEFORE_IT_STARTS", msg("This cannot be before the installation.")
        )
    for name in ("counter_read_on", "retired_on"):
        day = cast("date | None", draft.values.get(name))
        if day is not None and day > today:
            draft.refuse(name, "IN_THE_FUTURE", msg("This lies in the future."))


def _place_due(draft: Draft) -> None:
    names = draft.record.table.columns.keys()
    due = due_day({name: draft.now(name) for name in names}, before=draft.old)
    if due != draft.now("maintenance_due_on"):
        draft.values["maintenance_due_on"] = due


@afterwards("owned_product")
async def keep_plans(write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], clock: Clock) -> None:
    """Each due day has its one follow-up; a service ends the one of the day that it moves."""
    await plan_maintenance(
        write,
        viewer,
        [draft.id for draft in drafts if _PLANNED_BY & draft.values.keys()],
        served={draft.id for draft in drafts if _service_moved(draft) > 0},
        unserved={draft.id for draft in drafts if _service_moved(draft) < 0},
        clock=clock,
    )


def _service_moved(draft: Draft) -> int:
    """Whether the last service is later than it was (1), earlier again (-1), or the same (0)."""
    before = cast("date | None", draft.old and draft.old.get("last_serviced_on")) or date.min
    now = cast("date | None", draft.now("last_serviced_on")) or date.min
    return (now > before) - (now < before)


@prepares("service_request")
async def guard_requests(write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], _clock: Clock) -> None:
    """What a request is about is its customer's, and the product of the request where none is said."""
    await same_customer(write, drafts, "owned_product_id", "owned_product")
    await _name_products(write, drafts)


@prepares("repair_record")
async def guard_services(write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], _clock: Clock) -> None:
    """A service is of something that the customer owns, held from now on; it keeps the counter as last read."""
    await same_customer(write, drafts, "owned_product_id", "owned_product")
    await _name_products(write, drafts)
    created = [draft for draft in drafts if draft.action == "create" and draft.values.get("owned_product_id")]
    owned = {row["id"]: row for row in await write.fetch(_OWNED, _owned_ids(drafts))}
    for draft in created:
        row = owned.get(draft.values["owned_product_id"])
        if row is not None and draft.values.get("serial_number") is None:
            draft.values["serial_number"] = row["serial_number"]
        if row is not None and draft.values.get("counter") is None:
            draft.values["counter"] = row["counter"]


async def _name_products(write: TenantWrite, drafts: Iterable[Draft]) -> None:
    wanted = [d for d in drafts if d.values.get("owned_product_id") and d.now("product_id") is None]
    if not wanted:
        return
    rows = await write.fetch(
        "SELECT id, product_id FROM owned_product WHERE id = ANY($1::uuid[])", _owned_ids(wanted)
    )
    products = {row["id"]: row["product_id"] for row in rows}
    for draft in wanted:
        product = products.get(draft.values["owned_product_id"])
        if product is not None:
            draft.values["product_id"] = product


def _owned_ids(drafts: Iterable[Draft]) -> list[UUID]:
    return sorted({cast("UUID", d.now("owned_product_id")) for d in drafts if d.now("owned_product_id")})


@afterwards("repair_record")
async def move_by_services(write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], clock: Clock) -> None:
    """The last service of what was serviced; the next due day follows from it, and the plan with it."""
    ids = _owned_ids(draft for draft in drafts if draft.action == "create" or _MOVED_BY & draft.values.keys())
    if not ids:
        return
    owned = await write.fetch(_OWNED, ids)
    last = {row["owned_product_id"]: row for row in await write.fetch(_LAST_SERVICES, ids)}
    changes = []
    for row in owned:
        service = last.get(row["id"])
        values: dict[str, object] = {
            "last_serviced_on": service["repaired_on"] if service else None,
            "last_serviced_at_counter": service["counter"] if service else None,
        }
        if service and service["counter"] is not None and service["counter"] > (row["counter"] or 0):
            values |= {"counter": service["counter"], "counter_read_on": service["repaired_on"]}
        if any(row[name] != value for name, value in values.items()):
            changes.append(Change("owned_product", "update", row["id"], values=values))
    await change_internally(write, viewer, changes, clock=clock)


@afterwards("service_request")
async def keep_service(write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], clock: Clock) -> None:
    """A request for maintenance that is closed stays in the archive as a service, where nobody recorded one (S2)."""
    closed = [
        draft
        for draft in drafts
        if draft.values.get("state") == CLOSED
        and draft.now("kind") == MAINTENANCE_KIND
        and draft.now("owned_product_id") is not None
    ]
    if not closed:
        return
    found = await write.fetch(_UNRECORDED, [draft.id for draft in closed])
    unrecorded = {row["id"] for row in found}
    services = [_service(draft, viewer, clock) for draft in closed if draft.id in unrecorded]
    await change_internally(write, viewer, services, clock=clock)


def _service(draft: Draft, viewer: Viewer, clock: Clock) -> Change:
    names = ("customer_id", "owned_product_id", "product_id")
    values = {name: draft.now(name) for name in names} | {
        "request_id": draft.id,
        "fault": draft.now("title"),
        "work_done": draft.now("result"),
        "technician_id": draft.now("owner_id"),
        "repaired_on": viewer.today(clock),
    }
    return Change("repair_record", "create", values={n: v for n, v in values.items() if v is not None})
