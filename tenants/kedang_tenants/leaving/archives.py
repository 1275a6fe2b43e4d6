"""Opening an archive: what it says of itself, and whether it is whole."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import orjson

from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg
from kedang_tenants.leaving.exporting import FORMAT, FORMAT_VERSION, MANIFEST
from kedang_tenants.leaving.shapes import KeyOfField, OwnKeys, Shape, shapes
from kedang_tenants.revision import REVISION

_PIECE: Final = 256 * 1024


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
            file = zipfile.ZipFile(path)
            manifest = orjson.loads(file.read(MANIFEST))
        except (OSError, zipfile.BadZipFile, KeyError, orjson.JSONDecodeError) as error:
            raise _unreadable(str(path)) from error
        if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
            raise _unreadable(str(path))
        if manifest.get("version") != FORMAT_VERSION or manifest.get("schemaRevision", "") > REVISION:
            raise ArchiveTooNew(
                msg("The archive was made by a later release. Please upgrade this installation first.")
            )
        return cls(file, manifest)

    def close(self) -> None:
        self._zip.close()

    def check(self) -> None:
        """Compare every part with its digest in the manifest; raises ArchiveUnreadable with the first that differs."""
        told = {part["path"]: part["sha256"] for part in self.manifest["parts"]}
        if set(self._zip.namelist()) - {MANIFEST} != set(told):
            raise _unreadable(MANIFEST)
        for path, sha256 in told.items():
            digest = hashlib.sha256()
            try:
                for piece in self.pieces(path):
                    digest.update(piece)
            except (zipfile.BadZipFile, EOFError) as error:
                raise _unreadable(path) from error
            if digest.hexdigest() != sha256:
                raise _unreadable(path)

    def company(self) -> ArchivedCompany:
        told = orjson.loads(self._zip.read("company.json"))
        return ArchivedCompany(
            UUID(hex=told["id"]),
            *(
                told[name]
                for name in ("name", "handle", "country", "language", "timeZone", "currency", "createdAt")
            ),
        )

    def people(self) -> list[Person]:
        found = (orjson.loads(line) for line in self._lines("people.jsonl"))
        return [Person(UUID(hex=p["memberId"]), p["email"], p["name"], p["language"]) for p in found]

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
        return [
            UUID(hex=name.removeprefix("files/"))
            for name in self._zip.namelist()
            if name.startswith("files/")
        ]

    def content(self, content_id: UUID) -> Iterator[bytes]:
        return self.pieces(f"files/{content_id.hex}")

    def pieces(self, path: str) -> Iterator[bytes]:
        with self._zip.open(path) as part:
            while piece := part.read(_PIECE):
                yield piece

    def _lines(self, path: str) -> Iterator[bytes]:
        with self._zip.open(path) as part:
            yield from part


def _unreadable(place: str) -> ArchiveUnreadable:
    return ArchiveUnreadable(msg("This is no archive of a company, or it is damaged: {place}"), place=place)
