"""Passwords: which are taken, and how they are kept (argon2id; OWASP's m=19 MiB, t=2, p=1)."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import resources
from typing import TypeVar

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from kedang_platform.identity.errors import (
    PasswordTooCommon,
    PasswordTooLong,
    PasswordTooShort,
    TooBusy,
)

SHORTEST = 10
LONGEST = 128
_SEQUENCES = (
    "01234567890123456789",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "qazwsxedcrfvtgbyhnujmikolp",
    "1q2w3e4r5t6y7u8i9o0p",
    "一二三四五六七八九十",
)
_WAITING = 64
_Result = TypeVar("_Result")


def check_password(password: str, *, own: Iterable[str] = ()) -> None:
    """Refuse a password that is too short, too long, or quickly guessed.

    10 to 128 characters; not among the most used ones; not one short piece repeated, not a run of the
    alphabet or keyboard, not made of the person's ``own`` data (e-mail, names). Raises a ``BadUserInput``.
    """
    if len(password) < SHORTEST:
        raise PasswordTooShort(minimum=SHORTEST)
    if len(password) > LONGEST:
        raise PasswordTooLong(maximum=LONGEST)
    folded = _fold(password)
    guesses = _common() | _own_pieces(own)
    if folded in guesses or _core(folded) in guesses or _patterned(folded):
        raise PasswordTooCommon


def _own_pieces(own: Iterable[str]) -> set[str]:
    """The texts themselves, the part before an at sign, and each word, when longer than two characters."""
    pieces = {piece for text in own for piece in (text, *text.split("@"), *text.split())}
    return {folded for piece in pieces if len(folded := _fold(piece)) > 2}


def _patterned(folded: str) -> bool:
    """Whether it is a telephone number or a date, one piece repeated, or a run of keys."""
    return (folded.isdigit() and len(folded) < 14) or _repeats(folded) or _runs(folded)


def _fold(text: str) -> str:
    """In one spelling, without spaces and case."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def _core(folded: str) -> str:
    """What is left without the digits and signs that people append to fill up the length."""
    return folded.rstrip("0123456789!.,?*#@_-$ ")


def _repeats(folded: str) -> bool:
    """Whether the whole is one piece of up to four characters again and again, as in 123123123123."""
    return any(folded == (folded[:size] * (len(folded) // size + 1))[: len(folded)] for size in range(1, 5))


def _runs(folded: str) -> bool:
    """Whether the whole is a run, forwards or backwards, of the digits, the alphabet or the keyboard."""
    return any(folded in run or folded in run[::-1] for run in _SEQUENCES)


@cache
def _common() -> frozenset[str]:
    text = resources.files(__package__).joinpath("common_passwords.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


class Passwords:
    """Hashes and verifies in a small pool of threads of its own, so that sign-ins never stall requests.

    argon2 works outside the interpreter lock and takes 19 MiB at a time: the pool bounds memory and
    cores, the queue before it is bounded too and answers ``TooBusy`` beyond ``waiting``.
    """

    def __init__(self, *, threads: int = 2, waiting: int = _WAITING) -> None:
        self._argon2 = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="passwords")
        self._free = threads + waiting
        self._stranger = self._argon2.hash("")

    async def hash(self, password: str) -> str:
        """The encoded argon2id hash, salt and parameters included."""
        return await self._run(lambda: self._argon2.hash(normal(password)))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether ``password`` is the one that was hashed.

        Without a hash (unknown person, no password yet) the same work is done on a hash that nothing
        matches, so that the time of the answer does not tell who is known.
        """
        return await self._run(lambda: self._verify(password_hash, normal(password)))

    def outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._argon2.check_needs_rehash(password_hash)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _verify(self, password_hash: str | None, password: str) -> bool:
        if len(password) > LONGEST * 4:
            password, password_hash = "", None
        try:
            self._argon2.verify(password_hash or self._stranger, password)
        except (VerificationError, InvalidHashError):
            return False
        return password_hash is not None

    async def _run(self, work: Callable[[], _Result]) -> _Result:
        if self._free <= 0:
            raise TooBusy
        self._free -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._free += 1


def normal(password: str) -> str:
    """One spelling for what looks the same on different keyboards (NIST SP 800-63B, 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)
