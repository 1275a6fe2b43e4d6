"""Addresses of people: one spelling each, so that an address is one person."""

from __future__ import annotations

import re

from kedang_platform.identity.errors import InvalidEmail, NameMissing

_LOCAL = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# What browsers accept in an e-mail field (HTML standard), with a dot required in the domain.
_ADDRESS = re.compile(rf"{_LOCAL}@{_LABEL}(?:\.{_LABEL})+", re.ASCII)
_LONGEST = 254  # RFC 5321, 4.5.3.1.3 less the angle brackets
_CONTROLS = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")


def normalise(email: str, *, path: tuple[str, ...] = ("email",)) -> str:
    """The address in lower case, its domain in ASCII (IDNA); raises ``InvalidEmail``."""
    local, at, domain = email.strip().rpartition("@")
    if not at:
        raise InvalidEmail(path=path)
    try:
        address = f"{local}@{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        raise InvalidEmail(path=path) from None
    if len(address) > _LONGEST or not _ADDRESS.fullmatch(address):
        raise InvalidEmail(path=path)
    return address.lower()


def clean_name(name: str, *, path: tuple[str, ...] = ("name",), longest: int = 100) -> str:
    """A name on one line, 1 to ``longest`` characters; raises ``NameMissing``."""
    cleaned = " ".join(_CONTROLS.sub(" ", name).split())
    if not 1 <= len(cleaned) <= longest:
        raise NameMissing(path=path, longest=longest)
    return cleaned
