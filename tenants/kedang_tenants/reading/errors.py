"""What can be wrong with a request to read."""

from __future__ import annotations

from typing import ClassVar

from kedang_platform.errors import BadUserInput, KedangError


class BadCursor(KedangError):
    """The cursor is not one of ours, or belongs to another sorting."""


class CircularFilter(BadUserInput):
    """A filter that is kept names itself, be it through others."""


class MaskedField(BadUserInput):
    """A field that the viewer may not read cannot be filtered, sorted or searched by either."""

    code: ClassVar[str] = BadUserInput.code
