"""The kinds of files that are taken, each known by the end of its name and proven by its content.

A browser guesses what it gets from the first bytes, whatever it was called. So the content decides, and a file
whose content is not what its name says is refused.
"""

from __future__ import annotations

import codecs
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zipfile import BadZipFile, ZipFile

from kedang_platform.files.errors import FileKindRefused
from kedang_platform.i18n import msg

HEAD: Final = 1024
"""Bytes from the beginning of a file by which its kind is recognised."""

_OFFICE: Final = "application/vnd.openxmlformats-officedocument"
_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_MACROS: Final = "vbaproject.bin"
_MOST_MEMBERS: Final = 10_000


@dataclass(frozen=True, slots=True)
class FileKind:
    """A kind of file. ``main_part`` is what an Office package of this kind holds; one that is not ``taken`` is only made."""

    name: str
    endings: tuple[str, ...]
    content_type: str
    begins: Callable[[bytes], bool]
    main_part: str | None = None
    taken: bool = True


def _text(head: bytes) -> bool:
    """Anything without the zero bytes that every binary format has early; any encoding, UTF-16 by its mark."""
    return head.startswith(_UTF_16) or (b"\0" not in head and not any(k.begins(head) for k in _BINARY))


def _package(head: bytes) -> bool:
    return head.startswith(b"PK\x03\x04")


# PDF readers find the mark within the first kilobyte (ISO 32000-1, implementation note 13).
_BINARY: Final = (
    FileKind("PDF", (".pdf",), "application/pdf", lambda head: b"%PDF-" in head),
    FileKind("PNG", (".png",), "image/png", lambda head: head.startswith(b"\x89PNG\r\n\x1a\n")),
    FileKind("JPEG", (".jpg", ".jpeg"), "image/jpeg", lambda head: head.startswith(b"\xff\xd8\xff")),
    FileKind("XLSX", (".xlsx",), f"{_OFFICE}.spreadsheetml.sheet", _package, "xl/workbook.xml"),
    FileKind("DOCX", (".docx",), f"{_OFFICE}.wordprocessingml.document", _package, "word/document.xml"),
)
KINDS: Final = {
    kind.name: kind
    for kind in (
        *_BINARY,
        FileKind("CSV", (".csv",), "text/csv", _text),
        FileKind("JSONL", (".jsonl",), "application/jsonl", _text),
        FileKind("TXT", (".txt",), "text/plain", _text),
        FileKind("ZIP", (".zip",), "application/zip", _package, taken=False),
    )
}


def kind_of(name: str, *, made: bool = False) -> FileKind:
    """The kind that a file name's ending says; raises ``FileKindRefused`` for all that are not taken.

    ``made`` by the product itself it may be of any kind.
    """
    lowered = name.lower()
    kinds = [kind for kind in KINDS.values() if made or kind.taken]
    for kind in kinds:
        if lowered.endswith(kind.endings):
            return kind
    taken = ", ".join(ending[1:].upper() for kind in kinds for ending in kind.endings[:1])
    raise FileKindRefused(
        msg("Files of this kind are not taken. Possible are: {kinds}."), path=("input", "name"), kinds=taken
    )


def check_beginning(kind: FileKind, head: bytes) -> None:
    """Raise ``FileKindRefused`` when the first bytes (``HEAD`` of them, or all) are not those of ``kind``."""
    if head and not kind.begins(head):
        raise _not_what_it_says(kind)


def check_whole(kind: FileKind, path: Path) -> None:
    """Raise ``FileKindRefused`` for a package that is damaged, is of another kind or holds macros."""
    if kind.main_part is None:
        return
    try:
        with ZipFile(path) as package:
            members = {member.filename.lower() for member in package.infolist()[:_MOST_MEMBERS]}
    except (BadZipFile, zipfile.LargeZipFile, NotImplementedError, ValueError, OSError) as error:
        raise _not_what_it_says(kind) from error
    if kind.main_part not in members:
        raise _not_what_it_says(kind)
    if any(member.endswith(_MACROS) for member in members):
        raise FileKindRefused(msg("Files with macros are not taken."))


def _not_what_it_says(kind: FileKind) -> FileKindRefused:
    return FileKindRefused(msg("The content of the file is not {kind}, as its name says."), kind=kind.name)
