"""The subscription of a company as its owners steer it, and the hourly step of its life (T3, T4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import ControlRead, ControlTransaction, Databases
from kedang_platform.errors import BadUserInput, NotFound
from kedang_platform.i18n import msg
from kedang_platform.identity import IdentityServices, memberships, throttle
from kedang_platform.licensing import Billing, Interval, SeatOrder, Seats, seats_of
from kedang_platform.licensing.charging import first_due, seats_on_credit
from kedang_platform.licensing.counting import add_at_once, adopt
from kedang_platform.licensing.history import By, SeatEvent, SeatNote, history_of, note
from kedang_platform.licensing.invoices import Invoice
from kedang_platform.licensing.keeping import candidates, choose_keepers
from kedang_platform.licensing.lifecycle import Terms, advance
from kedang_platform.licensing.periods import day_in
from kedang_platform.licensing.plans import find_plan, plan_in_force, price_for
from kedang_platform.licensing.previewing import (
    Cost,
    FewerSeatsPaid,
    NothingPaid,
    Preview,
    Quote,
    SeatChange,
    check_change,
    next_cost,
    preview,
)
from kedang_platform.licensing.subscriptions import (
    Subscription,
    change_subscription,
    find_subscription,
    hold_subscription,
)
from kedang_platform.registry import Company, find_company
from kedang_platform.settings import Settings
from kedang_tenants.people.member_rows import follow
from kedang_tenants.people.operations import owners_of
from kedang_tenants.people.seats import BUY, SEE, order_further_seats, require_role
from kedang_tenants.reading import Viewer


class HoldsNoSeat(BadUserInput):
    """Only who holds a seat, or waits for the one they lost, can be chosen to keep it."""

    def __init__(self) -> None:
        super().__init__(msg("Only members who hold a seat can be chosen to keep it."), path=("memberIds",))


class OwnerKeepsSeat(BadUserInput):
    """Whoever keeps a seat, an owner does: nobody else could buy seats or give them (T2)."""

    def __init__(self, *, seats: int) -> None:
        super().__init__(
            msg("An owner must be among the first {seats} who keep a seat."),
            path=("memberIds",),
            seats=seats,
        )


@dataclass(frozen=True, slots=True)
class Licence:
    """How the subscription stands. ``due_at`` is when the first of what is owed is to be paid."""

    subscription: Subscription
    due_at: datetime | None
    next: Cost | None


@dataclass(frozen=True, slots=True)
class Added:
    """Seats that count at once, with their invoice; or an order that counts when it is paid."""

    invoice: Invoice | None
    order: SeatOrder | None


@dataclass(frozen=True, slots=True)
class FreedSeat:
    """When money stops for a seat that became free: paid until then, and what the next invoice is with and without it.

    ``removable`` is how many paid seats nobody would miss at the period's end.
    """

    currency: str
    paid_until: date
    next_invoice: Cost
    next_without: Cost
    removable: int


async def licence_of(services: IdentityServices, viewer: Viewer, *, company: Company) -> Licence:
    """State, period and what is scheduled. Raises ``Forbidden``."""
    require_role(viewer, SEE)
    async with services.databases.control_read() as read:
        held = await find_subscription(read, company_id=company.id)
        quote = await _quote(read, services.settings, company, held)
        cost = next_cost(held, seats=held.seats_next, quote=quote) if held.period else None
        return Licence(held, await first_due(read, company_id=company.id), cost)


async def preview_change(
    services: IdentityServices, viewer: Viewer, *, company: Company, change: SeatChange
) -> Preview:
    """The exact amounts before anything is ordered. Raises ``Forbidden`` and as ``previewing.preview``."""
    require_role(viewer, BUY)
    now = services.clock.now()
    async with services.databases.control_read() as read:
        over = _is_over(await find_subscription(read, company_id=company.id), now)
    if over:  # what is asked for is of the next period
        await advance_company(
            services.databases, company_id=company.id, settings=services.settings, clock=services.clock
        )
    async with services.databases.control_read() as read:
        held = await find_subscription(read, company_id=company.id)
        left = services.settings.seats_on_credit - await seats_on_credit(read, company_id=company.id)
        return preview(
            held,
            change,
            quote=await _quote(read, services.settings, company, held),
            today=day_in(company.time_zone, now),
            credit_left=left,
        )


async def add_seats(
    services: IdentityServices, viewer: Viewer, *, company: Company, seats: int, interval: Interval | None
) -> Added:
    """Add seats: at once with a prorated invoice where a period runs and the credit suffices, else by an order.

    ``interval`` is for a company without a period; a month where it says none. Raises ``Forbidden``,
    ``SeatsOutOfRange``, ``PaymentDue``, ``TooManyAttempts``; nothing is written then.
    """
    require_role(viewer, BUY)
    assert viewer.member_id is not None
    now = services.clock.now()
    async with services.databases.control() as control:
        await throttle.spend(control, (throttle.ORDER_COMPANY, str(company.id)), now=now)
        held = await _held(control, services, company, now)
        check_change(held, SeatChange(add=seats))
        on_credit = await seats_on_credit(control, company_id=company.id)
        if held.state == "active" and 0 < seats <= services.settings.seats_on_credit - on_credit:
            invoice = await add_at_once(
                control,
                held,
                seats=seats,
                billing=Billing.of(services.settings),
                by=By(viewer.member_id),
                now=now,
            )
            return Added(invoice, None)
        order = await order_further_seats(
            control,
            services.settings,
            company=company,
            seats=seats,
            interval=held.period.interval if held.period else interval or "month",
            ordered_by=viewer.member_id,
            now=now,
        )
        return Added(None, order)


async def remove_seats(services: IdentityServices, viewer: Viewer, *, company: Company, seats: int) -> None:
    """Pay for ``seats`` fewer from the period's end on. Raises ``Forbidden`` and as ``check_change``."""
    require_role(viewer, BUY)
    if seats < 1:
        raise FewerSeatsPaid(seats=0)
    now = services.clock.now()
    async with services.databases.control() as control:
        held = await _held(control, services, company, now)
        check_change(held, SeatChange(remove=seats))
        await change_subscription(control, held, seats_at_renewal=held.seats_next - seats)
        await _note(control, viewer, company, "removal_scheduled", seats=seats, now=now)


