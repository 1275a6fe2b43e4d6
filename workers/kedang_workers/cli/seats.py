"""``kedang seats``: what companies have and have ordered, and the confirmation of their bank transfers."""

from __future__ import annotations

import json
from typing import Final

from kedang_platform.clock import SystemClock
from kedang_platform.database import Databases
from kedang_platform.embedded import Echo
from kedang_platform.i18n import msg
from kedang_platform.licensing import CompanySeats, SeatOrder, list_seats
from kedang_platform.money import to_amount
from kedang_platform.settings import Settings
from kedang_tenants.people.seats import confirm_seats
from kedang_workers.cli.reaching import account, reach

ALREADY_CONFIRMED: Final = 4
"""Exit code of a confirmation that had been made before: nothing was added, and nothing is wrong."""


def confirm(settings: Settings, *, reference: str, operator: str | None, echo: Echo, as_json: bool) -> None:
    """Confirm the transfer and tell what it bought. Raises as ``confirm_seats``, InstallationUnknown."""

    async def work(databases: Databases) -> SeatOrder:
        return await confirm_seats(
            databases, reference=reference, operator=operator or account(), clock=SystemClock()
        )

    order = reach(settings, work)
    if as_json:
        print(json.dumps(_told(order), ensure_ascii=False))
        return
    echo(
        msg("Confirmed: {reference}, {amount} {currency}. Further seats of the company: {seats}."),
        reference=order.reference,
        amount=to_amount(minor=order.amount, currency=order.currency),
        currency=order.currency,
        seats=order.seats,
    )


def show(settings: Settings, *, echo: Echo, as_json: bool) -> None:
    """Tell the seats of every company, and its orders without a confirmed transfer."""

    async def work(databases: Databases) -> list[CompanySeats]:
        async with databases.control_read() as read:
            return await list_seats(read)

    companies = reach(settings, work)
    if as_json:
        print(json.dumps([_company(company) for company in companies], ensure_ascii=False))
        return
    for company in companies:
        echo(
            msg("{name}: seats taken {taken} of {capacity}, paid {paid}"),
            name=company.name,
            taken=company.seats.taken,
            capacity=company.seats.total,
            paid=company.seats.paid,
        )
        for order in company.pending:
            echo(
                msg("  {reference}: seats {seats}, {amount} {currency}, ordered on {day}"),
                reference=order.reference,
                seats=order.seats,
                amount=to_amount(minor=order.amount, currency=order.currency),
                currency=order.currency,
                day=order.ordered_at.date().isoformat(),
            )


def _company(company: CompanySeats) -> dict[str, object]:
    return {
        "id": str(company.company_id),
        "name": company.name,
        "free": company.seats.free,
        "paid": company.seats.paid,
        "taken": company.seats.taken,
        "capacity": company.seats.total,
        "pending": [_told(order) for order in company.pending],
    }


def _told(order: SeatOrder) -> dict[str, object]:
    return {
        "company": str(order.company_id),
        "reference": order.reference,
        "seats": order.seats,
        "interval": order.interval,
        "amount": order.amount,
        "currency": order.currency,
        "state": order.state,
        "orderedAt": order.ordered_at.isoformat(),
        "confirmedBy": order.confirmed_by,
        "confirmedAt": order.confirmed_at.isoformat() if order.confirmed_at else None,
    }
