"""Passwords: which are taken, and how they are kept (argon2id; OWASP's m=19 MiB, t=2, p=1)."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from kedang_platform.identity.errors import (
    PasswordTooCommon,
    PasswordTooLong,
    PasswordTooShort,
    TooBusy,
)
from kedang_platform.identity.guessing import TOO_SOON, fold, guesses

SHORTEST = 10
LONGEST = 128
_WAITING = 64
_MOST_FIGURES = 14
_Result = TypeVar("_Result")


def check_password(password: str, *, own: Iterable[str] = ()) -> None:
    """Refuse a password that is too short, too long, or quickly guessed.

    10 to 128 characters of any kind (ASVS 5.0, 6.2); not put together of few pieces that everybody uses or that
    are the person's ``own`` (e-mail, names), as ``guessing`` has it. Raises a ``BadUserInput``.
    """
    if len(password) < SHORTEST:
        raise PasswordTooShort(minimum=SHORTEST)
    if len(password) > LONGEST:
        raise PasswordTooLong(maximum=LONGEST)
    if is_phone_number(password) or guesses(password, own=own) < TOO_SOON:
        raise PasswordTooCommon


def is_phone_number(password: str) -> bool:
    """Whether it is nothing but figures, as long as numbers of telephones and identity papers are."""
    folded = fold(password)
    return folded.isdigit() and len(folded) < _MOST_FIGURES


def _hasher() -> argon2.PasswordHasher:
    return argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


@cache
def _hash_of_nobody() -> str:
    """What a password is compared with where there is none; made once a process, it takes as long as any."""
    return _hasher().hash("")


class Passwords:
    """Hashes and verifies in a small pool of threads of its own, so that sign-ins never stall requests.

    argon2 works outside the interpreter lock and takes 19 MiB at a time: the pool bounds memory and
    cores, the queue before it is bounded too and answers ``TooBusy`` beyond ``waiting``.
    """

    def __init__(self, *, threads: int = 2, waiting: int = _WAITING) -> None:
        self._argon2 = _hasher()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="passwords")
        self._free = threads + waiting
        self._stranger = _hash_of_nobody()

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
