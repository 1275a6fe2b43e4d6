"""The judge: from what clients were told, what the mail server took and what the database holds to what went wrong.

It knows nothing of the product's code. An empty list is an acquittal.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from tests.faults.history import Asked, History

LINES = 3
"""Every order that clients place has so many lines."""
LATEST = timedelta(seconds=60)
"""How long anything may be overdue, or in nobody's hands."""
COPIES = 2
"""How often a mail may arrive at most when nobody knows whether it did."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, and where."""

    code: str
    what: str

    def __str__(self) -> str:
        return f"{self.code}: {self.what}"


@dataclass(frozen=True, slots=True)
class Arrived:
    """A mail at the sink: taken or refused for good; ``told`` says whether the sink meant to answer."""

    event: str
    recipient: str
    message_id: str
    told: bool
    size: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the audit trail; ``changes`` maps a field to [old, new]."""

    sequence: int
    transaction: str
    record: str
    record_id: str
    action: str
    changes: Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class CompanyRows:
    """What stands in one company: customers by id (name, note, version), orders by number (id, lines), and so on."""

    customers: Mapping[str, tuple[str, str | None, int]] = field(default_factory=dict)
    orders: Sequence[tuple[str, str, tuple[str, ...]]] = ()  # number, id, ids of lines
    audit: Sequence[Entry] = ()
    seals: str | None = None  # what is broken in their chain
    invitations: Sequence[tuple[str, str, str, str]] = ()  # id, contact, recipient, state


@dataclass(frozen=True, slots=True)
class Job:
    id: str
    kind: str
    state: str
    due_at: datetime | None
    queued_at: datetime | None
    lease_until: datetime | None
    transaction: str | None = None


@dataclass(frozen=True, slots=True)
class MailRow:
    recipient: str
    message_id: str
    state: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that is judged; ``now`` is the database's clock when it was read."""

    history: History
    arrived: Sequence[Arrived]
    companies: Mapping[str, CompanyRows]
    mails: Sequence[MailRow]
    jobs: Sequence[Job]
    now: datetime
    failing: frozenset[str] = frozenset()  # recipients whose mails the sink refuses for good


def judge(evidence: Evidence) -> list[Finding]:
    """Everything that is not as was promised."""
    return [
        *_judge_companies(evidence),
        *_judge_invitations(evidence),
        *_judge_mails(evidence),
        *_judge_jobs(evidence),
    ]


def _judge_companies(evidence: Evidence) -> Iterator[Finding]:
    by_company: dict[str, list[Asked]] = defaultdict(list)
    for one in evidence.history.asked:
        by_company[one.company].append(one)
    for name, asked in by_company.items():
        rows = evidence.companies[name]
        entries: dict[str, list[Entry]] = defaultdict(list)
        for entry in sorted(rows.audit, key=lambda entry: entry.sequence):
            entries[entry.record_id].append(entry)
        customers = [one for one in asked if one.kind == "customer"]
        orders = [one for one in asked if one.kind == "order"]
        if customers:
            yield from _judge_customers(customers, rows)
            yield from _judge_notes([one for one in asked if one.kind == "note"], rows, entries)
            yield from _judge_trail(rows, entries)
            yield from _judge_events(rows, evidence.jobs)
        yield from _judge_orders(orders, rows, entries)
    for name, rows in evidence.companies.items():
        if rows.seals is not None:
            yield Finding("SEALS_BROKEN", f"{name}: {rows.seals}")


def _judge_customers(asked: Iterable[Asked], rows: CompanyRows) -> Iterator[Finding]:
    found: dict[str, list[str]] = defaultdict(list)
    for record_id, (name, _, _) in rows.customers.items():
        found[name].append(record_id)
    yield from _judge_presence(asked, found)


def _judge_presence(asked: Iterable[Asked], found: Mapping[str, list[str]]) -> Iterator[Finding]:
    """Of what was asked for under a name there is one where it was acknowledged, none where refused, else one at most."""
    known = set()
    for one in asked:
        known.add(one.subject)
        ids = found.get(one.subject, [])
        if len(ids) > 1:
            yield Finding("TWICE", f"{one.op}: {len(ids)} of {one.subject}")
        if one.outcome == "acknowledged" and one.told not in ids:
            yield Finding("LOST", f"{one.op}: {one.subject} was acknowledged as {one.told}, there is {ids}")
        if one.outcome == "refused" and ids:
            yield Finding("REFUSED_BUT_DONE", f"{one.op}: {one.subject}")
    for name in found.keys() - known:
        yield Finding("UNASKED", f"nobody asked for {name}")


