"""What becomes of a job whose handler raised: which failures may pass, when to try again, what is told."""

from __future__ import annotations

import random
import traceback
from dataclasses import dataclass
from datetime import timedelta

import orjson

from kedang_platform.errors import KedangError, Refused, UserError
from kedang_platform.i18n import msg

FIRST_WAIT = timedelta(seconds=2)
LONGEST_WAIT = timedelta(hours=1)


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


def may_pass(error: BaseException) -> bool:
    """Whether trying again can help: yes for all but the expected failures that are a plain no."""
    return not isinstance(error, KedangError) or error.passing


def wait_before(try_number: int, *, chance: random.Random) -> timedelta:
    """The wait after the ``try_number``-th failed try (1, 2, …): doubling, at most an hour, then 50–100 % of it.

    The spread keeps jobs that failed together from coming back together.
    """
    doubled: timedelta = FIRST_WAIT * 2 ** min(try_number - 1, 30)
    return min(doubled, LONGEST_WAIT) * chance.uniform(0.5, 1.0)


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
