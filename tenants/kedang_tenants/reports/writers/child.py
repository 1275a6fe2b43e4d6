"""The process that writes a format: started, watched, ended with its job."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Final

import orjson

from kedang_platform.errors import KedangError
from kedang_platform.work import RunningJob
from kedang_tenants.reports.writers.fonts import FontsMissing

_MODULE: Final = "kedang_tenants.reports.writers"
_EXPECTED: Final = 3
_BEAT: Final = 1.0
"""Seconds between two looks at the job while a file is written."""
_FAILURES: Final[dict[str, type[KedangError]]] = {FontsMissing.code: FontsMissing}


async def write_format(job: RunningJob, folder: Path, file_format: str) -> Path:
    """The file of one format, written by a child process from what ``folder`` holds.

    Ends the child when the job is called off, interrupted or lost, and lets that error pass. Raises
    what the writer expects to go wrong, and RuntimeError for anything else.
    """
    async with job.step():
        pass  # what was called off meanwhile is not begun
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        _MODULE,
        str(folder),
        file_format,
        stdout=PIPE,
        stderr=PIPE,
        env=_environment(folder),
    )
    talking = asyncio.create_task(process.communicate())
    try:
        while not (await asyncio.wait({talking}, timeout=_BEAT))[0]:
            async with job.step():
                pass
        said, complained = talking.result()
    finally:
        await _end(process, talking)
    if process.returncode == _EXPECTED:
        told = orjson.loads(said.splitlines()[-1])
        raise _FAILURES[told["code"]](told["message"], **told["params"])
    if process.returncode != 0:
        raise RuntimeError(
            f"the writer of {file_format} ended with {process.returncode}: {complained.decode()[-2000:]}"
        )
    return folder / f"report.{file_format.lower()}"


def _environment(folder: Path) -> dict[str, str]:
    """What the child gets to know: none of the product's settings, which hold secrets."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("KEDANG_")}
    return own | {"TMPDIR": str(folder)}


async def _end(process: Process, talking: asyncio.Task[tuple[bytes, bytes]]) -> None:
    if process.returncode is None:
        process.kill()
    await asyncio.wait({talking})
