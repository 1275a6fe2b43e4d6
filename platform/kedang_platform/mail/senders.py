"""Who a company's mails come from: its name and answers, and its own address where the operator allows that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parseaddr
from functools import lru_cache

from kedang_platform.mail.ports import domain_of


@dataclass(frozen=True, slots=True)
class Sender:
    """What stands as the sender of a company's mails: ``footer`` are the lines below them that say who writes.

    ``from_address`` is used in domains that the operator has allowed the company; elsewhere it is the installation's.
    """

    display_name: str
    reply_to: str | None = None
    from_address: str | None = None
    footer: tuple[str, ...] = ()


def written(sender: Sender | None, *, installation: str) -> str:
    """The sender as it is stored with a mail: a name and an address."""
    if sender is None:
        return installation
    name = " ".join(sender.display_name.split())
    # The name is put into the letters of the wire when the mail is composed; here it stays readable.
    quoted = name.replace("\\", "").replace('"', "'")
    address = sender.from_address or parseaddr(installation)[1]
    return f'"{quoted}" <{address}>' if quoted else address


@lru_cache(
    maxsize=256
)  # asked for each mail; reading two addresses took a tenth of all that sending one took
def allowed_sender(stored: str | None, *, installation: str, domains: tuple[str, ...]) -> str:
    """The stored sender, its address that of the installation where its domain is none of the allowed ones."""
    if stored is None:
        return installation
    name, own = parseaddr(stored)
    address = parseaddr(installation)[1]
    if own == address or domain_of(stored).lower() in domains:
        return stored
    return f'"{name}" <{address}>' if name else address


def domains_of(allowed: Mapping[str, Sequence[str]], handle: str | None) -> tuple[str, ...]:
    """The domains that the company of that handle may send from, in small letters."""
    return tuple(domain.lower() for domain in allowed.get(handle or "", ()))
