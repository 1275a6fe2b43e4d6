"""A template of ours set by Typst; what people wrote enters as data and is never read as markup."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfile
from typing import Any, Final, Literal

import orjson

from kedang_platform.documents.fonts import FOLDER, ensure_fonts
from kedang_platform.errors import KedangError

EXPECTED: Final = 3
"""Exit code of a writer that tells what went wrong on the last line of its output, as JSON."""


def typeset(
    template: Path, folder: Path, printed: Mapping[str, Any], *, file_format: Literal["pdf", "png"]
) -> list[bytes]:
    """The pages as PDF (one file) or PNG (one a page); the template finds ``printed.json`` in ``folder``.

    The same template and texts give the same bytes. Raises FontsMissing.
    """
    import typst  # takes a while, and only children set anything

    ensure_fonts()
    copyfile(template, folder / template.name)
    (folder / "printed.json").write_bytes(orjson.dumps(printed))
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[FOLDER])
    made: Any = typst.compile(
        folder / template.name,
        root=folder,
        font_paths=fonts,
        ignore_system_fonts=True,
        format=file_format,
        ppi=96,
    )
    return list(made) if isinstance(made, list) else [made]


@contextmanager
def tell_expected() -> Iterator[None]:
    """What the product expects to go wrong is told on stdout and ends the process with ``EXPECTED``."""
    try:
        yield
    except KedangError as error:
        told = {"code": error.code, "message": error.message, "params": dict(error.params)}
        sys.stdout.write(orjson.dumps(told).decode() + "\n")
        sys.exit(EXPECTED)
