"""What came back: read as the standards say, believed only with a handle of ours, and told to the company (T10)."""

import asyncio
import smtplib
import socket
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from kedang_platform.clock import FixedClock
from kedang_platform.ids import new_id
from kedang_platform.mail import (
    Letter,
    Outgoing,
    ReturnAddress,
    Ways,
    deliver,
    mail_states,
    on_bounce,
    post,
    read_report,
)
from kedang_platform.mail import bounces as listeners
from kedang_platform.mail.receiving import CONNECTIONS, Receiver, listening
from kedang_platform.mail.reports import kind_of
from kedang_platform.mail.returning import mail_in
from kedang_platform.secrets import SecretKey
from kedang_workers.cli import app
from tests.mail.bouncing import complaint, delivery_report, hand_over, vacation
from tests.support.database import SECRET

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
SENDER = "Kedang <no-reply@kedang.example>"
KEY = SecretKey(b"secret")
RETURNS = ReturnAddress(KEY, "bounces@mail.kedang.example")
LI_WEI = "li.wei@northwind.example"
LETTER = Letter(subject="Hello", paragraphs=("Hello",))


async def sent(databases, sink, company=None, *, key="survey:1", to=LI_WEI, returns=RETURNS):
    """A mail that the mail server has taken; its id and the address it comes back to."""
    outgoing = Outgoing(LETTER, to, "en", key, company=company.ref if company else None, kind="survey")
    async with databases.control() as control:
        await post(control, [outgoing], sender=SENDER, now=NOW)
    async with databases.control_read() as read:
        mail_id = await read.fetchval("SELECT id FROM platform.mail WHERE key = $1", key)
    await deliver(databases, sink.mailer, mail_id, ways=Ways(SENDER, returns=returns), now=NOW)
    return mail_id, sink.taken[-1][0]


@pytest.fixture
async def listener(databases):
    """The port of the listener."""
    async with listening(Receiver(databases, KEY, FixedClock(NOW)), "smtp://127.0.0.1:0") as port:
        yield port


async def state_of(databases, key="survey:1"):
    async with databases.control_read() as read:
        return (await mail_states(read, [key]))[key]


async def jobs(databases):
    async with databases.control_read() as read:
        rows = await read.fetch(
            "SELECT payload->>'report' AS report FROM work.job WHERE kind = 'correspondence.report'"
        )
    return sorted(row["report"] for row in rows)


@pytest.mark.requirement("T10")
async def test_each_mail_has_an_address_of_its_own_to_come_back_to(databases, sink):
    first, one = await sent(databases, sink, key="a")
    second, other = await sent(databases, sink, key="b")
    assert one != other
    assert one == RETURNS.of(first)
    assert one.startswith("bounces+")
    assert one.endswith("@mail.kedang.example")
    assert len(one.partition("@")[0]) <= 64
    assert mail_in(KEY, [one.upper()]) == first
    assert mail_in(KEY, ["nobody", f"To: <{other}>"]) == second
    assert sink.messages[0]["From"] == "Kedang <no-reply@kedang.example>"


@pytest.mark.requirement("T10")
async def test_a_mail_that_came_back_is_no_longer_sent_and_its_company_learns_of_it_once(
    databases, sink, company, listener
):
    mail_id, address = await sent(databases, sink, company)
    assert await state_of(databases) == "sent"
    for _ in range(2):
        await asyncio.to_thread(hand_over, listener, address, delivery_report(address))
    assert await state_of(databases) == "bounced"
    assert await jobs(databases) == ["HARD"]
    async with databases.control_read() as read:
        assert await read.fetchval("SELECT error FROM platform.mail") == "5.1.1 550 5.1.1 User unknown"
    assert mail_id


@pytest.mark.requirement("T10")
async def test_over_lmtp_too(databases, sink, company):
    _, address = await sent(databases, sink, company)
    async with listening(Receiver(databases, KEY, FixedClock(NOW)), "lmtp://127.0.0.1:0") as port:
        await asyncio.to_thread(hand_over, port, address, delivery_report(address), lmtp=True)
    assert await state_of(databases) == "bounced"


