"""Sending a file in two steps, keeping one that the product made, and fetching one again."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import BadUserInput, Forbidden, KedangError, NotFound
from kedang_platform.files import (
    LARGEST_FILE,
    DownloadGrant,
    FileLinks,
    FileTooLarge,
    StoredFile,
    UploadGrant,
    kind_of,
)
from kedang_platform.i18n import msg
from kedang_platform.ids import new_id
from kedang_tenants.catalogue import catalogue
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.files.models import PENDING, STORED
from kedang_tenants.reading import Lookup, Scope, Viewer, read_lookup

UPLOAD_MINUTES: Final = 15
DOWNLOAD_MINUTES: Final = 5
LONGEST_NAME: Final = 200

_NOT_IN_NAMES: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_LOCK: Final = "SELECT state FROM file WHERE id = $1 AND archived_at IS NULL FOR UPDATE"
_CONTENT: Final = """
SELECT id, name, kind, content_type, size, sha256, content_id, attached_to FROM file
WHERE id = $1 AND state = 'STORED' AND archived_at IS NULL
"""


class FileAlreadyStored(KedangError):
    """The content of this file has arrived before; a file never changes."""


@dataclass(frozen=True, slots=True)
class AttachedTo:
    """The record that a file belongs to."""

    record: str
    id: UUID

    @property
    def public_id(self) -> str:
        return f"{catalogue().record(self.record).prefix}_{self.id.hex}"


@dataclass(frozen=True, slots=True)
class SignedLink:
    """A file and the token that lets it be sent or fetched until ``expires_at``."""

    file_id: UUID
    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class FileContent:
    """A stored file: what it is called, and where its content lies."""

    id: UUID
    name: str
    kind: str
    content_type: str
    size: int
    sha256: str
    content_id: UUID


async def prepare_upload(
    write: TenantWrite,
    viewer: Viewer,
    *,
    name: str,
    size: int,
    attached_to: AttachedTo | None = None,
    links: FileLinks,
    clock: Clock,
) -> SignedLink:
    """Make the record of a file whose content is to come, and the link to send it by.

    Raises Forbidden, NotFound for a record that the viewer does not see, FileKindRefused, FileTooLarge.
    """
    if viewer.on("file").create is Scope.NONE:
        raise Forbidden(msg("You may not do this."))
    if attached_to is not None:
        await _ensure_attachable(write, viewer, attached_to)
    plain = plain_name(name)
    kind = kind_of(plain)
    if not 0 <= size < LARGEST_FILE:
        limit = LARGEST_FILE // 1_000_000
        raise FileTooLarge(
            msg("The file must be smaller than {limit} MB."), path=("input", "size"), limit=limit
        )
    file_id = new_id()
    values = {"name": plain, "kind": kind.name, "content_type": kind.content_type, "size": size}
    await _create(write, viewer, file_id, values, attached_to, viewer.member_id, clock)
    expires_at = clock.now() + timedelta(minutes=UPLOAD_MINUTES)
    grant = UploadGrant(viewer.company.id, file_id, size, kind.name)
    return SignedLink(file_id, links.sign_upload(grant, expires_at=expires_at), expires_at)


async def complete_upload(
    write: TenantWrite, viewer: Viewer, *, file_id: UUID, stored: StoredFile, clock: Clock
) -> None:
    """Note that the content has arrived. Raises NotFound, or FileAlreadyStored: then ``stored`` is rubbish."""
    await ensure_awaited(write, file_id=file_id)
    values = {"state": STORED, "size": stored.size, "sha256": stored.sha256}
    await change_internally(write, viewer, [Change("file", "update", file_id, values=values)], clock=clock)
    await write.fetch("UPDATE file SET content_id = $2 WHERE id = $1", file_id, stored.content_id)


async def ensure_awaited(write: TenantWrite, *, file_id: UUID) -> None:
    """Lock a file whose content is awaited; raises NotFound or FileAlreadyStored."""
    state = await write.fetchval(_LOCK, file_id)
    if state is None:
        raise NotFound(msg("There is no such record."))
    if state != PENDING:
        raise FileAlreadyStored(msg("This file has already been sent."))


async def keep_file(
    write: TenantWrite,
    viewer: Viewer,
    *,
    name: str,
    stored: StoredFile,
    member_id: UUID | None,
    attached_to: AttachedTo | None = None,
    clock: Clock,
) -> UUID:
    """Make the record of a file that the product itself wrote for ``member_id``; returns its id.

    The transaction must hold until the content is stored; if it fails, ``stored`` is rubbish.
    """
    kind = kind_of(name, made=True)
    file_id = new_id()
    values: dict[str, object] = {
        "name": plain_name(name),
        "kind": kind.name,
        "content_type": kind.content_type,
        "size": stored.size,
        "sha256": stored.sha256,
        "state": STORED,
    }
    await _create(write, viewer, file_id, values, attached_to, member_id, clock)
    await write.fetch("UPDATE file SET content_id = $2 WHERE id = $1", file_id, stored.content_id)
    return file_id


async def open_download(
    read: TenantRead, viewer: Viewer, *, file_id: UUID, links: FileLinks, clock: Clock
) -> SignedLink:
    """A link to fetch the file by; raises NotFound for one that the viewer does not see or that has not arrived.

    The link needs no credential and is therefore short-lived.
    """
    await visible_content(read, viewer, file_id=file_id)
    expires_at = clock.now() + timedelta(minutes=DOWNLOAD_MINUTES)
    token = links.sign_download(DownloadGrant(viewer.company.id, file_id), expires_at=expires_at)
    return SignedLink(file_id, token, expires_at)


async def visible_content(read: TenantRead, viewer: Viewer, *, file_id: UUID) -> FileContent:
    """A stored file that the viewer may see: as its record, where it belongs to one; raises NotFound."""
    found = await read_lookup(read, viewer, Lookup("file", (file_id,)))
    if not found.page.rows:
        raise NotFound(msg("There is no such record."))
    return await stored_content(read, file_id=file_id)


async def stored_content(read: TenantRead, *, file_id: UUID) -> FileContent:
    """A stored file, for whoever has shown the right to it otherwise (a link, a job); raises NotFound."""
    row = await read.fetchrow(_CONTENT, file_id)
    if row is None:
        raise NotFound(msg("There is no such record."))
    return FileContent(**{name: row[name] for name in FileContent.__slots__})


def plain_name(name: str) -> str:
    """The name without folders, control characters and marks that turn the writing direction.

    Raises BadUserInput when nothing is left. A long name is shortened before its ending.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    plain = _NOT_IN_NAMES.sub("", last).strip().strip(".") or ""
    if not plain:
        raise BadUserInput(msg("The file needs a name."), path=("input", "name"))
    if len(plain) > LONGEST_NAME:
        stem, dot, ending = plain.rpartition(".")
        plain = f"{stem[: LONGEST_NAME - len(ending) - 1]}{dot}{ending}"[:LONGEST_NAME]
    return plain


async def _create(
    write: TenantWrite,
    viewer: Viewer,
    file_id: UUID,
    values: dict[str, object],
    attached_to: AttachedTo | None,
    member_id: UUID | None,
    clock: Clock,
) -> None:
    values |= {
        "uploaded_by_id": member_id,
        "attached_to": attached_to.public_id if attached_to else None,
    }
    await change_internally(write, viewer, [Change("file", "create", file_id, values=values)], clock=clock)


async def _ensure_attachable(read: TenantRead, viewer: Viewer, attached_to: AttachedTo) -> None:
    """Raises NotFound for a record that the viewer does not see, and for another file."""
    follows = catalogue().record(attached_to.record).follows
    found = await read_lookup(read, viewer, Lookup(attached_to.record, (attached_to.id,)))
    if follows is not None or not found.page.rows:
        raise NotFound(msg("There is no such record."), path=("input", "attachedTo"))
