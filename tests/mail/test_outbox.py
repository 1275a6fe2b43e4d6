"""A mail leaves once; after an unknown outcome once more with the same Message-ID (design 6)."""

import asyncio
import contextlib
import socket
import stat
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from kedang_platform.channel import Delivery, Outcome
from kedang_platform.clock import FixedClock
from kedang_platform.database import DatabaseUnavailable
from kedang_platform.mail import (
    FolderMailer,
    Letter,
    MailDelayed,
    Outgoing,
    SmtpMailer,
    SmtpServer,
    Ways,
    deliver,
    forget_old_mails,
    give_up,
    list_mails,
    mail_folder,
    mail_states,
    open_mailer,
    post,
    read_mail,
)
from kedang_platform.settings import Settings
from kedang_platform.work import JobLost, JobPutOff
from kedang_workers.composition import make_services
from tests.support.workers import run_jobs

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
SENDER = "Kedang <no-reply@kedang.example>"
LETTER = Letter(
    subject="Your password was changed",
    paragraphs=("Hello {name},", ".", "。" * 600),
    params={"name": "李伟"},
)


async def write(databases, *, key="greeting:1", recipient="li.wei@northwind.example"):
    async with databases.control() as control:
        await post(control, [Outgoing(LETTER, recipient, "zh-CN", key)], sender=SENDER, now=NOW)
    return await row(databases, key)


async def row(databases, key="greeting:1"):
    async with databases.control_read() as read:
        return await read.fetchrow("SELECT * FROM platform.mail WHERE key = $1", key)


async def send(databases, mailer, mail_id):
    await deliver(databases, mailer, mail_id, ways=Ways(SENDER), now=NOW)


async def test_a_mail_is_handed_over_once_and_whole(databases, sink):
    mail = await write(databases)
    await send(databases, sink.mailer, mail["id"])
    await send(databases, sink.mailer, mail["id"])
    ((mail_from, rcpt_tos, _),) = sink.taken
    assert (mail_from, rcpt_tos) == ("no-reply@kedang.example", ["li.wei@northwind.example"])
    (message,) = sink.messages
    assert message["From"] == "Kedang <no-reply@kedang.example>"
    assert message["To"] == "li.wei@northwind.example"
    assert message["Message-ID"] == mail["message_id"]
    assert message["Date"].datetime == NOW
    assert message["Auto-Submitted"] == "auto-generated"
    text = message.get_body(("plain",)).get_content().replace("\r\n", "\n")
    assert "\n\n.\n\n" in text
    assert "。" * 600 in text
    assert "李伟" in message.get_body(("html",)).get_content()
    after = await row(databases)
    assert (after["state"], after["attempts"], after["sent_at"]) == ("sent", 1, NOW)
    assert (after["text"], after["html"]) == ("", "")


async def test_the_same_key_is_the_same_mail(databases):
    first = await write(databases)
    second = await write(databases, recipient="someone.else@northwind.example")
    assert second == first
    async with databases.control_read() as read:
        assert await read.fetchval("SELECT count(*) FROM work.job WHERE kind = 'mail.send'") == 1


async def test_a_rolled_back_change_sends_nothing(databases):
    with contextlib.suppress(ZeroDivisionError):
        async with databases.control() as control:
            await post(control, [Outgoing(LETTER, "a@x.example", "en", "k")], sender=SENDER, now=NOW)
            raise ZeroDivisionError
    assert await row(databases, "k") is None


async def test_a_refused_recipient_is_not_tried_again(databases, sink):
    sink.rcpt = "550 no such mailbox"
    mail = await write(databases)
    await send(databases, sink.mailer, mail["id"])
    after = await row(databases)
    assert after["state"] == "rejected"
    assert "no such mailbox" in after["error"]
    sink.rcpt = "250 OK"
    await send(databases, sink.mailer, mail["id"])
    assert sink.taken == []


@pytest.mark.parametrize(("stage", "answer"), [("rcpt", "451 greylisted"), ("data", "452 disk full")])
async def test_a_passing_refusal_is_tried_again(databases, sink, stage, answer):
    setattr(sink, stage, answer)
    mail = await write(databases)
    with pytest.raises(MailDelayed):
        await send(databases, sink.mailer, mail["id"])
    assert (await row(databases))["state"] == "queued"
    setattr(sink, stage, "250 OK")
    await send(databases, sink.mailer, mail["id"])
    assert len(sink.taken) == 1
    assert (await row(databases))["unknowns"] == 0


