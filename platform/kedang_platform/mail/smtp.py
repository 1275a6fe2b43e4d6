"""Mails over SMTP: connections kept for the next mails, and an honest account of what became of each."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from aiosmtplib import SMTP, SMTPException, SMTPResponseException

from kedang_platform.channel import Delivery, Outcome
from kedang_platform.mail.composing import address_of, compose
from kedang_platform.mail.connections import ConnectionKeeper, Kept
from kedang_platform.mail.holding import Holding
from kedang_platform.mail.ports import Mail, domain_of
from kedang_platform.mail.reports import HARD, kind_of
from kedang_platform.observing import metrics, tracing

_TIMEOUT = 30.0
_TOTAL = 120.0
"""Seconds in which a mail is handed over or the try ends: a server that answers a letter a second is a hang, too."""
_ENHANCED = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mails are handed over; ``encrypted`` from the first byte (smtps), else STARTTLS when offered."""

    host: str
    port: int
    encrypted: bool
    user: str | None
    password: str | None

    @classmethod
    def of(cls, url: str) -> SmtpServer:
        """From ``smtp[s]://[user:password@]host[:port]``; raises ValueError for anything else."""
        parts = urlsplit(url)
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            raise ValueError("a mail server is written smtp://host:port or smtps://host:port")
        encrypted = parts.scheme == "smtps"
        return cls(
            host=parts.hostname,
            port=parts.port or (465 if encrypted else 25 if parts.username is None else 587),
            encrypted=encrypted,
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )

    @property
    def start_tls(self) -> bool | None:
        """A password never crosses a network in the clear; without one, encryption is taken when offered."""
        if self.encrypted:
            return False
        return True if self.user and not _is_loopback(self.host) else None


class SmtpMailer:
    """Belongs to one event loop; as many mails at once as are asked for, each on a connection of its own.

    A connection that has carried its mail is kept a few seconds for the next (``ConnectionKeeper``). ``timeout`` are
    the seconds that one answer may take, ``total`` those for all of a mail. Domains that take no mail at the moment
    are left alone for a while (``Holding``).
    """

    def __init__(
        self,
        server: SmtpServer,
        *,
        timeout: float = _TIMEOUT,
        total: float = _TOTAL,
        keeper: ConnectionKeeper | None = None,
    ) -> None:
        self._server = server
        self._timeout = timeout
        self._total = total
        self._keeper = keeper or ConnectionKeeper()
        self._holding = Holding()

    async def send(self, mail: Mail, *, key: str) -> Delivery:  # noqa: ARG002 - the Message-ID carries the key
        with tracing.span("mail.send") as span, metrics.MAIL_SECONDS.time():
            delivery = await self._send(mail)
            span.tell(outcome=delivery.outcome.value)
            metrics.MAILS.labels(delivery.outcome.value).inc()
            return delivery

    async def _send(self, mail: Mail) -> Delivery:
        try:
            sender, message = address_of(mail.sender), compose(mail)
        except ValueError as error:
            return Delivery(Outcome.REJECTED, str(error))
        domain = domain_of(mail.recipient).lower()
        wait = self._holding.left(domain)
        if wait:
            return Delivery(
                Outcome.RETRY, "its domain takes no mails for now", retry_after=timedelta(seconds=wait)
            )
        exchange = _Exchange(mail.return_path or sender, mail.recipient, message)
        try:
            async with asyncio.timeout(self._total):
                delivery = await self._exchange(exchange)
        except TimeoutError:
            outcome = Outcome.UNKNOWN if exchange.offered else Outcome.RETRY
            return Delivery(outcome, "the mail server took too long")
        self._holding.note(domain, delivery.outcome, refused=exchange.refused)
        return delivery

    async def _exchange(self, exchange: _Exchange) -> Delivery:
        try:
            connection = await self._begun(exchange.sender)
        except (SMTPException, OSError) as error:
            return Delivery(
                Outcome.RETRY, str(error)
            )  # a server down, a wrong password: not this mail's fault
        async with self._keeper.returning(connection):
            delivery = await exchange.hand_over(connection.client)
            if delivery.outcome is Outcome.UNKNOWN or exchange.garbled:
                connection.client.close()  # whatever comes on it belongs to this mail
            elif delivery.outcome is not Outcome.ACCEPTED:
                await _reset(connection.client)
        return delivery

    async def close(self) -> None:
        """Part from the mail server."""
        await self._keeper.close()

    async def _begun(self, sender: str) -> Kept:
        """A connection on which the mail server has taken the sender, and with it the beginning of a mail.

        A kept one that the server has left, or will not go on with for whatever reason, is given up for
        the next and at last for a new one: nothing of this mail has been said on it.
        """
        while (kept := self._keeper.take()) is not None:
            try:
                async with self._keeper.dropping(kept):
                    await kept.client.mail(sender)
            except (SMTPException, OSError):
                continue
            return kept
        fresh = Kept(self._client(sender))
        async with self._keeper.dropping(fresh):
            await fresh.client.connect()
            await fresh.client.mail(sender)
        return fresh

    def _client(self, sender: str) -> SMTP:
        return SMTP(
            hostname=self._server.host,
            port=self._server.port,
            use_tls=self._server.encrypted,
            start_tls=self._server.start_tls,
            username=self._server.user,
            password=self._server.password,
            local_hostname=domain_of(sender),
            timeout=self._timeout,
        )


class _Exchange:
    """One mail on one connection, and how far it has come: until DATA nothing is taken."""

    def __init__(self, sender: str, recipient: str, message: bytes) -> None:
        self.sender = sender
        self._recipient = recipient
        self._message = message
        self.offered = False
        self.refused = False
        self.garbled = False

    async def hand_over(self, client: SMTP) -> Delivery:
        """Until DATA nothing is taken; from then on only an answer tells what happened."""
        try:
            await client.rcpt(self._recipient)
        except SMTPResponseException as error:
            return self._refused(error)
        except (SMTPException, OSError) as error:
            return Delivery(Outcome.RETRY, str(error))
        self.offered = True
        try:
            await client.data(self._message)
        except SMTPResponseException as error:
            return Delivery(_refusal(error), str(error))
        except (SMTPException, OSError) as error:
            return Delivery(Outcome.UNKNOWN, str(error))
        return Delivery(Outcome.ACCEPTED)

    def _refused(self, error: SMTPResponseException) -> Delivery:
        """What is no answer at all, such as a part of one, refuses nothing; the mail has not been offered yet."""
        outcome = _refusal(error)
        self.garbled = outcome is Outcome.UNKNOWN
        self.refused = outcome is Outcome.RETRY
        if outcome is Outcome.REJECTED:
            return Delivery(outcome, str(error), refused_address=_is_about_the_address(error))
        return Delivery(Outcome.RETRY, str(error))


def _is_about_the_address(error: SMTPResponseException) -> bool:
    """Whether a refused recipient does not exist: 550, 551 and 553, unless the enhanced code says otherwise."""
    exact = _ENHANCED.search(error.message)
    return kind_of(exact[0]) == HARD if exact else error.code in {550, 551, 553}


async def _reset(client: SMTP) -> None:
    """Leave nothing of a refused mail on the connection, or break it off."""
    try:
        await client.rset()
    except (SMTPException, OSError):
        client.close()


def _refusal(error: SMTPResponseException) -> Outcome:
    """A 5xx answer is for good and a 4xx one may pass (RFC 5321, 4.2.1); what is neither tells nothing."""
    if 500 <= error.code < 600:
        return Outcome.REJECTED
    return Outcome.RETRY if 400 <= error.code < 500 else Outcome.UNKNOWN


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
