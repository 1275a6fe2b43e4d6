"""Mails over SMTP: one connection a mail, and an honest account of what became of it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from aiosmtplib import SMTP, SMTPException, SMTPResponseException

from kedang_platform.mail.ports import Delivery, Mail, Outcome, compose, domain_of

_TIMEOUT = 30.0
_GOODBYE = 2.0


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
    def __init__(self, server: SmtpServer, *, timeout: float = _TIMEOUT) -> None:
        self._server = server
        self._timeout = timeout

    async def send(self, mail: Mail, *, key: str) -> Delivery:  # noqa: ARG002 - the Message-ID carries the key
        client = SMTP(
            hostname=self._server.host,
            port=self._server.port,
            use_tls=self._server.encrypted,
            start_tls=self._server.start_tls,
            username=self._server.user,
            password=self._server.password,
            local_hostname=domain_of(mail.sender),
            timeout=self._timeout,
        )
        try:
            return await _hand_over(client, mail)
        finally:
            client.close()


async def _hand_over(client: SMTP, mail: Mail) -> Delivery:
    """Until the last line of DATA nothing is taken; from then on only an answer tells what happened."""
    message = compose(mail)
    try:
        await client.connect()
        await client.mail(message["From"].addresses[0].addr_spec)
    except (SMTPException, OSError) as error:
        return Delivery(Outcome.RETRY, str(error))  # a server down, a wrong password: not this mail's fault
    try:
        await client.rcpt(mail.recipient)
        await client.data(message.as_bytes())
    except SMTPResponseException as error:
        return Delivery(_refusal(error), str(error))
    except (SMTPException, OSError) as error:
        return Delivery(Outcome.UNKNOWN, str(error))
    with suppress(SMTPException, OSError):
        await client.quit(timeout=_GOODBYE)
    return Delivery(Outcome.ACCEPTED)


def _refusal(error: SMTPResponseException) -> Outcome:
    """A 5xx answer is for good (RFC 5321, 4.2.1), everything else may pass."""
    return Outcome.REJECTED if 500 <= error.code < 600 else Outcome.RETRY


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
