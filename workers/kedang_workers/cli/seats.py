"""``kedang seats``: what companies have and have ordered, and the confirmation of their bank transfers."""

from __future__ import annotations

import json
from typing import Final

from kedang_platform.clock import SystemClock
from kedang_platform.database import Databases
from kedang_platform.embedded import Echo
from kedang_platform.i18n import msg
from kedang_platform.licensing import CompanySeats, SeatOrder, list_seats
from kedang_platform.licensing.payments import Confirmation, Received
from kedang_platform.money import to_amount
from kedang_platform.settings import Settings
from kedang_tenants.people.seats import confirm_seats
from kedang_workers.cli.reaching import account, reach

ALREADY_CONFIRMED: Final = 4
"""Exit code of a confirmation that had been made before: nothing was added, and nothing is wrong."""


def confirm(
    settings: Settings, *, received: Received, operator: str | None, echo: Echo, as_json: bool
) -> None:
    """Confirm the transfer and tell what it paid. Raises as ``confirm_seats``, InstallationUnknown."""

    async def work(databases: Databases) -> Confirmation:
        return await confirm_seats(
            databases,
            received=received,
            operator=operator or account(),
            settings=settings,
            clock=SystemClock(),
        )

    done = reach(settings, work)
    if as_json:
        print(json.dumps(told(done), ensure_ascii=False))
        return
    text, params = _sentence(done)
    echo(text, **params)
    if done.credit:
        echo(
            msg("To the credit of the company: {credit} {currency}."),
            credit=to_amount(minor=done.credit, currency=done.payment.currency),
            currency=done.payment.currency,
        )


def _sentence(done: Confirmation) -> tuple[str, dict[str, object]]:
    """What became of the transfer, in one sentence and what fills it."""
    params: dict[str, object] = {
        "reference": done.invoice.reference,
        "amount": to_amount(minor=done.payment.amount, currency=done.payment.currency),
        "currency": done.payment.currency,
        "number": done.invoice.number,
    }
    if done.payment.state == "proposed":
        return msg(
            "Noted: {reference}, {amount} {currency}. It counts when a second operator confirms it."
        ), params
    if done.owed:
        owed = to_amount(minor=done.owed, currency=done.payment.currency)
        text = msg(
            "Noted: {reference}, {amount} {currency}. Still owed of invoice {number}: {owed} {currency}."
        )
        return text, params | {"owed": owed}
    if done.order is not None and done.order.state == "paid":
        text = msg("Confirmed: {reference}, {amount} {currency}. Further seats of the company: {seats}.")
        return text, params | {"seats": done.order.seats}
    return msg("Confirmed: {reference}, {amount} {currency}. Invoice {number} is paid."), params


def told(done: Confirmation) -> dict[str, object]:
    """A confirmation as programs read it; amounts are minor units."""
    payment, order = done.payment, done.order
    last = payment.steps[-1]
    counts = payment.state == "confirmed"
    return {
        "company": str(payment.company_id),
        "reference": done.invoice.reference,
        "invoice": done.invoice.number,
        "payment": str(payment.id),
        "state": ("part_paid" if done.owed else "paid") if counts else payment.state,
        "amount": payment.amount,
        "currency": payment.currency,
        "valueDate": payment.value_date.isoformat(),
        "owed": done.owed,
        "credit": done.credit,
        "seats": order.seats if order else None,
        "interval": order.interval if order else None,
        "orderedAt": order.ordered_at.isoformat() if order else None,
        "proposedBy": payment.proposed_by,
        "confirmedBy": last.operator if counts else None,
        "confirmedAt": last.at.isoformat() if counts else None,
    }


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
                amount=to_amount(minor=order.gross, currency=order.currency),
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
        "amount": order.gross,
        "currency": order.currency,
        "state": order.state,
        "orderedAt": order.ordered_at.isoformat(),
        "confirmedBy": order.confirmed_by,
        "confirmedAt": order.confirmed_at.isoformat() if order.confirmed_at else None,
    }
