"""Every expected failure of the product, with a stable code and a translatable message.

A feature declares its failures as subclasses next to its operations. The code is derived from
the class name (``SeatRequired`` becomes ``SEAT_REQUIRED``), so that it is the same in the API,
in import results, in jobs and on the command line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class KedangError(Exception):
    """An expected failure: told to whoever asked, never a bug.

    ``message`` is an English msgid with ``{named}`` placeholders filled from ``params``;
    ``path`` names the input field at fault, outermost first, and is empty when no single field is.
    A class that is ``passing`` says "not now" rather than "no": a job that meets it tries again,
    where the error bears ``retry_after``, not before that has passed.
    """

    code: ClassVar[str] = "KEDANG_ERROR"
    passing: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if "code" not in cls.__dict__:
            cls.code = _WORD_START.sub("_", cls.__name__).upper()

    def __init__(self, message: str, *, path: tuple[str | int, ...] = (), **params: object) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.params: Mapping[str, object] = params
        self.retry_after: timedelta | None = None

    def __str__(self) -> str:
        return self.message.format_map(dict(self.params))


class Unauthenticated(KedangError):
    """No credential, or one that is wrong, expired or revoked."""


class Forbidden(KedangError):
    """The viewer is known and may see the thing, but may not do this."""


class NotFound(KedangError):
    """The thing does not exist, or is not for this viewer to know of: the two are never told apart."""


class BadUserInput(KedangError):
    """The input cannot be used as it is."""


class CompanyUpgrading(KedangError):
    """The company's schema is behind the release; it is migrated at this moment."""

    passing = True


@dataclass(frozen=True, slots=True)
class UserError:
    """One thing wrong with an input, as the API, an import row and a form tell it."""

    code: str
    message: str
    path: tuple[str | int, ...] = ()
    params: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def of(cls, error: KedangError) -> UserError:
        return cls(error.code, error.message, error.path, error.params)


class Refused(KedangError):
    """A change was refused for one or several reasons; nothing of it was written."""

    def __init__(self, errors: list[UserError]) -> None:
        first = errors[0]
        super().__init__(first.message, path=first.path, **first.params)
        self.errors = errors
