"""What becomes of a job whose handler raised: which failures may pass, when to try again, what is told.

======================  =================================================  ======================  ==============
class                   which failures                                     next try after          counts as a try
======================  =================================================  ======================  ==============
contention              DatabaseBusy: deadlock, serialisation, locks       0.1 s doubling to 30 s  yes
server of ours away     DatabaseUnavailable, LiveUnavailable, disk full    5 to 10 s               not for a day
told when               whatever bears ``retry_after``                     what it says, ≤ a day   yes
passing                 other errors that are ``passing``                  the handler's backoff   yes
not known here          kinds and messages of a newer release              a quarter of its age    not for a day
bug                     everything unexpected, and a time limit            the handler's backoff   yes
plain no                other expected failures                            none: a dead letter     –
======================  =================================================  ======================  ==============
"""

from __future__ import annotations

import errno
import random
import traceback
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Final

import orjson

from kedang_platform.database import DatabaseBusy, DatabaseUnavailable
from kedang_platform.errors import KedangError, Refused, UserError
from kedang_platform.i18n import msg
from kedang_platform.live.events import LiveUnavailable


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits after failed tries: ``first``, doubling up to ``longest``; then 50–100 % of it."""

    first: timedelta = timedelta(seconds=2)
    longest: timedelta = timedelta(hours=1)

    def wait(self, try_number: int, *, chance: random.Random) -> timedelta:
        """The wait after the ``try_number``-th failed try (1, 2, …).

        The spread keeps jobs that failed together from coming back together.
        """
        doubled: timedelta = self.first * 2 ** min(try_number - 1, 30)
        return min(doubled, self.longest) * chance.uniform(0.5, 1.0)


USUAL: Final = Backoff()
CONTENTION: Final = Backoff(timedelta(milliseconds=100), timedelta(seconds=30))
SERVER_AWAY: Final = Backoff(timedelta(seconds=10), timedelta(seconds=10))
LONGEST_ASKED: Final = timedelta(days=1)
"""What a server may put a try off by; it is not granted more."""
NOT_KNOWN_WAITS: Final = (timedelta(seconds=2), timedelta(minutes=10))
UNCOUNTED_FOR: Final = timedelta(days=1)
"""How old a job may be for tries that could not even begin their work to cost it nothing."""


class FailureClass(Enum):
    CONTENTION = "contention"
    SERVER_AWAY = "server away"
    TOLD_WHEN = "told when"
    PASSING = "passing"
    NOT_KNOWN = "not known here"
    BUG = "bug"
    PLAIN_NO = "plain no"


class UnknownKind(KedangError):
    """No handler here for the job: a newer release asked for it."""

    passing = True


class WorkerLost(KedangError):
    """The worker died or fell silent each time it worked on the job."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What is kept of a failure. ``params`` is JSON; ``detail`` names the place in the code, never a value."""

    code: str
    message: str
    params: str = "{}"
    detail: str | None = None


_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


def class_of(error: BaseException) -> FailureClass:
    """To which line of the table ``error`` belongs."""
    if isinstance(error, DatabaseBusy):
        return FailureClass.CONTENTION
    if isinstance(error, DatabaseUnavailable | LiveUnavailable):
        return FailureClass.SERVER_AWAY
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return FailureClass.SERVER_AWAY
    if isinstance(error, UnknownKind):
        return FailureClass.NOT_KNOWN
    if not isinstance(error, KedangError):
        return FailureClass.BUG
    if error.retry_after is not None:
        return FailureClass.TOLD_WHEN
    return FailureClass.PASSING if error.passing else FailureClass.PLAIN_NO


def may_pass(error: BaseException) -> bool:
    """Whether trying again can help: yes for all but the expected failures that are a plain no."""
    return class_of(error) is not FailureClass.PLAIN_NO


def wait_after(
    error: BaseException,
    try_number: int,
    *,
    age: timedelta = timedelta(0),
    usual: Backoff = USUAL,
    chance: random.Random,
) -> timedelta:
    """How long to wait after the ``try_number``-th failed try (1, 2, …), by the class of its failure.

    ``age`` is how long ago the job was asked for.
    """
    match class_of(error):
        case FailureClass.CONTENTION:
            return CONTENTION.wait(try_number, chance=chance)
        case FailureClass.SERVER_AWAY:
            return SERVER_AWAY.wait(try_number, chance=chance)
        case FailureClass.NOT_KNOWN:
            return wait_for_newer(age, chance=chance)
        case FailureClass.TOLD_WHEN:
            asked = error.retry_after if isinstance(error, KedangError) else None
            return min(asked or timedelta(), LONGEST_ASKED) * chance.uniform(1.0, 1.1)
        case _:
            return usual.wait(try_number, chance=chance)


def wait_for_newer(age: timedelta, *, chance: random.Random) -> timedelta:
    """How long to leave work to a newer worker: at first it may be a moment, later it will be longer."""
    least, most = NOT_KNOWN_WAITS
    return min(max(age / 4, least), most) * chance.uniform(0.5, 1.0)


def counts(error: BaseException, *, age: timedelta) -> bool:
    """Whether a failed try costs the job one of its tries; ``age`` is how long ago it was asked for."""
    free = class_of(error) in {FailureClass.SERVER_AWAY, FailureClass.NOT_KNOWN}
    return not free or age > UNCOUNTED_FOR


def told_of(error: BaseException) -> UserError:
    """What people are told of ``error``: an expected failure with its code, of a bug only that it is one."""
    if isinstance(error, KedangError):
        return error.errors[0] if isinstance(error, Refused) else UserError.of(error)
    message = msg("Something went wrong on our side. It has been recorded and will be looked into.")
    return UserError("INTERNAL_ERROR", message)


def failure_of(error: BaseException) -> Failure:
    """What to keep of ``error``: what is told of it, and of a bug where in the code it lies."""
    told = told_of(error)
    detail = None if isinstance(error, KedangError) else _place(error)
    return Failure(told.code, told.message, orjson.dumps(dict(told.params), default=str).decode(), detail)


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-5:]
    where = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__} in {where}"