@pytest.mark.requirement("T10")
async def test_a_mail_that_waits_elsewhere_is_noted_and_one_that_is_unwanted_has_arrived(
    databases, sink, company, listener
):
    _, address = await sent(databases, sink, company)
    delayed = delivery_report(address, action="delayed", status="4.4.1", diagnostic="smtp; 451 Try later")
    await asyncio.to_thread(hand_over, listener, address, delayed)
    await asyncio.to_thread(hand_over, listener, address, complaint(address, mail_from=address))
    assert await state_of(databases) == "sent"
    assert await jobs(databases) == ["COMPLAINT", "DELAYED"]


@pytest.mark.requirement("T10", "O1")
async def test_what_is_forged_or_foreign_changes_nothing(databases, sink, company, listener):
    mail_id, address = await sent(databases, sink, company)
    forged = ReturnAddress(SecretKey(b"other"), RETURNS.address).of(mail_id)
    touched = f"{address[:20]}{'7' if address[20] != '7' else '6'}{address[21:]}"
    for wrong in (forged, touched, "bounces@mail.kedang.example", "postmaster@mail.kedang.example"):
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            await asyncio.to_thread(hand_over, listener, wrong, delivery_report(wrong))
    unknown = RETURNS.of(new_id())
    for to, content in (
        (address, vacation(address)),
        (address, b"Subject: hello\r\n\r\nwhat is this?\r\n"),
        (address, b"\x00\xff\r\n" * 100),
        (address, delivery_report(address, action="relayed", status="2.0.0", diagnostic="smtp; 250 OK")),
        (address, complaint(address, mail_from=address, feedback="not-spam")),
        (unknown, delivery_report(unknown)),
    ):
        await asyncio.to_thread(hand_over, listener, to, content)
    assert await state_of(databases) == "sent"
    assert await jobs(databases) == []


async def test_one_report_is_about_one_mail(databases, sink, company, listener):
    _, one = await sent(databases, sink, company, key="a")
    _, other = await sent(databases, sink, company, key="b")

    def both():
        with smtplib.SMTP("127.0.0.1", listener) as server:
            return server.sendmail("", [one, other], delivery_report(one))

    refused = await asyncio.to_thread(both)
    assert list(refused) == [other]
    assert refused[other][0] == 452
    assert await state_of(databases, "a") == "bounced"
    assert await state_of(databases, "b") == "sent"


async def test_a_mail_of_an_account_only_says_that_it_bounced(databases, sink, listener):
    _, address = await sent(databases, sink)
    await asyncio.to_thread(hand_over, listener, address, delivery_report(address))
    assert await state_of(databases) == "bounced"
    assert await jobs(databases) == []


@pytest.mark.requirement("T7")
async def test_of_a_mail_that_came_back_before_its_end_was_noted_no_text_is_kept(
    databases, sink, company, listener
):
    class Answered:
        """The report is there before the mail server's answer."""

        async def send(self, mail, *, key):
            delivery = await sink.mailer.send(mail, key=key)
            report = delivery_report(mail.return_path)
            await asyncio.to_thread(hand_over, listener, mail.return_path, report)
            return delivery

    async with databases.control() as control:
        outgoing = Outgoing(LETTER, LI_WEI, "en", "k", company=company.ref)
        await post(control, [outgoing], sender=SENDER, now=NOW)
    async with databases.control_read() as read:
        mail_id = await read.fetchval("SELECT id FROM platform.mail WHERE key = 'k'")
    await deliver(databases, Answered(), mail_id, ways=Ways(SENDER, returns=RETURNS), now=NOW)
    async with databases.control_read() as read:
        row = await read.fetchrow("SELECT state, text, html, unsubscribe FROM platform.mail")
    assert dict(row) == {"state": "bounced", "text": "", "html": "", "unsubscribe": None}


