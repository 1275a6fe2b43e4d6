"""The life of a subscription, day by day (T3, T4)."""

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

import pytest

from kedang_platform.database import DatabaseBusy
from kedang_platform.errors import Forbidden, NotFound
from kedang_platform.ids import new_id
from kedang_platform.licensing import Billing, Seats
from kedang_platform.licensing.history import history_of
from kedang_platform.licensing.ledger import credit_of
from kedang_platform.licensing.payments import reverse
from kedang_platform.licensing.previewing import (
    Cost,
    FewerSeatsPaid,
    NothingPaid,
    PaymentDue,
    SeatChange,
)
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.people import licence
from kedang_tenants.people.licence import HoldsNoSeat, OwnerKeepsSeat
from kedang_workers.handlers import licensing as handlers
from tests.support.workers import run_jobs

pytestmark = pytest.mark.requirement("T4")

# The clock of `town` says 2 March, 01:00 UTC; in New York, where the company is, it is the first of March.


@pytest.fixture
async def active(counter):
    """Three seats by the month from 1 March on."""
    await counter.confirm(await counter.buy(3, "month"))
    return counter


async def fill(counter, *names):
    """Members with a full seat who have accepted; the ids in the order in which they came."""
    found = []
    for name in names:
        counter.town.clock.move(timedelta(minutes=1))
        found.append(await counter.join(name))
    return found


async def told(counter):
    async with counter.town.databases.tenant_read(counter.company.ref) as read:
        rows = await read.fetch(
            "SELECT occasion, title->>'en' AS title FROM notice WHERE kind = 'SUBSCRIPTION' ORDER BY created_at, id"
        )
    return [(row["occasion"].removeprefix("licence:"), row["title"]) for row in rows]


async def history(counter, *events):
    async with counter.town.databases.control_read() as read:
        notes = await history_of(read, company_id=counter.company.id)
    return [note for note in reversed(notes) if note.event in events]


async def test_the_first_payment_begins_a_period_at_the_price_of_the_order(counter):
    order = await counter.buy(3, "month")
    assert (await counter.stands()).state == "free"
    await counter.confirm(order)
    held = await counter.stands()
    assert (held.state, held.paid_seats, held.capacity) == ("active", 3, 5)
    period = held.period
    assert (period.interval, period.currency, period.start, period.end) == (
        "month",
        "USD",
        date(2026, 3, 1),
        date(2026, 4, 1),
    )


async def test_a_renewal_is_invoiced_when_its_period_begins_and_once(active):
    held = await active.on("2026-03-31")
    assert held.period.end == date(2026, 4, 1)
    assert await active.open_invoices() == []
    for _ in range(2):
        held = await active.on("2026-04-01")
        assert (held.state, held.period.start, held.period.end) == (
            "active",
            date(2026, 4, 1),
            date(2026, 5, 1),
        )
    (invoice,) = await active.open_invoices()
    assert (invoice.purpose, invoice.net, invoice.due_at - invoice.issued_at) == (
        "renewal",
        2700,
        timedelta(days=14),
    )
    (line,) = invoice.lines
    assert (line.quantity, line.unit_price, line.share, line.amount) == (3, 900, Fraction(1), 2700)
    assert line.period == (date(2026, 4, 1), date(2026, 5, 1))


async def test_after_a_standstill_every_period_is_made_up_for(active):
    held = await active.on("2026-06-15")
    assert held.period.end == date(2026, 7, 1)
    assert [invoice.lines[0].period[0].month for invoice in await active.open_invoices()] == [4, 5, 6]


async def test_unpaid_it_falls_due_is_restricted_and_ends_and_every_step_is_told(active, town):
    await fill(active, "nancy", "janet", "margaret")
    everybody = await active.full()
    await active.on("2026-04-01")
    assert (await active.on("2026-04-15", hour=11)).state == "active"
    assert (await active.on("2026-04-15")).state == "past_due"
    assert await active.seats() == Seats(free=2, paid=3, taken=4)
    with pytest.raises(PaymentDue):
        await active.add(1)
    assert (await active.on("2026-04-29", hour=11)).state == "past_due"
    await town.work()
    assert await active.full() == everybody

    assert (await active.on("2026-04-29")).state == "restricted"
    assert await active.seats() == Seats(free=2, paid=0, taken=2)
    await town.work()
    assert len(await active.full()) == 2
    assert (await active.on("2026-06-28", hour=11)).state == "restricted"

    held = await active.on("2026-06-28")
    assert (held.state, held.paid_seats, held.period) == ("free", 0, None)
    assert await active.open_invoices() == []
    await town.work()
    assert [row["seat"] for row in await active.members()].count("VIEW_ONLY") == 2
    assert await told(active) == [
        ("past_due:2026-04-29", "An invoice for your seats is overdue"),
        ("warned:2026-04-29", "From 2026-04-29 on only 2 members have a full seat"),
        ("restricted:2026-06-28", "Only 2 members have a full seat now"),
        ("ended:2026-06-28", "Your paid seats have ended"),
    ]
    subjects = {mail.subject for mail in town.mails_to("andrew.fuller@northwind.example")}
    assert {title for _, title in await told(active)} <= subjects


