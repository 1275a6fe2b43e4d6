"""Setting a paper for somebody who waits for it: few at a time, each in a process of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import orjson

from kedang_platform.documents.child import Child
from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg

_MODULE: Final = "kedang_platform.documents"
_AT_ONCE: Final = 2
_SECONDS: Final = 60


class PaperDelayed(KedangError):
    """The machine is too busy to set a paper now."""

    passing = True

    def __init__(self) -> None:
        super().__init__(msg("The file could not be made in time. Please try again in a moment."))


class Papers:
    """Sets papers as PDF; those who come while ``_AT_ONCE`` are set wait for their turn."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def set(self, template: Path, texts: Mapping[str, Any]) -> bytes:
        """The PDF of a template of ours with these texts. Raises ``FontsMissing``, ``PaperDelayed``."""
        try:
            async with asyncio.timeout(_SECONDS), self._turns:
                return await _set(template, texts)
        except TimeoutError as error:
            raise PaperDelayed from error


async def _set(template: Path, texts: Mapping[str, Any]) -> bytes:
    with TemporaryDirectory(prefix="kedang-paper-") as place:
        folder = Path(place)
        (folder / "texts.json").write_bytes(orjson.dumps(texts))
        async with Child.at_work(_MODULE, folder, str(template)) as child:
            await asyncio.wait({child.talking})
        child.conclude(template.name)
        return (folder / "paper.pdf").read_bytes()
