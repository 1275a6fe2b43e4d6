"""What can go wrong with reports, beside a refusal of the question itself."""

from __future__ import annotations

from kedang_platform.errors import KedangError


class AlreadyEnded(KedangError):
    """The report is made, failed or called off: there is nothing to call off any more."""


class NotRepeatable(KedangError):
    """The report is made or under way: there is nothing to make again."""


class FiguresDelayed(KedangError):
    """The figures are too many, or the machine too busy, to be shown at once; a report can be made of them."""

    passing = True