async def test_before_a_period_ends_the_owners_are_told_what_the_next_one_costs(active, town):
    await active.on("2026-03-24")
    await town.work()
    assert await told(active) == []
    for day in ("2026-03-25", "2026-03-26", "2026-03-31"):
        await active.on(day)
        await town.work()
    assert await told(active) == [("ending:2026-04-01", "Your paid seats are renewed on 2026-04-01")]
    (mail,) = [
        mail
        for mail in town.mails_to("andrew.fuller@northwind.example")
        if mail.subject == "Your paid seats are renewed on 2026-04-01"
    ]
    assert "Paid seats: 3, price without tax: 27.00 USD." in mail.text


@pytest.mark.requirement("T3")
async def test_the_payment_gives_every_seat_back_at_once(active, town):
    nancy, janet, margaret = await fill(active, "nancy", "janet", "margaret")
    everybody = await active.full()
    await active.on("2026-04-01")
    (invoice,) = await active.open_invoices()
    await active.on("2026-04-15")
    await active.on("2026-04-29")
    await town.work()
    assert await active.full() == {active.viewer.member_id, nancy}

    await active.pay(invoice)
    assert (await active.stands()).state == "active"
    assert await active.seats() == Seats(free=2, paid=3, taken=4)
    await town.work()
    assert await active.full() == everybody
    assert {note.member_id for note in await history(active, "given_back")} == {janet, margaret}
    assert (await told(active))[-1] == ("restored:2026-04-29", "All your seats are back")


async def test_past_due_is_over_with_the_payment_and_nobody_lost_anything(active):
    await fill(active, "nancy", "janet")
    await active.on("2026-04-01")
    (invoice,) = await active.open_invoices()
    await active.on("2026-04-20")
    await active.pay(invoice)
    held = await active.stands()
    assert (held.state, held.past_due_since) == ("active", None)
    assert await history(active, "released", "given_back") == []


async def test_time_without_use_is_not_invoiced(active):
    await active.on("2026-04-01")
    (invoice,) = await active.open_invoices()
    await active.on("2026-04-15")
    await active.on("2026-04-29")
    await active.on("2026-05-20")
    assert len(await active.open_invoices()) == 1
    await active.pay(invoice)
    held = await active.advance()
    assert (held.state, held.period.anchor, held.period.start, held.period.end) == (
        "active",
        date(2026, 5, 20),
        date(2026, 5, 20),
        date(2026, 6, 20),
    )
    (renewal,) = await active.open_invoices()
    assert renewal.lines[0].period == (date(2026, 5, 20), date(2026, 6, 20))


async def test_seats_are_added_at_once_for_the_rest_of_the_period(active, town):
    await active.on("2026-03-17")
    added = await active.add(2)
    assert added.order is None
    assert await active.seats() == Seats(free=2, paid=5, taken=1)
    (line,) = added.invoice.lines
    assert (line.quantity, line.unit_price, line.share) == (2, 900, Fraction(15, 31))
    assert (line.amount, line.period) == (871, (date(2026, 3, 17), date(2026, 4, 1)))  # 870.97
    held = await active.on("2026-04-01")
    assert held.paid_seats == 5


async def test_unpaid_additions_are_bounded_and_further_ones_wait_for_their_payment(active):
    active.town.services = replace_settings(active.town.services, seats_on_credit=3)
    assert (await active.add(2)).order is None
    waiting = await active.add(2)
    assert (waiting.invoice, waiting.order.state, waiting.order.interval) == (None, "pending", "month")
    assert (await active.seats()).paid == 5
    assert (await active.add(1)).order is None
    first, _ = [invoice for invoice in await active.open_invoices() if invoice.purpose == "addition"]
    await active.pay(first)
    assert (await active.add(2)).order is None
    assert (await active.seats()).paid == 8


def replace_settings(services, **differences):
    return replace(services, settings=services.settings.model_copy(update=differences))