async def keep_seats(services: IdentityServices, viewer: Viewer, *, company: Company) -> None:
    """Take back what was scheduled for the period's end: all seats are renewed. Raises ``Forbidden``."""
    require_role(viewer, BUY)
    now = services.clock.now()
    async with services.databases.control() as control:
        held = await _held(control, services, company, now)
        if held.seats_at_renewal is None:
            return
        seats = held.paid_seats - held.seats_at_renewal
        await change_subscription(control, held, seats_at_renewal=None)
        await _note(control, viewer, company, "removal_taken_back", seats=seats, now=now)


async def change_interval(
    services: IdentityServices, viewer: Viewer, *, company: Company, interval: Interval
) -> None:
    """Pay by month or by year from the period's end on. Raises ``Forbidden``, ``NothingPaid``."""
    require_role(viewer, BUY)
    now = services.clock.now()
    async with services.databases.control() as control:
        held = await _held(control, services, company, now)
        if held.period is None:
            raise NothingPaid
        wanted = interval if interval != held.period.interval else None
        if wanted == held.interval_at_renewal:
            return
        await change_subscription(control, held, interval_at_renewal=wanted)
        await _note(control, viewer, company, "interval_scheduled", now=now)


async def choose_seats(
    services: IdentityServices, viewer: Viewer, *, company: Company, member_ids: Sequence[UUID]
) -> None:
    """Say who keeps a seat where there are too few, in this order; where some wait for one, it is followed at once.

    Whoever is not named comes after: owners, then the earliest members. Raises ``Forbidden``, ``NotFound``,
    ``HoldsNoSeat``, ``OwnerKeepsSeat``; nothing is written then.
    """
    require_role(viewer, BUY)
    chosen = list(dict.fromkeys(member_ids))
    now = services.clock.now()
    async with services.databases.control() as control:
        held = await _held(control, services, company, now)
        owners = await owners_of(services.databases, company)
        await _check_choice(control, held, chosen=chosen, owners=owners)
        changed = await choose_keepers(
            control,
            company_id=company.id,
            chosen=chosen,
            capacity=held.capacity,
            owners=owners,
            by=By(viewer.member_id),
            now=now,
        )
    services.credentials.forget()
    for member_id in changed:
        await follow(services.databases, company=company, member_id=member_id, clock=services.clock)


async def seat_history(
    services: IdentityServices,
    viewer: Viewer,
    *,
    company: Company,
    first: int = 100,
    before: UUID | None = None,
) -> list[SeatNote]:
    """Who got or lost which seat, when and why, the newest first; for owners and administrators (``Forbidden``)."""
    require_role(viewer, BUY)
    async with services.databases.control_read() as read:
        return await history_of(read, company_id=company.id, before=before, most=first)


