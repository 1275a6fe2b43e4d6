"""Mail servers that hang, drip, answer by halves or put a domain off: what is told of a mail stays true (T10)."""

import asyncio
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from kedang_platform.channel import Outcome
from kedang_platform.mail import Mail, SmtpMailer, SmtpServer
from kedang_platform.mail.holding import PATIENCE, Holding
from kedang_platform.mail.ports import message_id

MAIL = Mail(
    sender="Kedang <no-reply@kedang.example>",
    recipient="li.wei@northwind.example",
    subject="Hello",
    text="Hello",
    html="<p>Hello</p>",
    language="en",
    message_id=message_id("k", "no-reply@kedang.example"),
    created_at=datetime(2026, 3, 2, tzinfo=UTC),
)


class Script:
    """A server that answers each line as a test says; ``None`` says nothing, ``...`` hangs up."""

    def __init__(self, **answers):
        self.answers = {
            "banner": b"220 ready\r\n",
            "EHLO": b"250 hello\r\n",
            "MAIL": b"250 ok\r\n",
            "RCPT": b"250 ok\r\n",
            "DATA": b"354 go\r\n",
            "body": b"250 taken\r\n",
            "RSET": b"250 ok\r\n",
            "QUIT": b"221 bye\r\n",
        } | answers
        self.bodies = 0

    async def __aenter__(self):
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        self.mailer = self.new_mailer()
        return self

    def new_mailer(self, **limits):
        server = SmtpServer("127.0.0.1", self.port, encrypted=False, user=None, password=None)
        return SmtpMailer(server, **({"timeout": 0.3, "total": 0.6} | limits))

    async def __aexit__(self, *error):
        await self.mailer.close()
        self.server.close()

    async def _serve(self, reader, writer):
        try:
            await self._say(writer, "banner")
            while line := await reader.readline():
                verb = line[:4].decode("ascii", "replace").upper()
                await self._say(writer, verb)
                if verb == "DATA" and self.answers["DATA"][:3] == b"354":
                    await reader.readuntil(b"\r\n.\r\n")
                    self.bodies += 1
                    await self._say(writer, "body")
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _say(self, writer, verb):
        answer = self.answers.get(verb, b"500 what?\r\n")
        if answer is ...:
            writer.transport.abort()
            raise ConnectionResetError
        if callable(answer):
            await answer(writer)
        elif answer is not None:
            writer.write(answer)
            await writer.drain()


async def drip(writer):
    """A letter at a time, each soon enough: only the whole takes too long."""
    for letter in b"250-" + b"x" * 100:
        writer.write(bytes([letter]))
        await writer.drain()
        await asyncio.sleep(0.05)


BEFORE, AFTER = Outcome.RETRY, Outcome.UNKNOWN


@pytest.mark.requirement("T10")
@pytest.mark.parametrize(
    ("answers", "outcome", "bodies"),
    [
        ({"banner": None}, BEFORE, 0),
        ({"banner": drip}, BEFORE, 0),
        ({"EHLO": None}, BEFORE, 0),
        ({"MAIL": drip}, BEFORE, 0),
        ({"MAIL": ...}, BEFORE, 0),
        ({"RCPT": None}, BEFORE, 0),
        ({"RCPT": drip}, BEFORE, 0),
        ({"RCPT": ...}, BEFORE, 0),
        ({"RCPT": b"25"}, BEFORE, 0),
        ({"RCPT": b"gibberish\r\n"}, BEFORE, 0),
        ({"RCPT": b"450 4.2.1 later\r\n"}, BEFORE, 0),
        ({"DATA": b"451 later\r\n"}, BEFORE, 0),
        ({"body": None}, AFTER, 1),
        ({"body": drip}, AFTER, 1),
        ({"body": ...}, AFTER, 1),
        ({"body": b"25"}, AFTER, 1),
        ({"body": b"gibberish\r\n"}, AFTER, 1),
        ({"body": b"452 disk full\r\n"}, BEFORE, 1),
        ({"body": b"554 no\r\n"}, Outcome.REJECTED, 1),
        ({}, Outcome.ACCEPTED, 1),
    ],
    ids=lambda value: (
        "-".join(f"{k}:{getattr(v, '__name__', v)}" for k, v in value.items())
        if isinstance(value, dict)
        else None
    ),
)
async def test_nobody_knows_only_after_the_mail_was_offered(answers, outcome, bodies):
    async with Script(**answers) as script:
        began = asyncio.get_running_loop().time()
        delivery = await script.mailer.send(MAIL, key="k")
        assert (delivery.outcome, script.bodies) == (outcome, bodies)
        assert asyncio.get_running_loop().time() - began < 20


