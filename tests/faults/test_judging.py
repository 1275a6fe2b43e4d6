"""The judge acquits a good history, and finds each thing that can go wrong in one that was doctored."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.faults.history import Asked, Fault, History, Notebook, read_history
from tests.faults.judging import Arrived, CompanyRows, Entry, Evidence, Job, MailRow, judge

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SHOP = "t_shop"
ASKED = (
    Asked("a-1", SHOP, "customer", "Alfreds", None, 1, 2, "acknowledged", "c1"),
    Asked("a-2", SHOP, "note", "c1", "rang", 3, 4, "acknowledged", "c1"),
    Asked("a-3", SHOP, "note", "c1", "rang twice", 5, 6, "acknowledged", "c1"),
    Asked("a-4", SHOP, "order", "10248", None, 7, 8, "acknowledged", "o1"),
    Asked("a-5", SHOP, "customer", "Nobody knows", None, 9),
    Asked("a-6", SHOP, "customer", "Not so", None, 10, 11, "refused"),
    Asked("a-7", SHOP, "invite", "survey", ["p1", "p2"], 12, 13, "acknowledged", "j1"),
)


def entry(sequence, record, record_id, action="created", **changes) -> Entry:
    return Entry(sequence, f"tx{sequence // 10}", record, record_id, action, changes)


TRAIL = (
    entry(1, "customer", "c1", name=[None, "Alfreds"]),
    entry(10, "customer", "c1", "updated", note=[None, "rang"]),
    entry(20, "customer", "c1", "updated", note=["rang", "rang twice"]),
    *(
        entry(30 + number, record, record_id)
        for number, (record, record_id) in enumerate(
            [("order", "o1"), ("order_line", "l1"), ("order_line", "l2"), ("order_line", "l3")]
        )
    ),
)
ROWS = CompanyRows(
    customers={"c1": ("Alfreds", "rang twice", 3)},
    orders=[("10248", "o1", ("l1", "l2", "l3"))],
    audit=TRAIL,
    invitations=[("i1", "p1", "p1@ok.example", "SENT"), ("i2", "p2", "p2@ok.example", "PENDING")],
)
JOBS = tuple(Job(f"j{n}", "events.fan_out", "done", NOW, None, None, f"tx{n}") for n in range(4))
MAILS = (MailRow("p1@ok.example", "<1@x>", "sent"), MailRow("p2@ok.example", "<2@x>", "sent"))
ARRIVED = tuple(Arrived("taken", mail.recipient, mail.message_id, told=True, size=99) for mail in MAILS)
GOOD = Evidence(History(ASKED), ARRIVED, {SHOP: ROWS}, MAILS, JOBS, NOW)


def codes(evidence: Evidence) -> set[str]:
    return {finding.code for finding in judge(evidence)}


def rows(**values) -> Evidence:
    return replace(GOOD, companies={SHOP: replace(ROWS, **values)})


def arrived(*more: Arrived, faults=()) -> Evidence:
    return replace(GOOD, arrived=(*ARRIVED, *more), history=History(ASKED, faults))


def job(state, **instants) -> Evidence:
    given = {"due_at": None, "queued_at": None, "lease_until": None} | instants
    return replace(GOOD, jobs=(*JOBS, Job("j9", "mail.send", state, **given)))


def asked(number, **values) -> Evidence:
    changed = [replace(one, **values) if one.op == f"a-{number}" else one for one in ASKED]
    return replace(GOOD, history=History(tuple(changed)))


def trail(*changed: Entry, without: int | None = None) -> Evidence:
    by_sequence = {one.sequence: one for one in (*TRAIL, *changed)}
    by_sequence.pop(without, None)
    return rows(audit=list(by_sequence.values()))


AGAIN = ARRIVED[0]
OLD = NOW - timedelta(seconds=61)
YOUNG = NOW - timedelta(seconds=59)
UNKNOWN_NOTE = replace(GOOD, history=History((*ASKED, Asked("a-8", SHOP, "note", "c1", "lost", 14))))


@pytest.mark.parametrize(
    "evidence",
    [
        GOOD,
        # What nobody was told of may be there, whole.
        replace(
            rows(
                customers=ROWS.customers | {"c2": ("Nobody knows", None, 1)},
                audit=[*TRAIL, entry(2, "customer", "c2")],
            )
        ),
        UNKNOWN_NOTE,
        arrived(AGAIN, faults=(Fault("worker", 1.0, 1),)),
        arrived(replace(AGAIN, told=False)),
        job("waiting", due_at=NOW + timedelta(hours=1)),
        job("waiting", due_at=YOUNG),
        job("queued", due_at=OLD, queued_at=YOUNG),
        job("running", due_at=OLD, lease_until=NOW + timedelta(seconds=1)),
        job("cancelled"),
        # A mail that was refused for good is nobody's fault.
        replace(
            GOOD,
            mails=[MAILS[0], replace(MAILS[1], state="rejected")],
            arrived=[ARRIVED[0], replace(ARRIVED[1], event="refused")],
            failing=frozenset({"p2@ok.example"}),
        ),
    ],
)
def test_a_good_history_is_acquitted(evidence):
    assert judge(evidence) == []


@pytest.mark.parametrize(
    ("evidence", "code"),
    [
        (rows(customers={}), "LOST"),
        (asked(1, told="c9"), "LOST"),
        (asked(4, subject="10249"), "LOST"),
        (asked(2, value="wrote"), "LOST"),
        (rows(customers=ROWS.customers | {"c2": ("Alfreds", None, 1)}), "TWICE"),
        (rows(orders=[*ROWS.orders, ("10248", "o2", ("l4", "l5", "l6"))]), "TWICE"),
        (trail(entry(21, "customer", "c1", "updated", note=["rang twice", "rang"])), "TWICE"),
        (rows(customers=ROWS.customers | {"c2": ("Strangers", None, 1)}), "UNASKED"),
        (trail(entry(21, "customer", "c1", "updated", note=["rang twice", "whispered"])), "UNASKED"),
        (rows(customers=ROWS.customers | {"c2": ("Not so", None, 1)}), "REFUSED_BUT_DONE"),
        (asked(3, outcome="refused"), "REFUSED_BUT_DONE"),
        (rows(customers={"c1": ("Alfreds", "rang", 3)}), "AUDIT_DIFFERS"),
        (rows(customers={"c1": ("Alfreds", "rang twice", 4)}), "AUDIT_DIFFERS"),
        (trail(entry(20, "customer", "c1", "updated", note=["wrote", "rang twice"])), "AUDIT_DIFFERS"),
        (trail(without=1), "AUDIT_DIFFERS"),
        (trail(without=32), "AUDIT_DIFFERS"),
        (asked(3, began=1.0, ended=2.0), "OUT_OF_ORDER"),
        (rows(orders=[("10248", "o1", ("l1", "l2"))]), "HALF"),
        (rows(orders=[]), "HALF"),
        (trail(entry(9, "customer", "c7", name=[None, "Ghost"])), "HALF"),
        (replace(GOOD, jobs=JOBS[1:]), "HALF"),
        (rows(seals="SEAL_CHANGED"), "SEALS_BROKEN"),
        (rows(invitations=ROWS.invitations[:1]), "LOST"),
        (rows(invitations=[*ROWS.invitations, ("i3", "p1", "p1@ok.example", "SENT")]), "TWICE"),
        (replace(GOOD, arrived=ARRIVED[:1]), "UNDELIVERED"),
        (rows(invitations=[("i1", "p1", "p1@ok.example", "SKIPPED"), ROWS.invitations[1]]), "UNDELIVERED"),
        (replace(GOOD, mails=[MAILS[0], replace(MAILS[1], state="rejected")]), "UNDELIVERED"),
        (arrived(AGAIN), "REPEATED"),
        (arrived(AGAIN, ARRIVED[1], faults=(Fault("worker", 1.0, 1),)), "REPEATED"),
        (arrived(AGAIN, AGAIN, faults=(Fault("worker", 1.0, 9),)), "REPEATED"),
        (
            arrived(replace(AGAIN, message_id="<3@x>"), faults=(Fault("worker", 1.0, 9),)),
            "REPEATED_DIFFERENTLY",
        ),
        (arrived(replace(AGAIN, size=98), faults=(Fault("worker", 1.0, 9),)), "REPEATED_DIFFERENTLY"),
        (arrived(replace(AGAIN, message_id="<3@x>")), "FOREIGN_MAIL"),
        (arrived(replace(AGAIN, recipient="p3@ok.example"), faults=(Fault("x", 1.0, 9),)), "FOREIGN_MAIL"),
        (job("waiting", due_at=OLD), "STUCK"),
        (job("queued", due_at=OLD, queued_at=OLD), "STUCK"),
        (job("running", due_at=OLD, lease_until=NOW - timedelta(seconds=1)), "STUCK"),
        (job("failed"), "FAILED"),
    ],
)
def test_a_doctored_history_is_found_out(evidence, code):
    assert code in codes(evidence)


def test_a_notebook_is_read_as_it_was_written_also_by_whoever_was_cut_off(tmp_path):
    client, faults = Notebook(tmp_path / "client.jsonl"), Notebook(tmp_path / "faults.jsonl")
    first = client.asks(company=SHOP, kind="customer", subject="Alfreds", value=None)
    client.write(event="acknowledged", op=first, told="c1")
    faults.write(event="fault", what="worker killed", in_flight=3)
    client.asks(company=SHOP, kind="note", subject="c1", value="rang")
    history = read_history(tmp_path.iterdir())
    assert [(one.op, one.outcome, one.told) for one in history.asked] == [
        ("client-1", "acknowledged", "c1"),
        ("client-2", "unknown", None),
    ]
    assert history.asked[1].ended is None
    assert [(fault.what, fault.in_flight) for fault in history.faults] == [("worker killed", 3)]
