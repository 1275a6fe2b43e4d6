"""Servers of their own for tests that stop, kill and move them."""

import shutil
import tempfile
from pathlib import Path

import pytest

from kedang_platform import embedded
from kedang_platform.settings import Settings


@pytest.fixture
def folder():
    """A folder that every account may pass through, unlike the one pytest gives."""
    path = Path(tempfile.mkdtemp(prefix="kedang-embedded-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def start(request):
    """Start servers for a folder; whatever still runs is stopped after the test."""
    started = []

    def start(var: Path, *, fsync=False, **overrides):
        ports = {"postgres_port": embedded.free_port(), "valkey_port": embedded.free_port()}
        running = embedded.start(Settings(var=var, **{**ports, **overrides}), fsync=fsync)
        started.append(running)
        return running

    yield start
    for running in started:
        running.stop()
