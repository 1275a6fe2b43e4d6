"""What can be wrong with a file or with a link to one."""

from __future__ import annotations

from kedang_platform.errors import KedangError


class FileTooLarge(KedangError):
    """More bytes than a file may have, or than were announced."""


class FileIncomplete(KedangError):
    """Fewer bytes than were announced: the rest was lost on the way."""


class FileKindRefused(KedangError):
    """A kind of file that is not taken, or content that is not what the name says."""


class FileMissing(KedangError):
    """The content of a file is not in the store."""


class LinkExpired(KedangError):
    """The link was good once; a new one has to be asked for."""


class LinkInvalid(KedangError):
    """No link of ours, or not for this purpose."""
