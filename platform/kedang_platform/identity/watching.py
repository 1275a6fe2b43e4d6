"""What is told to the security log of a verb that lets in, proves, or ends something."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from kedang_platform.errors import KedangError
from kedang_platform.identity.browsers import Browser, place_of
from kedang_platform.identity.credentials import Identified
from kedang_platform.observing import security

P = ParamSpec("P")
T = TypeVar("T")


def watched(done: str, refused: str) -> Callable[[Callable[P, Awaitable[T]]], Callable[P, Awaitable[T]]]:
    """Tell ``done`` when the verb has done its work, ``refused`` with the code when it says no.

    What says "not now" - a database that is away - is neither, and what says False has done nothing. Who it was is
    read off arguments and result.
    """

    def mark(verb: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
        @wraps(verb)
        async def told(*args: P.args, **kwargs: P.kwargs) -> T:
            who = dict(_who(*args, **kwargs))
            try:
                result = await verb(*args, **kwargs)
            except KedangError as error:
                if not error.passing:
                    security.note(refused, reason=error.code, **who)
                raise
            if result is not False:
                challenged = hasattr(result, "challenge")
                security.note(
                    "sign_in.challenged" if challenged else done, **{**who, **dict(_entered(result))}
                )
            return result

        return told

    return mark


def _who(*args: object, **kwargs: Any) -> Iterator[tuple[str, object]]:
    for value in (*args, *kwargs.values()):
        if isinstance(value, Identified):
            yield "person", value.person_id
            yield "company", value.company.id
            yield "credential", value.credential_id
        elif isinstance(value, Browser):
            yield "network", place_of(value.address)
    for name, fact in (
        ("address", "network"),
        ("method", "method"),
        ("person_id", "person"),
        ("session_id", "session"),
    ):
        if name in kwargs:
            yield fact, place_of(kwargs[name]) if name == "address" else kwargs[name]


def _entered(result: object) -> Iterator[tuple[str, object]]:
    for name in ("person", "company"):
        found = getattr(result, name, None)
        if found is not None:
            yield name, found.id
    method = getattr(result, "method", None)
    if method is not None:
        yield "method", method
