"""Opening an archive: what it says of itself, and whether it is whole."""

from __future__ import annotations

import hashlib
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import orjson

from kedang_platform.errors import KedangError
from kedang_platform.i18n import choose_language, msg
from kedang_platform.identity.emails import normalise
from kedang_tenants.leaving.exporting import FORMAT, FORMAT_VERSION, MANIFEST
from kedang_tenants.leaving.shapes import KeyOfField, OwnKeys, Shape, shapes
from kedang_tenants.opening.places import check_places
from kedang_tenants.revision import REVISION

_PIECE: Final = 256 * 1024
_LONGEST_LINE: Final = 32 * 1024 * 1024  # a row of the product's own is far below
_LONGEST_NAME: Final = 200
_CONTENT: Final = re.compile("files/([0-9a-f]{32})")
_HANDLE: Final = re.compile("[a-z2-7]{13}")
_UNREADABLE: Final = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    EOFError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
    KedangError,
)
"""What reading something damaged or forged ends with; RuntimeError where a part is encrypted or packed in an unknown way."""


class ArchiveUnreadable(KedangError):
    """The file is no archive of a company, or a part of it is missing or was altered."""


class ArchiveTooNew(KedangError):
    """The archive was made by a later release than this one."""


@dataclass(frozen=True, slots=True)
class ArchivedCompany:
    """What an archive says of the company itself."""

    id: UUID
    name: str
    handle: str
    country: str
    language: str
    time_zone: str
    currency: str
    created_at: str


@dataclass(frozen=True, slots=True)
class Person:
    """A member as the installation knew the person."""

    member_id: UUID
    email: str
    name: str
    language: str


class Archive:
    """A ZIP file that ``exporting`` made. Reads lazily; to be used in a thread where it is large."""

    def __init__(self, file: zipfile.ZipFile, manifest: dict[str, Any]) -> None:
        self._zip = file
        self.manifest = manifest

    @classmethod
    def open(cls, path: Path) -> Archive:
        """Raises ArchiveUnreadable, ArchiveTooNew. Contents are compared with the manifest by ``check``."""
        try:
            with reading(str(path)):
                file = zipfile.ZipFile(path)
        except OSError as error:
            raise _unreadable(str(path)) from error
        try:
            return cls(file, _manifest(file, str(path)))
        except BaseException:
            file.close()
            raise

    def close(self) -> None:
        self._zip.close()

    def check(self) -> None:
        """Compare every part with its digest in the manifest; raises ArchiveUnreadable with the first that differs."""
        with reading(MANIFEST):
            told = {part["path"]: (part["bytes"], part["sha256"]) for part in self.manifest["parts"]}
            if sorted(self._zip.namelist()) != sorted({*told, MANIFEST}):
                raise _unreadable(MANIFEST)
        for path, (size, sha256) in told.items():
            digest = hashlib.sha256()
            with reading(path):
                if path.startswith("files/") and not _CONTENT.fullmatch(path):
                    raise _unreadable(path)
                if self._zip.getinfo(path).file_size != size:  # before anything is unpacked
                    raise _unreadable(path)
                for piece in self.pieces(path):
                    digest.update(piece)
            if digest.hexdigest() != sha256:
                raise _unreadable(path)
        self.company()
        self.people()

    def company(self) -> ArchivedCompany:
        """Raises ArchiveUnreadable, also for what no company here can be called or be in."""
        with reading("company.json"):
            told = orjson.loads(self._small("company.json"))
            found = ArchivedCompany(
                UUID(hex=told["id"]),
                *(
                    str(told[name])
                    for name in ("name", "handle", "country", "language", "timeZone", "currency", "createdAt")
                ),
            )
            check_places(
                country=found.country,
                language=found.language,
                time_zone=found.time_zone,
                currency=found.currency,
            )
            named = 0 < len(found.name.strip()) <= _LONGEST_NAME and found.name.isprintable()
            if not named or not _HANDLE.fullmatch(found.handle):
                raise _unreadable("company.json")
            if datetime.fromisoformat(found.created_at).tzinfo is None:
                raise _unreadable("company.json")
        return found

    def people(self) -> list[Person]:
        """Raises ArchiveUnreadable."""
        with reading("people.jsonl"):
            found = (orjson.loads(line) for line in self._lines("people.jsonl"))
            return [
                Person(
                    UUID(hex=each["memberId"]),
                    normalise(each["email"]),
                    str(each["name"]),
                    choose_language(str(each["language"])),
                )
                for each in found
            ]

    def own_keys(self) -> OwnKeys:
        """The company's own fields in the order in which ``lines.own_keys`` names them."""
        fields = [
            orjson.loads(line)
            for line in self.lines_of(next(s for s in shapes() if s.name == "custom_field"))
        ]
        fields.sort(key=lambda f: ("archivedAt" in f, f["record"], f.get("position", 0), f["key"], f["id"]))
        known: dict[str, list[KeyOfField]] = {}
        for each in fields:
            known.setdefault(each["record"], []).append(KeyOfField(each["id"].partition("_")[2], each["key"]))
        return known

    def lines_of(self, shape: Shape) -> Iterator[bytes]:
        """The rows of a table; none where the release that made the archive did not have it."""
        path = f"{shape.path}.jsonl"
        return self._lines(path) if path in self._zip.namelist() else iter(())

    def contents(self) -> list[UUID]:
        return [UUID(hex=found[1]) for name in self._zip.namelist() if (found := _CONTENT.fullmatch(name))]

    def content(self, content_id: UUID) -> Iterator[bytes]:
        return self.pieces(f"files/{content_id.hex}")

    def pieces(self, path: str) -> Iterator[bytes]:
        with self._zip.open(path) as part:
            while piece := part.read(_PIECE):
                yield piece

    def _lines(self, path: str) -> Iterator[bytes]:
        with self._zip.open(path) as part:
            while line := part.readline(_LONGEST_LINE):
                if len(line) == _LONGEST_LINE:
                    raise _unreadable(path)
                yield line

    def _small(self, path: str) -> bytes:
        return _small(self._zip, path)


def _small(file: zipfile.ZipFile, path: str) -> bytes:
    """A part that is read at once; one that unpacks to more than is sensible is refused first."""
    if file.getinfo(path).file_size > _LONGEST_LINE:
        raise _unreadable(path)
    return file.read(path)


def _manifest(file: zipfile.ZipFile, place: str) -> dict[str, Any]:
    with reading(place):
        manifest = orjson.loads(_small(file, MANIFEST))
        if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
            raise _unreadable(place)
        newer = manifest.get("version") != FORMAT_VERSION or manifest.get("schemaRevision", "") > REVISION
    if newer:
        raise ArchiveTooNew(
            msg("The archive was made by a later release. Please upgrade this installation first.")
        )
    return manifest


@contextmanager
def reading(place: str) -> Iterator[None]:
    """Whatever is wrong with what is read becomes ArchiveUnreadable, which names the place."""
    try:
        yield
    except ArchiveUnreadable:
        raise
    except _UNREADABLE as error:
        raise _unreadable(place) from error


def _unreadable(place: str) -> ArchiveUnreadable:
    return ArchiveUnreadable(msg("This is no archive of a company, or it is damaged: {place}"), place=place)
