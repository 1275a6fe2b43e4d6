"""Files: where their bytes lie, which kinds are taken, and the links by which people send and fetch them."""

from kedang_platform.files.errors import (
    FileIncomplete,
    FileKindRefused,
    FileMissing,
    FileTooLarge,
    LinkExpired,
    LinkInvalid,
)
from kedang_platform.files.kinds import KINDS, FileKind, kind_of
from kedang_platform.files.links import DownloadGrant, FileLinks, UploadGrant
from kedang_platform.files.local import LocalFiles, open_files
from kedang_platform.files.receiving import LARGEST_FILE, receive
from kedang_platform.files.store import FileStore, StoredFile

__all__ = [
    "KINDS",
    "LARGEST_FILE",
    "DownloadGrant",
    "FileIncomplete",
    "FileKind",
    "FileKindRefused",
    "FileLinks",
    "FileMissing",
    "FileStore",
    "FileTooLarge",
    "LinkExpired",
    "LinkInvalid",
    "LocalFiles",
    "StoredFile",
    "UploadGrant",
    "kind_of",
    "open_files",
    "receive",
]
