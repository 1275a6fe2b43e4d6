"""Colours that can be told from the page: the contrast ratio of WCAG 2.2 (definition of relative luminance)."""

from __future__ import annotations

from typing import Final

READABLE: Final = 3.0
"""The least contrast of a block of colour with what lies beside it (WCAG 2.2, success criterion 1.4.11)."""


def contrast_on_white(colour: str) -> float:
    """The contrast ratio of ``#rrggbb`` with white: from 1 (white itself) to 21 (black)."""
    red, green, blue = (_linear(int(colour[place : place + 2], 16) / 255) for place in (1, 3, 5))
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return 1.05 / (luminance + 0.05)


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)