async def test_an_order_paid_while_a_period_runs_is_credited_and_invoiced_by_the_rest_of_it(counter, town):
    """Otherwise seats of a cheap month would count for the rest of a year."""
    month, year = await counter.buy(2, "month"), await counter.buy(1, "year")
    await counter.confirm(year)
    await counter.on("2026-05-01")
    await counter.confirm(month)
    assert await counter.seats() == Seats(free=2, paid=3, taken=1)
    addition = [invoice for invoice in await counter.open_invoices() if invoice.purpose == "addition"]
    # 2 seats x 90.00 for 304 of 365 days are 149.92; 18.00 were paid.
    assert [(invoice.net, invoice.lines[0].share) for invoice in addition] == [(14992, Fraction(304, 365))]
    await counter.pay(addition[0])
    assert [invoice.purpose for invoice in await counter.open_invoices()] == []
    async with town.databases.control_read() as read:
        paid = await read.fetchval("SELECT sum(amount)::bigint FROM platform.payment")
    assert paid == 9000 + 1800 + (14992 - 1800)


async def test_what_was_paid_too_much_stays_to_the_companys_credit_and_pays_the_renewal(active, town):
    further = await active.buy(1, "month")
    await active.on("2026-03-17")
    await active.confirm(further)
    async with town.databases.control_read() as read:
        assert await credit_of(read, company_id=active.company.id, currency="USD") == 900 - 435  # 435.48
    await active.on("2026-04-01")
    (renewal,) = await active.open_invoices()
    assert renewal.net == 4 * 900
    await active.pay(renewal)
    async with town.databases.control_read() as read:
        assert await read.fetchval("SELECT sum(amount)::bigint FROM platform.payment") == 4 * 900 + 3600 - 465


async def test_seats_are_removed_at_the_end_of_the_period_and_not_before(active, town):
    nancy, janet, _ = await fill(active, "nancy", "janet", "margaret")
    await remove(active, 2)
    with pytest.raises(FewerSeatsPaid):
        await remove(active, 2)
    held = await active.on("2026-03-31")
    assert (held.paid_seats, held.seats_next, held.capacity) == (3, 1, 5)
    held = await active.on("2026-04-01")
    assert (held.paid_seats, held.seats_at_renewal, held.capacity) == (1, None, 3)
    await town.work()
    assert await active.full() == {active.viewer.member_id, nancy, janet}
    (invoice,) = await active.open_invoices()
    assert invoice.net == 900
    # Who lost the seat by a wish of the company does not get it back by itself.
    await active.add(1)
    assert await active.seats() == Seats(free=2, paid=2, taken=3)


async def remove(counter, seats):
    await licence.remove_seats(counter.town.services, counter.viewer, company=counter.company, seats=seats)


async def test_all_paid_seats_may_be_removed_and_a_removal_taken_back(active, town):
    await remove(active, 3)
    await active.on("2026-03-28")
    await town.work()
    assert await told(active) == [("ending:2026-04-01", "Your paid seats end on 2026-04-01")]
    await licence.keep_seats(active.town.services, active.viewer, company=active.company)
    assert (await active.stands()).seats_next == 3
    await remove(active, 3)
    held = await active.on("2026-04-01")
    assert (held.state, held.capacity, held.period) == ("free", 2, None)
    assert await active.open_invoices() == []
    with pytest.raises(NothingPaid):
        await remove(active, 1)


async def test_what_is_added_stays_when_a_removal_is_scheduled(active):
    await remove(active, 2)
    await active.add(4)
    held = await active.stands()
    assert (held.paid_seats, held.seats_next) == (7, 5)


async def test_the_interval_changes_at_the_end_of_the_period(active):
    change = licence.change_interval
    await change(active.town.services, active.viewer, company=active.company, interval="year")
    assert (await active.stands()).period.interval == "month"
    held = await active.on("2026-04-01")
    assert (held.period.interval, held.period.end) == ("year", date(2027, 4, 1))
    (invoice,) = await active.open_invoices()
    assert invoice.net == 27000
    await change(active.town.services, active.viewer, company=active.company, interval="month")
    await change(active.town.services, active.viewer, company=active.company, interval="year")
    assert (await active.stands()).interval_at_renewal is None


async def test_a_running_period_keeps_its_price_until_renewal(active, town):
    town.services = replace_settings(town.services, seat_prices={"USD": (1100, 11000), "EUR": (1000, 10000)})
    added = await active.add(1)
    assert added.invoice.lines[0].unit_price == 900
    await active.on("2026-04-01")
    renewal = [invoice for invoice in await active.open_invoices() if invoice.purpose == "renewal"]
    assert renewal[0].net == 4 * 1100
    versions = await town.rows("plan_version")
    assert sorted(row["number"] for row in versions) == [1, 2]


