"""The ``kedang`` command: the whole product on one machine, or one process of it in a container."""

from kedang_workers.cli.commands import app

__all__ = ["app"]
