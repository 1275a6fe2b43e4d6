"""How a process of the product begins to be observed, and how that ends."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import Final

import structlog
from pydantic import ValidationError
from pydantic_settings import SettingsError

from kedang_platform.observing import logs, metrics, tracing
from kedang_platform.settings import Settings

_WRONG: Final = 1
log = structlog.get_logger("kedang.process")


@contextmanager
def begin(process: str) -> Iterator[Settings]:
    """Log from now on, read the settings, tell figures and make traces as these say, until the block ends.

    Exits where a setting cannot be used: its name is told, never what it says.
    """
    logs.start_logging(process)
    settings = read_settings()
    logs.set_up(settings)
    metrics.tell_build(process=process, version=product_version())
    provider = tracing.start(settings, process=process, version=product_version())
    try:
        yield settings
    finally:
        tracing.stop(provider)


def read_settings() -> Settings:
    """The settings; exits with 1 where one cannot be used."""
    try:
        return Settings()
    except ValidationError as problem:
        for wrong in problem.errors(include_url=False, include_input=False, include_context=False):
            log.critical("setting.wrong", setting=str(wrong["loc"][0]) if wrong["loc"] else "")
        sys.exit(_WRONG)
    except SettingsError:
        log.critical("setting.wrong")
        sys.exit(_WRONG)


def product_version() -> str:
    """The release that runs here."""
    try:
        return version("kedang")
    except PackageNotFoundError:
        return "0"