async def test_a_server_that_is_down_is_tried_again(databases, sink):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        down = SmtpMailer(
            SmtpServer("127.0.0.1", nobody.getsockname()[1], encrypted=False, user=None, password=None)
        )
        mail = await write(databases)
        with pytest.raises(MailDelayed):
            await send(databases, down, mail["id"])
    assert (await row(databases))["state"] == "queued"
    await send(databases, sink.mailer, mail["id"])
    assert len(sink.taken) == 1


@pytest.mark.requirement("T10")
async def test_after_a_lost_answer_the_mail_goes_once_more_with_the_same_message_id(databases, sink):
    sink.hang_up = "data"
    mail = await write(databases)
    with pytest.raises(MailDelayed):
        await send(databases, sink.mailer, mail["id"])
    sink.hang_up = ""
    await send(databases, sink.mailer, mail["id"])
    first, second = sink.messages
    assert first["Message-ID"] == second["Message-ID"] == mail["message_id"]
    assert first.as_bytes().split(b"boundary")[0] == second.as_bytes().split(b"boundary")[0]
    after = await row(databases)
    assert (after["state"], after["attempts"], after["unknowns"]) == ("sent", 2, 1)


async def test_after_two_lost_answers_it_stays_unknown_and_is_recorded(databases, sink):
    sink.hang_up = "data"
    mail = await write(databases)
    for _ in range(2):
        with pytest.raises(MailDelayed):
            await send(databases, sink.mailer, mail["id"])
    await send(databases, sink.mailer, mail["id"])
    await send(databases, sink.mailer, mail["id"])
    assert len(sink.taken) == 2
    after = await row(databases)
    assert (after["state"], after["attempts"], after["unknowns"]) == ("unknown", 2, 2)


@pytest.mark.requirement("T10")
async def test_what_may_have_been_taken_once_is_never_given_up_as_rejected(databases, sink):
    mail = await write(databases)
    sink.hang_up = "data"
    with pytest.raises(MailDelayed):
        await send(databases, sink.mailer, mail["id"])
    sink.hang_up, sink.rcpt = "", "450 4.2.1 Not now"
    with pytest.raises(MailDelayed):
        await send(databases, sink.mailer, mail["id"])
    assert (await row(databases))["state"] == "queued"
    async with databases.control() as control:
        await give_up(control, mail["id"])
    assert len(sink.taken) == 1
    assert (await row(databases))["state"] == "unknown"


async def test_a_process_that_dies_while_sending_leaves_an_unknown_outcome(databases, sink):
    class Dying:
        async def send(self, mail, *, key):
            await sink.mailer.send(mail, key=key)
            raise asyncio.CancelledError

    mail = await write(databases)
    with pytest.raises(asyncio.CancelledError):
        await send(databases, Dying(), mail["id"])
    await send(databases, sink.mailer, mail["id"])
    assert len({message["Message-ID"] for message in sink.messages}) == 1
    assert (await row(databases))["unknowns"] == 1


async def test_where_nobody_can_say_whether_it_is_wanted_nothing_was_tried(databases, sink):
    async def nobody_knows(message, whose):
        raise DatabaseUnavailable("away")

    mail = await write(databases)
    for _ in range(3):
        with pytest.raises(DatabaseUnavailable):
            await deliver(databases, sink.mailer, mail["id"], ways=Ways(SENDER), now=NOW, wanted=nobody_knows)
    after = await row(databases)
    assert (after["state"], after["attempts"], after["unknowns"]) == ("queued", 0, 0)
    await send(databases, sink.mailer, mail["id"])
    assert len(sink.taken) == 1


class Answerless:
    """Databases that commit the next transaction that writes, and whose answer to that is lost."""

    def __init__(self, databases, *, away_after: bool):
        self._databases, self._away_after, self._lost = databases, away_after, False

    def control_read(self):
        return self._databases.control_read()

    @asynccontextmanager
    async def control(self):
        if self._lost and self._away_after:
            raise DatabaseUnavailable("away")
        async with self._databases.control() as control:
            yield control
        if not self._lost:
            self._lost = True
            raise DatabaseUnavailable("the connection broke off")


