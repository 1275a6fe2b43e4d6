"""The process that writes a format: started, watched, ended with its job."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from kedang_platform.documents import Child
from kedang_platform.work import RunningJob

_MODULE: Final = "kedang_tenants.reports.writers"
_BEAT: Final = 1.0
"""Seconds between two looks at the job while a file is written."""


async def write_format(job: RunningJob, folder: Path, file_format: str) -> Path:
    """The file of one format, written by a child process from what ``folder`` holds.

    Ends the child when the job is called off, interrupted or lost, and lets that error pass. Raises
    what the writer expects to go wrong, and RuntimeError for anything else.
    """
    async with job.step():
        pass  # what was called off meanwhile is not begun
    async with Child.at_work(_MODULE, folder, file_format) as child:
        while not (await asyncio.wait({child.talking}, timeout=_BEAT))[0]:
            async with job.step():
                pass
    child.conclude(file_format)
    return folder / f"report.{file_format.lower()}"