def _judge_notes(
    asked: Sequence[Asked], rows: CompanyRows, entries: Mapping[str, list[Entry]]
) -> Iterator[Finding]:
    """Each acknowledged value once in the trail, in the order of the acknowledgements; the last one stands in the row."""
    by_customer: dict[str, list[Asked]] = defaultdict(list)
    for one in asked:
        by_customer[one.subject].append(one)
    for customer, own in by_customer.items():
        noted = [
            entry.changes["note"][1]
            for entry in entries.get(customer, [])
            if "note" in entry.changes and entry.action == "updated"
        ]
        counted = Counter(noted)
        place = {value: number for number, value in enumerate(noted)}
        for one in own:
            if one.outcome == "acknowledged" and counted[one.value] == 0:
                yield Finding("LOST", f"{one.op}: the note {one.value} of {customer}")
            if counted[one.value] > 1:
                yield Finding("TWICE", f"{one.op}: the note {one.value} {counted[one.value]} times")
            if one.outcome == "refused" and counted[one.value]:
                yield Finding("REFUSED_BUT_DONE", f"{one.op}: the note {one.value}")
        for value in counted.keys() - {one.value for one in own}:
            yield Finding("UNASKED", f"nobody asked for the note {value} of {customer}")
        told = [one for one in own if one.outcome == "acknowledged" and one.value in place]
        for before, after in pairwise(sorted(told, key=lambda one: one.began)):
            if (
                before.ended is not None
                and before.ended < after.began
                and place[before.value] > place[after.value]
            ):
                yield Finding("OUT_OF_ORDER", f"{after.op} came before {before.op}")
        row = rows.customers.get(customer)
        if row is not None and row[1] != (noted[-1] if noted else None):
            yield Finding(
                "AUDIT_DIFFERS", f"{customer} has the note {row[1]}, its trail ends with {noted[-1:]}"
            )


def _judge_trail(rows: CompanyRows, entries: Mapping[str, list[Entry]]) -> Iterator[Finding]:
    """One entry for each change: the creation and one for each version after it, each going on from the one before."""
    for record_id, (name, _, version) in rows.customers.items():
        own = entries.get(record_id, [])
        actions = Counter(entry.action for entry in own)
        if actions["created"] != 1 or actions["updated"] != version - 1 or own[0].action != "created":
            yield Finding("AUDIT_DIFFERS", f"{name}: version {version}, trail {dict(actions)}")
        values: dict[str, Any] = {}
        for entry in own:
            for what, (old, new) in entry.changes.items():
                if entry.action == "updated" and what in values and values[what] != old:
                    yield Finding("AUDIT_DIFFERS", f"{name}: {what} was {values[what]}, entry says {old}")
                values[what] = new
    for record_id, own in entries.items():
        if own[0].record == "customer" and record_id not in rows.customers:
            yield Finding("HALF", f"the trail knows customer {record_id}, which is not there")


def _judge_events(rows: CompanyRows, jobs: Iterable[Job]) -> Iterator[Finding]:
    """Each transaction asked for the job that follows it up, and asked once."""
    asked = Counter(job.transaction for job in jobs if job.transaction is not None)
    for transaction in {entry.transaction for entry in rows.audit}:
        if asked[transaction] == 0:
            yield Finding("HALF", f"transaction {transaction} has entries and no job")


def _judge_orders(
    asked: Sequence[Asked], rows: CompanyRows, entries: Mapping[str, list[Entry]]
) -> Iterator[Finding]:
    if not asked:
        return
    found: dict[str, list[str]] = defaultdict(list)
    for number, order_id, lines in rows.orders:
        found[number].append(order_id)
        if len(lines) != LINES:
            yield Finding("HALF", f"order {number} has {len(lines)} lines")
        for record_id in (order_id, *lines):
            created = [entry for entry in entries.get(record_id, []) if entry.action == "created"]
            if len(created) != 1:
                yield Finding("AUDIT_DIFFERS", f"order {number}: {len(created)} entries made {record_id}")
    known = {record_id for _, order_id, lines in rows.orders for record_id in (order_id, *lines)}
    for record_id, own in entries.items():
        if own[0].record in {"order", "order_line"} and record_id not in known:
            yield Finding("HALF", f"the trail knows {own[0].record} {record_id}, which is not there")
    yield from _judge_presence(asked, found)


