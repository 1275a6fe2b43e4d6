"""Colours beside each other so that both are read."""

from __future__ import annotations

from collections.abc import Sequence


def ink_on(colour: str) -> str:
    """Black or white, whichever is read more easily on a colour (WCAG 2.2, relative luminance)."""
    channels: Sequence[float] = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#ffffff" if luminance < 0.179 else "#1f2933"
