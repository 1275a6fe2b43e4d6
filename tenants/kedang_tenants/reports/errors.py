"""What can go wrong with reports, beside a refusal of the question itself."""

from __future__ import annotations

from kedang_platform.errors import KedangError


class AlreadyEnded(KedangError):
    """The report is made, failed or called off: there is nothing to call off any more."""