async def test_the_owner_chooses_who_keeps_a_seat(active, town):
    nancy, janet, margaret = await fill(active, "nancy", "janet", "margaret")
    await choose(active, margaret)
    await active.on("2026-04-01")
    await active.on("2026-04-15")
    await active.on("2026-04-29")
    await town.work()
    assert await active.full() == {active.viewer.member_id, margaret}
    # And changes their mind: at once.
    await choose(active, active.viewer.member_id, janet)
    assert await active.full() == {active.viewer.member_id, janet}
    assert (await active.seats()).taken == 2
    assert nancy not in await active.full()


async def choose(counter, *member_ids):
    await licence.choose_seats(
        counter.town.services, counter.viewer, company=counter.company, member_ids=member_ids
    )


async def test_whoever_keeps_a_seat_an_owner_does(active):
    nancy, janet = await fill(active, "nancy", "janet")
    looker = await active.invite("looker@northwind.example", name="Looker", seat="none")
    before = await active.all_there_is()
    with pytest.raises(OwnerKeepsSeat):
        await choose(active, nancy, janet)
    with pytest.raises(HoldsNoSeat):
        await choose(active, looker)
    with pytest.raises(NotFound):
        await choose(active, new_id())
    assert await active.all_there_is() == before


async def test_invitations_lose_their_seat_before_members_do(active, town):
    late = await active.invite("late@northwind.example", name="Late")
    nancy, janet = await fill(active, "nancy", "janet")
    await active.change(janet, seat="none")
    await active.on("2026-04-01")
    await active.on("2026-04-15")
    await active.on("2026-04-28")
    assert await active.invite("late@northwind.example", name="Late") == late
    await active.on("2026-04-29")
    await town.work()
    assert await active.full() == {active.viewer.member_id, nancy}
    await active.accept("late@northwind.example")
    assert (await active.member(late))[2:] == ("ACTIVE", "VIEW_ONLY")
    (invoice,) = await active.open_invoices()
    await active.pay(invoice)
    await town.work()
    assert await active.full() == {active.viewer.member_id, nancy, late}


@pytest.mark.requirement("T3")
async def test_an_invitation_holds_its_seat_for_seven_days(active, town):
    late = await active.invite("late@northwind.example", name="Late")
    assert (await active.seats()).taken == 2
    await town.later(days=6, hours=23)
    await sweep(town)
    assert (await active.seats()).taken == 2
    await town.later(hours=1)
    await sweep(town)
    assert (await active.seats()).taken == 1
    assert (await active.member(late))[2] == "SUSPENDED"
    assert [note.reason for note in await history(active, "released")] == ["expiry"]
    # Asked in again they come back as who they were.
    assert await active.invite("late@northwind.example", name="Late") == late
    await active.accept("late@northwind.example")
    assert (await active.member(late))[2:] == ("ACTIVE", "FULL")


async def sweep(town):
    """The hourly job, as the scheduler asks for it."""
    async with town.databases.control() as control:
        await enqueue(control, NewJob("licensing.advance"))
    await town.work()


async def test_the_hourly_job_takes_the_steps_of_every_company(active, rival, town):
    await rival.confirm(await rival.buy(1, "month"))
    town.clock.move(timedelta(days=31))
    await sweep(town)
    for company in (active, rival):
        assert (await company.stands()).period.start == date(2026, 4, 1)
        assert len(await company.open_invoices()) == 1


async def test_a_reversed_payment_takes_its_seats_back(active, town):
    await fill(active, "nancy", "janet")
    async with town.databases.control() as control:
        payment = await control.fetchval("SELECT id FROM platform.payment")
        await reverse(
            control,
            payment_id=payment,
            operator="lin",
            remark="wrong",
            billing=Billing.of(town.services.settings),
            now=town.clock.now(),
        )
    held = await active.stands()
    assert (held.state, held.capacity) == ("free", 2)
    assert await active.seats() == Seats(free=2, paid=0, taken=2)
    (order,) = await active.orders()
    await active.confirm(order)
    assert await active.seats() == Seats(free=2, paid=3, taken=3)
    await town.work()
    assert len(await active.full()) == 3


