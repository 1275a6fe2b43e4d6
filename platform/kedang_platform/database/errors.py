"""What can go wrong between us and the database, as a caller may be told."""

from __future__ import annotations

from typing import NoReturn

import asyncpg
from sqlalchemy.exc import DBAPIError

from kedang_platform.errors import BadUserInput, KedangError
from kedang_platform.i18n import msg


class DatabaseBusy(KedangError):
    """A lock or a connection was not to be had in time, or two transactions met; nothing was written."""

    passing = True


class StatementTimeout(KedangError):
    """A statement ran longer than the setting allows and was stopped; nothing was written."""

    passing = True


class DatabaseUnavailable(KedangError):
    """The database cannot be reached, the connection to it broke, or it has no room left."""

    passing = True


class UnkeepableText(BadUserInput):
    """A text has a character that PostgreSQL keeps nowhere, such as U+0000; nothing was written."""


class WallError(RuntimeError):
    """A bug that would have reached past the wall between companies; it is stopped before any SQL is sent."""


# What connecting and running a statement can raise; a connection's time-out is an OSError too.
DRIVER_ERRORS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    DBAPIError,
    OSError,
)

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_BUSY = frozenset({"55P03", "40P01", "40001", "53300"})
_STOPPED = frozenset({"57014"})
_GONE = frozenset({"57P01", "57P02", "57P03"})
# Disk full, out of memory, no more of something configured, an error of the file system: its operator's to mend.
_SPENT = frozenset({"53100", "53200", "53400", "58030"})
_CONNECTION_CLASS = "08"
# A NUL in a text, and one in JSON.
_UNKEEPABLE = frozenset({"22021", "22P05"})
# What asyncpg says, without a code, of a connection that broke before the statement was sent.
_LOST = ("connection is closed", "connection has been released back to the pool")


UNKEEPABLE = msg("This text has a character that cannot be kept.")


def busy() -> DatabaseBusy:
    return DatabaseBusy(msg("The database is busy. Please try again in a moment."))


def unavailable() -> DatabaseUnavailable:
    return DatabaseUnavailable(msg("The database cannot be reached. Please try again in a moment."))


def meaning(error: BaseException) -> KedangError | None:
    """What a failure of the driver means to a caller; None when it is a bug or a broken constraint."""
    if isinstance(error, DBAPIError):
        return _meaning_of_wrapped(error)
    if isinstance(error, OSError):
        return unavailable()
    state = getattr(error, "sqlstate", None) or ""
    if state in _BUSY:
        return busy()
    if state in _STOPPED:
        return StatementTimeout(msg("This took longer than allowed and was stopped."))
    if state in _UNKEEPABLE:
        return UnkeepableText(UNKEEPABLE)
    if state in _GONE or state in _SPENT or state.startswith(_CONNECTION_CLASS):
        return unavailable()
    if isinstance(error, asyncpg.InternalClientError):
        return unavailable()  # the server's last words came between two statements
    if isinstance(error, asyncpg.InterfaceError) and any(sign in str(error) for sign in _LOST):
        return unavailable()
    return None


def tell(error: Exception) -> NoReturn:
    """Raise what ``error`` means to a caller, or ``error`` itself where only its catcher can know."""
    known = meaning(error)
    if known is None:
        raise error
    raise known from error


def _meaning_of_wrapped(error: DBAPIError) -> KedangError | None:
    if error.connection_invalidated:
        return unavailable()
    driver = error.orig.__cause__ if error.orig is not None else None
    return meaning(driver) if driver is not None else None
