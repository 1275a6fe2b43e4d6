"""A small mail server for mails that come back: it takes what is sent to return addresses and nothing else.

It stands behind the operator's mail server, which sends it what arrives for the bounce address; as LMTP (RFC 2033) or SMTP.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit
from weakref import WeakSet, ref

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from kedang_platform.clock import Clock
from kedang_platform.database import Databases
from kedang_platform.errors import KedangError
from kedang_platform.mail.bounces import take_report
from kedang_platform.mail.reports import read_report
from kedang_platform.mail.returning import mail_in
from kedang_platform.observing import metrics
from kedang_platform.secrets import SecretKey

_MOST: Final = 2 * 1024 * 1024
"""Bytes that a report may have, with the mail that it brings back; what is looked at is ``reports.LARGEST``."""
CONNECTIONS: Final = 20
"""So many are served at once, as much memory as they fill; the next ones are sent away and come again."""
_IDLE_SECONDS: Final = 60.0
_LONGEST_SECONDS: Final = 600.0
"""After these a connection is broken off: whoever sends a letter a minute keeps no place."""

log = structlog.get_logger(__name__)
# It tells addresses and contents.
logging.getLogger("mail.log").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Receiver:
    """What is done with one message: a report about a mail of ours is noted, everything else is forgotten."""

    databases: Databases
    secret: SecretKey
    clock: Clock

    async def take(self, content: bytes, recipients: tuple[str, ...]) -> bool:
        """Take in one message; whether it said anything about a mail of ours."""
        report = await asyncio.to_thread(read_report, content, recipients=recipients)
        if report is None:
            log.info("mail.report_ignored")
            return False
        async with self.databases.control() as control:
            known = await take_report(control, self.secret, report)
        metrics.BOUNCES.labels(report.kind.lower() if known else metrics.UNKNOWN).inc()
        log.info("mail.report_taken" if known else "mail.report_foreign", kind=report.kind.lower())
        return known

    def is_return_address(self, address: str) -> bool:
        """Whether it is one that this installation has made."""
        return mail_in(self.secret, [address]) is not None


class _Handler:
    """What the protocol asks: whom we take mail for, and what becomes of it."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if not self._receiver.is_return_address(address):
            return "550 5.1.1 No such address"
        if envelope.rcpt_tos:
            # Over LMTP each recipient would be answered alone; whoever has more comes again.
            return "452 4.5.3 One recipient at a time"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        content: Any = envelope.content
        try:
            await self._receiver.take(content, tuple(envelope.rcpt_tos))
        except (KedangError, OSError) as error:
            log.warning("mail.report_delayed", error=type(error).__name__)
            return "451 4.3.0 Try again later"
        return "250 2.0.0 OK"

    async def handle_exception(self, error: Exception) -> str:
        """A bug of ours: the mail server keeps the message and tries again."""
        log.error("mail.report_failed", exc_info=error)
        return "451 4.3.0 Try again later"


class _Busy(asyncio.Protocol):
    """Sends a connection away that is one too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.WriteTransport):
            transport.write(b"421 4.3.2 Too many connections, try again later\r\n")
        transport.close()


def _break_off(connection: SMTP | None) -> None:
    if connection is not None and connection.transport is not None:
        connection.transport.close()


@asynccontextmanager
async def listening(receiver: Receiver, address: str) -> AsyncIterator[int]:
    """Take mails at ``smtp://host:port`` or ``lmtp://host:port`` until the block ends; yields the port."""
    parts = urlsplit(address)
    protocol = LMTP if parts.scheme == "lmtp" else SMTP
    loop = asyncio.get_running_loop()
    handler = _Handler(receiver)
    made: WeakSet[SMTP] = WeakSet()

    def connection() -> asyncio.Protocol:
        if sum(each.transport is not None for each in made) >= CONNECTIONS:
            return _Busy()
        new = protocol(
            handler,
            data_size_limit=_MOST,
            hostname="kedang",
            ident="Kedang",
            timeout=_IDLE_SECONDS,
            loop=loop,
        )
        made.add(new)
        known = ref(new)
        loop.call_later(_LONGEST_SECONDS, lambda: _break_off(known()))
        return new

    server = await loop.create_server(connection, host=parts.hostname, port=parts.port or 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for each in list(made):
            _break_off(each)
        await server.wait_closed()