async def test_who_paid_under_the_first_release_gets_the_period_of_the_last_order(counter, town):
    await counter.confirm(await counter.buy(2, "year"))
    async with town.databases.control() as control:
        await control.fetch(
            """UPDATE platform.subscription SET state = 'free', interval = NULL, currency = NULL, anchor = NULL,
               period_start = NULL, period_end = NULL, plan_version_id = NULL"""
        )
    assert await counter.seats() == Seats(free=2, paid=2, taken=1)
    held = await counter.advance()
    assert (held.state, held.paid_seats, held.period.interval) == ("active", 2, "year")
    assert (held.period.start, held.period.end) == (date(2026, 3, 1), date(2027, 3, 1))
    added = await counter.add(1)
    assert added.invoice.net == 9000


async def test_removing_a_person_says_when_the_money_stops(active):
    nancy, _ = await fill(active, "nancy", "janet")
    assert await licence.freed_seat(active.town.services, company=active.company, member_id=nancy) == freed(
        removable=2
    )
    await active.deactivate(nancy)
    told_then = await licence.freed_seat(active.town.services, company=active.company, member_id=nancy)
    assert told_then == freed(removable=3)
    assert (await active.stands()).paid_seats == 3


def freed(*, removable):
    return licence.FreedSeat("USD", date(2026, 4, 1), Cost(2700), Cost(1800), removable)


@pytest.mark.requirement("T7")
async def test_the_history_of_seats_tells_who_when_and_why(active, town):
    (nancy,) = await fill(active, "nancy")
    await active.change(nancy, seat="none")
    await active.change(nancy, seat="full")
    await active.deactivate(nancy)
    notes = [
        note
        for note in await licence.seat_history(active.town.services, active.viewer, company=active.company)
        if note.member_id == nancy
    ]
    owner = active.viewer.member_id
    assert [(note.event, note.reason, note.by.member_id) for note in reversed(notes)] == [
        ("reserved", "invitation", owner),
        ("assigned", "acceptance", nancy),
        ("released", "demotion", owner),
        ("assigned", "promotion", owner),
        ("released", "deactivation", owner),
    ]
    older = await licence.seat_history(
        active.town.services, active.viewer, company=active.company, first=2, before=notes[0].id
    )
    assert [note.id for note in older] == [note.id for note in notes[1:3]]
    for change in ("UPDATE platform.seat_history SET reason = 'x'", "DELETE FROM platform.seat_history"):
        with pytest.raises(Exception, match="permission denied"):
            async with town.databases.control() as control:
                await control.fetch(change)


async def test_only_owner_and_administrator_change_the_subscription(active, town):
    services, company = town.services, active.company
    before = await active.all_there_is()
    for role in ("GENERAL_MANAGER", "REPRESENTATIVE", "FINANCE", "VIEW_ONLY"):
        viewer = replace(active.viewer, roles=frozenset({role}))
        for refused in (
            licence.add_seats(services, viewer, company=company, seats=1, interval=None),
            licence.remove_seats(services, viewer, company=company, seats=1),
            licence.keep_seats(services, viewer, company=company),
            licence.change_interval(services, viewer, company=company, interval="year"),
            licence.choose_seats(services, viewer, company=company, member_ids=[]),
            licence.preview_change(services, viewer, company=company, change=SeatChange(add=1)),
            licence.seat_history(services, viewer, company=company),
        ):
            with pytest.raises(Forbidden):
                await refused
        if role in {"GENERAL_MANAGER", "FINANCE"}:
            assert (await licence.licence_of(services, viewer, company=company)).next == Cost(2700)
        else:
            with pytest.raises(Forbidden):
                await licence.licence_of(services, viewer, company=company)
    assert await active.all_there_is() == before


async def test_a_company_that_goes_wrong_keeps_no_other_from_its_steps(active, rival, town, monkeypatch):
    """Killed or failing anywhere, the hourly job has taken whole steps, and the next run takes the others."""
    await rival.confirm(await rival.buy(1, "month"))
    town.clock.move(timedelta(days=31))
    real = handlers.advance_company

    async def failing(databases, *, company_id, settings, clock):
        if company_id == active.company.id:
            raise DatabaseBusy("busy")
        return await real(databases, company_id=company_id, settings=settings, clock=clock)

    monkeypatch.setattr(handlers, "advance_company", failing)
    async with town.databases.control() as control:
        await enqueue(control, NewJob("licensing.advance"))
    drained = await run_jobs(town.databases, clock=town.clock, settings=town.services.settings)
    assert [type(error) for error in drained.failures] == [DatabaseBusy]
    assert (await rival.stands()).period.start == date(2026, 4, 1)
    assert (await active.stands()).period.start == date(2026, 3, 1)
    monkeypatch.undo()
    await town.later(hours=1)
    assert (await active.stands()).period.start == date(2026, 4, 1)
    assert len(await rival.open_invoices()) == 1
