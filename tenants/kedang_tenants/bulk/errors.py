"""What can be wrong with a bulk operation as a whole, and with single lines of an import."""

from __future__ import annotations

from kedang_platform.errors import KedangError, UserError
from kedang_platform.i18n import msg

LONGEST_LINE = 256 * 1024
"""Bytes of one line of an imported file."""
MOST_LINES = 1_000_000
MOST_BELOW = 1_000
"""New records of one kind that a line may bring along."""


class InvalidBulkQuery(KedangError):
    """The query is not one list with at most two levels of lists below it."""


class NotFlat(KedangError):
    """A table cannot hold nested lists."""


class NotBulkImportable(KedangError):
    """The file is no JSONL file."""


class TooManyLines(KedangError):
    """The file has more lines than one import takes."""


def not_flat() -> NotFlat:
    return NotFlat(
        msg("A CSV file holds no nested lists. Ask for JSONL, or leave them out."), path=("input", "format")
    )


def not_jsonl() -> NotBulkImportable:
    return NotBulkImportable(
        msg("This is not a JSONL file. Its name must end in .jsonl."), path=("input", "fileId")
    )


def too_many_lines() -> TooManyLines:
    return TooManyLines(msg("A file may have at most {limit} lines. Please split it."), limit=MOST_LINES)


def no_object() -> UserError:
    return UserError("INVALID_JSON", msg("This line is not a JSON object."))


def line_too_long() -> UserError:
    return UserError(
        "LINE_TOO_LONG", msg("A line has at most {limit} bytes."), params={"limit": LONGEST_LINE}
    )


def unknown_field(name: str) -> UserError:
    return UserError(
        "UNKNOWN_FIELD", msg("There is no field “{field}”."), ("input", name[:100]), {"field": name[:100]}
    )


def wrong_version() -> UserError:
    return UserError("INVALID_NUMBER", msg("This must be a whole number."), ("input", "version"))


def own_fields_twice() -> UserError:
    return UserError(
        "BAD_USER_INPUT", msg("Own fields stand either in custom or in customFields."), ("input", "custom")
    )


def no_fields(name: str) -> UserError:
    return UserError("INVALID_VALUE", msg("Own fields are an object of keys and values."), ("input", name))


def no_list(name: str) -> UserError:
    return UserError(
        "INVALID_VALUE", msg("New records below this one are a list of objects."), ("input", name)
    )


def too_many_below(name: str) -> UserError:
    return UserError(
        "BAD_USER_INPUT",
        msg("At most {limit} entries are allowed here."),
        ("input", name),
        {"limit": MOST_BELOW},
    )


def key_missing(name: str) -> UserError:
    return UserError("REQUIRED", msg("Name the record by its id or its key."), ("input", name))


def no_such_record(name: str) -> UserError:
    return UserError("NOT_FOUND", msg("There is no such record."), ("input", name))


def several_records(name: str) -> UserError:
    return UserError("AMBIGUOUS", msg("There are several records with this key."), ("input", name))
