"""A process that writes a paper, and knows nothing of the product's secrets."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from kedang_platform.documents.fonts import FontsMissing
from kedang_platform.documents.typesetting import EXPECTED
from kedang_platform.errors import KedangError

_FAILURES: Final[Mapping[str, type[KedangError]]] = {FontsMissing.code: FontsMissing}


@dataclass(slots=True)
class Child:
    """A writer at work; ``talking`` ends when it does."""

    process: Process
    talking: asyncio.Task[tuple[bytes, bytes]]

    @classmethod
    @asynccontextmanager
    async def at_work(cls, module: str, folder: Path, *arguments: str) -> AsyncIterator[Child]:
        """Run ``python -m module folder arguments``; it is ended with the block, whatever ends that."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            module,
            str(folder),
            *arguments,
            stdout=PIPE,
            stderr=PIPE,
            env=child_environment(folder),
        )
        talking = asyncio.create_task(process.communicate())
        try:
            yield cls(process, talking)
        finally:
            if process.returncode is None:
                process.kill()
            await asyncio.wait({talking})

    def conclude(self, what: str) -> None:
        """Raise what the ended writer expected to go wrong, and RuntimeError for anything else that did."""
        said, complained = self.talking.result()
        if self.process.returncode == EXPECTED:
            told = orjson.loads(said.splitlines()[-1])
            raise _FAILURES[told["code"]](told["message"], **told["params"])
        if self.process.returncode != 0:
            tail = complained.decode()[-2000:]
            raise RuntimeError(f"the writer of {what} ended with {self.process.returncode}: {tail}")


def child_environment(folder: Path) -> dict[str, str]:
    """What a child gets to know: none of the product's settings, which hold secrets."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("KEDANG_")}
    return own | {"TMPDIR": str(folder)}
