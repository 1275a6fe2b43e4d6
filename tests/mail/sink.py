"""A real SMTP server that keeps what it takes, and answers as a test says."""

import asyncio
import socket
import time
from email import message_from_bytes
from email.policy import SMTP as POLICY

from aiosmtpd.controller import Controller

from kedang_platform.mail import SmtpMailer, SmtpServer
from kedang_platform.mail.connections import ConnectionKeeper

_OK = "250 OK"


class Sink:
    """What is said to MAIL, RCPT and DATA; at ``hang_up`` it breaks the connection off, at ``stall`` it says nothing."""

    def __init__(self):
        self.taken = []
        self.mail = _OK
        self.rcpt = _OK
        self.data = _OK
        self.hang_up = ""
        self.stall = ""
        self.stalled = False
        self.connections = 0
        self.quits = 0
        self.open = []

    async def handle_EHLO(self, server, session, envelope, hostname, responses):  # noqa: N802 - aiosmtpd's name
        self.connections += 1
        self.open.append(server)
        session.host_name = hostname
        return responses

    async def handle_MAIL(self, server, session, envelope, address, options):  # noqa: N802
        if self.mail == _OK:
            envelope.mail_from = address
        return await self._answer(server, "mail")

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if self.rcpt == _OK:
            envelope.rcpt_tos.append(address)
        return await self._answer(server, "rcpt")

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        if self.data == _OK:
            self.taken.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return await self._answer(server, "data")

    async def handle_QUIT(self, server, session, envelope):  # noqa: N802
        self.quits += 1
        return "221 Bye"

    async def _answer(self, server, stage):
        if self.stall == stage:
            self.stalled = True
            await asyncio.sleep(30)
        if self.hang_up == stage:
            server.transport.abort()
        return getattr(self, stage)

    @property
    def messages(self):
        return [message_from_bytes(content, policy=POLICY) for _, _, content in self.taken]

    @property
    def recipients(self):
        return [recipient for _, recipients, _ in self.taken for recipient in recipients]

    def start(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self.controller.start()
        self.mailer = self.new_mailer()

    def new_mailer(self, **limits):
        server = SmtpServer("127.0.0.1", self.port, encrypted=False, user=None, password=None)
        return SmtpMailer(server, timeout=5, keeper=ConnectionKeeper(**limits))

    async def drop_connections(self):
        """End all connections from the server's side, as after an idle time, and wait until they are gone."""
        transports = [server.transport for server in self.open if server.transport is not None]
        for transport in transports:
            self.controller.loop.call_soon_threadsafe(transport.abort)
        await until(
            lambda: all(server.transport is None or server.transport.is_closing() for server in self.open)
        )
        await asyncio.sleep(0.05)


async def until(question, *, seconds=10):
    """Wait until the question is answered with true."""
    deadline = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
