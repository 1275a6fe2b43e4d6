"""A connection carries many mails; what became of each is told as honestly as with one of its own."""

import asyncio
import socket
from datetime import UTC, datetime

import pytest

from kedang_platform.channel import Outcome
from kedang_platform.mail import Mail
from kedang_platform.mail.ports import message_id
from tests.mail.sink import until

SENDER = "Kedang <no-reply@kedang.example>"


def mail(number: int, *, recipient: str = "") -> Mail:
    return Mail(
        sender=SENDER,
        recipient=recipient or f"contact.{number}@customer.example",
        subject=f"Mail {number}",
        text="Hello",
        html="<p>Hello</p>",
        language="en",
        message_id=message_id(f"mail:{number}", SENDER),
        created_at=datetime(2026, 3, 2, 1, 0, tzinfo=UTC),
    )


async def outcomes(mailer, *mails):
    return [(await mailer.send(each, key=each.message_id)).outcome for each in mails]


async def test_mails_to_several_people_share_a_connection(sink):
    assert await outcomes(sink.mailer, mail(1), mail(2), mail(3)) == [Outcome.ACCEPTED] * 3
    assert sink.connections == 1
    assert sink.recipients == [
        "contact.1@customer.example",
        "contact.2@customer.example",
        "contact.3@customer.example",
    ]
    assert [message["Subject"] for message in sink.messages] == ["Mail 1", "Mail 2", "Mail 3"]


async def test_mails_at_the_same_time_have_connections_of_their_own_which_then_wait(sink):
    found = await asyncio.gather(*(outcomes(sink.mailer, mail(number)) for number in range(4)))
    assert found == [[Outcome.ACCEPTED]] * 4
    assert sink.connections == 4
    await outcomes(sink.mailer, mail(5))
    assert sink.connections == 4


@pytest.mark.parametrize("stage", ["rcpt", "data"])
@pytest.mark.parametrize(("answer", "outcome"), [("550 no", Outcome.REJECTED), ("451 later", Outcome.RETRY)])
async def test_a_refused_mail_leaves_nothing_on_the_connection(sink, stage, answer, outcome):
    await outcomes(sink.mailer, mail(1))
    setattr(sink, stage, answer)
    assert await outcomes(sink.mailer, mail(2)) == [outcome]
    setattr(sink, stage, "250 OK")
    assert await outcomes(sink.mailer, mail(3)) == [Outcome.ACCEPTED]
    assert sink.recipients == ["contact.1@customer.example", "contact.3@customer.example"]
    assert sink.connections == 1


async def test_an_answer_that_says_nothing_is_unknown(sink):
    sink.data = "299 perhaps"
    assert await outcomes(sink.mailer, mail(1)) == [Outcome.UNKNOWN]


async def test_a_connection_that_the_server_dropped_while_idle_is_replaced(sink):
    await outcomes(sink.mailer, mail(1))
    await sink.drop_connections()
    assert await outcomes(sink.mailer, mail(2)) == [Outcome.ACCEPTED]
    assert sink.connections == 2
    assert len(sink.taken) == 2


class OnlyOne:
    """What a server says to MAIL on a connection that has carried one mail already."""

    def __init__(self, sink, answer):
        self.sink = sink
        self.answer = answer

    async def __call__(self, server, session, envelope, address, options):
        if session.__dict__.setdefault("carried", 0) == 0:
            session.carried += 1
            envelope.mail_from = address
            return "250 OK"
        if self.answer is None:
            server.transport.abort()
        return self.answer or "250 never heard"


@pytest.mark.parametrize("answer", [None, "421 idle too long", "452 too many mails", "554 too many mails"])
async def test_a_server_that_does_not_go_on_gets_the_mail_on_a_new_connection(sink, answer):
    sink.handle_MAIL = OnlyOne(sink, answer)
    sink.controller.handler = sink
    assert await outcomes(sink.mailer, mail(1), mail(2), mail(3)) == [Outcome.ACCEPTED] * 3
    assert sink.connections == 3
    assert len({message["Message-ID"] for message in sink.messages}) == len(sink.taken) == 3


async def test_a_server_that_closes_after_the_sender_has_not_taken_the_mail(sink):
    await outcomes(sink.mailer, mail(1))
    sink.rcpt = "421 shutting down"
    assert await outcomes(sink.mailer, mail(2)) == [Outcome.RETRY]
    sink.rcpt = "250 OK"
    assert await outcomes(sink.mailer, mail(2)) == [Outcome.ACCEPTED]
    assert sink.connections == 2
    assert len(sink.taken) == 2


@pytest.mark.parametrize(
    ("stage", "outcome", "taken"),
    [("mail", Outcome.RETRY, 1), ("rcpt", Outcome.RETRY, 1), ("data", Outcome.UNKNOWN, 2)],
)
async def test_a_lost_connection_is_unknown_only_after_data(sink, stage, outcome, taken):
    await outcomes(sink.mailer, mail(1))
    sink.hang_up = stage
    assert await outcomes(sink.mailer, mail(2)) == [outcome]
    assert len(sink.taken) == taken
    sink.hang_up = ""
    assert await outcomes(sink.mailer, mail(2)) == [Outcome.ACCEPTED]


async def test_a_connection_is_given_up_after_its_share_of_mails(sink):
    mailer = sink.new_mailer(mails=2)
    assert await outcomes(mailer, *map(mail, range(5))) == [Outcome.ACCEPTED] * 5
    await mailer.close()
    assert (sink.connections, sink.quits) == (3, 3)


async def test_an_idle_connection_is_parted_from(sink):
    mailer = sink.new_mailer(idle_seconds=0.05)
    await outcomes(mailer, mail(1))
    await until(lambda: sink.quits == 1)
    assert await outcomes(mailer, mail(2)) == [Outcome.ACCEPTED]
    assert sink.connections == 2
    await mailer.close()


async def test_a_closed_mailer_has_said_goodbye_and_sends_again(sink):
    await asyncio.gather(*(outcomes(sink.mailer, mail(number)) for number in range(3)))
    await sink.mailer.close()
    assert sink.quits == 3
    assert await outcomes(sink.mailer, mail(4)) == [Outcome.ACCEPTED]


async def test_a_mail_that_is_broken_off_takes_its_connection_along(sink):
    await outcomes(sink.mailer, mail(1))
    sink.stall = "rcpt"
    sending = asyncio.create_task(outcomes(sink.mailer, mail(2)))
    await until(lambda: sink.stalled)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    sink.stall = ""
    assert await outcomes(sink.mailer, mail(3)) == [Outcome.ACCEPTED]
    assert sink.connections == 2


@pytest.mark.parametrize(
    "recipient", ["李伟@customer.example", "a b@customer.example", "nobody", "a@b\r\nX: y"]
)
async def test_an_address_that_is_none_is_refused_before_anybody_is_asked(sink, recipient):
    assert await outcomes(sink.mailer, mail(1, recipient=recipient)) == [Outcome.REJECTED]
    assert sink.connections == 0


async def test_without_a_server_nothing_is_lost(sink):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        sink.port = nobody.getsockname()[1]
        assert await outcomes(sink.new_mailer(), mail(1)) == [Outcome.RETRY]