async def test_a_mail_that_was_never_handed_over_cannot_come_back(databases, sink, company, listener):
    sink.rcpt = "550 5.1.1 no such mailbox"
    async with databases.control() as control:
        await post(
            control, [Outgoing(LETTER, LI_WEI, "en", "k", company=company.ref)], sender=SENDER, now=NOW
        )
    async with databases.control_read() as read:
        mail_id = await read.fetchval("SELECT id FROM platform.mail WHERE key = 'k'")
    address = RETURNS.of(mail_id)
    await asyncio.to_thread(hand_over, listener, address, delivery_report(address))
    assert await state_of(databases, "k") == "queued"
    await deliver(databases, sink.mailer, mail_id, ways=Ways(SENDER, returns=RETURNS), now=NOW)
    assert await state_of(databases, "k") == "rejected"
    assert await jobs(databases) == ["HARD"]  # the refusal itself says that the address takes no mail
    await asyncio.to_thread(hand_over, listener, address, delivery_report(address))
    assert await state_of(databases, "k") == "rejected"


async def test_a_refusal_that_is_not_about_the_address_suppresses_nothing(databases, sink, company):
    sink.rcpt = "550 5.7.1 blocked for spam"
    async with databases.control() as control:
        await post(
            control, [Outgoing(LETTER, LI_WEI, "en", "k", company=company.ref)], sender=SENDER, now=NOW
        )
    async with databases.control_read() as read:
        mail_id = await read.fetchval("SELECT id FROM platform.mail WHERE key = 'k'")
    await deliver(databases, sink.mailer, mail_id, ways=Ways(SENDER), now=NOW)
    assert await state_of(databases, "k") == "rejected"
    assert await jobs(databases) == []


@pytest.mark.parametrize(
    ("status", "diagnostic", "kind", "said"),
    [
        ("5.1.1", "smtp; 550 5.1.1 <x@y.example>: unknown", "HARD", "5.1.1 550 5.1.1 <x@y.example>: unknown"),
        ("5.0.0", "smtp; 550 no such user", "HARD", "5.0.0 550 no such user"),
        ("5.0.0", "smtp; 552-5.2.2 mailbox full", "SOFT", "5.2.2 552-5.2.2 mailbox full"),
        ("5.7.1", "smtp; 554 5.7.1 spam", "SOFT", "5.7.1 554 5.7.1 spam"),
        ("5.2.1", "", "HARD", "5.2.1"),
        ("4.4.7", "X-Postfix; delivery time expired", "SOFT", "4.4.7 delivery time expired"),
        ("", "smtp; 550 gone", "HARD", "5.0.0 550 gone"),
        ("", "", "SOFT", ""),
    ],
)
def test_a_failure_is_of_the_address_or_of_the_mail(status, diagnostic, kind, said):
    report = read_report(delivery_report("a@b.example", status=status, diagnostic=diagnostic))
    assert (report.kind, report.said) == (kind, said)


def test_the_return_address_is_found_wherever_a_report_tells_it():
    address = RETURNS.of(new_id())
    by_envelope = read_report(delivery_report("postmaster@x.example"), recipients=(address,))
    by_original = read_report(
        delivery_report("postmaster@x.example", original=f"Return-Path: <{address}>\nSubject: x\n")
    )
    by_feedback = read_report(complaint("fbl@x.example", mail_from=address))
    for report in (by_envelope, by_original, by_feedback):
        assert mail_in(KEY, report.addresses) is not None
    assert mail_in(KEY, read_report(delivery_report("postmaster@x.example")).addresses) is None


def test_a_report_about_several_recipients_says_the_worst():
    content = delivery_report("a@b.example", action="delayed", status="4.4.1", diagnostic="smtp; 451 later")
    worse = content.replace(b"451 later\r\n", b"451 later\r\n\r\nAction: failed\r\nStatus: 5.1.1\r\n", 1)
    assert worse != content
    assert read_report(content).kind == "DELAYED"
    assert read_report(worse).kind == "HARD"


@pytest.mark.requirement("O1")
def test_a_report_of_reports_within_reports_is_not_read():
    nested = b"Content-Type: multipart/report; boundary=b0\r\n\r\n" + b"".join(
        b"--b%d\r\nContent-Type: Multipart/Mixed; boundary=b%d\r\n\r\n" % (depth, depth + 1)
        for depth in range(400)
    )
    steps = 0

    def count(_frame, event, _argument):
        nonlocal steps
        steps += event == "call"

    sys.setprofile(count)
    try:
        assert read_report(nested + b"\n" * 20_000) is None
    finally:
        sys.setprofile(None)
    assert steps < 100  # it took a minute of one processor to read 256 kB


