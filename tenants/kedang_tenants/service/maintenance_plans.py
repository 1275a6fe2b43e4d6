"""The follow-up of each day on which a maintenance is due: exactly one, whatever becomes of it (P5)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.i18n import Language, msg, translate
from kedang_platform.working_calendar import WorkingCalendar
from kedang_tenants.catalogue.languages import in_our_languages
from kedang_tenants.changing import Change, Event, change_internally, subscribe
from kedang_tenants.followups.models import CANCELLED, DONE, MAINTENANCE, PLANNED
from kedang_tenants.followups.planning import lock_customers
from kedang_tenants.people.working_days import load_calendar
from kedang_tenants.reading import Viewer

RECORD: Final = "follow_up_plan"
_PURPOSE: Final = msg("Maintenance: {product}")
_SERIAL: Final = msg("{product}, serial number {serial}")
_WHY: Final = msg("The maintenance of {product} is due on {day}.")

_LONGEST_PURPOSE: Final = 500
_CUSTOMERS: Final = "SELECT DISTINCT customer_id FROM owned_product WHERE id = ANY($1::uuid[])"
_OWNED: Final = """
SELECT o.id, o.customer_id, o.maintenance_due_on AS due_on, o.last_serviced_on, o.serial_number,
       coalesce(p.name, o.model) AS product, c.owner_id, c.archived_at AS customer_gone
FROM owned_product o JOIN customer c ON c.id = o.customer_id LEFT JOIN product p ON p.id = o.product_id
WHERE o.id = ANY($1::uuid[]) ORDER BY o.id
"""
_PLANS: Final = """
SELECT id, owned_product_id, maintenance_on, state, owner_id, archived_at FROM follow_up_plan
WHERE owned_product_id = ANY($1::uuid[]) AND maintenance_on IS NOT NULL ORDER BY id FOR UPDATE
"""
_OF_CUSTOMERS: Final = """
SELECT o.id FROM owned_product o WHERE o.customer_id = ANY($1::uuid[])
  AND (o.maintenance_due_on IS NOT NULL OR EXISTS (
      SELECT 1 FROM follow_up_plan p WHERE p.owned_product_id = o.id AND p.maintenance_on IS NOT NULL))
ORDER BY o.id
"""


async def plan_maintenance(
    write: TenantWrite,
    viewer: Viewer,
    owned_ids: Sequence[UUID],
    *,
    served: Collection[UUID] = (),
    unserved: Collection[UUID] = (),
    clock: Clock,
) -> None:
    """Give the due day of each of these its one plan; repeating changes nothing.

    An open plan follows its day; of what was ``served`` it is done, and of what is ``unserved`` again, since the
    record of a service was taken back, it is open as before. A day that had its plan gets no second one, be it
    done or cancelled. Where nothing is due, or the customer has no owner, there is none.
    """
    customers = await write.fetch(_CUSTOMERS, list(owned_ids)) if owned_ids else []
    if not customers:
        return
    await lock_customers(write, [row["customer_id"] for row in customers])
    rows = await write.fetch(_OWNED, list(owned_ids))
    plans = await write.fetch(_PLANS, list(owned_ids))
    planning = _Planning(await load_calendar(write, country=viewer.country), viewer, viewer.today(clock))
    changes: list[Change] = []
    for row in rows:
        own = [plan for plan in plans if plan["owned_product_id"] == row["id"]]
        changes += planning.changes(row, own, served=row["id"] in served, unserved=row["id"] in unserved)
    changes.sort(key=lambda one: one.action)
    await change_internally(write, viewer, changes, clock=clock)


@dataclass(frozen=True, slots=True)
class _Planning:
    """Planning in one company on one day."""

    calendar: WorkingCalendar
    viewer: Viewer
    today: date

    def changes(
        self, row: asyncpg.Record, plans: Sequence[asyncpg.Record], *, served: bool, unserved: bool
    ) -> list[Change]:
        """What has to happen to the plans of one owned product."""
        wanted = row["owner_id"] is not None and row["customer_gone"] is None
        due = row["due_on"] if wanted else None
        free = due is not None and all(plan["maintenance_on"] != due for plan in plans)
        found: list[Change] = []
        for plan in plans:
            if plan["maintenance_on"] == due:
                found += self._kept(row, plan, unserved=unserved)
            elif not _is_open(plan):
                continue
            elif served:
                found.append(_update(plan, state=DONE, done_on=row["last_serviced_on"]))
            elif free:
                found.append(_update(plan, **self._values(row)))
                free = False
            else:
                found.append(_update(plan, state=CANCELLED, done_on=self.today, maintenance_on=None))
        if free:
            head = {"customer_id": row["customer_id"], "owned_product_id": row["id"]}
            values = {**self._values(row), **head, "state": PLANNED, "origin": MAINTENANCE}
            found.append(Change(RECORD, "create", values=values))
        return found

    def _kept(self, row: asyncpg.Record, plan: asyncpg.Record, *, unserved: bool) -> list[Change]:
        """The plan of the day that is due: its owner is the customer's, and it is open again after a mistake."""
        values: dict[str, object] = {}
        if unserved and plan["state"] == DONE and plan["archived_at"] is None:
            values = {"state": PLANNED, "done_on": None, "owner_id": row["owner_id"]}
        elif _is_open(plan) and plan["owner_id"] != row["owner_id"]:
            values = {"owner_id": row["owner_id"]}
        return [_update(plan, **values)] if values else []

    def _values(self, row: asyncpg.Record) -> dict[str, object]:
        """A plan for the due day: on a working day, and never before the day on which it is made."""
        due: date = row["due_on"]
        language: Language = "zh-CN" if self.viewer.language == "zh-CN" else "en"
        purpose = translate(_PURPOSE, language, {"product": _shown(row, language)})
        return {
            "due_on": self.calendar.next_working(max(due, self.today)),
            "owner_id": row["owner_id"],
            "purpose": purpose[:_LONGEST_PURPOSE],
            "rule": in_our_languages(
                lambda each: translate(_WHY, each, {"product": _shown(row, each), "day": due.isoformat()})
            ),
            "maintenance_on": due,
        }


def _is_open(plan: asyncpg.Record) -> bool:
    return plan["state"] == PLANNED and plan["archived_at"] is None


def _shown(row: asyncpg.Record, language: Language) -> str:
    name = {"product": row["product"] or "", "serial": row["serial_number"] or ""}
    return translate(_SERIAL, language, name) if name["serial"] else name["product"]


def _update(plan: asyncpg.Record, **values: object) -> Change:
    return Change(RECORD, "update", plan["id"], values=values)


@subscribe("customer.updated", "customer.archived", "customer.restored")
async def plan_by_customer(write: TenantWrite, viewer: Viewer, events: Sequence[Event], clock: Clock) -> None:
    """The plans go with the customer: to a new owner, away with the archive, and back."""
    moved = [
        event.record_id for event in events if event.name != "customer.updated" or "owner_id" in event.changes
    ]
    if moved:
        found = await write.fetch(_OF_CUSTOMERS, moved)
        await plan_maintenance(write, viewer, [row["id"] for row in found], clock=clock)
