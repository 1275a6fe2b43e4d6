"""What the life of a company's seats should look like: a model without a database, written from the rules (T3, T4).

It knows one company in Shanghai that pays in CNY, without tax. Periods are days there; money is whole fen.
"""

from calendar import monthrange
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

PRICES = {"month": 4900, "year": 49000}
FREE = 2
ON_CREDIT = 3
RESERVED = timedelta(days=7)
PAYABLE = timedelta(days=14)
PAST_DUE = timedelta(days=14)
RESTRICTED = timedelta(days=60)
SHANGHAI = timedelta(hours=8)


class Refused(Exception):
    """The model says that the product refuses this, with the code that it names."""


@dataclass
class Person:
    joined: int
    seat: bool
    state: str
    lost: bool = False
    rank: int | None = None
    until: datetime | None = None

    @property
    def holds(self):
        return self.seat and self.state in {"invited", "active"}


@dataclass
class Bill:
    purpose: str
    seats: int
    owed: int
    due: datetime
    interval: str = "month"
    amount: int = 0


@dataclass
class Model:
    now: datetime
    people: dict = field(default_factory=dict)
    state: str = "free"
    paid: int = 0
    cut: int = 0
    interval: str | None = None
    interval_next: str | None = None
    anchor: date | None = None
    start: date | None = None
    end: date | None = None
    past_due_since: datetime | None = None
    restricted_since: datetime | None = None
    credit: int = 0
    bills: list = field(default_factory=list)

    def __post_init__(self):
        self.people[0] = Person(0, seat=True, state="active")

    @property
    def today(self):
        return (self.now + SHANGHAI).date()

    @property
    def capacity(self):
        return FREE + (0 if self.state == "restricted" else self.paid)

    @property
    def used(self):
        return sum(person.holds for person in self.people.values())

    @property
    def dues(self):
        return [bill for bill in self.bills if bill.purpose != "purchase" and bill.owed]

    @property
    def orders(self):
        return [bill for bill in self.bills if bill.purpose == "purchase"]

    def _need_seat(self):
        if self.used >= self.capacity:
            raise Refused("SEAT_REQUIRED")

    def invite(self, who, *, seat):
        person = self.people.get(who)
        if person is not None and person.state == "active":
            raise Refused("ALREADY_MEMBER")
        if seat and not (person is not None and person.state == "invited" and person.seat):
            self._need_seat()
        joined = person.joined if person else len(self.people)
        rank = person.rank if person else None
        self.people[who] = Person(joined, seat, "invited", rank=rank, until=self.now + RESERVED)

    def accept(self, who):
        if self.people[who].until <= self.now:
            raise Refused("LINK_EXPIRED")
        self.people[who].state = "active"
        self.people[who].until = None

    def leave(self, who):
        person = self.people[who]
        person.state, person.lost, person.rank, person.until = "suspended", False, None, None

    def change(self, who, *, seat):
        person = self.people[who]
        if person.state == "suspended":
            raise Refused("MEMBER_SUSPENDED")
        if seat == person.seat:
            return
        if seat:
            self._need_seat()
        person.seat, person.lost = seat, False

    def _in_order(self):
        """Who holds a seat or waits for one, whoever keeps it first first."""
        waiting = [
            (who, person)
            for who, person in self.people.items()
            if person.holds or (person.lost and person.state != "suspended")
        ]
        return sorted(
            waiting,
            key=lambda each: (
                each[1].rank if each[1].rank is not None else 10**6,
                each[0] != 0,
                each[1].state != "active",
                each[1].joined,
            ),
        )

    def _release(self, *, lost):
        for _, person in [each for each in self._in_order() if each[1].seat][self.capacity :]:
            person.seat, person.lost = False, lost

    def _give_back(self):
        for _, person in [each for each in self._in_order() if not each[1].seat]:
            if self.used < self.capacity:
                person.seat, person.lost = True, False

    def choose(self, chosen):
        known = dict(self._in_order())
        if not set(chosen) <= set(known):
            raise Refused("HOLDS_NO_SEAT")
        order = [*chosen, *([0] if 0 not in chosen else [])]
        if 0 not in order[:FREE]:
            raise Refused("OWNER_KEEPS_SEAT")
        for person in self.people.values():
            person.rank = None
        for place, who in enumerate(chosen):
            self.people[who].rank = place
        if any(person.lost for person in known.values()):
            for place, (_, person) in enumerate(self._in_order()):
                person.seat, person.lost = place < self.capacity, place >= self.capacity

    def _issue(self, purpose, seats, amount, interval="month"):
        used = min(self.credit, amount)
        self.credit -= used
        bill = Bill(purpose, seats, amount - used, self.now + PAYABLE, interval, amount)
        self.bills.append(bill)
        return bill

    def buy(self, seats, interval):
        bill = self._issue("purchase", seats, seats * PRICES[interval], interval)
        if not bill.owed:
            self._bought(bill)

    def pay(self, bill):
        bill.owed = 0
        if bill.purpose == "purchase":
            self._bought(bill)
        self._restore_if_paid()
        self._use_credit()

    def _use_credit(self):
        for bill in sorted(self.dues, key=lambda each: each.due):
            used = min(self.credit, bill.owed)
            self.credit -= used
            bill.owed -= used
            if not bill.owed:
                self._restore_if_paid()

    def _bought(self, bill):
        self.bills.remove(bill)
        if self.state == "free":
            self.state, self.paid, self.interval = "active", bill.seats, bill.interval
            self.anchor = self.start = self.today
            self.end = self._end_after(self.start, bill.interval)
            self._give_back()
            return
        self.credit += bill.amount
        self._add(bill.seats)

    def _add(self, seats):
        days = (self.end - self.start).days
        left = max(min((self.end - self.today).days, days), 0)
        self.paid += seats
        price = seats * PRICES[self.interval]
        self._issue("addition", seats, (2 * price * left + days) // (2 * days))
        self._give_back()

    def add(self, seats, interval):
        if self.state in {"past_due", "restricted"}:
            raise Refused("PAYMENT_DUE")
        waiting = sum(bill.seats for bill in self.dues if bill.purpose == "addition")
        if self.state == "active" and seats <= ON_CREDIT - waiting:
            self._add(seats)
        else:
            self.buy(seats, self.interval or interval)

    def remove(self, seats):
        if self.state == "free":
            raise Refused("NOTHING_PAID")
        if seats > self.paid - self.cut:
            raise Refused("FEWER_SEATS_PAID")
        self.cut += seats

    def keep(self):
        self.cut = 0

    def change_interval(self, interval):
        if self.state == "free":
            raise Refused("NOTHING_PAID")
        self.interval_next = interval if interval != self.interval else None

    def forward(self, by):
        """Time passes; then the hourly job runs."""
        self.now += by
        while self.state in {"active", "past_due"} and self.today >= self.end:
            self._renew()
        self._follow_dues()
        for who, person in self.people.items():
            if person.state == "invited" and person.until <= self.now:
                self.leave(who)

    def _renew(self):
        cut = self.cut
        self.paid -= cut
        if not self.paid:
            self._end(lost=False)
            return
        self.interval = self.interval_next or self.interval
        self.interval_next, self.cut = None, 0
        self.start, self.end = self.end, self._end_after(self.end, self.interval)
        if cut:
            self._release(lost=False)
        self._issue("renewal", self.paid, self.paid * PRICES[self.interval])

    def _overdue(self):
        return any(bill.due <= self.now for bill in self.dues)

    def _follow_dues(self):
        if self.state in {"past_due", "restricted"} and not self._overdue():
            self._restore_if_paid()
        elif self.state == "active" and self._overdue():
            self.state, self.past_due_since = "past_due", self.now
        elif self.state == "past_due" and self.now - self.past_due_since >= PAST_DUE:
            self.state, self.restricted_since = "restricted", self.now
            self._release(lost=True)
        elif self.state == "restricted" and self.now - self.restricted_since >= RESTRICTED:
            for bill in self.dues:
                bill.owed = 0
            self._end(lost=True)

    def _restore_if_paid(self):
        if self.state not in {"past_due", "restricted"} or self._overdue():
            return
        if self.state == "restricted" and self.today > self.end:
            self.anchor = self.end = self.today
        self.state, self.past_due_since, self.restricted_since = "active", None, None
        self._give_back()

    def _end(self, *, lost):
        self.state, self.paid, self.cut = "free", 0, 0
        self.interval = self.interval_next = self.anchor = self.start = self.end = None
        self.past_due_since = self.restricted_since = None
        self._release(lost=lost)

    def _end_after(self, start, interval):
        year, month = (start.year, start.month + 1) if interval == "month" else (start.year + 1, start.month)
        if month == 13:
            year, month = year + 1, 1
        return date(year, month, min(self.anchor.day, monthrange(year, month)[1]))
