"""Papers for people: set by Typst with fonts of our own, in a process of its own."""

from __future__ import annotations

from kedang_platform.documents.child import Child, child_environment
from kedang_platform.documents.fonts import FOLDER, FontsMissing, ensure_fonts
from kedang_platform.documents.papers import PaperDelayed, Papers
from kedang_platform.documents.typesetting import EXPECTED, tell_expected, typeset

__all__ = [
    "EXPECTED",
    "FOLDER",
    "Child",
    "FontsMissing",
    "PaperDelayed",
    "Papers",
    "child_environment",
    "ensure_fonts",
    "tell_expected",
    "typeset",
]
