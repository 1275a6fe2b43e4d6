"""Starting, finding and ending the processes of the servers; nothing here knows what a server does."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Final, Protocol

import psutil

from kedang_platform.embedded.places import Account
from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg

POLL_SECONDS: Final = 0.02
PROGRESS_SECONDS: Final = 3.0
LOG_LIMIT: Final = 10 * 1024 * 1024
_PR_SET_PDEATHSIG: Final = 1


class Echo(Protocol):
    """Tells a person how it goes: an English msgid and what fills its placeholders."""

    def __call__(self, msgid: str, /, **params: object) -> None: ...


def silent(_msgid: str, /, **_params: object) -> None:
    """An Echo for whoever does not want to know."""


class ServerFailed(KedangError):
    """A server ended before it was ready; the message carries the end of its log."""


class PortTaken(KedangError):
    """A port that we are to listen on belongs to somebody else."""


def launch(
    argv: Sequence[str | Path],
    *,
    account: Account | None,
    log: Path | None,
    cwd: Path | None = None,
    death_signal: signal.Signals,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, its output appended to ``log`` (None: shown as ours).

    It runs as ``account`` (None: as ourselves), away from the terminal's Ctrl-C, and gets
    ``death_signal`` from the kernel when the thread that launched it ends (Linux), so call this
    from the main thread.
    """
    with _opened(log) as output:
        process = subprocess.Popen(  # noqa: S603 - the programs of our own wheels
            [str(part) for part in argv],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
            cwd=cwd,
            env=dict(env) if env is not None else server_environment(),
            start_new_session=True,
            preexec_fn=dies_with_parent(death_signal),  # noqa: PLW1509 - one prctl call, no lock taken
            **(account.popen() if account else {}),
        )
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # it died at once; the waiting for it will tell why
        process.stdin.write(stdin)
        process.stdin.close()
    return process


def dies_with_parent(death_signal: signal.Signals) -> Callable[[], None] | None:
    """What a child runs before exec so that it does not outlive us, even after kill -9 of us."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def set_death_signal() -> None:
        prctl(_PR_SET_PDEATHSIG, int(death_signal))
        if os.getppid() != parent:  # the parent died before the call: nobody would tell us any more
            os.kill(os.getpid(), death_signal)

    return set_death_signal


def server_environment() -> dict[str, str]:
    """The little that a server binary sees of our environment: no locale, no secret, no PG* variable."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def _opened(log: Path | None) -> AbstractContextManager[IO[bytes] | None]:
    if log is None:
        return contextlib.nullcontext()
    log.parent.mkdir(parents=True, exist_ok=True)
    rotate(log)
    return log.open("ab")


def rotate(log: Path) -> None:
    """Keep one older log beside the present one once that has grown over 10 MB."""
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_name(log.name + ".1"))


def log_end(log: Path, *, since: int = 0, lines: int = 12) -> str:
    """The last lines that were written to ``log`` after the offset ``since``."""
    with log.open("rb") as file:
        file.seek(since)
        return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])


def wait_until(
    ready: Callable[[], bool], *, process: subprocess.Popen[bytes], name: str, log: Path, echo: Echo
) -> None:
    """Wait as long as ``process`` lives; there is no time-out, since a recovery takes what it takes.

    Raises ServerFailed when the process ends first.
    """
    began = told = time.monotonic()
    while not ready():
        if process.poll() is not None:
            raise ServerFailed(
                msg("{name} ended with code {code} while starting. The end of {log}:\n{text}"),
                name=name,
                code=process.returncode,
                log=str(log),
                text=log_end(log),
            )
        if time.monotonic() - told > PROGRESS_SECONDS:
            told = time.monotonic()
            echo(
                msg("{name} is recovering what was written last ({seconds} s) ..."),
                name=name,
                seconds=round(told - began),
            )
        time.sleep(POLL_SECONDS)


def end(process: subprocess.Popen[bytes], *, signals: Sequence[tuple[signal.Signals, float]]) -> None:
    """End our child by the first signal that does it, each given its seconds; at last SIGKILL."""
    for number, patience in signals:
        if process.poll() is not None:
            return
        process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=patience)
    if process.poll() is None:
        process.kill()
    process.wait()


def working_in(folder: Path, *, program: str) -> list[psutil.Process]:
    """Living processes of ``program`` whose working directory is ``folder``.

    Servers work inside their data folder: this finds what a killed supervisor left behind
    without trusting any process id written down earlier.
    """
    place = str(folder.resolve())
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.name() == program and process.cwd() == place:
                found.append(process)
    return found


def end_leftovers(
    folder: Path, *, program: str, signals: Sequence[tuple[signal.Signals, float]], echo: Echo
) -> None:
    """End what still works in ``folder`` after its supervisor was killed, gently first.

    The parent among them is asked alone as long as there is one: it ends its own children.
    """
    for number, patience in (*signals, (signal.SIGKILL, 10.0)):
        leftovers = working_in(folder, program=program)
        if not leftovers:
            return
        echo(msg("Ending {program} left behind by an earlier run ..."), program=program)
        pids = {process.pid for process in leftovers}
        heads = [process for process in leftovers if _parent(process) not in pids]
        for process in heads:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        _wait_for_none(folder, program=program, seconds=patience)


def _parent(process: psutil.Process) -> int | None:
    try:
        return process.ppid()
    except psutil.NoSuchProcess:
        return None


def _wait_for_none(folder: Path, *, program: str, seconds: float) -> None:
    until = time.monotonic() + seconds
    while working_in(folder, program=program) and time.monotonic() < until:
        time.sleep(0.1)


def require_port(port: int, *, host: str = "127.0.0.1", setting: str) -> None:
    """Raises PortTaken, naming the setting that chooses another, when ``port`` is not free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            raise PortTaken(
                msg("Port {port} is taken ({reason}); {setting} chooses another one."),
                port=port,
                reason=problem.strerror or str(problem),
                setting=setting,
            ) from None


def free_port() -> int:
    """A port of the loopback address that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