@pytest.mark.requirement("O1")
async def test_more_connections_than_there_are_places_come_again(listener):
    held = [await asyncio.open_connection("127.0.0.1", listener) for _ in range(CONNECTIONS)]
    for reader, _ in held:
        assert (await reader.readline()).startswith(b"220 ")
    reader, writer = await asyncio.open_connection("127.0.0.1", listener)
    assert (await reader.read()).startswith(b"421 4.3.2 ")
    writer.close()
    held[0][1].close()
    await held[0][1].wait_closed()
    for _ in range(100):
        reader, writer = await asyncio.open_connection("127.0.0.1", listener)
        if (await reader.readline()).startswith(b"220 "):
            break
        await asyncio.sleep(0.02)
    else:
        raise AssertionError("no place became free")
    for _, each in [*held[1:], (reader, writer)]:
        each.close()


@settings(max_examples=60, deadline=None)
@given(noise=st.binary(max_size=300), at=st.integers(0, 1200))
def test_whatever_arrives_is_read_without_an_error(noise, at):
    whole = delivery_report("a@b.example")
    report = read_report(whole[:at] + noise + whole[at:])
    assert report is None or report.kind in {"HARD", "SOFT", "DELAYED", "COMPLAINT"}
    assert read_report(noise) is None


@pytest.mark.parametrize(
    ("status", "kind"), [("5.1.10", "HARD"), ("5.4.1", "HARD"), ("5.3.4", "SOFT"), ("2.0.0", "SOFT")]
)
def test_a_status_says_whether_the_address_is_at_fault(status, kind):
    assert kind_of(status) == kind


async def test_listeners_are_told_by_the_beginning_of_the_key(monkeypatch):
    monkeypatch.setattr(listeners, "_listeners", {})
    heard = []

    @on_bounce("survey:")
    async def listen(write, bounced, clock):
        heard.append((bounced.key, bounced.hard))

    with pytest.raises(ValueError, match="listened for already"):

        @on_bounce("survey:")
        async def another(write, bounced, clock):
            raise AssertionError

    bounced = listeners.Bounced("survey:1", LI_WEI, hard=True)
    await listeners.tell_listeners(None, bounced, clock=FixedClock(NOW))
    await listeners.tell_listeners(None, replace(bounced, key="notice:1"), clock=FixedClock(NOW))
    assert heard == [("survey:1", True)]


async def test_any_mail_server_can_hand_over_a_message_to_the_command(
    databases, sink, company, work_environment
):
    returns = ReturnAddress(SECRET, RETURNS.address)
    _, address = await sent(databases, sink, company, returns=returns)

    def pipe(content, *options, **environment):
        environment = work_environment | environment
        return CliRunner().invoke(app, ["mail", "bounce", *options], input=content, env=environment).exit_code

    assert await asyncio.to_thread(pipe, b"nothing", "--recipient", address) == 0
    assert await state_of(databases) == "sent"
    for wrong in (
        {"KEDANG_DATABASE_URL": "postgresql://127.0.0.1:1/none"},
        {"KEDANG_BOUNCE_LISTEN": "nowhere"},
        {"KEDANG_MAIL_DOMAINS": "{"},
    ):
        assert await asyncio.to_thread(lambda wrong=wrong: pipe(delivery_report(address), **wrong)) == 75
    assert await asyncio.to_thread(pipe, delivery_report(address)) == 0
    assert await state_of(databases) == "bounced"


@pytest.mark.requirement("T10")
async def test_the_process_that_kedang_up_runs_takes_them_in(
    databases, sink, company, work_environment, work_processes
):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    work_environment["KEDANG_BOUNCE_LISTEN"] = f"smtp://127.0.0.1:{port}"
    _, address = await sent(databases, sink, company, returns=ReturnAddress(SECRET, RETURNS.address))
    work_processes.start("kedang_workers.bounces")
    for _ in range(300):
        try:
            await asyncio.to_thread(hand_over, port, address, delivery_report(address))
            break
        except ConnectionRefusedError:
            await asyncio.sleep(0.1)
    assert await state_of(databases) == "bounced"
    work_processes.end_all()