async def freed_seat(services: IdentityServices, *, company: Company, member_id: UUID) -> FreedSeat | None:
    """What the seat of a deactivated member goes on costing; None where they had none or the company pays for none."""
    async with services.databases.control_read() as read:
        member = await memberships.membership_of(read, company_id=company.id, member_id=member_id)
        if member is None or member.seat != "full":
            return None
        held = await find_subscription(read, company_id=company.id)
        if held.period is None:
            return None
        seats: Seats = await seats_of(read, company_id=company.id)
        quote = await _quote(read, services.settings, company, held)
    needed = max(seats.taken - held.free_seats, 0)
    fewer = max(held.seats_next - 1, 0)
    return FreedSeat(
        currency=held.period.currency,
        paid_until=held.period.end,
        next_invoice=next_cost(held, seats=held.seats_next, quote=quote),
        next_without=next_cost(held, seats=fewer, quote=quote),
        removable=max(held.seats_next - needed, 0),
    )


_LIVING = """
SELECT s.company_id FROM platform.subscription s JOIN platform.company c ON c.id = s.company_id
WHERE (s.state <> 'free' OR s.paid_seats > 0) AND c.status IN ('active', 'suspended') ORDER BY 1
"""
_RESERVING = """
SELECT DISTINCT m.company_id FROM platform.membership m JOIN platform.company c ON c.id = m.company_id
WHERE m.state = 'invited' AND (m.reserved_until IS NULL OR m.reserved_until <= $1)
AND c.status IN ('active', 'suspended') ORDER BY 1
"""


async def paying_companies(read: ControlRead) -> list[UUID]:
    """The companies whose subscription may have a step to take."""
    return [row["company_id"] for row in await read.fetch(_LIVING)]


async def reserving_companies(read: ControlRead, *, now: datetime) -> list[UUID]:
    """The companies with invitations that are too old, or of a release in which they had no end."""
    return [row["company_id"] for row in await read.fetch(_RESERVING, now)]


async def advance_company(
    databases: Databases, *, company_id: UUID, settings: Settings, clock: Clock
) -> Subscription:
    """Take the steps of the company's subscription that are due, in one transaction; see ``lifecycle.advance``."""
    now = clock.now()
    async with databases.control() as control:
        company = await find_company(control, company_id=company_id)
        await hold_subscription(control, company_id=company_id)
        await plan_in_force(control, prices=settings.seat_prices, now=now)
        return await advance(
            control,
            company_id=company_id,
            owners=await owners_of(databases, company),
            terms=Terms(Billing.of(settings), settings.seat_prices),
            now=now,
        )


async def release_expired(databases: Databases, *, company_id: UUID, clock: Clock) -> list[UUID]:
    """Take back the invitations of a company whose seven days are over; see ``memberships.release_expired``."""
    async with databases.control() as control:
        return await memberships.release_expired(control, company_id=company_id, now=clock.now())


async def _held(
    control: ControlTransaction, services: IdentityServices, company: Company, now: datetime
) -> Subscription:
    """The subscription under its lock. A period that is over is renewed first: the hourly job may not have been here."""
    held = await adopt(control, await hold_subscription(control, company_id=company.id), now=now)
    if not _is_over(held, now):
        return held
    return await advance(
        control,
        company_id=company.id,
        owners=await owners_of(services.databases, company),
        terms=Terms(Billing.of(services.settings), services.settings.seat_prices),
        now=now,
    )


def _is_over(held: Subscription, now: datetime) -> bool:
    return held.state in ("active", "past_due") and day_in(held.time_zone, now) >= held.paying.end


async def _quote(read: ControlRead, settings: Settings, company: Company, held: Subscription) -> Quote:
    period = held.period
    running = None
    if period is not None and period.plan_version_id is not None:
        plan = await find_plan(read, plan_id=period.plan_version_id)
        running = plan.price(currency=period.currency)
    return Quote(
        running=running,
        today=price_for(settings.seat_prices, currency=period.currency if period else company.currency),
        tax_rate=Billing.of(settings).tax_rate(country=company.country),
    )


async def _check_choice(
    control: ControlTransaction, held: Subscription, *, chosen: Sequence[UUID], owners: set[UUID]
) -> None:
    known = await candidates(control, company_id=held.company_id, owners=owners)
    waiting = {one.member_id for one in known}
    for member_id in chosen:
        if member_id in waiting:
            continue
        if await memberships.membership_of(control, company_id=held.company_id, member_id=member_id) is None:
            raise NotFound(msg("There is no such member."), path=("memberIds",))
        raise HoldsNoSeat
    active = [one.member_id for one in known if one.active]
    rest = [member_id for member_id in active if member_id not in chosen]
    order = [*chosen, *(one for one in rest if one in owners), *rest]
    if not owners & set(active) & set(order[: held.free_seats]):
        raise OwnerKeepsSeat(seats=held.free_seats)


async def _note(
    control: ControlTransaction,
    viewer: Viewer,
    company: Company,
    event: SeatEvent,
    *,
    now: datetime,
    seats: int | None = None,
) -> None:
    await note(
        control,
        company_id=company.id,
        event=event,
        reason="order",
        seats=seats,
        by=By(viewer.member_id),
        now=now,
    )
