"""What can be wrong with an import: with the whole file, or with one row of it (A9).

A file that cannot be read is a ``KedangError``: nothing of it is imported. What is wrong with one
row is a ``UserError`` in the rejected rows; the other rows stand.
"""

from __future__ import annotations

from collections.abc import Sequence

from kedang_platform.errors import KedangError, UserError
from kedang_platform.files import LARGEST_FILE, FileTooLarge
from kedang_platform.i18n import msg

MAX_ROWS = 1_000_000
MAX_COLUMNS = 256
MAX_CELL_CHARACTERS = 32_767
"""As in a spreadsheet; a field's own limit is mostly narrower."""


class UnknownFormat(KedangError):
    """The file is neither CSV nor XLSX, or a damaged or locked XLSX."""


class WrongEncoding(KedangError):
    """The text is in none of the encodings that are recognised."""


class EmptyFile(KedangError):
    """There is no header row."""


class TooManyColumns(KedangError):
    """The header row is wider than an import may be."""


class TooManyRows(KedangError):
    """There are more rows than an import may have."""


class MissingColumns(KedangError):
    """The mapping leaves out something without which no row can be imported."""


class UnknownColumns(KedangError):
    """The mapping names columns that the file does not have."""


class UnknownField(KedangError):
    """The mapping names a field that the record does not have or that no import may write."""


class DuplicateTarget(KedangError):
    """Two columns, or a column and a constant, are mapped to one field."""


class NotImportable(KedangError):
    """No import makes or changes records of this kind in this way."""


class NotExportable(KedangError):
    """There are no records of this kind."""


class AlreadyFinished(KedangError):
    """What is to be cancelled has already come to its end."""


def file_too_large() -> FileTooLarge:
    return FileTooLarge(
        msg("The file must be smaller than {limit} MB. Please split it."), limit=LARGEST_FILE // 1_000_000
    )


def unknown_format() -> UnknownFormat:
    return UnknownFormat(
        msg("This file cannot be read. Please save it as CSV or as XLSX without a password.")
    )


def wrong_encoding(line: int) -> WrongEncoding:
    return WrongEncoding(
        msg("Line {line} cannot be read. Please save the file in UTF-8 or GB18030."), line=line
    )


def empty_file() -> EmptyFile:
    return EmptyFile(msg("The file is empty. Its first row must name the columns."))


def too_many_columns() -> TooManyColumns:
    return TooManyColumns(msg("A file may have at most {limit} columns."), limit=MAX_COLUMNS)


def too_many_rows() -> TooManyRows:
    return TooManyRows(msg("A file may have at most {limit} rows. Please split it."), limit=MAX_ROWS)


def missing_columns(names: Sequence[str]) -> MissingColumns:
    return MissingColumns(
        msg("The file lacks columns that are needed here: {columns}."),
        path=("input", "mapping"),
        columns=", ".join(names),
    )


def unknown_columns(names: Sequence[str]) -> UnknownColumns:
    return UnknownColumns(
        msg("The file has no such columns: {columns}."), path=("input", "mapping"), columns=", ".join(names)
    )


def unknown_field(name: str) -> UnknownField:
    return UnknownField(
        msg("“{field}” is not a field that can be imported."), path=("input", "mapping"), field=name
    )


def duplicate_target(name: str) -> DuplicateTarget:
    return DuplicateTarget(msg("The field “{field}” is given twice."), path=("input", "mapping"), field=name)


def broken_row(found: int, expected: int) -> UserError:
    return UserError(
        "BROKEN_ROW",
        msg("This row has {found} cells, the header has {expected}."),
        params={"found": found, "expected": expected},
    )


def broken_quotes() -> UserError:
    return UserError("BROKEN_ROW", msg("A quotation mark is opened or closed in the wrong place."))


def formula_cell() -> UserError:
    return UserError("FORMULA_CELL", msg("A formula cannot be imported. Please put its value in its place."))


def cell_too_long() -> UserError:
    return UserError(
        "TOO_LONG", msg("At most {limit} characters are allowed here."), params={"limit": MAX_CELL_CHARACTERS}
    )


def impossible_date() -> UserError:
    return UserError("INVALID_DATE", msg("This is not a date."))


def required() -> UserError:
    return UserError("REQUIRED", msg("This must be filled in."))


def duplicate_key(line: int) -> UserError:
    return UserError("DUPLICATE_KEY", msg("Row {line} has the same key."), params={"line": line})


def already_exists() -> UserError:
    return UserError("ALREADY_EXISTS", msg("There is already a record with this key."))


def no_such_record() -> UserError:
    return UserError("NOT_FOUND", msg("There is no such record."))


def several_records() -> UserError:
    return UserError("AMBIGUOUS", msg("There are several records with this key."))


def unknown_reference(text: str) -> UserError:
    return UserError("NOT_FOUND", msg("There is no record “{value}”."), params={"value": text[:50]})


def phone_not_valid(text: str) -> UserError:
    return UserError(
        "PHONE_NOT_VALID",
        msg("“{value}” is kept as written; it is not a valid telephone number of the country."),
        params={"value": text[:60]},
    )
