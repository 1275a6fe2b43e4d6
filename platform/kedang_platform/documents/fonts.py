"""The fonts of papers: they come with `make web`, and without them there is no PDF."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg

FOLDER: Final = Path(__file__).parent / "fonts"
FILES: Final = ("NotoSansSC_400Regular.ttf", "NotoSansSC_700Bold.ttf")


class FontsMissing(KedangError):
    """The fonts of PDF files are not installed; other formats need none."""


def ensure_fonts(folder: Path = FOLDER) -> None:
    """Raise FontsMissing where they do not lie in ``folder``."""
    if not all((folder / name).is_file() for name in FILES):
        raise FontsMissing(
            msg("The fonts of PDF reports are missing: whoever runs Kedang has to call `make web` once.")
        )