def _judge_invitations(evidence: Evidence) -> Iterator[Finding]:
    """Everybody whose invitation was acknowledged has one, and the mail server got it, or refused it for good."""
    taken = {one.recipient for one in evidence.arrived if one.event == "taken"}
    for one in evidence.history.asked:
        if one.kind != "invite":
            continue
        rows = evidence.companies[one.company].invitations
        made = Counter(contact for _, contact, _, _ in rows)
        wanted = set(one.value)
        if one.outcome == "acknowledged":
            missing = [contact for contact in wanted if made[contact] == 0]
            if missing:
                yield Finding(
                    "LOST", f"{one.op}: {len(missing)} contacts have no invitation, as {missing[0]}"
                )
        doubled = [contact for contact in wanted if made[contact] > 1]
        if doubled:
            yield Finding(
                "TWICE", f"{one.op}: {len(doubled)} contacts have several invitations, as {doubled[0]}"
            )
        for invitation, contact, recipient, state in rows:
            if contact not in wanted or state == "SKIPPED":
                continue
            if recipient not in taken and recipient not in evidence.failing:
                yield Finding("UNDELIVERED", f"invitation {invitation} to {recipient} ({state})")
        skipped = [
            recipient for _, contact, recipient, state in rows if contact in wanted and state == "SKIPPED"
        ]
        if skipped:
            yield Finding("UNDELIVERED", f"{one.op}: {len(skipped)} were left out, as {skipped[0]}")


def _judge_mails(evidence: Evidence) -> Iterator[Finding]:
    """Mails that arrived are ours, each under its Message-ID, and repeated no more than sends were broken off."""
    known = {mail.message_id: mail for mail in evidence.mails}
    copies: dict[str, list[Arrived]] = defaultdict(list)
    ids: dict[str, set[str]] = defaultdict(set)
    for one in evidence.arrived:
        if one.event == "taken":
            copies[one.message_id].append(one)
            ids[one.recipient].add(one.message_id)
    for message_id, own in copies.items():
        mail = known.get(message_id)
        if mail is None or {one.recipient for one in own} != {mail.recipient}:
            yield Finding("FOREIGN_MAIL", f"{message_id} to {own[0].recipient}")
        if len({one.size for one in own}) > 1:
            yield Finding("REPEATED_DIFFERENTLY", f"{message_id} to {own[0].recipient}")
        if len(own) > COPIES:
            yield Finding("REPEATED", f"{message_id} arrived {len(own)} times")
    expected = Counter(mail.recipient for mail in evidence.mails)
    for recipient, several in ids.items():
        if len(several) > max(1, expected[recipient]):
            yield Finding("REPEATED_DIFFERENTLY", f"{recipient} got {len(several)} Message-IDs")
    repeats = sum(len(own) - 1 for own in copies.values())
    untold = sum(one.event == "taken" and not one.told for one in evidence.arrived)
    in_flight = sum(fault.in_flight for fault in evidence.history.faults)
    if repeats > untold + in_flight:
        what = f"{repeats} repeats; {in_flight} were in flight at faults, {untold} were never answered"
        yield Finding("REPEATED", what)
    arrived = copies.keys()
    for mail in evidence.mails:
        if mail.state == "sent" and mail.message_id not in arrived:
            yield Finding("UNDELIVERED", f"{mail.message_id} is told to be sent to {mail.recipient}")
        if mail.state == "rejected" and mail.recipient not in evidence.failing:
            yield Finding("UNDELIVERED", f"{mail.message_id} to {mail.recipient} was given up")


def _judge_jobs(evidence: Evidence) -> Iterator[Finding]:
    """Nothing failed; nothing is due, handed out or held for longer than it may be."""
    late = evidence.now - LATEST
    for job in evidence.jobs:
        if job.state == "failed":
            yield Finding("FAILED", f"{job.kind} {job.id}")
        overdue = job.state == "waiting" and (job.due_at is None or job.due_at < late)
        unanswered = job.state == "queued" and (job.queued_at is None or job.queued_at < late)
        abandoned = job.state == "running" and (job.lease_until is None or job.lease_until < evidence.now)
        if overdue or unanswered or abandoned:
            yield Finding("STUCK", f"{job.kind} {job.id} is {job.state}")