async def test_a_try_that_was_noted_and_never_made_leaves_no_doubt(databases, sink):
    mail = await write(databases)
    for _ in range(3):
        with pytest.raises(DatabaseUnavailable):
            await send(Answerless(databases, away_after=False), sink.mailer, mail["id"])
        noted = await row(databases)
        assert (noted["state"], noted["unknowns"]) == ("queued", 0)
    assert sink.taken == []
    await send(databases, sink.mailer, mail["id"])
    after = await row(databases)
    assert (after["state"], after["attempts"], after["unknowns"]) == ("sent", 4, 0)
    assert len(sink.taken) == 1


async def test_where_that_cannot_be_said_either_the_doubt_stays_and_is_counted(databases, sink):
    mail = await write(databases)
    with pytest.raises(DatabaseUnavailable):
        await send(Answerless(databases, away_after=True), sink.mailer, mail["id"])
    assert (await row(databases))["state"] == "sending"
    await send(databases, sink.mailer, mail["id"])
    after = await row(databases)
    assert (after["state"], after["attempts"], after["unknowns"]) == ("sent", 2, 1)


async def test_a_mail_that_is_held_back_is_asked_again_and_may_have_been_taken_before(databases, sink):
    async def later(message, whose):
        return NOW.replace(hour=8)

    async def unwanted(message, whose):
        return Delivery(Outcome.WITHHELD)

    mail = await write(databases)
    sink.hang_up = "data"
    with pytest.raises(MailDelayed):
        await send(databases, sink.mailer, mail["id"])
    with pytest.raises(JobPutOff) as put_off:
        await deliver(databases, sink.mailer, mail["id"], ways=Ways(SENDER), now=NOW, wanted=later)
    assert put_off.value.until == NOW.replace(hour=8)
    assert (await row(databases))["state"] == "sending"
    with pytest.raises(MailDelayed):
        await send(databases, sink.mailer, mail["id"])
    await deliver(databases, sink.mailer, mail["id"], ways=Ways(SENDER), now=NOW, wanted=unwanted)
    after = await row(databases)
    assert (after["state"], after["attempts"], after["unknowns"]) == ("unknown", 2, 2)


async def test_a_mail_and_the_job_that_sent_it_end_together(databases, sink, tmp_path):
    mail = await write(databases)
    settings = databases.settings.model_copy(
        update={"var": tmp_path, "smtp_url": SecretStr(f"smtp://127.0.0.1:{sink.port}"), "mail_from": SENDER}
    )
    services = replace(
        make_services(databases=databases, settings=settings, clock=FixedClock(NOW)), mail=sink.mailer
    )
    assert (await run_jobs(databases, services=services)).done == 1
    assert (await row(databases))["state"] == "sent"
    async with databases.control_read() as read:
        job = await read.fetchrow("SELECT state, tries FROM work.job WHERE key = $1", f"mail:{mail['id']}")
    assert dict(job) == {"state": "done", "tries": 1}
    assert len(sink.taken) == 1


async def test_a_mail_that_went_is_recorded_even_where_the_job_was_taken_away_meanwhile(databases, sink):
    @asynccontextmanager
    async def taken_away():
        raise JobLost
        yield

    mail = await write(databases)
    with pytest.raises(JobLost):
        await deliver(databases, sink.mailer, mail["id"], ways=Ways(SENDER), now=NOW, finish=taken_away)
    assert (await row(databases))["state"] == "sent"
    await send(databases, sink.mailer, mail["id"])
    assert len(sink.taken) == 1


@pytest.mark.requirement("T7")
async def test_a_month_later_nothing_is_known_of_what_left_or_will_never_leave(databases, sink):
    sent = await write(databases, key="sent")
    await send(databases, sink.mailer, sent["id"])
    called_off = await write(databases, key="called off")
    await write(databases, key="waits")
    async with databases.control() as control:
        await control.fetch(
            "UPDATE work.job SET state = 'cancelled', finished_at = now() WHERE key = $1",
            f"mail:{called_off['id']}",
        )
        await forget_old_mails(control, now=NOW + timedelta(days=30))
        assert await control.fetchval("SELECT count(*) FROM platform.mail") == 3
        await forget_old_mails(control, now=NOW + timedelta(days=30, seconds=1))
        assert [row["key"] for row in await control.fetch("SELECT key FROM platform.mail")] == ["waits"]


