"""References of bank transfers: short, without look-alikes, and with a character that shows misreadings."""

from __future__ import annotations

import secrets
from typing import Final

# Neither 0 and O nor 1, I and L; 31 characters, because 31 is a prime number: see ``_check``.
_ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_PREFIX: Final = "KD"
_DIGITS: Final = 8


def new_reference() -> str:
    """A reference as it is told, ``KD-7QM-4TX-9BC``: 8 random characters (39 bits) and their check character."""
    digits = "".join(secrets.choice(_ALPHABET) for _ in range(_DIGITS))
    text = digits + _check(digits)
    return "-".join((_PREFIX, text[:3], text[3:6], text[6:]))


def read_reference(text: str) -> str | None:
    """The reference as ``new_reference`` wrote it, however a bank or a person spaced it; None for a misread one."""
    plain = "".join(character for character in text.upper() if character.isalnum())
    body = plain.removeprefix(_PREFIX)
    if len(plain) != len(_PREFIX) + _DIGITS + 1 or body == plain or not set(body) <= set(_ALPHABET):
        return None
    if _check(body[:-1]) != body[-1]:
        return None
    return "-".join((_PREFIX, body[:3], body[3:6], body[6:]))


def _check(digits: str) -> str:
    """The character that makes the weighted sum a multiple of 31.

    The weights differ and none is a multiple of 31, so one wrong character and two swapped ones always show.
    """
    total = sum(weight * _ALPHABET.index(digit) for weight, digit in enumerate(digits, start=2))
    return _ALPHABET[-total % len(_ALPHABET)]
