"""The one place where a worker process puts together what its handlers use."""

from __future__ import annotations

from kedang_platform.clock import Clock
from kedang_platform.database import Databases
from kedang_platform.settings import Settings
from kedang_platform.work import Services


def make_services(*, databases: Databases, settings: Settings, clock: Clock) -> Services:
    """What handlers use, over databases that the caller has opened and closes."""
    return Services(databases=databases, settings=settings, clock=clock)