async def test_the_states_of_mails_are_told_by_their_keys(databases, sink):
    sent = await write(databases, key="a")
    await write(databases, key="b")
    await send(databases, sink.mailer, sent["id"])
    async with databases.control_read() as read:
        assert await mail_states(read, ["a", "b", "c"]) == {"a": "sent", "b": "queued"}


async def test_of_many_mails_each_has_a_message_id_of_its_own(databases):
    first, second = await write(databases, key="a"), await write(databases, key="b")
    assert first["message_id"] != second["message_id"]
    assert first["message_id"].endswith("@kedang.example>")


async def test_without_a_mail_server_mails_lie_in_the_folder(databases, tmp_path):
    mailer = FolderMailer(tmp_path / "mail")
    mail = await write(databases)
    await send(databases, mailer, mail["id"])
    other = await write(databases, key="greeting:2", recipient="Other@northwind.example")
    await send(databases, mailer, other["id"])
    newest, older = list_mails(tmp_path / "mail")
    assert (newest.recipient, older.recipient) == ("Other@northwind.example", "li.wei@northwind.example")
    assert older.message_id == mail["message_id"]
    assert older.subject == mail["subject"]
    assert older.sent_at == NOW
    assert "李伟" in older.text
    assert "李伟" in older.html
    assert [m.id for m in list_mails(tmp_path / "mail", to="other@NORTHWIND.example")] == [newest.id]
    assert read_mail(tmp_path / "mail", older.id) == older
    assert [path.suffix for path in (tmp_path / "mail").iterdir()] == [".eml", ".eml"]
    assert stat.S_IMODE((tmp_path / "mail").stat().st_mode) == 0o700


async def test_a_repeat_is_the_same_file(databases, tmp_path):
    class Dying(FolderMailer):
        async def send(self, mail, *, key):
            await super().send(mail, key=key)
            raise asyncio.CancelledError

    mail = await write(databases)
    with pytest.raises(asyncio.CancelledError):
        await send(databases, Dying(tmp_path), mail["id"])
    await send(databases, FolderMailer(tmp_path), mail["id"])
    assert len(list_mails(tmp_path)) == 1


async def test_a_folder_that_cannot_be_written_is_tried_again(databases, tmp_path):
    (tmp_path / "file").write_text("")
    mail = await write(databases)
    with pytest.raises(MailDelayed):
        await send(databases, FolderMailer(tmp_path / "file"), mail["id"])
    assert (await row(databases))["state"] == "queued"


@pytest.mark.parametrize("mail_id", ["", "..", "../secret", "nothing", "a/b", ".hidden", "a\x00"])
def test_no_path_leads_out_of_the_folder(tmp_path, mail_id):
    (tmp_path / "secret.eml").write_text("Subject: secret\n\n")
    assert read_mail(tmp_path / "mail", mail_id) is None


def test_the_settings_choose_the_adapter(tmp_path):
    settings = Settings(var=tmp_path)
    assert isinstance(open_mailer(settings), FolderMailer)
    assert mail_folder(settings) == tmp_path / "mail"
    with_server = Settings(var=tmp_path, smtp_url="smtp://mail.example:2525")
    assert isinstance(open_mailer(with_server), SmtpMailer)
    assert mail_folder(with_server) is None


@pytest.mark.parametrize(
    ("url", "server", "start_tls"),
    [
        (
            "smtp://mail.example",
            SmtpServer("mail.example", 25, encrypted=False, user=None, password=None),
            None,
        ),
        (
            "smtps://u:p%40ss@mail.example",
            SmtpServer("mail.example", 465, encrypted=True, user="u", password="p@ss"),
            False,
        ),
        (
            "smtp://u:p@mail.example",
            SmtpServer("mail.example", 587, encrypted=False, user="u", password="p"),
            True,
        ),
        (
            "smtp://u:p@127.0.0.1:1025",
            SmtpServer("127.0.0.1", 1025, encrypted=False, user="u", password="p"),
            None,
        ),
    ],
)
def test_a_mail_server_is_written_as_an_address(url, server, start_tls):
    assert SmtpServer.of(url) == server
    assert server.start_tls is start_tls


@pytest.mark.parametrize("url", ["mail.example", "http://mail.example", "smtp://", "smtp://:25"])
def test_anything_else_is_no_mail_server(url):
    with pytest.raises(ValueError, match="smtp://host:port"):
        SmtpServer.of(url)