async def test_after_a_bad_exchange_the_next_mail_goes_all_the_same():
    async with Script(RCPT=b"25") as script:
        assert (await script.mailer.send(MAIL, key="k")).outcome is Outcome.RETRY
        script.answers["RCPT"] = b"250 ok\r\n"
        assert (await script.mailer.send(MAIL, key="k")).outcome is Outcome.ACCEPTED
        script.answers["body"] = drip
        assert (await script.mailer.send(MAIL, key="k")).outcome is Outcome.UNKNOWN
        script.answers["body"] = b"250 taken\r\n"
        assert (await script.mailer.send(MAIL, key="k")).outcome is Outcome.ACCEPTED


@pytest.mark.requirement("T10")
@pytest.mark.parametrize(
    ("answer", "refused"),
    [
        (b"550 5.1.1 unknown\r\n", True),
        (b"550 no such user\r\n", True),
        (b"553 5.1.3 bad address\r\n", True),
        (b"550 5.7.1 blocked\r\n", False),
        (b"552 5.2.2 full\r\n", False),
        (b"554 no\r\n", False),
        (b"521 5.3.2 takes no mail\r\n", True),
    ],
)
async def test_a_refused_recipient_may_be_one_that_does_not_exist(answer, refused):
    async with Script(RCPT=answer) as script:
        delivery = await script.mailer.send(MAIL, key="k")
        assert (delivery.outcome, delivery.refused_address) == (Outcome.REJECTED, refused)


@pytest.mark.requirement("T10")
async def test_a_domain_that_puts_mails_off_is_left_alone_and_others_are_not():
    async with Script(RCPT=b"451 4.7.1 greylisted\r\n") as script:
        for _ in range(PATIENCE):
            assert (await script.mailer.send(MAIL, key="k")).retry_after is None
        script.answers["RCPT"] = b"250 ok\r\n"
        held = await script.mailer.send(MAIL, key="k")
        assert held.outcome is Outcome.RETRY
        assert 0 < held.retry_after.total_seconds() <= 30
        other = Mail(
            **{name: getattr(MAIL, name) for name in MAIL.__slots__} | {"recipient": "a@other.example"}
        )
        assert (await script.mailer.send(other, key="o")).outcome is Outcome.ACCEPTED
        assert script.bodies == 1


def test_a_domain_is_left_alone_longer_each_time_and_forgiven_at_once():
    clock = [0.0]
    holding = Holding(now=lambda: clock[0])
    waits = []
    for _ in range(10):
        holding.note("x.example", Outcome.RETRY, refused=True)
        waits.append(holding.left("x.example"))
        clock[0] += waits[-1]
        assert holding.left("x.example") == 0
    assert waits == [0, 0, 30, 60, 120, 240, 480, 900, 900, 900]
    assert all(before <= after for before, after in pairwise(waits))
    holding.note("x.example", Outcome.RETRY, refused=False)  # the server was down: says nothing of the domain
    holding.note("x.example", Outcome.ACCEPTED, refused=False)
    holding.note("x.example", Outcome.RETRY, refused=True)
    assert holding.left("x.example") == 0
