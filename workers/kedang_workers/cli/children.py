"""The product's own processes: started, looked after, ended; found again when their supervisor was killed."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from kedang_platform.embedded import Echo
from kedang_platform.embedded.processes import launch
from kedang_platform.i18n import msg
from kedang_workers.cli.log_tail import LogTail

INSTANCE: Final = "KEDANG_INSTANCE"
STEADY_SECONDS: Final = 60.0
LONGEST_DELAY: Final = 30.0


@dataclass(frozen=True, slots=True)
class Program:
    """A Python module that runs as a process; its output goes to ``<name>.log``, None: to our screen."""

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    on_screen: bool = False


class Child:
    """One process of ours, started again when it ends unasked, later after each failure in a row."""

    def __init__(self, program: Program, *, logs: Path, environment: Mapping[str, str]) -> None:
        self.program = program
        self.log = logs / f"{program.name}.log"
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._tail = LogTail(self.log)
        self._started = 0.0
        self._due = 0.0
        self._failures = 0

    def start(self) -> None:
        self._tail = LogTail(self.log)
        self._process = launch(
            [sys.executable, "-P", "-m", self.program.module, *self.program.arguments],
            account=None,
            log=None if self.program.on_screen else self.log,
            death_signal=signal.SIGTERM,
            env=self._environment,
        )
        self._started = time.monotonic()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        return self._process.poll() if self._process else None

    def tell_errors(self, *, echo: Echo) -> None:
        """Show the errors that it has logged since the last look; the rest stays in the log."""
        for line in self._tail.errors():
            echo("{name}: {line}", name=self.program.name, line=line)

    def look_after(self, *, echo: Echo) -> None:
        """Notice that it ended, say so once with its last words, and start it again when its time has come."""
        if self.running:
            return
        now = time.monotonic()
        if self._process is not None:
            self._failures = 1 if now - self._started > STEADY_SECONDS else self._failures + 1
            delay = min(2.0 ** (self._failures - 1), LONGEST_DELAY)
            self._due = now + delay
            echo(
                msg("{name} ended with code {code}; starting it again in {seconds} s ({log})\n{text}"),
                name=self.program.name,
                code=self.exit_code,
                seconds=round(delay),
                log=str(self.log),
                text=_indented(self._tail.last(8)),
            )
            self._process = None
        if now >= self._due:
            self.start()

    def ask_to_end(self) -> None:
        if self._process and self.running:
            self._process.terminate()

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()


def end_all(children: Sequence[Child], *, patience: float, hurry: Callable[[], bool], echo: Echo) -> None:
    """Ask all to end at once and wait; after ``patience`` seconds, or in a hurry, kill the rest.

    Killing loses nothing: a job without its worker is taken again when its lease has run out.
    """
    for child in children:
        child.ask_to_end()
    until = time.monotonic() + patience
    while any(child.running for child in children) and time.monotonic() < until and not hurry():
        time.sleep(0.05)
    for child in children:
        if child.running:
            echo(msg("{name} did not end by itself and is killed."), name=child.program.name)
            child.kill()


def end_orphans(instance: str, *, echo: Echo) -> None:
    """End processes that carry ``instance`` in their environment: a killed supervisor left them behind."""
    orphans = _marked(instance)
    if not orphans:
        return
    echo(msg("Ending {count} processes left behind by an earlier run ..."), count=len(orphans))
    for process in orphans:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, stubborn = psutil.wait_procs(orphans, timeout=15)
    for process in stubborn:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(stubborn, timeout=15)


def _marked(instance: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(INSTANCE) == instance:
                found.append(process)
    return found


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
